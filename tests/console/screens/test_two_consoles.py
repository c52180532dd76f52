"""Two consoles at one daemon: what one person does the other sees at once, on every screen that shows it.

The timers of the watching console are set to a minute: what it shows within seconds it was told by the feed. The figure
(`make bench` holds it to 0.5 s) is printed with ``-s``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.client.api import new_key
from console.schema.commands import PlanRequest, SubmitRequest
from console.screens import attaching, events, listing
from console.screens.approvals import ApprovalsScreen
from console.screens.audit import AuditScreen
from console.screens.batch import BatchesScreen, BatchScreen
from console.screens.board import BoardScreen
from console.screens.edit import EditScreen
from console.screens.events import EventsScreen
from console.screens.failures import FailuresScreen
from console.screens.health import HealthScreen
from console.screens.needs import NeedsScreen
from console.screens.order import OrderScreen
from console.screens.reading import ReadingScreen
from console.widgets.sheet import Sheet
from console.widgets.ticker import Ticker
from storage import batches, inbox
from tests.console.screens.floor import SIZE, Floor, open_floor, press, until
from tests.console.screens.looking import notices, screen_text, words_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
A_MINUTE = 60
SOON = 30.0  # seconds: far below the timers, far above what a busy machine needs
WHO = "operator of the test"
CHANNEL = "/event/OrderProvisionRequested__e"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    with pytest.MonkeyPatch.context() as patch:
        for screen in (ReadingScreen, *_below(ReadingScreen)):
            patch.setattr(screen, "EVERY", A_MINUTE)
            patch.setattr(screen, "LEAST", A_MINUTE)
        for module, timer in ((attaching, "LOOK_AROUND"), (listing, "AGAIN"), (events, "AROUND")):
            patch.setattr(module, timer, float(A_MINUTE))
        async with open_floor(tmp_path_factory.mktemp("two")) as opened:
            opened.tasks.append(asyncio.create_task(opened.desk.api.services.batches.run()))
            await opened.console("operator")
            yield opened


def _below(kind: type[Any]) -> list[type[Any]]:
    return [kind for below in kind.__subclasses__() for kind in (below, *_below(below))]


# One and the other -----------------------------------------------------------------------------------------------------


async def watching(floor: Floor) -> Pilot[Any]:
    """The other one's console, on its board."""
    pilot = await floor.console("supervisor", (200, 60))
    app = pilot.app
    while len(app.screen_stack) > 1:
        await app.pop_screen()
    await app.run_action("app.section('orders')")
    while len(app.screen_stack) > 1:
        await app.pop_screen()
    await app.run_action("app.orders_by('')")
    await until(lambda: isinstance(s := app.screen, BoardScreen) and s.listing.filter == "")
    return pilot


async def section(pilot: Pilot[Any], mode: str, kind: type[Any]) -> Any:
    """Another section, read once."""
    await pilot.app.run_action(f"app.section('{mode}')")
    await until(lambda: isinstance(pilot.app.screen, kind) and read(pilot.app.screen), said=lambda: screen_text(pilot))
    return pilot.app.screen


def read(screen: Any) -> bool:
    return screen.read_at is not None and not screen.trouble


def shown(pilot: Pilot[Any]) -> str:
    """The screen as painted, but for the ticker, its sheets in whole, and what was said in notices."""
    screen = pilot.app.screen
    ticker = screen.query_one(Ticker)
    painted = screen_text(pilot).split("\n")
    del painted[ticker.region.y : ticker.region.bottom]
    sheets = (words_of(sheet) for sheet in screen.query(Sheet) if sheet is not ticker)
    return " ".join((*" ".join(painted).split(), *sheets, notices(pilot)))


async def act(
    floor: Floor,
    command: str,
    arguments: Mapping[str, str],
    orders: Sequence[str] = (),
    *,
    reason: str = "asked for",
    pace: float = 20,
) -> tuple[float, str | None]:
    """What the first console does after ⏎: when that was, and the batch that was begun."""
    app = floor.consoles[f"operator{SIZE}"].app  # not opened anew: the other one's stays the one in hand
    assert isinstance(app, ConsoleApp)
    api, asked = app.desk.session.api, PlanRequest(orders=list(orders), arguments=dict(arguments))
    plan = await api.plan(command, asked)
    assert plan.refusal is None, plan.refusal
    request = SubmitRequest(**asked.model_dump(), plan_hash=plan.hash, reason=reason, pace=pace)
    since = time.monotonic()
    return since, (await api.submit(command, request, key=new_key())).batch_id


async def seen(pilot: Pilot[Any], true: Callable[[], bool], since: float, what: str) -> None:
    """The watching console shows it; how long that took is printed."""
    end = since + SOON
    while not true():
        assert time.monotonic() < end, f"{what}: not seen\n{shown(pilot)}"
        await asyncio.sleep(0.01)
    print(f"{what}: {1000 * (time.monotonic() - since):.0f} ms")


@dataclass(frozen=True)
class Case:
    """``order``: which of the floor's orders; ``open``: brings the watching console to the screen; ``words``: what it shows
    afterwards, ``{number}`` filled in; ``gone``: what it does not show any more."""

    command: str
    order: str
    screen: str
    open: Callable[[Floor, Pilot[Any], str], Any]
    words: str = ""
    gone: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    reason: str = "asked for"

    def __str__(self) -> str:
        return f"{self.command} on {self.screen}"


async def on_order(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    await pilot.app.push_screen(OrderScreen(pilot.app.desk, order_id))  # type: ignore[attr-defined]
    await until(lambda: isinstance(s := pilot.app.screen, OrderScreen) and bool(s.targets()))


async def on_edit(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    await pilot.app.push_screen(EditScreen(pilot.app.desk, order_id))  # type: ignore[attr-defined]
    await until(lambda: "language of mails" in screen_text(pilot))


async def on_board(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    await until(lambda: floor.placed[order_id].number in screen_text(pilot))


async def on_noted(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    """A list that only the daemon can make."""
    await pilot.app.run_action("app.orders_by('noted<1h')")
    await until(lambda: "asked of the daemon" in screen_text(pilot))


async def on_approvals(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    screen: ApprovalsScreen = await section(pilot, "approvals", ApprovalsScreen)
    await press(pilot, "f")
    await until(lambda: order_id in screen._known, said=lambda: screen_text(pilot))
    screen.table.newest()
    screen.table.take(order_id)
    await until(lambda: floor.placed[order_id].number in screen_text(pilot))


async def on_needs(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    screen: NeedsScreen = await section(pilot, "needs", NeedsScreen)
    await until(lambda: f"order:{order_id}" in screen._items)
    screen.table.newest()
    screen.table.take(f"order:{order_id}")


async def on_failures(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    screen: FailuresScreen = await section(pilot, "failures", FailuresScreen)
    await until(lambda: order_id in screen._group_of)


async def on_audit(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    await section(pilot, "audit", AuditScreen)


CASES = [
    Case("order.note", "failed", "order", on_order, "rang twice", arguments={"text": "rang twice"}),
    Case("order.edit", "failed", "order", on_order, "the client's → en", arguments={"field": "language", "value": "en"}),
    Case("order.edit", "failed", "edit", on_edit, "language of mails ja ", arguments={"field": "language", "value": "ja"}),
    Case("order.mail_resend", "done", "order", on_order, f"sent again by {WHO}", arguments={"kind": "order_provisioned"}),
    Case("order.take", "failed", "board", on_board, WHO[:7]),
    Case("order.untake", "failed", "board", on_board, gone=WHO[:7]),
    Case("order.note", "done", "a board that the daemon lists", on_noted, "{number}", arguments={"text": "all is well"}),
    Case("order.take", "failed", "needs", on_needs, f"Taken by {WHO}"),
    Case("order.untake", "failed", "needs", on_needs, "Taken by nobody"),
    Case("order.take", "review", "approvals", on_approvals, f"Taken by {WHO}"),
    Case("order.approve", "review", "approvals", on_approvals, f"was approved by {WHO}"),
    Case("order.note", "failed", "audit", on_audit, "for the log", arguments={"text": "she rang"}, reason="for the log"),
    Case("order.retry", "failed", "failures", on_failures, "nothing stands in the way"),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orders(floor: Floor) -> Mapping[str, str]:
    """By what they are; the acts below are told in their order."""
    return {
        "failed": await floor.failed(),
        "done": await floor.done(),
        "review": floor.order("travel", status="Pending Review"),
    }


async def test_each_act_is_seen_on_the_screens_that_show_it(floor: Floor, orders: Mapping[str, str]) -> None:
    for case in CASES:
        pilot, order_id = await watching(floor), orders[case.order]
        words = case.words.format(number=floor.placed[order_id].number)
        await case.open(floor, pilot, order_id)
        assert not words or words not in shown(pilot), case
        await until(lambda p=pilot, c=case: c.gone in shown(p))  # type: ignore[misc]
        since, _ = await act(floor, case.command, case.arguments, [order_id], reason=case.reason)
        await seen(
            pilot,
            lambda p=pilot, c=case, w=words: w in shown(p) and not (c.gone and c.gone in shown(p)),  # type: ignore[misc]
            since,
            str(case),
        )


async def test_a_pause_is_seen_on_health_and_on_every_status_bar(floor: Floor) -> None:
    pilot = await watching(floor)
    await section(pilot, "health", HealthScreen)
    since, _ = await act(floor, "system.pause", {"subject": "esim"}, reason="their maintenance")
    await seen(pilot, lambda: f"by {WHO}: their maintenance" in shown(pilot), since, "system.pause on health")
    since, _ = await act(floor, "system.resume", {"subject": "esim"})
    await seen(pilot, lambda: "their maintenance" not in shown(pilot), since, "system.resume on health")
    await watching(floor)
    await until(lambda: "eSIM ✓" in shown(pilot), said=lambda: shown(pilot))
    since, _ = await act(floor, "system.pause", {"subject": "esim"})
    await seen(pilot, lambda: "eSIM ! paused" in shown(pilot), since, "system.pause on the status bar")
    since, _ = await act(floor, "system.resume", {"subject": "esim"})
    await seen(pilot, lambda: "eSIM ✓" in shown(pilot), since, "system.resume on the status bar")


async def test_a_batch_is_seen_in_the_list_and_order_by_order(floor: Floor, orders: Mapping[str, str]) -> None:
    pilot = await watching(floor)
    await pilot.app.push_screen(BatchesScreen(pilot.app.desk))  # type: ignore[attr-defined]
    await until(lambda: read(pilot.app.screen))
    both = [orders["failed"], orders["done"]]
    since, batch = await act(floor, "order.note", {"text": "a word to both"}, both)
    await seen(pilot, lambda: "1 act on many orders" in shown(pilot), since, "order.note of two on batches")
    assert batch is not None
    await until(lambda: floor.desk.journal.peek(lambda db: batches.state(db, str(batch))) == "done")
    since, batch = await act(floor, "order.note", {"text": "another"}, both, pace=2)
    assert batch is not None
    await pilot.app.push_screen(BatchScreen(pilot.app.desk, batch))  # type: ignore[attr-defined]
    await until(lambda: read(pilot.app.screen))
    await seen(pilot, lambda: "2 done" in shown(pilot), since, "its two orders, half a second between")


async def test_what_is_marked_as_seen_leaves_the_list_and_says_so_among_the_events(floor: Floor) -> None:
    pilot = await watching(floor)
    event = inbox.Incoming(
        channel=CHANNEL, replay_id="7", event_uuid="11111111-2222-4333-8444-555555555555", order_id=None, idem_key="x",
        payload={}, received_at=time.time(), problem="no OrderId__c",
    )  # fmt: skip
    await floor.desk.journal.write(lambda db: inbox.append(db, "00D", "cometd", [event]))
    ((number, *_),) = floor.desk.journal.peek(inbox.unseen_poison)
    gap = await floor.desk.journal.write(lambda db: inbox.gap(db, "00D", "cometd", CHANNEL, "lost", time.time()))
    screen: NeedsScreen = await section(pilot, "needs", NeedsScreen)
    await press(pilot, "f")
    await until(lambda: f"gap:{gap}" in screen._items)
    since, _ = await act(floor, "system.seen", {"row": f"gap:{gap}"})
    await seen(pilot, lambda: f"gap:{gap}" not in screen._items, since, "system.seen of a gap on needs")
    await section(pilot, "events", EventsScreen)
    await until(lambda: "no OrderId__c" in shown(pilot))
    since, _ = await act(floor, "system.seen", {"row": f"poison:{number}"})
    await seen(pilot, lambda: f"seen by {WHO}" in shown(pilot), since, "system.seen of an event on events")
