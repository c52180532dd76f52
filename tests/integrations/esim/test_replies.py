"""Executed, but with a reply that cannot be believed: the effect stands somewhere, so the outcome is unknown."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from integrations.errors import ErrorClass
from integrations.esim.es2plus import Es2PlusProvider
from integrations.esim.tls import server_context
from tests.integrations.esim.conftest import EID, FIRST, OTHER_EID, SECOND, Line, failure

Speak = Callable[[dict[str, Any]], Awaitable[Es2PlusProvider]]


@pytest.fixture
async def saying(line: Line) -> AsyncIterator[Speak]:
    """A function that starts an SM-DP+ which says Executed-Success and the given keys to everything."""
    runners = []

    async def start(reply: dict[str, Any]) -> Es2PlusProvider:
        async def handle(request: web.Request) -> web.Response:
            return web.json_response({**reply, "header": {"functionExecutionStatus": {"status": "Executed-Success"}}})

        app = web.Application()
        app.router.add_post("/aep/gsma/rsp2/es2plus/{function}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        runners.append(runner)
        known = line.certificates
        context = server_context(known.ca, known.server.certificate, known.server.key)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        return line.provider(url=f"https://127.0.0.1:{runner.addresses[0][1]}/aep/")

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize("reply", [{}, {"iccid": "abc"}, {"iccid": None}, {"iccid": SECOND}])
async def test_download_without_the_iccid_asked_for(saying: Speak, reply: dict[str, Any]) -> None:
    provider = await saying(reply)
    unclear = await failure(provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (unclear.code, unclear.error_class) == ("reply_incomplete", ErrorClass.OUTCOME_UNKNOWN)


@pytest.mark.parametrize("said", [FIRST, f"{FIRST}F", int(FIRST)])
async def test_download_reply_spellings(saying: Speak, said: Any) -> None:
    provider = await saying({"iccid": said})
    assert await provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c") == FIRST


@pytest.mark.parametrize(
    "reply", [{}, {"matchingId": ""}, {"matchingId": "A$B"}, {"matchingId": "M", "eid": OTHER_EID}]
)
async def test_confirm_without_a_usable_reply(saying: Speak, reply: dict[str, Any]) -> None:
    provider = await saying(reply)
    unclear = await failure(provider.confirm(iccid=FIRST, matching_id="M1", eid=EID, call_id="c"))
    assert (unclear.code, unclear.error_class) == ("reply_incomplete", ErrorClass.OUTCOME_UNKNOWN)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("rsp.example.net", "rsp.example.net"),
        (" rsp.example.net ", "rsp.example.net"),
        ("", "smdp.example.com"),
        ("a$b", "smdp.example.com"),
        (None, "smdp.example.com"),
    ],
)
async def test_matching_id_and_address_come_from_the_reply(saying: Speak, said: Any, address: str) -> None:
    provider = await saying({"matchingId": "SERVER-MADE", "smdpAddress": said})
    confirmed = await provider.confirm(iccid=FIRST, matching_id="M1", eid=None, call_id="c")
    assert (confirmed.matching_id, confirmed.smdp_address) == ("SERVER-MADE", address)
