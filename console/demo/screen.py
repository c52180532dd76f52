"""``portal demo``: sandbox and daemon as processes, the console on this terminal, orders coming in."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.cli.state import State
from console.cli.terminal import need_terminal
from console.cli.window import Choice, open_window
from console.demo.options import CUSTOMERS, DemoOptions
from console.demo.processes import Child, start_daemon, start_sandbox
from console.observe.redact import Redactor

ORDERS_PER_MINUTE = 20.0


def run_screen(options: DemoOptions) -> int:
    """Returns the console's exit code. Raises DemoFailed, Failure."""
    need_terminal("portal demo --headless")
    kept = options.directory is not None
    folder = options.directory or Path(tempfile.mkdtemp(prefix="portal-demo-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    children: list[Child] = []
    try:
        loop.run_until_complete(_start(folder, options, children))
        return open_window(State(Redactor()), Choice(config=folder / "portal.toml"))
    finally:
        with _undisturbed():
            for child in reversed(children):
                loop.run_until_complete(child.stop())
            loop.close()
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A terminal that is closed hangs up more than once; the second time must not leave our processes behind."""
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _start(folder: Path, options: DemoOptions, children: list[Child]) -> None:
    children.append(await start_sandbox(folder, options.seed, CUSTOMERS, ORDERS_PER_MINUTE))
    config = folder / "portal.toml"
    children.append(await start_daemon(config, folder / "daemon.log"))
