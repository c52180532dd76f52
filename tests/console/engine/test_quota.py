import asyncio
import time
from pathlib import Path

import pytest

from console.engine.failures import NotNow
from console.engine.quota import Quota
from integrations.salesforce.models import ApiUsage
from storage import inbox
from storage.inbox import Incoming
from tests.console.engine.keeping import house

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
        await asyncio.sleep(0.8)
        assert read == [], "one read an event is what there is no allowance for"
        assert 1 <= len(polled) <= 3, "every 0.5 s instead of every 0.02 s"
        home.usage = ApiUsage(used=100, total=1000)
        home.parts.intake.wake()
        end = time.monotonic() + 15
        while not read or len(polled) < 6:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
