"""AddOrder and the life of an order (facts/whmcs.md §6.3, §9)."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.whmcs import Switches
from tests.integrations.sandbox.whmcs.conftest import (
    CARD,
    CLOSED,
    ESIM,
    FIBRE,
    ICCID_FIELD,
    INVOICE,
    LINES_OPTION,
    MARKER_OF,
    ROUTER,
    SIM,
    SPEED_OPTION,
    Wire,
)
from tests.integrations.sandbox.whmcs.packing import packed

MARKER = "p1:00D000000000001:801000000000001AAA"
NOT_PENDING = "Order ID not found or Status not Pending"


async def place(wire: Wire, *pids: int, **form: Any) -> Any:
    lines = {f"pid[{n}]": pid for n, pid in enumerate(pids)}
    return await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **lines, **form)


async def order_of(wire: Wire, added: Any) -> Any:
    return (await wire.ok("GetOrders", id=added["orderid"]))["orders"]["order"][0]


async def services_of(wire: Wire, added: Any) -> list[Any]:
    """The order's services in the order of its lines."""
    found = []
    for number in added["serviceids"].split(","):
        found += (await wire.ok("GetClientsProducts", serviceid=number))["products"]["product"]
    return found


def fields_of(service: Any) -> dict[int, str]:
    return {field["id"]: field["value"] for field in service["customfields"]["customfield"]}


def options_of(service: Any) -> dict[int, str]:
    return {option["id"]: option["value"] for option in service["configoptions"]["configoption"]}


def mails(wire: Wire) -> list[str]:
    return [mail["template"] for mail in wire.sandbox.world()["mails"]]


async def test_an_order_is_pending_with_its_services_and_an_invoice_with_tax(wire: Wire) -> None:
    added = await place(wire, FIBRE, ESIM)
    assert added["serviceids"] == added["productids"]
    order = await order_of(wire, added)
    assert (order["status"], order["amount"], order["paymentstatus"]) == ("Pending", "12356.00", "Unpaid")
    assert order["ordernum"] > 2**32
    assert order["date"] == "2026-01-31 12:00:00"
    services = await services_of(wire, added)
    assert [s["status"] for s in services] == ["Pending", "Pending"]
    assert [(s["firstpaymentamount"], s["recurringamount"]) for s in services] == [
        ("8778.00", "5478.00"), ("2455.00", "2455.00"),
    ]  # fmt: skip
    invoice = await wire.ok("GetInvoice", invoiceid=added["invoiceid"])
    assert (invoice["subtotal"], invoice["tax"], invoice["total"]) == ("11233.00", "1123.00", "12356.00")
    lines = [(i["type"], i["relid"], i["amount"]) for i in invoice["items"]["item"]]
    assert lines == [
        ("Hosting", services[0]["id"], "5478.00"), ("Setup", services[0]["id"], "3300.00"),
        ("Hosting", services[1]["id"], "2455.00"),
    ]  # fmt: skip
    assert wire.sandbox.world()["module_runs"] == []


async def test_two_equal_calls_make_two_orders(wire: Wire) -> None:
    await place(wire, SIM, notes=MARKER)
    await place(wire, SIM, notes=MARKER)
    counts = wire.sandbox.world()["counts"]
    assert counts["orders"] == {str(CARD): 2, f"{CARD}/{SIM}": 2}
    assert counts["services"][f"{CARD}/{SIM}"] == counts["invoices"][f"{CARD}/{SIM}"] == 2


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"clientid": 9}, "Client ID Not Found"),
        ({"clientid": CLOSED}, "Unable to add order when client status is Closed"),
        ({"paymentmethod": "paypal"}, "Invalid Payment Method. Valid options include stripe,banktransfer,mailin"),
        ({"pid[0]": 999}, "No items added to cart so order cannot proceed"),
        ({"billingcycle": "monthly"}, "Expecting parameter 'billingcycle' to be an array"),
        ({"addonid": 3, "serviceid": 3401}, "Addon ID invalid"),
        ({"servicerenewals[]": 3401}, "Service ID 3401 can not be renewed at this time."),
    ],
)
async def test_documented_refusals_make_nothing(wire: Wire, form: dict[str, Any], message: str) -> None:
    fields = {"clientid": CARD, "paymentmethod": "stripe", "pid[0]": FIBRE, **form}
    assert await wire.refused("AddOrder", **fields) == message
    assert wire.sandbox.world()["counts"]["orders"] == {}


async def test_lost_brackets_are_no_array(wire: Wire) -> None:
    message = await wire.refused("AddOrder", clientid=CARD, paymentmethod="stripe", pid="5,6")
    assert message == "Expecting parameter 'pid' to be an array"


async def test_per_product_arrays_go_by_key_not_by_position(wire: Wire) -> None:
    form = {"pid[1]": SIM, "pid[0]": ESIM, "domain[0]": "zero", "domain[1]": "one"}
    added = await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **form)
    assert [(s["pid"], s["domain"]) for s in await services_of(wire, added)] == [(SIM, "one"), (ESIM, "zero")]


async def test_flags_are_true_for_any_text(wire: Wire) -> None:
    added = await place(wire, SIM, noinvoice="false", noemail="False")
    assert added["invoiceid"] == ""
    assert (await order_of(wire, added))["invoiceid"] == 0
    assert mails(wire) == []


@pytest.mark.parametrize(("switch", "wanted"), [("empty", ""), ("zero", 0), ("missing", None)])
async def test_an_order_without_an_invoice(open_wire: Callable[..., Any], switch: Any, wanted: Any) -> None:
    wire: Wire = await open_wire(Switches(no_invoice=switch))
    added = await place(wire, SIM, noinvoice=1)
    assert added.get("invoiceid") == wanted
    assert ("invoiceid" in added) == (switch != "missing")


async def test_own_mails_are_counted_and_can_be_left_out(wire: Wire) -> None:
    await place(wire, SIM)
    assert mails(wire) == ["Order Confirmation", "Invoice Created"]
    await place(wire, SIM, noemail=1)
    await place(wire, SIM, noinvoiceemail=1)
    assert mails(wire)[2:] == ["Invoice Created", "Order Confirmation"]
    wire.sandbox.switch(mails_on=False)
    await place(wire, SIM)
    assert len(mails(wire)) == 4


@pytest.mark.parametrize(
    ("kept", "on_order", "on_service"),
    [("order", MARKER, ""), ("service", "", MARKER), ("both", MARKER, MARKER), ("no", "", "")],
)
async def test_notes_land_where_the_install_keeps_them(
    open_wire: Callable[..., Any], kept: Any, on_order: str, on_service: str
) -> None:
    wire: Wire = await open_wire(Switches(honour_order_notes=kept))
    added = await place(wire, SIM, ESIM, notes=MARKER)
    assert (await order_of(wire, added))["notes"] == on_order
    assert [s["notes"] for s in await services_of(wire, added)] == [on_service, on_service]


async def test_custom_fields_are_kept_if_they_are_the_products_own(wire: Wire) -> None:
    fields = packed({MARKER_OF[ESIM]: MARKER, ICCID_FIELD: "8981", MARKER_OF[SIM]: "other", 7: "client's"})
    added = await place(wire, SIM, ESIM, **{"customfields[1]": fields})
    sim, esim = [fields_of(service) for service in await services_of(wire, added)]
    assert sim == {MARKER_OF[SIM]: "", ICCID_FIELD + 1: ""}
    assert esim == {MARKER_OF[ESIM]: MARKER, ICCID_FIELD: "8981"}


async def test_a_marker_field_may_be_missing_or_short(wire: Wire) -> None:
    fields = {"customfields[0]": packed({MARKER_OF[ESIM]: MARKER, ICCID_FIELD: "8981"})}
    wire.sandbox.switch(marker_field="missing")
    missing = await services_of(wire, await place(wire, ESIM, **fields))
    assert fields_of(missing[0]) == {ICCID_FIELD: "8981"}
    wire.sandbox.switch(marker_field="truncated")
    short = await services_of(wire, await place(wire, ESIM, **fields))
    assert fields_of(short[0]) == {MARKER_OF[ESIM]: MARKER[:20], ICCID_FIELD: "8981"}


async def test_unreadable_fields_pass_in_silence(wire: Wire) -> None:
    added = await place(wire, ESIM, **{"customfields[0]": "not base64 !", "configoptions[0]": "a:1"})
    assert set(fields_of((await services_of(wire, added))[0]).values()) == {""}


async def test_options_fall_back_in_silence(wire: Wire) -> None:
    right = await place(wire, FIBRE, **{"configoptions[0]": packed({SPEED_OPTION: 712, LINES_OPTION: 2})})
    assert options_of((await services_of(wire, right))[0]) == {SPEED_OPTION: "10 Gbps", LINES_OPTION: "2"}
    wrong = await place(wire, FIBRE, **{"configoptions[0]": packed({SPEED_OPTION: 999, 12345: 1})})
    assert options_of((await services_of(wire, wrong))[0]) == {SPEED_OPTION: "1 Gbps", LINES_OPTION: "0"}


async def test_a_cycle_that_is_not_offered_becomes_the_products(wire: Wire) -> None:
    added = await place(wire, SIM, ROUTER, **{"billingcycle[0]": "annually", "billingcycle[1]": "onetime"})
    services = await services_of(wire, added)
    assert [s["billingcycle"] for s in services] == ["Monthly", "One Time"]
    assert (services[1]["firstpaymentamount"], services[1]["recurringamount"]) == ("9800.00", "0.00")


async def test_quantity_multiplies_one_service_and_not_an_esim(wire: Wire) -> None:
    added = await place(wire, FIBRE, ESIM, **{"qty[0]": 3, "qty[1]": 3})
    fibre, esim = await services_of(wire, added)
    assert (fibre["qty"], fibre["firstpaymentamount"], fibre["recurringamount"]) == (3, "26334.00", "16434.00")
    assert (esim["qty"], esim["recurringamount"]) == (1, "2455.00")


async def test_price_override_is_what_is_charged(wire: Wire) -> None:
    services = await services_of(wire, await place(wire, FIBRE, **{"priceoverride[0]": "100"}))
    assert (services[0]["firstpaymentamount"], services[0]["recurringamount"]) == ("100.00", "100.00")


async def test_accept_provisions_and_sends_welcome_mails(wire: Wire) -> None:
    added = await place(wire, SIM, ESIM, noemail=1, noinvoiceemail=1)
    await wire.ok("AcceptOrder", orderid=added["orderid"])
    assert (await order_of(wire, added))["status"] == "Active"
    assert [s["status"] for s in await services_of(wire, added)] == ["Active", "Active"]
    assert mails(wire) == ["Product Welcome Email"] * 2
    assert wire.sandbox.world()["counts"]["creates"][f"{CARD}/{ESIM}"] == 1
    assert await wire.refused("AcceptOrder", orderid=added["orderid"]) == NOT_PENDING
    assert await wire.refused("AcceptOrder", orderid=1) == NOT_PENDING


async def test_welcome_mails_follow_sendemail_then_the_install(wire: Wire) -> None:
    for form in ({"sendemail": 0}, {"sendemail": ""}):
        await wire.ok("AcceptOrder", orderid=(await place(wire, SIM, noemail=1, noinvoice=1))["orderid"], **form)
    wire.sandbox.switch(welcome_mails=False)
    await wire.ok("AcceptOrder", orderid=(await place(wire, SIM, noemail=1, noinvoice=1))["orderid"])
    assert mails(wire) == []
    added = await place(wire, SIM, noemail=1, noinvoice=1)
    await wire.ok("AcceptOrder", orderid=added["orderid"], sendemail=1)
    assert mails(wire) == ["Product Welcome Email"]


async def test_a_product_without_a_module_stays_pending_in_an_active_order(wire: Wire) -> None:
    added = await place(wire, SIM, ROUTER)
    await wire.ok("AcceptOrder", orderid=added["orderid"])
    assert (await order_of(wire, added))["status"] == "Active"
    assert [s["status"] for s in await services_of(wire, added)] == ["Active", "Pending"]


@pytest.mark.parametrize(("switches", "form"), [({"without_module": "active"}, {}), ({}, {"autosetup": 1})])
async def test_a_product_without_a_module_may_be_set_active(
    open_wire: Callable[..., Any], switches: Any, form: dict[str, int]
) -> None:
    wire: Wire = await open_wire(Switches(**switches))
    added = await place(wire, ROUTER)
    await wire.ok("AcceptOrder", orderid=added["orderid"], **form)
    assert [s["status"] for s in await services_of(wire, added)] == ["Active"]


async def test_autosetup_off_leaves_services_pending(wire: Wire) -> None:
    added = await place(wire, SIM)
    await wire.ok("AcceptOrder", orderid=added["orderid"], autosetup=0)
    assert [s["status"] for s in await services_of(wire, added)] == ["Pending"]
    assert wire.sandbox.world()["module_runs"] == []


@pytest.mark.parametrize("after", ["active", "pending"])
async def test_a_module_failure_is_the_answer_and_the_rest_stands(open_wire: Callable[..., Any], after: Any) -> None:
    wire: Wire = await open_wire(
        Switches(module_failure=(2,), module_message="No free lines", after_module_failure=after)
    )
    added = await place(wire, SIM, ESIM, SIM)
    assert await wire.refused("AcceptOrder", orderid=added["orderid"]) == "No free lines"
    assert (await order_of(wire, added))["status"] == after.title()
    assert [s["status"] for s in await services_of(wire, added)] == ["Active", "Pending", "Active"]
    wire.sandbox.switch(module_failure=())
    if after == "pending":
        await wire.ok("AcceptOrder", orderid=added["orderid"])
    else:
        await wire.ok("ModuleCreate", serviceid=added["serviceids"].split(",")[1])
    assert [s["status"] for s in await services_of(wire, added)] == ["Active"] * 3
    assert wire.sandbox.world()["counts"]["creates"] == {str(CARD): 3, f"{CARD}/{SIM}": 2, f"{CARD}/{ESIM}": 1}


async def test_cancel_fraud_pending_delete(wire: Wire) -> None:
    added = await place(wire, SIM)
    number = added["orderid"]
    assert "must be in Cancelled or Fraud" in await wire.refused("DeleteOrder", orderid=number)
    await wire.ok("CancelOrder", orderid=number)
    assert (await order_of(wire, added))["status"] == "Cancelled"
    assert [s["status"] for s in await services_of(wire, added)] == ["Cancelled"]
    assert (await wire.ok("GetInvoice", invoiceid=added["invoiceid"]))["status"] == "Unpaid"
    assert await wire.refused("CancelOrder", orderid=number) == NOT_PENDING
    assert await wire.refused("AcceptOrder", orderid=number) == NOT_PENDING
    await wire.ok("PendingOrder", orderid=number)
    assert (await order_of(wire, added))["status"] == "Pending"
    await wire.ok("FraudOrder", orderid=number)
    assert [s["status"] for s in await services_of(wire, added)] == ["Fraud"]
    await wire.ok("DeleteOrder", orderid=number)
    assert (await wire.ok("GetOrders", id=number))["totalresults"] == 0
    assert await wire.refused("GetInvoice", invoiceid=added["invoiceid"]) == "Invoice ID Not Found"
    for action in ("FraudOrder", "PendingOrder"):
        assert await wire.refused(action, orderid=number) == "Order ID Not Found"
    assert await wire.refused("DeleteOrder", orderid=number) == "Order ID not found"


async def test_orders_are_filtered(wire: Wire) -> None:
    added = await place(wire, SIM)
    assert (await wire.ok("GetOrders", userid=CARD))["totalresults"] == 2
    pending = await wire.ok("GetOrders", userid=CARD, status="Pending")
    assert [o["id"] for o in pending["orders"]["order"]] == [added["orderid"]]
    assert (await wire.ok("GetOrders", id=added["orderid"], userid=INVOICE))["totalresults"] == 0
    assert (await wire.ok("GetOrders", userid=777))["totalresults"] == 0
    statuses = (await wire.ok("GetOrderStatuses"))["statuses"]["status"]
    assert {row["title"]: row["count"] for row in statuses} == {"Pending": 1, "Active": 1, "Fraud": 0, "Cancelled": 1}


async def test_past_orders_stand_and_are_not_counted(wire: Wire) -> None:
    world = wire.sandbox.world()
    past = {(o["clientid"], o["status"], tuple(o["pids"])) for o in world["orders"]}
    assert past == {(CARD, "Active", (FIBRE, SIM)), (INVOICE, "Cancelled", (SIM,))}
    assert all(row["past"] for row in (*world["orders"], *world["services"], *world["invoices"]))
    assert {i["status"] for i in world["invoices"]} == {"Paid", "Cancelled"}
    assert set(map(len, world["counts"].values())) == {0}
