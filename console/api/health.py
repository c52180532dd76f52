"""Health: of process and journal alone for whoever restarts us, and of everything for people (rules §13)."""

import sqlite3
import time
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response

from console import __version__
from console.api.access import Api, Services
from console.api.identity import Viewer
from console.api.mask import Masker
from console.engine import recovery
from console.engine.brake import SUBJECT
from console.engine.gates import Gate
from console.engine.housekeeping import DAMAGED
from console.engine.recent import SLOT
from console.schema import service as schema
from integrations.errors import System
from storage import alerts, desk, feed, runs

router = APIRouter(tags=["daemon"])
open_router = APIRouter(tags=["daemon"])


@open_router.get("/health")
async def health(api: Services) -> schema.Health:
    """Process and journal. An outside system that is down does not change it: a restart would not help."""
    began = time.monotonic()
    seq = await api.read(lambda db: feed.bounds(db)[1])
    took = time.monotonic() - began
    holds, trouble = api.engine.holds.reasons(), api.journal.trouble
    wrong = str(trouble) if trouble is not None else holds.get(DAMAGED)
    return schema.Health(
        ok=wrong is None, version=__version__, uptime=api.uptime(), journal=wrong or f"read in {took * 1000:.0f} ms",
        seq=seq, note="; ".join(holds.values()),
    )  # fmt: skip


@router.get("/health/deep")
async def deep(caller: Viewer, api: Services) -> schema.DeepHealth:
    """Every part and outside system as the daemon knows it (nothing outside is asked), and the open alarms."""
    mask = api.masker(caller)
    open_alerts = await api.read(alerts.open_alerts)
    parts = [
        part.model_copy(update={"detail": mask.text(part.detail) or "", "values": mask.value(part.values)})
        for part in await api.services.parts()
    ]
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
        integrations=[_integration(api, gate.system, waiting.get(gate.system, 0), mask) for gate in api.engine.gates],
        pauses=[
            schema.PauseView(subject=p.subject, actor=p.actor, reason=mask.text(p.reason) or "", at=p.at, automatic=p.automatic)
            for p in pauses.values()
        ],
        events=mask.value(dict(api.services.event_stream())), holds=mask.value(api.engine.holds.reasons()),
        brake=mask.text(brake.reason) if brake else None, recovery=mask.text(reason), observe=api.engine.observe, runs=counts,
    )  # fmt: skip


def _integration(api: Api, system: str, waiting: int, mask: Masker) -> schema.Integration:
    gate = api.engine.gates[system]
    opened = gate.breaker.opened_at
    usage = api.engine.salesforce.usage if system == System.SALESFORCE else None
    return schema.Integration(
        system=system, state=gate.state, calls=gate.calls, errors=gate.errors,
        error_rate=gate.errors / gate.calls if gate.calls else 0.0, in_flight=gate.in_flight, waiting_runs=waiting,
        queued=gate.queued, concurrency=gate.concurrency, rate=gate.rate, recent=_recent(gate),
        breaker=_breaker(gate, api.engine.clock.monotonic()),
        last_error=mask.text(gate.last_error), last_ok_at=gate.last_ok_at,
        breaker_opened_for=api.engine.clock.monotonic() - opened if opened is not None else None,
        paused_by=gate.pause.actor if gate.pause else None, pause_reason=mask.text(gate.pause.reason) if gate.pause else None,
        paused_at=gate.pause.at if gate.pause else None, pause_automatic=gate.pause.automatic if gate.pause else False,
        quota_used=usage.used if usage else None, quota_total=usage.total if usage else None,
    )  # fmt: skip


def _recent(gate: Gate) -> schema.RecentCalls:
    found = gate.recent.figures()
    return schema.RecentCalls(
        window=found.window, slot=SLOT, calls=found.calls, failed=found.failed, refused=found.refused,
        latency=list(found.latency), p50=found.p50, p95=found.p95,
    )  # fmt: skip


def _breaker(gate: Gate, now: float) -> schema.BreakerView:
    breaker, left = gate.breaker, None
    if breaker.opened_at is not None:
        left = max(0.0, breaker.opened_at + breaker.cool_down - now)
    state: Literal["closed", "open", "trying"] = "closed" if left is None else "open" if left else "trying"
    recent = sum(1 for at in breaker.recent if now - at <= breaker.window)
    return schema.BreakerView(state=state, failures=recent, most=breaker.failures, window=breaker.window, again_in=left)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
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
