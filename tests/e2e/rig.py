"""A whole sandbox in the test's event loop, daemons as processes, and the verdict over both."""

import asyncio
import errno
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations.esim.inventory import parse_inventory
from integrations.sandbox.config_writer import as_toml
from integrations.sandbox.counts import Acts
from integrations.sandbox.faults import Fault
from integrations.sandbox.people import Placed
from integrations.sandbox.server import Sandbox
from integrations.sandbox.whmcs import Switches
from tests.e2e.daemons import DaemonProcess, Zygote
from tests.e2e.journals import JournalFile, RunRow
from tests.e2e.watching import WatchedTraffic, name_of, watch

# No call that is answered times out, also on a busy machine.
WAITS: dict[str, dict[str, Any]] = {
    "salesforce": {"timeout": 30},
    "whmcs": {"late_after": 2.5, "read_timeout": 30, "write_timeout": 30},
    "esim": {"late_after": 2.5, "timeout": 30},
    "mail": {"timeout": 30, "answer_timeout": 30},
    "intake": {"poll_every": 0.6, "poll_fast_every": 0.3, "poll_fast_for": 2, "sweep_every": 20, "deaf_after": 6},
    "engine": {
        "look_apart": 0.4, "salesforce_late_after": 2.5, "recheck_every": 0.5, "retry": {"base": 0.1, "max": 1.0},
        "breaker": {"cool_down": 0.4},
    },
    "daemon": {"drain": 3},
}  # fmt: skip
# For calls that are left without an answer. What lands late does so when the test says it, and is waited for until then.
HASTY: dict[str, dict[str, Any]] = {
    "salesforce": {"timeout": 2.5},
    "whmcs": {"read_timeout": 1.5, "write_timeout": 1.5},
    "esim": {"timeout": 1.5},
    "mail": {"timeout": 1.5, "answer_timeout": 1.5},
}
UNTIL_TOLD = {"whmcs": {"late_after": 100}, "esim": {"late_after": 100}, "engine": {"salesforce_late_after": 8}}
NEVER = 3600.0
PATIENCE = 60.0


class Rig:
    """``place`` and ``approve`` orders, ``start`` and kill daemons, ``settled`` waits, ``verdict`` judges."""

    def __init__(self, folder: Path, sandbox: Sandbox, zygote: Zygote, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.zygote = zygote
        self.settings = settings
        self.traffic: WatchedTraffic = watch(sandbox.traffic)
        self.config = folder / "quick.toml"
        self.journal = JournalFile(folder / "daemon")
        self.daemons: list[DaemonProcess] = []
        self._seen = 0

    # The product ------------------------------------------------------------------------------------------------------

    def tune(self, *changes: Mapping[str, Any]) -> None:
        """Other settings from the next start on."""
        self.settings = tuned(self.settings, *changes)
        self.config.write_text(as_toml(self.settings), encoding="utf-8")
        self.config.chmod(0o600)

    async def start(self, *, ready: bool = True, config: Path | None = None, **options: Any) -> DaemonProcess:
        """Start a daemon; ``ready``: wait until it owns the org and has polled."""
        since = len(self.traffic.since())
        log = self.folder / f"daemon-{len(self.daemons)}.log"
        daemon = self.zygote.start(config or self.config, log, **options)
        self.daemons.append(daemon)
        if ready:
            await self.until(lambda: self._polled(since) or not daemon.alive, f"ready: {log}")
            assert daemon.alive, daemon.log()
        return daemon

    def _polled(self, since: int) -> bool:
        fresh = self.traffic.since()[since:]
        names = {name_of(entry) for entry in fresh if entry["answered"]}
        return {"salesforce.cometd.subscribe", "salesforce.query"} <= names or (
            not self.settings["salesforce"].get("events_enabled", True) and "salesforce.query" in names
        )

    @property
    def daemon(self) -> DaemonProcess:
        return self.daemons[-1]

    def logs(self) -> str:
        return "\n".join(daemon.log() for daemon in self.daemons)

    # The world --------------------------------------------------------------------------------------------------------

    def customer(self, pays_by: str = "card", *, nth: int = 0, status: str = "Active") -> str:
        """The number of a customer of that kind."""
        found = [p.number for p in self.sandbox.world.people if p.pays_by == pays_by and p.status == status]
        return found[nth]

    def place(self, kind: str = "bundle", *, customer: str = "", count: int = 1) -> list[Placed]:
        return self.sandbox.people.place(count, kinds=[kind], customer=customer or self.customer())

    def approve(self, *orders: Placed) -> None:
        self.sandbox.people.approve([order.id for order in orders])

    def order(self, kind: str = "bundle", *, customer: str = "") -> Placed:
        """Place one and approve it."""
        (placed,) = self.place(kind, customer=customer)
        self.approve(placed)
        return placed

    def fault(self, system: str, operation: str, kind: str, **values: Any) -> Fault:
        return self.sandbox.faults.add(system=system, operation=operation, kind=kind, **values)

    def status(self, order_id: str) -> str:
        return str(self.sandbox.salesforce.org.db.table("Order").get(order_id)["Status"])  # type: ignore[index]

    def again(self, order_id: str) -> None:
        """A second event for an order, as a Flow that ran twice would publish it."""
        bus = self.sandbox.salesforce.bus
        with self.sandbox.salesforce.org.db.transaction():
            payload = {"OrderId__c": order_id, "IdemKey__c": f"{order_id}-again"}
            bus.publish("/event/OrderProvisionRequested__e", payload, created_by="005000000000001AAA")

    def asked(self, name: str) -> int:
        """How often an operation was asked for ("whmcs.AddOrder")."""
        return sum(name_of(entry) == name for entry in self.traffic.since())

    # Waiting ----------------------------------------------------------------------------------------------------------

    async def until(self, true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds:.0f} s for {what}\n{self.story()}")
            await asyncio.sleep(0.02)

    async def settled(self, *orders: Placed, seconds: float = PATIENCE) -> None:
        """Until nothing more happens by itself to these orders (default: to any), their mails and their status."""

        def quiet() -> bool:
            runs = self.journal.runs()
            known = {run.order_id for run in runs if run.workflow == "provision_order"}
            return (
                all(order.id in known for order in orders)
                and all(run.settled for run in runs)
                and not self.journal.outbox_open()
                and not self.journal.inbox_open()
            )

        end = time.monotonic() + seconds
        still = 0
        while still < 3:
            still = still + 1 if quiet() else 0
            if time.monotonic() > end:
                raise AssertionError(f"not settled after {seconds:.0f} s\n{self.story()}")
            await asyncio.sleep(0.05)

    def run(self, order: Placed) -> RunRow:
        return self.journal.latest(order.id)

    # Judging ----------------------------------------------------------------------------------------------------------

    def verdict(self, **acts: Sequence[str]) -> dict[str, Any]:
        """The sandbox's judgement, counted without markers. A mail that is *maybe sent* may be missing (rules §6)."""
        named = {name: frozenset(ids) for name, ids in acts.items()}
        done = Acts(
            undone=named.get("undone", frozenset()), cancelled=named.get("cancelled", frozenset()),
            started=named.get("started", frozenset()), mended=named.get("mended", frozenset()),
        )  # fmt: skip
        found = self.sandbox.survey.compare(self.journal.states(), done).as_json()
        maybe = self.journal.mails("maybe_sent")
        kept = []
        for finding in found["missing"]:
            if finding["what"].endswith("_mail") and maybe >= finding["count"]:
                maybe -= finding["count"]
            else:
                kept.append(finding)
        found["missing"] = kept
        return found

    def judge(self, **acts: Sequence[str]) -> None:
        """Nothing lost, nothing double, nothing missing, every order where it should be."""
        found = self.verdict(**acts)
        wrong = [order for order in found["orders"] if not order["ok"]]
        clean = not (found["duplicates"] or found["missing"] or found["wrong_amounts"] or found["lost"] or wrong)
        problems = {key: found[key] for key in ("duplicates", "missing", "wrong_amounts", "lost")} | {"wrong": wrong}
        assert clean, f"{problems}\n{self.story()}"

    def story(self) -> str:
        """For a failed test: runs, the last requests, the end of the logs."""
        runs = "\n".join(str(run) for run in self.journal.runs()) if self.journal.path.exists() else "no journal"
        quiet = ("salesforce.query", "salesforce.cometd.connect")
        asked = [entry for entry in self.traffic.since() if name_of(entry) not in quiet]
        lines = "\n".join(f"{e['at'][14:23]} {name_of(e)} {e['fault'] or ''} {e['facts']}" for e in asked[-40:])
        return f"{runs}\n{lines}\n{self.logs()[-3000:]}"


def tuned(settings: Mapping[str, Any], *more: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with other values in some tables."""
    found = {name: dict(table) for name, table in settings.items()}
    for changes in more:
        for section, values in changes.items():
            table = found.setdefault(section, {})
            for key, value in values.items():
                table[key] = {**table.get(key, {}), **value} if isinstance(value, Mapping) else value
    return found


async def _started(folder: Path, **options: Any) -> Sandbox:
    """A sandbox on ports that stayed free: another worker's connection may take one between choice and use."""
    for attempt in range(5):
        own = folder.with_name(f"{folder.name}{attempt or ''}")
        own.mkdir(exist_ok=True)
        sandbox = Sandbox(own, **options)
        try:
            await sandbox.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        return sandbox
    raise AssertionError("no ports are free")


@asynccontextmanager
async def running(
    folder: Path,
    zygote: Zygote,
    *,
    settings: Mapping[str, Any] | None = None,
    switches: Switches | None = None,
    seed: int = 1,
    stock: bool = True,
    now: Callable[[], datetime] | None = None,
) -> AsyncIterator[Rig]:
    """A started sandbox with an empty journal (its stock imported) and no daemon yet."""
    options: dict[str, Any] = {"now": now} if now else {}
    sandbox = await _started(folder, seed=seed, customers=30, switches=switches or Switches(), **options)
    folder = sandbox.folder
    own = tomllib.loads(sandbox.configuration.read_text(encoding="utf-8"))
    rig = Rig(folder, sandbox, zygote, own)
    rig.tune(WAITS, settings or {})
    try:
        if stock:
            found = parse_inventory((folder / "esim-stock.csv").read_bytes())
            rig.journal.import_stock([(row.iccid, row.profile_type) for row in found.rows[:50] + found.rows[-50:]])
        yield rig
    finally:
        for daemon in rig.daemons:
            await daemon.kill()
        await rig.sandbox.stop()  # a test may have put another in its place
