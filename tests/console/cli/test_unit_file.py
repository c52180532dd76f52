"""The systemd unit that is shipped, and what is told to systemd."""

import configparser
import shlex
import socket
from importlib.resources import files
from pathlib import Path

import pytest

from console.cli.exits import Exit
from console.daemon.notify import Notifier
from tests.console.cli.processes import portal


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((files("console.daemon") / "portal.service").read_text())
    return parser


def test_the_unit_starts_a_verb_that_there_is(tmp_path: Path) -> None:
    service = unit()["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert Path(program).name == "portal"
    ended = portal(tmp_path, *arguments)
    assert (ended.code, "/etc/portal/portal.toml is not there" in ended.err) == (Exit.USAGE, True)
    assert service["Type"] == "notify"


def test_the_unit_restarts_after_a_defect_only() -> None:
    service = unit()["Service"]
    assert service["Restart"] == "on-failure"
    never = {int(code) for code in service["RestartPreventExitStatus"].split()}
    assert never == {Exit.USAGE, Exit.REFUSED, Exit.CONFLICT}
    assert float(service["TimeoutStopSec"]) > 10


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path: Path, abstract: bool) -> None:
    path = f"@portal-test-{tmp_path.name}" if abstract else str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + path[1:] if abstract else path)
        listener.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"})
        assert notifier.watchdog_every == 15.0
        notifier.ready("listening")
        notifier.alive()
        notifier.stopping()
        assert listener.recv(200) == b"READY=1\nSTATUS=listening"
        assert listener.recv(200) == b"WATCHDOG=1"
        assert listener.recv(200).startswith(b"STOPPING=1\n")


def test_without_systemd_nothing_is_told() -> None:
    notifier = Notifier({"WATCHDOG_USEC": "30000000"})
    assert notifier.watchdog_every is None
    notifier.ready("x")
    Notifier({"NOTIFY_SOCKET": "/nowhere/at/all"}).ready("x")
