from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from integrations.sandbox.expected import (
    Circumstances,
    Client,
    Effects,
    Line,
    Outcome,
    PlacedOrder,
    Span,
    Stage,
    State,
    Trouble,
    expect,
)

START = datetime(2026, 4, 1, tzinfo=UTC)
NOON = START + timedelta(hours=12)
SIM = Line("ESIM-25G", 202, 1, Decimal(2980), "JP-VOICE-25G", options_matter=True)
VPN = Line("VPN-BASIC", 301, 2, Decimal(980))


def order(number: str, client: int = 1001, *lines: Line, **more: object) -> PlacedOrder:
    placed = PlacedOrder(f"801{number}", number, client, lines or (VPN,), "a@example.com", START.date(), NOON)
    return replace(placed, **more)  # type: ignore[arg-type]


def client(number: int = 1001, *payable: tuple[datetime, str], **more: object) -> Client:
    found = Client(number, "a@example.com", True, payable or ((START, ""),))
    return replace(found, **more)  # type: ignore[arg-type]


def world(*clients: Client, **more: object) -> Circumstances:
    found = Circumstances(START, START.date(), {c.id: c for c in clients or (client(),)}, {"JP-VOICE-25G": 5})
    return replace(found, **more)  # type: ignore[arg-type]


def ends(placed: PlacedOrder, circumstances: Circumstances) -> list[tuple[State, str]]:
    (found,) = expect([placed], circumstances)
    return [(outcome.state, outcome.reason) for outcome in found.outcomes]


def test_an_approved_order_of_a_customer_who_can_pay_is_done_and_nothing_else() -> None:
    assert ends(order("1"), world()) == [(State.DONE, "")]


def test_a_done_order_has_one_of_each() -> None:
    (found,) = expect([order("1", 1001, SIM, SIM, VPN)], world())
    assert found.effects() == Effects(Span(1, 1), {"JP-VOICE-25G": Span(2, 2)}, Span(1, 1), Span(1, 1))
    (found,) = expect([order("1", 1001, VPN)], world())
    assert found.effects() == Effects(Span(1, 1), {}, Span(1, 1), Span(0, 0))


def test_without_approval_nothing_may_stand() -> None:
    (found,) = expect([order("1", 1001, SIM, approved_at=None)], world())
    assert [outcome.state for outcome in found.outcomes] == [State.WAITING]
    assert found.effects() == Effects()


def test_an_order_approved_before_the_start_is_held_until_a_person_starts_it() -> None:
    old = order("1", approved_at=START - timedelta(days=3))
    assert ends(old, world()) == [(State.HELD, "before_start")]
    assert ends(old, world(started=frozenset({old.id}))) == [(State.DONE, "")]


def test_four_eyes() -> None:
    assert ends(order("1", approved_by_placer=True), world()) == [(State.HELD, "approved_by_placer")]


@pytest.mark.parametrize(
    ("placed", "billing", "reason"),
    [
        (order("1", 1001, replace(SIM, quantity=2)), client(), "esim_quantity"),
        (order("1", 1001, replace(VPN, whmcs_pid=0)), client(), "not_mapped"),
        (order("1", 1001, replace(VPN, options_readable=False)), client(), "options_unreadable"),
        (order("1", recipient="b@example.com"), client(), "recipient_differs"),
        (order("1"), client(active=False), "client_closed"),
        (order("1", 7), client(), "no_billing_client"),
    ],
)
def test_wrong_data_fails_before_anything_is_made(placed: PlacedOrder, billing: Client, reason: str) -> None:
    (found,) = expect([placed], world(billing))
    assert found.outcomes == (Outcome(State.FAILED, reason, Stage.LOAD),)
    assert found.effects().billed == Span(0, 0)


def test_the_recipient_is_compared_without_regard_to_case() -> None:
    assert ends(order("1", recipient="A@Example.com"), world()) == [(State.DONE, "")]


def test_a_date_to_come_parks() -> None:
    assert ends(order("1", effective=date(2026, 4, 2)), world()) == [(State.PARKED, "starts_later")]
    assert ends(order("1", effective=date(2026, 4, 1)), world()) == [(State.DONE, "")]


def test_who_cannot_pay_waits_and_nothing_is_made() -> None:
    (found,) = expect([order("1", 1001, SIM)], world(client(1001, (START, "card_expired"))))
    assert found.outcomes == (Outcome(State.PARKED, "card_expired", Stage.PAYMENT),)
    assert found.effects() == Effects()


def test_who_can_pay_later_is_done_and_who_no_longer_can_may_be() -> None:
    hour = timedelta(hours=1)
    mended = client(1001, (START, "no_pay_method"), (NOON + hour, ""))
    assert ends(order("1"), world(mended)) == [(State.DONE, "")]
    removed = client(1001, (START, ""), (NOON + hour, "no_pay_method"))
    assert ends(order("1"), world(removed)) == [(State.PARKED, "no_pay_method"), (State.DONE, "")]
    before = client(1001, (START, ""), (NOON - hour, "no_pay_method"))
    assert ends(order("1"), world(before)) == [(State.PARKED, "no_pay_method")]


def test_too_few_profiles_may_park_any_order_that_needs_one() -> None:
    placed = [order(str(n), 1001, SIM) for n in range(6)] + [order("9")]
    found = expect(placed, world())
    assert {outcome.reason for e in found[:6] for outcome in e.outcomes} == {"", "pool_empty"}
    assert found[6].outcomes == (Outcome(State.DONE),)
    refilled = expect(placed, world(stock={"JP-VOICE-25G": 6}))
    assert all(e.outcomes == (Outcome(State.DONE),) for e in refilled)


def test_orders_that_never_reach_the_pool_take_nothing_from_it() -> None:
    broke = client(1002, (START, "no_pay_method"))
    placed = [order("0", 1001, *[SIM] * 5), *(order(str(n), 1002, SIM) for n in range(1, 4))]
    assert expect(placed, world(client(), broke))[0].outcomes == (Outcome(State.DONE),)


def test_a_conflict_that_struck_the_only_order_of_a_client_must_fail_it() -> None:
    drift = Trouble("price_drift", State.FAILED, Stage.BILLING, 1001, certain=True)
    other = order("2", 1002)
    clients = (client(), client(1002))
    first, second = expect([order("1"), other], world(*clients, troubles=(drift,)))
    assert first.outcomes == (Outcome(State.FAILED, "price_drift", Stage.BILLING),)
    assert first.effects().billed == Span(0, 1)
    assert second.outcomes == (Outcome(State.DONE),)


def test_a_conflict_among_several_orders_of_a_client_may_have_failed_any() -> None:
    drift = Trouble("price_drift", State.FAILED, Stage.BILLING, 1001, certain=True)
    for found in expect([order("1"), order("2")], world(troubles=(drift,))):
        assert [outcome.state for outcome in found.outcomes] == [State.DONE, State.FAILED]


def test_a_mended_conflict_may_be_done() -> None:
    broken = Trouble("module_failure", State.FAILED, Stage.ACCEPT, 1001, certain=True)
    placed = order("1")
    mended = world(troubles=(broken,), mended=frozenset({placed.id}))
    assert ends(placed, mended) == [(State.DONE, ""), (State.FAILED, "module_failure")]


def test_an_ignored_option_concerns_only_orders_whose_options_matter() -> None:
    ignored = Trouble("ignored_option", State.FAILED, Stage.BILLING, 1001, certain=True)
    plain, chosen = expect([order("1", 1001, VPN), order("2", 1001, SIM)], world(troubles=(ignored,)))
    assert plain.outcomes == (Outcome(State.DONE),)
    assert chosen.outcomes == (Outcome(State.FAILED, "ignored_option", Stage.BILLING),)


def test_an_esim_trouble_concerns_only_orders_with_profiles() -> None:
    refused = Trouble("refuse", State.FAILED, Stage.CRM, only_esim=True)
    plain, esim = expect([order("1", 1001, VPN), order("2", 1001, SIM)], world(troubles=(refused,)))
    assert plain.outcomes == (Outcome(State.DONE),)
    assert [outcome.state for outcome in esim.outcomes] == [State.DONE, State.FAILED]


def test_a_trouble_of_one_order_leaves_the_others_alone() -> None:
    first, second = order("1"), order("2")
    trouble = Trouble("many_faults", State.PARKED, Stage.CRM, order_id=first.id)
    hurt, whole = expect([first, second], world(troubles=(trouble,)))
    assert [outcome.state for outcome in hurt.outcomes] == [State.DONE, State.PARKED]
    assert whole.outcomes == (Outcome(State.DONE),)


def test_what_a_person_cancelled_is_cancelled_or_failed_over_what_stands() -> None:
    (found,) = expect([order("1", 1001, SIM, cancelled=True)], world())
    assert [outcome.state for outcome in found.outcomes] == [State.CANCELLED, State.FAILED]
    assert found.effects() == Effects(Span(0, 1), {"JP-VOICE-25G": Span(0, 1)})
    (waiting,) = expect([order("1", cancelled=True)], world(client(1001, (START, "no_pay_method"))))
    assert waiting.effects() == Effects(), "it never came to billing"


def test_a_fault_on_mails_leaves_open_whether_they_came() -> None:
    (found,) = expect([order("1", 1001, SIM)], world(mail_troubles=1))
    assert (found.effects().order_mails, found.effects().activation_mails) == (Span(0, 1), Span(0, 1))


def test_each_state_goes_with_its_status() -> None:
    assert Outcome(State.DONE).statuses() == {"Activated"}
    assert Outcome(State.PARKED, "no_pay_method", Stage.PAYMENT).statuses() == {"Provisioning"}
    assert Outcome(State.FAILED, "price_drift", Stage.BILLING).statuses() == {"Failed"}
    assert Outcome(State.HELD).statuses() == {"Approved"}
    assert "Cancelled" in Outcome(State.FAILED, "cancelled_by_person").statuses()
