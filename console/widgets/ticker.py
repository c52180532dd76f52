"""The last things that happened, one line each."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from console.client.rows import BookRow
from console.schema.book import FeedEvent
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece
from console.widgets.sheet import Bar
from console.written import code_words

SEND_MAIL = "send_mail"  # the workflow of a mail's own run: done, it is not the order that is done


class Ticker(Bar):
    """As many of the newest events as it has lines, newest first."""

    DEFAULT_CSS = "Ticker { height: 3; }"

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id, ellipsis=glyphs.ellipsis)

    def show(self, lines: Sequence[Line]) -> None:
        self.set_lines(lines)


def event_line(event: FeedEvent, row: BookRow | None, zone: tzinfo, glyphs: Glyphs) -> Line:
    """``12:04:31.2 00010478 ↻ crm try 2: UNABLE_TO_LOCK_ROW``"""
    at = datetime.fromtimestamp(event.at, UTC).astimezone(zone)
    number = literal(event.body.get("number") or (row.number if row is not None else ""))
    start: list[Piece] = [
        (f" {at:%H:%M:%S}.{at.microsecond // 100_000} ", "muted"),
        (f"{number:<8} " if number else "", "plain"),
    ]
    return [*start, *(_run(event.body, glyphs) if event.kind == "run" else _other(event, glyphs))]


def _run(body: dict[str, Any], glyphs: Glyphs) -> list[Piece]:
    state = str(body.get("state", ""))
    pieces: list[Piece] = [("mail ", "accent")] if body.get("workflow") == SEND_MAIL else []
    pieces.append((glyphs.states.get(state, "?"), state if state in glyphs.states else "plain"))
    step = body.get("error_step") if state == "failed" else body.get("step")
    if state in ("done", "cancelled", "queued"):
        pieces.append((f" {state}", "plain"))
    elif step:
        pieces.append((f" {literal(step)}", "plain"))
    if (tries := body.get("tries", 0)) and tries > 1:
        pieces.append((f" try {tries}", "warn"))
    said = _why(body, state)
    if said:
        pieces.append((f": {literal(said)}", "muted"))
    return pieces


def _why(body: dict[str, Any], state: str) -> str:
    if state == "failed":
        return code_words(str(body.get("code") or body.get("class") or ""))
    if state in ("retrying", "parked", "held", "queued"):
        return str(body.get("wait_reason") or code_words(str(body.get("code") or body.get("wait") or "")))
    return ""


def _other(event: FeedEvent, glyphs: Glyphs) -> list[Piece]:
    body = event.body
    match event.kind:
        case "mail":
            return [("mail", "accent"), (f" {literal(body.get('mail_state', '')).replace('_', ' ')}", "plain")]
        case "taken":
            by = body.get("by")
            return [(f"taken by {literal(by)}" if by else "let go", "accent")]
        case "pause":
            said = "paused" if body.get("on") else "goes on"
            return [(f"{literal(body.get('subject', ''))} {said}", "warn" if body.get("on") else "ok")]
        case "alarm" if body.get("open") is False:
            return [("over:", "ok"), (f" {literal(wording.alarm(str(body.get('cause', ''))))}", "muted")]
        case "alarm":
            return [
                (
                    f"{glyphs.warn} {literal(body.get('message') or wording.alarm(str(body.get('cause') or 'alarm')))}",
                    "warn",
                )
            ]
        case "order":
            return [(f"Salesforce: {literal(body.get('status', ''))}", "accent")]
        case "note":
            return [("note written", "accent")]
        case "edit":
            return [(f"edited: {literal(body.get('field', ''))}", "accent")]
        case "batch":
            return [("batch", "accent"), (f" {literal(_of_a_batch(body))}", "plain")]
        case "seen":
            return [(f"marked as seen by {literal(body.get('by', ''))}", "accent")]
        case "recovery":
            return [("recovery ended" if body.get("on") is False else "recovery", "warn")]
        case "stock":
            return [(f"{literal(body.get('added', 0))} eSIM profiles imported", "accent")]
    return [(literal(event.kind), "accent"), (f" {_words(body)}", "muted")]


def _of_a_batch(body: dict[str, Any]) -> str:
    """Of one order: ``left out``; of the whole: ``ended: 8 done, 3 failed, 5 left out, 6 not begun``."""
    state = wording.in_a_batch(str(body.get("state", "")))
    if "position" in body:
        return state
    counts = [
        f"{body[name]} {wording.in_a_batch(name)}"
        for name in ("done", "failed", "excluded", "waiting")
        if body.get(name)
    ]
    by = f" by {body['by']}" if body.get("by") else ""
    return f"{'ended' if state == 'done' else state}{by}" + (f": {', '.join(counts)}" if counts else "")


def _words(body: dict[str, Any]) -> str:
    """The plain words of an event of a kind that this console does not know."""
    hidden = ("number", "id", "seq", "workflow")
    return literal(" ".join(str(v) for k, v in body.items() if k not in hidden and isinstance(v, str | int | float)))


def moment_line(text: str, at: float, zone: tzinfo) -> Line:
    """A line of the console's own, such as the outcome of a command."""
    return [(f" {wording.clock(at, zone)}   ", "muted"), (literal(text), "accent")]
