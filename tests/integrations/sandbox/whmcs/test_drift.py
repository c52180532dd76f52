"""How the same answer differs from install to install (facts/whmcs.md §5, §9)."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from integrations.sandbox.whmcs import Switches
from integrations.sandbox.whmcs.switches import Types
from tests.integrations.sandbox.whmcs.conftest import CARD, FIBRE, INVOICE, NONE, Wire


def numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [n for item in value.values() for n in numbers(item)]
    if isinstance(value, list):
        return [n for item in value for n in numbers(item)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


async def test_string_types_leave_no_number_and_int_types_do(open_wire: Callable[..., Any]) -> None:
    installs: list[tuple[Types, bool]] = [("string", False), ("int", True)]
    for types, found in installs:
        wire: Wire = await open_wire(Switches(types=types))
        added = await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **{"pid[]": FIBRE})
        for answer in (
            added,
            await wire.ok("GetOrders", userid=CARD),
            await wire.ok("GetClientsProducts", clientid=CARD),
            await wire.ok("GetInvoice", invoiceid=added["invoiceid"]),
        ):
            assert bool(numbers(answer)) is found


async def test_booleans_and_echoes_keep_their_type(wire: Wire) -> None:
    details = (await wire.ok("GetClientsDetails", clientid=CARD))["client"]
    assert details["email_verified"] is True
    assert (await wire.ok("GetPayMethods", clientid=CARD))["clientid"] == str(CARD)
    listed = await wire.ok("GetClientsProducts", clientid=CARD)
    assert (listed["clientid"], listed["serviceid"]) == (str(CARD), None)


@pytest.mark.parametrize(
    ("shape", "wanted"), [("nested", {"order": []}), ("string", ""), ("list", []), ("object", {}), ("null", None)]
)
async def test_empty_lists_come_in_many_shapes(open_wire: Callable[..., Any], shape: Any, wanted: Any) -> None:
    wire: Wire = await open_wire(Switches(empty_lists=shape))
    answer = await wire.ok("GetOrders", userid=NONE)
    assert (answer["totalresults"], answer["numreturned"], answer["orders"]) == (0, 0, wanted)


async def test_an_empty_list_may_be_absent_or_mixed(open_wire: Callable[..., Any]) -> None:
    absent: Wire = await open_wire(Switches(empty_lists="absent"))
    assert "orders" not in await absent.ok("GetOrders", userid=NONE)
    mixed: Wire = await open_wire(Switches(empty_lists="mixed"))
    shapes = {json.dumps((await mixed.ok("GetOrders", userid=NONE))["orders"]) for _ in range(40)}
    assert shapes == {'{"order": []}', '""', "[]", "{}", "null"}


async def test_lists_may_be_single_objects_or_numeric_keys(wire: Wire) -> None:
    wire.sandbox.switch(list_shape="single_object")
    assert (await wire.ok("GetOrders", userid=CARD))["orders"]["order"]["userid"] == CARD
    assert isinstance((await wire.ok("GetProducts"))["products"]["product"], list)
    wire.sandbox.switch(list_shape="numeric_keys")
    assert list((await wire.ok("GetProducts"))["products"]["product"]) == ["0", "1", "2", "3"]


async def test_pay_methods_have_no_envelope(wire: Wire) -> None:
    assert (await wire.ok("GetPayMethods", clientid=NONE))["paymethods"] == []


async def test_entities(wire: Wire) -> None:
    plain = (await wire.ok("GetClientsDetails", clientid=INVOICE))["client"]
    assert plain["companyname"] == "O'Neill & Söhne"
    wire.sandbox.switch(entities=True)
    encoded = (await wire.ok("GetClientsDetails", clientid=INVOICE))["client"]
    assert encoded["companyname"] == "O&#039;Neill &amp; Söhne"
    assert encoded["lastlogin"].count("<br>") == 2


async def test_raw_json_is_ascii_and_escapes_slashes(wire: Wire) -> None:
    body = urlencode({"action": "GetProducts", **wire.credentials()})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with wire.session.post(wire.endpoint["url"], data=body, headers=headers) as answer:
        raw = await answer.read()
        assert answer.headers["Content-Type"].startswith("application/json")
    assert b"http:\\/\\/127.0.0.1" in raw
    assert b"\\u00a5" in raw
    assert b"//" not in raw


async def test_status_stands_for_result(wire: Wire) -> None:
    made = await wire.ok("AddBillableItem", clientid=CARD, description="x", amount="100", unit="quantity")
    assert set(made) == {"status", "billableid"}
    wire.sandbox.switch(status_key=frozenset({"GetOrders"}))
    assert "result" not in await wire.ok("GetOrders")


async def test_unset_dates_are_zeros(wire: Wire) -> None:
    invoices = (await wire.ok("GetInvoices", userid=INVOICE))["invoices"]["invoice"]
    assert invoices[0]["datepaid"] == "0000-00-00 00:00:00"


async def test_line_items_may_carry_the_currency(wire: Wire) -> None:
    wire.sandbox.switch(lineitem_currency=True)
    lines = (await wire.ok("GetOrders", userid=CARD))["orders"]["order"][0]["lineitems"]["lineitem"]
    assert lines[0]["amount"] == "¥8778.00 JPY"


async def test_a_wrong_switch_changes_nothing(wire: Wire) -> None:
    for wrong in ({"types": "float"}, {"unknown_action_status": 42}, {"colour": "red"}):
        with pytest.raises((ValidationError, TypeError)):
            wire.sandbox.switch(**wrong)
    assert wire.sandbox.switches == Switches()


def test_switches_refuse_what_does_not_exist() -> None:
    with pytest.raises(ValidationError):
        Switches(types="float")  # type: ignore[arg-type]
    with pytest.raises((ValidationError, TypeError)):
        Switches(colour="red")  # type: ignore[call-arg]


def test_a_seed_always_gives_the_same_install_and_keeps_a_marker() -> None:
    drawn = [Switches.for_seed(seed) for seed in range(200)]
    assert drawn == [Switches.for_seed(seed) for seed in range(200)]
    assert {s.types for s in drawn} == {"int", "string"}
    assert {s.honour_order_notes for s in drawn} == {"order", "service", "both", "no"}
    assert {s.marker_field for s in drawn} == {"present", "missing", "truncated"}
    assert all(s.marker_field == "present" for s in drawn if s.honour_order_notes == "no")
    assert all(not s.module_failure and not s.price_drift and not s.ignore_option for s in drawn)
