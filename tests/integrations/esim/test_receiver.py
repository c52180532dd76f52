"""The call-back listener over real mutual TLS: the sample dialects, the pinned key, limits, store before answer."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from integrations.errors import ErrorClass
from integrations.esim.progress import Meaning, ProgressEvent, fold
from integrations.esim.receiver import FUNCTION_PATH, ProgressReceiver, ReceiverConfig
from integrations.esim.tls import key_pin
from integrations.sandbox.esim.certificates import Certificates, Pair
from tests.integrations.esim.conftest import failure, utc_now

SAMPLES = json.loads((Path(__file__).parent / "samples" / "callbacks.json").read_text())
CALLBACKS: list[dict[str, Any]] = SAMPLES["callbacks"]
GOOD: dict[str, Any] = CALLBACKS[0]["body"]
VENDOR = {5: Meaning.DELETED, 101: Meaning.ENABLED, 102: Meaning.DISABLED}


class Desk:
    """A receiver, what it stored, and a client with the SM-DP+'s certificate."""

    def __init__(self, certificates: Certificates) -> None:
        self.certificates = certificates
        self.stored: list[ProgressEvent] = []
        self.store_fails = False
        self.config = ReceiverConfig(
            host="127.0.0.1",
            port=0,
            certificate=certificates.receiver.certificate,
            key=certificates.receiver.key,
            client_ca=certificates.ca,
            sender="smdp-1",
            points=VENDOR,
        )
        self.receiver = self._made()

    def _made(self) -> ProgressReceiver:
        return ProgressReceiver(self.config, self._store, now=utc_now)

    async def _store(self, event: ProgressEvent) -> None:
        if self.store_fails:
            raise OSError("disk full")
        self.stored.append(event)

    async def restart(self, **changes: Any) -> None:
        await self.receiver.stop()
        self.config = replace(self.config, **changes)
        self.receiver = self._made()
        await self.receiver.start()

    def session(self, pair: Pair | None) -> aiohttp.ClientSession:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.certificates.ca)
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

    async def post(
        self, body: Any, *, path: str = FUNCTION_PATH, pair: Pair | None = None, **more: Any
    ) -> tuple[int, str]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session(pair or self.certificates.callback) as session:
            url = f"https://127.0.0.1:{self.receiver.port}{path}"
            async with session.post(url, data=raw, **more) as response:
                return response.status, await response.text()


@pytest.fixture
async def desk(certificates: Certificates) -> AsyncIterator[Desk]:
    made = Desk(certificates)
    await made.receiver.start()
    yield made
    await made.receiver.stop()


async def test_all_sample_callbacks_answer_as_expected(desk: Desk) -> None:
    for callback in CALLBACKS:
        before = len(desk.stored)
        status, text = await desk.post(callback["body"])
        assert status == callback["expect"], callback["why"]
        assert len(desk.stored) == before + (status == 204), callback["why"]
        if status == 204:
            assert text == ""
    keys = [event.dedupe_key for event in desk.stored]
    assert len(keys) == 11
    assert len(set(keys)) == 10  # one is an exact repeat; the constant identifier makes no repeat
    assert {event.iccid for event in desk.stored} == {"8981990402600000346"}
    assert [event.point for event in desk.stored][-4:] == [57, 102, 5, 4]
    assert desk.stored[-1].details == {"tac": "00000000", "imei": "0" * 15, "resultData": "3001"}
    assert desk.stored[-3].at.isoformat() == "2027-01-18T10:30:00+00:00"
    assert desk.stored[4].pair is not None
    assert desk.stored[4].pair.code == "8.2.7/3.8"
    assert desk.stored[4].eid is None
    shown = fold(desk.stored)
    assert (shown.state, shown.events) == ("installed", 10)  # the last body is the newest by its own time


async def test_the_answer_waits_for_the_store(desk: Desk) -> None:
    desk.store_fails = True
    assert (await desk.post(GOOD))[0] == 500
    desk.store_fails = False
    assert (await desk.post(GOOD))[0] == 204


async def test_json_reply_style(desk: Desk) -> None:
    await desk.restart(reply="200")
    status, text = await desk.post(GOOD)
    assert status == 200
    assert json.loads(text) == {"header": {"functionExecutionStatus": {"status": "Executed-Success"}}}


async def test_only_the_pinned_key_may_speak(desk: Desk) -> None:
    der = ssl.PEM_cert_to_DER_cert(desk.certificates.callback.certificate.read_text())
    await desk.restart(pinned_key=key_pin(der).upper())
    assert (await desk.post(GOOD))[0] == 204
    assert (await desk.post(GOOD, pair=desk.certificates.stranger))[0] == 403
    assert len(desk.stored) == 1


async def test_without_a_known_certificate_there_is_no_connection(desk: Desk) -> None:
    for pair in (None, desk.certificates.foreign):
        async with desk.session(pair) as session:
            with pytest.raises(aiohttp.ClientError):
                await session.post(f"https://127.0.0.1:{desk.receiver.port}{FUNCTION_PATH}", json=GOOD)
    assert desk.stored == []


async def test_one_path_one_method(desk: Desk) -> None:
    for path in ("/", "/gsma/rsp2/es2plus/handleNotification", FUNCTION_PATH + "/", "/metrics", "/api"):
        assert (await desk.post(GOOD, path=path))[0] == 404
    url = f"https://127.0.0.1:{desk.receiver.port}{FUNCTION_PATH}"
    async with desk.session(desk.certificates.callback) as session, session.get(url) as response:
        assert response.status == 405
    assert desk.stored == []


async def test_base_path(desk: Desk) -> None:
    await desk.restart(base_path="/aep/")
    assert (await desk.post(GOOD, path="/aep" + FUNCTION_PATH))[0] == 204
    assert (await desk.post(GOOD))[0] == 404


async def test_a_body_over_64_kb_is_refused(desk: Desk) -> None:
    assert (await desk.post({**GOOD, "resultData": "A" * 70_000}))[0] == 413
    assert (await desk.post({**GOOD, "resultData": "A" * 60_000}))[0] == 204
    assert len(desk.stored[0].details["resultData"]) <= 16_384


async def test_content_type_does_not_matter(desk: Desk) -> None:
    assert (await desk.post(GOOD, headers={"Content-Type": "text/plain"}))[0] == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{not json",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b"[" * 50_000,
        b'{"header": NaN}',
        {},
        *({key: value for key, value in GOOD.items() if key != gone} for gone in GOOD if gone != "eid"),
        {**GOOD, "header": {"functionRequesterIdentifier": "2.999.1"}},
        {**GOOD, "header": {"functionCallIdentifier": "1"}},
        {**GOOD, "header": "x"},
        {**GOOD, "iccid": "12345"},
        {**GOOD, "iccid": None},
        {**GOOD, "timestamp": "yesterday"},
        {**GOOD, "timestamp": "9999999999999999"},
        {**GOOD, "notificationPointId": ""},
        {**GOOD, "notificationPointId": True},
        {**GOOD, "notificationPointId": [1]},
        {**GOOD, "notificationPointStatus": {}},
        {**GOOD, "notificationPointStatus": "Executed-Success"},
    ],
)
async def test_what_cannot_be_read_is_400_and_not_stored(desk: Desk, body: Any) -> None:
    status, text = await desk.post(body)
    assert status == 400
    assert "8981990402600000346" not in text
    assert desk.stored == []


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"eid": None}, "eid", None),
        ({"eid": "junk"}, "eid", None),
        ({"notificationPointId": "007"}, "point", 7),
        ({"notificationPointId": "P-4"}, "point", None),
        ({"notificationPointId": 12345678901234567890}, "point", None),
        ({"iccid": 8981990402600000346}, "iccid", "8981990402600000346"),
        ({"profileType": "a\u202eb\x00c"}, "profile_type", "abc"),
        ({"notificationPointStatus": {"status": "Failed", "statusCodeData": {}}}, "subject_code", None),
        ({"notificationPointStatus": {"status": "Failed", "statusCodeData": None}}, "subject_code", None),
    ],
)
async def test_what_is_only_odd_is_stored(desk: Desk, changes: dict[str, Any], field: str, value: Any) -> None:
    assert (await desk.post({**GOOD, **changes}))[0] == 204
    assert getattr(desk.stored[0], field) == value


@pytest.mark.parametrize(
    "text", ["2027-01-18T02:30:01Z", "2027-01-18T11:30:01+0900", "2027-01-18T02:30:01", "1800239401", 1800239401000]
)
async def test_spellings_of_one_time_are_one_event(desk: Desk, text: Any) -> None:
    await desk.post(GOOD)
    await desk.post({**GOOD, "timestamp": text})
    assert len({event.dedupe_key for event in desk.stored}) == 1


async def test_a_message_that_may_quote_a_matching_id_is_not_kept(desk: Desk) -> None:
    codes = {"subjectCode": "8.2.6", "reasonCode": "3.8", "subjectIdentifier": "CANARY", "message": "CANARY is used"}
    await desk.post({**GOOD, "notificationPointStatus": {"status": "Failed", "statusCodeData": codes}})
    assert "CANARY" not in repr(desk.stored[0])
    assert desk.stored[0].reason_code == "3.8"


async def test_two_senders_do_not_share_keys(desk: Desk) -> None:
    await desk.post(GOOD)
    await desk.restart(sender="smdp-2")
    await desk.post(GOOD)
    assert len({event.dedupe_key for event in desk.stored}) == 2


async def test_many_at_once_lose_nothing(desk: Desk) -> None:
    bodies = [{**GOOD, "notificationPointId": number} for number in range(1, 41)]
    async with desk.session(desk.certificates.callback) as session:

        async def send(body: dict[str, Any]) -> int:
            async with session.post(f"https://127.0.0.1:{desk.receiver.port}{FUNCTION_PATH}", json=body) as response:
                return response.status

        assert set(await asyncio.gather(*map(send, bodies))) == {204}
    assert sorted(event.point or 0 for event in desk.stored) == list(range(1, 41))


async def test_bad_certificate_files_are_config(desk: Desk, tmp_path: Path) -> None:
    refused = await failure(desk.restart(certificate=tmp_path / "nowhere.pem"))
    assert (refused.code, refused.error_class) == ("file_missing", ErrorClass.CONFIG)


async def test_a_port_in_use_is_said_and_leaves_nothing_open(desk: Desk) -> None:
    second = ProgressReceiver(replace(desk.config, port=desk.receiver.port), desk._store, now=utc_now)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    with pytest.raises(RuntimeError):
        _ = second.port
