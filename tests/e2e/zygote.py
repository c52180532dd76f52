"""Forks daemons. Everything is imported once here, so that a killed daemon is back in a tenth of a second.

Each child is a process and a session of its own that runs the very function of ``portal daemon``. Lines of JSON on
stdin: {config, log, change, observe, take_over} forks one and is answered {pid}; {"import": file, "into": folder}
loads an eSIM stock. An end is told as {ended, status}. When stdin closes every child is killed.
"""

import contextlib
import gc
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import httpx_aiohttp
import jinja2
import uvicorn.lifespan.off
import uvloop

from console.daemon import clients, receiver, serve, subscriber
from console.observe.redact import Redactor
from console.settings import load_settings
from tests.e2e import changes

# imported for their weight: what a daemon loads after its start
__all__ = ["clients", "httpx_aiohttp", "jinja2", "receiver", "subscriber", "uvicorn", "uvloop"]


def main() -> None:
    """Serve until stdin closes."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: set[int] = set()
    gc.collect()
    gc.freeze()
    try:
        while True:
            ready, _, _ = select.select([0, reading], [], [])
            if reading in ready:
                os.read(reading, 4096)
                _reap(children)
            if 0 in ready:
                line = _line()
                if not line:
                    return
                children.add(_fork(json.loads(line)))
    finally:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _line() -> bytes:
    """One line of stdin, unbuffered so that select tells the truth."""
    found = b""
    while not found.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        found += byte
    return found


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _reap(children: set[int]) -> None:
    while children:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        children.discard(pid)
        _tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        _tell({"pid": pid})
        return pid
    code = 70
    try:
        code = _be_daemon(order)
    except BaseException:  # noqa: BLE001 - a child must not go on as a zygote
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _be_daemon(order: dict[str, Any]) -> int:
    """Returns the exit code: 0 stopped as asked, 4 refused, 5 another journal owns the org or holds the file."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDWR)
    for number, target in ((0, null), (1, log), (2, log)):
        os.dup2(target, number)
    if order.get("change"):
        changes.apply(order["change"])
    from console.daemon.organisation import Refused
    from console.engine.ownership import NotOwner
    from storage.errors import StoreInUse

    environ = {"PATH": os.defpath}
    loaded = load_settings(Path(order["config"]), environ, complete=True)
    try:
        serve.run_daemon(
            loaded.settings, Redactor(loaded.secrets()), environ,
            observe=bool(order.get("observe")), take_over=bool(order.get("take_over")),
        )  # fmt: skip
    except Refused as refusal:
        sys.stderr.write(f"refused: {refusal}\n")
        return 4
    except (NotOwner, StoreInUse) as refusal:
        sys.stderr.write(f"{type(refusal).__name__}: {refusal}\n")
        return 5
    return 0


if __name__ == "__main__":
    main()
