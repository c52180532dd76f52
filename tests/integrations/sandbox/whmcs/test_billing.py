"""Invoices and payments (facts/whmcs.md §6.5)."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from integrations.sandbox.whmcs import Switches
from integrations.sandbox.whmcs.periods import later
from tests.integrations.sandbox.whmcs.conftest import CARD, EXPIRED, INVOICE, NONE, SIM, Wire


async def billed(wire: Wire, client: int = CARD) -> int:
    answer = await wire.ok("AddOrder", clientid=client, paymentmethod="stripe", **{"pid[]": SIM})
    return int(answer["invoiceid"])


async def invoice(wire: Wire, number: int) -> Any:
    return await wire.ok("GetInvoice", invoiceid=number)


async def test_an_invoice_is_cancelled(wire: Wire) -> None:
    number = await billed(wire)
    assert (await wire.ok("UpdateInvoice", invoiceid=number, status="Cancelled"))["invoiceid"] == str(number)
    assert (await invoice(wire, number))["status"] == "Cancelled"
    rows = (await wire.ok("GetInvoices", userid=CARD, status="Cancelled"))["invoices"]["invoice"]
    assert [(row["id"], row["date_cancelled"]) for row in rows] == [(number, "2026-01-31 12:00:00")]


async def test_refusals_of_update_invoice(wire: Wire) -> None:
    number = await billed(wire)
    assert await wire.refused("UpdateInvoice", invoiceid=1, status="Cancelled") == "Invoice ID Not Found"
    assert await wire.refused("UpdateInvoice", invoiceid=number, status="Torn") == "Invalid status Torn"
    drafts_only = "Invoice must be in Draft status to be published"
    assert await wire.refused("UpdateInvoice", invoiceid=number, publish=1) == drafts_only
    incomplete = {"itemdescription[15001]": "x", "itemamount[15001]": "1"}
    assert (await wire.refused("UpdateInvoice", invoiceid=number, **incomplete)).startswith("Missing Variables")


async def test_lines_change_on_8_and_on_drafts_only_on_9(wire: Wire) -> None:
    number = await billed(wire)
    line = (await invoice(wire, number))["items"]["item"][0]["id"]
    form: dict[str, Any] = {
        f"itemdescription[{line}]": "SIM", f"itemamount[{line}]": "1000", f"itemtaxed[{line}]": "1",
        "newitemdescription[0]": "Fee", "newitemamount[0]": "55", "newitemtaxed[0]": "0",
    }  # fmt: skip
    wire.sandbox.switch(version="9.0")
    assert "draft" in await wire.refused("UpdateInvoice", invoiceid=number, **form)
    wire.sandbox.switch(version="8.13")
    await wire.ok("UpdateInvoice", invoiceid=number, **form)
    changed = await invoice(wire, number)
    assert (changed["subtotal"], changed["tax"], changed["total"]) == ("1055.00", "100.00", "1155.00")
    await wire.ok("UpdateInvoice", invoiceid=number, **{"deletelineids[]": line})
    assert (await invoice(wire, number))["total"] == "55.00"


async def test_a_draft_is_made_and_published(wire: Wire) -> None:
    lines = {"itemdescription1": "Top-up", "itemamount1": "500", "itemtaxed1": "1", "itemdescription2": "Credit",
             "itemamount2": "-100"}  # fmt: skip
    made = await wire.ok("CreateInvoice", userid=CARD, draft=1, notes="ref 1", **lines)
    assert made["status"] == "Draft"
    drafted = await invoice(wire, made["invoiceid"])
    assert (drafted["status"], drafted["total"], drafted["notes"]) == ("Draft", "450.00", "ref 1")
    await wire.ok("UpdateInvoice", invoiceid=made["invoiceid"], publishandsendemail=1)
    assert (await invoice(wire, made["invoiceid"]))["status"] == "Unpaid"
    assert [mail["template"] for mail in wire.sandbox.world()["mails"]] == ["Invoice Created"]
    assert (await wire.refused("CreateInvoice", userid=CARD, draft=1, sendinvoice=1)).startswith("Cannot create and")
    assert await wire.refused("CreateInvoice", userid=1) == "Client ID Not Found"


async def test_payments_settle_the_balance(wire: Wire) -> None:
    number = await billed(wire, INVOICE)
    await wire.ok("AddInvoicePayment", invoiceid=number, transid="t1", gateway="banktransfer", amount="1000")
    part = await invoice(wire, number)
    assert (part["status"], part["balance"]) == ("Unpaid", "1178.00")
    await wire.ok("AddInvoicePayment", invoiceid=number, transid="t2", gateway="banktransfer")
    paid = await invoice(wire, number)
    assert (paid["status"], paid["balance"], paid["datepaid"]) == ("Paid", "0.00", "2026-01-31 12:00:00")
    assert [row["transid"] for row in paid["transactions"]["transaction"]] == ["t1", "t2"]
    found = await wire.ok("GetTransactions", transid="t2")
    assert [row["amountin"] for row in found["transactions"]["transaction"]] == ["1178.00"]
    await wire.ok("UpdateInvoice", invoiceid=number, status="Cancelled")
    assert "Cancelled" in await wire.refused("AddInvoicePayment", invoiceid=number, transid="t3", gateway="mailin")


@pytest.mark.parametrize(("client", "works"), [(CARD, True), (NONE, False), (EXPIRED, False)])
async def test_a_stored_card_is_charged(wire: Wire, client: int, works: bool) -> None:
    number = await billed(wire, client)
    if works:
        await wire.ok("CapturePayment", invoiceid=number)
        assert (await invoice(wire, number))["status"] == "Paid"
        assert await wire.refused("CapturePayment", invoiceid=number) == "Invoice Not Found or Not Unpaid"
    else:
        assert await wire.refused("CapturePayment", invoiceid=number) == "Payment Attempt Failed"
        wire.sandbox.add_card(client)
        await wire.ok("CapturePayment", invoiceid=number)


async def test_overdue_is_unpaid_after_its_day(wire: Wire) -> None:
    number = await billed(wire)
    assert (await wire.ok("GetInvoices", userid=CARD, status="Overdue"))["totalresults"] == 0
    wire.clock.advance(15 * 86400)
    overdue = await wire.ok("GetInvoices", userid=CARD, status="Overdue")
    assert [row["id"] for row in overdue["invoices"]["invoice"]] == [number]


async def test_a_tax_exempt_client_pays_no_tax(open_wire: Callable[..., Any]) -> None:
    wire: Wire = await open_wire(Switches())
    await wire.ok("UpdateClient", clientid=CARD, taxexempt=1)
    bill = await invoice(wire, await billed(wire))
    assert (bill["tax"], bill["total"], bill["taxrate"]) == ("0.00", "1980.00", "0.000")


async def test_billable_items_want_a_description(wire: Wire) -> None:
    assert await wire.refused("AddBillableItem", clientid=1, description="x", amount=1) == "Client ID not Found"
    assert await wire.refused("AddBillableItem", clientid=CARD, amount=1) == "You must provide a description"
    assert "Invalid Unit" in await wire.refused("AddBillableItem", clientid=CARD, description="x", unit="days")


def test_periods_end_with_the_month() -> None:
    assert later(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert later(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert later(date(2026, 12, 15), 1) == date(2027, 1, 15)
    assert later(date(2026, 1, 31), -12) == date(2025, 1, 31)
