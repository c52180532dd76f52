"""Orders through the whole product: how many a second, how soon after their event, and how fast missed events are read."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.bench.servers import World, daemon, sandbox, settled, until
from tests.console.cli.processes import Running

ORDERS = 240
EVENTS = 500
EVENTS_PER_S = 50.0
MISSED = 10_000
EVENT = "OrderProvisionRequested__e"
DATA = "/services/data/v63.0"
NOT_OF_AN_ORDER = frozenset(
    {"token", "query", "limits", "publish", "identity", "versions", "describe", "collections.insert", "cometd.connect",
     "cometd.subscribe", "cometd.handshake", "cometd.disconnect", "cometd.unsubscribe"}
)  # fmt: skip
WIDE_OPEN = {"INTAKE__FIRST_POLL_MAX": "1000000", "INTAKE__MAX_NEW_PER_HOUR": "1000000"}


@dataclass(frozen=True)
class Found:
    orders_per_s: float
    calls_per_order: float
    calls: dict[str, float]
    event_to_call_ms: list[float]
    catch_up_s: float
    cpu_ms_per_order: dict[str, float]


def measure(folder: Path, tell: Callable[[str], None], share: float = 1.0) -> Found:
    """Everything on one sandbox and one journal; ``share`` of the orders and events."""
    orders, events, missed = (max(10, round(count * share)) for count in (ORDERS, EVENTS, MISSED))
    with sandbox(folder, settings=WIDE_OPEN) as world:
        with daemon(world) as process:
            world.portal("esim", "import", str(folder / "esim-stock.csv"))
            tell(f"{orders} orders")
            before = _cpu(world, process)
            seconds, ids = _provision(world, orders)
            cpu = {name: 1000 * (spent - before[name]) / len(ids) for name, spent in _cpu(world, process).items()}
            calls = _calls(world, set(ids))
            tell(f"{events} events at {EVENTS_PER_S:g}/s")
            delays = _delays(world, events)
        tell(f"{missed:,} missed events")
        catch_up = _catch_up(world, ids, missed)
    per_order = {name: count / len(ids) for name, count in sorted(calls.items())}
    return Found(len(ids) / seconds, sum(per_order.values()), per_order, delays, catch_up, cpu)


def _cpu(world: World, daemon_: Running) -> dict[str, float]:
    """Seconds of CPU that each process has used."""
    pids = {"daemon": daemon_.process.pid, "sandbox": world.pid}
    return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in pids.items()}


def _provision(world: World, count: int) -> tuple[float, list[str]]:
    """Approve them all at once; the clock stops when the last is activated and its status is written."""
    ids = world.place(count)
    began = time.perf_counter()
    world.post("/approve", ids=ids)
    until(lambda: settled(world, ids), "all orders to be provisioned", every=0.1)  # a look costs a millisecond of CPU
    until(lambda: not world.count("SELECT COUNT(*) FROM outbox WHERE state IN ('waiting', 'in_flight')"), "the outbox")
    seconds = time.perf_counter() - began
    undone = world.count("SELECT COUNT(*) FROM runs WHERE workflow = 'provision_order' AND state <> 'done'")
    assert not undone, f"{undone} of {count} orders were not provisioned"
    return seconds, ids


def _calls(world: World, ids: set[str]) -> Counter[str]:
    """What was asked for these orders (mail: one message), by system and operation; polls and sessions left out."""
    found: Counter[str] = Counter()
    for entry in world.traffic():
        if entry["operation"] in NOT_OF_AN_ORDER or (entry["system"] == "mail" and entry["operation"] != "message"):
            continue
        found[f"{entry['system']}.{entry['operation']}"] += 1
    return found


def _delays(world: World, count: int) -> list[float]:
    """Milliseconds from an event's publication to the first request about its order. One event in ten starts one."""
    waiting = world.place(count)
    start = len(world.traffic())
    began = time.perf_counter()
    for i, order_id in enumerate(waiting):
        time.sleep(max(0.0, began + i / EVENTS_PER_S - time.perf_counter()))
        if i % 10 == 0:
            world.post("/approve", ids=[order_id])
        else:
            record = {"OrderId__c": order_id, "IdemKey__c": f"bench-{i}"}
            world.salesforce.post(f"{DATA}/sobjects/{EVENT}", json=record).raise_for_status()
    until(lambda: world.count("SELECT COUNT(*) FROM inbox WHERE state = 'new'") == 0, "the inbox to be empty")
    until(lambda: settled(world, waiting[::10]), "the approved orders")
    published: dict[str, float] = {}
    delays = []
    for entry in world.traffic(start):
        order_id = entry["facts"].get("order", "")
        at = datetime.fromisoformat(entry["at"]).timestamp()
        if entry["operation"] == "publish":
            published[order_id] = at
        elif order_id in published:
            delays.append((at - published.pop(order_id)) * 1000)
    assert len(delays) >= count * 0.85, f"only {len(delays)} of {count} events led to a call"
    return delays


def _catch_up(world: World, ids: list[str], missed: int) -> float:
    """Seconds from the first word of a daemon that was away to the last of the events it missed being durable."""
    before = world.count("SELECT COUNT(*) FROM inbox")
    for start in range(0, missed, 200):
        records = [_event(ids[n % len(ids)], n) for n in range(start, min(missed, start + 200))]
        answer = world.salesforce.post(f"{DATA}/composite/sobjects", json={"records": records})
        assert all(result["success"] for result in answer.raise_for_status().json())
    start = len(world.traffic())
    with daemon(world, "daemon-again", established=False):
        until(lambda: _came_in(world) >= before + missed, "the missed events", every=0.005)
        journaled = time.time()
    handshake = next(e for e in world.traffic(start) if e["operation"] == "cometd.handshake")
    return journaled - datetime.fromisoformat(handshake["at"]).timestamp()


def _event(order_id: str, number: int) -> dict[str, Any]:
    return {"attributes": {"type": EVENT}, "OrderId__c": order_id, "IdemKey__c": f"missed-{number}"}


def _came_in(world: World) -> int:
    try:
        return world.count("SELECT COUNT(*) FROM inbox")
    except sqlite3.OperationalError:
        return 0
