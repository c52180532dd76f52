"""A daemon that the console runs in its own process, as far as the console needs to know it."""

from typing import Protocol


class OwnDaemonFailed(Exception):
    """The daemon of this window could not start; the message says why, in words for a person."""


class OwnDaemonRefused(OwnDaemonFailed):
    """It may not start because another journal owns the org; the message says which, and since when it was seen."""


class OwnDaemon(Protocol):
    """``start`` and ``stop`` block: call them from a thread. ``farewell``: after ``stop``, what waits for a next start."""

    farewell: str

    def start(self) -> None:
        """Returns when the daemon answers. Raises OwnDaemonFailed."""

    def stop(self) -> int:
        """Let calls under way end and close; how many runs go on at the next start. May be called again."""
