"""Paging and sort order (facts/whmcs.md §2: neither may be relied on beyond what is documented)."""

import random
from typing import Any

from integrations.sandbox.whmcs.calls import SortOrder
from tests.integrations.sandbox.whmcs.conftest import CARD, SIM, Wire


async def fill(wire: Wire, count: int) -> None:
    for _ in range(count):
        await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", noemail=1, **{"pid[]": SIM})


async def ids(wire: Wire, **form: Any) -> list[int]:
    answer = await wire.ok("GetOrders", userid=CARD, **form)
    rows = [row["id"] for row in answer["orders"]["order"]]
    assert answer["numreturned"] == len(rows)
    return rows


async def test_pages_of_25_unless_asked_otherwise(wire: Wire) -> None:
    await fill(wire, 29)
    first = await wire.ok("GetOrders", userid=CARD)
    assert (first["totalresults"], first["startnumber"], first["numreturned"]) == (30, 0, 25)
    assert len(await ids(wire, limitstart=25)) == 5
    assert len(await ids(wire, limitnum=100)) == 30
    assert len(await ids(wire, limitnum=0)) == 25
    beyond = await wire.ok("GetOrders", userid=CARD, limitstart=30)
    assert (beyond["totalresults"], beyond["numreturned"], beyond["orders"]["order"]) == (30, 0, [])


async def test_a_scan_sees_every_row_once_though_the_order_is_random(wire: Wire) -> None:
    await fill(wire, 29)
    for _ in range(3):
        seen = [number for start in range(0, 30, 7) for number in await ids(wire, limitstart=start, limitnum=7)]
        assert len(seen) == len(set(seen)) == 30
    assert seen != sorted(seen)


async def test_short_lists_come_in_another_order_each_time(wire: Wire) -> None:
    await fill(wire, 5)
    assert len({tuple(await ids(wire)) for _ in range(10)}) > 1
    wire.sandbox.switch(sort="desc")
    assert len({tuple(await ids(wire)) for _ in range(3)}) == 1
    assert await ids(wire) == sorted(await ids(wire), reverse=True)


async def test_going_on_behind_a_short_page_reads_the_rest(wire: Wire) -> None:
    await fill(wire, 9)
    for _ in range(5):
        wire.fault("GetOrders", "short_page", options={"drop": 4})
        answer = await wire.ok("GetOrders", userid=CARD)
        first = {row["id"] for row in answer["orders"]["order"]}
        assert (len(first), answer["numreturned"]) == (6, 10)
        assert len(first | set(await ids(wire, limitstart=6))) == 10


async def test_chaos_lets_pages_overlap(wire: Wire) -> None:
    await fill(wire, 29)
    wire.sandbox.switch(sort="chaotic")
    seen = [number for start in range(0, 30, 5) for number in await ids(wire, limitstart=start, limitnum=5)]
    assert len(set(seen)) < 30


def test_the_order_is_drawn_anew_after_a_pause() -> None:
    now = [0.0]
    order = SortOrder(random.Random(1), lambda: now[0])
    first = order.salt("a", 0, long=True)
    assert order.salt("a", 25, long=True) == first
    assert order.salt("a", 0, long=True) == first
    now[0] += 6
    assert order.salt("a", 25, long=True) == first
    now[0] += 6
    assert order.salt("a", 0, long=True) != first


async def test_asked_orders_are_kept(wire: Wire) -> None:
    await fill(wire, 5)
    for order, wanted in (("asc", False), ("desc", True)):
        answer = await wire.ok("GetInvoices", userid=CARD, orderby="id", order=order)
        numbers = [row["id"] for row in answer["invoices"]["invoice"]]
        assert numbers == sorted(numbers, reverse=wanted)
    named = await wire.ok("GetClients", orderby="email", sorting="DESC")
    mails = [row["email"] for row in named["clients"]["client"]]
    assert mails == sorted(mails, reverse=True)
