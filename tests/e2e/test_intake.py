"""Events lost, doubled, cut and refused on their way, sessions and tokens that end: nothing lost, nothing double (§4)."""

import asyncio

import pytest

from integrations.sandbox.server import Sandbox
from tests.e2e.points import Moment, Point, Shot
from tests.e2e.rig import Rig
from tests.e2e.watching import watch

LINE = (
    "lose_reply", "truncate", "malformed", "duplicate", "lose_event", "malformed_event", "http_401", "http_401_html",
    "http_403", "http_503", "expire_session", "expire_token", "cut", "reset", "html",
)  # fmt: skip
CHOSEN = ("lose_reply", "duplicate", "expire_session", "cut")


async def with_trouble_on_the_line(rig: Rig, kind: str) -> None:
    await rig.start()
    rig.fault("salesforce", "cometd.connect", kind, count=2)
    first = [rig.order("vpn", customer=rig.customer(nth=n)) for n in range(2)]
    await asyncio.sleep(0.4)
    second = [rig.order("sim", customer=rig.customer(nth=n)) for n in range(2, 4)]
    await rig.settled(*first, *second)
    assert {rig.run(order).state for order in (*first, *second)} == {"done"}
    rig.judge()


@pytest.mark.parametrize("kind", CHOSEN)
async def test_trouble_on_the_line(rig: Rig, kind: str) -> None:
    await with_trouble_on_the_line(rig, kind)


@pytest.mark.matrix
@pytest.mark.parametrize("kind", [kind for kind in LINE if kind not in CHOSEN])
async def test_any_trouble_on_the_line(rig: Rig, kind: str) -> None:
    await with_trouble_on_the_line(rig, kind)


async def test_a_revoked_token_while_the_login_fails(rig: Rig) -> None:
    await rig.start()
    rig.fault("salesforce", "token", "http_503", count=5)
    rig.sandbox.salesforce.tokens.revoke_all()
    order = rig.order("vpn")
    await rig.settled(order)
    assert rig.run(order).state == "done"
    rig.judge()


async def test_an_expired_replay_id_is_a_gap_and_is_reconciled(rig: Rig) -> None:
    await rig.start()
    first = rig.order("vpn")
    await rig.settled(first)
    await rig.daemon.stop()
    missed = rig.order("sim", customer=rig.customer(nth=1))
    fault = rig.fault("salesforce", "cometd.subscribe", "expire_replay")
    await rig.start()
    await rig.settled(first, missed)
    assert fault.used == 1
    assert rig.run(missed).state == "done"
    await rig.until(lambda: bool(rig.journal.gaps()) and all(g.reconciled_at for g in rig.journal.gaps()), "the gap")
    rig.judge()


async def test_a_kill_in_the_middle_of_a_batch(rig: Rig) -> None:
    """Twelve events wait for the daemon; it dies while their reply is on its way, and again while they are handled."""
    await rig.start()
    await rig.daemon.stop()
    orders = [rig.order("vpn", customer=rig.customer(nth=n % 6)) for n in range(12)]
    shot = Shot(rig, Point("salesforce.cometd.connect", 2, Moment.AFTER))
    shot.load()
    await rig.start(ready=False)
    async with asyncio.timeout(60):
        await shot.fired.wait()
    again = Shot(rig, Point("salesforce.composite", 5, Moment.AFTER))
    again.load()
    await rig.start(ready=False)
    async with asyncio.timeout(60):
        await again.fired.wait()
    await rig.start()
    await rig.settled(*orders)
    assert {rig.run(order).state for order in orders} == {"done"}
    rig.judge()


async def test_salesforce_is_gone_for_a_while(rig: Rig) -> None:
    """The sandbox stops in mid-work and comes back on the same ports: intake and runs go on by themselves."""
    await rig.start()
    orders = [rig.order("vpn", customer=rig.customer(nth=n)) for n in range(3)]
    await asyncio.sleep(0.25)
    await rig.sandbox.stop()
    await asyncio.sleep(0.5)
    rig.sandbox = Sandbox(rig.sandbox.folder)
    rig.traffic = watch(rig.sandbox.traffic)
    await rig.sandbox.start()
    more = rig.order("sim", customer=rig.customer(nth=4))
    await rig.settled(*orders, more)
    assert {rig.run(order).state for order in (*orders, more)} == {"done"}, rig.story()
    rig.judge()


async def test_a_malformed_event_is_poison_and_reading_goes_on(rig: Rig) -> None:
    await rig.start()
    org = rig.sandbox.salesforce.org
    with org.db.transaction():
        for wrong in ({}, {"OrderId__c": "no id"}, {"OrderId__c": "001000000000001AAA"}, {"OrderId__c": ""}):
            org.bus.publish("/event/OrderProvisionRequested__e", wrong, created_by="005000000000001AAA")
    order = rig.order("vpn")
    await rig.settled(order)
    await rig.until(lambda: rig.journal.count("SELECT COUNT(*) FROM poison") == 4, "what the poll may have overtaken")
    rig.judge()


async def test_the_poll_alone_is_enough(rig: Rig) -> None:
    """Events are off: the poll finds every order, and nothing is called deaf for it."""
    rig.tune({"salesforce": {"events_enabled": False}})
    await rig.start()
    order = rig.order("vpn")
    await rig.settled(order)
    assert rig.run(order).state == "done"
    assert "deaf" not in rig.journal.alerts()
    rig.judge()
