"""One sandbox and one daemon, as processes, for all tests of a worker that only look or act on orders of their own."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from console.cli.main import main
from tests.console.cli.processes import PATIENT, Ended, Running, environment, running


@dataclass(frozen=True)
class SandboxProcess:
    folder: Path
    process: Running

    @property
    def config(self) -> str:
        return str(self.folder / "portal.toml")

    def config_text(self) -> str:
        return (self.folder / "portal.toml").read_text()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the control API, which the product is not told."""
        url = json.loads((self.folder / "sandbox.json").read_text())["control_url"]
        data = json.dumps(body).encode() if body is not None else None
        request = Request(url + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder = tmp_path_factory.mktemp("sandbox")
    arguments = ("sandbox", "--dir", str(folder), "--seed", "5", "--customers", "20")
    with running(folder, "sandbox", arguments) as process:
        process.wait_for("sandbox ready")
        yield SandboxProcess(folder, process)


@pytest.fixture(scope="session")
def daemon(sandbox: SandboxProcess) -> Iterator[Running]:
    env = environment(sandbox.folder, **PATIENT)
    with running(sandbox.folder, "daemon", ("daemon", "--config", sandbox.config), env) as process:
        process.wait_for("is ready")
        yield process


class Here:
    """``portal …`` in this process, as starting one a verb would take most of the time."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, *arguments: str) -> Ended:
        self._captured.readouterr()
        code = main(arguments)
        out, err = self._captured.readouterr()
        return Ended(code, out, err)


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Here:
    """In a folder of its own, with nothing of the tester's settings."""
    own = environment(tmp_path)
    for name in [name for name in os.environ if name not in own]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "COLUMNS"):
        monkeypatch.setenv(name, own[name])
    monkeypatch.chdir(tmp_path)
    return Here(capsys)


@dataclass(frozen=True)
class Desk:
    """``portal …`` against the running daemon."""

    sandbox: SandboxProcess
    here: Here

    def __call__(self, *arguments: str) -> Ended:
        return self.here(*arguments, "--config", self.sandbox.config)

    def json(self, *arguments: str) -> Any:
        ended = self(*arguments, "--json")
        assert ended.code == 0, ended
        return json.loads(ended.out)


@pytest.fixture
def desk(sandbox: SandboxProcess, daemon: Running, here: Here, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name, value in PATIENT.items():
        monkeypatch.setenv(name, value)
    return Desk(sandbox, here)
