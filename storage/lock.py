"""One process a file: an advisory lock beside it that names its holder."""

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from storage.errors import StoreInUse


class FileLock:
    """Held from ``acquire`` to ``release``, and given up by the kernel when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._handle: int | None = None

    def acquire(self, purpose: str) -> None:
        """Raises StoreInUse with the holder's purpose, process id, host and since when."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 4096).decode("utf-8", "replace")
            os.close(handle)
            raise StoreInUse(
                f"{self._path.stem} is in use by {_described(holder)}: stop it first, or use its API"
            ) from error
        about = {
            "purpose": purpose,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(about).encode(), 0)
        self._handle = handle

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _described(holder: str) -> str:
    try:
        about = json.loads(holder)
        return f"{about['purpose']} (process {about['pid']} on {about['host']}, since {about['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
