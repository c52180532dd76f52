"""A Salesforce sandbox on a real socket, and raw HTTP clients that know nothing of our own Salesforce client."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from integrations.sandbox.faults import Faults
from integrations.sandbox.salesforce.desk import OrderLine
from integrations.sandbox.salesforce.oauth import make_key
from integrations.sandbox.salesforce.server import SalesforceOptions, SalesforceSandbox
from integrations.sandbox.seed_products import PRODUCTS
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.world import PastOrder, Person, World

ORG = "00D5h000000AbCdEAK"
CUSTOMER, OTHER = "C-004001", "C-004002"
EVENT_CHANNEL = "/event/OrderProvisionRequested__e"
DATA = "/services/data/v63.0"


def person(number: str, client: int, last: str, first: str) -> Person:
    return Person(
        number, client, last, first, "サトウ ハナコ", "", f"{client}@example.jp", "090-1234-5678", "100-0001", "1-1",
        "千代田区", "東京都", "japanese", "card",
    )  # fmt: skip


WORLD = World(
    seed=1,
    org_id=ORG,
    people=(person(CUSTOMER, 1001, "佐藤", "花子"), person(OTHER, 1002, "O'Neil", "Zoë")),
    products=PRODUCTS,
    profiles=(),
    past_orders=(PastOrder(OTHER, ("VPN-BASIC",), date(2025, 5, 1), "Activated"),),
    tax_rate=Decimal("0.10"),
    customer_number_field_id=7,
)


@dataclass
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Wire:
    """One person's view of the org over HTTP."""

    base: str
    session: aiohttp.ClientSession
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        url = path if path.startswith("http") else self.base + (path if path.startswith("/services") else DATA + path)
        headers = {**self.headers, **options.pop("headers", {})}
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        async with self.session.request(method, url, json=body, headers=headers, **options) as response:
            text = await response.text()
            kind = response.headers.get("Content-Type", "")
            parsed = await response.json() if text and "json" in kind else text
            return Reply(response.status, parsed, response.headers)

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Reply:
        return await self.send("POST", path, body, **options)

    async def patch(self, path: str, body: Any, **options: Any) -> Reply:
        return await self.send("PATCH", path, body, **options)

    async def query(self, soql: str, **options: Any) -> Reply:
        return await self.send("GET", "/query", params={"q": soql, **options.pop("params", {})}, **options)

    async def rows(self, soql: str) -> list[Any]:
        reply = await self.query(soql)
        assert reply.status == 200, reply.body
        return list(reply.body["records"])

    async def composite(self, *subs: dict[str, Any], all_or_none: bool = True) -> Reply:
        return await self.post("/composite", {"allOrNone": all_or_none, "compositeRequest": list(subs)})


@dataclass
class Bench:
    """A running sandbox with everything a test may want to touch."""

    sandbox: SalesforceSandbox
    faults: Faults
    traffic: Traffic
    store: Store
    session: aiohttp.ClientSession

    @property
    def base(self) -> str:
        return str(self.sandbox.endpoint()["instance_url"])

    def wire(self, alias: str = "integration") -> Wire:
        """``alias``'s view: integration, placer, approver, admin; "" has no token."""
        token = self.sandbox.tokens.issue(self.sandbox.users[alias]) if alias else ""
        return Wire(self.base, self.session, token)

    def place(self, *lines: OrderLine, customer: str = CUSTOMER, **options: Any) -> str:
        return self.sandbox.desk.place_order(customer, lines or (OrderLine("SIM-25G"),), "Misaki", **options)

    def order(self, key: str) -> dict[str, Any]:
        row = self.sandbox.org.db.get("Order", key)
        assert row is not None
        return row

    def events(self) -> list[Any]:
        return self.sandbox.bus.read(EVENT_CHANNEL)

    def entry(self, sku: str, book: str = "Portal") -> str:
        """The id of a product's price book entry."""
        db = self.sandbox.org.db
        (product,) = db.having("Product2", "StockKeepingUnit", sku)
        (found,) = (
            entry["Id"]
            for entry in db.having("PricebookEntry", "Product2Id", product["Id"])
            if (db.get("Pricebook2", entry["Pricebook2Id"]) or {})["Name"] == book
        )
        return str(found)

    def one(self, name: str, field_name: str, value: Any) -> dict[str, Any]:
        (row,) = self.sandbox.org.db.having(name, field_name, value)
        return row

    def account(self, number: str = CUSTOMER) -> str:
        return str(self.one("Account", "SF_Account_No__c", number)["Id"])

    def book(self, name: str = "Portal") -> str:
        return str(self.one("Pricebook2", "Name", name)["Id"])


async def open_bench(
    directory: Path, session: aiohttp.ClientSession, options: SalesforceOptions | None = None, key: str = ""
) -> Bench:
    """A started sandbox over the state in ``directory``; ``key`` saves it the making of one."""
    store = Store(directory / "sandbox.db")
    if key and "jwt" not in store.table("sf.key"):
        with store.transaction():
            store.table("sf.key").put("jwt", {"pem": key})
    faults, traffic = Faults(store), Traffic()
    sandbox = SalesforceSandbox(store, faults, traffic, options or SalesforceOptions(directory=directory))
    sandbox.load(WORLD)
    await sandbox.start()
    return Bench(sandbox, faults, traffic, store, session)


async def close_bench(bench: Bench) -> None:
    bench.faults.close()
    await bench.sandbox.stop()
    bench.store.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


@pytest.fixture(scope="session")
def jwt_key() -> str:
    return make_key()


@pytest.fixture
async def bench(tmp_path: Path, session: aiohttp.ClientSession, jwt_key: str) -> AsyncIterator[Bench]:
    found = await open_bench(tmp_path, session, key=jwt_key)
    yield found
    await close_bench(found)


@pytest.fixture
def wire(bench: Bench) -> Wire:
    """The integration user."""
    return bench.wire()


@pytest.fixture
def staff(bench: Bench) -> Wire:
    """A staff user without the bypass permission."""
    return bench.wire("placer")


@pytest.fixture
def admin(bench: Bench) -> Wire:
    return bench.wire("admin")
