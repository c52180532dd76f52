"""The faults of the event line, by a client that takes what it gets: what each does to the session and the events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, Org, until
from tests.integrations.sandbox.salesforce.cometd_wire import Wire, started, uuids, wire


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    org = Org(CometdOptions(poll_seconds=0.4))
    await org.start()
    yield org
    await org.stop()


def fault(org: Org, kind: str, operation: str = "cometd.connect", **values: Any) -> None:
    org.faults.add(system="salesforce", operation=operation, kind=kind, **values)


async def poll(client: Wire, seconds: float = 60.0) -> tuple[int, Any]:
    message = {"channel": "/meta/connect", "clientId": client.client_id, "connectionType": "long-polling", "id": "9"}
    return await asyncio.wait_for(client.post(message), seconds)


@pytest.mark.parametrize("kind", ["lose_reply", "truncate", "timeout_after", "hold"])
async def test_a_lost_answer_takes_its_events_with_it(org: Org, kind: str) -> None:
    async with wire(org) as client:
        await client.open()
        fault(org, kind, options={"delay": 0.05})
        [answer] = await client.connect()  # no events in it: the fault waits for one that has some
        assert answer["successful"] is True
        org.publish(2)
        with pytest.raises((aiohttp.ClientError, ValueError)):
            await poll(client)
        later = org.publish()
        assert uuids(await client.connect()) == later


async def test_a_malformed_answer(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        fault(org, "malformed")
        org.publish()
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
            await poll(client)


async def test_a_lost_event_leaves_no_trace(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        fault(org, "lose_event")
        org.publish()
        assert uuids(await client.connect()) == []
        later = org.publish()
        assert uuids(await client.connect()) == later


async def test_events_that_come_twice_and_one_that_is_none(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        fault(org, "duplicate")
        sent = org.publish(2)
        assert uuids(await client.connect()) == sent + sent
        fault(org, "malformed_event")
        org.publish()
        strange, event, _ = await client.connect()
        assert strange == {"channel": CHANNEL, "data": "not an object"}
        assert event["channel"] == CHANNEL


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("http_401", 401, "INVALID_SESSION_ID"),
        ("http_401_html", 401, "<html>"),
        ("http_403", 403, "<html>"),
        ("http_429", 429, "<html>"),
        ("http_500", 500, "<html>"),
        ("http_503", 503, "<html>"),
        ("html", 200, "<html>"),
    ],
)
async def test_http_errors_leave_the_session_alone(org: Org, kind: str, status: int, body: str) -> None:
    sent = org.publish()
    async with wire(org) as client:
        await client.open(-2)
        fault(org, kind)
        found, said = await poll(client)
        assert found == status
        assert body in str(said)
        assert uuids(await client.connect()) == sent


async def test_a_stall_lasts_until_the_faults_are_cleared(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        fault(org, "timeout_before")
        with pytest.raises(TimeoutError):
            await poll(client, 0.2)
        fault(org, "timeout_before")
        stalled = asyncio.create_task(poll(client))
        await until(lambda: org.faults.all()[-1].used)
        org.faults.clear()
        with pytest.raises(aiohttp.ClientError):
            await stalled


@pytest.mark.parametrize(
    ("kind", "error"), [("expire_token", "401::Authentication invalid"), ("expire_session", "403::Unknown client")]
)
async def test_expiry_on_demand(org: Org, kind: str, error: str) -> None:
    async with wire(org) as client:
        await client.open()
        fault(org, kind)
        [answer] = await client.connect()
        assert answer["error"] == error


async def test_refusals_and_advice_by_text(org: Org) -> None:
    async with wire(org) as client:
        text = "403::Organization concurrent user limit exceeded"
        fault(org, "refuse", "cometd.handshake", options={"text": text, "reconnect": "none"})
        answer = await client.handshake()
        assert (answer["successful"], answer["error"], answer["advice"]["reconnect"]) == (False, text, "none")
        assert org.control.clients == 0
        await client.open()
        fault(org, "advice", options={"interval": 2000, "reconnect": "none"})
        [answer] = await client.connect()
        assert answer["successful"] is True
        assert answer["advice"] == {"interval": 2000, "reconnect": "none"}


async def test_an_expired_cursor_once(org: Org) -> None:
    sent = org.publish(2)
    last = org.bus.last(CHANNEL)
    async with wire(org) as client:
        await client.handshake()
        await client.connect()
        fault(org, "expire_replay", "cometd.subscribe")
        assert (await client.subscribe(-1))["successful"]  # not a stored id: the fault waits
        answer = await client.subscribe(last)
        assert answer["error"].startswith(f"400::The replayId {{{last}}} you provided was invalid.")
        assert (await client.subscribe(-2))["successful"]
        assert uuids(await client.connect()) == sent
        assert (await client.subscribe(last))["successful"]


async def test_a_fault_for_one_client_only_and_after_some(org: Org) -> None:
    async with wire(org) as one, wire(org) as other:
        await one.open()
        await other.open()
        fault(org, "http_503", where={"client": other.client_id}, after=1)
        assert (await poll(one))[0] == 200
        assert [(await poll(other))[0] for _ in range(3)] == [200, 503, 200]
        entries = [entry for entry in org.traffic.since() if entry["fault"]]
        assert [(entry["fault"], entry["facts"]["client"]) for entry in entries] == [("http_503", other.client_id)]


async def test_cutting_connections() -> None:
    async with started(CometdOptions(poll_seconds=60.0)) as org, wire(org) as client:
        await client.open()
        polling = asyncio.create_task(client.connect())
        await until(lambda: org.operations().count("connect") == 2)
        assert org.control.drop_connections() >= 1
        with pytest.raises(aiohttp.ClientError):
            await polling
        sent = org.publish()
        assert uuids(await client.connect()) == sent  # it was not on its way: not lost
