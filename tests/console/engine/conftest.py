"""A bench: an engine over a real journal, a clock that the test moves, a far side that does what it is told."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.journal import Journal
from tests.console.engine.hands import Bench, Far, HandClock, engine_over
from tests.console.engine.plant import Plant, plant_in


@pytest.fixture(scope="session")
def new_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal just made, to be copied: making one takes a tenth of a second."""
    path = tmp_path_factory.mktemp("new") / "journal.db"
    Journal.open(path).close()
    return path


@pytest.fixture
async def bench(tmp_path: Path, new_journal: Path) -> AsyncIterator[Bench]:
    journal = Journal.open(Path(shutil.copy(new_journal, tmp_path / "journal.db")))
    clock = HandClock()
    yield Bench(journal, clock, engine_over(journal, clock), Far(clock))
    journal.close()


@pytest.fixture
async def plant(tmp_path: Path, new_journal: Path) -> AsyncIterator[Plant]:
    """The sandbox's servers, the real clients, an engine that owns the org and has stock."""

    def copied(path: Path) -> Path:
        return Path(shutil.copy(new_journal, path))

    async with plant_in(tmp_path / "plant", copied) as made:
        yield made
