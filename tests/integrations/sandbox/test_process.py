"""The sandbox as a process of its own: started, asked, killed, started again."""

import asyncio
import json
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from integrations.sandbox.folder import SandboxError
from integrations.sandbox.server import Sandbox, run_sandbox
from tests.integrations.sandbox.rig import Caller

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, sys
from pathlib import Path
from integrations.sandbox.server import run_sandbox
asyncio.run(run_sandbox(Path(sys.argv[1]), customers=8, orders_per_minute=float(sys.argv[2]),
                        tell=lambda text: print(text, flush=True)))
"""


class Process:
    """One running sandbox."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, call: Caller) -> None:
        self.process = process
        self.call = call
        self.told: dict[str, Any] = json.loads((folder / "sandbox.json").read_text("utf-8"))

    async def end(self, number: signal.Signals) -> int:
        """Signal it and wait; its exit status."""
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            return await self.process.wait()


@asynccontextmanager
async def process(folder: Path, orders_per_minute: float = 0) -> AsyncIterator[Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(folder), str(orders_per_minute), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert started.stdout
        async with asyncio.timeout(100):
            assert (await started.stdout.readline()).decode() == f"sandbox ready {folder / 'portal.toml'}\n"
        url = json.loads((folder / "sandbox.json").read_text("utf-8"))["control_url"]
        async with aiohttp.ClientSession() as session:
            yield Process(started, folder, Caller(url, session))
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def test_it_survives_a_kill_with_all_it_told_and_comes_back_at_the_same_addresses(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    async with process(folder) as first:
        await first.call.orders(5, approve=True)
        await first.call("POST", "/faults", {"system": "whmcs", "operation": "AddOrder", "kind": "price_drift"})
        await first.call("POST", "/stock", {"type": "TRAVEL-10G", "count": 2})
        await first.call("POST", "/paymethods", {"client": 1001, "kind": "none"})
        world = await first.call("GET", "/world")
        expected = await first.call("GET", "/expected")
        assert await first.end(signal.SIGKILL) == -signal.SIGKILL
        async with process(folder) as second:
            assert second.told == first.told
            assert await second.call("GET", "/world") == world
            assert await second.call("GET", "/expected") == expected
            assert [fault["kind"] for fault in await second.call("GET", "/faults")] == ["price_drift"]
            assert (await second.call.orders(1))[0]["number"] not in {o["number"] for o in expected["orders"]}


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.matrix)])
async def test_it_stops_in_time_with_requests_hanging_everywhere(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "box"
    async with process(folder) as running, aiohttp.ClientSession() as session:
        for system, kind in (("whmcs", "timeout_before"), ("salesforce", "hold")):
            await running.call("POST", "/faults", {"system": system, "kind": kind, "count": 9})
        whmcs, salesforce = running.told["whmcs"], running.told["salesforce"]
        hanging = [
            asyncio.create_task(_ask(session, whmcs["url"])),
            asyncio.create_task(_ask(session, salesforce["token_url"])),
        ]
        async with asyncio.timeout(100):
            while len(await running.call("GET", "/traffic")) < 2:
                pass
        assert not any(task.done() for task in hanging)
        assert await running.end(number) == 0
        await asyncio.wait(hanging, timeout=60)


async def _ask(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.post(url, data={"action": "GetOrders"}) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_a_second_one_in_the_same_folder_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    async with process(folder) as first:
        with pytest.raises(SandboxError, match=f"process {first.process.pid}"):
            await run_sandbox(folder, tell=print)


async def test_its_files_are_private_and_name_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    async with process(folder) as running:
        for path in folder.rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        assert {
            "salesforce",
            "whmcs",
            "esim",
            "mail",
            "control_url",
            "portal_toml",
            "esim_stock",
        } <= running.told.keys()
        assert (folder / "esim-stock.csv").read_text("utf-8").startswith("iccid,type,batch\n8981")


async def test_customers_go_on_ordering_and_a_clerk_approves(tmp_path: Path) -> None:
    async with process(tmp_path / "box", orders_per_minute=1200) as running:
        async with asyncio.timeout(100):
            while True:
                expected = (await running.call("GET", "/expected"))["orders"]
                if len(expected) > 5 and any(order["approved_at"] for order in expected):
                    break
                await asyncio.sleep(0.05)
        assert await running.end(signal.SIGTERM) == 0


async def test_a_folder_keeps_its_world(tmp_path: Path) -> None:
    await Sandbox(tmp_path, seed=5, customers=8).stop()
    kept = Sandbox(tmp_path)
    await kept.stop()
    assert (kept.world.seed, len(kept.world.people)) == (5, 8)
    with pytest.raises(SandboxError, match="holds a sandbox with seed 5, not 6"):
        Sandbox(tmp_path, seed=6)


async def test_whoever_approves_by_rest_starts_the_flow(tmp_path: Path) -> None:
    """Not the control API: an approver's own login, with a client that is not ours."""
    async with process(tmp_path / "box") as running, aiohttp.ClientSession() as session:
        (order,) = await running.call.orders(1)
        approver = running.told["salesforce"]["users"]["approver"]
        login = {"grant_type": "client_credentials", "client_id": approver["client_id"]}
        async with session.post(
            running.told["salesforce"]["token_url"], data={**login, "client_secret": approver["client_secret"]}
        ) as answer:
            token = (await answer.json())["access_token"]
        url = f"{running.told['salesforce']['instance_url']}/services/data/v63.0/sobjects/Order/{order['id']}"
        headers = {"Authorization": f"Bearer {token}"}
        async with session.patch(url, json={"Status": "Approved"}, headers=headers) as answer:
            assert answer.status == 204
        (event,) = (await running.call("GET", "/world"))["salesforce"]["events"]
        assert event["OrderId__c"] == order["id"]
        (expected,) = (await running.call("GET", "/expected"))["orders"]
        assert expected["approved_at"] is not None
