"""A daemon that the console runs in its own process, as far as the console needs to know it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from console.client.api import ApiClient


class OwnDaemonFailed(Exception):
    """The daemon of this window could not start, or could not go on; the message says why, in words for a person.

    ``where`` and ``connect``: the daemon that owns the journal or the org instead, where its address is known.
    """

    def __init__(self, said: str, *, where: str = "", connect: "Callable[[], ApiClient] | None" = None) -> None:
        self.where, self.connect = where, connect
        super().__init__(said)


class OwnDaemon(Protocol):
    """``start`` and ``stop`` block: call them from a thread. ``farewell``: after ``stop``, what waits for a next start.

    ``ended`` is done when it has stopped as asked, and holds OwnDaemonFailed when it could not go on.
    """

    farewell: str
    ended: Future[None]

    def start(self) -> None:
        """Returns when the daemon answers. Raises OwnDaemonFailed."""

    def stop(self) -> int:
        """Let calls under way end and close; how many runs go on at the next start. May be called again."""
