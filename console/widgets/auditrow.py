"""The audit log as people read it: one row an act, with both times, the reason and the outcome."""

from collections.abc import Mapping
from datetime import tzinfo

from console.schema.desk import AuditAct
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line
from console.widgets.rowdialog import json_lines, labelled

COLUMNS = (
    Column("at", "At", 11),
    Column("who", "Who", 8, grow=1, most=20),
    Column("what", "What", 12, grow=1, most=24),
    Column("about", "About", 10, grow=1, most=30),
    Column("outcome", "Outcome", 13),
    Column("took", "Took", 5, priority=2, right=True),
    Column("why", "Why", 10, priority=1, grow=4),
    Column("role", "Role", 10, priority=3),
)
UNDER_WAY = "under_way"
_TONES = {
    "done": "ok", "requested": "ok", "failed": "bad", "refused": "bad", "unknown": "warn", "partly": "warn", "interrupted": "warn",
    UNDER_WAY: "running",
}  # fmt: skip


def cells(act: AuditAct, now: float, zone: tzinfo, glyphs: Glyphs) -> Mapping[str, Line]:
    took = wording.took(act.ended_at - act.at) if act.ended_at is not None else ""
    return {
        "at": [(wording.moment(act.at, now, zone), "muted")],
        "who": [(literal(act.actor), "plain")],
        "what": [(literal(act.title), "plain")],
        "about": [(literal(subjects(act)), "plain")],
        "outcome": [(_outcome(act, glyphs), _TONES.get(act.outcome, "plain"))],
        "took": [(took, "muted")],
        "why": [(glyphs.plain(literal(act.reason or "")), "muted")],
        "role": [(literal(act.role or ""), "muted")],
    }


def _outcome(act: AuditAct, glyphs: Glyphs) -> str:
    signs = {"ok": glyphs.ok, "bad": glyphs.bad, "warn": glyphs.warn, "running": glyphs.states["running"]}
    sign = signs.get(_TONES.get(act.outcome, ""), glyphs.sep)
    return f"{sign} {literal(act.outcome).replace('_', ' ')}"


def subjects(act: AuditAct) -> str:
    """``00010480``, ``12 orders``, or what else it was about: a system, a token, a batch."""
    if len(act.subjects) > 1:
        return f"{len(act.subjects):,} orders"
    if act.subjects:
        return act.numbers[0] if act.numbers else act.subjects[0]
    asked = act.detail or {}
    return next((str(asked[name]) for name in ("subject", "row", "batch", "name") if asked.get(name)), "")


def lines(act: AuditAct, now: float, zone: tzinfo, glyphs: Glyphs, width: int, *, whole: bool) -> list[Line]:
    """Both rows of the log in full; ``whole``: every order and the details over several lines."""
    ended = f", {_ended(act)} {wording.moment(act.ended_at, now, zone)}" if act.ended_at is not None else ", not ended"
    by = f"{act.actor} ({act.role or 'no role'}{f', {act.peer}' if act.peer else ''}{f', token {act.token_id}' if act.token_id else ''})"
    found = [
        *labelled("What", f"{act.title} ({act.command}), row {act.id}", glyphs, width, "strong"),
        *labelled("Who", by, glyphs, width),
        *labelled(
            "When", f"{wording.moment(act.at, now, zone)}{ended}", glyphs, width, _TONES.get(act.outcome, "plain")
        ),
        *labelled("Why", act.reason or "no reason was given", glyphs, width, "plain" if act.reason else "muted"),
    ]
    about = (
        [f"{number} " for number in act.numbers] if len(act.numbers) == len(act.subjects) else [""] * len(act.subjects)
    )
    named = [f"{number}{subject}" for number, subject in zip(about, act.subjects, strict=True)]
    if named:
        shown = named if whole else named[:3]
        more = f" and {len(named) - len(shown):,} more" if len(shown) < len(named) else ""
        found += labelled("About", ", ".join(shown) + more, glyphs, width)
    if act.plan_hash:
        found += labelled("Plan", act.plan_hash, glyphs, width)
    if whole and act.detail:
        found += json_lines("Asked for", act.detail, glyphs, width)
    if whole and act.result:
        found += json_lines("Came of it", act.result, glyphs, width)
    return found


def _ended(act: AuditAct) -> str:
    return act.outcome.replace("_", " ")
