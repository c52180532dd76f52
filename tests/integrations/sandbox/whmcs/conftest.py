"""A sandbox WHMCS on a free loopback port, filled from a small world."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.whmcs import Switches, WhmcsSandbox
from integrations.sandbox.world import Option, PastOrder, Person, Product, World

CARD, INVOICE, NONE, EXPIRED, CLOSED = 101, 102, 103, 104, 105
FIBRE, SIM, ESIM, ROUTER = 11, 21, 22, 41
MARKER_OF = {FIBRE: 901, SIM: 902, ESIM: 903, ROUTER: 904}
ICCID_FIELD = 950
SPEED_OPTION, LINES_OPTION = 71, 72


def person(number: int, pays_by: str, **values: Any) -> Person:
    given: dict[str, Any] = {
        "number": f"C-{number:06d}", "whmcs_client_id": number, "last_name": "山田", "first_name": "太郎",
        "kana": "ヤマダ タロウ", "company": "", "email": f"taro{number}@example.jp", "phone": "03-1234-5678",
        "postcode": "100-0001", "address": "千代田1-1", "city": "千代田区", "state": "東京都",
        "language": "japanese", "pays_by": pays_by,
    }  # fmt: skip
    return Person(**{**given, **values})


def product(pid: int, name: str, price: int, **values: Any) -> Product:
    given: dict[str, Any] = {
        "sku": f"SKU-{pid}", "name": name, "name_ja": name, "category": "SIM", "item_class": "Service",
        "whmcs_pid": pid, "marker_field_id": MARKER_OF[pid], "price": Decimal(price), "setup_fee": Decimal(0),
        "cycle": "monthly",
    }  # fmt: skip
    return Product(**{**given, **values})


WORLD = World(
    seed=1,
    org_id="00D000000000001AAA",
    people=(
        person(CARD, "card"),
        person(INVOICE, "invoice", company="O'Neill & Söhne", last_name="O'Neill", first_name="Zoë", kana=""),
        person(NONE, "none"),
        person(EXPIRED, "expired"),
        person(CLOSED, "card", status="Closed"),
    ),
    products=(
        product(
            FIBRE, "Fibre 1G", 5478, category="Internet", setup_fee=Decimal(3300),
            options=(
                Option(SPEED_OPTION, "Speed", {711: "1 Gbps", 712: "10 Gbps"}),
                Option(LINES_OPTION, "Extra lines", {}, kind="quantity"),
            ),
        ),
        product(SIM, "SIM 10 GB", 1980, iccid_field_id=ICCID_FIELD + 1, sim_form="Physical"),
        product(ESIM, "eSIM 20 GB", 2455, iccid_field_id=ICCID_FIELD, sim_form="eSIM"),
        product(ROUTER, "Router", 9800, cycle="onetime", module="", category="Other"),
    ),
    profiles=(),
    past_orders=(
        PastOrder("C-000101", ("SKU-11", "SKU-21"), date(2025, 3, 31), "Activated"),
        PastOrder("C-000102", ("SKU-21",), date(2025, 4, 1), "Cancelled"),
        PastOrder("C-000102", ("SKU-21",), date(2025, 4, 2), "Rejected"),
    ),
    tax_rate=Decimal("0.10"),
    customer_number_field_id=7,
)  # fmt: skip


class Clock:
    """A clock that stands until it is moved; UTC."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Wire:
    """The sandbox and raw forms to it."""

    sandbox: WhmcsSandbox
    faults: Faults
    traffic: Traffic
    clock: Clock
    session: aiohttp.ClientSession

    @property
    def endpoint(self) -> dict[str, Any]:
        return self.sandbox.endpoint()

    def credentials(self) -> dict[str, str]:
        return {"identifier": self.endpoint["identifier"], "secret": self.endpoint["secret"]}

    async def post(
        self, body: str | bytes | aiohttp.MultipartWriter, query: str = "", **headers: str
    ) -> tuple[int, Any]:
        """One POST of a ready body: the status and the JSON answer."""
        if not isinstance(body, aiohttp.MultipartWriter):
            headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        url = self.endpoint["url"] + (f"?{query}" if query else "")
        async with self.session.post(url, data=body, headers=headers) as answer:
            assert answer.content_type == "application/json"
            return answer.status, await answer.json()

    async def reply(self, action: str, /, **form: Any) -> tuple[int, Any]:
        fields = {"action": action, "responsetype": "json", **self.credentials(), **form}
        return await self.post(urlencode(fields))

    async def ok(self, action: str, /, **form: Any) -> Any:
        """The answer of an action that has to succeed."""
        status, answer = await self.reply(action, **form)
        assert (status, answer.get("result", answer.get("status"))) == (200, "success"), answer
        return answer

    async def refused(self, action: str, /, **form: Any) -> str:
        """The message of an action that has to be refused with HTTP 200."""
        status, answer = await self.reply(action, **form)
        assert (status, answer["result"]) == (200, "error"), answer
        return str(answer["message"])

    def fault(self, operation: str, kind: str, **values: Any) -> Fault:
        return self.faults.add(system="whmcs", operation=operation, kind=kind, **values)


@pytest.fixture
async def open_wire() -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def opened(switches: Switches | None = None, store: Store | None = None, **options: Any) -> Wire:
            kept = store or Store()
            if store is None:
                stack.callback(kept.close)
            faults, traffic, clock = Faults(), Traffic(), Clock()
            sandbox = WhmcsSandbox(kept, faults, traffic, switches, now=clock, **options)
            sandbox.load(WORLD)
            await sandbox.start("127.0.0.1", 0)
            stack.push_async_callback(sandbox.stop)
            stack.callback(faults.clear)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Wire(sandbox, faults, traffic, clock, session)

        yield opened


@pytest.fixture
async def wire(open_wire: Callable[..., Any]) -> Wire:
    opened: Wire = await open_wire()
    return opened
