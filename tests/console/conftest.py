"""The API on real sockets, with outside systems that are down, for the tests of API and screens."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.console.api.rig import Desk, open_desk


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Daemon and client of a test share a loop, or a busy machine: what holds up one holds up the other's connection."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("console.client.connection.CONNECT", 60.0)
        yield


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = await open_desk(tmp_path)
    try:
        yield opened
    finally:
        await opened.close()
