"""What was answered stands after a restart, and what was rolled back does not (rules §14: the file is the truth)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.faults import Faults
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.whmcs import Switches, WhmcsSandbox
from integrations.sandbox.whmcs.records import Records
from tests.integrations.sandbox.whmcs.conftest import CARD, ESIM, WORLD, Wire


async def test_everything_survives_a_restart(open_wire: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    first_store = Store(path)
    wire: Wire = await open_wire(store=first_store)
    added = await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **{"pid[]": ESIM})
    await wire.ok("AcceptOrder", orderid=added["orderid"])
    wire.sandbox.switch(types="string", module_failure=[2], denied=["SendEmail"])
    before = wire.sandbox.world()
    await wire.sandbox.stop()
    first_store.close()
    second_store = Store(path)
    again: Wire = await open_wire(store=second_store)
    assert again.sandbox.world() == before
    assert again.sandbox.switches == Switches(types="string", module_failure=(2,), denied=frozenset({"SendEmail"}))
    assert (await again.ok("GetOrders", userid=CARD))["totalresults"] == "2"
    new = await again.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **{"pid[]": ESIM})
    assert new["orderid"] == str(added["orderid"] + 1)
    await again.sandbox.stop()
    second_store.close()


def test_the_index_forgets_what_was_rolled_back() -> None:
    store = Store()
    records = Records(store)
    with pytest.raises(ZeroDivisionError), store.transaction():
        records.orders.put({"id": 1, "userid": 5})
        raise ZeroDivisionError
    assert records.orders.of(5) == []
    with store.transaction():
        records.orders.put({"id": 1, "userid": 6})
    assert records.orders.of(5) == []
    assert [order["id"] for order in records.orders.of(6)] == [1]
    store.close()


def test_the_same_seed_fills_the_same_world() -> None:
    worlds = []
    for _ in range(2):
        store = Store()
        sandbox = WhmcsSandbox(store, Faults(store), Traffic(), seed=5)
        sandbox.load(WORLD)
        sandbox.load(WORLD)
        worlds.append(sandbox.world())
        store.close()
    assert worlds[0]["orders"] == worlds[1]["orders"]
    assert len(worlds[0]["clients"]) == len(WORLD.people)
