"""Reading single things: event bodies, wire answers, error texts, tokens."""

import json
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from integrations.errors import ErrorClass
from integrations.salesforce.cometd_transport import (
    CometdConfig,
    as_call_failed,
    cursor_refused,
    raw_event,
    token_refused,
)
from integrations.salesforce.cometd_wire import Inbox, Refused, WireFailed, pause_seconds, read_messages
from integrations.salesforce.events import HEARTBEAT_ORDER_ID, RawEvent, is_heartbeat
from integrations.salesforce.events_tokens import ThreadedTokens
from tests.integrations.salesforce.events_rig import now
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL

GOOD: dict[str, Any] = {"payload": {"OrderId__c": "801"}, "event": {"EventUuid": "u-1", "replayId": 7}}


def read(data: Any, cursors: dict[str, str] | None = None) -> RawEvent:
    return raw_event({"channel": CHANNEL, "data": data}, {} if cursors is None else cursors, now())


def test_a_good_event() -> None:
    cursors: dict[str, str] = {}
    event = read(GOOD, cursors)
    assert (event.replay_id, event.event_uuid, event.payload, event.problem) == ("7", "u-1", {"OrderId__c": "801"}, "")
    assert cursors == {CHANNEL: "7"}


@pytest.mark.parametrize("replay_id", [0, -5, 10**30, "", "abc", "1000019", "é"])
def test_the_replay_id_is_opaque(replay_id: object) -> None:
    event = read({**GOOD, "event": {"EventUuid": "u", "replayId": replay_id}})
    assert json.loads(event.replay_id) == replay_id
    assert event.problem == ""


@pytest.mark.parametrize("replay_id", [None, True, 1.5, [], {}])
def test_an_unusable_replay_id_leaves_the_cursor_where_it_was(replay_id: object) -> None:
    data = {**GOOD, "event": {"EventUuid": "u", "replayId": replay_id}}
    assert read(data, {CHANNEL: "41"}).replay_id == "41"
    assert read(data).replay_id == "-2"
    assert read(data).problem == "no replay id"


def test_without_an_event_uuid_the_content_is_the_identity() -> None:
    bodies = [
        {**GOOD, "event": {"replayId": 7}},
        {**GOOD, "event": {"replayId": 8}},
        {"event": {"replayId": 7}, **GOOD},
    ]
    bodies[2]["event"] = {"replayId": 7}
    first, second, again = [read(body).event_uuid for body in bodies]
    assert first.startswith("sha256:")
    assert first == again != second


@pytest.mark.parametrize("data", [None, [], "x", 5, {}, {"payload": None}, {"payload": "x", "event": []}])
def test_a_body_that_is_none_is_kept_with_its_problem(data: object) -> None:
    event = read(data)
    assert "no payload object" in event.problem
    assert event.payload == {"malformed": data}


def test_lone_surrogates_become_storable() -> None:
    event = read({"payload": {"OrderId__c": "a\udcff", "n\ud800": 1}, "event": {"EventUuid": "\ud800", "replayId": 1}})
    json.dumps(event.payload, ensure_ascii=False).encode()
    event.event_uuid.encode()
    assert event.payload == {"OrderId__c": "a?", "n?": 1}


@pytest.mark.parametrize("order_id", [HEARTBEAT_ORDER_ID, HEARTBEAT_ORDER_ID[:15]])
def test_the_heartbeat_is_recognised_in_both_lengths(order_id: str) -> None:
    assert is_heartbeat(read({**GOOD, "payload": {"OrderId__c": order_id}}))
    assert not is_heartbeat(read(GOOD))
    assert not is_heartbeat(read({**GOOD, "payload": {"OrderId__c": [order_id]}}))
    assert not is_heartbeat(read(None))


def test_what_is_not_json_in_an_answer_becomes_null() -> None:
    [message] = read_messages("/meta/connect", 200, b'[{"channel": "/event/X__e", "data": {"a": NaN, "b": -Infinity}}]')
    assert message["data"] == {"a": None, "b": None}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"[[]]",
        b"<html>",
        b"\xff\xfe",
        b'[{"chan',
        b'[{"channel": 5}]',
        b'[{"channel": "/meta/connect"}]',
        b'[{"channel": "/meta/connect", "successful": 1}]',
        b'[{"channel": "/meta/connect", "successful": true, "advice": "retry"}]',
        b'[{"channel": "/meta/subscribe", "successful": true}]',
    ],
)
def test_an_answer_of_another_shape_ends_the_session(body: bytes) -> None:
    with pytest.raises(WireFailed):
        read_messages("/meta/connect", 200, body)


def test_an_error_page_is_quoted_short_and_plain() -> None:
    with pytest.raises(WireFailed) as caught:
        read_messages("/meta/connect", 503, b"<html>\x1b[31m\n" + b"x" * 9000)
    assert caught.value.code == "http_503"
    assert len(str(caught.value)) < 200
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("interval", "seconds"), [(2000, 2.0), (0, 0.0), (-1, 0.0), (None, 0.0), ("5", 0.0), (True, 0.0), (10**400, 30.0)]
)
def test_the_interval(interval: object, seconds: float) -> None:
    assert pause_seconds(interval) == seconds


def refused(error: str, **more: Any) -> Refused:
    return Refused("refused", {"channel": "/meta/subscribe", "error": error, "successful": False, **more})


@pytest.mark.parametrize(
    ("text", "error_class", "code", "token", "cursor"),
    [
        ("403::Unknown client", ErrorClass.TRANSIENT, "403", False, False),
        ("401::Authentication invalid", ErrorClass.TRANSIENT, "401", True, False),
        ("403::Handshake denied", ErrorClass.TRANSIENT, "403", True, False),
        ("403::Organization concurrent user limit exceeded", ErrorClass.CAPACITY, "403", False, False),
        ("403::Organization total events daily limit exceeded", ErrorClass.CAPACITY, "403", False, False),
        ("400::The replayId {5} you provided was invalid. …", ErrorClass.TRANSIENT, "400", False, True),
        (
            f"400::The channel you requested to subscribe to does not exist {CHANNEL}",
            ErrorClass.CONFIG,
            "400",
            False,
            False,
        ),
        ("400::Unsupported API version. Only API versions '37.0' and later …", ErrorClass.CONFIG, "400", False, False),
        ("500::Server error", ErrorClass.TRANSIENT, "500", False, False),
    ],
)
def test_what_an_error_text_means(text: str, error_class: ErrorClass, code: str, token: bool, cursor: bool) -> None:
    error = refused(text)
    failed = as_call_failed(error)
    assert (failed.error_class, failed.code, failed.operation) == (error_class, code, "cometd.subscribe")
    assert text.rstrip("…") in failed.message
    assert (token_refused(error), cursor_refused(error)) == (token, cursor)


def test_the_reason_inside_a_denied_handshake_is_shown() -> None:
    error = refused("403::Handshake denied", ext={"sfdc": {"failureReason": "401::Authentication invalid"}})
    assert "401::Authentication invalid" in as_call_failed(error).message


@pytest.mark.parametrize(
    "response", [None, {}, {"advice": 5}, {"ext": []}, {"error": 5}, {"advice": {"reconnect": "none"}}]
)
def test_a_refusal_without_words_still_reads(response: Any) -> None:
    failed = as_call_failed(Refused("the server ended the session", response))
    assert failed.error_class is ErrorClass.TRANSIENT
    assert failed.message


@pytest.mark.parametrize("version", ["58.0", "45.0", "63", "63.1", "v63.0", "", "latest"])
def test_a_version_without_event_uuids_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="api_version"):
        CometdConfig(api_version=version)


async def test_the_inbox_gives_its_error_to_every_reader_behind_the_events() -> None:
    inbox = Inbox()
    for number in range(3):
        inbox.put({"n": number})
    inbox.end(KeyError("over"))
    assert [message["n"] for message in await inbox.batch(2)] == [0, 1]
    assert [message["n"] for message in await inbox.batch(2)] == [2]
    for _ in range(2):
        with pytest.raises(KeyError):
            await inbox.batch(2)


@dataclass(frozen=True)
class Issued:
    access_token: str
    instance_url: str = "https://acme.my.salesforce.com"


class Source:
    """A blocking token source that remembers in which thread it was asked."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.invalidated: list[Issued] = []

    def get(self) -> Issued:
        self.threads.append(threading.get_ident())
        return Issued(f"t{len(self.threads)}")

    def invalidate(self, token: Issued) -> None:
        self.threads.append(threading.get_ident())
        self.invalidated.append(token)


async def test_a_blocking_token_source_is_asked_in_threads() -> None:
    source = Source()
    tokens = ThreadedTokens(source)
    assert await tokens.token() == ("t1", "https://acme.my.salesforce.com")
    await tokens.invalidate("somebody else's")
    await tokens.invalidate("t1")
    assert source.invalidated == [Issued("t1")]
    assert threading.get_ident() not in source.threads
