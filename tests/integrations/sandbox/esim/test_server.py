"""The ES2+ server over real mutual TLS: the door, quirks, faults, traffic, and what a kill leaves behind."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from integrations.sandbox.world import Profile
from tests.integrations.sandbox.esim.conftest import STOCK, Bench, eventually

FIRST, SECOND = STOCK[0].iccid, STOCK[1].iccid
HEADER = {"functionRequesterIdentifier": "2.999.4401", "functionCallIdentifier": "CALL-7"}


async def call(bench: Bench, function: str, role: str | None = "client", **request: Any) -> tuple[int, dict[str, Any]]:
    async with (
        bench.session(role) as session,
        session.post(bench.url(function), json={"header": HEADER, **request}) as response,
    ):
        return response.status, json.loads(await response.read())


def pair(answer: dict[str, Any]) -> str:
    codes = answer["header"]["functionExecutionStatus"]["statusCodeData"]
    return f"{codes['subjectCode']}/{codes['reasonCode']}"


def profile(bench: Bench, iccid: str = FIRST) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in bench.sandbox.world()["profiles"] if row["iccid"] == iccid)
    return found


async def test_header_comes_last_and_the_f_does_not_come_back(bench: Bench) -> None:
    _, answer = await call(bench, "downloadOrder", iccid=FIRST + "F")
    assert list(answer) == ["iccid", "header"]
    assert answer["iccid"] == FIRST


@pytest.mark.parametrize("role", [None, "stranger", "callback"])
async def test_only_the_operator_is_served(bench: Bench, role: str | None) -> None:
    _, answer = await call(bench, "downloadOrder", role, iccid=FIRST)
    assert pair(answer) == "1.1/1.2"
    assert profile(bench)["state"] == "Available"


async def test_a_foreign_authority_is_refused_by_tls(bench: Bench) -> None:
    with pytest.raises(aiohttp.ClientError):
        await call(bench, "downloadOrder", "foreign", iccid=FIRST)


@pytest.mark.parametrize("version", ["", "1.0", "gsma/rsp2/v2"])
async def test_protocol_version(bench: Bench, version: str) -> None:
    async with bench.session() as session:
        sent = {"X-Admin-Protocol": version}
        async with session.post(bench.url("downloadOrder"), json={"header": HEADER}, headers=sent) as response:
            assert response.content_type == "text/html"
            assert pair(json.loads(await response.read())) == "1.2.2/2.1"


async def test_unknown_functions_and_oversized_bodies(bench: Bench) -> None:
    async with bench.session() as session:
        async with session.post(bench.url("getProfileStatus"), json={}) as response:
            assert response.status == 404
        async with session.post(bench.url("downloadOrder"), data=b"x" * 70_000) as response:
            assert response.status == 413


@pytest.mark.parametrize("header", [None, {}, {"functionCallIdentifier": "x"}, "text"])
async def test_a_missing_header_is_an_error_page(bench: Bench, header: Any) -> None:
    async with bench.session() as session:
        sent = {"header": header, "iccid": FIRST}
        async with session.post(bench.url("downloadOrder"), json=sent) as response:
            assert (response.status, response.content_type) == (500, "text/html")
    assert profile(bench)["state"] == "Available"


@pytest.mark.parametrize(
    "nasty", ["\ud800", "", "\x00", 5, 1.5, True, None, [], {}, ["x"], "8" * 60_000, "' OR 1=1 --", "🙂"]
)
@pytest.mark.parametrize("function", ["downloadOrder", "confirmOrder", "cancelOrder", "releaseProfile"])
async def test_nothing_sent_breaks_the_server(bench: Bench, function: str, nasty: Any) -> None:
    """Every field in turn, in a state where it counts: an answer of the protocol or its error page, never a crash."""
    good = {"header": HEADER, "iccid": FIRST, "releaseFlag": False, "finalProfileStatusIndicator": "Available"}
    fields = ("header", "iccid", "eid", "profileType", "matchingId", "smdsAddress", "confirmationCode", "releaseFlag")
    await call(bench, "downloadOrder", iccid=FIRST)
    async with bench.session() as session:
        for field in (*fields, "finalProfileStatusIndicator"):
            async with session.post(bench.url(function), json={**good, field: nasty}) as response:
                body = await response.read()
            assert response.status in (200, 500), field
            assert body == b"<html><body>server error</body></html>" or b"functionExecutionStatus" in body
    assert profile(bench)["state"] in ("Available", "Allocated", "Linked", "Confirmed")


async def test_traffic_and_counts(bench: Bench) -> None:
    await call(bench, "downloadOrder", iccid=FIRST + "F")
    await call(bench, "downloadOrder", iccid=FIRST)
    entries = bench.traffic.since()
    assert [(entry["system"], entry["operation"], entry["answered"]) for entry in entries] == [
        ("esim", "downloadOrder", True)
    ] * 2
    assert {entry["facts"]["iccid"] for entry in entries} == {FIRST}
    assert {entry["facts"]["call_id"] for entry in entries} == {"CALL-7"}
    assert {entry["facts"]["profile_type"] for entry in entries} == {"DEMO-DATA"}
    world = bench.sandbox.world()
    assert world["calls"] == [{"function": "downloadOrder", "executed": 1, "failed": 1, "expired": 0, "malformed": 0}]
    assert profile(bench)["ordered"] == 1


async def test_the_world_tells_no_secrets(bench: Bench) -> None:
    await call(bench, "downloadOrder", iccid=FIRST)
    await call(bench, "confirmOrder", iccid=FIRST, matchingId="SECRET-1", confirmationCode="4071", releaseFlag=False)
    assert profile(bench)["matching_id"] is True
    assert "SECRET-1" not in json.dumps(bench.sandbox.world()) + json.dumps(bench.traffic.since())


@pytest.mark.parametrize("kind", ["timeout_after", "hold", "truncate", "reset", "timeout_before"])
async def test_answers_that_get_lost(bench: Bench, kind: str) -> None:
    bench.faults.add(system="esim", operation="downloadOrder", kind=kind)
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        async with asyncio.timeout(0.5):
            await call(bench, "downloadOrder", iccid=FIRST)
    made = kind in ("timeout_after", "hold", "truncate")
    assert profile(bench)["state"] == ("Allocated" if made else "Available")
    (entry,) = bench.traffic.since()
    assert (entry["fault"], entry["answered"]) == (kind, False)


@pytest.mark.parametrize(("kind", "http"), [("http_500", 500), ("http_503", 503), ("http_403", 403), ("html", 200)])
async def test_pages_without_effect(bench: Bench, kind: str, http: int) -> None:
    bench.faults.add(system="esim", operation="*", kind=kind, where={"iccid": FIRST})
    async with bench.session() as session:
        sent = {"header": HEADER, "iccid": FIRST}
        async with session.post(bench.url("downloadOrder"), json=sent) as response:
            assert (response.status, response.content_type) == (http, "text/html")
    assert profile(bench)["state"] == "Available"


async def test_a_late_effect_lands_later(bench: Bench) -> None:
    bench.faults.add(system="esim", operation="downloadOrder", kind="late_effect", options={"delay": 1.0})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await call(bench, "downloadOrder", iccid=FIRST)
    assert profile(bench)["state"] == "Available"
    await eventually(lambda: profile(bench)["state"] == "Allocated")


@pytest.mark.parametrize(
    ("kind", "options", "status", "code", "state"),
    [
        ("pool_empty", {}, "Failed", "8.2.5/3.7", "Available"),
        ("expired", {}, "Expired", "1.6/6.3", "Available"),
        ("with_warning", {}, "Executed-WithWarning", "8.9/4.2", "Allocated"),
        ("refuse", {"pair": "8.2.1/1.2"}, "Failed", "8.2.1/1.2", "Available"),
    ],
)
async def test_faults_of_this_server(
    bench: Bench, kind: str, options: dict[str, str], status: str, code: str, state: str
) -> None:
    bench.faults.add(system="esim", operation="*", kind=kind, options=options)
    _, answer = await call(bench, "downloadOrder", iccid=FIRST)
    assert answer["header"]["functionExecutionStatus"]["status"] == status
    assert pair(answer) == code
    assert profile(bench)["state"] == state
    assert ("iccid" in answer) == (state == "Allocated")


async def test_pool_empty_is_tied_to_a_type_and_to_downloads(bench: Bench) -> None:
    bench.sandbox.add_stock((Profile("8981990402600004173", "VOICE"),))
    bench.faults.add(system="esim", operation="*", kind="pool_empty", count=9, where={"profile_type": "DEMO-DATA"})
    assert pair((await call(bench, "downloadOrder", profileType="DEMO-DATA"))[1]) == "8.2.5/3.7"
    assert pair((await call(bench, "downloadOrder", iccid=FIRST))[1]) == "8.2.5/3.7"
    assert (await call(bench, "downloadOrder", profileType="VOICE"))[1]["iccid"] == "8981990402600004173"
    assert pair((await call(bench, "confirmOrder", iccid=FIRST, releaseFlag=False))[1]) == "8.2.1/3.5"
    bench.faults.clear()
    assert (await call(bench, "downloadOrder", iccid=FIRST))[1]["iccid"] == FIRST


@pytest.mark.parametrize("function", ["confirmOrder", "releaseProfile", "cancelOrder"])
async def test_smds_down(bench: Bench, function: str) -> None:
    bench.faults.add(system="esim", operation="*", kind="smds_down")
    await call(bench, "downloadOrder", iccid=FIRST)
    _, answer = await call(bench, function, iccid=FIRST, releaseFlag=True)
    assert pair(answer) == "8.9/5.1"
    assert profile(bench)["state"] == "Allocated"


async def test_stop_does_not_wait_for_held_requests(bench: Bench) -> None:
    bench.faults.add(system="esim", operation="*", kind="hold")
    held = asyncio.create_task(call(bench, "downloadOrder", iccid=FIRST))
    await eventually(lambda: bool(bench.traffic.since()))
    await bench.stop()  # the request would be held for an hour
    with pytest.raises(aiohttp.ClientError):
        await held
    await bench.sandbox.start("127.0.0.1", 0)  # for the fixture's own stop


SERVE = """
import asyncio, json, sys
from pathlib import Path
from integrations.sandbox.esim.server import EsimSandbox
from integrations.sandbox.faults import Faults
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.world import Profile

async def main():
    where = Path(sys.argv[1])
    store = Store(where / "sandbox.db")
    sandbox = EsimSandbox(store, Faults(store), Traffic(), where / "certs")
    sandbox.add_stock((Profile(sys.argv[2], "DEMO-DATA"),))
    await sandbox.start("127.0.0.1", 0)
    print(json.dumps(sandbox.endpoint()), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def serve(directory: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    root = str(Path(__file__).parents[4])
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(directory), FIRST],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert process.stdout
    return process, json.loads(process.stdout.readline())


async def ask(known: dict[str, str], function: str, **request: Any) -> dict[str, Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(known["ca_file"])
    context.load_cert_chain(known["client_cert"], known["client_key"])
    sent = {"X-Admin-Protocol": "gsma/rsp/v2.5.0"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=sent) as session,
        session.post(
            f"{known['url']}/gsma/rsp2/es2plus/{function}", json={"header": HEADER, "iccid": FIRST, **request}
        ) as response,
    ):
        answer: dict[str, Any] = json.loads(await response.read())
        return answer


@pytest.mark.slow
async def test_kill_9_takes_nothing_back(tmp_path: Path) -> None:
    process, known = serve(tmp_path)
    try:
        assert (await ask(known, "downloadOrder"))["iccid"] == FIRST
        confirmed = await ask(known, "confirmOrder", matchingId="M1", releaseFlag=False)
        assert confirmed["matchingId"] == "M1"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    process, again = serve(tmp_path)
    try:
        assert again["callback_pin"] == known["callback_pin"]  # the same certificates
        known = {**known, "url": again["url"]}
        assert pair(await ask(known, "downloadOrder")) == "8.2.1/3.3"
        assert (await ask(known, "confirmOrder", matchingId="M1", releaseFlag=False))["matchingId"] == "M1"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
