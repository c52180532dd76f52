"""The daemon inside the console's process: its own thread, and an end that says what it left."""

import asyncio
import stat
from pathlib import Path

import pytest

from console.client.api import ApiClient
from console.client.owndaemon import OwnDaemonFailed
from console.embedded import EmbeddedDaemon
from console.observe.redact import Redactor
from console.settings.loading import load_settings
from tests.console.api.rig import NOWHERE


def made(folder: Path) -> EmbeddedDaemon:
    environ = {**NOWHERE, "PORTAL_DAEMON__DATA_DIR": str(folder), "PORTAL_INTAKE__START_AT": "2026-01-01T00:00:00Z"}
    return EmbeddedDaemon(load_settings(None, environ).settings, Redactor())


async def test_it_answers_over_its_socket_and_stops_with_a_sentence(tmp_path: Path) -> None:
    daemon = made(tmp_path / "d")
    await asyncio.to_thread(daemon.start)
    try:
        async with ApiClient(daemon.address) as client:
            assert (await client.me()).role == "admin"
        assert stat.S_IMODE(daemon.log_file.stat().st_mode) == 0o600
        second = made(tmp_path / "d")
        with pytest.raises(OwnDaemonFailed):
            await asyncio.to_thread(second.start)
        assert second.stop() == 0
    finally:
        left = await asyncio.to_thread(daemon.stop)
    assert (left, daemon.farewell) == (0, "The daemon of this window has stopped; no order was under way.")
    assert daemon.stop() == 0, "stopping again does nothing"
