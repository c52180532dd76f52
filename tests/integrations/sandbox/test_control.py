import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from integrations.esim.inventory import parse_inventory
from integrations.sandbox.esim import server as esim_server
from integrations.sandbox.fault_kinds import ES2PLUS, fault_kinds
from integrations.sandbox.server import Sandbox
from integrations.sandbox.whmcs import Switches
from tests.integrations.sandbox.rig import Caller, fitting, running

Rig = tuple[Sandbox, Caller]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(tmp_path / "box") as found:
        yield found


WRONG: list[tuple[str, Any, str, str | None]] = [
    ("/faults", [], "body", None),
    ("/faults", {"system": "whmcs", "kind": "reset", "cuont": 2}, "cuont", "count"),
    ("/faults", {"system": "whmsc", "kind": "reset"}, "system", "whmcs"),
    ("/faults", {"system": "whmcs", "operation": "addOrder", "kind": "reset"}, "operation", "AddOrder"),
    ("/faults", {"system": "whmcs", "kind": "pool_empty"}, "kind", "price_drift"),
    ("/faults", {"system": "esim", "operation": "confirmOrder", "kind": "pool_empty"}, "kind", "smds_down"),
    ("/faults", {"system": "whmcs", "kind": "reset", "count": 0}, "count", None),
    ("/faults", {"system": "whmcs", "kind": "reset", "where": "all"}, "where", None),
    ("/faults", {"kind": "reset"}, "system", None),
    ("/orders", {"count": "many"}, "count", None),
    ("/orders", {"kinds": ["fax"]}, "kinds", "internet"),
    ("/orders", {"customer": "C-999999"}, "customer", "C-004009"),
    ("/orders", {"status": "Activated"}, "status", "Pending Review"),
    ("/approve", {"ids": ["801"], "all": True}, "ids", "all"),
    ("/approve", {"all": True, "count": 3}, "ids", "count"),
    ("/stock", {"type": "5G", "count": 3}, "type", "TRAVEL-10G"),
    ("/paymethods", {"client": 7, "kind": "card"}, "client", None),
    ("/paymethods", {"client": 1001, "kind": "cash"}, "kind", "invoice"),
    ("/switches", {"whmcs": {"typs": "int"}}, "whmcs.typs", "types"),
    ("/switches", {"whmcs": {"types": "float"}}, "whmcs.types", None),
    ("/compare", {"acts": {"undone": "all"}}, "acts.undone", None),
]


async def test_a_request_that_is_wrong_is_told_why(rig: Rig) -> None:
    for path, body, field, valid in WRONG:
        found = await rig[1]("POST", path, body, status=400)
        assert found["field"] == field, found
        assert found["problem"] and found["error"] == f"{field}: {found['problem']}"
        assert valid is None or valid in found["valid"], found


async def test_a_near_miss_is_named_and_broken_json_is_none(rig: Rig) -> None:
    sandbox, call = rig
    found = await call("POST", "/faults", {"system": "whmcs", "kind": "timeot_after"}, status=400)
    assert "did you mean 'timeout_after'?" in found["error"]
    async with aiohttp.ClientSession() as session, session.post(f"{sandbox.control_url}/faults", data="{") as answer:
        assert answer.status == 400 and (await answer.json())["field"] == "body"


async def test_faults_are_set_listed_and_cleared(rig: Rig) -> None:
    _, call = rig
    fault = await call(
        "POST", "/faults", {"system": "whmcs", "kind": "http_503", "where": {"clientid": 1001}, "options": {"delay": 1}}
    )
    assert fault == {
        "id": 1, "system": "whmcs", "operation": "*", "kind": "http_503", "count": 1, "after": 0,
        "where": {"clientid": "1001"}, "options": {"delay": 1}, "used": 0,
    }  # fmt: skip
    assert await call("GET", "/faults") == [fault]
    assert await call("DELETE", "/faults") == {"cleared": 1}
    assert await call("GET", "/faults") == []


async def test_every_system_has_the_kinds_that_it_obeys(rig: Rig) -> None:
    kinds = fault_kinds(["Order", "OrderItem", "Portal_Journal__c"])
    for system, operation, kind in (
        ("salesforce", "order.patch", "lock_row"),
        ("salesforce", "orderitem.patch", "timeout_after"),
        ("salesforce", "journal.insert", "late_effect"),
        ("salesforce", "token", "refuse_login"),
        ("salesforce", "composite", "stale_read"),
        ("salesforce", "publish", "lose_event"),
        ("salesforce", "query", "expire_token"),
        ("salesforce", "cometd.connect", "lose_event"),
        ("salesforce", "cometd.subscribe", "expire_replay"),
        ("whmcs", "GetOrders", "empty_ok"),
        ("whmcs", "GetClientsProducts", "short_page"),
        ("whmcs", "AcceptOrder", "module_fails"),
        ("esim", "downloadOrder", "pool_empty"),
        ("mail", "message", "timeout_after"),
    ):
        assert kind in kinds[system][operation], (system, operation, kind)
    assert ES2PLUS == esim_server._OWN_KINDS


async def test_orders_are_placed_as_asked(rig: Rig) -> None:
    sandbox, call = rig
    found = await call("POST", "/orders", {"count": 3, "kinds": ["esim"], "customer": sandbox.world.people[1].number})
    assert found["ids"] == [order["id"] for order in found["orders"]]
    assert {(order["kind"], order["client"], tuple(order["skus"])) for order in found["orders"]} == {
        ("esim", 1002, ("ESIM-25G", "SIM-ACTIVATION"))
    }
    (draft,) = await call.orders(status="Draft")
    (approved,) = await call.orders(approve=True)
    rows = {row["Id"]: row for row in (await call("GET", "/world"))["salesforce"]["orders"]}
    assert rows[found["ids"][0]]["Status"] == "Pending Review"
    assert rows[found["ids"][0]]["Portal_Recipient_Email__c"] == sandbox.world.people[1].email
    assert (rows[draft["id"]]["Status"], rows[approved["id"]]["Status"]) == ("Draft", "Approved")
    assert len({row["Portal_Order_Key__c"] for row in rows.values() if "Portal_Order_Key__c" in row}) == 5


async def test_equal_sandboxes_place_equal_orders(tmp_path: Path) -> None:
    placed = []
    for name in ("one", "two"):
        async with running(tmp_path / name) as (_, call):
            placed.append(await call.orders(20))
    assert placed[0] == placed[1]
    assert len({tuple(order["skus"]) for order in placed[0]}) > 3


async def test_old_orders_are_old_in_salesforce(rig: Rig) -> None:
    _, call = rig
    (order,) = await call.orders(approve=True, days_ago=40)
    (row,) = [r for r in (await call("GET", "/world"))["salesforce"]["orders"] if r["Id"] == order["id"]]
    assert row["Status"] == "Approved"
    assert row["LastModifiedDate"] == row["CreatedDate"] == row["SystemModstamp"]
    (expected,) = (await call("GET", "/expected"))["orders"]
    assert row["LastModifiedDate"][:19] == expected["approved_at"][:19]
    assert [end["state"] for end in expected["allowed"]] == ["held"]


async def test_approvals_run_the_flow_once(rig: Rig) -> None:
    _, call = rig
    ids = [order["id"] for order in await call.orders(5)]
    assert await call("POST", "/approve", {"ids": ids[:1]}) == {"ids": ids[:1]}
    assert await call("POST", "/approve", {"count": 2}) == {"ids": ids[1:3]}
    assert await call("POST", "/approve", {"n": 1}) == {"ids": ids[3:4]}
    assert await call("POST", "/approve", {}) == {"ids": ids[4:]}
    assert [event["OrderId__c"] for event in (await call("GET", "/world"))["salesforce"]["events"]] == ids
    assert "is Approved already" in (await call("POST", "/approve", {"ids": ids[:1]}, status=409))["error"]
    assert "there is no order" in (await call("POST", "/approve", {"ids": ["801"]}, status=409))["error"]


async def test_an_approval_of_several_is_all_or_nothing(rig: Rig) -> None:
    _, call = rig
    (first, second) = await call.orders(2)
    await call("POST", "/cancel", {"id": second["id"]})
    refused = await call("POST", "/approve", {"ids": [first["id"], second["id"]]}, status=409)
    assert f"order {second['number']} is Cancelled" in refused["error"]
    rows = {row["Id"]: row for row in (await call("GET", "/world"))["salesforce"]["orders"]}
    assert rows[first["id"]]["Status"] == "Pending Review"


async def test_what_salesforce_refuses_is_told(rig: Rig) -> None:
    sandbox, call = rig
    (order,) = await call.orders(approve=True)
    async with fitting(sandbox.folder, sandbox) as fitter:
        await fitter.crm.patch_order(order["id"], {"Status": "Provisioning"})
        await fitter.crm.patch_order(order["id"], {"Status": "Activated"})
    refused = await call("POST", "/cancel", {"id": order["id"]}, status=409)
    assert "is Activated" in refused["error"]


async def test_a_refill_is_at_the_provider_and_in_a_file_to_import(rig: Rig) -> None:
    _, call = rig
    stock = await call("POST", "/stock", {"type": "TRAVEL-10G", "count": 4})
    rows = parse_inventory(stock["csv"].encode()).rows
    assert [row.profile_type for row in rows] == ["TRAVEL-10G"] * 4
    assert Path(stock["file"]).read_text("utf-8") == stock["csv"]
    held = {row["iccid"]: row["state"] for row in (await call("GET", "/world"))["esim"]["profiles"]}
    assert {held[row.iccid] for row in rows} == {"Available"}
    again = parse_inventory((await call("POST", "/stock", {"type": "TRAVEL-10G", "count": 4}))["csv"].encode()).rows
    assert not {row.iccid for row in rows} & {row.iccid for row in again}


@pytest.mark.parametrize(
    ("kind", "gateway", "cards"),
    [("card", "stripe", 1), ("invoice", "banktransfer", 0), ("none", "stripe", 0), ("expired", "stripe", 1)],
)
async def test_pay_methods_change_in_billing(rig: Rig, kind: str, gateway: str, cards: int) -> None:
    sandbox, call = rig
    for number in (1001, sandbox.world.people[2].number):
        client = (await call("POST", "/paymethods", {"client": number, "kind": kind}))["client"]
        async with fitting(sandbox.folder, sandbox) as fitter:
            found = await fitter.billing.get_client(str(client))
            methods = await fitter.billing.get_pay_methods(str(client))
        assert (found.default_gateway, len(methods)) == (gateway, cards)
        assert all((method.expiry or (0, 0)) < (2021, 1) for method in methods) or kind == "card"


async def test_a_phone_takes_a_profile_that_was_released(rig: Rig) -> None:
    sandbox, call = rig
    number = next(person.number for person in sandbox.world.people if person.pays_by == "card")
    (order,) = await call.orders(kinds=["travel"], customer=number, approve=True)
    async with fitting(sandbox.folder, sandbox) as fitter:
        await fitter.provision(order["id"])
    (iccid,) = [p["iccid"] for p in (await call("GET", "/world"))["esim"]["profiles"] if p["state"] == "Released"]
    installed = await call("POST", "/phone", {"act": "install", "iccid": iccid})
    assert (installed["state"], installed["pair"]) == ("Installed", "")
    assert [sent["point"] for sent in installed["sent"]] == [1, 3, 4], "nobody listens, and that is told"
    assert (await call("POST", "/phone", {"act": "enable", "iccid": iccid}))["pair"] == ""
    assert (await call.verdict({order["id"]: "done"}))["ok"], "an installed profile is still one profile"
    refused = await call("POST", "/phone", {"act": "install", "iccid": sandbox.world.profiles[0].iccid}, status=409)
    assert "no order has an activation code" in refused["error"]
    assert (await call("POST", "/phone", {"act": "eat", "iccid": iccid}, status=400))["field"] == "act"


async def test_switches_change_the_installation_and_stay(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    async with running(folder) as (_, call):
        told = await call("POST", "/switches", {"whmcs": {"types": "string", "denied": ["GetPayMethods"]}})
        assert (told["whmcs"]["types"], told["whmcs"]["denied"]) == ("string", ["GetPayMethods"])
    async with running(folder) as (sandbox, call):
        assert sandbox.whmcs.switches == Switches(types="string", denied=frozenset({"GetPayMethods"}))
        (order,) = await call.orders(approve=True)
        (row,) = [row for row in (await call("GET", "/expected"))["orders"] if row["id"] == order["id"]]
        assert {"failed", "parked"} <= {end["state"] for end in row["allowed"]}


async def test_traffic_is_told_in_order(rig: Rig) -> None:
    sandbox, call = rig
    async with fitting(sandbox.folder, sandbox) as fitter:
        await fitter.billing.get_client("1001")
        await fitter.crm.org()
    entries = await call("GET", "/traffic")
    assert (entries[0]["system"], entries[0]["operation"]) == ("whmcs", "GetClientsDetails")
    assert [e["n"] for e in entries] == list(range(1, len(entries) + 1))
    assert await call("GET", f"/traffic?since={len(entries) - 1}") == entries[-1:]
    assert (await call("GET", "/traffic?since=x", status=400))["field"] == "since"
    assert await call("DELETE", "/traffic") == {"cleared": len(entries)}
    assert await call("GET", "/traffic") == []


async def test_a_held_call_is_seen_while_it_is_held(rig: Rig) -> None:
    sandbox, call = rig
    await call("POST", "/faults", {"system": "whmcs", "operation": "GetClientsDetails", "kind": "hold"})
    async with fitting(sandbox.folder, sandbox) as fitter:
        asking = asyncio.create_task(fitter.billing.get_client("1001"))
        async with asyncio.timeout(60):
            while not ((entries := await call("GET", "/traffic")) and entries[0]["fault"]):
                pass
        assert (entries[0]["fault"], entries[0]["answered"]) == ("hold", False)
        await call("DELETE", "/faults")
        await asyncio.wait({asking})
        assert asking.exception() is not None
