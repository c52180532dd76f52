"""State survives a restart and a kill -9: rows, events, tokens, credentials, ids."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from integrations.sandbox.salesforce.desk import OrderLine
from integrations.sandbox.salesforce.server import SalesforceOptions
from tests.integrations.sandbox.salesforce.conftest import CUSTOMER, Bench, Wire, close_bench, open_bench

VICTIM = """
import asyncio, sys
from pathlib import Path
import aiohttp
from tests.integrations.sandbox.salesforce.conftest import open_bench

async def main() -> None:
    async with aiohttp.ClientSession() as session:
        bench = await open_bench(Path(sys.argv[1]), session, key=Path(sys.argv[2]).read_text())
        print(bench.base, bench.wire().token, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_restart_keeps_everything(tmp_path: Path, session: aiohttp.ClientSession, jwt_key: str) -> None:
    first = await open_bench(tmp_path, session, key=jwt_key)
    key = first.place(OrderLine("SIM-25G"))
    first.sandbox.desk.approve(key)
    token, end, events = first.wire().token, first.sandbox.endpoint(), first.events()
    await first.wire().get("/limits")
    await close_bench(first)
    second = await open_bench(tmp_path, session)
    try:
        wire = Wire(second.base, session, token)
        assert (await wire.get(f"/sobjects/Order/{key}")).body["Status"] == "Approved"
        assert [row["Id"] for row in await wire.rows(f"SELECT Id FROM OrderItem WHERE OrderId = '{key}'")]
        assert second.events() == events
        assert second.sandbox.endpoint()["users"] == end["users"]
        assert second.sandbox.org.usage.used >= 2
        assert second.place() != key
        assert len(second.sandbox.org.db.table("Account")) == 2, "the world is loaded once"
    finally:
        await close_bench(second)


async def test_a_kill_takes_nothing_back(tmp_path: Path, session: aiohttp.ClientSession, jwt_key: str) -> None:
    (tmp_path / "key.pem").write_text(jwt_key)
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, str(tmp_path), str(tmp_path / "key.pem"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert victim.stdout is not None
        base, token = (await asyncio.wait_for(victim.stdout.readline(), 100)).decode().split()
        wire = Wire(base, session, token)
        account = (await wire.get(f"/sobjects/Account/SF_Account_No__c/{CUSTOMER}")).body["Id"]
        made = await wire.post("/sobjects/Order", {"AccountId": account, "EffectiveDate": "2026-11-23"})
        await wire.patch(f"/sobjects/Order/{made.body['id']}", {"Status": "Approved"})
    finally:
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
    bench = await open_bench(tmp_path, session)
    try:
        assert bench.order(made.body["id"])["Status"] == "Approved"
        assert [event.payload["OrderId__c"] for event in bench.events()] == [made.body["id"]]
        assert (await bench.wire().get("/limits")).status == 200
    finally:
        await close_bench(bench)


async def test_a_production_org(tmp_path: Path, session: aiohttp.ClientSession, jwt_key: str) -> None:
    bench = await open_bench(tmp_path, session, SalesforceOptions(is_sandbox=False), key=jwt_key)
    try:
        assert bench.one("Organization", "IsSandbox", 0)["Id"]
        assert bench.sandbox.endpoint()["private_key_file"] is None
    finally:
        await close_bench(bench)


async def test_the_world_says_what_stands(bench: Bench) -> None:
    key = bench.place(OrderLine("ESIM-25G", eid="8" * 32), OrderLine("SIM-ACTIVATION"))
    bench.sandbox.desk.approve(key, "Kenji")
    world = bench.sandbox.world()
    assert len(world["orders"]) == 2 and len(world["accounts"]) == 2
    order = next(row for row in world["orders"] if row["Id"] == key)
    assert [item["sku"] for item in order["items"]] == ["ESIM-25G", "SIM-ACTIVATION"]
    assert order["Approved_By__c"] == "Kenji"
    assert [event["OrderId__c"] for event in world["events"]] == [key]
    (past,) = (row for row in world["orders"] if row["Id"] != key)
    assert (past["Status"], past["EffectiveDate"]) == ("Activated", "2025-05-01")
    assert past["CreatedDate"].startswith("2025-05-01T01:00:00")


def test_without_a_world_nothing_starts(tmp_path: Path) -> None:
    from integrations.sandbox.faults import Faults
    from integrations.sandbox.salesforce.server import SalesforceSandbox
    from integrations.sandbox.store import Store
    from integrations.sandbox.traffic import Traffic

    with pytest.raises(RuntimeError, match="load"):
        SalesforceSandbox(Store(), Faults(), Traffic()).endpoint()
