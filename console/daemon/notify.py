"""Telling systemd how we do (sd_notify): a datagram to the socket it names, nothing where there is none."""

import contextlib
import socket
from collections.abc import Mapping


class Notifier:
    """``environ``: NOTIFY_SOCKET and WATCHDOG_USEC as systemd sets them for ``Type=notify``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        microseconds = environ.get("WATCHDOG_USEC", "")
        self.watchdog_every = int(microseconds) / 2_000_000 if microseconds.isdecimal() and self._address else None

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=letting calls under way end")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        """An error is no reason to stop: systemd then decides by its own time-outs."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as s:
            s.sendto(message.encode(), address)
