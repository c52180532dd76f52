"""Health: of process and journal alone for whoever restarts us, and of everything for people (rules §13)."""

import sqlite3
import time
from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.responses import Response

from console import __version__
from console.api.access import Api, Services
from console.api.asking import quota_low
from console.api.identity import Viewer
from console.engine import recovery
from console.engine.brake import SUBJECT
from console.schema import service as schema
from integrations.errors import System
from storage import alerts, desk, feed, profiles, runs
from storage.alerts import Alert

router = APIRouter(tags=["daemon"])
open_router = APIRouter(tags=["daemon"])
LATE = 180.0  # seconds without a successful poll that are worth a warning


@open_router.get("/health")
async def health(api: Services) -> schema.Health:
    """Process and journal. An outside system that is down does not change it: a restart would not help."""
    began = time.monotonic()
    seq = await api.read(lambda db: feed.bounds(db)[1])
    took = time.monotonic() - began
    holds = api.engine.holds.reasons()
    return schema.Health(
        ok=True, version=__version__, uptime=api.uptime(), journal=f"read in {took * 1000:.0f} ms", seq=seq,
        note="; ".join(holds),
    )  # fmt: skip


@router.get("/health/deep")
async def deep(caller: Viewer, api: Services) -> schema.DeepHealth:
    """Every part and outside system as the daemon knows it (nothing outside is asked), and the open alarms."""
    mask = api.masker(caller)

    def read(db: sqlite3.Connection) -> tuple[list[schema.Part], list[Alert]]:
        return [*_journal(api, db), *_intake(api, db), *_stock(api, db)], alerts.open_alerts(db)

    found, open_alerts = await api.read(read)
    parts = [*found, *_integrations(api), *_holds(api)]
    parts = [part.model_copy(update={"detail": mask.text(part.detail) or ""}) for part in parts]
    states = {part.state for part in parts}
    shown = [
        schema.AlertView(
            cause=a.cause, severity=a.severity, message=mask.text(a.message) or "", order_id=a.order_id,
            first_at=a.first_at, last_at=a.last_at, count=a.count,
        )
        for a in open_alerts
    ]  # fmt: skip
    worst: schema.Grade = "bad" if "bad" in states else "warn" if "warn" in states or shown else "ok"
    return schema.DeepHealth(state=worst, at=api.now(), parts=parts, alerts=shown)


def _journal(api: Api, db: sqlite3.Connection) -> Iterable[schema.Part]:
    oldest, newest, epoch = feed.bounds(db)
    detail = f"feed rows {oldest}–{newest}, epoch {epoch}"
    counts = runs.counts(db)
    yield schema.Part(name="journal", state="ok", detail=detail, values={"runs": counts, "seq": newest})


def _intake(api: Api, db: sqlite3.Connection) -> Iterable[schema.Part]:
    pause = desk.pauses(db).get(SUBJECT)
    stopped = api.services.stopped()
    if pause is not None:
        yield schema.Part(name="intake", state="bad", detail=f"the brake is on: {pause.reason}", since=pause.at)
    elif stopped is not None:
        yield schema.Part(name="intake", state="bad", detail=stopped)
    else:
        yield schema.Part(name="intake", state="ok", detail="orders may come in")
    present = recovery.present(db)
    if present is not None:
        yield schema.Part(name="recovery", state="bad", detail=present.reason)
    establishing = api.services.establishing()
    if establishing is not None:
        yield schema.Part(name="org", state="bad", detail=establishing)
    yield _poll(api)
    yield _events(api)


def _poll(api: Api) -> schema.Part:
    values = dict(api.services.poll())
    last, error = values.get("last_ok_at"), values.get("last_error")
    if error:
        return schema.Part(name="poll", state="warn", detail=str(error), since=last, values=values)
    late = last is None or api.now() - float(last) > LATE
    detail = "not yet" if last is None else f"{api.now() - float(last):.0f} s ago"
    return schema.Part(name="poll", state="warn" if late else "ok", detail=detail, since=last, values=values)


def _events(api: Api) -> schema.Part:
    values = dict(api.services.event_stream())
    if not values:
        return schema.Part(name="events", state="warn", detail="the event stream is switched off; the poll goes on")
    phase = str(values.get("phase", ""))
    detail = str(values.get("last_error") or phase) if phase != "listening" else "listening"
    return schema.Part(name="events", state="ok" if phase == "listening" else "warn", detail=detail, values=values)


def _stock(api: Api, db: sqlite3.Connection) -> Iterable[schema.Part]:
    for kind, least in api.settings.esim.low_water.items():
        free = profiles.free_count(db, kind)
        detail = f"{free} free profiles, low water is {least}"
        yield schema.Part(name=f"stock {kind}", state="ok" if free >= least else "warn", detail=detail)


def _integrations(api: Api) -> Iterable[schema.Part]:
    for gate in api.engine.gates:
        detail = gate.last_error if gate.state == "broken" else gate.pause.reason if gate.pause else "up"
        state: schema.Grade = "ok" if gate.state == "up" else "warn" if gate.pause else "bad"
        if gate.system == System.SALESFORCE and (low := quota_low(api.engine)):
            state, detail = "warn", low
        yield schema.Part(name=gate.system, state=state, detail=detail or "", since=gate.last_ok_at)


def _holds(api: Api) -> Iterable[schema.Part]:
    for name, reason in api.engine.holds.reasons().items():
        yield schema.Part(name=f"hold {name}", state="bad", detail=reason)


@router.get("/integrations")
async def integrations(caller: Viewer, api: Services) -> schema.Integrations:
    """State, breaker, error rate, pause and quota of each system; the event stream; what holds guarded calls back."""
    mask = api.masker(caller)

    def read(db: sqlite3.Connection) -> tuple[dict[str, desk.Pause], str | None, dict[str, int], dict[str, int]]:
        present = recovery.present(db)
        return desk.pauses(db), present.reason if present else None, runs.counts(db), runs.waiting_for_systems(db)

    pauses, reason, counts, waiting = await api.read(read)
    brake = pauses.get(SUBJECT)
    return schema.Integrations(
        integrations=[_integration(api, gate.system, waiting.get(gate.system, 0)) for gate in api.engine.gates],
        pauses=[
            schema.PauseView(subject=p.subject, actor=p.actor, reason=mask.text(p.reason) or "", at=p.at, automatic=p.automatic)
            for p in pauses.values()
        ],
        events=mask.value(dict(api.services.event_stream())), holds=api.engine.holds.reasons(),
        brake=mask.text(brake.reason) if brake else None, recovery=reason, observe=api.engine.observe, runs=counts,
    )  # fmt: skip


def _integration(api: Api, system: str, waiting: int) -> schema.Integration:
    gate = api.engine.gates[system]
    opened = gate.breaker.opened_at
    usage = api.engine.salesforce.usage if system == System.SALESFORCE else None
    return schema.Integration(
        system=system, state=gate.state, calls=gate.calls, errors=gate.errors,
        error_rate=gate.errors / gate.calls if gate.calls else 0.0, in_flight=gate.in_flight, waiting_runs=waiting,
        last_error=gate.last_error, last_ok_at=gate.last_ok_at,
        breaker_opened_for=api.engine.clock.monotonic() - opened if opened is not None else None,
        paused_by=gate.pause.actor if gate.pause else None, pause_reason=gate.pause.reason if gate.pause else None,
        paused_at=gate.pause.at if gate.pause else None, pause_automatic=gate.pause.automatic if gate.pause else False,
        quota_used=usage.used if usage else None, quota_total=usage.total if usage else None,
    )  # fmt: skip


@router.get("/metrics", response_class=Response)
async def metrics(caller: Viewer, api: Services) -> Response:
    """Numbers for Prometheus."""
    found = api.services.metrics
    counts, seq = await api.read(lambda db: (runs.counts(db), feed.bounds(db)[1]))
    found.runs(counts)
    found.feed_at(seq)
    found.queue_depth("queued", counts.get("queued", 0))
    for gate in api.engine.gates:
        found.integration(gate.system, gate.state == "up")
    return Response(found.render(), media_type=found.content_type)
