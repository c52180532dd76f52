from dataclasses import asdict

from integrations.sandbox.expected import Stage, State, Trouble
from integrations.sandbox.faults import Fault, Hit
from integrations.sandbox.troubles import mail_troubles, troubles
from integrations.sandbox.whmcs import Switches

PLAIN = asdict(Switches())


def hit(kind: str, operation: str = "AddOrder", system: str = "whmcs", **facts: str) -> Hit:
    return Hit(1, system, operation, kind, facts, "2026-04-01T00:00:00+00:00")


def test_what_the_product_must_live_through_is_no_trouble() -> None:
    kinds = ("timeout_before", "timeout_after", "late_effect", "http_500", "http_503", "html", "reset", "truncate")
    operations = ("AddOrder", "AcceptOrder", "GetOrders", "GetInvoice")
    assert (
        troubles([hit(kind, operation) for kind, operation in zip(kinds, operations * 2, strict=True)], [], [PLAIN])
        == []
    )


def test_a_changed_bill_ends_an_order_of_that_client() -> None:
    assert troubles([hit("price_drift", clientid="1001")], [], [PLAIN]) == [
        Trouble("price_drift", State.FAILED, Stage.BILLING, 1001, certain=True)
    ]
    (found,) = troubles([hit("module_fails", "AcceptOrder", clientid="1001")], [], [PLAIN])
    assert (found.stage, found.client_id, found.certain) == (Stage.ACCEPT, 1001, False)


def test_a_refusal_may_fail_or_park() -> None:
    found = troubles([hit("role_denied", "GetPayMethods", clientid="1001")], [], [PLAIN])
    assert {trouble.state for trouble in found} == {State.FAILED, State.PARKED}
    assert not any(trouble.certain for trouble in found)


def test_a_refusal_of_the_esim_provider_concerns_orders_with_profiles_only() -> None:
    assert {trouble.only_esim for trouble in troubles([hit("refuse", "confirmOrder", "esim")], [], [PLAIN])} == {True}


def test_where_salesforce_refuses_an_order_may_stay_unclaimed() -> None:
    found = troubles([hit("limit_daily", "query", "salesforce")], [], [PLAIN])
    assert (State.PARKED, Stage.LOAD) in {(trouble.state, trouble.stage) for trouble in found}
    assert troubles([hit("http_403")], [], [PLAIN]) == [], "a proxy's page refuses nothing"


def test_a_fault_that_is_not_used_up_may_still_keep_any_order() -> None:
    waiting = Fault(1, "esim", "downloadOrder", "pool_empty", count=3, used=2)
    found = troubles([], [waiting], [PLAIN])
    assert {(trouble.state, trouble.client_id) for trouble in found} == {(State.FAILED, None), (State.PARKED, None)}
    assert troubles([], [Fault(1, "esim", "downloadOrder", "pool_empty", count=3, used=3)], [PLAIN]) == []


def test_many_failures_of_one_call_may_use_up_its_tries() -> None:
    struck = [hit("http_503", clientid="1001")] * 4
    assert troubles(struck[:3], [], [PLAIN]) == []
    found = troubles(struck, [], [PLAIN])
    assert {(trouble.reason, trouble.client_id) for trouble in found} == {("many_faults", 1001)}
    spread = [hit("http_503", clientid=str(number)) for number in range(9)]
    assert troubles(spread, [], [PLAIN]) == [], "each of them had its other tries"
    assert troubles([hit("http_503", "query", "salesforce")] * 9, [], [PLAIN]) == [], "a poll ends no order"


def test_what_struck_one_order_in_salesforce_excuses_that_one() -> None:
    struck = [hit("html", "order.patch", "salesforce", order="801A")] * 4
    assert {trouble.order_id for trouble in troubles(struck, [], [PLAIN])} == {"801A"}
    limit = [hit("limit_daily", "order.patch", "salesforce", order="801A")]
    assert {trouble.order_id for trouble in troubles(limit, [], [PLAIN])} == {None}


def test_an_unknown_outcome_waits_for_a_person_where_no_marker_survives() -> None:
    unmarked = asdict(Switches(marker_field="missing"))
    struck = [hit("timeout_after", clientid="1001")]
    assert troubles(struck, [], [PLAIN]) == []
    assert troubles(struck, [], [PLAIN, unmarked]) == [Trouble("unmarked", State.PARKED, Stage.BILLING, 1001)]
    assert troubles([hit("timeout_after", "GetOrders")], [], [unmarked]) == []


def test_switches_that_bend_the_bill_are_troubles_for_everybody() -> None:
    bent = asdict(Switches(price_drift=10, ignore_option=True, module_failure=(1,), denied=frozenset({"AddOrder"})))
    reasons = {trouble.reason for trouble in troubles([], [], [bent])}
    assert reasons == {"price_drift", "ignored_option", "module_fails", "role_denied"}


def test_mail_is_counted_apart() -> None:
    struck = [hit("timeout_after", "message", "mail"), hit("http_403", "rcpt", "mail")]
    assert mail_troubles(struck) == 2
    assert troubles(struck, [Fault(1, "mail", "*", "reset")], [PLAIN]) == []
