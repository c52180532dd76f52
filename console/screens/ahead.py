"""Keys that are typed ahead: each is taken when what the one before it opens stands there, so ``F090-1234`` in one burst
is a search and no five commands.

Textual gives a key to what has the focus when it is read, not when the key before it has done its work.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, TextArea

from console.widgets.paintedrows import PaintedRows

STILL = 3  # times in a row that nothing else has the focus: the key, what it sent, what that opened
MOST = 5.0  # seconds that what a key opens is waited for on a busy machine; then the next one is taken whatever stands there

MOVES = frozenset({"up", "down", "pageup", "pagedown", "home", "end"})

Typed = events.Key | events.Paste


class TypedAhead:
    """``take`` handles one key or paste at once. ``on_top``: the screen in front. ``confirms``: a screen on which a key agrees to something; what was typed
    before it stood there is dropped. ``opening``: is a screen asked for that will come?"""

    def __init__(
        self, app: App[Any], take: Callable[[Typed], Awaitable[None]], *, on_top: Callable[[], Screen[Any] | None],
        confirms: Callable[[Screen[Any]], bool], opening: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._app, self._take, self._on_top, self._confirms, self._opening = app, take, on_top, confirms, opening
        self._held: deque[tuple[Typed, Screen[Any] | None]] = deque()
        self._turn = 0  # of the key under way; 0: none is
        self._last = 0
        self._focus: tuple[object, object] = (None, None)
        self._still = 0
        self._limit: asyncio.TimerHandle | None = None

    async def give(self, event: Typed) -> None:
        """Take it now, or after those before it."""
        if self._turn:
            self._held.append((event, self._on_top()))
        elif isinstance(event, events.Key) and self._opens_nothing(event):
            await self._take(event)
        else:
            await self._begin(event)

    def _opens_nothing(self, key: events.Key) -> bool:
        """A letter in a text field; a cursor key in a list, where what comes after it goes the same way."""
        focused = self._app.focused
        return (key.is_printable and isinstance(focused, Input | TextArea)) or (
            key.key in MOVES and isinstance(focused, PaintedRows)
        )

    async def _begin(self, event: Typed) -> None:
        self._last += 1
        self._turn = turn = self._last
        self._focus, self._still = (None, None), 0
        self._limit = asyncio.get_running_loop().call_later(MOST, self._through, turn)
        await self._take(event)
        self._go_up(self._app.focused or self._on_top(), turn)

    def _go_up(self, node: DOMNode | None, turn: int) -> None:
        """Behind everything that waits at ``node`` and at what it is in: what the key does goes the same way."""
        while node is not None and node is not self._app:
            if node.call_later(self._go_up, node.parent, turn):
                return
            node = node.parent  # it is gone
        self._app.call_later(self._arrived, turn)

    async def _arrived(self, turn: int) -> None:
        if turn != self._turn:
            return
        focus = (self._on_top(), self._app.focused)
        self._still = self._still + 1 if focus == self._focus and not self._opening() else 0
        self._focus = focus
        if self._still < STILL:
            await asyncio.sleep(0)
            self._go_up(self._app.focused or self._on_top(), turn)
        else:
            await self._next(turn)

    def _through(self, turn: int) -> None:
        self._app.call_later(self._next, turn)

    async def _next(self, turn: int) -> None:
        if turn != self._turn:
            return
        if self._limit is not None:
            self._limit.cancel()
        self._turn = 0
        while self._held:
            event, screen = self._held.popleft()
            now = self._on_top()
            if now is None or now is screen or not self._confirms(now):
                await self._begin(event)
                return
