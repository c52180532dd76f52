"""Health as people read it: a row for each way to the outside, and the daemon's own parts and alarms as lines."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from rich.cells import cell_len

from console.schema.service import AlertView, BreakerView, DeepHealth, Integration, Integrations, Part, PauseView
from console.widgets import wording
from console.widgets.cells import fit, literal
from console.widgets.columns import Column
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece, told
from console.widgets.spark import spark

COLUMNS = (
    Column("system", "System", 12),
    Column("state", "State", 9),
    Column("errors", "Errors", 6, right=True),
    Column("calls", "Calls", 5, priority=1, right=True),
    Column("latency", "Latency", 20, priority=4),
    Column("p95", "p95", 5, right=True),
    Column("queue", "Queue", 5, right=True),
    Column("waiting", "Orders", 6, priority=2, right=True),
    Column("quota", "Quota", 14, priority=3, right=True),
    Column("why", "Why", 16, grow=1),
)
TITLES = {"salesforce": "Salesforce", "whmcs": "WHMCS", "esim": "eSIM", "mail": "Mail", "intake": "Intake"}
PRODUCT = "product:"
_NAME, _LABEL = 20, 11


def title(subject: str) -> str:
    if subject == PRODUCT:
        return "a product"
    return TITLES.get(subject, subject.replace(PRODUCT, "product "))


def subjects(known: Integrations) -> list[str]:
    """The rows: every system, what else is paused, and the way to pause a product."""
    systems = [one.system for one in known.integrations]
    return [*systems, *(p.subject for p in known.pauses if p.subject not in systems), PRODUCT]


def cells(subject: str, known: Integrations, glyphs: Glyphs) -> Mapping[str, Line]:
    """What stands in a row of the table."""
    name: Line = [(title(subject), "plain")]
    one = next((one for one in known.integrations if one.system == subject), None)
    if one is not None:
        return {"system": name, **_system(one, glyphs)}
    pause = next((pause for pause in known.pauses if pause.subject == subject), None)
    if pause is not None:
        return {"system": name, "state": _paused(glyphs), "why": [(glyphs.plain(_by(pause)), "warn")]}
    return {"system": [(title(subject), "muted")], "why": [("P asks for its WHMCS id", "muted")]}


def _system(one: Integration, glyphs: Glyphs) -> Mapping[str, Line]:
    recent = one.recent
    wrong = recent.failed + recent.refused if recent is not None else 0
    share = f"{100 * wrong / recent.calls:.1f}%" if recent is not None and recent.calls else ""
    quota = f"{one.quota_used:,}/{one.quota_total:,}" if one.quota_used is not None and one.quota_total else ""
    why, tone = _why(one)
    return {
        "state": _state(one, glyphs),
        "errors": [(share, "bad" if recent is not None and recent.failed else "warn" if wrong else "muted")],
        "calls": [(f"{recent.calls:,}" if recent is not None else "", "plain")],
        "latency": [(spark(recent.latency, glyphs) if recent is not None else "", "accent")],
        "p95": [(wording.took(recent.p95) if recent is not None else "", "plain")],
        "queue": [(f"{one.queued}" if one.queued else "-", "warn" if one.queued > one.concurrency else "muted")],
        "waiting": [(f"{one.waiting_runs:,}" if one.waiting_runs else "-", "warn" if one.waiting_runs else "muted")],
        "quota": [(quota, "muted")],
        "why": [(glyphs.plain(literal(why)), tone)],
    }


def _state(one: Integration, glyphs: Glyphs) -> Line:
    if one.state == "paused":
        return _paused(glyphs)
    return [(f"{glyphs.ok} up", "ok")] if one.state == "up" else [(f"{glyphs.bad} {literal(one.state)}", "bad")]


def _paused(glyphs: Glyphs) -> Line:
    return [(f"{glyphs.states['parked']} paused", "parked")]


def _by(pause: PauseView) -> str:
    return literal(f"by {pause.actor}: {pause.reason}")


def _why(one: Integration) -> tuple[str, str]:
    if one.paused_by is not None:
        return f"by {one.paused_by}: {one.pause_reason}", "warn"
    if one.state != "up":
        return _breaker(one.breaker) if one.breaker is not None else one.last_error or "", "bad"
    failing = one.recent is not None and one.recent.failed
    return (one.last_error or "", "muted") if failing else ("", "muted")


def _breaker(breaker: BreakerView) -> str:
    if breaker.state == "closed":
        return f"breaker closed, {breaker.failures} of {breaker.most} failures in {breaker.window:.0f} s"
    if breaker.state == "trying":
        return "breaker open: one call is let through to try"
    return f"breaker open: tried again in {breaker.again_in or 0:.0f} s"


def about(subject: str, known: Integrations, now: float, zone: tzinfo, glyphs: Glyphs, width: int) -> list[Line]:
    """The row in hand in full: figures with their window, limits, breaker, pause, last trouble."""
    one = next((one for one in known.integrations if one.system == subject), None)
    pause = next((pause for pause in known.pauses if pause.subject == subject), None)
    lines: list[Line] = []
    if one is not None:
        lines += _figures(one, now, glyphs, width)
    if pause is not None:
        since = wording.moment(pause.at, now, zone)
        how = " by itself" if pause.automatic else ""
        lines += told(
            [("Paused     ", "muted")],
            glyphs.plain(f"{_by(pause)} (since {since}{how})"),
            "warn",
            width,
            indent=" " * 11,
        )
    if one is not None and one.last_error:
        lines += told(
            [("Last error ", "muted")], glyphs.plain(literal(one.last_error)), "plain", width, indent=" " * 11
        )
    if subject == PRODUCT:
        lines += told(
            [], "A product of WHMCS is paused by its id: orders with it park and burn no tries.", "muted", width
        )
    return lines


def _figures(one: Integration, now: float, glyphs: Glyphs, width: int) -> list[Line]:
    sep: Piece = (f" {glyphs.sep} ", "muted")
    recent, parts = one.recent, list[Line]()
    if recent is not None:
        per_second = recent.calls / recent.window if recent.window else 0.0
        parts = [
            [(f"last {window_words(recent.window)}: {recent.calls:,} calls", "plain")],
            [(f"{recent.failed:,} without an answer", "bad" if recent.failed else "muted")],
            [(f"{recent.refused:,} refused", "warn" if recent.refused else "muted")],
            [(f"{per_second:.2f}/s" + (f" of at most {one.rate:g}" if one.rate else ""), "plain")],
            [(f"p50 {wording.took(recent.p50)} p95 {wording.took(recent.p95)}", "plain")]
            if recent.p50 is not None
            else [],
        ]
    last = f"last good {wording.age(now - one.last_ok_at)} ago" if one.last_ok_at is not None else "none was good yet"
    second: list[Line] = [
        [(f"{one.in_flight} of {one.concurrency} at work, {one.queued} wait for their turn", "plain")],
        [(f"{one.waiting_runs:,} orders wait for it", "warn" if one.waiting_runs else "muted")],
        [(last, "plain")],
    ]
    head: Piece = (fit(title(one.system), _LABEL), "strong")
    lines = _in_lines(head, [part for part in (*parts, *second) if part], sep, width)
    if one.breaker is not None:
        lines.append([(fit("Breaker", _LABEL), "muted"), (_breaker(one.breaker).removeprefix("breaker "), "plain")])
    return lines


def _in_lines(head: Piece, parts: Sequence[Line], between: Piece, width: int) -> list[Line]:
    """The parts after the head, in as many lines as it takes; no part is broken."""
    lines: list[list[Piece]] = [[head]]
    room = width - _LABEL
    for part in parts:
        size = sum(cell_len(text) for text, _ in part)
        if len(lines[-1]) > 1 and room < size + len(between[0]):
            lines.append([(" " * _LABEL, "plain")])
            room = width - _LABEL
        if len(lines[-1]) > 1:
            lines[-1].append(between)
            room -= len(between[0])
        lines[-1] += part
        room -= size
    return [*lines]


def window_words(seconds: float) -> str:
    """``5 min``, or less for a daemon that is younger."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def part_lines(deep: DeepHealth, systems: Sequence[str], glyphs: Glyphs, width: int) -> list[Line]:
    """The daemon's own parts; the systems have rows of their own."""
    signs = {"ok": (glyphs.ok, "ok"), "warn": (glyphs.warn, "warn"), "bad": (glyphs.bad, "bad")}
    lines: list[Line] = []
    for part in deep.parts:
        if part.name in systems:
            continue
        sign, tone = signs[part.state]
        head: Line = [(f" {sign} ", tone), (fit(literal(part.name), _NAME, ellipsis=glyphs.ellipsis) + " ", "plain")]
        said = glyphs.plain(literal(_part(part)))
        lines += told(head, said, "muted" if part.state == "ok" else tone, width, indent=" " * (_NAME + 4))
    return lines


def _part(part: Part) -> str:
    """What a part says of itself, with the figures that people look for."""
    values = part.values
    if part.name == "process" and "peak_rss_mb" in values:
        return f"{part.detail}, at most {values['peak_rss_mb']:,} MB, {values['cpu_seconds']:.0f} s of CPU"
    if part.name == "runs":
        waits = ", ".join(
            f"{values[state]:,} {state}" for state in ("queued", "retrying", "parked", "held") if values.get(state)
        )
        return f"{part.detail}{f'; {waits}' if waits else ''}"
    if part.name == "journal" and "mb" in values:
        return f"{part.detail}, {values['mb']:,.1f} MB and {values['wal_mb']:,.1f} MB of WAL"
    return part.detail


def alarm_lines(alerts: Sequence[AlertView], now: float, zone: tzinfo, glyphs: Glyphs, width: int) -> list[Line]:
    """Open alarms, the oldest first, with since when and how often."""
    if not alerts:
        return [[(f" {glyphs.ok} ", "ok"), ("no alarm is open", "muted")]]
    lines: list[Line] = []
    for alert in alerts:
        tone = "bad" if alert.severity == "critical" else "warn"
        since = f"since {wording.moment(alert.first_at, now, zone)}, {alert.count:,} times" if alert.count > 1 else (
            f"since {wording.moment(alert.first_at, now, zone)}"
        )  # fmt: skip
        lines += told([(f" {glyphs.warn} ", tone)], glyphs.plain(literal(alert.message)), tone, width, indent="   ")
        lines.append([(f"   {since} {glyphs.sep} {literal(wording.alarm(alert.cause))}", "muted")])
    return lines
