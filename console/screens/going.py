"""Going from one place of the console to another: sections, orders, search, help, the log console.

A screen is imported when somebody goes there: the first frame does not wait for it.
"""

from datetime import datetime

from textual import work
from textual.app import App

from console.screens.acting import ActingScreen
from console.screens.base import LiveScreen
from console.screens.desk import Desk
from console.screens.logbook import LogBook
from console.screens.palette import own_keys
from console.screens.places import Kind, Place


class GoingApp(App[int], inherit_bindings=False):
    """The application as far as its places go. ``desk`` and ``log_book`` are made by whoever inherits."""

    desk: Desk
    log_book: LogBook

    def copy_out(self, text: str, what: str = "text") -> None:
        """Copy to the terminal's clipboard and say what became of it."""
        raise NotImplementedError

    # Sections and orders ---------------------------------------------------------------------------------------------

    def action_section(self, mode: str) -> None:
        if self.current_mode != mode:
            self.switch_mode(mode)
        else:
            while len(self.screen_stack) > 1:
                self.pop_screen()

    async def action_orders_with(self, state: str) -> None:
        """The board with one state only: where a click on a count leads from every screen."""
        await self._board("show_state", state)

    async def action_orders_by(self, text: str) -> None:
        """The board with this filter."""
        await self._board("filter_by", text)

    async def _board(self, action: str, text: str) -> None:
        """The board, and one of its actions with a text."""
        await self.switch_mode("orders")
        self.action_section("orders")
        self.call_after_refresh(self.run_action, f"{action}({text!r})", self.screen_stack[0])

    # Search ----------------------------------------------------------------------------------------------------------

    @work(group="go", exclusive=True, exit_on_error=False)
    async def action_go_to(self, text: str = "") -> None:
        from console.screens.goto import GoTo

        if not isinstance(self.screen, LiveScreen):
            return
        place = await self.push_screen_wait(GoTo(self.desk.glyphs, self._find_order, text))
        match place:
            case Place(Kind.ORDER, order_id):
                from console.screens.order import OrderScreen

                if isinstance(self.screen, OrderScreen):
                    self.pop_screen()
                self.push_screen(OrderScreen(self.desk, order_id))
            case Place(Kind.FIND, wanted):
                self.action_find(wanted)
            case Place(Kind.FILTER, wanted):
                await self._board("filter_by", wanted)
            case Place(Kind.SECTION, mode):
                self.action_section(mode)
            case Place(Kind.ACTION, action):
                await self.run_action(action)

    def action_find(self, text: str = "") -> None:
        """Look for something, whatever it is; a search that is open below is gone back to."""
        from console.screens.find import FindScreen

        opened = next((screen for screen in self.screen_stack if isinstance(screen, FindScreen)), None)
        if opened is None:
            if isinstance(self.screen, LiveScreen):
                self.push_screen(FindScreen(self.desk, text))
            return
        while self.screen is not opened:
            self.pop_screen()
        if text:
            opened.look_for(text)
        else:
            opened.action_edit()

    async def _find_order(self, text: str) -> str:
        return (await self.desk.session.api.order(text)).order.order_id

    # What stands beside ----------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        from console.screens.help import HelpScreen

        screen = self.screen
        if not isinstance(screen, LiveScreen):
            return
        possible = screen.known_commands() if isinstance(screen, ActingScreen) else ()
        title = str(type(screen).BINDING_GROUP_TITLE or "Keys")
        system = self.desk.session.system_commands
        self.push_screen(HelpScreen(self.desk.glyphs, title, own_keys(screen), [*possible, *system]))

    def action_log_console(self) -> None:
        """What this window did, masked."""
        from console.screens.logscreen import LogConsole

        if isinstance(self.screen, LiveScreen):
            zone = self.desk.session.zone
            self.push_screen(LogConsole(self.desk.glyphs, self.log_book, zone, self.copy_out))

    def action_say_zone(self) -> None:
        """The zone in which all times on the screen are told."""
        session = self.desk.session
        at = datetime.fromtimestamp(session.now(), session.zone)
        self.post_message(
            LiveScreen.Told(
                f"Times are told in {session.zone} ({at:%Z, UTC%z}); it is {at:%Y-%m-%d %H:%M:%S}.", "information"
            )
        )

    def action_batches(self) -> None:
        """Acts on many orders: those that go on and those that ended."""
        from console.screens.batch import BatchesScreen

        if isinstance(self.screen, LiveScreen) and not isinstance(self.screen, BatchesScreen):
            self.push_screen(BatchesScreen(self.desk))

    def action_batch(self, batch_id: str) -> None:
        """One of them, as soon as it is begun."""
        from console.screens.batch import BatchScreen

        if isinstance(self.screen, LiveScreen):
            self.push_screen(BatchScreen(self.desk, batch_id))
