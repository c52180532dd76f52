"""A sandbox, a daemon and people with tokens, each console a process of its own in a terminal."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.client.address import Address
from console.client.api import ApiClient, new_key
from console.client.errors import Refused
from console.schema.base import Role
from console.schema.commands import PlanRequest, SubmitRequest
from console.schema.service import NewToken
from console.settings.loading import load_settings
from integrations.sandbox.folder import keep_ports
from integrations.sandbox.store import Store
from integrations.sandbox.world import Person
from storage.journal import connect
from tests.bench.servers import World, daemon, sandbox, until
from tests.console.cli.processes import environment
from tests.e2e.walks.terminal import Terminal

PEOPLE = {"viewer": "Kimura Nao", "operator": "Sato Aki", "supervisor": "Mori Ken", "other": "Ueda Jun"}
ROLES: dict[str, Role] = {"viewer": "viewer", "operator": "operator", "supervisor": "supervisor", "other": "operator"}
QUICK = {
    "WHMCS__LATE_AFTER": "1", "ENGINE__LOOK_APART": "0.2", "ENGINE__RETRY__BASE": "0.1", "ENGINE__RETRY__MAX": "0.5",
    "APPROVE__LIMIT_YEN": '{"operator": 50000, "supervisor": 20000}',
}  # fmt: skip


@dataclass(frozen=True)
class Planned:
    """A command as somebody saw it planned."""

    command: str
    request: SubmitRequest


@dataclass
class Office:
    """``console(who)`` opens one; ``act`` is somebody else's command, by the API."""

    world: World
    url: str
    tokens: dict[str, Path]
    _used: set[str] = field(default_factory=set)
    _opened: list[Terminal] = field(default_factory=list)

    def console(self, who: str, *arguments: str, env: Mapping[str, str] | None = None, **options: Any) -> Terminal:
        folder = self.world.folder / f"{who}-{len(self._opened)}"
        folder.mkdir()
        terminal = Terminal(
            folder, environment(folder, **(env or {})), "--server", self.url, "--token-file", str(self.tokens[who]),
            *arguments, **options,
        )  # fmt: skip
        self._opened.append(terminal)
        return terminal

    def close(self) -> None:
        for terminal in self._opened:
            terminal.close()

    # The world -------------------------------------------------------------------------------------------------------

    def person(self, pays_by: str = "card") -> Person:
        """Somebody who has no order yet."""
        free = [p for p in self.world.people if p.pays_by == pays_by and p.status == "Active"]
        person = next(p for p in free if p.number not in self._used)
        self._used.add(person.number)
        return person

    def rename(self, person: Person, name: str) -> None:
        """Another name of the account in Salesforce."""
        path = "/services/data/v63.0"
        query = f"SELECT Id FROM Account WHERE SF_Account_No__c = '{person.number}'"
        rows = self.world.salesforce.get(f"{path}/query", params={"q": query}).raise_for_status().json()["records"]
        self.world.salesforce.patch(f"{path}/sobjects/Account/{rows[0]['Id']}", json={"Name": name}).raise_for_status()

    def place(self, kind: str, person: Person | None = None, *, approve: bool = False) -> dict[str, Any]:
        """As the sandbox says it: id, number, kind, customer, client, skus."""
        whose = person or self.person()
        answer = self.world.post("/orders", count=1, kinds=[kind], customer=whose.number, approve=approve)
        placed: dict[str, Any] = answer["orders"][0]
        return placed

    def whmcs_orders(self, client: int) -> list[dict[str, Any]]:
        """What stands in WHMCS for this client beside what was there before everything."""
        rows = self.world.http.get("/world").raise_for_status().json()["whmcs"]["orders"]
        return [row for row in rows if int(row["clientid"]) == client and not row.get("past")]

    def salesforce(self, order_id: str) -> dict[str, Any]:
        """The order as it stands in Salesforce."""
        rows = self.world.http.get("/world").raise_for_status().json()["salesforce"]["orders"]
        found: dict[str, Any] = next(row for row in rows if row["Id"] == order_id)
        return found

    def until_run(self, order_id: str, *states: str, wait: str = "") -> None:
        sql = "SELECT COUNT(*) FROM runs WHERE order_id = ? AND state IN (%s) AND (? = '' OR wait = ?)"
        asked = sql % ", ".join("?" * len(states))
        until(lambda: self.world.count(asked, order_id, *states, wait, wait) > 0, f"{order_id} {states} {wait}", 60)

    def secrets(self) -> dict[str, str]:
        """What no console may ever show: credentials, tokens, activation codes."""
        known = json.loads((self.world.folder / "sandbox.json").read_text(encoding="utf-8"))
        found = {
            f"{system} {name}": str(value)
            for system in ("salesforce", "whmcs", "mail")
            for name, value in known[system].items()
            if name in ("client_secret", "secret", "access_key", "password", "admin_password") and value
        }
        found |= {f"token of {who}": file.read_text() for who, file in self.tokens.items()}
        with closing(connect(self.world.journal, read_only=True)) as db:
            codes = db.execute("SELECT matching_id FROM activation").fetchall()
        return found | {f"matching id {n}": str(code) for n, (code,) in enumerate(codes)}

    # Somebody else ---------------------------------------------------------------------------------------------------

    def client(self, who: str) -> ApiClient:
        return ApiClient(Address(url=self.url, token=self.tokens[who].read_text().strip()))

    async def planned(self, who: str, command: str, order_id: str) -> Planned:
        async with self.client(who) as client:
            plan = await client.plan(command, PlanRequest(orders=[order_id]))
        return Planned(command, SubmitRequest(orders=[order_id], plan_hash=plan.hash))

    async def submitted(self, who: str, planned: Planned) -> str:
        """The outcome, or the daemon's refusal with what changed and by whom."""
        async with self.client(who) as client:
            try:
                return (await client.submit(planned.command, planned.request, key=new_key())).outcome
            except Refused as refusal:
                changes = [f"{change.what} by {change.by}" for change in refusal.problem.changes]
                return f"refused: {refusal} {'; '.join(changes)}"

    async def act(self, who: str, command: str, order_id: str) -> str:
        return await self.submitted(who, await self.planned(who, command, order_id))


async def _make_tokens(way: Address, files: Mapping[str, Path]) -> None:
    async with ApiClient(way) as admin:
        for who, file in files.items():
            made = await admin.create_token(NewToken(name=PEOPLE[who], role=ROLES[who]))
            file.write_text(made.token)
            file.chmod(0o600)


@contextmanager
def open_office(
    folder: Path, *, customers: int = 40, seed: int = 7, settings: Mapping[str, str] | None = None
) -> Iterator[Office]:
    """A new world, its daemon established, and a token for each of ``PEOPLE``."""
    with ExitStack() as reserved:
        with closing(Store()) as kept:
            port = keep_ports(kept, ("api",), "127.0.0.1", {}, until=reserved)["api"]
        quick = {**QUICK, "DAEMON__TCP__PORT": str(port), **(settings or {})}
        world = reserved.enter_context(sandbox(folder, customers=customers, seed=seed, settings=quick))
        reserved.enter_context(daemon(world))
        tokens = {who: folder / f"{who}.token" for who in PEOPLE}
        asyncio.run(_make_tokens(Address(socket=load_settings(world.config, {}).settings.daemon.socket_path), tokens))
        office = Office(world, f"http://127.0.0.1:{port}", tokens)
        try:
            yield office
        finally:
            office.close()
