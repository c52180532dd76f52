"""What an ES2+ answer proves, answer by answer."""

import json
from typing import Any

import httpx
import pytest

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed
from integrations.esim.wire import read_answer, request_body

UNKNOWN = ErrorClass.OUTCOME_UNKNOWN


def answer(status: str, codes: Any = None, http: int = 200, **beside: Any) -> httpx.Response:
    execution = {"status": status} | ({"statusCodeData": codes} if codes is not None else {})
    return httpx.Response(http, json={**beside, "header": {"functionExecutionStatus": execution}})


def trouble(response: httpx.Response, *, write: bool = True) -> IntegrationError:
    with pytest.raises(IntegrationError) as caught:
        read_answer("downloadOrder", response, write=write)
    return caught.value


def test_request() -> None:
    sent = json.loads(request_body("2.999.1", "call-1", {"iccid": "89F", "releaseFlag": False}))
    header = {"functionRequesterIdentifier": "2.999.1", "functionCallIdentifier": "call-1"}
    assert sent == {"header": header, "iccid": "89F", "releaseFlag": False}


@pytest.mark.parametrize("kind", ["application/json;charset=UTF-8", "text/html", "text/plain"])
def test_content_counts_not_the_content_type(kind: str) -> None:
    body = json.dumps({"iccid": "1", "header": {"functionExecutionStatus": {"status": "Executed-Success"}}})
    response = httpx.Response(200, content=body.encode(), headers={"Content-Type": kind})
    assert read_answer("downloadOrder", response).values["iccid"] == "1"


def test_header_may_stand_first_and_a_byte_order_mark_in_front() -> None:
    body = '\ufeff{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"iccid":"1"}'
    assert read_answer("downloadOrder", httpx.Response(200, content=body.encode())).values["iccid"] == "1"


def test_a_number_keeps_all_its_digits() -> None:
    body = '{"iccid":8981990402600000312,"header":{"functionExecutionStatus":{"status":"Executed-Success"}}}'
    found = read_answer("downloadOrder", httpx.Response(200, content=body.encode()))
    assert found.values["iccid"] == "8981990402600000312"


def test_3_10_is_not_3_1_even_as_a_number() -> None:
    body = (
        '{"header":{"functionExecutionStatus":{"status":"Failed",'
        '"statusCodeData":{"subjectCode":"8.1.1","reasonCode":3.10}}}}'
    )
    assert trouble(httpx.Response(200, content=body.encode())).code == "8.1.1/3.10"


def test_warning_keeps_its_code() -> None:
    codes = {"subjectCode": "8.9", "reasonCode": "4.2"}
    assert read_answer("confirmOrder", answer("Executed-WithWarning", codes)).warning == "8.9/4.2"
    assert read_answer("confirmOrder", answer("Executed-WithWarning")).warning == ""


def test_failed_is_a_refusal_under_any_status_below_500() -> None:
    codes = {"subjectCode": "8.2.1", "reasonCode": "3.9", "message": "no\u202e such\nthing"}
    refused = trouble(answer("Failed", codes, http=400))
    assert (refused.code, refused.error_class, refused.http_status) == ("8.2.1/3.9", ErrorClass.DATA, 400)
    assert refused.detail["said"] == "no such thing"


@pytest.mark.parametrize("function", ["confirmOrder", "cancelOrder"])
def test_a_quoted_matching_id_is_not_kept(function: str) -> None:
    codes = {"subjectCode": "8.2.6", "reasonCode": "3.3", "subjectIdentifier": "CANARY", "message": "CANARY in use"}
    with pytest.raises(CallFailed) as caught:
        read_answer(function, answer("Failed", codes))
    assert "CANARY" not in f"{caught.value} {caught.value.detail}"


@pytest.mark.parametrize("codes", [None, "text", {}, {"subjectCode": "8.2.1"}, []])
def test_failed_without_readable_codes_is_still_failed(codes: Any) -> None:
    refused = trouble(answer("Failed", codes))
    assert (refused.code, refused.error_class) == ("failed", ErrorClass.DATA)


def test_the_door_is_a_login_failure() -> None:
    assert isinstance(trouble(answer("Failed", {"subjectCode": "1.1", "reasonCode": "1.2"})), LoginFailed)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (answer("Failed", {"subjectCode": "8.2.1", "reasonCode": "3.9"}, http=500), "http_500"),
        (answer("Executed-Success", http=503), "http_503"),
        (answer("Expired"), "expired"),
        (answer("executed"), "unknown_status"),
        (httpx.Response(302, headers={"Location": "/login"}), "http_302"),
        (httpx.Response(404, html="<html>"), "http_404"),
        (httpx.Response(200, html="<html>"), "not_es2plus"),
        (httpx.Response(200, content=b""), "not_es2plus"),
        (httpx.Response(204), "http_204"),
        (httpx.Response(200, json=[]), "not_es2plus"),
        (httpx.Response(200, json={"code": "00000"}), "not_es2plus"),
        (httpx.Response(200, json={"header": None}), "not_es2plus"),
        (httpx.Response(200, json={"header": {"functionExecutionStatus": {"status": 1}}}), "unknown_status"),
        (httpx.Response(200, json={"header": {"functionExecutionStatus": {}}}), "not_es2plus"),
        (httpx.Response(200, content=b"[" * 100_000), "not_es2plus"),
        (httpx.Response(200, content=b'{"header": \xff'), "not_es2plus"),
    ],
)
def test_all_else_is_unknown_for_a_write_and_transient_for_a_read(response: httpx.Response, code: str) -> None:
    unclear = trouble(response)
    assert isinstance(unclear, CallFailed)
    assert (unclear.code, unclear.error_class) == (code, UNKNOWN)
    assert trouble(response, write=False).error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Mon, 18 Jan 2027 02:31:00 GMT", "Date": "Mon, 18 Jan 2027 02:30:00 GMT"}, 60.0),
        ({"Retry-After": "Mon, 18 Jan 2027 02:31:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert trouble(httpx.Response(503, headers=headers)).retry_after == seconds
