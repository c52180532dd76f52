"""The machine's clock jumps by a day with a run in each state: nothing is believed too early, nothing is lost (§10)."""

import asyncio
import time

import pytest

from console.daemon.daemon import Daemon
from console.settings import load_settings
from tests.e2e.rig import HASTY, NEVER, UNTIL_TOLD, Rig

DAY = 86_400.0


class JumpingClock:
    """The system's clock, put forward or back by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()


async def started(rig: Rig, clock: JumpingClock) -> Daemon:
    daemon = Daemon(load_settings(rig.config, {}, complete=True).settings, clock=clock)
    await daemon.start()
    daemon.work()
    await rig.until(lambda: rig.journal.meta("first_poll_at") is not None, "the first poll")
    return daemon


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
async def test_a_day_with_a_run_in_each_state(rig: Rig, jump: float) -> None:
    clock = JumpingClock()
    rig.tune(HASTY, UNTIL_TOLD)
    rig.sandbox.people.place(1, kinds=["vpn"], status="Approved", days_ago=3, customer=rig.customer(nth=4))
    daemon = await started(rig, clock)
    try:
        parked = rig.order("sim", customer=rig.customer("none"))
        done = rig.order("vpn", customer=rig.customer(nth=1))
        failed = rig.order("double_esim", customer=rig.customer(nth=2))
        await rig.settled(parked, done, failed)
        rig.fault(
            "whmcs", "AddOrder", "late_effect", options={"delay": NEVER}, where={"clientid": rig.place("vpn")[0].client}
        )
        unsure = rig.order("vpn")
        behind = rig.order("internet")  # waits for its customer's lock
        await rig.until(
            lambda: "unknown" in [end for _, end in rig.journal.sends("whmcs.AddOrder")], "an unknown outcome"
        )
        clock.ahead = jump
        await rig.until(lambda: "clock" in rig.journal.alerts(), "the alarm")
        await asyncio.sleep(1.0)
        assert rig.asked("whmcs.AddOrder") == 2  # done's and the lost one: nobody believed in a day gone by
        assert rig.sandbox.faults.land() == 1
        clock.ahead = 0.0
        await rig.settled(unsure, behind)
        states = {rig.run(order).state for order in (done, unsure, behind)}
        assert states == {"done"}, rig.story()
        assert (rig.run(parked).state, rig.run(failed).state) == ("parked", "failed")
        rig.judge()
    finally:
        await daemon.stop()
