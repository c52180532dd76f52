"""A new journal must not provision the past, and many orders at once ask a person (rules §4.3)."""

from tests.e2e.rig import Rig
from tests.e2e.watching import name_of

WRITES = ("whmcs.AddOrder", "salesforce.order.patch", "esim.downloadOrder", "mail.message")


def writes(rig: Rig) -> list[str]:
    return [name_of(entry) for entry in rig.traffic.since() if name_of(entry) in WRITES]


async def test_old_orders_are_held(rig: Rig) -> None:
    old = rig.sandbox.people.place(120, status="Approved", days_ago=3)
    await rig.start()
    await rig.until(lambda: list(rig.journal.states().values()) == ["held"] * len(old), "every order to be held")
    assert not writes(rig)
    assert "brake" not in rig.journal.alerts()
    order = rig.order("vpn")
    await rig.until(lambda: rig.journal.states().get(order.id) == "done", "the new order")
    await rig.settled(order)
    rig.judge()


async def test_many_new_orders_at_the_first_contact_pull_the_brake(rig: Rig) -> None:
    rig.sandbox.people.place(25, status="Approved", kinds=["vpn"])
    await rig.start()
    await rig.until(lambda: "brake" in rig.journal.alerts(), "the brake")
    assert not writes(rig)
    assert "25 orders" in rig.journal.alerts()["brake"]
    await rig.daemon.kill()
    await rig.start()
    assert not writes(rig)


async def test_observing_writes_nothing_outside(rig: Rig) -> None:
    rig.order("bundle")
    rig.order("vpn", customer=rig.customer("none"))
    await rig.start(observe=True)
    await rig.until(lambda: list(rig.journal.states().values()) == ["held", "held"], "both to be looked at")
    assert not writes(rig)
    assert rig.asked("salesforce.journal.insert") == 0
    assert await rig.daemon.stop() == 0
