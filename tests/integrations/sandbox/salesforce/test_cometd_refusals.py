"""What the sandbox's CometD refuses, in the documented texts: tokens, cookies, versions, channels, bodies."""

from collections.abc import AsyncIterator

import pytest

from integrations.sandbox.salesforce.cometd import CometdOptions
from integrations.sandbox.salesforce.cometd_sessions import COOKIE
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, Org
from tests.integrations.sandbox.salesforce.cometd_wire import started, uuids, wire


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with started(CometdOptions(poll_seconds=1.0)) as org:
        yield org


async def test_no_token_at_all(org: Org) -> None:
    async with wire(org) as client:
        client.headers = {}
        [answer] = await client.say("/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
        assert answer["error"] == "401::Request requires authentication"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("scheme", ["Bearer", "OAuth"])
async def test_both_schemes_by_name_and_by_address(org: Org, scheme: str, host: str) -> None:
    async with wire(org, scheme=scheme, host=host) as client:
        await client.open(-2)
        sent = org.publish()
        assert uuids(await client.connect()) == sent


async def test_the_cookie_is_demanded(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        client.http.cookie_jar.clear()
        [answer] = await client.connect()
        assert answer["error"] == (
            f"400::Client {client.client_id} has established a session, but no {COOKIE} cookie present"
        )


async def test_the_cookie_of_somebody_else_opens_nothing(org: Org) -> None:
    async with wire(org) as mine, wire(org) as other:
        await mine.open()
        await other.open()
        other.client_id = mine.client_id
        [answer] = await other.connect()
        assert answer["error"] == "403::Unknown client"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/cometd", "400::API version in the URI is mandatory. URI format: '/cometd/67.0'"),
        ("/cometd/", "400::API version in the URI is mandatory. URI format: '/cometd/67.0'"),
        ("/cometd/latest", "400::API version in the URI is mandatory. URI format: '/cometd/67.0'"),
        ("/cometd/36.0", "400::Unsupported API version. Only API versions '37.0' and later are supported."),
    ],
)
async def test_the_version_is_checked(org: Org, path: str, error: str) -> None:
    async with wire(org) as client:
        client.url = org.url() + path
        answer = await client.handshake()
        assert (answer["successful"], answer["error"]) == (False, error)


@pytest.mark.parametrize(("version", "has_uuid"), [("37.0", False), ("51.0", False), ("52.0", True), ("67.0", True)])
async def test_the_event_uuid_comes_from_52_on(org: Org, version: str, has_uuid: bool) -> None:
    org.publish()
    async with wire(org, version=version) as client:
        await client.open(-2)
        event = (await client.connect())[0]["data"]["event"]
        assert ("EventUuid" in event) is has_uuid
        assert isinstance(event["replayId"], int)


@pytest.mark.parametrize(
    ("subscription", "error"),
    [
        (None, "400::Channel name not specified"),
        ("", "400::Channel name not specified"),
        ("event/X__e", "400::Channel subscriptions must start with a leading '/'"),
        ("/event/X__e", "400::The channel you requested to subscribe to does not exist /event/X__e"),
    ],
)
async def test_a_wrong_channel_is_refused(org: Org, subscription: object, error: str) -> None:
    async with wire(org) as client:
        await client.handshake()
        fields = {} if subscription is None else {"subscription": subscription}
        [answer] = await client.say("/meta/subscribe", **fields)
        assert (answer["successful"], answer["error"]) == (False, error)


async def test_only_long_polling(org: Org) -> None:
    async with wire(org) as client:
        [answer] = await client.say("/meta/handshake", version="1.0", supportedConnectionTypes=["websocket"])
        assert answer["error"] == "400::Invalid connection type websocket"
        await client.handshake()
        [answer] = await client.say("/meta/connect", connectionType="websocket")
        assert answer["error"] == "400::Invalid connection type websocket"


async def test_a_client_that_puts_the_message_type_into_the_path(org: Org) -> None:
    async with wire(org) as client:
        base = client.url
        for path in ("/handshake", "/connect", ""):
            client.url = base + path
            answer = await client.handshake() if path == "/handshake" else (await client.connect())[-1]
            assert answer["successful"] is True


async def test_bodies_that_are_no_messages(org: Org) -> None:
    async with wire(org) as client:
        for body in ("", "{", "[]", "[1]", '[{"channel": 5}]', "null"):
            status, _ = await client.post(json=None, data=body)
            assert status == 400, body
        status, _ = await client.post(json=None, data="[" + " " * 32_768 + "]")
        assert status == 413
        status, answers = await client.post(
            json=None, data='{"channel":"/meta/handshake","supportedConnectionTypes":["long-polling"]}'
        )
        assert answers[0]["successful"] is True


async def test_publishing_and_unknown_meta_channels_are_refused(org: Org) -> None:
    async with wire(org) as client:
        await client.open()
        [answer] = await client.say(CHANNEL, data={"OrderId__c": "x"})
        assert answer["successful"] is False
        [answer] = await client.say("/meta/nonsense")
        assert answer["successful"] is False
        assert org.bus.read(CHANNEL) == []
