from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.engine.clock import as_datetime
from console.engine.heartbeat import AGAIN_AFTER, RETURNS_WITHIN, Heartbeat
from console.engine.intake import JournalInbox
from integrations.errors import CallFailed, ErrorClass, IntegrationError, System
from integrations.salesforce.events import HEARTBEAT_ORDER_ID, PROVISION_CHANNEL, RawEvent
from tests.console.engine.keeping import House, house

DAY = 86_400.0


class Bus:
    """Salesforce as far as publishing goes; ``deliver`` brings what was published to the journal."""

    def __init__(self, home: House) -> None:
        self.home = home
        self.published: list[tuple[str, str]] = []
        self.failure: IntegrationError | None = None
        self.inbox = JournalInbox(home.parts.engine, "cometd")

    async def publish(self, order_id: str, key: str) -> str:
        if self.failure is not None:
            raise self.failure
        self.published.append((order_id, key))
        return "uuid"

    async def deliver(self) -> None:
        order_id, key = self.published[-1]
        payload = {"OrderId__c": order_id, "IdemKey__c": key}
        at = as_datetime(self.home.clock.now())
        await self.inbox.append([RawEvent(PROVISION_CHANNEL, "7", f"uuid-{key}", payload, at)])


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


@pytest.fixture
def bus(home: House, monkeypatch: pytest.MonkeyPatch) -> Bus:
    made = Bus(home)
    monkeypatch.setattr(home.parts.engine.salesforce, "publish", made.publish)
    return made


async def turn(home: House, beat: Heartbeat, seconds: float) -> None:
    home.clock.passes(seconds)
    await beat.once()


async def test_one_a_day_that_comes_back_and_a_restart_publishes_none(home: House, bus: Bus) -> None:
    beat = Heartbeat(home.parts.engine, DAY)
    await turn(home, beat, 3600)
    assert bus.published == [], "a new journal begins with a day"
    await turn(home, beat, DAY)
    ((order_id, _),) = bus.published
    assert order_id == HEARTBEAT_ORDER_ID
    await bus.deliver()
    beat = Heartbeat(home.parts.engine, DAY)
    for _ in range(23):
        await turn(home, beat, 3600)
    assert len(bus.published) == 1
    await turn(home, beat, 3600)
    assert len(bus.published) == 2
    assert home.alarms() == {}
    assert home.journal.peek(lambda db: db.execute("SELECT state, order_id FROM inbox").fetchall()) == [
        ("heartbeat", None)
    ]


async def test_one_that_does_not_come_back_is_an_alarm_until_one_does(home: House, bus: Bus) -> None:
    beat = Heartbeat(home.parts.engine, DAY)
    await turn(home, beat, DAY + 1)
    await turn(home, beat, RETURNS_WITHIN - 1)
    assert home.alarms() == {}
    await turn(home, beat, 2)
    assert "did not come back" in home.alarms()["heartbeat"]
    await turn(home, beat, AGAIN_AFTER)
    assert len(bus.published) == 2, "the end of it is looked for sooner than in a day"
    await turn(home, beat, 5)
    assert "heartbeat" in home.alarms(), "the next one on its way proves nothing"
    await bus.deliver()
    await turn(home, beat, 5)
    assert home.alarms() == {}
    await turn(home, beat, AGAIN_AFTER)
    assert len(bus.published) == 2


async def test_a_refused_one_is_tried_again_later_and_a_lost_answer_is_watched_for(home: House, bus: Bus) -> None:
    beat = Heartbeat(home.parts.engine, DAY)
    bus.failure = CallFailed(System.SALESFORCE, "publish", ErrorClass.CONFIG, "INSUFFICIENT_ACCESS", "no right")
    await turn(home, beat, DAY + 1)
    for _ in range(100):
        await turn(home, beat, 5)
    assert home.parts.engine.gates[System.SALESFORCE].calls == 1
    assert "no right" in str(beat.last_error)
    bus.failure = CallFailed(System.SALESFORCE, "publish", ErrorClass.OUTCOME_UNKNOWN, "timeout", "no answer")
    await turn(home, beat, AGAIN_AFTER)
    await turn(home, beat, RETURNS_WITHIN + 1)
    assert "heartbeat" in home.alarms(), "it may have been published, and it did not come back"


async def test_off_means_off(home: House, bus: Bus) -> None:
    await home.parts.engine.alarms.raise_("heartbeat", "of an earlier setting")
    await Heartbeat(home.parts.engine, 0.0).run()
    assert bus.published == []
    assert home.alarms() == {}
