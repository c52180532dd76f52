"""A journal in a folder of its own, closed again whatever happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal.open(path)
    yield opened
    opened.close()
