import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest

from console.api.asking import ask
from console.engine.commanding.errors import OutsideTrouble
from console.engine.commanding.reading import Reader
from console.engine.failures import NotNow
from console.engine.quota import Quota
from integrations.errors import System
from integrations.salesforce.models import ApiUsage
from storage import inbox, outbox, runs
from storage.inbox import Incoming
from tests.console.api.rig import until
from tests.console.engine.keeping import house
from tests.console.engine.plant import Plant

ORDER = "801000000000001AAA"


def test_low_below_a_tenth_and_enough_again_a_little_above() -> None:
    used = [0]
    quota = Quota(lambda: ApiUsage(used=used[0], total=1000))
    told = []
    for used[0] in (899, 900, 901, 890, 881, 880, 899, 901):
        told.append(quota.low)
    assert told == [False, False, True, True, True, False, False, True]


@pytest.mark.parametrize("usage", [None, ApiUsage(used=5, total=0)])
def test_nothing_known_is_not_low(usage: ApiUsage | None) -> None:
    quota = Quota(lambda: usage)
    assert not quota.low
    assert quota.problem is None
    quota.check("looking")


def test_looking_is_refused_with_the_figures() -> None:
    quota = Quota(lambda: ApiUsage(used=1010, total=1000))
    with pytest.raises(NotNow, match=r"live records waits: Salesforce: 1,010 of 1,000 .* \(0.0 % left\)"):
        quota.check("live records")


async def test_events_wait_and_the_poll_goes_on_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path, PORTAL_INTAKE__POLL_EVERY="0.1", PORTAL_INTAKE__POLL_FAST_EVERY="0.02") as home:
        home.usage = ApiUsage(used=990, total=1000)
        row = Incoming("/event/X__e", "7", "uuid-1", ORDER, "key", {}, home.clock.now())
        await home.journal.write(lambda db: inbox.append(db, "00D", "cometd", [row]))
        read, polled = [], []

        async def admit(order_id: str, **_: object) -> None:
            read.append(order_id)
            raise NotNow("salesforce", "stop here")

        async def once() -> int:
            polled.append(time.monotonic())
            return 0

        monkeypatch.setattr(home.parts.door, "admit", admit)
        monkeypatch.setattr(home.parts.poll, "once", once)
        home.parts.poll.hurry()
        tasks = [asyncio.create_task(home.parts.intake.run()), asyncio.create_task(home.parts.poll.run())]
        await until(lambda: len(polled) >= 4)
        assert min(later - one for one, later in pairwise(polled)) > 0.4, "every 0.5 s instead of every 0.02 s"
        assert read == [], "one read an event is what there is no allowance for"
        home.usage = ApiUsage(used=100, total=1000)
        home.parts.intake.wake()
        await until(lambda: read and len(polled) > 10)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_only_what_provisions_goes_on(plant: Plant) -> None:
    """Claim, crm and poll are served; status writes, mails, commands and screens wait for better times (rules §13)."""
    own, usage = plant.engine, ApiUsage(used=950, total=1000)
    own.quota._usage = lambda: usage
    order_id = plant.place()
    assert await plant.parts.poll.once() == 1
    assert (await plant.go(order_id)).state == "done"
    assert (await plant.crm(order_id)).status == "Activated"
    other = plant.place()
    await plant.journal.write(lambda db: outbox.put(db, other, {"Status": "Failed"}, plant.clock.now()))
    asked = plant.requests("composite")
    assert await plant.deliver() == 1
    await plant.turn()
    (mail_run,) = plant.journal.peek(lambda db: [r for r in runs.of_order(db, order_id) if r.workflow == "send_mail"])
    assert mail_run.state == "retrying" and "the mail waits" in str(mail_run.wait_reason)
    with pytest.raises(OutsideTrouble, match="this command waits"):
        await Reader(own).order(order_id)
    seen = await ask(own, System.SALESFORCE, lambda: own.salesforce.read_order(order_id))
    assert seen.answer is None and "5.0 % left" in seen.note
    assert plant.requests("composite") == asked
    row = plant.outbox(other)
    assert row is not None and row.state == "waiting" and "a status write waits" in str(row.error)
    usage = ApiUsage(used=10, total=1000)
    plant.clock.pass_(61)
    await plant.deliver()
    assert (await plant.crm(other)).status == "Failed"
    assert (await Reader(own).order(order_id)).order.status == "Activated"
