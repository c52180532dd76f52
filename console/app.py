"""The console: a Textual application that is a client of the daemon's API and nothing else."""

import asyncio
import contextlib
import signal
import threading
import traceback
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.driver import Driver
from textual.filter import LineFilter, Monochrome
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from console import collector, keys
from console.client.errors import ApiError
from console.client.owndaemon import OwnDaemonFailed
from console.client.views import View
from console.commands.cliline import cli_line
from console.commands.table import BY_ID
from console.eventloop import loop_factory
from console.observe.crash import EXIT_CRASH
from console.screens.attaching import Attachment, OtherOrg
from console.screens.attention import Attention
from console.screens.base import LiveScreen
from console.screens.clipboard import Clipboard, question
from console.screens.desk import Desk
from console.screens.driver import lasting
from console.screens.hearing import HearingApp
from console.screens.logbook import Did, LogBook
from console.screens.opening import ConsoleOptions
from console.screens.palette import ConsoleProvider
from console.screens.sections import SECTIONS
from console.screens.session import Session
from console.screens.stylesheet import KeptStylesheet
from console.screens.submitting import Submissions
from console.theme import DARK, LIGHT, THEMES
from console.widgets.confirm import PlanDialog
from console.widgets.frames import PLAIN, suit
from console.widgets.glyphs import SETS
from console.widgets.inline import InlineConfirm
from console.widgets.painting import painting
from console.widgets.question import Question
from console.widgets.ticker import moment_line

if TYPE_CHECKING:
    from console.schema.commands import SubmitRequest, Submitted

FLUSH = 0.1  # seconds between two paintings of what changed
LARGE, FLUSH_LARGE = 9_000, 0.15  # cells from which a painting costs so much that there are fewer
EXIT_REFUSED = 4  # as the command line has it
TITLE_KEPT, TITLE_BACK = "\x1b[22;0t", "\x1b[23;0t"  # the terminal's title before us, put aside and given back
NOTICE = 8.0


class ConsoleApp(HearingApp, inherit_bindings=False):
    """Three workers (feed, identity, integrations) and a flush of what changed to the active screen, ten times a second (fewer on a
    large terminal)."""

    TITLE = "portal"
    CSS_PATH = "../styles/base.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.APP,
        *(
            Binding(section.key, f"section('{section.mode}')", section.title, show=False, id=f"section.{section.mode}")
            for section in SECTIONS
        ),
    ]
    COMMANDS: ClassVar[set[Any]] = {ConsoleProvider}
    ENABLE_COMMAND_PALETTE = True
    PAUSE_GC_ON_SCROLL = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (180, "-huge")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, options: ConsoleOptions) -> None:
        self.options = options
        super().__init__()
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())
        session = Session(options.connect, wall=options.wall, zone=options.zone, read_only=options.read_only)
        self.log_book = LogBook(session.now, options.crash.redactor.text)
        session.on_failure = self.log_book.failed
        self._attachment = Attachment(session, self._tell, self._look, own=options.embedded, org_id=options.org_id)
        submissions = Submissions(self._submit_once, self._tell, monotonic)
        self.desk = Desk(
            session,
            submissions,
            SETS[options.glyphs],
            options.views,
            window_runs_daemon=options.embedded is not None,
            view=options.view or View("", ""),
            environ=options.environ,
            wide=options.wide,
            attention=Attention(self.bell, self._entitle),
        )
        self.copier = Clipboard(options.environ, options.copies, self._tell, self._offer_copy)
        self.looks_from = options.looks_from  # where theme and signs came from
        self._seen_act = 0  # the newest act that was heard of
        self._seen_link = session.link().state
        self._flushing: Timer | None = None
        self._flush_rest = 0.0  # seconds between two flushes
        self._mishaps: set[str] = set()  # kinds and places of defects that were told
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = options.theme

    def get_driver_class(self) -> type[Driver]:
        return lasting(super().get_driver_class())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What is painted goes through our own: signs the terminal can draw, and no colour where none is wanted."""
        kept = (one for one in super().get_line_filters() if not isinstance(one, Monochrome))
        ground = self.current_theme.background or ""
        return [*kept, *painting(self.desk.glyphs.name, ground, colours=not self.no_color)]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colours of our own that the style sheets name, for the moment before a theme is set."""
        return dict(DARK.variables)

    # Life ------------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        for section in SECTIONS:
            self.add_mode(section.mode, partial(section.screen, self.desk))
        self.switch_mode(SECTIONS[0].mode)
        self.set_class(self.desk.glyphs.name != "unicode", PLAIN)
        self._flushes_every(FLUSH)
        self.set_interval(1.0, self._tick, name="tick")
        self.call_after_refresh(self._reach_daemon)
        self._leave_on_signals()
        self._to_terminal(TITLE_KEPT)
        if self.options.order:
            from console.screens.order import OrderScreen

            self.call_after_refresh(self.push_screen, OrderScreen(self.desk, self.options.order))

    def _flushes_every(self, seconds: float) -> None:
        if self._flushing is not None:
            self._flushing.stop()
        self._flushing, self._flush_rest = self.set_interval(seconds, self._paint, name="flush"), seconds

    def on_resize(self, event: events.Resize) -> None:
        rest = FLUSH if event.size.area < LARGE else FLUSH_LARGE
        if self._flushing is not None and rest != self._flush_rest:
            self._flushes_every(rest)

    def _to_terminal(self, sequence: str) -> None:
        """Nowhere when there is no terminal, as in tests."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def _entitle(self, title: str) -> None:
        self._to_terminal(f"\x1b]0;{title}\x07")

    def _leave_on_signals(self) -> None:
        """SIGTERM and SIGHUP leave as ``q`` does: a daemon in this window is drained."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.action_leave)

    def _reach_daemon(self) -> None:
        """The first frame stands: now what is needed for talking to the daemon may be imported."""
        collector.calm()
        self.run_worker(self._serve(), group="feed", exclusive=True, exit_on_error=False)
        self.run_worker(self._look_around(), group="identity", exclusive=True, exit_on_error=False)

    async def _serve(self) -> None:
        """Attach to the daemon and stay attached."""
        try:
            await self._attachment.serve()
        except OwnDaemonFailed as error:
            await self._own_daemon_failed(error)
        except OtherOrg as error:
            self._refuse(error)

    async def _own_daemon_failed(self, error: OwnDaemonFailed) -> None:
        """Say why, and offer the daemon that has the journal or the org instead."""
        self.desk.window_runs_daemon = False
        self._tell(self.desk.session.refused, "error")
        if error.connect is None:
            return
        said = [(str(error), "warn"), (f"That daemon can be reached from here: {error.where}", "plain")]
        asked = Question(self.desk.glyphs, "This window runs no daemon", said, yes="Connect there", no="Stay here")
        if await self.push_screen_wait(asked):
            self._attachment.leave_own(error.connect)
            await self._serve()

    async def _look_around(self) -> None:
        try:
            await self._attachment.look_around()
        except OtherOrg as error:
            self._refuse(error)

    async def _look(self) -> None:
        """How the integrations stand, and how much needs a person. Raises ApiError."""
        session = self.desk.session
        await session.look_around()
        self.desk.heard_needs((await session.api.needs_person(limit=0)).count)
        self._tick()

    def _refuse(self, error: OtherOrg) -> None:
        """Wrong org: nothing of it is shown any longer."""
        if self.return_value is None:  # both workers ask
            self.options.last_words.append(self.desk.glyphs.plain(f"portal console: {error}."))
            self.exit(EXIT_REFUSED)

    def _paint(self) -> None:
        """Give what changed to every live screen; only the active one paints."""
        changed = self.desk.session.book.take_dirty() | self.desk.submissions.settle(self.desk.session.book)
        changed |= self.desk.submissions.requested.keys() if changed else set()
        if changed:
            for screen in self._live_screens():
                screen.note_changes(changed)
        if self.desk.session.book.acted != self._seen_act:
            self._seen_act = self.desk.session.book.acted
            self._attachment.somebody_acted()
        active = self._active()
        if isinstance(active, LiveScreen | PlanDialog | InlineConfirm) and active.stands:
            active.flush()
        if (link := self.desk.session.link().state) is not self._seen_link:  # heard of, or lost: not a second later
            self._seen_link = link
            self._tick()

    def _live_screens(self) -> list[LiveScreen]:
        return [screen for stack in self._screen_stacks.values() for screen in stack if isinstance(screen, LiveScreen)]

    def _tick(self) -> None:
        """The active screen; of the one under a dialog, how the connection stands."""
        stack = self._screen_stacks.get(self._current_mode) or []
        shown = next((screen for screen in reversed(stack) if isinstance(screen, LiveScreen)), None)
        if shown is None or not shown.stands:
            return
        if shown is stack[-1]:
            shown.tick()
        else:
            shown.show_frame()

    # Submitting ------------------------------------------------------------------------------------------------------

    async def _submit_once(self, command: str, request: "SubmitRequest", key: str) -> "Submitted":
        numbers = [row.number if (row := self.desk.session.book.get(one)) else one for one in request.orders]
        line = cli_line(BY_ID[command], numbers, request.arguments, request.reason, filter_text=request.filter or "")
        self.log_book.note(Did.ACT, line)
        return await self.desk.session.api.submit(command, request, key=key)

    def _tell(self, said: str, severity: str) -> None:
        plain = self.desk.glyphs.plain(said)
        self.desk.said_at = self.desk.session.now()
        self.desk.said.append(moment_line(plain, self.desk.said_at, self.desk.session.zone))
        del self.desk.said[:-50]
        shown = {"error": "error", "warning": "warning"}.get(severity, "information")
        self.notify(plain, severity=shown, timeout=NOTICE, markup=False)

    def notify(self, message: str, **more: Any) -> None:
        """Every notice also stands in the log console."""
        self.log_book.note(Did.SAID, message)
        super().notify(message, **more)

    @on(LiveScreen.Told)
    def _told(self, event: LiveScreen.Told) -> None:
        self._tell(event.said, event.severity)

    @on(LiveScreen.Wanted)
    def _wanted(self, event: LiveScreen.Wanted) -> None:
        self.action_find(event.text)

    # Palette and looks -----------------------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            palette = CommandPalette(placeholder="type what you want to do")
            self.push_screen(palette)
            self.call_after_refresh(suit, palette, self.desk.glyphs)

    def action_other_theme(self) -> None:
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def look(self, *, theme: str = "", glyphs: str = "") -> None:
        """Another theme or set of signs: at once, and kept for this person's next start."""
        from console.screens.anew import drawn_anew

        if theme:
            self.theme, self.looks_from = theme, ("chosen here", self.looks_from[1])
        if glyphs:
            self.set_class(glyphs != "unicode", PLAIN)
            for screen in self._live_screens():
                screen.put_aside()
            self.desk.glyphs, self.looks_from = SETS[glyphs], (self.looks_from[0], "chosen here")
            self.run_worker(drawn_anew(self, self.desk), group="looks", exclusive=True, exit_on_error=False)
        try:
            if self.options.looks is not None:
                self.options.looks.keep(theme=theme, glyphs=glyphs)
        except OSError as error:
            self._tell(f"It could not be kept for the next start: {error.strerror or error}", "warning")

    # Copying ---------------------------------------------------------------------------------------------------------

    def copy_out(self, text: str, what: str = "text") -> None:
        """Copy to the terminal's clipboard and say what became of it. ``what``: "order number", "activation link"."""
        self.copy_to_clipboard(text)
        self.run_worker(self.copier.say(text, what), group="copy", exclusive=True, exit_on_error=False)

    async def _offer_copy(self, what: str, why: str, text: str) -> bool:
        return await self.push_screen_wait(question(self.desk.glyphs, what, why, text))

    def action_save_copy(self) -> None:
        """Write what was copied last into a private file."""
        self.copier.save()

    # Leaving ---------------------------------------------------------------------------------------------------------

    @work(group="leave", exclusive=True, exit_on_error=False)
    async def action_leave(self) -> None:
        """Quit; a daemon in this window finishes the calls under way first and says what waits until the next start."""
        embedded = self.options.embedded
        if embedded is not None:
            self._tell("Draining: calls under way are finished, nothing new starts.", "information")
            await asyncio.to_thread(embedded.stop)
        for act in self.desk.submissions.unconfirmed.values():
            number = act.targets[0].number if act.targets else ""
            see = f"portal audit --order {number}" if len(act.targets) == 1 else "portal audit"
            self.options.last_words.append(f"{act.said}: sent, not confirmed. See what came of it: {see}")
        self.exit(0)

    # Trouble ---------------------------------------------------------------------------------------------------------

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that ended in an error, of the application or of any screen (``Attended``): said in words; a defect of
        our own once for each place it comes from, and kept with its traceback in a private file."""
        if event.state is not WorkerState.ERROR or event.worker.error is None:
            return
        error = event.worker.error
        if isinstance(error, ApiError):
            self._tell(str(error), "error")
            return
        place = traceback.extract_tb(error.__traceback__)[-1:]
        if (key := f"{type(error).__name__} {place}") in self._mishaps:
            return
        self._mishaps.add(key)
        kept = self.options.crash.told(error)
        self._tell(f"Something went wrong in the console itself ({type(error).__name__}). {kept}", "error")

    def _fatal_error(self) -> None:
        """Textual would print a traceback with the values of local variables; this leaves one sentence and a file."""
        self.bell()
        if self._exception is not None:
            self.options.crashed.append(self.options.crash.told(self._exception))
        self._close_messages_no_wait()

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = EXIT_CRASH
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._fatal_error()

    async def on_unmount(self) -> None:
        self._to_terminal(TITLE_BACK)
        await self.desk.session.close()


def run_console(options: ConsoleOptions) -> int:
    """Run until the person leaves; the exit code. What the console leaves on the terminal is one sentence at most."""
    app = ConsoleApp(options)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            code = runner.run(app.run_async())
    finally:
        if options.embedded is not None:
            options.embedded.stop()
    farewell = options.embedded.farewell if options.embedded is not None else ""
    said = [*options.last_words, *([farewell] if farewell else [])]
    if options.crashed:
        said.append(f"portal console stopped because of an error in itself. {options.crashed[-1]}")
    with contextlib.suppress(OSError):  # the terminal hung up: nobody is there to be told
        print("\n".join(said), end="\n" if said else "", flush=True)  # noqa: T201 - the last words, when the screen is gone
    if options.crashed:
        return EXIT_CRASH
    return code if code is not None else 0
