"""The formula subset, and the package's rules read through it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.salesforce.formula import FormulaError, RecordScope, parse
from integrations.salesforce.package import ValidationRule, load_package

BYPASS = frozenset({"Portal_Provisioning_Bypass"})
PERSON: frozenset[str] = frozenset()
RULES: dict[str, ValidationRule] = {rule.name: rule for rule in load_package().validation_rules}
STATUSES = [status.name for status in load_package().order_statuses]
PERSONS_MAY = {
    ("Draft", "Pending Review"),
    ("Draft", "Cancelled"),
    ("Pending Review", "Approved"),
    ("Pending Review", "Rejected"),
    ("Pending Review", "Cancelled"),
    ("Approved", "Rejected"),
    ("Approved", "Cancelled"),
    ("Provisioning", "Cancelled"),
    ("Failed", "Approved"),
    ("Failed", "Cancelled"),
}


def value(text: str, new: dict[str, Any] | None = None, old: dict[str, Any] | None = None) -> Any:
    return parse(text).evaluate(RecordScope(new or {}, old, BYPASS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 = 1.0", True),
        ('"a" & 1 & TRUE', "a1true"),
        ('1 <> 2 && NOT("a" = "b")', True),
        ("1 = 2 || 3 > 2 && 2 >= 2", True),
        ("(1 = 2 || 3 > 2) && 2 < 2", False),
        ('"it\\"s"', 'it"s'),
        ("'x' == \"x\"", True),
        ("AND(TRUE, OR(FALSE, NULL))", False),
        ('BLANKVALUE("", 7)', Decimal(7)),
        ("TEXT(10.50)", "10.5"),
        ("TEXT(100)", "100"),
        ("/* why */ ISBLANK(NULL)", True),
        ('CASESAFEID("801D0000000G0yS")', "801D0000000G0ySIAS"),
        ('CASESAFEID("801D0000000G0ySIAS")', "801D0000000G0ySIAS"),
        ("$Permission.Portal_Provisioning_Bypass", True),
        ("$Permission.Other", False),
    ],
)
def test_values(text: str, expected: Any) -> None:
    assert value(text) == expected


def test_fields_of_the_record_and_of_its_parent() -> None:
    scope = RecordScope({"Quantity": 2.0}, None, parents={"Order": {"Status": "Approved"}})
    assert parse('Quantity = 2 && ISPICKVAL(Order.Status, "Approved")').holds(scope)


def test_changes_are_seen_against_the_old_row() -> None:
    assert value("ISCHANGED(A)", {"A": 1}, {"A": 2}) is True
    assert value("ISCHANGED(A)", {"A": 1}, {"A": 1.0}) is False
    assert value("ISCHANGED(A)", {"A": None}, {"A": ""}) is False
    assert value("ISCHANGED(A)", {"A": 1}) is False, "nothing has changed in a new record"
    assert value("PRIORVALUE(A)", {"A": "new"}, {"A": "old"}) == "old"
    assert value("PRIORVALUE(A)", {"A": "new"}) == "new"
    assert value("ISNEW()", {"A": 1}) is True
    assert value("ISNEW()", {"A": 1}, {}) is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AND(",
        "AND()",
        "AND(TRUE,)",
        "ISCHANGED(1)",
        "ISCHANGED(A, B)",
        "ISPICKVAL(Status, Other)",
        "VLOOKUP(A)",
        "TRUE TRUE",
        '"open',
        "$User.Id",
        "A + 1",
        "#",
    ],
)
def test_what_is_not_supported_is_refused_when_it_is_parsed(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)


def test_text_is_not_a_truth() -> None:
    with pytest.raises(FormulaError, match="true or false"):
        value('AND("yes", TRUE)')


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused_by_name(text: str) -> None:
    try:
        parse(text)
    except FormulaError as error:
        assert str(error)


@given(st.text(alphabet=st.characters(exclude_characters="\\", exclude_categories=["C"]), max_size=30))
def test_any_string_literal_comes_back(text: str) -> None:
    assert value('"' + text.replace('"', '\\"') + '"') == text


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_status_changes_of_persons_and_of_the_integration_user(before: str, after: str) -> None:
    rule = RULES["Portal_Status_Transition"].condition
    new, old = {"Status": after}, {"Status": before}
    assert rule.holds(RecordScope(new, old, PERSON)) == (before != after and (before, after) not in PERSONS_MAY)
    assert not rule.holds(RecordScope(new, old, BYPASS))


@pytest.mark.parametrize("status", STATUSES)
def test_a_new_order_starts_at_the_beginning(status: str) -> None:
    rule = RULES["Portal_New_Order_Status"].condition
    assert rule.holds(RecordScope({"Status": status}, None, PERSON)) == (status not in ("Draft", "Pending Review"))
    assert not rule.holds(RecordScope({"Status": status}, None, BYPASS))


@pytest.mark.parametrize("field", ["AccountId", "Pricebook2Id"])
@pytest.mark.parametrize("after", ["Provisioning", "Cancelled"])
def test_account_and_price_book_are_locked_while_provisioning(field: str, after: str) -> None:
    rule = RULES["Portal_Lock_Order"].condition
    old = {"Status": "Provisioning", "AccountId": "a", "Pricebook2Id": "p"}
    new = {**old, "Status": after, field: "other"}
    assert rule.holds(RecordScope(new, old, PERSON))
    assert not rule.holds(RecordScope(new, old, BYPASS))
    assert not rule.holds(RecordScope({**old, "Status": after}, old, PERSON))
    assert not rule.holds(RecordScope({**new, "Status": "Failed"}, {**old, "Status": "Failed"}, PERSON))


@pytest.mark.parametrize("field", ["Product2Id", "Quantity", "UnitPrice", "Billing_Cycle__c"])
def test_items_are_locked_while_provisioning(field: str) -> None:
    rule = RULES["Portal_Lock_Order_Products"].condition
    old = {"Product2Id": "p", "Quantity": 1, "UnitPrice": 100, "Billing_Cycle__c": "monthly"}
    new = {**old, field: 2}
    busy, failed = {"Order": {"Status": "Provisioning"}}, {"Order": {"Status": "Failed"}}
    assert rule.holds(RecordScope(new, old, PERSON, busy))
    assert rule.holds(RecordScope(new, None, PERSON, busy)), "no item may be added"
    assert not rule.holds(RecordScope(new, old, BYPASS, busy))
    assert not rule.holds(RecordScope(old, old, PERSON, busy))
    assert not rule.holds(RecordScope(new, old, PERSON, failed))


@pytest.mark.parametrize(("attempts", "key"), [(None, "-0"), (0, "-0"), (3.0, "-3")])
def test_the_flows_key_names_the_order_and_its_claims(attempts: float | None, key: str) -> None:
    expressions = dict(load_package().flow.assignments)
    scope = RecordScope({"Id": "801D0000000G0yS", "Attempt_Count__c": attempts})
    assert expressions["IdemKey__c"].evaluate(scope) == "801D0000000G0ySIAS" + key
    assert expressions["OrderId__c"].evaluate(scope) == "801D0000000G0yS"
