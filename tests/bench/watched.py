"""`portal …` with a watch in its event loop: `python -m tests.bench.watched FILE console …`.

The same code path as the installed command. FILE gets a sample for each tick of 5 ms: five doubles, see ``Sample``.
From SIGUSR1 on nothing that changes is given to the screen any more: the control, with which the budgets must be missed.
"""

import asyncio
import os
import signal
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

import console.app
from console.cli.main import main as portal

TICK = 0.005
_SAMPLE = struct.Struct("5d")
_KEPT = 50  # samples written at once
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Sample(NamedTuple):
    """``at``: monotonic time it woke; ``lag``: seconds later than it wanted to; ``seq``: where its book stood; ``cpu``:
    seconds of the whole process so far; ``rss``: bytes."""

    at: float
    lag: float
    seq: float
    cpu: float
    rss: float


def read(file: Path) -> list[Sample]:
    """All samples written so far."""
    data = file.read_bytes() if file.exists() else b""
    whole = len(data) - len(data) % _SAMPLE.size
    return [Sample(*values) for values in _SAMPLE.iter_unpack(data[:whole])]


def last(file: Path) -> Sample | None:
    """The newest sample written so far."""
    if not file.exists() or file.stat().st_size < _SAMPLE.size:
        return None
    with file.open("rb") as stream:
        stream.seek((file.stat().st_size // _SAMPLE.size - 1) * _SAMPLE.size)
        return Sample(*_SAMPLE.unpack(stream.read(_SAMPLE.size)))


def _rss() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE


def watched(file: Path) -> type[console.app.ConsoleApp]:
    """The console with a watch."""

    class ConsoleApp(console.app.ConsoleApp):
        CSS_PATH = str(
            Path(console.app.__file__).parents[1] / "styles" / "base.tcss"
        )  # Textual looks beside this module

        def on_mount(self) -> None:
            self._flushes = True
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._stop_flushing)
            self.run_worker(self._watch(), group="watch", exit_on_error=True)

        def _stop_flushing(self) -> None:
            self._flushes = False

        async def _watch(self) -> None:
            kept: list[bytes] = []
            rss = _rss()
            with file.open("ab", buffering=0) as stream:
                while True:
                    asked = time.monotonic()
                    await asyncio.sleep(TICK)
                    now = time.monotonic()
                    kept.append(
                        _SAMPLE.pack(now, now - asked - TICK, self.desk.session.book.seq, time.process_time(), rss)
                    )
                    if len(kept) >= _KEPT:
                        stream.write(b"".join(kept))
                        kept, rss = [], _rss()

        def _paint(self) -> None:
            if self._flushes:
                super()._paint()

    return ConsoleApp


def main(arguments: list[str]) -> int:
    """Run the command line with the watched console."""
    file, *words = arguments
    console.app.ConsoleApp = watched(Path(file))  # type: ignore[misc]
    return portal(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
