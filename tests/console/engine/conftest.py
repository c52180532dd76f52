"""A bench: an engine over a real journal, a clock that the test moves, a far side that does what it is told."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
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


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox's folder with its keys and certificates, without its world: drawing keys takes longest at its start."""
    folder = tmp_path_factory.mktemp("keys")

    async def draw() -> None:
        sandbox = Sandbox(folder, customers=1)
        await sandbox.start()
        await sandbox.stop()

    asyncio.run(draw())
    for path in folder.glob("sandbox.db*"):
        path.unlink()
    return folder


@pytest.fixture
async def plant(tmp_path: Path, new_journal: Path, keys: Path) -> AsyncIterator[Plant]:
    """The sandbox's servers, the real clients, an engine that owns the org and has stock."""
    shutil.copytree(keys, tmp_path / "plant")

    def copied(path: Path) -> Path:
        return Path(shutil.copy(new_journal, path))

    async with plant_in(tmp_path / "plant", copied) as made:
        yield made
