"""The product's own client against installs drawn from seeds: whatever the drift, it reads the same facts."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import CallFailed, ErrorClass
from integrations.sandbox.whmcs import Switches
from integrations.whmcs.client import WhmcsClient, WhmcsConfig
from integrations.whmcs.models import NewLine, NewOrder, Service
from tests.integrations.sandbox.whmcs.conftest import (
    CARD,
    ESIM,
    EXPIRED,
    FIBRE,
    ICCID_FIELD,
    LINES_OPTION,
    MARKER_OF,
    NONE,
    SPEED_OPTION,
    Wire,
)

MARKER = "p1:00D000000000001:801000000000001AAA"


def client_of(wire: Wire) -> WhmcsClient:
    end = wire.endpoint
    return WhmcsClient(WhmcsConfig(url=end["url"], identifier=end["identifier"], secret=end["secret"]))


def new_order() -> NewOrder:
    fibre = NewLine(
        pid=FIBRE, quantity=2, cycle="monthly", custom_fields={MARKER_OF[FIBRE]: f"{MARKER}:1"},
        options={SPEED_OPTION: 712, LINES_OPTION: 3},
    )  # fmt: skip
    esim = NewLine(pid=ESIM, quantity=1, cycle="monthly", custom_fields={MARKER_OF[ESIM]: f"{MARKER}:2"}, options={})
    return NewOrder(client_id=str(CARD), gateway="stripe", lines=(fibre, esim), notes=MARKER)


@pytest.mark.parametrize("seed", range(12))
async def test_an_order_is_read_back_the_same_on_every_install(open_wire: Callable[..., Any], seed: int) -> None:
    switches = Switches.for_seed(seed)
    wire: Wire = await open_wire(switches, seed=seed)
    client = client_of(wire)
    try:
        assert (await client.get_client(str(CARD))).custom_fields[7] == "C-000101"
        assert [m.expiry for m in await client.get_pay_methods(str(EXPIRED))] == [(2025, 1)]
        assert await client.get_pay_methods(str(NONE)) == ()
        assert (await client.get_products([FIBRE]))[FIBRE].prices["JPY"].recurring == {"monthly": Decimal("5478.00")}
        empty = await client.list_orders(str(NONE))
        assert (empty.rows, empty.complete) == ((), True)
        added = await client.add_order(new_order())
        listed = await client.list_orders(str(CARD))
        assert (listed.complete, len(listed.rows)) == (True, 2)
        services = await client.list_services(str(CARD))
        assert (services.complete, len(services.rows)) == (True, 4)
        mine = {s.pid: s for s in services.rows if s.order_id == added.order_id}
        assert {s.id for s in mine.values()} == set(added.service_ids)
        assert (mine[FIBRE].first_amount, mine[FIBRE].recurring_amount) == (Decimal("17556.00"), Decimal("10956.00"))
        assert mine[FIBRE].options == {SPEED_OPTION: ("Speed", "10 Gbps"), LINES_OPTION: ("Extra lines", "3")}
        assert _markers(switches, await client.get_order(added.order_id), mine) != []
        await client.accept_order(added.order_id)
        order = await client.get_order(added.order_id)
        assert order is not None
        assert order.status == "Active"
        with pytest.raises(CallFailed) as raised:
            await client.accept_order(added.order_id)
        assert (raised.value.error_class, raised.value.code) == (ErrorClass.CONFLICT, "order_not_pending")
        await client.update_service(mine[ESIM].id, custom_fields={ICCID_FIELD: "8981"}, notes="done")
        esim = (await client.list_services(str(CARD), service_id=mine[ESIM].id)).rows[0]
        assert (esim.custom_fields_by_name["ICCID"], esim.notes, esim.status) == ("8981", "done", "Active")
        assert added.invoice_id is not None
        invoice = await client.get_invoice(added.invoice_id)
        assert (invoice.subtotal, invoice.tax, invoice.total) == (Decimal(20011), Decimal(2001), Decimal(22012))
        await client.cancel_invoice(added.invoice_id)
        assert (await client.get_invoice(added.invoice_id)).status == "Cancelled"
        assert await client.get_order("1") is None
        assert await client.missing_actions() == {}
    finally:
        await client.close()


def _markers(switches: Switches, order: Any, services: dict[int, Service]) -> list[str]:
    """Where the marker of the order survived."""
    found = ["order"] if order.notes == MARKER else []
    found += ["service notes"] if all(s.notes == MARKER for s in services.values()) else []
    kept = [services[pid].custom_fields.get(MARKER_OF[pid], "") for pid in (FIBRE, ESIM)]
    return found + (["field"] if kept == [f"{MARKER}:1", f"{MARKER}:2"] else [])


@pytest.mark.parametrize("kind", ["empty_ok", "short_page"])
async def test_a_damaged_list_is_never_complete(wire: Wire, kind: str) -> None:
    client = client_of(wire)
    try:
        for action, listing in (("GetOrders", client.list_orders), ("GetClientsProducts", client.list_services)):
            for _ in range(10):
                wire.fault(action, kind, count=20)
                try:
                    assert not (await listing(str(CARD))).complete
                except CallFailed as failed:
                    assert failed.error_class is ErrorClass.TRANSIENT
                wire.faults.clear()
            assert (await listing(str(CARD))).complete
    finally:
        await client.close()


async def test_long_lists_are_read_whole(wire: Wire) -> None:
    client = client_of(wire)
    try:
        for _ in range(120):
            await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", noemail=1, **{"pid[]": ESIM})
        listing = await client.list_orders(str(CARD))
        assert (listing.complete, len(listing.rows)) == (True, 121)
    finally:
        await client.close()
