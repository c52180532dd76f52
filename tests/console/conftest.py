"""The API on real sockets, with outside systems that are down, for the tests of API and screens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.api.rig import Desk, open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = await open_desk(tmp_path)
    try:
        yield opened
    finally:
        await opened.close()
