"""The sandbox's CometD spoken by raw requests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, USER, Org

Message = dict[str, Any]


class Wire:
    """A CometD client of a few lines, on a cookie jar that keeps cookies of IP addresses too."""

    def __init__(self, org: Org, version: str = "63.0", scheme: str = "Bearer", host: str = "127.0.0.1") -> None:
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.token = org.tokens.issue(USER)
        self.url = f"{org.url(host)}/cometd/{version}"
        self.headers = {"Authorization": f"{scheme} {self.token}"}
        self.client_id = ""
        self.number = 0

    async def post(self, *messages: Message, **changes: Any) -> tuple[int, Any]:
        options = {"headers": self.headers, "json": list(messages), **changes}
        async with self.http.post(self.url, **options) as response:
            body = await response.read()
            return response.status, json.loads(body) if "json" in response.content_type else body.decode()

    async def say(self, channel: str, **fields: Any) -> list[Message]:
        self.number += 1
        number = str(self.number)
        message = {"channel": channel, "id": number, **fields}
        if self.client_id:
            message["clientId"] = self.client_id
        status, answers = await self.post(message)
        assert status == 200, answers
        assert isinstance(answers, list)
        assert answers[-1]["id"] == number
        return answers

    async def handshake(self) -> Message:
        [answer] = await self.say("/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
        self.client_id = answer.get("clientId", "")
        return answer

    async def connect(self) -> list[Message]:
        return await self.say("/meta/connect", connectionType="long-polling")

    async def subscribe(self, replay: object = None, channel: str = CHANNEL) -> Message:
        ext = {} if replay is None else {"ext": {"replay": {channel: replay}}}
        [answer] = await self.say("/meta/subscribe", subscription=channel, **ext)
        return answer

    async def open(self, replay: object = None) -> None:
        assert (await self.handshake())["successful"]
        assert (await self.connect())[-1]["successful"]
        assert (await self.subscribe(replay))["successful"]


@asynccontextmanager
async def started(options: CometdOptions) -> AsyncIterator[Org]:
    """An org whose CometD has these options."""
    org = Org(options)
    await org.start()
    try:
        yield org
    finally:
        await org.stop()


@asynccontextmanager
async def wire(org: Org, **options: Any) -> AsyncIterator[Wire]:
    client = Wire(org, **options)
    try:
        yield client
    finally:
        await client.http.close()


def uuids(answers: list[Message]) -> list[str]:
    return [answer["data"]["event"]["EventUuid"] for answer in answers if answer["channel"] == CHANNEL]
