"""The verdict must see every kind of double effect; each test here plants one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from integrations.sandbox.census import (
    ACTIVATION_MAIL,
    ORDER_MAIL,
    Bill,
    Census,
    CrmOrder,
    Invoice,
    Letter,
    OwnMail,
    ProfileRow,
    Service,
)
from integrations.sandbox.compare import Verdict, compare
from integrations.sandbox.counts import Acts
from integrations.sandbox.expected import Circumstances, Client, Expectation, Line, PlacedOrder, Trouble, expect
from integrations.sandbox.expected import Stage as Step
from integrations.sandbox.expected import State as End

START = datetime(2026, 4, 1, tzinfo=UTC)
SIM = Line("ESIM-25G", 202, 1, Decimal(2980), "JP-VOICE-25G")
FEE = Line("SIM-ACTIVATION", 204, 1, Decimal(3000))
SEATS = Line("VPN-TEAM", 302, 3, Decimal(48000))
CLIENTS = {
    1001: Client(1001, "taro@example.com", True, ((START, ""),)),
    1002: Client(1002, "hana@example.com", True, ((START, "no_pay_method"),)),
}
DONE = PlacedOrder("801A", "00000101", 1001, (SIM, FEE), "taro@example.com", START.date(), START + timedelta(hours=1))
WAITS = replace(DONE, id="801B", number="00000102", client_id=1002, recipient="hana@example.com")

RIGHT = Census(
    orders=(
        CrmOrder("801A", "Activated", "1201", "7701", ("3401", "3402"), ("8981000000000000001",)),
        CrmOrder("801B", "Provisioning"),
    ),
    bills=(Bill("1201", 1001, "Active"),),
    services=(
        Service("3401", 1001, 202, 1, "Active", Decimal(2980)),
        Service("3402", 1001, 204, 1, "Pending", Decimal(3000)),
    ),
    invoices=(Invoice("7701", 1001, "Unpaid"),),
    profiles=(
        ProfileRow("8981000000000000001", "JP-VOICE-25G", "Released"),
        ProfileRow("8981000000000000002", "JP-VOICE-25G", "Available"),
    ),
    letters=(
        Letter("<1@portal>", "taro@example.com", ORDER_MAIL),
        Letter("<2@portal>", "taro@example.com", ACTIVATION_MAIL),
    ),
    own_mails=(OwnMail(1001, "Invoice Created", "7701"),),
    manual_pids=frozenset({204}),
)


def expectations(*orders: PlacedOrder, **more: object) -> list[Expectation]:
    circumstances = Circumstances(START, START.date(), CLIENTS, {"JP-VOICE-25G": 9})
    return expect(orders or (DONE, WAITS), replace(circumstances, **more))  # type: ignore[arg-type]


def judge(census: Census, *orders: PlacedOrder, states: dict[str, str] | None = None, **more: object) -> Verdict:
    return compare(expectations(*orders, **more), census, CLIENTS, states=states)


def planted(**rows: object) -> Census:
    """The right world with further rows."""
    return replace(RIGHT, **{name: (*getattr(RIGHT, name), row) for name, row in rows.items()})  # type: ignore[arg-type]


def doubles(verdict: Verdict) -> dict[str, int]:
    return {finding.what: finding.count for finding in verdict.duplicates}


def test_a_right_world_is_right() -> None:
    verdict = judge(RIGHT, states={"801A": "done", "801B": "parked"})
    assert verdict.ok, verdict
    assert verdict.as_json()["counts"] == {
        "orders": 2, "wrong": 0, "lost": 0, "duplicates": 0, "missing": 0, "wrong_amounts": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("census", "what"),
    [
        (planted(bills=Bill("1202", 1001, "Pending")), "whmcs_order"),
        (planted(bills=Bill("1202", 1002, "Pending")), "whmcs_order"),
        (planted(bills=Bill("1202", 9999, "Active")), "whmcs_order"),
        (planted(bills=Bill("1202", 1001, "Cancelled")), "whmcs_order_withdrawn"),
        (planted(services=Service("3403", 1001, 202, 1, "Pending", Decimal(0))), "whmcs_service"),
        (planted(services=Service("3403", 1001, 777, 1, "Active", Decimal(0))), "whmcs_service"),
        (planted(invoices=Invoice("7702", 1001, "Unpaid")), "whmcs_invoice"),
        (planted(profiles=ProfileRow("8981000000000000003", "JP-VOICE-25G", "Allocated")), "profile"),
        (planted(profiles=ProfileRow("8981000000000000003", "TRAVEL-10G", "Released")), "profile"),
        (planted(letters=Letter("<3@portal>", "taro@example.com", ORDER_MAIL)), "order_mail"),
        (planted(letters=Letter("<3@portal>", "TARO@example.com", ACTIVATION_MAIL)), "activation_mail"),
        (planted(letters=Letter("<3@portal>", "hana@example.com", ORDER_MAIL)), "order_mail"),
        (planted(letters=Letter("<1@portal>", "taro@example.com", ORDER_MAIL)), "order_mail_copy"),
        (planted(own_mails=OwnMail(1001, "Invoice Created", "7701")), "whmcs_mail"),
        (planted(orders=CrmOrder("801C", "Failed", "1201")), "salesforce_id"),
        (planted(orders=CrmOrder("801C", "Failed", "", "", ("3401",))), "salesforce_id"),
        (planted(orders=CrmOrder("801C", "Failed", "", "", (), ("8981000000000000001",))), "salesforce_id"),
    ],
)
def test_a_planted_double_effect_is_found(census: Census, what: str) -> None:
    verdict = judge(census)
    assert doubles(verdict) == {what: 1}
    assert not verdict.ok and verdict.as_json()["counts"]["duplicates"] == 1


def test_two_identical_orders_may_have_two_of_each_but_not_three() -> None:
    twin = replace(DONE, id="801C", number="00000103", lines=(FEE,))
    other = replace(DONE, id="801D", number="00000104", lines=(FEE,))
    census = replace(
        RIGHT,
        orders=(CrmOrder("801C", "Activated", "1"), CrmOrder("801D", "Activated", "2")),
        bills=tuple(Bill(str(n), 1001, "Active") for n in (1, 2)),
        services=tuple(Service(str(n), 1001, 204, 1, "Active", Decimal(3000)) for n in (1, 2)),
        invoices=tuple(Invoice(str(n), 1001, "Unpaid") for n in (1, 2)),
        profiles=(),
        letters=tuple(Letter(f"<{n}>", "taro@example.com", ORDER_MAIL) for n in (1, 2)),
    )
    assert judge(census, twin, other).ok
    third = replace(census, bills=(*census.bills, Bill("3", 1001, "Pending")))
    assert doubles(judge(third, twin, other)) == {"whmcs_order": 1}


def test_a_second_copy_of_the_activation_mail_is_no_second_mail() -> None:
    again = planted(letters=Letter("<2@portal>", "taro@example.com", ACTIVATION_MAIL))
    assert judge(again).ok


def test_what_a_person_took_back_or_sent_again_is_no_duplicate() -> None:
    census = planted(bills=Bill("1202", 1001, "Cancelled"), letters=Letter("<3>", "taro@example.com", ORDER_MAIL))
    assert not judge(census).ok
    acts = Acts(undone=frozenset({"801A"}), resent=1)
    assert compare(expectations(), census, CLIENTS, acts=acts).ok


def test_a_double_effect_of_an_order_that_failed_for_no_reason_is_still_found() -> None:
    failed = (CrmOrder("801A", "Failed", "1201"), CrmOrder("801B", "Provisioning"))
    census = planted(bills=Bill("1202", 1001, "Pending"))
    verdict = judge(replace(census, orders=failed, letters=()))
    assert doubles(verdict) == {"whmcs_order": 1}
    assert [order.problem for order in verdict.orders] == ["is Failed, should be done", ""]


def test_an_order_short_of_its_end_is_not_missing_what_it_has_not_got_yet() -> None:
    bare = Census(orders=(CrmOrder("801A", "Provisioning"), CrmOrder("801B", "Provisioning")))
    verdict = judge(bare, states={"801A": "running", "801B": "parked"})
    assert (verdict.missing, verdict.lost) == ((), ("801A",))
    assert [order.problem for order in verdict.orders] == ["is Provisioning and running, should be done", ""]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"bills": ()}, {"whmcs_order"}),
        ({"invoices": ()}, {"whmcs_invoice"}),
        ({"services": RIGHT.services[:1]}, {"whmcs_service", "active_service"}),
        ({"profiles": (ProfileRow("8981000000000000001", "JP-VOICE-25G", "Confirmed"),)}, {"released_profile"}),
        ({"profiles": ()}, {"profile", "released_profile"}),
        ({"letters": RIGHT.letters[:1]}, {"activation_mail"}),
        ({"letters": RIGHT.letters[1:]}, {"order_mail"}),
        (
            {"orders": (CrmOrder("801A", "Activated", "", "", (), RIGHT.orders[0].iccids), RIGHT.orders[1])},
            {"whmcs_ids"},
        ),
    ],
)
def test_an_activated_order_must_have_everything(change: dict[str, object], what: set[str]) -> None:
    verdict = judge(replace(RIGHT, **change))  # type: ignore[arg-type]
    assert {finding.what for finding in verdict.missing} == what
    assert not verdict.ok


def test_a_service_that_stayed_pending_is_missing_unless_nobody_sets_it_up() -> None:
    pending = tuple(replace(service, status="Pending") for service in RIGHT.services)
    verdict = judge(replace(RIGHT, services=pending))
    assert [(finding.what, finding.where) for finding in verdict.missing] == [
        ("active_service", "client 1001, product 202")
    ]


def test_an_amount_other_than_the_approved_one_is_wrong() -> None:
    dearer = (replace(RIGHT.services[0], first_amount=Decimal(3080)), RIGHT.services[1])
    verdict = judge(replace(RIGHT, services=dearer))
    assert [(f.where, f.most, f.found) for f in verdict.wrong_amounts] == [("client 1001, product 202", 2980, 3080)]
    assert not verdict.ok and not verdict.duplicates


def test_units_are_counted_not_rows() -> None:
    placed = replace(DONE, lines=(SEATS,))
    census = replace(
        RIGHT, orders=(CrmOrder("801A", "Activated", "1201"),), profiles=(), letters=RIGHT.letters[:1],
        services=(Service("3401", 1001, 302, 3, "Active", Decimal(144000)),),
    )  # fmt: skip
    assert judge(census, placed).ok
    four = replace(census, services=(replace(census.services[0], quantity=4),))
    assert doubles(judge(four, placed)) == {"whmcs_service": 1}


def test_lost_orders() -> None:
    assert judge(RIGHT, states={"801A": "done"}).lost == ("801B",), "the product does not know it"
    assert judge(RIGHT, states={"801A": "done", "801B": "retrying"}).lost == ("801B",)
    gone = replace(RIGHT, orders=RIGHT.orders[:1])
    assert judge(gone).lost == ("801B",)
    untouched = replace(RIGHT, orders=(RIGHT.orders[0], CrmOrder("801B", "Approved")))
    assert judge(untouched).lost == ("801B",)


def test_an_order_cancelled_by_a_person_before_the_product_knew_it_is_not_lost() -> None:
    cancelled = replace(WAITS, cancelled=True)
    census = replace(RIGHT, orders=(RIGHT.orders[0], CrmOrder("801B", "Cancelled")))
    assert judge(census, DONE, cancelled, states={"801A": "done"}).ok


def test_the_products_word_must_fit_the_status() -> None:
    verdict = judge(RIGHT, states={"801A": "done", "801B": "failed"})
    assert [order.problem for order in verdict.orders] == [
        "",
        "is Provisioning and failed, should be parked (no_pay_method)",
    ]


def test_an_order_that_no_one_approved_must_stay_as_it_is() -> None:
    waiting = replace(WAITS, approved_at=None)
    right = replace(RIGHT, orders=(RIGHT.orders[0], CrmOrder("801B", "Pending Review")))
    assert judge(right, DONE, waiting, states={"801A": "done"}).ok
    verdict = judge(RIGHT, DONE, waiting)
    assert "should be waiting (not_approved)" in verdict.orders[1].problem


def test_a_conflict_leaves_one_bill_standing_but_never_two() -> None:
    drift = Trouble("price_drift", End.FAILED, Step.BILLING, 1001, certain=True)
    failed = replace(
        RIGHT, orders=(CrmOrder("801A", "Failed", "1201"), RIGHT.orders[1]), letters=(),
        services=tuple(replace(service, status="Pending") for service in RIGHT.services),
    )  # fmt: skip
    assert judge(failed, troubles=(drift,)).ok
    two = replace(failed, bills=(*failed.bills, Bill("1202", 1001, "Pending")))
    assert doubles(judge(two, troubles=(drift,))) == {"whmcs_order": 1}
    assert not judge(RIGHT, troubles=(drift,)).ok, "it may not be activated at another price"
