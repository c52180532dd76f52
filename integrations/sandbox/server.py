"""The whole sandbox in one process: five servers, one state file, the files that tell others where everything is."""

import asyncio
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from integrations.sandbox.config_writer import STOCK, as_toml, portal_settings
from integrations.sandbox.control import Control
from integrations.sandbox.crm import Crm
from integrations.sandbox.esim.notifier import Listener
from integrations.sandbox.esim.server import EsimSandbox
from integrations.sandbox.fault_kinds import fault_kinds
from integrations.sandbox.faults import Faults
from integrations.sandbox.folder import SandboxError, keep_ports, locked, write_json, write_private
from integrations.sandbox.generator import keep_ordering
from integrations.sandbox.history import History
from integrations.sandbox.mail import MailSandbox
from integrations.sandbox.people import People
from integrations.sandbox.salesforce import SalesforceOptions, SalesforceSandbox
from integrations.sandbox.salesforce.users import INTEGRATION
from integrations.sandbox.seed import esim_import_csv, make_world
from integrations.sandbox.store import Store
from integrations.sandbox.survey import Survey
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.whmcs import Switches, WhmcsSandbox
from integrations.sandbox.world import World

HOST = "127.0.0.1"
PORTS = ("salesforce", "whmcs", "esim", "mail", "control", "receiver")
PRODUCTS_PORTS = ("receiver",)  # the product listens there, perhaps before the sandbox is back
SEED = 1
CUSTOMERS = 60
STOP_SECONDS = 3.0  # of the process: SIGTERM ends it within 5 s
PATIENCE = 30.0  # of a caller in the same process, who would be left with open sockets
DAILY_API_LIMIT = 10_000_000
STATE = "sandbox.db"
DESCRIPTION = "sandbox.json"
CONFIGURATION = "portal.toml"

__all__ = ["PORTS", "Sandbox", "SandboxError", "run_sandbox"]


class Server(Protocol):
    """What the five servers have in common."""

    async def start(self, host: str, port: int) -> None: ...

    async def stop(self) -> None: ...


class Sandbox:
    """Everything of one sandbox in ``folder``. What stands there already goes on; else ``seed`` makes a new world.

    ``ports``: name (of PORTS) → port, for those that must not be free ones; "receiver" is where the product's listener
    for eSIM call-backs will be. ``switches``: the WHMCS installation of a new world. Raises SandboxError when the
    folder holds another world than is asked for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int | None = None,
        customers: int | None = None,
        ports: Mapping[str, int] | None = None,
        switches: Switches | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = folder.absolute()
        self._now = now
        self._running: list[Server] = []
        self._reserved = ExitStack()  # our ports, from the choice to the end: other sandboxes start at the same time
        self._store = Store(self.folder / STATE)
        try:
            self._build(seed, customers, ports or {}, switches)
        except BaseException:
            self._reserved.close()
            self._store.close()
            raise

    def _build(
        self, seed: int | None, customers: int | None, ports: Mapping[str, int], switches: Switches | None
    ) -> None:
        now = self._now
        self.world, self.start_at = self._founded(seed, customers)
        self.ports = keep_ports(self._store, PORTS, HOST, ports, PRODUCTS_PORTS, self._reserved)
        self.faults = Faults(self._store)
        self.traffic = Traffic()
        self.history = History(self._store, now)
        options = SalesforceOptions(directory=self.folder, daily_limit=DAILY_API_LIMIT)
        self.salesforce = SalesforceSandbox(self._store, self.faults, self.traffic, options, now=now)
        self.whmcs = WhmcsSandbox(
            self._store, self.faults, self.traffic, self._installed(switches), now=now, seed=self.world.seed
        )
        self.esim = EsimSandbox(self._store, self.faults, self.traffic, self.folder / "certificates", now=now)
        self.mail = MailSandbox(self._store, self.faults, self.traffic)

    async def start(self) -> None:
        """Fill what is empty, listen on every port, then write the files. On an exception nothing listens."""
        for system in (self.salesforce, self.whmcs, self.esim, self.mail):
            system.load(self.world)
        systems: dict[str, Any] = {
            "salesforce": self.salesforce, "whmcs": self.whmcs, "esim": self.esim, "mail": self.mail,
        }  # fmt: skip
        crm = Crm(self.salesforce.org, self.salesforce.desk)
        self.people = People(self._store, self.world, crm, self.whmcs, self.esim, self.history, self.folder)
        self.survey = Survey(
            self._store, self.world, systems, crm.rows, self.faults, self.history, self.start_at,
            self.salesforce.users[INTEGRATION].id,
        )  # fmt: skip
        self.survey.remember_baseline()
        kinds = fault_kinds(sobject.name for sobject in self.salesforce.org.db.schema.sobjects)
        control = Control(self.faults, self.traffic, self.people, self.survey, kinds)
        async with AsyncExitStack() as started:
            started.push_async_callback(self.stop)
            for name, server in (*systems.items(), ("control", control)):
                await server.start(HOST, self.ports[name])
                self._running.append(server)
            self._write_files({name: system.endpoint() for name, system in systems.items()})
            started.pop_all()

    async def stop(self, within: float = PATIENCE) -> None:
        """Let everything that hangs go and close every port, ``within`` seconds; what is slower is left behind."""
        self.faults.close()
        running, self._running = self._running, []
        closing = [asyncio.create_task(server.stop()) for server in running]
        if closing:
            _, late = await asyncio.wait(closing, timeout=within)
            for task in late:
                task.cancel()
        self._reserved.close()
        self._store.close()

    @property
    def control_url(self) -> str:
        return f"http://{HOST}:{self.ports['control']}"

    @property
    def configuration(self) -> Path:
        """The product's settings file."""
        return self.folder / CONFIGURATION

    def _founded(self, seed: int | None, customers: int | None) -> tuple[World, datetime]:
        """The world of this folder and when it began; decided at the first start."""
        table = self._store.table("sandbox")
        row = table.get("founded")
        if row is None:
            row = {
                "seed": SEED if seed is None else seed, "customers": CUSTOMERS if customers is None else customers,
                "start_at": self._now().replace(microsecond=0).isoformat(),
            }  # fmt: skip
            with self._store.transaction():
                table.put("founded", row)
        for name, wanted in (("seed", seed), ("customers", customers)):
            if wanted not in (None, row[name]):
                problem = f"{self.folder} holds a sandbox with {name} {row[name]}, not {wanted}: use another folder"
                raise SandboxError(problem)
        return make_world(row["seed"], row["customers"]), datetime.fromisoformat(row["start_at"])

    def _installed(self, switches: Switches | None) -> Switches:
        """The WHMCS installation as it was switched last, the one given, or one drawn from the seed."""
        noted = self.history.acts("switches")
        if noted:
            return Switches(**{key: value for key, value in noted[-1].items() if key not in ("act", "at")})
        return switches or replace(Switches.for_seed(self.world.seed), marker_field="present")

    def _write_files(self, endpoints: dict[str, dict[str, Any]]) -> None:
        esim = endpoints["esim"]
        receiver = self.ports["receiver"]
        self.esim.phones.notifier.listener = Listener(f"https://{HOST}:{receiver}", Path(esim["ca_file"]))
        settings = portal_settings(self.folder, self.world, self.start_at, endpoints, receiver)
        write_private(self.folder / STOCK, esim_import_csv(self.world))
        write_private(self.configuration, as_toml(settings))
        description = {
            **endpoints,
            "control_url": self.control_url,
            "receiver_url": f"https://{HOST}:{receiver}",
            "portal_toml": str(self.configuration),
            "esim_stock": str(self.folder / STOCK),
            "seed": self.world.seed,
            "start_at": self.start_at.isoformat(),
        }
        write_json(self.folder / DESCRIPTION, description)


async def run_sandbox(
    folder: Path,
    *,
    seed: int | None = None,
    customers: int | None = None,
    orders_per_minute: float = 0.0,
    ports: Mapping[str, int] | None = None,
    tell: Callable[[str], None],
) -> None:
    """Run a sandbox in ``folder`` until SIGTERM or SIGINT; ``tell`` gets ``sandbox ready …`` once all listen.

    Raises SandboxError when it cannot start.
    """
    with locked(folder), _until_signalled() as signalled:
        sandbox = Sandbox(folder, seed=seed, customers=customers, ports=ports)
        await sandbox.start()
        work: list[asyncio.Task[Any]] = [asyncio.create_task(signalled.wait())]
        if orders_per_minute > 0:
            work.append(asyncio.create_task(keep_ordering(sandbox.people, orders_per_minute, random.Random())))
        try:
            tell(f"sandbox ready {sandbox.configuration}")
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            ends = await asyncio.gather(*work, return_exceptions=True)
            await sandbox.stop(STOP_SECONDS)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end


@contextmanager
def _until_signalled() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set while this lasts."""
    signalled = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, signalled.set)
    try:
        yield signalled
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
