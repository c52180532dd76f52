"""Planning and comparing, pure: every problem of an order at once, every difference of a bill by name."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.engine.failures import RunFailed
from console.engine.steps.bill import compare
from console.engine.steps.billing import match_services
from console.engine.steps.plan import Edits, OrderPlan, PlannedItem, build_plan, check_client, client_id_of
from console.settings.model import Settings
from console.settings.whmcs import TaxSettings
from integrations.salesforce.models import Account, Order, OrderBundle, OrderItem
from integrations.whmcs.models import CatalogProduct, ClientDetails, Invoice, Service

SETTINGS = Settings(whmcs={"marker_fields": {201: 1201, 202: 1202}, "customer_number_field_id": 9})  # type: ignore[arg-type]
CLIENT = ClientDetails("1001", "Active", "", "", "", "a@example.jp", "", "japanese", "stripe", "JPY", {9: "C-004417"})
EXCLUSIVE = TaxSettings(rule="exclusive", rate=Decimal("0.10"))


def product(pid: int) -> CatalogProduct:
    return CatalogProduct(pid, 1, "p", "other", "", "recurring", {}, (), ())


def item(number: int = 1, **values: Any) -> OrderItem:
    given = {
        "id": f"8025h000000000{number}AAA", "product_name": f"Product {number}", "quantity": Decimal(1), "unit_price": Decimal(2980),
        "billing_cycle": "Monthly", "whmcs_product_id": 201,
    }  # fmt: skip
    return OrderItem.model_construct(
        **{**OrderItem.model_construct(id="x", quantity=Decimal(1)).__dict__, **given, **values}
    )


def bundle(*items: OrderItem, number: str | None = "C-004417", client: str | None = "1001") -> OrderBundle:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    order = Order.model_construct(
        id="801", number="101", status="Approved", last_modified_at=moment, system_modstamp=""
    )
    account = Account.model_construct(id="001", name="A", number=number, whmcs_client_id=client, phone=None)
    return OrderBundle.model_construct(order=order, items=items, account=account, journal=None)


def plan(*items: OrderItem, settings: Settings = SETTINGS, edits: dict[str, dict[str, str]] | None = None) -> OrderPlan:
    catalog = {201: product(201), 202: product(202)}
    return build_plan(bundle(*items), CLIENT, catalog, settings, Edits(edits or {}))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RunFailed) as failure:
        plan(
            item(1, whmcs_product_id=None),
            item(2, whmcs_product_id=999, quantity=Decimal("1.5")),
            item(3, unit_price=None, billing_cycle="fortnightly"),
            item(4, config_options_error="not JSON"),
            item(5, sim_form="eSIM", quantity=Decimal(2), esim_eid="123"),
        )
    said = failure.value.message
    for words in ("WHMCS_Product_Id__c", "no product 999", "1.5", "unit price", "fortnightly", "not JSON", "quantity 1",
                  "ESIM_Profile_Type__c", "not an EID"):  # fmt: skip
        assert words in said, said
    assert failure.value.error_class == "data"


def test_an_order_without_products_is_refused() -> None:
    with pytest.raises(RunFailed, match="no products"):
        plan()


def test_a_product_without_a_marker_field_is_a_setting_unless_notes_were_proved() -> None:
    bare = Settings(whmcs={"marker_fields": {}})  # type: ignore[arg-type]
    with pytest.raises(RunFailed, match="201") as failure:
        plan(item(), settings=bare)
    assert failure.value.error_class == "config"
    proved = Settings(whmcs={"notes_proved": True})  # type: ignore[arg-type]
    assert plan(item(), settings=proved).items[0].marker_field is None


def test_an_edit_of_a_person_counts() -> None:
    esim = item(1, sim_form="eSIM", profile_type="OLD")
    planned = plan(esim, edits={esim.id: {"profile_type": "NEW"}})
    assert planned.items[0].profile_type == "NEW"


@pytest.mark.parametrize("spelling", ["One Time", "one-time", "onetime", "ONETIME"])
def test_cycles_have_one_spelling(spelling: str) -> None:
    assert plan(item(billing_cycle=spelling)).items[0].cycle == "onetime"


@pytest.mark.parametrize(
    ("there", "fits"),
    [("C-004417", True), (" c-004417 ", True), ("Ｃ－００４４１７", True), ("C-004418", False), ("", False)],
)
def test_a_client_is_matched_by_the_customer_number_alone(there: str, fits: bool) -> None:
    client = replace(CLIENT, custom_fields={9: there})
    if fits:
        check_client(bundle(), client, SETTINGS)
    else:
        with pytest.raises(RunFailed, match="Customer Number"):
            check_client(bundle(), client, SETTINGS)


def test_a_closed_client_gets_nothing() -> None:
    with pytest.raises(RunFailed, match="Closed"):
        check_client(bundle(), replace(CLIENT, status="Closed"), SETTINGS)


@pytest.mark.parametrize("client", [None, "", "abc", "１００１", "-5"])
def test_a_client_id_is_a_number(client: str | None) -> None:
    with pytest.raises(RunFailed, match="WHMCS_Client_ID__c"):
        client_id_of(bundle(client=client))


# The bill -----------------------------------------------------------------------------------------------------------------


def service(number: str = "s1", **values: Any) -> Service:
    known = Service(
        number, "55", "1001", 201, "p", "Pending", 1, Decimal(2980), Decimal(2980), "monthly", "", {}, {}, {}, ""
    )
    return replace(known, **values)


def invoice(total: str, **values: Any) -> Invoice:
    known = Invoice("9", "1001", "Unpaid", Decimal(total), Decimal(0), Decimal(0), Decimal(total), Decimal(total), ())
    return replace(known, **values)


def differences(
    billed: Service | None, bill: Invoice | None = None, tax: TaxSettings = EXCLUSIVE, **values: Any
) -> list[str]:
    planned = plan(item(**values))
    services = {planned.items[0].id: billed} if billed is not None else {}
    return [d.field for d in compare(planned, services, bill or invoice("3278"), tax)]


def test_an_equal_bill_has_no_difference() -> None:
    assert differences(service()) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pid": 202}, "product"), ({"quantity": 2}, "quantity"), ({"cycle": "annually"}, "cycle"),
        ({"first_amount": Decimal(2981)}, "first amount"), ({"recurring_amount": Decimal(0)}, "recurring amount"),
    ],
)  # fmt: skip
def test_each_difference_is_named(change: dict[str, Any], field: str) -> None:
    assert differences(service(**change)) == [field]


def test_a_missing_service_is_a_difference() -> None:
    assert differences(None) == ["service"]


def test_what_costs_once_may_not_recur_at_another_price() -> None:
    once: dict[str, Any] = {"billing_cycle": "One Time"}
    assert differences(service(cycle="onetime", recurring_amount=Decimal(0)), **once) == []
    assert differences(service(cycle="onetime"), **once) == []
    assert differences(service(cycle="onetime", recurring_amount=Decimal(10)), **once) == ["recurring amount"]


def test_the_invoice_has_the_approved_sum_with_tax() -> None:
    assert differences(service(), invoice("2980")) == ["total"]
    assert differences(service(), invoice("3000", credit=Decimal(278))) == []
    none = TaxSettings(rule="none", rate=Decimal("0.10"))
    assert differences(service(), invoice("2980"), none) == []
    inclusive = TaxSettings(rule="inclusive", rate=Decimal("0.10"))
    taxed = service(first_amount=Decimal(3278), recurring_amount=Decimal(3278))
    assert differences(taxed, invoice("3278"), inclusive) == []


@pytest.mark.parametrize("quantities", [(1, 1, 1), (3,)], ids=["three lines", "three pieces"])
def test_tax_may_be_rounded_once_or_for_each_line_or_piece(quantities: tuple[int, ...]) -> None:
    """10 % of 1,005 yen three times over: 301.5, 3 × 100 or 3 × 101; no other sum is right."""
    price = Decimal(1005)
    planned = plan(*(item(n, unit_price=price, quantity=Decimal(q)) for n, q in enumerate(quantities, 1)))
    billed = {
        i.id: service(quantity=i.quantity, first_amount=price * i.quantity, recurring_amount=price * i.quantity)
        for i in planned.items
    }
    right = [n for n in range(3010, 3325) if not compare(planned, billed, invoice(str(n)), EXCLUSIVE)]
    assert right == [3315, 3316, 3317, 3318]


def test_only_what_costs_nothing_has_no_invoice() -> None:
    planned = plan(item())
    found = compare(planned, {planned.items[0].id: service()}, None, EXCLUSIVE)
    assert [(d.field, d.billed) for d in found] == [("total", "no invoice")]
    free = plan(item(unit_price=Decimal(0), billing_cycle="free"))
    nothing = service(first_amount=Decimal(0), recurring_amount=Decimal(0), cycle="free")
    assert compare(free, {free.items[0].id: nothing}, None, EXCLUSIVE) == []


# Services by marker, never by position ---------------------------------------------------------------------------------------


def matched(planned: OrderPlan, *services: Service) -> tuple[dict[str, str], list[int]]:
    def marker(one: PlannedItem) -> str:
        return f"p1:o:{one.id}"

    context = cast("Any", SimpleNamespace(plan=planned, item_marker=marker))
    found, unmarked = match_services(context, services)
    return {key: value.id for key, value in found.items()}, unmarked


@pytest.mark.parametrize("turned", [False, True])
def test_markers_decide_whatever_the_order_of_the_list(turned: bool) -> None:
    planned = plan(item(1), item(2))
    one, two = (i.id for i in planned.items)
    services = [service("a", custom_fields={1201: f"p1:o:{two}"}), service("b", notes=f"p1:o:{one}")]
    assert matched(planned, *(services[::-1] if turned else services)) == ({one: "b", two: "a"}, [])


def test_without_a_marker_only_what_leaves_no_choice_is_matched() -> None:
    planned = plan(item(1), item(2, whmcs_product_id=202))
    one, two = (i.id for i in planned.items)
    assert matched(planned, service("a"), service("b", pid=202)) == ({one: "a", two: "b"}, [201, 202])


def test_two_profiles_without_markers_are_not_guessed() -> None:
    esims = [item(n, sim_form="eSIM", profile_type="T") for n in (1, 2)]
    assert matched(plan(*esims), service("a"), service("b")) == ({}, [201])


def test_a_marker_that_stands_twice_matches_nothing() -> None:
    planned = plan(item(1, sim_form="eSIM", profile_type="T"))
    same = {1201: f"p1:o:{planned.items[0].id}"}
    assert matched(planned, service("a", custom_fields=same), service("b", custom_fields=same))[0] == {}
