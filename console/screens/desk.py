"""What every screen is given: the session, what was submitted, and how things look."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from console.client.views import View, Views
from console.screens.attention import Attention
from console.screens.session import Live, Session
from console.screens.submitting import Submissions
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line
from console.widgets.statusbar import PartState, Status
from console.widgets.wording import clock

_TITLES = {
    "whmcs": ("WHMCS", "W"),
    "salesforce": ("Salesforce", "S"),
    "events": ("Events", "V"),
    "esim": ("eSIM", "E"),
    "mail": ("Mail", "M"),
}
_SHOWN = ("whmcs", "salesforce", "events", "esim", "mail")

NEVER = float("-inf")  # a moment that is always long ago


@dataclass
class Desk:
    """``window_runs_daemon``: the daemon lives in this process. ``said``: the console's own lines for the ticker.
    ``waiting``: by section, how much waits there, as last seen. ``view``: what the board begins with, ``views``: those that can be chosen.
    ``environ``: what the terminal says of itself; ``wide``: does it draw ambiguous characters two cells wide, None where
    that is not known. ``asking``: a person is being asked about a command; another one has to wait; ``question``: held while its
    question stands there. ``foreign_key_at``: when a key last came out of an input method (monotonic). ``attention``: what needs a person."""

    session: Session
    submissions: Submissions
    glyphs: Glyphs
    views: Views
    window_runs_daemon: bool = False
    said: list[Line] = field(default_factory=list)
    said_at: float = 0.0  # when the last of them was said, in the daemon's time
    waiting: dict[str, int] = field(default_factory=dict)
    view: View = field(default_factory=lambda: View("", ""))
    asking: bool = False
    question: asyncio.Lock = field(default_factory=asyncio.Lock)
    foreign_key_at: float = NEVER
    environ: Mapping[str, str] = field(default_factory=dict)
    wide: bool | None = None
    attention: Attention = field(default_factory=Attention)

    def status(self) -> Status:
        session = self.session
        link, me = session.link(), session.me
        return Status(
            environment=me.environment if me is not None else "",
            production=me is not None and me.production,
            name=me.name if me is not None else "",
            role=me.role if me is not None else "",
            read_only=session.read_only,
            live=link.state,
            clock=clock(session.now(), session.zone),
            silent=link.silent,
            lag=link.lag,
            parts=self._parts(link.state),
            window_runs_daemon=self.window_runs_daemon,
            needs=self.attention.count or 0,
        )

    def heard_needs(self, count: int) -> None:
        """How much waits for a person, as the daemon just said."""
        self.waiting["needs"] = count
        self.attention.heard(count)

    def unusable(self) -> str:
        """Why nothing can be submitted now; "" when it can."""
        return "This console is read-only." if self.session.read_only else self.unheard()

    def unheard(self) -> str:
        """Why the daemon cannot be asked now; "" when it can."""
        link = self.session.link()
        if not link.usable:
            return link.why or "The daemon has not answered yet; nothing can be submitted."
        return ""

    def _parts(self, live: Live) -> list[PartState]:
        known = self.session.integrations
        lost = live in (Live.LOST, Live.CONNECTING)
        states: Mapping[str, tuple[str, str]] = {}
        if known is not None:
            states = {one.system: _integration(one.state, one.last_error) for one in known.integrations}
            states = {**states, "events": _events(known.events)}
        parts = [
            PartState(*_TITLES[name], *(("muted", "") if lost else states[name]))
            for name in _SHOWN
            if name in states and (name != "mail" or states[name][0] != "ok")
        ]
        return [*parts, PartState("daemon", "D", *self._daemon(live))]

    def _daemon(self, live: Live) -> tuple[str, str]:
        known = self.session.integrations
        if live is Live.LOST:
            return "bad", ""
        if live is Live.CONNECTING or known is None:
            return "warn", ""
        if known.brake:
            return "warn", "brake"
        if known.recovery:
            return "warn", "recovery"
        if known.holds:
            return "warn", next(iter(known.holds))
        return ("warn", "observing") if known.observe else ("ok", "")


def _integration(state: str, last_error: str | None) -> tuple[str, str]:
    match state:
        case "up":
            return "ok", ""
        case "paused":
            return "warn", "paused"
    return "bad", state


def _events(events: Mapping[str, object]) -> tuple[str, str]:
    phase = str(events.get("phase", "off") or "off")
    if phase == "listening":
        return "ok", ""
    return ("warn", "off") if phase in ("off", "stopped") else ("bad" if "fail" in phase else "warn", phase)
