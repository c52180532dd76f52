"""A sandbox's folder: one process at a time, private files, and the ports it keeps over a restart."""

import contextlib
import fcntl
import json
import os
import random
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integrations.sandbox.store import Store

LOCK = "sandbox.lock"
PORTS = range(15_000, 32_000)
TRIES = 50


class SandboxError(Exception):
    """The sandbox cannot start; the message says why and what to do."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` (made if missing) for this process; a lock dies with its holder, also by kill -9.

    Raises SandboxError naming the process that holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SandboxError(f"cannot use {folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20).decode().strip() or "unknown"
            raise SandboxError(f"{folder} is in use by a sandbox that runs already (process {holder})") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step, readable by its owner alone."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def write_json(path: Path, document: Any) -> None:
    write_private(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def keep_ports(
    store: Store,
    names: Sequence[str],
    host: str,
    wanted: Mapping[str, int],
    others: Sequence[str] = (),
    until: contextlib.ExitStack | None = None,
) -> dict[str, int]:
    """A port for each name: the one wanted, else the one it had before, else a free one; kept for the next start.

    ``others`` are names whose ports another process may be using by now: chosen once, then never tried again.
    ``until``: before it is closed, no other sandbox's choice falls on these ports, also where nobody listens yet.
    Raises SandboxError for a port that something else has.
    """
    kept = store.table("ports")
    with contextlib.ExitStack() as held:
        ports = {}
        for name in names:
            before = (kept.get(name) or {"port": 0})["port"]
            port = wanted.get(name) or before
            if port and name in others:
                ports[name] = port
            elif port in ports.values():
                raise SandboxError(f"port {port} for {name} is not free (another server of this sandbox has it)")
            elif port:
                ports[name] = _bound(held, host, port, name)
            else:
                ports[name] = _any(held, host, name)
        if until is not None:
            until.push(held.pop_all())
    with store.transaction():
        for name, port in ports.items():
            kept.put(name, {"port": port})
    return ports


def _bound(held: contextlib.ExitStack, host: str, port: int, name: str) -> int:
    """``port`` if it is free."""
    listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise SandboxError(f"port {port} for {name} is not free ({error.strerror})") from error
    return port


def _any(held: contextlib.ExitStack, host: str, name: str) -> int:
    """A free port below those that the system gives to outgoing connections: one of these could take it at any time
    while nobody listens, between the choice and the start or between two runs.

    As long as it is held, whoever says that an address may be used again, as every server does, can listen there; whoever
    looks for a free one here finds that it is not.
    """
    reason = ""
    for port in random.SystemRandom().sample(PORTS, TRIES):
        listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = error.strerror or ""
            continue
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return port
    raise SandboxError(f"no port is free for {name} ({reason})")
