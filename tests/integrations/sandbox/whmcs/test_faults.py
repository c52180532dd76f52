"""Failures on demand: those of HTTP and this server's own (design/rules.md §14)."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import pytest

from tests.integrations.sandbox.whmcs.conftest import CARD, ESIM, FIBRE, INVOICE, NONE, SIM, SPEED_OPTION, Wire
from tests.integrations.sandbox.whmcs.packing import packed

ORDER: dict[str, Any] = {"clientid": CARD, "paymentmethod": "stripe", "pid[0]": SIM, "pid[1]": ESIM}


def orders(wire: Wire) -> int:
    return int(wire.sandbox.world()["counts"]["orders"].get(str(CARD), 0))


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not happened():  # noqa: ASYNC110 (the far side has no event to wait for)
            await asyncio.sleep(0.01)


async def raw(wire: Wire, action: str, form: Mapping[str, Any], seconds: float = 60.0) -> tuple[int, str]:
    fields = {"action": action, **wire.credentials(), **form}
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with wire.session.post(wire.endpoint["url"], data=fields, timeout=timeout) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [("http_500", 500, 0), ("http_503", 503, 0), ("html", 200, 0), ("http_403", 403, 0), ("http_429", 429, 0),
     ("malformed", 200, 1)],
)  # fmt: skip
async def test_spoilt_answers_are_no_json(wire: Wire, kind: str, status: int, made: int) -> None:
    wire.fault("AddOrder", kind)
    got, text = await raw(wire, "AddOrder", ORDER)
    assert got == status
    assert "success" not in text
    assert orders(wire) == made
    assert wire.traffic.since()[-1]["fault"] == kind
    assert (await wire.ok("AddOrder", **ORDER))["orderid"]


@pytest.mark.parametrize(("kind", "made"), [("timeout_before", 0), ("timeout_after", 1), ("hold", 1)])
async def test_no_answer_with_or_without_the_effect(wire: Wire, kind: str, made: int) -> None:
    fault = wire.fault("AddOrder", kind)
    asked = asyncio.create_task(raw(wire, "AddOrder", ORDER, seconds=60))
    await until(lambda: fault.used and orders(wire) == made)
    done, _ = await asyncio.wait({asked}, timeout=0.1)
    assert not done
    assert orders(wire) == made
    wire.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await asked
    assert wire.traffic.since()[-1]["answered"] is False


@pytest.mark.parametrize(("kind", "made"), [("reset", 0), ("truncate", 1)])
async def test_broken_connections(wire: Wire, kind: str, made: int) -> None:
    wire.fault("AddOrder", kind)
    with pytest.raises(aiohttp.ClientError):
        await raw(wire, "AddOrder", ORDER)
    assert orders(wire) == made


async def test_a_late_effect_lands_after_the_first_look(wire: Wire) -> None:
    wire.fault("AddOrder", "late_effect", options={"delay": 1.0})
    with pytest.raises(TimeoutError):
        await raw(wire, "AddOrder", ORDER, seconds=0.1)
    assert (await wire.ok("GetOrders", userid=CARD))["totalresults"] == 1
    await until(lambda: orders(wire))
    assert (await wire.ok("GetOrders", userid=CARD))["totalresults"] == 2


async def test_slow_answers_come(wire: Wire) -> None:
    wire.fault("GetOrders", "slow", options={"delay": 0.2})
    before = time.monotonic()
    await wire.ok("GetOrders")
    assert time.monotonic() - before >= 0.2


async def test_a_list_is_lost_and_still_a_success(wire: Wire) -> None:
    wire.fault("*", "empty_ok", count=60)
    seen = set()
    for _ in range(30):
        for action, form, key in (
            ("GetOrders", {"userid": CARD}, "orders"), ("GetClientsProducts", {"clientid": CARD}, "products"),
        ):  # fmt: skip
            answer = await wire.ok(action, **form)
            lost = answer.get(key, "missing")
            assert lost in ("missing", "", None, [], {}) or not any(lost.values())
            assert answer.get("totalresults", "missing") in (1, 2, "missing")
            seen.add((str(lost), "totalresults" in answer))
    assert len(seen) >= 10
    assert (await wire.ok("GetOrders", userid=CARD))["numreturned"] == 1


async def test_a_lost_list_may_lie_about_its_total(wire: Wire) -> None:
    wire.fault("GetOrders", "empty_ok", options={"shape": "nested", "totals": "zero"})
    answer = await wire.ok("GetOrders", userid=CARD)
    assert (answer["totalresults"], answer["numreturned"], answer["orders"]) == (0, 0, {"order": []})


async def test_pay_methods_are_lost_unreadably(wire: Wire) -> None:
    wire.fault("GetPayMethods", "empty_ok", count=40)
    shapes = {str((await wire.ok("GetPayMethods", clientid=CARD)).get("paymethods", "missing")) for _ in range(40)}
    assert shapes == {"missing", "", "None", "{}"}
    assert (await wire.ok("GetPayMethods", clientid=NONE))["paymethods"] == []


async def test_a_page_is_shorter_than_it_says(wire: Wire) -> None:
    wire.fault("GetClientsProducts", "short_page")
    answer = await wire.ok("GetClientsProducts", clientid=CARD)
    assert (answer["totalresults"], answer["numreturned"], len(answer["products"]["product"])) == (2, 2, 1)


async def test_a_stale_read_does_not_know_the_last_order(wire: Wire) -> None:
    added = await wire.ok("AddOrder", **ORDER)
    wire.fault("*", "stale_read", count=4)
    assert (await wire.ok("GetOrders", id=added["orderid"]))["totalresults"] == 0
    assert (await wire.ok("GetOrders", userid=CARD))["totalresults"] == 1
    services = (await wire.ok("GetClientsProducts", clientid=CARD))["products"]["product"]
    assert added["orderid"] not in {row["orderid"] for row in services}
    assert (await wire.ok("GetInvoices", userid=CARD))["totalresults"] == 1
    assert (await wire.ok("GetOrders", userid=CARD))["totalresults"] == 2


async def test_the_module_fails_for_one_item(wire: Wire) -> None:
    added = await wire.ok("AddOrder", **ORDER)
    wire.fault("*", "module_fails", options={"item": 2, "message": "No ICCIDs left"})
    assert await wire.refused("AcceptOrder", orderid=added["orderid"]) == "No ICCIDs left"
    runs = [(run["pid"], run["ok"]) for run in wire.sandbox.world()["module_runs"]]
    assert runs == [(SIM, True), (ESIM, False)]
    await wire.ok("ModuleCreate", serviceid=added["serviceids"].split(",")[1])
    assert [run["ok"] for run in wire.sandbox.world()["module_runs"]] == [True, False, True]


async def test_the_module_fails_in_module_create(wire: Wire) -> None:
    added = await wire.ok("AddOrder", **ORDER)
    wire.fault("ModuleCreate", "module_fails")
    assert "server" in await wire.refused("ModuleCreate", serviceid=added["serviceids"].split(",")[0])


async def test_the_price_drifts(wire: Wire) -> None:
    wire.fault("AddOrder", "price_drift", options={"item": 2, "amount": 50}, where={"clientid": str(CARD)})
    other = await wire.ok("AddOrder", **{**ORDER, "clientid": INVOICE})
    drifted = await wire.ok("AddOrder", **ORDER)
    amounts = []
    for added in (other, drifted):
        for number in added["serviceids"].split(","):
            row = (await wire.ok("GetClientsProducts", serviceid=number))["products"]["product"][0]
            amounts.append((row["pid"], row["firstpaymentamount"], row["recurringamount"]))
    assert amounts == [
        (SIM, "1980.00", "1980.00"), (ESIM, "2455.00", "2455.00"),
        (SIM, "1980.00", "1980.00"), (ESIM, "2505.00", "2505.00"),
    ]  # fmt: skip
    wire.sandbox.switch(price_drift=-10)
    cheap = await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **{"pid[]": SIM})
    assert (await wire.ok("GetInvoice", invoiceid=cheap["invoiceid"]))["subtotal"] == "1970.00"


async def test_an_option_is_ignored(wire: Wire) -> None:
    wire.fault("AddOrder", "ignored_option")
    form = {"pid[]": FIBRE, "configoptions[]": packed({SPEED_OPTION: 712})}
    chosen = []
    for _ in range(2):
        added = await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **form)
        row = (await wire.ok("GetClientsProducts", serviceid=added["serviceids"]))["products"]["product"][0]
        chosen.append(row["configoptions"]["configoption"][0]["value"])
    assert chosen == ["1 Gbps", "10 Gbps"]


async def test_a_role_is_denied_for_a_while(wire: Wire) -> None:
    wire.fault("GetPayMethods", "role_denied", count=1)
    status, answer = await wire.reply("GetPayMethods", clientid=CARD)
    assert (status, answer["message"]) == (403, 'Invalid Permissions: API action "getpaymethods" is not allowed')
    await wire.ok("GetPayMethods", clientid=CARD)
    assert [hit.kind for hit in wire.faults.hits()] == ["role_denied"]


async def test_only_a_warning(wire: Wire) -> None:
    wire.fault("AddOrder", "warning_only")
    status, answer = await wire.reply("AddOrder", **ORDER)
    assert (status, list(answer)) == (200, ["warning"])
    assert orders(wire) == 0


async def test_a_kind_waits_for_an_action_that_it_can_spoil(wire: Wire) -> None:
    fault = wire.fault("*", "module_fails")
    await wire.ok("GetOrders")
    await wire.ok("AddOrder", **ORDER)
    assert fault.used == 0


async def test_kinds_are_listed_by_action(wire: Wire) -> None:
    kinds = wire.sandbox.fault_kinds()
    assert {"module_fails", "late_effect", "role_denied"} <= kinds["AcceptOrder"]
    assert "module_fails" not in kinds["GetOrders"]
    assert kinds["*"] >= kinds["AddOrder"] | kinds["GetOrders"]


async def test_stopping_does_not_wait_for_hanging_requests(wire: Wire) -> None:
    wire.fault("GetOrders", "hold")
    asked = asyncio.create_task(raw(wire, "GetOrders", {}))
    await until(wire.faults.hits)
    await wire.sandbox.stop()  # the request would be held for an hour
    with pytest.raises(aiohttp.ClientError):
        await asked
