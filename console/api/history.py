"""The history of an order: what people did, what they wrote, what came in, what the run went through; oldest first."""

import sqlite3
from typing import Any

from console.observe.patterns import middle_masked
from console.schema.detail import HistoryItem
from console.written import code_words
from storage import audit, desk, feed, inbox

MOST = 500
SEND_MAIL = "send_mail"


def history(db: sqlite3.Connection, order_id: str) -> list[HistoryItem]:
    """Raw texts: the caller masks them."""
    items = [*_acts(db, order_id), *_written(db, order_id), *_events(db, order_id), *_feed(db, order_id)]
    return sorted(items, key=lambda item: item.at)


def _acts(db: sqlite3.Connection, order_id: str) -> list[HistoryItem]:
    """Commands, each with what came of it."""
    rows = audit.newest(db, MOST, subject=order_id)
    outcomes = {row.intent_id: row for row in rows if row.phase == "outcome"}
    found: list[HistoryItem] = []
    for row in rows:
        if row.phase != "intent":
            continue
        end = outcomes.get(row.id)
        detail: dict[str, Any] = {**(row.detail or {}), **((end.detail if end else None) or {})}
        found.append(
            HistoryItem(
                at=row.at, kind="command", actor=row.actor, what=row.command, reason=row.reason,
                outcome=end.outcome if end else None, detail=detail or None,
            )
        )  # fmt: skip
    return found


def _written(db: sqlite3.Connection, order_id: str) -> list[HistoryItem]:
    notes = [HistoryItem(at=n.at, kind="note", actor=n.actor, what=n.text) for n in desk.notes(db, order_id)]
    return notes + [_edit(edit) for edit in desk.edits(db, order_id)]


def _edit(edit: desk.Edit) -> HistoryItem:
    """An EID comes whole by the audited reveal alone."""
    shown = middle_masked if edit.field == "eid" else str
    old, new = (shown(value) if value else None for value in (edit.old, edit.new))
    return HistoryItem(
        at=edit.at, kind="edit", actor=edit.actor, what=f"{edit.field}: {old or 'none'} → {new or 'none'}",
        reason=edit.reason, detail={"item": edit.item, "field": edit.field, "old": old, "new": new},
    )  # fmt: skip


def _events(db: sqlite3.Connection, order_id: str) -> list[HistoryItem]:
    return [
        HistoryItem(
            at=e.received_at,
            kind="event",
            actor="salesforce",
            what="platform event",
            outcome=e.state,
            reason=None if e.state == "started" else e.reason,  # which run it started is what stands above all this
        )
        for e in inbox.of_order(db, order_id)
    ]


def _feed(db: sqlite3.Connection, order_id: str) -> list[HistoryItem]:
    return [
        HistoryItem(at=row.at, kind="feed", actor="engine", what=_told(row), seq=row.seq, detail=row.body)
        for row in feed.of_order(db, order_id, MOST)
        if row.kind in ("run", "mail", "order", "batch")
    ]


def _told(row: feed.FeedRow) -> str:
    """``failed at esim: stock empty``; ``mail sent``; of the run that sends a mail: ``mail failed at deliver: refused``."""
    body = row.body
    if row.kind == "mail":
        return f"mail {body.get('mail_state', '')}".strip()
    if row.kind == "order":
        return f"Salesforce: {body.get('status', '')}"
    if row.kind == "batch":
        return f"in a batch: {str(body.get('state', '')).replace('_', ' ')}"
    where = body.get("error_step") or body.get("step")
    code = body.get("code")
    cause = code_words(str(code)) if code else body.get("wait_reason")
    of_mail = "mail " if body.get("workflow") == SEND_MAIL else ""
    return f"{of_mail}{body.get('state', '')}{f' at {where}' if where else ''}{f': {cause}' if cause else ''}"
