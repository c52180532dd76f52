"""One order with everything the journal knows about it."""

from typing import Any

from pydantic import Field

from console.schema.base import Answer
from console.schema.orders import OrderLine
from console.schema.said import Say


class SendView(Answer):
    """One request (kind send), look or resolve of a call. ``seconds`` None: not ended. ``evidence``: what a look read."""

    id: int
    n: int
    kind: str
    run_id: int
    at: float
    deadline: float
    ended_at: float | None = None
    seconds: float | None = None
    outcome: str | None = None
    error_class: str | None = None
    code: str | None = None
    message: str | None = None
    evidence: dict[str, Any] | None = None
    correlation: str | None = None


class CallView(Answer):
    """One outside call: what went out, what came back, every time it was sent or looked for."""

    id: int
    run_id: int
    step: str
    operation: str
    item: str
    system: str
    effect: str
    state: str
    sends_count: int
    input: dict[str, Any]
    output: dict[str, Any] | None = None
    marker: str | None = None
    first_at: float
    at: float
    deadline: float
    wait_from: float | None = None
    late_until: float | None = None  # before this moment absence may not be said (rules §3.3)
    settled_at: float | None = None
    settled_by: str | None = None
    sends: list[SendView] = Field(default_factory=list)


class StepView(Answer):
    name: str
    state: str
    tries: int
    started_at: float | None = None
    ended_at: float | None = None
    seconds: float | None = None
    output: dict[str, Any] | None = None
    note: str | None = None


class RunView(Answer):
    """One attempt; ``condition`` in words; ``data`` is what the engine keeps (redacted)."""

    id: int
    state: str
    version: int
    step: str | None = None
    wait: str | None = None
    wait_reason: str | None = None
    until: float | None = None
    next_at: float | None = None
    condition: str | None = None
    tries: int = 0
    attempt: int = 0
    look_first: bool = False
    unknown: bool = False
    cancel_asked: bool = False
    waits_for: int | None = None
    waits_for_order: str | None = None
    retry_of: int | None = None
    source: str
    error_class: str | None = None
    error_system: str | None = None
    error_operation: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_step: str | None = None
    cause: str | None = None
    created_at: float
    updated_at: float
    started_at: float | None = None
    ended_at: float | None = None
    steps: list[StepView] = Field(default_factory=list)


class HistoryItem(Answer):
    """``kind``: command, note, edit, event (a platform event), feed (a change of a run), mail."""

    at: float
    kind: str
    actor: str
    what: str
    reason: str | None = None
    outcome: str | None = None
    seq: int | None = None
    detail: dict[str, Any] | None = None


class MailView(Answer):
    """``state``: queued, sending, sent, maybe_sent, failed, held. The recipient is masked."""

    id: int
    order_id: str
    number: str | None = None
    kind: str
    language: str
    state: str
    recipient: str | None = None
    resend: int = 0
    tries: int = 0
    error: str | None = None
    queued_at: float
    sent_at: float | None = None
    queued_by: str
    message_id: str


class ProfileView(Answer):
    """An eSIM profile; ``iccid`` and ``eid`` masked for viewers. ``shown_state``: as the device reported."""

    iccid: str
    type: str
    state: str
    shown_state: str | None = None
    order_id: str | None = None
    order_item_id: str | None = None
    eid: str | None = None
    updated_at: float


class TakeView(Answer):
    actor: str
    at: float
    expires_at: float


class PossibleCommand(Answer):
    """A command this order can take now, or why not in words. ``never``: this role never may. ``choices``: what an
    argument may be for this order (name → values), where that is a closed list."""

    id: str
    title: str
    possible: bool
    reason: str = ""
    never: bool = False
    choices: dict[str, list[str]] = Field(default_factory=dict)


class OrderDetail(Answer):
    """``standing``: effects that stand outside, in words. ``advice``: what to do next. ``links``: where the order is seen
    in a browser (salesforce, whmcs, client)."""

    seq: int
    at: float
    order: OrderLine
    customer: dict[str, Any] = Field(description="name, number, client_id, phone and email, masked by role")
    effective_date: str | None = None
    placed_by: str | None = None
    approved_by: str | None = None
    read_at: float
    run: RunView | None = None
    earlier: list[RunView] = Field(default_factory=list)
    calls: list[CallView] = Field(default_factory=list)
    history: list[HistoryItem] = Field(default_factory=list)
    events: list[dict[str, Any]] = Field(default_factory=list)
    mails: list[MailView] = Field(default_factory=list)
    profiles: list[ProfileView] = Field(default_factory=list)
    take: TakeView | None = None
    standing: list[str] = Field(default_factory=list)
    advice: str = ""
    say: Say
    commands: list[PossibleCommand] = Field(default_factory=list)
    links: dict[str, str] = Field(default_factory=dict)

    def outlived(self, now: float) -> bool:
        """Since this was read a call can no longer land late: more may be possible now, and no event tells of it."""
        return any(call.late_until is not None and self.at < call.late_until <= now for call in self.calls)
