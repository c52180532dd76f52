"""How the daemon and everything around it does, part by part, as it is known here: nothing outside is asked.

Numbers, states and causes; no personal data. Times are seconds since 1970, durations seconds.
"""

import os
import resource
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from console import __version__
from console.daemon import telling
from console.daemon.daemon import Daemon
from console.engine import recovery
from console.engine.brake import SUBJECT
from console.engine.certificates import DAY
from console.engine.clockwatch import SKEW
from console.engine.gates import Gate
from console.engine.heartbeat import last_sent
from console.engine.recovery import Recovery
from console.schema.service import Grade, Part
from integrations.errors import System
from storage import desk, feed, inbox, mail, outbox, profiles, runs
from storage.desk import Pause
from storage.inbox import Gap
from storage.migrate import migration_names

MEGABYTE = 1_048_576
LATE_POLL = 3.0  # times the time between polls


@dataclass(frozen=True)
class _Rows:
    """What the journal says, read at one moment."""

    newest: int
    epoch: int
    runs: dict[str, int]
    held: dict[str, int]
    pauses: dict[str, Pause]
    recovery: Recovery | None
    gaps: list[Gap]
    poison: int
    events_waiting: int
    outbox: dict[str, int]
    mail: dict[str, int]
    stock: list[tuple[str, str, int]]
    waiting_for: dict[str, int]
    heartbeat: tuple[str | None, float]


def _read(db: sqlite3.Connection) -> _Rows:
    _, newest, epoch = feed.bounds(db)
    return _Rows(
        newest=newest, epoch=epoch, runs=runs.counts(db), held=runs.held_by_reason(db), pauses=desk.pauses(db),
        recovery=recovery.present(db), gaps=inbox.gaps(db, open_only=True), poison=inbox.poison_count(db),
        events_waiting=inbox.waiting_count(db), outbox=outbox.counts(db), mail=mail.counts(db),
        stock=profiles.stock(db), waiting_for=runs.waiting_for_systems(db), heartbeat=last_sent(db),
    )  # fmt: skip


async def deep_parts(daemon: Daemon) -> list[Part]:
    """Everything, in the order in which a person asks: ourselves, how orders come in, the outside, what waits."""
    rows = await daemon.journal.read(_read)
    return [
        *_ourselves(daemon, rows), *_store(daemon), *_org(daemon, rows), *_coming_in(daemon, rows),
        *_systems(daemon, rows), *_waiting(rows), *_stock(daemon, rows), *_upkeep(daemon),
    ]  # fmt: skip


def _ourselves(daemon: Daemon, rows: _Rows) -> Iterator[Part]:
    parts = daemon.parts
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Part(
        name="process", state="ok", detail=f"version {__version__}, up for {_lasted(_uptime(daemon))}",
        values={"pid": os.getpid(), "uptime": _uptime(daemon), "peak_rss_mb": used.ru_maxrss // 1024,
                "cpu_seconds": used.ru_utime + used.ru_stime, "parts": daemon.tasks},
    )  # fmt: skip
    yield Part(
        name="runs", state="ok", detail=f"{parts.dispatcher.working_on} of at most {daemon.settings.engine.max_running} worked on now",
        values={**rows.runs, "working_on": parts.dispatcher.working_on, "held_because": rows.held},
    )  # fmt: skip
    for name, reason in parts.engine.holds.reasons().items():
        yield Part(name=f"hold {name}", state="bad", detail=f"no guarded call leaves: {reason}")
    if parts.engine.observe:
        yield Part(name="observe", state="warn", detail="only observing: nothing is written outside")


def _store(daemon: Daemon) -> Iterator[Part]:
    journal, keeping = daemon.journal, daemon.housekeeping
    wal = journal.path.with_name(journal.path.name + "-wal")
    values = {"mb": _size(journal.path) / MEGABYTE, "wal_mb": _size(wal) / MEGABYTE}
    newest = daemon.journal.peek(feed.highest)
    trouble = journal.trouble
    yield Part(
        name="journal", state="bad" if trouble else "ok", detail=str(trouble or f"feed row {newest}"),
        values={**values, "seq": newest, "schema": migration_names()[-1]},
    )  # fmt: skip
    if keeping.disk is not None:
        free, total = keeping.disk
        low = 100.0 * free / max(total, 1) < daemon.settings.alerts.disk_free_percent
        blocked = daemon.parts.blocked.get("disk")
        yield Part(
            name="disk", state="bad" if blocked else "warn" if low else "ok",
            detail=blocked or f"{free / MEGABYTE:,.0f} MB of {total / MEGABYTE:,.0f} MB free",
            values={"free_mb": free // MEGABYTE, "total_mb": total // MEGABYTE},
        )  # fmt: skip
    yield _backup(daemon)
    if keeping.last_error is not None:
        yield Part(name="housekeeping", state="bad", detail=keeping.last_error, since=keeping.last_at)


def _backup(daemon: Daemon) -> Part:
    backups, now = daemon.housekeeping.backups, daemon.parts.engine.clock.now()
    last, error = backups.last_at, backups.last_error
    old = last is None or now - last > daemon.settings.alerts.backup_age
    detail = error or ("none yet" if last is None else f"{_lasted(now - last)} old")
    state: Grade = "bad" if old and error else "warn" if old or error else "ok"
    return Part(name="backup", state=state, detail=detail, since=last, values={"age": now - last if last else None})


def _org(daemon: Daemon, rows: _Rows) -> Iterator[Part]:
    engine, ownership = daemon.parts.engine, daemon.parts.ownership
    if daemon.establishing_error is not None:
        yield Part(name="org", state="bad", detail=f"not reached yet: {daemon.establishing_error}")
    if ownership.lost_to is not None:
        yield Part(name="ownership", state="bad", detail=ownership.lost_to)
    elif ownership.owned is not None:
        generation = ownership.owned.generation
        yield Part(
            name="ownership", state="ok", detail=f"this journal owns the org (generation {generation})",
            values={"generation": generation, "org_id": engine.org_id},
        )  # fmt: skip
    elif not engine.observe:
        yield Part(name="ownership", state="warn", detail="this journal does not own the org yet")
    if rows.recovery is not None:
        changed = rows.recovery.changed
        listed = "the changed orders are not listed yet" if changed is None else f"{len(changed)} orders changed"
        yield Part(
            name="recovery", state="bad", detail=f"{rows.recovery.reason}; {listed}",
            values={"changed": len(changed) if changed is not None else None},
        )  # fmt: skip


def _coming_in(daemon: Daemon, rows: _Rows) -> Iterator[Part]:
    parts, brake = daemon.parts, rows.pauses.get(SUBJECT)
    values = {
        "events_waiting": rows.events_waiting,
        "last_error": parts.intake.last_error,
        "unbegun": len(parts.poll.unbegun),
    }
    stopped = parts.stopped()
    if brake is not None:
        yield Part(
            name="intake", state="bad", since=brake.at, values={**values, "by": brake.actor},
            detail=f"the brake is on: {brake.reason}",
        )  # fmt: skip
    elif stopped is not None:
        yield Part(name="intake", state="bad", detail=stopped, values=values)
    elif parts.engine.quota.low:
        yield Part(
            name="intake", state="warn", detail="only the poll brings orders in: the quota is low", values=values
        )
    else:
        error = parts.intake.last_error
        yield Part(name="intake", state="warn" if error else "ok", detail=error or "orders may come in", values=values)
    yield _poll(daemon)
    yield _events(daemon, rows)
    yield _heartbeat(daemon, rows)


def _poll(daemon: Daemon) -> Part:
    poll, now = daemon.parts.poll, daemon.parts.engine.clock.now()
    values = dict(telling.poll(poll))
    if poll.last_error is not None:
        return Part(name="poll", state="warn", detail=poll.last_error, since=poll.last_ok_at, values=values)
    if poll.last_ok_at is None:
        return Part(name="poll", state="warn", detail="not yet", values=values)
    age = now - poll.last_ok_at
    late = age > LATE_POLL * daemon.settings.intake.poll_every and not daemon.parts.engine.quota.low
    state: Grade = "warn" if late else "ok"
    return Part(name="poll", state=state, detail=f"{_lasted(age)} ago", since=poll.last_ok_at, values=values)


def _events(daemon: Daemon, rows: _Rows) -> Part:
    values = dict(telling.event_stream(daemon.supervisor, enabled=daemon.settings.salesforce.events_enabled))
    values |= {"open_gaps": len(rows.gaps), "poison": rows.poison}
    now, phase = daemon.parts.engine.clock.now(), str(values["phase"])
    for name in ("listening_since", "last_poll_at", "last_event_at"):
        if values.get(name) is not None:
            values[name.removesuffix("_at").removesuffix("_since") + "_age"] = now - values[name]
    if phase == "off":
        return Part(name="events", state="ok", detail="switched off; the poll goes on", values=values)
    detail = phase if phase == "listening" else f"{phase}: {values.get('last_error') or 'no session yet'}"
    if rows.gaps:
        detail += f"; {len(rows.gaps)} gap(s) not reconciled yet: {rows.gaps[-1].reason}"
    if rows.poison:
        detail += f"; {rows.poison} event(s) that led to no order to look at"
    well = phase == "listening" and not rows.gaps and not rows.poison
    return Part(name="events", state="ok" if well else "warn", detail=detail, values=values)


def _heartbeat(daemon: Daemon, rows: _Rows) -> Part:
    key, sent_at = rows.heartbeat
    beat, alarm = daemon.heartbeat, daemon.parts.engine.alarms.opened("heartbeat")
    if beat.every <= 0:
        return Part(name="heartbeat", state="ok", detail="off")
    detail = alarm.message if alarm else beat.last_error or ("published and back" if key else "none published yet")
    state: Grade = "bad" if alarm else "warn" if beat.last_error else "ok"
    return Part(
        name="heartbeat", state=state, detail=detail, since=sent_at if key else None, values={"every": beat.every}
    )


def _systems(daemon: Daemon, rows: _Rows) -> Iterator[Part]:
    engine = daemon.parts.engine
    for gate in engine.gates:
        part = _system(gate, engine.clock.monotonic(), rows)
        if gate.system == System.SALESFORCE and (usage := engine.quota.usage) is not None:
            problem = engine.quota.problem
            part.values.update(quota_used=usage.used, quota_total=usage.total, quota_low=problem is not None)
            yield part
            yield Part(
                name="quota", state="warn" if problem else "ok", detail=problem or f"{usage.used:,} of {usage.total:,} used",
                values={"used": usage.used, "total": usage.total},
            )  # fmt: skip
        else:
            yield part
    for name, pause in rows.pauses.items():
        if name.startswith("product:"):
            yield Part(name=name, state="warn", detail=f"paused by {pause.actor}: {pause.reason}", since=pause.at)
    skews = daemon.parts.clockwatch.differences
    far = {name: seconds for name, seconds in skews.items() if abs(seconds) > SKEW}
    worst = max((abs(seconds) for seconds in skews.values()), default=0.0)
    detail = f"{worst:.1f} s from the servers' at most" if skews else "not compared yet"
    yield Part(name="clock", state="bad" if far else "ok", detail=detail, values=skews)


def _system(gate: Gate, steady: float, rows: _Rows) -> Part:
    opened = gate.breaker.opened_at
    values = {
        "state": gate.state, "in_flight": gate.in_flight, "calls": gate.calls, "errors": gate.errors,
        "last_ok_at": gate.last_ok_at, "last_error": gate.last_error, "waiting_runs": rows.waiting_for.get(gate.system, 0),
        "broken_for": steady - opened if opened is not None else None,
    }  # fmt: skip
    if gate.pause is not None:
        values |= {"paused_by": gate.pause.actor, "paused_at": gate.pause.at, "automatic": gate.pause.automatic}
        detail = f"paused by {gate.pause.actor}: {gate.pause.reason}"
        return Part(name=gate.system, state="bad" if gate.pause.automatic else "warn", detail=detail, values=values)
    if gate.state == "broken":
        detail = f"does not work now: {gate.last_error}; it is tried again by itself"
        return Part(name=gate.system, state="bad", detail=detail, since=gate.last_ok_at, values=values)
    return Part(name=gate.system, state="ok", detail="up", since=gate.last_ok_at, values=values)


def _waiting(rows: _Rows) -> Iterator[Part]:
    stuck = rows.outbox.get("given_up", 0)
    waiting = sum(rows.outbox.values()) - stuck
    detail = f"{stuck} status writes were given up" if stuck else f"{waiting} status writes on their way"
    yield Part(name="outbox", state="warn" if stuck else "ok", detail=detail, values=dict(rows.outbox))
    for_person = sum(rows.mail.get(state, 0) for state in ("maybe_sent", "failed", "held"))
    queued = rows.mail.get("queued", 0) + rows.mail.get("sending", 0)
    detail = f"{queued} queued" + (f", {for_person} for a person to look at" if for_person else "")
    yield Part(name="mail queue", state="warn" if for_person else "ok", detail=detail, values=dict(rows.mail))


def _stock(daemon: Daemon, rows: _Rows) -> Iterator[Part]:
    low_water = daemon.settings.esim.low_water
    for kind in sorted({kind for kind, _, _ in rows.stock} | set(low_water)):
        states = {state: count for known, state, count in rows.stock if known == kind}
        free, least = states.get("free", 0), low_water.get(kind)
        low = least is not None and free < least
        detail = f"{free} free profiles" + (f", low water is {least}" if least is not None else "")
        yield Part(name=f"stock {kind}", state="warn" if low else "ok", detail=detail, values=dict(states))


def _upkeep(daemon: Daemon) -> Iterator[Part]:
    """Certificates, and whether anybody would be told."""
    now, alerts = daemon.parts.engine.clock.now(), daemon.settings.alerts
    for certificate in daemon.housekeeping.watch.certificates:
        warning = certificate.warning(now, alerts.certificate_before)
        ends = certificate.ends.timestamp() if certificate.ends is not None else None
        detail = warning or (f"good for {(ends - now) / DAY:.0f} days" if ends else "")
        over = ends is None or ends < now
        yield Part(
            name=f"certificate {certificate.setting}", state="bad" if over else "warn" if warning else "ok",
            detail=detail, values={"ends": ends},
        )  # fmt: skip
    channels = daemon.alerting.states
    for number, state in enumerate(channels, 1):
        grade: Grade = "warn" if state.failures else "ok"
        values = {key: value for key, value in asdict(state).items() if key not in ("name", "last_error")}
        detail = (
            f"do not arrive: {state.last_error}" if state.failures else f"{state.sent} sent, {state.waiting} waiting"
        )
        yield Part(name=f"alerts {number}", state=grade, detail=f"{state.name}: {detail}", values=values)
    if not channels:
        missing = "mail.host and mail.sender" if alerts.mail_to else "alerts.webhook_url or alerts.mail_to"
        yield Part(name="alerts", state="warn", detail=f"nobody is told: set {missing}")
    if (dead_man := daemon.dead_man) is not None:
        why = dead_man.silent_because or dead_man.last_error
        yield Part(name="dead man", state="warn" if why else "ok", detail=why or "called", since=dead_man.last_ok_at)


def _uptime(daemon: Daemon) -> float:
    return daemon.parts.engine.clock.monotonic() - daemon.began_at


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _lasted(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
