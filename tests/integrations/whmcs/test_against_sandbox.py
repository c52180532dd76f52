"""The client against the sandbox's WHMCS: every typing switch, every fault, and the law of refusals.

The law is proved by looking at what stands in the sandbox: whoever is told that nothing was done finds nothing done.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed
from integrations.http import Timeouts
from integrations.sandbox.faults import HTTP_KINDS, Faults
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.whmcs import Switches, WhmcsSandbox
from integrations.whmcs.client import WhmcsClient, WhmcsConfig
from integrations.whmcs.models import AddedOrder, NewLine, NewOrder, Service
from tests.integrations.sandbox.whmcs.conftest import (
    CARD,
    CLOSED,
    ESIM,
    FIBRE,
    ICCID_FIELD,
    LINES_OPTION,
    MARKER_OF,
    NONE,
    ROUTER,
    SPEED_OPTION,
    WORLD,
    Clock,
)

MARKER = "p1:00D000000000001:801000000000001AAA"
PATIENT = Timeouts(connect=60.0, read=60.0, write=60.0, pool=60.0, total=60.0)
HASTY = Timeouts(connect=60.0, read=0.2, write=60.0, pool=60.0, total=0.2)  # for an answer that never comes
SILENT = frozenset({"timeout_before", "timeout_after", "hold", "late_effect"})
EFFECTIVE = frozenset({"timeout_after", "hold", "late_effect", "truncate", "malformed"})
LATE = 0.3
TRANSIENT, UNKNOWN = ErrorClass.TRANSIENT, ErrorClass.OUTCOME_UNKNOWN


@dataclass
class Install:
    """A running sandbox and the product's client of it. ``config`` makes clients with other credentials."""

    sandbox: WhmcsSandbox
    faults: Faults
    client: WhmcsClient
    config: WhmcsConfig

    def fault(self, operation: str, kind: str, **values: Any) -> None:
        self.faults.add(system="whmcs", operation=operation, kind=kind, **values)

    def effects(self) -> dict[str, Any]:
        return self.sandbox.world()

    @asynccontextmanager
    async def for_kind(self, kind: str) -> AsyncIterator[WhmcsClient]:
        """A client that gives up soon where the fault's kind leaves it without an answer."""
        if kind not in SILENT:
            yield self.client
            return
        async with self.other(read_timeouts=HASTY, write_timeouts=HASTY) as hasty:
            yield hasty

    async def changed(self, before: dict[str, Any]) -> None:
        """Wait until the world is another one than ``before``."""
        async with asyncio.timeout(60):
            while self.effects() == before:  # noqa: ASYNC110 - the far side has no event to wait for
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def other(self, **changes: Any) -> AsyncIterator[WhmcsClient]:
        client = WhmcsClient(replace(self.config, **changes))
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def install(switches: Switches | None = None, seed: int = 1) -> AsyncIterator[Install]:
    store, faults = Store(), Faults()
    sandbox = WhmcsSandbox(store, faults, Traffic(), switches, now=Clock(), folder="/billing", seed=seed)
    sandbox.load(WORLD)
    await sandbox.start("127.0.0.1", 0)
    end = sandbox.endpoint()
    config = WhmcsConfig(
        end["system_url"], end["identifier"], end["secret"], read_timeouts=PATIENT, write_timeouts=PATIENT
    )
    client = WhmcsClient(config)
    try:
        yield Install(sandbox, faults, client, config)
    finally:
        await client.close()
        faults.clear()
        await sandbox.stop()
        faults.close()
        store.close()


def new_order(client: int = CARD) -> NewOrder:
    return NewOrder(
        str(client),
        "stripe",
        (
            NewLine(FIBRE, 2, "monthly", {MARKER_OF[FIBRE]: f"{MARKER}:1"}, {SPEED_OPTION: 712, LINES_OPTION: 3}),
            NewLine(ESIM, 1, "monthly", {MARKER_OF[ESIM]: f"{MARKER}:2"}),
            NewLine(ROUTER, 1, "onetime", {MARKER_OF[ROUTER]: f"{MARKER}:3"}),
        ),
        notes=MARKER,
    )


def grid() -> list[Switches]:
    """Every way to write an empty and a full list, with types, entities and notes taking turns."""
    lists = itertools.product(
        ("nested", "string", "list", "object", "null", "absent", "mixed"), ("list", "single_object", "numeric_keys")
    )
    turns = itertools.cycle(itertools.product(("order", "service", "both", "no"), (False, True), ("int", "string")))
    names = ("empty_lists", "list_shape", "honour_order_notes", "entities", "types")
    drawn: list[dict[str, Any]] = [
        dict(zip(names, (*shapes, *turn), strict=True)) for shapes, turn in zip(lists, turns, strict=False)
    ]
    return [Switches(**values) for values in drawn]


GRID = grid()


@pytest.mark.parametrize("switches", GRID, ids=range(len(GRID)))
async def test_every_install_tells_the_same(switches: Switches) -> None:
    async with install(switches) as there:
        client = there.client
        added = await client.add_order(new_order())
        order = await client.get_order(added.order_id)
        assert order is not None
        assert (order.client_id, order.status, order.invoice_id) == (str(CARD), "Pending", added.invoice_id)
        assert set(order.service_ids) == set(added.service_ids)
        assert {line.amount for line in order.items} == {Decimal(17556), Decimal(2455), Decimal(9800)}
        orders, services = await client.list_orders(str(CARD)), await client.list_services(str(CARD))
        assert (orders.complete, orders.reason, len(orders.rows)) == (True, "", 2)
        assert (services.complete, services.reason, len(services.rows)) == (True, "", 5)
        _check_services(switches, {s.pid: s for s in services.rows if s.order_id == added.order_id})
        assert (order.notes == MARKER) is (switches.honour_order_notes in ("order", "both"))
        assert (await client.list_orders(str(NONE))).rows == ()
        assert (await client.list_orders(str(NONE))).complete
        assert await client.get_order("999") is None
        assert len(await client.get_pay_methods(str(CARD))) == 1
        assert await client.get_pay_methods(str(NONE)) == ()
        assert [gateway.module for gateway in await client.get_gateways()] == ["stripe", "banktransfer", "mailin"]
        assert (await client.get_client(str(CARD))).custom_fields == {7: "C-000101"}
        assert (await client.get_client("102")).company == "O'Neill & Söhne"
        products = await client.get_products([FIBRE, ROUTER, 999])
        assert products.keys() == {FIBRE, ROUTER}
        assert [choice.id for choice in products[FIBRE].options[0].choices] == [711, 712]


def _check_services(switches: Switches, mine: dict[int, Service]) -> None:
    assert (mine[FIBRE].quantity, mine[FIBRE].cycle, mine[ROUTER].cycle) == (2, "monthly", "onetime")
    assert (mine[FIBRE].first_amount, mine[FIBRE].recurring_amount) == (Decimal(17556), Decimal(10956))
    assert mine[FIBRE].options == {SPEED_OPTION: ("Speed", "10 Gbps"), LINES_OPTION: ("Extra lines", "3")}
    assert mine[ESIM].custom_fields == {MARKER_OF[ESIM]: f"{MARKER}:2", ICCID_FIELD: ""}
    assert mine[ESIM].custom_fields_by_name["Portal Order Ref"] == f"{MARKER}:2"
    assert (mine[FIBRE].notes == MARKER) is (switches.honour_order_notes in ("service", "both"))


@pytest.mark.parametrize("marker", ["missing", "truncated"])
async def test_a_marker_field_that_does_not_survive_is_seen(marker: Any) -> None:
    async with install(Switches(marker_field=marker, empty_lists="absent")) as there:
        await there.client.add_order(new_order())
        services = await there.client.list_services(str(CARD))
        kept = {s.custom_fields.get(MARKER_OF[s.pid]) for s in services.rows if s.pid in (ESIM, ROUTER)}
        assert services.complete
        assert kept == ({None} if marker == "missing" else {MARKER[:20]})


Write = Callable[[WhmcsClient, AddedOrder], Awaitable[object]]
WRITES: dict[str, Write] = {
    "AddOrder": lambda client, added: client.add_order(new_order()),
    "AcceptOrder": lambda client, added: client.accept_order(added.order_id),
    "CancelOrder": lambda client, added: client.cancel_order(added.order_id),
    "UpdateInvoice": lambda client, added: client.cancel_invoice(str(added.invoice_id)),
    "ModuleCreate": lambda client, added: client.module_create(added.service_ids[1]),
    "UpdateClientProduct": lambda client, added: client.update_service(added.service_ids[1], notes="ours"),
}
READS: dict[str, Write] = {
    "GetClientsDetails": lambda client, added: client.get_client(str(CARD)),
    "GetPayMethods": lambda client, added: client.get_pay_methods(str(CARD)),
    "GetPaymentMethods": lambda client, added: client.get_gateways(),
    "GetProducts": lambda client, added: client.get_products([FIBRE]),
    "GetOrders": lambda client, added: client.get_order(added.order_id),
    "GetClientsProducts": lambda client, added: client.list_services(str(CARD)),
    "GetInvoice": lambda client, added: client.get_invoice(str(added.invoice_id)),
}
# kinds that the client cannot tell from a good answer, because they are one
HARMLESS = {"slow"}
KINDS = [*sorted(HTTP_KINDS - HARMLESS), "role_denied"]


@pytest.mark.parametrize("action", WRITES)
async def test_a_failure_is_either_unknown_or_without_effect(action: str) -> None:
    for kind in KINDS:
        async with install() as there:
            added = await there.client.add_order(new_order())
            before = there.effects()
            there.fault(action, kind, options={"delay": LATE} if kind == "late_effect" else {})
            async with there.for_kind(kind) as client:
                with pytest.raises(IntegrationError) as raised:
                    await WRITES[action](client, added)
            if kind in EFFECTIVE:
                await there.changed(before)
            changed = there.effects() != before
            assert raised.value.error_class is (ErrorClass.CONFIG if kind == "role_denied" else UNKNOWN), kind
            assert not (changed and raised.value.refused), kind
            assert changed is (kind in EFFECTIVE), kind


@pytest.mark.parametrize("action", READS)
async def test_a_spoilt_read_is_never_unknown_and_the_next_one_works(action: str) -> None:
    async with install() as there:
        added = await there.client.add_order(new_order())
        for kind in KINDS:
            # a firewall's page is tried once more, so that it takes two of them
            there.fault(action, kind, count=2 if kind == "http_403" else 1, options={"delay": 0.3})
            async with there.for_kind(kind) as client:
                with pytest.raises(IntegrationError) as raised:
                    await READS[action](client, added)
            assert raised.value.error_class in (TRANSIENT, ErrorClass.CONFIG), kind
            there.faults.clear()
            await READS[action](there.client, added)


@pytest.mark.parametrize("shape", ["missing", "nested", "string", "list", "object", "null"])
async def test_a_lost_list_is_never_absence(shape: str) -> None:
    async with install() as there:
        client = there.client
        added = await client.add_order(new_order())
        for totals in ("true", "missing"):
            for action in ("GetOrders", "GetClientsProducts", "GetProducts", "GetPaymentMethods", "GetPayMethods"):
                there.fault(action, "empty_ok", count=9, options={"shape": shape, "totals": totals})
            assert not (await client.list_orders(str(CARD))).complete
            assert not (await client.list_services(str(CARD))).complete
            reads: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: client.get_order(added.order_id), lambda: client.get_products([FIBRE]), client.get_gateways,
                lambda: client.get_pay_methods(str(CARD)),
            )  # fmt: skip
            for read in reads:
                with pytest.raises(CallFailed) as raised:
                    await read()
                assert (raised.value.error_class, raised.value.code) == (TRANSIENT, "malformed_answer")
            there.faults.clear()


@pytest.mark.parametrize(
    "switches",
    [
        Switches(sort="chaotic", types="string"),
        pytest.param(Switches(sort="desc"), marks=pytest.mark.matrix),
    ],
)
async def test_lists_longer_than_a_page_are_read_whole_in_any_order(switches: Switches) -> None:
    async with install(switches) as there:
        client = there.client
        line = NewOrder(str(CARD), "stripe", (NewLine(ESIM, 1, "monthly"),))
        for _ in range(110):
            await client.add_order(line)
        orders, services = await client.list_orders(str(CARD)), await client.list_services(str(CARD))
        assert (orders.complete, len(orders.rows)) == (True, 111)
        assert (services.complete, len(services.rows)) == (True, 112)


async def test_module_failures_are_unknown_and_the_order_tells_what_stands() -> None:
    async with install(Switches(module_failure=(2,), after_module_failure="active")) as there:
        added = await there.client.add_order(new_order())
        with pytest.raises(CallFailed) as raised:
            await there.client.accept_order(added.order_id)
        assert raised.value.error_class is UNKNOWN
        assert "provisioning server" in raised.value.message
        order = await there.client.get_order(added.order_id)
        assert order is not None
        assert order.status == "Active"
        with pytest.raises(CallFailed) as raised:
            await there.client.accept_order(added.order_id)
        assert (raised.value.error_class, raised.value.code) == (ErrorClass.CONFLICT, "order_not_pending")


async def test_documented_refusals() -> None:
    async with install() as there:
        client = there.client
        wrong_gateway = replace(new_order(), gateway="paypal")
        cases: list[tuple[Callable[[], Awaitable[object]], str]] = [
            (lambda: client.add_order(new_order(999)), "client_not_found"),
            (lambda: client.add_order(new_order(CLOSED)), "client_closed"),
            (lambda: client.add_order(wrong_gateway), "invalid_gateway"),
            (lambda: client.add_order(NewOrder(str(CARD), "stripe", (NewLine(999, 1, "monthly"),))), "no_items"),
            (lambda: client.accept_order("999"), "order_not_pending"),
            (lambda: client.cancel_order("999"), "order_not_pending"),
            (lambda: client.cancel_invoice("999"), "invoice_not_found"),
            (lambda: client.get_invoice("999"), "invoice_not_found"),
            (lambda: client.module_create("999"), "service_not_found"),
            (lambda: client.update_service("999", notes="x"), "service_not_found"),
            (lambda: client.get_client("999"), "client_not_found"),
            (lambda: client.get_pay_methods("999"), "client_not_found"),
        ]
        before = there.effects()
        for call, code in cases:
            with pytest.raises(CallFailed) as raised:
                await call()
            assert (raised.value.code, raised.value.refused) == (code, True)
        assert there.effects() == before


async def test_a_service_without_a_module() -> None:
    async with install() as there:
        added = await there.client.add_order(NewOrder(str(CARD), "stripe", (NewLine(ROUTER, 1, "onetime"),)))
        with pytest.raises(CallFailed) as raised:
            await there.client.module_create(added.service_ids[0])
        assert (raised.value.error_class, raised.value.code) == (ErrorClass.DATA, "service_without_module")


async def test_an_order_and_its_invoice_can_be_undone() -> None:
    async with install() as there:
        added = await there.client.add_order(new_order())
        await there.client.cancel_order(added.order_id)
        await there.client.cancel_invoice(str(added.invoice_id))
        order = await there.client.get_order(added.order_id)
        assert order is not None
        assert (order.status, order.payment_status) == ("Cancelled", "Cancelled")


async def test_our_calls_send_no_order_mail() -> None:
    async with install(Switches(welcome_mails=False)) as there:
        added = await there.client.add_order(new_order())
        await there.client.cancel_order(added.order_id)
        assert [mail["template"] for mail in there.effects()["mails"] if not mail.get("past")] == ["Invoice Created"]


async def test_credentials_roles_and_the_probe() -> None:
    async with install() as there:
        probe = await there.client.probe()
        assert (probe.answered_by, probe.version, probe.denied) == ("GetAdminDetails", "8.13.1", ())
        assert await there.client.missing_actions() == {}
        async with there.other(secret="wrong") as stranger:
            for call in (stranger.probe, stranger.missing_actions, lambda: stranger.add_order(new_order())):
                with pytest.raises(LoginFailed) as refused:
                    await call()
                assert (refused.value.code, refused.value.http_status) == ("authentication_failed", 403)
        reader = there.sandbox.endpoint()["restricted"][0]
        async with there.other(**reader) as reading:
            denied = await reading.missing_actions()
            assert set(denied.values()) == {"role_denied"}
            assert denied.keys() == {
                "GetPayMethods", "AddOrder", "AcceptOrder", "CancelOrder", "UpdateInvoice", "ModuleCreate",
                "UpdateClientProduct",
            }  # fmt: skip
            assert (await reading.probe()).denied == ()
        for version_denied in (frozenset({"getadmindetails"}), frozenset({"getadmindetails", "whmcsdetails"})):
            there.sandbox.switch(denied=version_denied)
            assert len((await there.client.probe()).denied) == len(version_denied)


async def test_looking_for_missing_actions_leaves_no_trace() -> None:
    async with install() as there:
        await there.client.add_order(new_order())
        before = there.effects()
        await there.client.missing_actions()
        assert there.effects() == before
