"""What is known of a call whose outcome is unknown, what it may have made, and one of those beside our order."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from console.schema.detail import CallView, PossibleCommand, SendView
from console.schema.mending import CandidatesView, CandidateView
from console.widgets import wording
from console.widgets.cells import fit, literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, flowed, told

_LABEL = 11
_OUTCOME_TONE = {"found": "done", "absent": "warn", "ok": "done"}


def asked_lines(
    call: CallView, absent: PossibleCommand | None, width: int, now: float, zone: tzinfo, glyphs: Glyphs
) -> list[Line]:
    """What was asked, when, what came, both looks, until when it may still land, and whether it may be called absent."""
    lines: list[Line] = [[(literal(call.operation), "strong"), ("  its outcome is not known", "bad")]]
    for send in call.sends:
        lines += _send(send, width, now, zone, glyphs)
    if call.late_until is not None and call.late_until > now:
        left = wording.age(call.late_until - now)
        said = f"It may still arrive until {wording.clock(call.late_until, zone)} (in {left})."
        lines += flowed(said, "warn", width)
    else:
        lines += flowed("It can no longer arrive by itself.", "plain", width)
    if absent is not None:
        key = "A " if absent.possible else ""
        said = "It is not there: it is sent once more." if absent.possible else f"It is not there: {absent.reason}"
        lines += told([(key, "accent")], glyphs.plain(literal(said)), "plain" if absent.possible else "muted", width)
    lines += [[], [("WHAT WAS ASKED", "strong")]]
    for name, value in call.input.items():
        lines += _labelled(name, _text(value), "plain", width, glyphs)
    return lines + (_labelled("marker", call.marker, "muted", width, glyphs) if call.marker else [])


def _send(send: SendView, width: int, now: float, zone: tzinfo, glyphs: Glyphs) -> list[Line]:
    """One request or look: when, how long, what came, what was read."""
    outcome = send.outcome or "under way"
    head: Line = [
        (f"{send.kind} {send.n} ", "strong"),
        (f"{wording.moment(send.at, now, zone)} ", "muted"),
        (f"{outcome} ", _OUTCOME_TONE.get(outcome, "bad")),
    ]
    said = " ".join(part for part in (wording.took(send.seconds), send.code or "", send.message or "") if part)
    lines = told(head, glyphs.plain(literal(said)), "plain", width)
    for name, value in (send.evidence or {}).items():
        lines += _labelled(f"  {name}", _text(value), "muted", width, glyphs)
    return lines


def candidate_lines(
    found: CandidatesView | None, trouble: str, width: int, glyphs: Glyphs
) -> tuple[list[Line], list[str | None]]:
    """One named line for each thing that the call may have made."""
    lines: list[Line] = [[("WHAT IT MAY HAVE MADE", "strong")]]
    if trouble:
        lines += flowed(glyphs.plain(literal(trouble)), "bad", width)
        lines += flowed("= resolves by an id that you know.", "muted", width)
    elif found is None:
        lines.append([("being read", "muted")])
    names: list[str | None] = [None] * len(lines)
    if found is None:
        return lines, names
    for one in found.candidates:
        lines.append(_candidate(one, glyphs))
        names.append(f"candidate:{one.identifier}")
    for words in found.words:
        said = flowed(glyphs.plain(literal(words)), "muted", width)
        lines += said
        names += [None] * len(said)
    return lines, names


def _candidate(one: CandidateView, glyphs: Glyphs) -> Line:
    sign, tone = (glyphs.differs, "muted") if one.why_not else (glyphs.ok, "ok")
    ours = "  carries our marker" if one.ours else ""
    return [
        (f"{sign} ", tone),
        (literal(one.title), "plain" if not one.why_not else "muted"),
        (f"  {literal(one.date)}  {wording.amount(one.amount, glyphs)}  {literal(one.status)}", "muted"),
        (ours, "accent"),
    ]


def match_lines(one: CandidateView | None, number: str, width: int, glyphs: Glyphs) -> list[Line]:
    """Our order and the chosen candidate side by side."""
    if one is None:
        return [[("SIDE BY SIDE", "strong")], [("choose one above", "muted")]]
    column = max(10, (width - _LABEL - 8) // 2)
    dots = glyphs.ellipsis
    lines: list[Line] = [
        [
            (fit("", _LABEL), "muted"),
            (fit(f"order {number}", column, ellipsis=dots), "strong"),
            (f" {glyphs.vline} ", "muted"),
            (fit(literal(one.title), column, ellipsis=dots), "strong"),
        ]
    ]
    if one.why_not:
        lines += flowed(f"It is not this one: {glyphs.plain(literal(one.why_not))}", "bad", width)
    else:
        said = f"It matches. {glyphs.enter} records it as what the call made; it is not sent again."
        lines += flowed(said, "ok", width)
    for match in one.compared:
        tone = "plain" if match.same else "bad" if match.deciding else "warn"
        lines.append(
            [
                (fit(literal(match.field), _LABEL, ellipsis=dots), "muted"),
                (fit(glyphs.plain(literal(match.ours)), column, ellipsis=dots), tone),
                (f" {glyphs.vline} ", "muted"),
                (fit(glyphs.plain(literal(match.theirs)), column, ellipsis=dots), tone),
                (f" {glyphs.ok if match.same else glyphs.differs}", "ok" if match.same else tone),
            ]
        )
    return lines


def _labelled(label: str, said: str, tone: str, width: int, glyphs: Glyphs) -> list[Line]:
    return told(
        [(f"{fit(label, _LABEL + 4, ellipsis=glyphs.ellipsis)} ", "muted")], glyphs.plain(literal(said)), tone, width
    )


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    return str(value)


def chosen_of(found: CandidatesView | None, name: str | None) -> CandidateView | None:
    """The candidate whose line has this name."""
    known: Sequence[CandidateView] = found.candidates if found is not None else ()
    return next((one for one in known if f"candidate:{one.identifier}" == name), None)
