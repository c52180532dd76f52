"""Faults on demand, and what the traffic log says of requests."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.integrations.sandbox.salesforce.conftest import DATA, Bench, Wire
from tests.integrations.sandbox.salesforce.test_composite import answers, sub


def fault(bench: Bench, operation: str, kind: str, **options: Any) -> None:
    more = {key: options.pop(key) for key in ("count", "after", "where") if key in options}
    bench.faults.add(system="salesforce", operation=operation, kind=kind, options=options, **more)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 -- what is awaited is the state of the sandbox
            await asyncio.sleep(0.01)


async def test_an_expired_token(bench: Bench, wire: Wire) -> None:
    other = bench.wire("placer")
    fault(bench, "limits", "expire_token")
    reply = await wire.get("/limits")
    assert (reply.status, reply.body[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert (await other.get("/limits")).status == 401, "every session ended"
    assert (await bench.wire().get("/limits")).status == 200


async def test_an_expired_token_refuses_before_any_effect(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "order.patch", "expire_token")
    assert (await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"})).status == 401
    assert "Description" not in bench.order(key)


async def test_the_daily_limit(bench: Bench, wire: Wire) -> None:
    fault(bench, "*", "limit_daily")
    expected = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    reply = await wire.get("/limits")
    assert (reply.status, reply.body) == (403, expected)
    fault(bench, "*", "http_403", json=True)
    assert (await wire.get("/limits")).body == expected
    bench.sandbox.org.usage.used = bench.sandbox.org.usage.limit
    assert (await wire.get("/limits")).body == expected, "the real limit, without a fault"


async def test_the_concurrency_limit(bench: Bench, wire: Wire) -> None:
    fault(bench, "limits", "limit_concurrent")
    reply = await wire.get("/limits")
    assert reply.status == 403 and reply.body[0]["message"].startswith("ConcurrentRequests")


@pytest.mark.parametrize(("kind", "code"), [("http_500", "UNKNOWN_EXCEPTION"), ("http_503", "SERVER_UNAVAILABLE")])
async def test_server_errors_in_both_wordings(bench: Bench, wire: Wire, kind: str, code: str) -> None:
    fault(bench, "limits", kind, json=True)
    fault(bench, "limits", kind)
    assert (await wire.get("/limits")).body[0]["errorCode"] == code
    page = await wire.get("/limits")
    assert page.status == int(kind[-3:]) and page.body.startswith("<html>")


async def test_a_locked_row(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "order.patch", "lock_row")
    reply = await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"})
    assert (reply.status, reply.body[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    assert key[:15] in reply.body[0]["message"]
    fault(bench, "order.patch", "lock_row")
    group = answers(await wire.composite(sub("a", "PATCH", f"/sobjects/Order/{key}", {"Description": "x"})))
    assert group["a"]["body"][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert "Description" not in bench.order(key)


async def test_a_stale_read_shows_the_row_before_its_last_change(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    await wire.patch(f"/sobjects/Order/{key}", {"Description": "first"})
    await wire.patch(f"/sobjects/Order/{key}", {"Description": "second", "Status": "Approved"})
    fault(bench, "*", "stale_read", count=3)
    assert (await wire.get(f"/sobjects/Order/{key}")).body["Description"] == "first"
    rows = await wire.rows(f"SELECT Description FROM Order WHERE Id = '{key}' AND Status = 'Pending Review'")
    assert [row["Description"] for row in rows] == ["first"]
    group = answers(await wire.composite(sub("a", "GET", f"/sobjects/Order/{key}")))
    assert group["a"]["body"]["Status"] == "Pending Review"
    assert (await wire.get(f"/sobjects/Order/{key}")).body["Description"] == "second"


async def test_a_write_is_never_served_stale(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "*", "stale_read")
    await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"})
    assert bench.faults.all()[0].used == 0


async def test_an_answer_lost_after_the_commit(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "order.patch", "timeout_after", where={"order": key})
    task = asyncio.create_task(wire.patch(f"/sobjects/Order/{key}", {"Description": "x"}))
    await until(lambda: bench.order(key).get("Description") == "x")
    bench.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await task
    assert bench.traffic.since()[-1]["answered"] is False


async def test_a_request_lost_before_the_effect(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "order.patch", "reset")
    with pytest.raises(aiohttp.ClientError):
        await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"})
    assert "Description" not in bench.order(key)


async def test_an_effect_that_lands_late(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "order.patch", "late_effect", delay=0.05)
    task = asyncio.create_task(wire.patch(f"/sobjects/Order/{key}", {"Status": "Approved"}))
    await until(lambda: bench.traffic.since()[-1:] != [] and bench.traffic.since()[-1]["operation"] == "order.patch")
    assert bench.order(key)["Status"] == "Pending Review"
    await until(lambda: bench.order(key)["Status"] == "Approved")
    assert len(bench.events()) == 1
    bench.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await task


async def test_a_truncated_answer(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "order.get", "truncate")
    with pytest.raises(aiohttp.ClientPayloadError):
        await wire.get(f"/sobjects/Order/{key}")


async def test_a_token_endpoint_that_refuses_or_talks_html(bench: Bench) -> None:
    end = bench.sandbox.endpoint()
    form = {"grant_type": "client_credentials", "client_id": end["client_id"], "client_secret": end["client_secret"]}
    fault(bench, "token", "refuse_login")
    fault(bench, "token", "html")
    async with bench.session.post(end["token_url"], data=form) as reply:
        assert (reply.status, (await reply.json())["error"]) == (400, "invalid_grant")
    async with bench.session.post(end["token_url"], data=form) as reply:
        assert (await reply.text()).startswith("<html>")
    async with bench.session.post(end["token_url"], data=form) as reply:
        assert reply.status == 200


async def test_operations_and_facts_in_the_traffic_log(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    line = bench.one("OrderItem", "OrderId", key)["Id"]
    await wire.patch(f"/sobjects/Order/{key[:15]}", {"Status": "Approved"})
    await wire.patch(f"/sobjects/OrderItem/{line}", {"WHMCS_Service_ID__c": "1"})
    await wire.composite(sub("a", "GET", f"/sobjects/Order/{key}"), sub("b", "GET", "/limits"))
    await wire.composite(
        sub("a", "GET", f"/sobjects/Order/{key}"),
        sub("b", "PATCH", f"/sobjects/OrderItem/{line}", {"WHMCS_Service_ID__c": "2"}),
        sub("c", "PATCH", f"/sobjects/Order/{key}", {"Status": "Failed"}),
    )
    await wire.query(f"SELECT Id FROM Order WHERE Id = '{key}'")
    made = await wire.post("/sobjects/Portal_Journal__c", {"Generation__c": 1})
    await wire.patch(f"/sobjects/Portal_Journal__c/{made.body['id']}", {"Highest_Feed__c": 2})
    await wire.send("DELETE", f"/sobjects/Portal_Journal__c/{made.body['id']}")
    await wire.post("/sobjects/OrderProvisionRequested__e", {"OrderId__c": key})
    await wire.get("/limits")
    records = [{"attributes": {"type": "Order"}, "id": key, "Description": "x"}]
    await wire.patch("/composite/sobjects", {"records": records})
    log = bench.traffic.since()
    assert [entry["operation"] for entry in log] == [
        "order.patch", "orderitem.patch", "composite", "orderitem.patch", "query", "journal.insert", "journal.patch",
        "journal.delete", "publish", "limits", "order.patch",
    ]  # fmt: skip
    about = [entry["facts"].get("order") for entry in log]
    assert about == [key, key, key, key, key, None, None, None, key, None, key]
    assert log[0]["facts"] | {"method": "PATCH", "status": "Approved", "object": "Order"} == log[0]["facts"]
    assert log[0]["facts"]["user"] == "integration"
    assert log[3]["facts"]["status"] == "Failed"
    assert all(entry["answered"] and entry["status"] for entry in log)
    assert wire.token not in str(log)


async def test_a_fault_can_aim_at_a_status(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    fault(bench, "order.patch", "http_500", where={"status": "Activated"})
    assert (await wire.patch(f"/sobjects/Order/{key}", {"Status": "Approved"})).status == 204
    assert (await wire.patch(f"{DATA}/sobjects/Order/{key}", {"Status": "Activated"})).status == 500
