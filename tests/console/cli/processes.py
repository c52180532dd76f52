"""Real processes: a verb run to its end, and servers started, awaited and stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import console

PORTAL = (sys.executable, "-m", "console")
WAIT = 60.0
# The sandbox's settings give an outside system a few seconds; where the machine is busy, one that is well takes longer.
PATIENT = {
    f"PORTAL_{name}": "60"
    for name in ("SALESFORCE__TIMEOUT", "WHMCS__READ_TIMEOUT", "WHMCS__WRITE_TIMEOUT", "ESIM__TIMEOUT", "MAIL__TIMEOUT",
                 "MAIL__ANSWER_TIMEOUT")
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a verb ended."""

    code: int
    out: str
    err: str


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of the tester's own settings, tokens or folders."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PORTAL_", "XDG_", "NOTIFY_", "WATCHDOG_"))
    }
    kept["PYTHONPATH"] = str(Path(console.__file__).parents[1])
    homes = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "XDG_STATE_HOME": str(folder / "state")}
    return {**kept, **homes, "COLUMNS": "120", **more}


def sizeless(env: Mapping[str, str]) -> dict[str, str]:
    """For a terminal of its own: Textual believes a size that it is told (as xdist does) more than the terminal."""
    return {name: value for name, value in env.items() if name not in ("LINES", "COLUMNS")}


def portal(folder: Path, *arguments: str, env: dict[str, str] | None = None, typed: str = "") -> Ended:
    """Run ``portal …`` in ``folder`` to its end."""
    done = subprocess.run(
        [*PORTAL, *arguments], cwd=folder, env=env or environment(folder), input=typed, capture_output=True,
        encoding="utf-8", timeout=WAIT,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass
class Running:
    """A server under way; its stdout and stderr go to files."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def said(self) -> str:
        return self.out.read_text() + self.err.read_text()

    def wait_for(self, words: str) -> None:
        """Until ``words`` stand in its output."""
        deadline = time.monotonic() + WAIT
        while words not in self.said():
            assert self.process.poll() is None, f"it ended: {self.said()}"
            assert time.monotonic() < deadline, f"never said {words!r}: {self.said()}"
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal and wait; returns exit code and seconds."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(WAIT), time.monotonic() - began


@contextmanager
def running(folder: Path, name: str, arguments: Sequence[str], env: dict[str, str] | None = None) -> Iterator[Running]:
    """Start ``portal …``; killed at the end if it still runs."""
    folder.mkdir(parents=True, exist_ok=True)
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    with out.open("wb") as out_file, err.open("wb") as err_file:
        process = subprocess.Popen(
            [*PORTAL, *arguments], cwd=folder, env=env or environment(folder), stdout=out_file, stderr=err_file,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield Running(process, out, err)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
