"""The sandbox's CometD, by raw requests: shapes, texts and timing of the documented protocol."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from integrations.sandbox.salesforce.cometd import CometdOptions
from integrations.sandbox.salesforce.cometd_sessions import COOKIE
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, OTHER, USER, Org, until
from tests.integrations.sandbox.salesforce.cometd_wire import Message, started, uuids, wire

AT_ONCE = 50.0  # for a loaded machine; whoever had to wait for the poll's own end would need a minute


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with started(CometdOptions(poll_seconds=1.0)) as org:
        yield org


@pytest.fixture
async def patient() -> AsyncIterator[Org]:
    """Polls that nobody releases last longer than any test."""
    async with started(CometdOptions(poll_seconds=60.0)) as org:
        yield org


async def parked(org: Org) -> None:
    """Until the poll behind those of ``open`` is there; it parks where it comes in."""
    await until(lambda: org.operations().count("connect") == 2)


async def test_opening_has_the_documented_shapes(patient: Org) -> None:
    async with wire(patient) as client:
        answer = await client.handshake()
        assert answer == {
            "ext": {"replay": True, "payload.format": True},
            "minimumVersion": "1.0",
            "clientId": client.client_id,
            "supportedConnectionTypes": ["long-polling"],
            "channel": "/meta/handshake",
            "id": "1",
            "version": "1.0",
            "successful": True,
        }
        assert any(cookie.key == COOKIE for cookie in client.http.cookie_jar)
        [connected] = await asyncio.wait_for(client.connect(), AT_ONCE)
        assert connected["advice"] == {"interval": 0, "timeout": 60_000, "reconnect": "retry"}
        subscribed = await client.subscribe(-2)
        assert subscribed == {
            "clientId": client.client_id,
            "channel": "/meta/subscribe",
            "id": "3",
            "subscription": CHANNEL,
            "successful": True,
        }


async def test_an_event_releases_the_parked_poll(patient: Org) -> None:
    async with wire(patient) as client:
        await client.open()
        poll = asyncio.create_task(client.connect())
        await parked(patient)
        assert not poll.done()
        [uuid] = patient.publish()
        event, connected = await asyncio.wait_for(poll, AT_ONCE)
        assert connected["channel"] == "/meta/connect"
        assert connected["successful"] is True
        assert event["channel"] == CHANNEL
        assert event["data"]["event"]["EventUuid"] == uuid
        assert event["data"]["payload"]["CreatedById"] == USER.id[:15]
        assert event["data"]["payload"]["OrderId__c"] == "801D0000000G0ySIAS"
        assert isinstance(event["data"]["schema"], str)


async def test_a_poll_without_events_lasts_as_long_as_advised(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        started = time.monotonic()
        [connected] = await client.connect()
        assert time.monotonic() - started > 0.9
        assert connected["successful"] is True


async def test_subscribing_beside_a_parked_poll_delivers_there(patient: Org) -> None:
    sent = patient.publish(3)
    async with wire(patient) as client:
        await client.handshake()
        await client.connect()
        poll = asyncio.create_task(client.connect())
        await parked(patient)
        assert (await client.subscribe(-2))["successful"]
        assert uuids(await asyncio.wait_for(poll, AT_ONCE)) == sent


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(("start", "expected"), [("all", 0), ("tip", 4), ("second", 2), ("last", 4)])
async def test_replay_starts_where_asked(org: Org, start: str, expected: int, as_text: bool) -> None:
    sent = org.publish(4)
    ids = [event.replay_id for event in org.bus.read(CHANNEL)]
    assert all(1 <= after - before <= 9 for before, after in itertools.pairwise(ids))
    replay = {"all": -2, "tip": -1, "second": ids[1], "last": ids[3]}[start]
    async with wire(org) as client:
        await client.open(str(replay) if as_text else replay)
        sent += org.publish()
        assert uuids(await client.connect()) == sent[expected:]


async def test_without_a_replay_only_new_events_come(org: Org) -> None:
    org.publish(2)
    async with wire(org) as client:
        await client.open()
        new = org.publish()
        assert uuids(await client.connect()) == new


@pytest.mark.parametrize("replay", [5, "5", -3, "nonsense", 10**17, "", None])
async def test_any_other_replay_id_is_refused(org: Org, replay: object) -> None:
    org.publish()
    async with wire(org) as client:
        await client.handshake()
        ext = {"replay": {CHANNEL: replay}}
        [answer] = await client.say("/meta/subscribe", subscription=CHANNEL, ext=ext)
        assert answer["successful"] is False
        assert answer["error"] == (
            f"400::The replayId {{{replay}}} you provided was invalid. Please provide a valid ID, -2 to replay all "
            "events, or -1 to replay only new events."
        )


async def test_a_trimmed_or_foreign_replay_id_is_refused(org: Org) -> None:
    org.publish(2)
    org.publish(1, OTHER)
    first, second = [event.replay_id for event in org.bus.read(CHANNEL)]
    [foreign] = [event.replay_id for event in org.bus.read(OTHER)]
    org.bus.trim(CHANNEL, first)
    async with wire(org) as client:
        await client.handshake()
        assert not (await client.subscribe(first))["successful"]
        assert not (await client.subscribe(foreign))["successful"]
        assert (await client.subscribe(second))["successful"]


async def test_two_channels_arrive_in_order_of_replay_id(org: Org) -> None:
    for _ in range(3):
        org.publish(1, CHANNEL)
        org.publish(1, OTHER)
    async with wire(org) as client:
        await client.open(-2)
        await client.subscribe(-2, OTHER)
        answers = await client.connect()
        ids = [answer["data"]["event"]["replayId"] for answer in answers[:-1]]
        assert len(ids) == 6
        assert ids == sorted(ids)


async def test_several_messages_in_one_request_are_answered_in_one_array_at_once(patient: Org) -> None:
    async with wire(patient) as client:
        await client.open()
        base = {"clientId": client.client_id}
        messages: list[Message] = [
            {"channel": "/meta/subscribe", "subscription": OTHER, "id": "a", **base},
            {"channel": "/meta/unsubscribe", "subscription": CHANNEL, "id": "b", **base},
            {"channel": "/meta/connect", "connectionType": "long-polling", "id": "c", **base},
        ]
        status, answers = await asyncio.wait_for(client.post(*messages), AT_ONCE)
        assert (status, [answer["id"] for answer in answers]) == (200, ["a", "b", "c"])
        assert all(answer["successful"] for answer in answers)
        patient.publish(1, CHANNEL)
        patient.publish(1, OTHER)
        assert [answer["channel"] for answer in await client.connect()] == [OTHER, "/meta/connect"]


async def test_a_second_poll_releases_the_first(patient: Org) -> None:
    async with wire(patient) as client:
        await client.open(-2)
        first = asyncio.create_task(client.connect())
        await parked(patient)
        second = asyncio.create_task(client.connect())
        [answer] = await asyncio.wait_for(first, AT_ONCE)
        assert answer["successful"] is True
        sent = patient.publish()
        assert uuids(await second) == sent


async def test_a_client_that_leaves_frees_its_poll_and_is_forgotten(patient: Org) -> None:
    async with wire(patient) as client:
        await client.open()
        poll = asyncio.create_task(client.connect())
        await parked(patient)
        [answer] = await client.say("/meta/disconnect")
        assert answer["successful"] is True
        [released] = await asyncio.wait_for(poll, AT_ONCE)
        assert released["advice"]["reconnect"] == "none"
        [unknown] = await client.connect()
        assert unknown["error"] == "403::Unknown client"


async def test_a_silent_client_is_forgotten_but_not_one_that_polls() -> None:
    now = 1000.0
    async with started(CometdOptions(poll_seconds=60.0, clock=lambda: now)) as org, wire(org) as client:
        await client.open()
        poll = asyncio.create_task(client.connect())
        await parked(org)
        now += 100.0  # longer than the silence that is allowed
        sent = org.publish()
        assert uuids(await asyncio.wait_for(poll, AT_ONCE)) == sent
        now += 39.0
        [answer] = await client.say("/meta/unsubscribe", subscription=OTHER)
        assert answer["successful"] is True
        now += 41.0
        [forgotten] = await client.connect()
        assert forgotten["successful"] is False
        assert forgotten["error"] == "403::Unknown client"
        assert forgotten["advice"] == {"interval": 0, "reconnect": "handshake"}


async def test_forgetting_clients_releases_their_polls(patient: Org) -> None:
    async with wire(patient) as client:
        await client.open()
        poll = asyncio.create_task(client.connect())
        await parked(patient)
        assert patient.control.expire_sessions() == 1
        [answer] = await asyncio.wait_for(poll, AT_ONCE)
        assert answer["error"] == "403::Unknown client"


async def test_a_revoked_token_releases_the_poll(patient: Org) -> None:
    async with wire(patient) as client:
        await client.open()
        poll = asyncio.create_task(client.connect())
        await parked(patient)
        patient.tokens.revoke(client.token)  # told by nobody: the poll notices by itself
        [answer] = await asyncio.wait_for(poll, AT_ONCE)
        assert answer["error"] == "401::Authentication invalid"
        assert answer["advice"] == {"interval": 0, "reconnect": "none"}
        [denied] = await client.say("/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
        assert denied["error"] == "403::Handshake denied"
        assert denied["ext"]["sfdc"]["failureReason"] == "401::Authentication invalid"
        assert denied["advice"]["reconnect"] == "none"


async def test_a_rolled_back_event_is_never_sent(patient: Org) -> None:
    async with wire(patient) as client:
        await client.open(-2)
        poll = asyncio.create_task(client.connect())
        await parked(patient)
        with pytest.raises(KeyError), patient.store.transaction():
            patient.bus.publish(CHANNEL, {}, created_by=USER.id)
            raise KeyError
        await asyncio.sleep(0.1)
        assert not poll.done()
        sent = patient.publish()
        assert uuids(await asyncio.wait_for(poll, AT_ONCE)) == sent


async def test_a_restart_forgets_clients_and_keeps_events(org: Org) -> None:
    sent = org.publish(2)
    async with wire(org) as client:
        await client.open()
        await org.kill()
        with pytest.raises(aiohttp.ClientError):
            await client.connect()
        await org.start()
        [answer] = await client.connect()
        assert answer["error"] == "403::Unknown client"
        client.client_id = ""
        await client.open(-2)
        assert uuids(await client.connect()) == sent


async def test_requests_are_in_the_traffic_log(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        await until(lambda: all(entry["answered"] for entry in org.traffic.since()))
        entries = org.traffic.since()
        assert [entry["operation"] for entry in entries] == ["cometd.handshake", "cometd.connect", "cometd.subscribe"]
        assert entries[2]["facts"] == {"client": client.client_id, "subscription": CHANNEL}
        assert client.token not in json.dumps(entries)
