"""The ES2+ client against the sandbox over real mutual TLS: functions, pairs, faults, certificates."""

import pytest

from integrations.errors import CallFailed, ErrorClass, LoginFailed
from integrations.esim.provider import Capability, EsimProvider
from tests.integrations.esim.conftest import EID, FIRST, OTHER_EID, SECOND, Line, failure

UNKNOWN = ErrorClass.OUTCOME_UNKNOWN


async def test_normal_path(line: Line) -> None:
    provider: EsimProvider = line.provider()
    assert await provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c1") == FIRST
    confirmed = await provider.confirm(iccid=FIRST, matching_id="OPR-7K2M-0032", eid=None, call_id="c2")
    assert (confirmed.matching_id, confirmed.smdp_address) == ("OPR-7K2M-0032", "smdp.example.com")
    assert line.state() == "Confirmed"
    await provider.release(iccid=FIRST, call_id="c3")
    await provider.release(iccid=FIRST, call_id="c3")
    assert line.state() == "Released"
    await provider.cancel(iccid=FIRST, eid=None, matching_id="OPR-7K2M-0032", call_id="c4")
    assert line.state() == "Available"


async def test_what_was_sent(line: Line) -> None:
    await line.provider().download(iccid=FIRST, profile_type="DEMO-DATA", eid=EID, call_id="call-1")
    (entry,) = line.traffic.since()
    assert entry["operation"] == "downloadOrder"
    assert entry["facts"]["iccid"] == FIRST
    assert entry["facts"]["call_id"] == "call-1"
    assert entry["facts"]["eid"] == EID
    assert entry["answered"] is True
    assert entry["status"] == 200


async def test_unpadded_iccid_and_full_path_in_the_url(line: Line) -> None:
    provider = line.provider(pad_iccid=False, url=line.config().url + "/gsma/rsp2/es2plus/", protocol_version="v2.1.0")
    assert await provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c") == FIRST


async def test_bound_eid_is_sent_every_time(line: Line) -> None:
    provider = line.provider()
    await provider.download(iccid=FIRST, profile_type=None, eid=EID, call_id="c")
    for _ in range(2):
        confirmed = await provider.confirm(iccid=FIRST, matching_id="M-1", eid=EID, call_id="c")
        assert confirmed.matching_id == "M-1"
    refused = await failure(provider.cancel(iccid=FIRST, eid=None, matching_id="M-1", call_id="c"))
    assert (refused.code, refused.error_class) == ("8.1.1/2.2", ErrorClass.DATA)
    await provider.cancel(iccid=FIRST, eid=EID, matching_id="M-1", call_id="c")
    assert line.state() == "Available"


async def test_order_by_type_takes_another_profile_each_time(line: Line) -> None:
    provider = line.provider(order_by="type")
    assert Capability.ORDER_BY_TYPE in provider.capabilities
    assert Capability.ORDER_BY_ICCID not in provider.capabilities
    taken = [await provider.download(iccid=None, profile_type="DEMO-DATA", eid=None, call_id="same") for _ in range(2)]
    assert taken == [FIRST, SECOND]
    empty = await failure(provider.download(iccid=None, profile_type="DEMO-DATA", eid=None, call_id="same"))
    assert (empty.code, empty.error_class) == ("8.2.5/3.7", ErrorClass.CAPACITY)


async def test_capabilities_by_iccid(line: Line) -> None:
    wanted = {Capability.ORDER_BY_ICCID, Capability.CANCEL, Capability.RELEASE_SEPARATE}
    assert line.provider().capabilities == wanted


@pytest.mark.parametrize(
    ("pair", "error_class"),
    [
        ("8.2.1/1.2", ErrorClass.CONFIG),
        ("8.2.1/3.3", ErrorClass.CONFLICT),
        ("8.2.1/3.5", ErrorClass.CONFLICT),
        ("8.2.1/3.9", ErrorClass.DATA),
        ("8.2.5/3.7", ErrorClass.CAPACITY),
        ("8.2.5/3.9", ErrorClass.DATA),
        ("8.2.6/3.3", ErrorClass.CONFLICT),
        ("8.1.1/3.10", ErrorClass.DATA),
        ("8.1.1/3.1", ErrorClass.DATA),
        ("8.9/5.1", ErrorClass.TRANSIENT),
        ("1.2.2/2.1", ErrorClass.CONFIG),
        ("1.6/1.2", ErrorClass.CONFIG),
        ("9.9/9.9", ErrorClass.DATA),
    ],
)
async def test_a_pair_becomes_its_class(line: Line, pair: str, error_class: ErrorClass) -> None:
    line.faults.add(system="esim", operation="downloadOrder", kind="refuse", options={"pair": pair})
    refused = await failure(line.provider().download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (refused.code, refused.error_class, refused.refused) == (pair, error_class, True)
    assert refused.detail["action"]
    assert line.state() == "Available"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("http_500", "http_500"),
        ("http_503", "http_503"),
        ("http_403", "http_403"),
        ("http_429", "http_429"),
        ("html", "not_es2plus"),
        ("malformed", "not_es2plus"),
        ("expired", "expired"),
        ("timeout_before", "timeout"),
        ("timeout_after", "timeout"),
        ("reset", "connection_lost"),
        ("truncate", "connection_lost"),
    ],
)
async def test_what_is_not_a_refusal_is_unknown(line: Line, kind: str, code: str) -> None:
    line.faults.add(system="esim", operation="downloadOrder", kind=kind)
    unclear = await failure(line.provider().download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (unclear.error_class, unclear.code) == (UNKNOWN, code)
    made = kind in ("timeout_after", "truncate", "malformed")
    assert line.state() == ("Allocated" if made else "Available")
    if kind == "http_429":
        assert unclear.retry_after == 1.0


async def test_a_repeat_after_a_lost_answer_shows_that_it_is_ours(line: Line) -> None:
    line.faults.add(system="esim", operation="downloadOrder", kind="timeout_after")
    provider = line.provider()
    assert (await failure(provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))).code == "timeout"
    line.faults.clear()
    repeated = await failure(provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (repeated.code, repeated.error_class) == ("8.2.1/3.3", ErrorClass.CONFLICT)


async def test_late_effect_lands_after_the_client_gave_up(line: Line) -> None:
    line.faults.add(system="esim", operation="releaseProfile", kind="late_effect", options={"delay": 5})
    provider = line.provider()
    await provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c")
    await provider.confirm(iccid=FIRST, matching_id="M1", eid=None, call_id="c")
    assert (await failure(provider.release(iccid=FIRST, call_id="c"))).error_class is UNKNOWN
    assert line.state() == "Confirmed"
    await provider.release(iccid=FIRST, call_id="c")
    assert line.state() == "Released"


async def test_a_warning_is_a_success_and_its_code_is_told(line: Line) -> None:
    line.faults.add(system="esim", operation="downloadOrder", kind="with_warning")
    assert await line.provider().download(iccid=FIRST, profile_type=None, eid=None, call_id="c") == FIRST
    assert line.warnings == [("downloadOrder", "8.9/4.2")]


async def test_pool_empty_is_capacity_also_by_iccid(line: Line) -> None:
    line.faults.add(system="esim", operation="*", kind="pool_empty", where={"profile_type": "DEMO-DATA"})
    empty = await failure(line.provider().download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (empty.code, empty.error_class) == ("8.2.5/3.7", ErrorClass.CAPACITY)


async def test_an_smds_that_is_down_does_not_hold_the_order_up(line: Line) -> None:
    line.faults.add(
        system="esim", operation="confirmOrder", kind="smds_down", count=9, where={"smds": "smds.example.com"}
    )
    provider = line.provider(smds_address="smds.example.com")
    await provider.download(iccid=FIRST, profile_type=None, eid=EID, call_id="c")
    assert (await provider.confirm(iccid=FIRST, matching_id="M1", eid=EID, call_id="c")).matching_id == "M1"
    assert line.warnings == [("confirmOrder", "8.9/5.1")]
    asked = [entry["facts"]["smds"] for entry in line.traffic.since() if entry["operation"] == "confirmOrder"]
    assert asked == ["smds.example.com", ""]


async def test_matching_id_in_use(line: Line) -> None:
    provider = line.provider()
    for iccid in (FIRST, SECOND):
        await provider.download(iccid=iccid, profile_type=None, eid=None, call_id="c")
    await provider.confirm(iccid=FIRST, matching_id="M1", eid=None, call_id="c")
    used = await failure(provider.confirm(iccid=SECOND, matching_id="M1", eid=None, call_id="c"))
    assert (used.code, used.error_class) == ("8.2.6/3.3", ErrorClass.CONFLICT)


async def test_another_eid_is_refused(line: Line) -> None:
    provider = line.provider()
    await provider.download(iccid=FIRST, profile_type=None, eid=EID, call_id="c")
    other = await failure(provider.confirm(iccid=FIRST, matching_id="M1", eid=OTHER_EID, call_id="c"))
    assert other.code == "8.1.1/3.10"


async def test_bad_input_is_never_sent(line: Line) -> None:
    provider = line.provider()
    calls = (
        provider.download(iccid="123", profile_type=None, eid=None, call_id="c"),
        provider.download(iccid=None, profile_type="DEMO-DATA", eid=None, call_id="c"),
        provider.download(iccid=FIRST, profile_type=None, eid="8904", call_id="c"),
        provider.confirm(iccid=FIRST, matching_id="a$b", eid=None, call_id="c"),
        provider.confirm(iccid=FIRST, matching_id="", eid=None, call_id="c"),
        line.provider(order_by="type").download(iccid=FIRST, profile_type=None, eid=None, call_id="c"),
    )
    for call in calls:
        assert (await failure(call)).error_class is ErrorClass.DATA
    assert line.traffic.since() == []


async def test_probe_has_no_effect_and_tells_a_stranger(line: Line) -> None:
    await line.provider().probe()
    known = line.certificates
    stranger = line.provider(client_cert=known.stranger.certificate, client_key=known.stranger.key)
    refused = await failure(stranger.probe())
    assert isinstance(refused, LoginFailed)
    assert refused.code == "1.1/1.2"
    assert [line.state(FIRST), line.state(SECOND)] == ["Available", "Available"]


@pytest.mark.parametrize(
    ("kind", "error_class"),
    [
        ("http_503", ErrorClass.TRANSIENT),
        ("timeout_before", ErrorClass.TRANSIENT),
        ("html", ErrorClass.CONFIG),
        ("http_403", ErrorClass.CONFIG),
    ],
)
async def test_probe_is_a_read(line: Line, kind: str, error_class: ErrorClass) -> None:
    line.faults.add(system="esim", operation="*", kind=kind)
    assert (await failure(line.provider().probe())).error_class is error_class


async def test_nobody_listens_is_transient(line: Line) -> None:
    provider = line.provider()
    await line.sandbox.stop()
    refused = await failure(provider.release(iccid=FIRST, call_id="c"))
    assert (refused.code, refused.error_class) == ("unreachable", ErrorClass.TRANSIENT)


async def test_a_missing_mandatory_field_answers_a_page(line: Line) -> None:
    """An empty requester id is what the server cannot decode: HTTP 500 with HTML, so unknown."""
    unclear = await failure(line.provider(requester_id="").release(iccid=FIRST, call_id="c"))
    assert isinstance(unclear, CallFailed)
    assert (unclear.code, unclear.error_class) == ("http_500", UNKNOWN)
