"""Platform events as people read them: a row each, a gap in its place, and the state of the stream above them."""

import json
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from console.schema.desk import CursorView, EventView, GapView
from console.schema.service import DeepHealth
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, flowed, joined
from console.widgets.rowdialog import json_lines, labelled

COLUMNS = (
    Column("at", "Received", 11),
    Column("number", "Order", 8),
    Column("state", "State", 11),
    Column("why", "Why", 30, grow=1),
    Column("replay", "Replay id", 10, priority=1, right=True),
    Column("took", "Took", 5, priority=2, right=True),
    Column("event", "Event", 36, priority=3),
    Column("channel", "Channel", 34, priority=4),
)
_TONES = {
    "new": "queued", "started": "ok", "attached": "plain", "closed": "muted", "held": "held", "poison": "bad", "heartbeat": "muted",
}  # fmt: skip


def cells(event: EventView, now: float, zone: tzinfo, glyphs: Glyphs, *, seen_by: str | None) -> Mapping[str, Line]:
    """``seen_by``: who put a malformed event aside."""
    seen = f" (seen by {seen_by})" if seen_by else ""
    took = wording.took(event.handled_at - event.received_at) if event.handled_at is not None else ""
    poison = event.state == "poison"
    return {
        "at": [(wording.moment(event.received_at, now, zone), "muted")],
        "number": [(literal(event.number or ""), "plain")],
        "state": [(f"{_sign(event.state, glyphs)} {literal(event.state)}", _TONES.get(event.state, "plain"))],
        "why": [(glyphs.plain(literal(f"{event.reason or ''}{seen}")), "bad" if poison and not seen else "muted")],
        "replay": [(literal(event.replay_id), "muted")],
        "took": [(took, "muted")],
        "event": [(literal(event.event_uuid), "muted")],
        "channel": [(literal(event.channel), "muted")],
    }


def _sign(state: str, glyphs: Glyphs) -> str:
    signs = {"new": "queued", "started": "running", "attached": "running", "held": "held"}
    if state in signs:
        return glyphs.states[signs[state]]
    return {"poison": glyphs.bad, "closed": glyphs.ok}.get(state, glyphs.sep)


def gap_cells(gap: GapView, now: float, zone: tzinfo, glyphs: Glyphs) -> Mapping[str, Line]:
    """A stretch in which events may have been missed."""
    tone = "bad" if gap.reconciled_at is None else "warn"
    return {
        "at": [(wording.moment(gap.at, now, zone), tone)],
        "number": [(glyphs.hline * 8, tone)],
        "state": [(f"{glyphs.warn} gap", tone)],
        "why": [(glyphs.plain(literal(f"{stretch(gap, now, zone)}: {gap.reason}")), tone)],
        "replay": [(literal(gap.lost_cursor or ""), "muted")],
        "channel": [(literal(gap.channel), "muted")],
    }


def stretch(gap: GapView, now: float, zone: tzinfo) -> str:
    """From when on events may have been missed up to the time of the row, and whether a poll has read everything since."""
    since = wording.moment(gap.cursor_at, now, zone) if gap.cursor_at is not None else "the beginning"
    if gap.reconciled_at is None:
        return f"since {since}, not reconciled yet"
    return f"since {since}, reconciled {wording.moment(gap.reconciled_at, now, zone)}"


def lines(event: EventView, now: float, zone: tzinfo, glyphs: Glyphs, width: int, *, whole: bool) -> list[Line]:
    """``whole``: the payload over several lines, else in one."""
    handled = f", handled {wording.moment(event.handled_at, now, zone)}" if event.handled_at is not None else ""
    run = f", run {event.run_id}" if event.run_id is not None else ""
    found = [
        *labelled("Event", f"{event.event_uuid} (row {event.seq})", glyphs, width),
        *labelled("Received", f"{wording.moment(event.received_at, now, zone)}{handled}{run}", glyphs, width),
    ]
    if event.reason:
        found += labelled("Why", event.reason, glyphs, width, "bad" if event.state == "poison" else "plain")
    if event.order_id:
        found += labelled("Order", f"{event.number or ''} {event.order_id}", glyphs, width)
    found += labelled("Replay id", f"{event.replay_id} of {event.channel}", glyphs, width)
    if event.idem_key:
        found += labelled("Key", event.idem_key, glyphs, width)
    if whole:
        return [*found, *json_lines("Payload", event.payload, glyphs, width)]
    return [*found, *labelled("Payload", json.dumps(event.payload, ensure_ascii=False), glyphs, width)]


def gap_lines(gap: GapView, now: float, zone: tzinfo, glyphs: Glyphs, width: int) -> list[Line]:
    said = "The poll has read every order since: none was lost." if gap.reconciled_at is not None else (
        "Orders of this stretch come in with the next poll that reads everything."
    )  # fmt: skip
    return [
        *labelled(
            "Gap",
            f"found {wording.moment(gap.at, now, zone)}, {stretch(gap, now, zone)} (row {gap.id})",
            glyphs,
            width,
            "warn",
        ),
        *labelled("Why", gap.reason, glyphs, width),
        *labelled("Lost cursor", f"{gap.lost_cursor or 'none'} of {gap.channel}", glyphs, width),
        *flowed(said, "muted", width),
    ]


def stream_lines(
    events: Mapping[str, Any],
    cursors: Sequence[CursorView],
    deep: DeepHealth | None,
    now: float,
    zone: tzinfo,
    glyphs: Glyphs,
) -> list[Line]:
    """How the subscriber stands, the heartbeat, deafness, and the cursor of each channel with its age."""
    parts: list[Line] = [_phase(events, now, zone, glyphs)]
    if "events" in events:
        parts.append([(f"{events['events']:,} events", "plain")])
        if events.get("gaps"):
            parts.append([(f"{events['gaps']} gap{'s' if events['gaps'] != 1 else ''}", "warn")])
    if events.get("last_event_at"):
        parts.append([(f"last {wording.age(now - float(events['last_event_at']))} ago", "plain")])
    found: list[Line] = [[(" ", "plain"), *joined(parts, (f" {glyphs.sep} ", "muted"))]]
    if events.get("last_error"):
        at = events.get("last_error_at")
        when = f" {wording.moment(float(at), now, zone)}" if at else ""
        found.append([(glyphs.plain(literal(f" last trouble{when}: {events['last_error']}")), "warn")])
    found.append(_heard(deep, now, glyphs))
    for cursor in cursors:
        age = wording.age(now - cursor.at)
        found.append([
            (f" cursor {literal(cursor.replay_id)}", "plain"),
            (glyphs.plain(literal(f" of {cursor.channel} ({cursor.transport}), {age} old")), "muted"),
        ])  # fmt: skip
    return found


def _phase(events: Mapping[str, Any], now: float, zone: tzinfo, glyphs: Glyphs) -> Line:
    phase = literal(events.get("phase", "not known"))
    since = events.get("listening_since")
    if phase == "listening" and since:
        return [(f"{glyphs.live} listening since {wording.moment(float(since), now, zone)}", "ok")]
    retry = events.get("retry_at")
    again = f", again in {max(0.0, float(retry) - now):.0f} s" if retry else ""
    return [(f"{glyphs.warn} {phase}{again}", "muted" if phase == "off" else "warn")]


def _heard(deep: DeepHealth | None, now: float, glyphs: Glyphs) -> Line:
    """The heartbeat, and whether the stream is deaf."""
    if deep is None:
        return [(" heartbeat not known yet", "muted")]
    deaf = next((alert for alert in deep.alerts if alert.cause == "deaf"), None)
    if deaf is not None:
        return [
            (glyphs.plain(literal(f" {glyphs.bad} deaf for {wording.age(now - deaf.first_at)}: {deaf.message}")), "bad")
        ]
    part = next((part for part in deep.parts if part.name == "heartbeat"), None)
    if part is None:
        return [(" no heartbeat", "muted")]
    ago = f", sent {wording.age(now - part.since)} ago" if part.since else ""
    every = part.values.get("every")
    often = f" (every {wording.age(float(every))})" if every else ""
    said = f" heartbeat {part.detail}{ago}{often}, not deaf"
    return [(glyphs.plain(literal(said)), "muted" if part.state == "ok" else "warn")]
