"""The verdict over real servers: right work is right, and every kind of double effect is seen."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.server import Sandbox
from tests.integrations.sandbox.rig import Caller, Fitter, fitting, running

Rig = tuple[Sandbox, Caller, Fitter]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    folder = tmp_path / "box"
    async with running(folder) as (sandbox, call), fitting(folder, sandbox) as fitter:
        yield sandbox, call, fitter


def payer(sandbox: Sandbox, pays_by: str = "card") -> str:
    return next(person.number for person in sandbox.world.people if person.pays_by == pays_by)


async def done(rig: Rig, kind: str) -> dict[str, Any]:
    """One order, placed, approved and provisioned."""
    sandbox, call, fitter = rig
    (order,) = await call.orders(kinds=[kind], customer=payer(sandbox), approve=True)
    await fitter.provision(order["id"])
    return order


def doubles(verdict: dict[str, Any]) -> set[str]:
    return {finding["what"] for finding in verdict["duplicates"]}


@pytest.mark.parametrize("kind", ["internet", "sim", "travel", "vpn", "bundle"])
async def test_right_work_is_right(rig: Rig, kind: str) -> None:
    order = await done(rig, kind)
    verdict = await rig[1].verdict({order["id"]: "done"})
    assert verdict["ok"], verdict
    assert (await rig[1].verdict())["ok"], "the product's word is not needed"


async def test_every_state_of_the_world_is_told(rig: Rig) -> None:
    sandbox, call, _ = rig
    placed = {
        "no_pay_method": await call.orders(customer=payer(sandbox, "none"), approve=True),
        "card_expired": await call.orders(customer=payer(sandbox, "expired"), approve=True),
        "esim_quantity": await call.orders(customer=payer(sandbox), kinds=["double_esim"], approve=True),
        "recipient_differs": await call.orders(customer=payer(sandbox), kinds=["wrong_recipient"], approve=True),
        "starts_later": await call.orders(customer=payer(sandbox), kinds=["starts_later"], approve=True),
        "before_start": await call.orders(customer=payer(sandbox), approve=True, days_ago=3),
        "not_approved": await call.orders(customer=payer(sandbox)),
        "": await call.orders(customer=payer(sandbox), approve=True),
    }
    expected = {row["id"]: row["allowed"] for row in (await call("GET", "/expected"))["orders"]}
    for reason, (order,) in placed.items():
        assert [end["reason"] for end in expected[order["id"]]] == [reason]


async def test_a_mended_pay_method_lets_the_order_be_done(rig: Rig) -> None:
    sandbox, call, _ = rig
    number = payer(sandbox, "none")
    await call.orders(customer=number, approve=True)
    await call("POST", "/paymethods", {"client": number, "kind": "card"})
    (row,) = (await call("GET", "/expected"))["orders"]
    assert [end["state"] for end in row["allowed"]] == ["done"]


async def test_what_a_person_cancelled_is_expected_so(rig: Rig) -> None:
    sandbox, call, _ = rig
    (order,) = await call.orders(customer=payer(sandbox), approve=True)
    await call("POST", "/cancel", {"id": order["id"]})
    verdict = await call.verdict({})
    assert verdict["ok"] and verdict["orders"][0]["allowed"][0]["state"] == "cancelled"


async def test_what_the_product_cancelled_must_have_been_wanted(rig: Rig) -> None:
    sandbox, call, fitter = rig
    (order,) = await call.orders(customer=payer(sandbox), approve=True)
    await fitter.crm.patch_order(order["id"], {"Status": "Cancelled"})
    assert (await call.verdict())["orders"][0]["problem"] == "is Cancelled, should be done"
    assert (await call.verdict(cancelled=[order["id"]]))["ok"]


async def test_an_approved_order_that_nobody_took_is_lost(rig: Rig) -> None:
    sandbox, call, _ = rig
    (order,) = await call.orders(customer=payer(sandbox), approve=True)
    verdict = await call.verdict({})
    assert verdict["lost"] == [order["id"]] and not verdict["ok"]


async def test_a_second_bill_is_seen(rig: Rig) -> None:
    order = await done(rig, "internet")
    _, call, fitter = rig
    await fitter.add_order(await fitter.crm.read_order(order["id"]))
    assert doubles(await call.verdict()) >= {"whmcs_order", "whmcs_invoice", "whmcs_service"}


async def test_a_second_bill_that_was_cancelled_is_seen_unless_a_person_took_it_back(rig: Rig) -> None:
    order = await done(rig, "internet")
    _, call, fitter = rig
    bill, _ = await fitter.add_order(await fitter.crm.read_order(order["id"]))
    await fitter.billing.cancel_order(bill)
    assert "whmcs_order_withdrawn" in doubles(await call.verdict())
    verdict = await call.verdict(undone=[order["id"]])
    assert "whmcs_order_withdrawn" not in doubles(verdict)


async def test_a_profile_too_many_is_seen(rig: Rig) -> None:
    await done(rig, "travel")
    _, call, fitter = rig
    await fitter.order_profile("TRAVEL-10G")
    assert doubles(await call.verdict()) == {"profile"}


async def test_a_second_mail_is_seen(rig: Rig) -> None:
    order = await done(rig, "travel")
    _, call, fitter = rig
    bundle = await fitter.crm.read_order(order["id"])
    await fitter.send(bundle, "again")
    assert doubles(await call.verdict()) == {"order_mail"}
    await fitter.send(bundle, "order")
    assert doubles(await call.verdict()) == {"order_mail", "order_mail_copy"}


async def test_a_repeated_activation_mail_is_no_second_one_but_another_is(rig: Rig) -> None:
    order = await done(rig, "travel")
    _, call, fitter = rig
    bundle = await fitter.crm.read_order(order["id"])
    await fitter.send(bundle, "activation", picture=True)
    assert (await call.verdict())["ok"]
    await fitter.send(bundle, "other", picture=True)
    assert doubles(await call.verdict()) == {"activation_mail"}


async def test_work_on_an_order_that_nobody_approved_is_seen(rig: Rig) -> None:
    sandbox, call, fitter = rig
    (order,) = await call.orders(customer=payer(sandbox), kinds=["internet"])
    await fitter.add_order(await fitter.crm.read_order(order["id"]))
    assert {"whmcs_order", "whmcs_service"} <= doubles(await call.verdict())


async def test_an_activated_order_without_its_effects_misses_them(rig: Rig) -> None:
    sandbox, call, fitter = rig
    (order,) = await call.orders(customer=payer(sandbox), kinds=["travel"], approve=True)
    await fitter.crm.patch_order(order["id"], {"Status": "Provisioning"})
    await fitter.crm.patch_order(order["id"], {"Status": "Activated"})
    verdict = await call.verdict({order["id"]: "done"})
    missing = {finding["what"] for finding in verdict["missing"]}
    assert missing >= {"whmcs_order", "whmcs_service", "profile", "order_mail", "activation_mail", "whmcs_ids"}
    assert not verdict["ok"] and not verdict["lost"]


async def test_a_drifted_price_must_fail_the_order_it_struck(rig: Rig) -> None:
    sandbox, call, fitter = rig
    await call("POST", "/faults", {"system": "whmcs", "operation": "AddOrder", "kind": "price_drift"})
    (order,) = await call.orders(customer=payer(sandbox), kinds=["internet"], approve=True)
    await fitter.provision(order["id"])
    verdict = await call.verdict({order["id"]: "done"})
    assert verdict["orders"][0]["problem"] == "is Activated and done, should be failed (price_drift)"
    await fitter.crm.patch_order(order["id"], {"Description": "still activated"})
    assert not (await call.verdict())["ok"]


async def test_the_counts_survive_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    async with running(folder) as (sandbox, call), fitting(folder, sandbox) as fitter:
        (order,) = await call.orders(customer=payer(sandbox), kinds=["travel"], approve=True)
        await call("POST", "/faults", {"system": "esim", "operation": "*", "kind": "slow", "options": {"delay": 0.01}})
        await fitter.provision(order["id"])
        before = await call("GET", "/world")
    async with running(folder) as (_, call):
        assert await call("GET", "/world") == before
        assert (await call.verdict({order["id"]: "done"}))["ok"]
        assert [fault["used"] for fault in await call("GET", "/faults")] == [1]
