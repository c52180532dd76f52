"""The forking process of a worker, and a rig for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.daemons import Zygote
from tests.e2e.rig import Rig, running


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    forking = Zygote()
    yield forking
    forking.close()


@pytest.fixture
async def rig(tmp_path: Path, zygote: Zygote) -> AsyncIterator[Rig]:
    async with running(tmp_path / "world", zygote) as started:
        yield started
