"""The base of sections that read a list from the daemon: again at once when somebody acted, and soon when anything moved."""

from collections.abc import Set

from console.client.errors import ApiError
from console.screens.acting import ActingScreen
from console.screens.desk import Desk
from console.screens.latest import Latest


class ReadingScreen(ActingScreen):
    """Give ``read`` and ``show``. ``trouble``: why the last reading failed; ``read_at``: when the last good one was."""

    EVERY = 5  # seconds between readings while nothing is heard
    LEAST = 1  # seconds between readings while nobody acts and the engine moves orders

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.trouble = ""
        self.read_at: float | None = None
        self.held = False  # the person holds the list still
        self._waited = 0
        self._seen_seq = self._seen_act = -1
        self._reading = Latest(self, self._read)

    async def read(self) -> None:
        """Ask the daemon and keep what it says. Raises ApiError."""
        raise NotImplementedError

    def show(self) -> None:
        """Put what is known on the screen."""
        raise NotImplementedError

    def show_changes(self, changed: Set[str]) -> None:
        """Orders are not shown here: the feed's number says when to read again."""

    def outdated(self, changed: Set[str]) -> bool:
        """Must it be read again at once, now that these orders changed? By itself: when anybody acted since the last time."""
        return self.desk.session.book.acted != self._seen_act

    def flush(self) -> None:
        changed = self._missed
        super().flush()
        if not self.held and self.outdated(changed):
            self.fetch()

    def tick(self) -> None:
        super().tick()
        self._waited += 1
        moved = self.desk.session.book.seq != self._seen_seq
        if not self.held and (self._waited >= self.EVERY or (moved and self._waited >= self.LEAST)):
            self.fetch()
        self.show()

    def on_screen_resume(self) -> None:
        self.fetch()
        super().on_screen_resume()

    def action_fetch(self) -> None:
        self.fetch()

    def fetch(self) -> None:
        """Read now, or once more when a reading is under way."""
        if self.can_read():
            book = self.desk.session.book
            self._waited, self._seen_seq, self._seen_act = 0, book.seq, book.acted
            self._reading()

    def can_read(self) -> bool:
        """Is there anybody to ask?"""
        return self.desk.session.link().usable

    async def _read(self) -> None:
        try:
            await self.read()
        except ApiError as error:
            self.trouble = str(error)
        else:
            self.trouble, self.read_at = "", self.desk.session.now()
        self.show()
        self.show_keys()

    def action_show_state(self, state: str) -> None:
        """A click on a count of the section bar."""
        self.app.call_later(self.app.run_action, f"orders_with('{state}')")
