"""What the console hears: keys one by one, none in a dialog's first moments, and none that an input method made."""

from time import monotonic
from typing import Any

from textual import events
from textual.screen import Screen
from textual.widgets import Input, TextArea

from console.screens.acting import AFRESH
from console.screens.ahead import TypedAhead
from console.screens.desk import NEVER
from console.screens.going import GoingApp
from console.widgets.confirm import PlanDialog
from console.widgets.inline import InlineConfirm
from console.widgets.question import Question


class HearingApp(GoingApp, inherit_bindings=False):
    """The application as far as keys, pastes and clicks reach it."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = TypedAhead(self, self._take, on_top=self._active, confirms=self._confirms, opening=self._opening)

    def _tick(self) -> None:
        """Show what only time, or a key, has changed."""
        raise NotImplementedError

    def _active(self) -> Screen[Any] | None:
        """The screen on top; None while the console starts or ends."""
        stack = self._screen_stacks.get(self._current_mode)
        return stack[-1] if stack else None

    async def on_event(self, event: events.Event) -> None:
        """What is typed is taken key by key, each when the one before it has done its work."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            line_feed = isinstance(event, events.Key) and event.key == "ctrl+j"  # as scripts send it for the enter key
            await self._ahead.give(events.Key("enter", "\r") if line_feed else event)
        else:
            await self._take(event)

    async def _take(self, event: events.Event) -> None:
        """A dialog ignores what comes in its first moments: those keys were meant for what stood there before.

        Not esc, which agrees to nothing: who sees a dialog he did not want is rid of it by the first press.
        """
        if isinstance(event, events.Key | events.Paste | events.MouseDown) and not event.is_forwarded:
            screen = self._active()
            key = (event.character or "") if isinstance(event, events.Key) else ""
            leaves = isinstance(event, events.Key) and event.key == "escape"
            if isinstance(screen, PlanDialog | Question) and not leaves and screen.ignores_input(key):
                event.stop()
                return
            if key and not key.isascii() and key.isprintable() and not isinstance(self.focused, Input | TextArea):
                event.stop()
                self._say_japanese_input(monotonic())
                return
            if isinstance(event, events.Key) and self.desk.foreign_key_at > NEVER:
                self._say_japanese_input(NEVER)  # a key of the keyboard itself: it is off, or does no harm
        await super().on_event(event)

    @staticmethod
    def _confirms(screen: Screen[Any]) -> bool:
        return isinstance(screen, PlanDialog | InlineConfirm | Question)

    def _opening(self) -> bool:
        """Is a dialog about to be opened as soon as the daemon has said whether it may be?"""
        return any(worker.group == AFRESH and not worker.is_finished for worker in self.workers)

    def _say_japanese_input(self, at: float) -> None:
        """A key that came out of an input method is no command; the footer says so for a while, or (NEVER) no longer."""
        self.desk.foreign_key_at = at
        self._tick()
