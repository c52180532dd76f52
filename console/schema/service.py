"""The daemon itself: who asks, health, integrations, tokens, reveal, backup."""

from typing import Annotated, Any, Literal

from pydantic import Field

from console.schema.base import Answer, OrderId, Reason, Request, Role


class Me(Answer):
    """Who the daemon takes the asker for. ``environment``: name, kind (sandbox or production) and org of this install."""

    name: str
    role: Role
    peer: str
    token_id: int | None = None
    token_expires_at: float | None = None
    environment: str
    org_id: str
    production: bool = False
    version: str
    read_only: bool = False
    approve_limit_yen: int | None = None
    time_zone: str
    seq: int
    epoch: int


class Health(Answer):
    """Of process and journal only: an outside system that is down does not make it bad."""

    ok: bool
    version: str
    uptime: float
    journal: str
    seq: int
    note: str = ""


Grade = Literal["ok", "warn", "bad"]


class Part(Answer):
    """One thing that was checked. ``state``: ok, warn, bad."""

    name: str
    state: Grade
    detail: str = ""
    since: float | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class DeepHealth(Answer):
    state: Grade
    at: float
    parts: list[Part]
    alerts: list["AlertView"]


class AlertView(Answer):
    cause: str
    severity: str
    message: str
    order_id: str | None = None
    first_at: float
    last_at: float
    count: int


class RecentCalls(Answer):
    """Of the last ``window`` seconds. ``failed``: no answer or a broken one; ``refused``: an answer that said no.

    ``latency``: mean seconds of a call in each slot of ``slot`` seconds, oldest first; None: no call. ``p50``, ``p95``
    in seconds; None: no call in the window.
    """

    window: float
    slot: float
    calls: int
    failed: int
    refused: int
    latency: list[float | None] = Field(default_factory=list)
    p50: float | None = None
    p95: float | None = None


class BreakerView(Answer):
    """``state``: closed, open (nobody is let through for ``again_in`` seconds), trying (one call is let through).

    It opens after ``most`` failures within ``window`` seconds; ``failures`` were counted so far.
    """

    state: Literal["closed", "open", "trying"]
    failures: int
    most: int
    window: float
    again_in: float | None = None


class Integration(Answer):
    """``state``: up, broken (circuit breaker open), paused. ``error_rate``: errors / calls since the daemon started.

    ``queued``: calls that wait for their turn; ``concurrency``: at most so many at a time; ``rate``: at most so many a
    second, 0 without limit.
    """

    system: str
    state: str
    calls: int
    errors: int
    error_rate: float
    in_flight: int
    queued: int = 0
    concurrency: int = 0
    rate: float = 0.0
    recent: RecentCalls | None = None
    breaker: BreakerView | None = None
    waiting_runs: int = 0
    last_error: str | None = None
    last_ok_at: float | None = None
    breaker_opened_for: float | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    paused_at: float | None = None
    pause_automatic: bool = False
    quota_used: int | None = None
    quota_total: int | None = None


class CheckResult(Answer):
    """``detail``: what was found; ``remedy``: what to do about it, "" for nothing; ``means``: what hangs on it."""

    name: str
    state: Grade
    detail: str
    remedy: str = ""
    means: str = ""
    ms: int = 0


class Checks(Answer):
    """What the daemon found where it lives."""

    at: float
    checks: list[CheckResult]


class SettingView(Answer):
    """``source``: default, file portal.toml:12, env PORTAL_X__Y, or secret file ...; a secret's value is masked.
    ``help`` says what it is for.
    """

    key: str
    value: str
    source: str
    help: str = ""


class SettingsView(Answer):
    """The settings the daemon runs with. ``file``: the one that was read."""

    file: str | None = None
    settings: list[SettingView]


class PauseView(Answer):
    subject: str
    actor: str
    reason: str
    at: float
    automatic: bool


class Integrations(Answer):
    """``events``: the event stream's state (phase, last event, failures …). ``holds``: why no guarded call may leave."""

    integrations: list[Integration]
    pauses: list[PauseView]
    events: dict[str, Any]
    holds: dict[str, str]
    brake: str | None = None
    recovery: str | None = None
    observe: bool = False
    runs: dict[str, int]


class RevealRequest(Request):
    """Unmask values of one order for a short while; written to the audit log before it answers."""

    order_id: OrderId
    fields: Annotated[
        list[Literal["name", "phone", "email", "iccid", "eid", "activation"]], Field(min_length=1, max_length=6)
    ]
    reason: Annotated[str, Field(min_length=3, max_length=500)]


class Revealed(Answer):
    """``hide_after`` in seconds. ``activation``: per order item the code and what it is made of."""

    order_id: str
    audit_id: int
    hide_after: float
    values: dict[str, Any]


class NewToken(Request):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role
    days: Annotated[float, Field(gt=0, le=366)] | None = None
    reason: Reason = ""


class TokenView(Answer):
    id: int
    name: str
    role: Role
    prefix: str
    created_at: float
    expires_at: float
    revoked_at: float | None = None
    last_used_at: float | None = None


class CreatedToken(TokenView):
    """``token`` is shown this once."""

    token: str


class Tokens(Answer):
    tokens: list[TokenView]


class BackupRequest(Request):
    """``file``: an absolute path on the daemon's machine that does not exist yet."""

    file: Annotated[str, Field(min_length=1, max_length=1000)]


class BackedUp(Answer):
    file: str
    bytes: int
    seconds: float
