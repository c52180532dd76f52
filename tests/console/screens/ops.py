"""What the daemon would tell of itself: events, health, audit log, the doctor's findings, settings. Times are world.NOW's."""

from console.schema.commands import Plan, PlannedOrder
from console.schema.desk import (
    AuditAct,
    AuditActs,
    CursorView,
    Events,
    EventView,
    Gaps,
    GapView,
    Poisons,
    PoisonView,
)
from console.schema.service import (
    AlertView,
    BreakerView,
    CheckResult,
    Checks,
    DeepHealth,
    Health,
    Integration,
    Integrations,
    Part,
    PauseView,
    RecentCalls,
    SettingsView,
    SettingView,
)
from tests.console.screens.world import NOW, order_id

CHANNEL = "/event/OrderProvisionRequested__e"
EVENTS = 130  # in the journal; a page holds 100
NUMBERS = ("00010482", "00010481", "00010480", "00010479", "00010478", "00010477")


def event(seq: int) -> EventView:
    """The newest has the number ``EVENTS``; each is 20 s older than the next one."""
    number = NUMBERS[seq % len(NUMBERS)]
    state, reason = [
        ("started", f"run {seq} (event)"),
        ("attached", "its run is open"),
        ("closed", "Status is Activated"),
    ][seq % 3]
    if seq == EVENTS - 4:
        state, reason = "poison", "OrderId__c is not the id of an order"
    return EventView(
        seq=seq, channel=CHANNEL, replay_id=str(1_000_300 + seq), event_uuid=f"0d8e9252-63b1-4c1f-9a3e-{seq:012d}",
        order_id=None if state == "poison" else order_id(number), number=None if state == "poison" else number,
        idem_key=f"{order_id(number)}-1", received_at=NOW - 12 - (EVENTS - seq) * 20, state=state, reason=reason,
        run_id=seq if state == "started" else None, handled_at=NOW - 11.96 - (EVENTS - seq) * 20,
        payload={"OrderId__c": order_id(number), "IdemKey__c": f"{order_id(number)}-1", "CreatedDate": "2026-11-23T03:04:20Z"},
    )  # fmt: skip


def events(limit: int = 100, before: int | None = None, filter_: str = "") -> Events:
    found = [event(seq) for seq in range((before or EVENTS + 1) - 1, 0, -1)]
    if filter_:
        found = [one for one in found if filter_ == f"state:{one.state}"]
    cursor = CursorView(org="00D", transport="cometd", channel=CHANNEL, replay_id=str(1_000_300 + EVENTS), at=NOW - 12)
    return Events(events=found[:limit], cursors=[cursor])


def gaps() -> Gaps:
    return Gaps(
        gaps=[
            GapView(
                id=1, channel=CHANNEL, lost_cursor="1000371", cursor_at=NOW - 1200, at=NOW - 145, reason="the replay id had expired",
                reconciled_at=NOW - 120,
            ),
            GapView(id=2, channel=CHANNEL, lost_cursor=None, cursor_at=None, at=NOW - 3000, reason="a first session"),
        ]
    )  # fmt: skip


def poisons() -> Poisons:
    spoilt = event(EVENTS - 4)
    return Poisons(
        poison=[
            PoisonView(
                id=1, at=spoilt.received_at, reason=spoilt.reason or "", channel=CHANNEL, replay_id=spoilt.replay_id,
                event_uuid=spoilt.event_uuid, payload="{}", seen_by=None,
            )
        ]
    )  # fmt: skip


def integrations(*paused: str) -> Integrations:
    """``paused``: what else is paused besides a product."""
    pauses = [
        PauseView(subject="product:21", actor="sato", reason="price list is checked", at=NOW - 5400, automatic=False),
        *(PauseView(subject=name, actor="mira", reason="their maintenance until 13:00", at=NOW - 300, automatic=False) for name in paused),
    ]  # fmt: skip
    systems = [
        _integration("salesforce", calls=807, failed=3, p95=0.096, quota=(12_481, 100_000)),
        _integration("whmcs", calls=2469, refused=12, p95=0.068, waiting=0),
        _integration("esim", calls=54, failed=21, p95=9.8, waiting=7, broken=True),
        _integration("mail", calls=0, p95=None),
    ]
    shown = [
        one.model_copy(update={"state": "paused", "paused_by": "mira", "pause_reason": "their maintenance until 13:00"})
        if one.system in paused
        else one
        for one in systems
    ]
    return Integrations(
        integrations=shown, pauses=pauses, holds={}, runs={"running": 2},
        events={"phase": "listening", "listening_since": NOW - 7200, "events": 412, "gaps": 1, "last_event_at": NOW - 12},
    )  # fmt: skip


def _integration(
    system: str, *, calls: int, p95: float | None, failed: int = 0, refused: int = 0, waiting: int = 0, broken: bool = False,
    quota: tuple[int, int] | None = None,
) -> Integration:  # fmt: skip
    latency = [None if p95 is None or n % 7 == 3 else p95 * (0.2 + (n % 5) / 5) for n in range(20)]
    return Integration(
        system=system, state="broken" if broken else "up", calls=calls * 9, errors=failed, error_rate=0.01, in_flight=1 if calls else 0,
        queued=3 if broken else 0, concurrency=8, waiting_runs=waiting, last_ok_at=NOW - 4 if calls else None,
        last_error="http_503: Service Unavailable" if failed else None,
        recent=RecentCalls(
            window=300, slot=15, calls=calls, failed=failed, refused=refused, latency=latency,
            p50=p95 / 3 if p95 is not None else None, p95=p95,
        ),
        breaker=BreakerView(
            state="open" if broken else "closed", failures=5 if broken else 0, most=5, window=60, again_in=12.0 if broken else None
        ),
        quota_used=quota[0] if quota else None, quota_total=quota[1] if quota else None,
    )  # fmt: skip


def deep() -> DeepHealth:
    return DeepHealth(
        state="bad", at=NOW,
        parts=[
            Part(name="process", state="ok", detail="version 0.1.0, up for 2 hours", values={"peak_rss_mb": 118, "cpu_seconds": 312.0}),
            Part(name="runs", state="ok", detail="2 of at most 64 worked on now", values={"queued": 1, "parked": 5}),
            Part(name="journal", state="ok", detail="feed row 88120", values={"mb": 41.2, "wal_mb": 3.9, "schema": "0003_audit_pairs"}),
            Part(name="disk", state="ok", detail="78,848 MB of 258,020 MB free"),
            Part(name="backup", state="warn", detail="27 hours old"),
            Part(name="events", state="warn", detail="listening; 1 gap(s) not reconciled yet: a first session"),
            Part(name="heartbeat", state="ok", detail="published and back", since=NOW - 900, values={"every": 86400}),
            Part(name="quota", state="ok", detail="12,481 of 100,000 used"),
            Part(name="salesforce", state="ok", detail="up"),
            Part(name="esim", state="bad", detail="does not work now: http_503"),
            Part(name="certificate esim.client_cert", state="warn", detail="runs out in 12 days"),
        ],
        alerts=[
            AlertView(cause="paused:esim", severity="critical", message="eSIM does not answer", first_at=NOW - 1800, last_at=NOW, count=1),
            AlertView(
                cause="failed:aa58", severity="warning", message="order 00010467: failed at load: recipient_changed", order_id=order_id("00010467"),
                first_at=NOW - 90_000, last_at=NOW - 60, count=5,
            ),
        ],
    )  # fmt: skip


def health() -> Health:
    return Health(ok=True, version="0.1.0", uptime=7200.0, journal="read in 1 ms", seq=88120)


# The audit log --------------------------------------------------------------------------------------------------------

ACTS: tuple[tuple[str, str, str, str, str | None, str | None], ...] = (
    # who, role, command, title, order or subject, reason
    ("mira", "operator", "order.retry", "Retry", "00010476", None),
    ("mira", "operator", "system.pause", "Pause", "esim", "their maintenance until 13:00"),
    ("sato", "supervisor", "order.approve", "Approve", "00010482", "address checked with the customer"),
    ("sato", "supervisor", "reveal", "reveal", "00010480", "the customer asked"),
    ("kenji", "admin", "tokens.create", "tokens.create", None, "a new colleague"),
)
OUTCOMES = ("done", "done", "unknown", "done", "failed", "refused", "under_way")
TOTAL = 230


def act(number: int) -> AuditAct:
    who, role, command, title, about, reason = ACTS[number % len(ACTS)]
    outcome = OUTCOMES[number % len(OUTCOMES)]
    at = NOW - 30 - (TOTAL - number) * 61
    is_order = about is not None and about.isdigit()
    return AuditAct(
        id=number * 2, at=at, ended_at=at + 0.4 if outcome != "under_way" else None, actor=who, role=role, peer="uid 1000",
        command=command, title=title, plan_hash=f"{number:064x}" if is_order else None,
        subjects=[order_id(about)] if about is not None and is_order else [], numbers=[about] if about is not None and is_order else [],
        reason=reason, outcome=outcome, detail={"subject": about} if about is not None and not is_order else {"step": "crm"},
        result={"run": number} if outcome == "done" else None,
    )  # fmt: skip


def acts(limit: int = 100, before: int | None = None, filter_: str = "", masked: bool = False) -> AuditActs:
    wanted = filter_.removeprefix("who:")
    matching = [act(n) for n in range(TOTAL, 0, -1) if not wanted or act(n).actor == wanted]
    found = [one for one in matching if before is None or one.id < before]
    if masked:
        found = [one.model_copy(update={"reason": "•••" if one.reason else None}) for one in found]
    return AuditActs(total=len(matching), acts=found[:limit])


# Doctor and settings --------------------------------------------------------------------------------------------------


def checks() -> Checks:
    found = [
        ("settings", "ok", "/etc/portal/portal.toml: 0 problems", "", "The file that everything is set in; it may hold secrets.", 2),
        ("files", "ok", "/var/lib/portal is private", "", "Nobody else on the machine may read journal and backups.", 1),
        ("journal", "ok", "sound, 41.2 MB, org 00D5h0000000001EAA", "", "Everything that was done stands in this file.", 57),
        ("backups", "warn", "3 kept, newest 27 h old and sound: too old", "see that the daemon runs, or make one with portal backup", "What is left when the journal is lost.", 19),
        ("certificates", "bad", "esim.client_cert has run out", "renew it", "With one that has run out the eSIM provider cannot be reached.", 0),
    ]  # fmt: skip
    rows = [
        CheckResult(name=name, state=state, detail=detail, remedy=remedy, means=means, ms=ms)  # type: ignore[arg-type]
        for name, state, detail, remedy, means, ms in found
    ]
    return Checks(at=NOW, checks=rows)


def settings() -> SettingsView:
    rows = [
        ("salesforce.login_url", "https://acme.my.salesforce.com", "file portal.toml:5", "Address of the org"),
        ("salesforce.client_secret", "••••••••", "secret file /run/secrets/sf", "Its secret"),
        ("whmcs.late_after", "15m", "default", "How long a lost call may still land"),
        ("esim.low_water.TRAVEL-5G", "20", "env PORTAL_ESIM__LOW_WATER", "Free profiles below which it is told"),
        ("daemon.environment", "sandbox", "default", "Label of this install"),
    ]
    shown = [SettingView(key=key, value=value, source=source, help=about) for key, value, source, about in rows]
    return SettingsView(file="/etc/portal/portal.toml", settings=shown)


def planned(subject: str) -> Plan:
    """The plan of a pause, as the daemon makes it."""
    line = f"{subject}: runs that need it park and burn no tries; calls under way end"
    return Plan(
        command="system.pause", title="Pause", hash="h" * 16, at=NOW, count=1, needs_reason=True, arguments={"subject": subject},
        orders=[PlannedOrder(order_id="", number=subject, lines=[line])],
    )  # fmt: skip
