"""The state machine and the repeat table (facts/esim.md §1.3, §1.6, §1.7), function by function."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.sandbox.esim.smdp import Malformed, Refused, Smdp, State
from integrations.sandbox.store import Store
from integrations.sandbox.world import Profile

FIRST, SECOND, OTHER = "8981990402600000312", "8981990402600000320", "8981990402600000338"
EID = "89999031415926535897932384626466"
OTHER_EID = "89999027182818284590452353602823"


@pytest.fixture
def smdp() -> Smdp:
    made = Smdp(Store(), lambda: datetime(2027, 1, 18, tzinfo=UTC))
    made.stock([Profile(FIRST, "DATA"), Profile(SECOND, "DATA"), Profile(OTHER, "VOICE")])
    return made


def refused(call: Callable[[dict[str, Any]], object], **request: Any) -> str:
    with pytest.raises(Refused) as caught:
        call(request)
    return f"{caught.value.subject}/{caught.value.reason}"


def state(smdp: Smdp, iccid: str = FIRST) -> str:
    profile = smdp.profile(iccid)
    assert profile
    return str(profile["state"])


def put(smdp: Smdp, where: State, eid: str | None = None) -> None:
    """Bring the first profile into a state."""
    if where is State.AVAILABLE:
        return
    smdp.download_order({"iccid": FIRST} | ({"eid": eid} if eid else {}))
    if where in (State.ALLOCATED, State.LINKED):
        return
    smdp.confirm_order({"iccid": FIRST, "matchingId": "M1", "releaseFlag": where is not State.CONFIRMED})
    if where not in (State.CONFIRMED, State.RELEASED):
        smdp.change(FIRST, state=where)


def test_stock_is_filled_once(smdp: Smdp) -> None:
    smdp.download_order({"iccid": FIRST})
    smdp.stock([Profile(FIRST, "DATA"), Profile("8981990402600000346", "DATA")])
    assert state(smdp) == "Allocated"
    assert len(smdp.profiles()) == 4


@pytest.mark.parametrize("where", [each for each in State if each not in (State.AVAILABLE, State.LINKED)])
def test_download_of_what_is_not_available(smdp: Smdp, where: State) -> None:
    put(smdp, where)
    assert refused(smdp.download_order, iccid=FIRST) == "8.2.1/3.3"


def test_download_pairs(smdp: Smdp) -> None:
    assert refused(smdp.download_order) == "2.1/2.2"
    assert refused(smdp.download_order, iccid="8900000000000000001") == "8.2.1/3.9"
    assert refused(smdp.download_order, profileType="NONE") == "8.2.5/3.9"
    assert refused(smdp.download_order, iccid=FIRST, profileType="VOICE") == "8.2.5/3.8"
    assert refused(smdp.download_order, iccid=FIRST, profileType="NONE") == "8.2.5/3.9"
    smdp.download_order({"profileType": "VOICE"})
    assert refused(smdp.download_order, profileType="VOICE") == "8.2.5/3.7"


def test_linked_with_an_eid_allocated_without(smdp: Smdp) -> None:
    smdp.download_order({"iccid": FIRST, "eid": EID})
    smdp.download_order({"iccid": SECOND + "F"})
    assert (state(smdp), state(smdp, SECOND)) == ("Linked", "Allocated")


@pytest.mark.parametrize(
    "request_", [{"iccid": ""}, {"iccid": "12"}, {"iccid": 1}, {"iccid": FIRST, "eid": "1"}, {"profileType": 5}]
)
def test_what_the_decoder_rejects(smdp: Smdp, request_: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        smdp.download_order(request_)


@pytest.mark.parametrize("flag", [None, "true", 1])
def test_release_flag_is_mandatory(smdp: Smdp, flag: Any) -> None:
    put(smdp, State.ALLOCATED)
    with pytest.raises(Malformed):
        smdp.confirm_order({"iccid": FIRST, "releaseFlag": flag})


def test_repeated_confirm_with_the_same_values(smdp: Smdp) -> None:
    put(smdp, State.ALLOCATED)
    request = {"iccid": FIRST, "eid": EID, "matchingId": "M1", "confirmationCode": "1234", "releaseFlag": False}
    first = smdp.confirm_order(request)
    del request["confirmationCode"]
    assert smdp.confirm_order(request) == first == {"matchingId": "M1", "eid": EID}
    smdp.confirm_order({**request, "releaseFlag": True})
    assert state(smdp) == "Confirmed"  # a repeat does not release
    profile = smdp.profile(FIRST)
    assert profile
    assert profile["confirmed"] == 1


@pytest.mark.parametrize(
    "changes", [{"matchingId": "M2"}, {"matchingId": None}, {"eid": None}, {"eid": OTHER_EID}, {"matchingId": ""}]
)
def test_repeated_confirm_with_other_values(smdp: Smdp, changes: dict[str, Any]) -> None:
    put(smdp, State.LINKED, EID)
    request = {"iccid": FIRST, "eid": EID, "matchingId": "M1", "releaseFlag": True}
    smdp.confirm_order(request)
    assert refused(smdp.confirm_order, **{**request, **changes}) == "8.2.1/3.5"


@pytest.mark.parametrize("where", [State.AVAILABLE, State.DOWNLOADED, State.INSTALLED, State.ERROR, State.UNAVAILABLE])
def test_confirm_in_a_wrong_state(smdp: Smdp, where: State) -> None:
    put(smdp, where)
    assert refused(smdp.confirm_order, iccid=FIRST, matchingId="M1", releaseFlag=False) == "8.2.1/3.5"


def test_confirm_checks_of_eid_matching_id_and_smds(smdp: Smdp) -> None:
    put(smdp, State.LINKED, EID)
    smdp.download_order({"iccid": SECOND})
    smdp.confirm_order({"iccid": SECOND, "matchingId": "TAKEN", "releaseFlag": False})
    confirm = {"iccid": FIRST, "releaseFlag": False}
    assert refused(smdp.confirm_order, **confirm, eid=OTHER_EID) == "8.1.1/3.10"
    assert refused(smdp.confirm_order, **confirm, smdsAddress="smds.example.com") == "8.1.1/2.2"
    assert refused(smdp.confirm_order, **confirm, matchingId="low") == "8.2.6/2.1"
    assert refused(smdp.confirm_order, **confirm, matchingId="TAKEN") == "8.2.6/3.3"
    assert refused(smdp.confirm_order, releaseFlag=False) == "8.2.1/2.2"
    reply = smdp.confirm_order({**confirm, "matchingId": ""})  # bound by downloadOrder
    assert reply["matchingId"]
    assert reply["eid"] == EID


def test_release(smdp: Smdp) -> None:
    assert refused(smdp.release_profile, iccid=FIRST) == "8.2.1/3.5"
    put(smdp, State.CONFIRMED)
    for _ in range(2):
        assert smdp.release_profile({"iccid": FIRST}) == {}
    profile = smdp.profile(FIRST)
    assert profile
    assert (profile["state"], profile["released"]) == ("Released", 1)
    smdp.change(FIRST, state=State.INSTALLED)
    assert refused(smdp.release_profile, iccid=FIRST) == "8.2.1/3.5"


@pytest.mark.parametrize("where", [State.ALLOCATED, State.CONFIRMED, State.RELEASED, State.ERROR])
@pytest.mark.parametrize("final", ["Available", "Unavailable"])
def test_cancel_without_eid_needs_nothing_more(smdp: Smdp, where: State, final: str) -> None:
    put(smdp, where)
    cancel = {"iccid": FIRST, "finalProfileStatusIndicator": final}
    assert smdp.cancel_order(cancel) == {}
    assert state(smdp) == final
    assert refused(smdp.cancel_order, **cancel) == "8.2.1/3.5"


@pytest.mark.parametrize("where", [State.DOWNLOADED, State.INSTALLED])
def test_cancel_once_on_a_phone(smdp: Smdp, where: State) -> None:
    put(smdp, where)
    assert refused(smdp.cancel_order, iccid=FIRST, finalProfileStatusIndicator="Available") == "8.2.1/3.3"


def test_cancel_must_name_what_is_bound(smdp: Smdp) -> None:
    put(smdp, State.LINKED, EID)
    smdp.confirm_order({"iccid": FIRST, "eid": EID, "matchingId": "M1", "releaseFlag": False})
    cancel = {"iccid": FIRST, "finalProfileStatusIndicator": "Available"}
    assert refused(smdp.cancel_order, iccid=FIRST, eid=EID, matchingId="M1") == "8.2.1/2.2"
    assert refused(smdp.cancel_order, **cancel, matchingId="M1") == "8.1.1/2.2"
    assert refused(smdp.cancel_order, **cancel, eid=OTHER_EID, matchingId="M1") == "8.2.1/3.10"
    assert refused(smdp.cancel_order, **cancel, eid=EID, matchingId="M2") == "8.2.6/3.10"
    assert refused(smdp.cancel_order, **cancel, eid=EID) == "8.2.6/2.2"
    smdp.cancel_order({**cancel, "eid": EID, "matchingId": "M1"})
    smdp.download_order({"iccid": FIRST})
    assert smdp.confirm_order({"iccid": FIRST, "matchingId": "M1", "releaseFlag": False}) == {"matchingId": "M1"}


def test_a_freed_profile_is_taken_again_by_type(smdp: Smdp) -> None:
    put(smdp, State.CONFIRMED)
    smdp.cancel_order({"iccid": FIRST, "finalProfileStatusIndicator": "Available"})
    assert smdp.download_order({"profileType": "DATA"}) == {"iccid": FIRST}
    assert smdp.download_order({"profileType": "DATA"}) == {"iccid": SECOND}


def test_the_address_is_given_only_when_switched_on() -> None:
    smdp = Smdp(Store(), lambda: datetime(2027, 1, 18, tzinfo=UTC), gives_address="smdp.example.com")
    smdp.stock([Profile(FIRST, "DATA")])
    put(smdp, State.ALLOCATED)
    reply = smdp.confirm_order({"iccid": FIRST, "matchingId": "M1", "releaseFlag": False})
    assert reply["smdpAddress"] == "smdp.example.com"


def test_a_refusal_leaves_no_trace(smdp: Smdp) -> None:
    put(smdp, State.LINKED, EID)
    before = smdp.profiles()
    refused(smdp.confirm_order, iccid=FIRST, eid=OTHER_EID, matchingId="M9", releaseFlag=True)
    assert smdp.profiles() == before
    assert smdp.by_matching_id("M9") is None
