"""What the desk looks at besides single orders: approvals, failures, events, mails, audit, what needs a person."""

from typing import Any

from pydantic import Field

from console.schema.base import Answer
from console.schema.detail import MailView, ProfileView


class Approval(Answer):
    """An order that waits for approval, read from Salesforce now. ``why``: computed from facts, never guessed.

    ``may`` False: the asking person may not approve it, ``why_not`` says why and who may. ``who``: who may decide.
    """

    order_id: str
    number: str
    customer: str | None = None
    account: str | None = None
    amount: int | None = None
    placed_by: str | None = None
    effective_date: str | None = None
    modified_at: float
    waited: float
    why: list[str] = Field(default_factory=list)
    may: bool = True
    why_not: str = ""
    who: str = ""
    owner: str | None = None
    owner_until: float | None = None


class Approvals(Answer):
    at: float
    count: int
    sum_yen: int
    approvals: list[Approval]


class GroupAct(Answer):
    """What could be done to a group: ``possible`` of its orders now; ``why_not``: the commonest reason for the others."""

    id: str
    possible: int
    why_not: str = ""


class FailureGroup(Answer):
    """Orders whose latest run waits or failed for one cause. ``last_hour``: how many met it in each of 12 five minutes.

    ``first``: when it was ever met first. ``before``: how the orders of earlier runs with the same cause stand now (state →
    count), the newest of which stood at it at ``before_at``. ``unknown``: orders with an outcome that is not known, which
    are never part of a bulk act. ``sum_yen``: what the orders are worth together. ``order_ids`` and ``numbers`` may hold
    fewer than ``count``: the filter ``cause:<cause>`` means them all.
    """

    cause: str
    title: str
    step: str | None
    system: str | None
    code: str | None
    error_class: str | None
    advice: str
    count: int
    oldest: float
    newest: float
    first: float | None = None
    states: dict[str, int]
    last_hour: list[int]
    automatic: str
    unknown: int = 0
    sum_yen: int = 0
    before: dict[str, int] = Field(default_factory=dict)
    before_at: float | None = None
    acts: list[GroupAct] = Field(default_factory=list)
    order_ids: list[str] = Field(default_factory=list)
    numbers: list[str] = Field(default_factory=list)


class Failures(Answer):
    """``filter``: what was asked for, in the grammar; groups are the largest first. ``orders`` counts all that match,
    the groups together may hold fewer: the newest."""

    seq: int
    at: float = 0.0
    filter: str = ""
    orders: int
    groups: list[FailureGroup]


class EventView(Answer):
    """A platform event as journaled. ``state``: new, started, attached, closed, held, poison, heartbeat."""

    seq: int
    channel: str
    replay_id: str
    event_uuid: str
    order_id: str | None = None
    number: str | None = None
    idem_key: str | None = None
    received_at: float
    state: str
    reason: str | None = None
    run_id: int | None = None
    handled_at: float | None = None
    payload: dict[str, Any] = Field(default_factory=dict)


class CursorView(Answer):
    org: str
    transport: str
    channel: str
    replay_id: str
    at: float


class Events(Answer):
    events: list[EventView]
    cursors: list[CursorView]


class GapView(Answer):
    id: int
    channel: str
    lost_cursor: str | None = None
    cursor_at: float | None = None
    at: float
    reason: str
    reconciled_at: float | None = None


class Gaps(Answer):
    gaps: list[GapView]


class PoisonView(Answer):
    id: int
    at: float
    reason: str
    channel: str
    replay_id: str
    event_uuid: str
    payload: str
    seen_by: str | None = None


class Poisons(Answer):
    poison: list[PoisonView]


class Mails(Answer):
    mails: list[MailView]


class Stock(Answer):
    """``counts``: profile type → state → how many. ``low``: types below their low-water mark."""

    counts: dict[str, dict[str, int]]
    low_water: dict[str, int] = Field(default_factory=dict)
    low: list[str] = Field(default_factory=list)
    profiles: list[ProfileView] = Field(default_factory=list)


class LineNoteView(Answer):
    line: int
    field: str
    problem: str
    remedy: str


class Imported(Answer):
    """``added``: new profiles; ``known``: rows that stood already; warnings do not stop an import."""

    added: int
    known: int
    warnings: list[LineNoteView] = Field(default_factory=list)
    counts: dict[str, int] = Field(default_factory=dict)


class AuditView(Answer):
    """``phase``: intent (before the effect) or outcome (after it, ``intent_id`` names its intent)."""

    id: int
    at: float
    phase: str
    intent_id: int | None = None
    actor: str
    peer: str | None = None
    token_id: int | None = None
    role: str | None = None
    command: str
    plan_hash: str | None = None
    subjects: list[str] = Field(default_factory=list)
    numbers: list[str] = Field(default_factory=list)
    reason: str | None = None
    outcome: str | None = None
    detail: dict[str, Any] | None = None


class Audit(Answer):
    rows: list[AuditView]


class AuditAct(Answer):
    """One act: its intent and what came of it. ``outcome``: as in the audit rows, or under_way. ``title``: the command in
    words. ``result``: the details of the outcome; ``reason``, ``detail`` and ``result`` are masked for viewers.
    """

    id: int
    at: float
    ended_at: float | None = None
    actor: str
    role: str | None = None
    peer: str | None = None
    token_id: int | None = None
    command: str
    title: str
    plan_hash: str | None = None
    subjects: list[str] = Field(default_factory=list)
    numbers: list[str] = Field(default_factory=list)
    reason: str | None = None
    outcome: str
    detail: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


class AuditActs(Answer):
    """Newest first. ``total``: how many match the filter in all."""

    total: int
    acts: list[AuditAct]


class PersonItem(Answer):
    """Something that waits for a human and nothing else. ``kind``: unknown_outcome, conflict, failed, held, effects_stand,
    mail_maybe_sent, mail_failed, mail_held, park_ending, poison, gap, paused, brake, recovery, ownership, deaf, alarm.

    ``key`` is its name for as long as it waits; ``what`` happened, what ``stands`` outside, who has it (``owner``), what it
    means (``advice``). ``next_acts``: ids of commands that the asking person may give now; empty: ``why_not``.
    ``subject``: what a command on the system is to be given for it (``whmcs``, ``gap:3``); ``mail``: which kind of mail.
    """

    key: str
    kind: str
    since: float
    title: str
    what: str
    advice: str = ""
    stands: list[str] = Field(default_factory=list)
    order_id: str | None = None
    number: str | None = None
    owner: str | None = None
    next_acts: list[str] = Field(default_factory=list)
    why_not: str = ""
    until: float | None = None
    subject: str | None = None
    mail: str | None = None
    step: str | None = None
    code: str | None = None


class NeedsPerson(Answer):
    """Oldest first; ``count`` is of all, also where fewer ``items`` were asked for. ``oldest``: since when it waits."""

    seq: int
    at: float = 0.0
    count: int
    oldest: float | None = None
    items: list[PersonItem]
