"""Whatever arrives as a call-back becomes an event or a ValueError, and an event can be stored as text."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.esim.notification import read_notification, read_time
from integrations.esim.progress import STANDARD_POINTS, ProgressEvent

NOW = datetime(2027, 1, 18, 2, 31, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "header": {"functionRequesterIdentifier": "2.999.8801", "functionCallIdentifier": "NTF-1"},
    "eid": "89999031415926535897932384626466",
    "iccid": "8981990402600000346F",
    "profileType": "DEMO-DATA",
    "timestamp": "2027-01-18T11:30:01+09:00",
    "notificationPointId": 1,
    "notificationPointStatus": {"status": "Failed", "statusCodeData": {"subjectCode": "8.1", "reasonCode": "4.8"}},
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def read(body: bytes) -> ProgressEvent:
    return read_notification(body, sender="smdp-1", points=STANDARD_POINTS, received_at=NOW)


def check(body: bytes) -> None:
    try:
        event = read(body)
    except ValueError:
        return
    assert event.iccid.isdecimal()
    assert event.at.tzinfo is UTC
    texts = [event.call_id, event.profile_type, event.point_text, event.status, event.message, *event.details.values()]
    assert all(text.isprintable() and text.encode() is not None for text in texts)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    check(body)


@given(st.sampled_from(sorted(GOOD)), ANYTHING)
def test_any_value_in_any_field(field: str, value: Any) -> None:
    check(json.dumps({**GOOD, field: value}).encode())


@given(st.sampled_from(["functionRequesterIdentifier", "functionCallIdentifier"]), ANYTHING)
def test_any_value_in_the_header(field: str, value: Any) -> None:
    check(json.dumps({**GOOD, "header": {**GOOD["header"], field: value}}).encode())


@given(st.sampled_from(["status", "subjectCode", "reasonCode", "message"]), ANYTHING)
def test_any_value_in_the_status(field: str, value: Any) -> None:
    status = {"status": "Failed", field: value, "statusCodeData": {field: value}}
    check(json.dumps({**GOOD, "notificationPointStatus": status}).encode())


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(ValueError, match=r"header\.functionCallIdentifier"):
        read(json.dumps({**GOOD, "header": {**GOOD["header"], "functionCallIdentifier": "\ud800X"}}).encode())
    assert read(json.dumps({**GOOD, "imei": "\ud8001"}).encode()).details == {"imei": "1"}


@pytest.mark.parametrize("text", ["", "soon", "99999999999999", "0001-01-01T00:00:00+09:00", "2027-13-01T00:00:00Z"])
def test_unreadable_times(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_time(text)
