"""The client and the sandbox's Salesforce server together, over loopback: each keeps the other honest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from integrations.errors import CallFailed, ErrorClass, LoginFailed
from integrations.http import Timeouts
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.config import ClientCredentials, JwtBearer, SalesforceConfig
from integrations.sandbox.faults import Faults
from integrations.sandbox.salesforce.desk import OrderLine
from integrations.sandbox.salesforce.server import SalesforceOptions, SalesforceSandbox
from integrations.sandbox.seed import make_world
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.world import Person, Product

WORLD = make_world(7, customers=20, profiles=5)
PERSON: Person = next(person for person in WORLD.people if person.status == "Active")
ESIM: Product = next(product for product in WORLD.products if product.sim_form == "eSIM")
SERVICE: Product = next(product for product in WORLD.products if product.category == "Internet")


class Rig:
    """One running org, its faults and traffic, and a client of the integration user."""

    def __init__(self, directory: Path) -> None:
        self.faults, self.traffic = Faults(), Traffic()
        options = SalesforceOptions(directory=directory, batch_size=3)
        self.org = SalesforceSandbox(Store(), self.faults, self.traffic, options)

    async def start(self) -> None:
        self.org.load(WORLD)
        await self.org.start()
        self.client = self.client_of("integration")

    async def stop(self) -> None:
        self.faults.clear()
        await self.client.close()
        await self.org.stop()

    def config(self, alias: str) -> SalesforceConfig:
        told = self.org.endpoint()
        user = told["users"][alias]
        return SalesforceConfig(
            login_url=told["login_url"],
            auth=ClientCredentials(user["client_id"], user["client_secret"]),
            org_id=told["org_id"],
            timeouts=Timeouts(connect=60, read=60, write=60, total=60),
        )

    def client_of(self, alias: str) -> SalesforceClient:
        return SalesforceClient(self.config(alias), now=lambda: datetime.now(UTC))

    @asynccontextmanager
    async def for_kind(self, kind: str) -> AsyncIterator[SalesforceClient]:
        """A client that is logged in, and gives up soon where the fault's kind leaves it without an answer."""
        read = 4.0 if kind.startswith("timeout_") else 60.0
        config = replace(self.config("integration"), timeouts=Timeouts(connect=60, read=read, write=60, total=60))
        client = SalesforceClient(config, now=lambda: datetime.now(UTC))
        await client.limits()
        try:
            yield client
        finally:
            self.faults.clear()
            await client.close()

    def place(self, count: int = 1) -> list[str]:
        lines = [OrderLine(ESIM.sku, eid="89049032" + "0" * 24), OrderLine(SERVICE.sku)]
        return [self.org.desk.place_order(PERSON.number, lines, "misaki", recipient=PERSON.email) for _ in range(count)]

    def asked(self, operation: str) -> int:
        return sum(entry["operation"] == operation for entry in self.traffic.since())

    def fault(self, operation: str, kind: str, count: int = 1) -> None:
        self.faults.add(system="salesforce", operation=operation, kind=kind, count=count)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def failure_of(call: object) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_the_org_says_which_it_is(rig: Rig) -> None:
    org = await rig.client.org()
    assert (org.id, org.is_sandbox) == (WORLD.org_id, True)


async def test_an_order_is_read_whole_in_one_request(rig: Rig) -> None:
    (order_id,) = rig.place()
    bundle = await rig.client.read_order(order_id, with_journal=True)
    assert [entry["operation"] for entry in rig.traffic.since()] == ["token", "composite"]
    assert (bundle.order.id, bundle.order.status, bundle.order.status_code) == (order_id, "Pending Review", "Draft")
    assert (bundle.order.placed_by, bundle.order.recipient_email) == ("misaki", PERSON.email)
    assert (bundle.order.provisioning_status, bundle.order.attempt_count) == ("Not Started", 0)
    assert bundle.account is not None
    assert (bundle.account.number, bundle.account.whmcs_client_id) == (PERSON.number, str(PERSON.whmcs_client_id))
    esim, service = bundle.items
    assert (esim.sku, esim.is_esim, esim.profile_type) == (ESIM.sku, True, ESIM.profile_type)
    assert (esim.whmcs_product_id, esim.unit_price, esim.billing_cycle) == (ESIM.whmcs_pid, ESIM.price, ESIM.cycle)
    assert (service.sku, service.is_esim, service.quantity) == (SERVICE.sku, False, Decimal(1))
    assert bundle.order.total_amount == ESIM.price + SERVICE.price
    assert bundle.journal is None


async def test_the_whole_life_of_an_order(rig: Rig) -> None:
    (order_id,) = rig.place()
    client, events = rig.client, rig.org.bus
    before = len(events.all())
    await client.patch_order(order_id, {"Status": "Approved", "Approved_By__c": "kenji"})
    (event,) = events.all()[before:]
    assert dict(event.payload)["OrderId__c"] == order_id
    assert dict(event.payload)["IdemKey__c"] == f"{order_id}-0"
    item = (await client.read_order(order_id)).items[0]
    iccid = {"ESIM_ICCID__c": "8981100000000000001"}
    claim = {"Status": "Provisioning", "Provisioning_Status__c": "In Progress", "Attempt_Count__c": 1, **iccid}
    await client.patch_order(order_id, claim, items={item.id: iccid})
    now = datetime.now(UTC)
    await client.patch_order(order_id, {"Last_Provisioning_At__c": now, "WHMCS_Order_ID__c": "77"})
    await client.patch_order(order_id, {"Status": "Activated"})
    done = await client.read_order(order_id)
    assert (done.order.status, done.order.status_code, done.order.attempt_count) == ("Activated", "Activated", 1)
    assert done.items[0].esim_iccid == done.order.esim_iccid == iccid["ESIM_ICCID__c"]
    assert done.order.last_provisioning_at == now.replace(microsecond=0)
    assert len(events.all()) == before + 1, "one approval, one event"


async def test_the_condition_of_a_patch_is_kept(rig: Rig) -> None:
    (order_id,) = rig.place()
    seen = (await rig.client.read_order(order_id)).order.last_modified_at
    await rig.client.patch_order(order_id, {"Status": "Approved"}, unmodified_since=seen + timedelta(seconds=1))
    failure = await failure_of(
        rig.client.patch_order(order_id, {"Status": "Provisioning"}, unmodified_since=seen - timedelta(hours=1))
    )
    assert (failure.error_class, failure.code) == (ErrorClass.CONFLICT, "changed_meanwhile")
    assert (await rig.client.read_order(order_id)).order.status == "Approved"


async def test_a_composite_that_fails_leaves_nothing_behind(rig: Rig) -> None:
    (order_id,) = rig.place()
    bundle = await rig.client.read_order(order_id)
    items = {bundle.items[0].id: {"ESIM_ICCID__c": "x" * 23}}
    failure = await failure_of(rig.client.patch_order(order_id, {"WHMCS_Order_ID__c": "77"}, items=items))
    assert (failure.error_class, failure.code) == (ErrorClass.DATA, "STRING_TOO_LONG")
    assert (await rig.client.read_order(order_id)).order.whmcs_order_id is None


async def test_people_are_held_by_the_packages_rules_and_we_are_not(rig: Rig) -> None:
    (order_id,) = rig.place()
    staff = rig.client_of("approver")
    try:
        too_early = await failure_of(staff.patch_order(order_id, {"Status": "Provisioning"}))
        assert (too_early.error_class, too_early.code) == (ErrorClass.DATA, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
        await staff.patch_order(order_id, {"Status": "Approved"})
        await rig.client.patch_order(order_id, {"Status": "Provisioning"})
        item = (await staff.read_order(order_id)).items[0]
        locked = await failure_of(staff.patch_order(order_id, {}, items={item.id: {"Quantity": 2}}))
        assert locked.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        assert "its products cannot be changed" in locked.message
        await staff.patch_order(order_id, {"Status": "Cancelled"})
    finally:
        await staff.close()


async def test_every_page_of_a_list_is_read(rig: Rig) -> None:
    placed = rig.place(8)
    found = await rig.client.list_orders(["Pending Review", "Approved"])
    assert {ref.id for ref in found} == set(placed)
    assert rig.asked("query") == 3
    assert await rig.client.list_orders(["Pending Review"], modified_since=datetime.now(UTC) + timedelta(hours=1)) == []
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert len(await rig.client.list_orders(["Pending Review"], modified_since=since)) == 8


async def test_one_generation_one_owner(rig: Rig) -> None:
    now = datetime.now(UTC)
    first = await rig.client.insert_journal(1, "j-1", 0, now)
    twice = await failure_of(rig.client.insert_journal(1, "j-2", 0, now))
    assert (twice.error_class, twice.code) == (ErrorClass.CONFLICT, "DUPLICATE_VALUE")
    second = await rig.client.insert_journal(2, "j-2", 5, now)
    await rig.client.touch_journal(second, 9, now)
    (order_id,) = rig.place()
    journal = (await rig.client.read_order(order_id, with_journal=True)).journal
    assert journal is not None
    assert (journal.generation, journal.journal_id, journal.highest_feed) == (2, "j-2", 9)
    await rig.client.delete_journal(first)
    await rig.client.delete_journal(first)
    assert [row.generation for row in await rig.client.journal_rows()] == [2]
    gone = await failure_of(rig.client.touch_journal(first, 10, now))
    assert gone.refused


async def test_publishing_limits_and_quota(rig: Rig) -> None:
    (order_id,) = rig.place()
    uuid = await rig.client.publish(order_id, "again")
    assert rig.org.bus.all()[-1].uuid == uuid
    most, left = (await rig.client.limits())["DailyApiRequests"]
    assert 0 < left <= most
    assert rig.client.usage is not None
    assert rig.client.usage.used == 2


async def test_accounts_are_found_by_number_and_by_name(rig: Rig) -> None:
    for text in (PERSON.number, PERSON.name, PERSON.name[1:3], f" {PERSON.number} "):
        assert PERSON.number in {account.number for account in await rig.client.find_accounts(text)}


async def test_what_people_type_finds_nothing_it_should_not(rig: Rig) -> None:
    for text in ("' OR Name != '", "%", "_", "🙂", "\\", "C-000000\x00", 'a"b', "9" * 10_000):
        assert await rig.client.find_accounts(text) == [], text


async def test_jwt_bearer(rig: Rig) -> None:
    told = rig.org.endpoint()
    pem = Path(told["private_key_file"]).read_text("utf-8")
    auth = JwtBearer(told["client_id"], told["username"], pem, told["jwt_audience"])
    client = SalesforceClient(replace(rig.config("integration"), auth=auth), now=lambda: datetime.now(UTC))
    assert (await client.org()).id == WORLD.org_id
    await client.close()


async def test_wrong_credentials(rig: Rig) -> None:
    auth = ClientCredentials("nobody", "wrong")
    client = SalesforceClient(replace(rig.config("integration"), auth=auth), now=lambda: datetime.now(UTC))
    with pytest.raises(LoginFailed):
        await client.org()
    await client.close()


async def test_an_expired_session_is_renewed_once_for_everyone(rig: Rig) -> None:
    (order_id,) = rig.place()
    await rig.client.read_order(order_id)
    rig.fault("composite", "expire_token")
    await asyncio.gather(*(rig.client.read_order(order_id) for _ in range(20)))
    assert rig.asked("token") == 2


@pytest.mark.parametrize(
    ("kind", "effect", "error_class"),
    [
        ("timeout_before", False, ErrorClass.OUTCOME_UNKNOWN),
        ("timeout_after", True, ErrorClass.OUTCOME_UNKNOWN),
        ("reset", False, ErrorClass.OUTCOME_UNKNOWN),
        ("http_500", False, ErrorClass.OUTCOME_UNKNOWN),
        ("http_503", False, ErrorClass.OUTCOME_UNKNOWN),
        ("html", False, ErrorClass.OUTCOME_UNKNOWN),
        ("http_403", False, ErrorClass.OUTCOME_UNKNOWN),
        ("limit_daily", False, ErrorClass.CAPACITY),
        ("limit_concurrent", False, ErrorClass.TRANSIENT),
        ("lock_row", False, ErrorClass.TRANSIENT),
    ],
)
async def test_a_spoilt_write_says_what_it_proves(kind: str, effect: bool, error_class: ErrorClass, rig: Rig) -> None:
    (order_id,) = rig.place()
    async with rig.for_kind(kind) as client:
        rig.fault("order.patch", kind)
        failure = await failure_of(client.patch_order(order_id, {"Status": "Approved"}))
    assert failure.error_class is error_class
    assert rig.asked("order.patch") == 1
    stands = (await rig.client.read_order(order_id)).order.status == "Approved"
    assert stands == effect
    assert not (stands and failure.refused), "what is called refused has no effect"


@pytest.mark.parametrize(
    "kind", ["timeout_before", "timeout_after", "reset", "http_503", "html", "truncate", "malformed"]
)
async def test_a_spoilt_read_is_transient(kind: str, rig: Rig) -> None:
    (order_id,) = rig.place()
    async with rig.for_kind(kind) as client:
        rig.fault("composite", kind)
        assert (await failure_of(client.read_order(order_id))).error_class is ErrorClass.TRANSIENT
    assert (await rig.client.read_order(order_id)).order.id == order_id
