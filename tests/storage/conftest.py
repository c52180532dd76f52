"""A journal in a folder of its own, closed again whatever happens."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.journal import Journal


@pytest.fixture(scope="session")
def new_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal just made, to be copied: making one takes a tenth of a second."""
    path = tmp_path_factory.mktemp("new") / "journal.db"
    Journal.open(path).close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.db"


@pytest.fixture
def journal(path: Path, new_journal: Path) -> Iterator[Journal]:
    path.parent.mkdir(mode=0o700)
    shutil.copy(new_journal, path)
    opened = Journal.open(path)
    yield opened
    opened.close()
