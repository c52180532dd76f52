"""Needs a person, Failures and batches over canned data: what stands on them and what keys lead to."""

import csv
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console import keys
from console.commands.table import BY_ID
from console.schema.book import COLUMNS
from console.schema.commands import Plan, PlannedOrder, PlanRequest, Submitted
from console.schema.orders import OrderList
from console.screens.attention import Attention, title
from console.screens.batch import BatchesScreen, BatchScreen, as_csv
from console.screens.failures import FailuresScreen
from console.screens.needs import NeedsScreen
from console.screens.order import OrderScreen
from console.screens.resolve import ResolveScreen
from console.widgets import needsrow
from console.widgets.glyphs import ASCII, UNICODE
from console.widgets.sheet import Sheet
from tests.console.screens import troubles, world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import dialog, needs, notices, order_row, planned, screen_text, words_of


def many(command: str, request: PlanRequest) -> Plan:
    """A plan for many orders of which some are left out."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in world.ROWS[2:16]]
    orders = [
        PlannedOrder(
            order_id=row["order_id"], number=row["number"], included=not row["unknown"], status=row["sf"], run_id=row["run_id"],
            version=row["version"], state=row["state"], amount=row["amount"], lines=["a new run, attempt 2, from load"],
            why_not="the outcome of whmcs.AddOrder is not known: such an order is never part of a bulk act" if row["unknown"] else "",
            warnings=["TRAVEL-5G has 0 free profiles: these will fail again"] if row["plan"] == "eSIM Travel" else [],
        )
        for row in rows
    ]  # fmt: skip
    count, total = sum(o.included for o in orders), sum(o.amount or 0 for o in orders if o.included)
    lines = [
        f"{BY_ID[command].title}: {count} orders, {len(orders) - count} left out",
        f"outside calls: whmcs.AddOrder ×{count}, whmcs.AcceptOrder ×{count}, salesforce.activate ×{count}",
        f"WHMCS bills ¥{total:,} for {count} orders, before tax",
    ]
    return Plan(
        command=command, title=BY_ID[command].title, hash="b" * 16, at=world.NOW, count=count, excluded=len(orders) - count, orders=orders,
        lines=lines, sum_yen=total, largest_yen=max(o.amount or 0 for o in orders), needs_reason=True, bulk=True,
        arguments=dict(request.arguments),
    )  # fmt: skip


async def failures(pilot: Pilot[Any]) -> FailuresScreen:
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.screen, FailuresScreen) and "8 causes" in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, FailuresScreen)
    return screen


async def test_the_count_stands_on_every_screen_and_leads_to_the_list(opened: Opened) -> None:
    async with opened() as pilot:
        await until(pilot, lambda: "! 9 need a person" in screen_text(pilot))
        await pilot.press("2")
        await until(pilot, lambda: "! Needs a person 9" in screen_text(pilot))
        at = screen_text(pilot).splitlines()[0].index("! 9 need")
        await pilot.click(offset=(at + 2, 0))
        await until(pilot, lambda: isinstance(pilot.app.screen, NeedsScreen))


def test_the_bell_rings_when_it_grows_and_the_title_says_so() -> None:
    rung: list[int] = []
    titles: list[str] = []
    attention = Attention(lambda: rung.append(1), titles.append)
    for count in (3, 3, 4, 2, 0):
        attention.heard(count)
    assert (len(rung), attention.count) == (1, 0)
    assert titles == [title(3), title(4), title(2), "portal"]
    assert title(1) == "(1) portal: 1 needs a person"


def test_every_kind_has_a_sign_and_a_tone_in_every_set() -> None:
    for item in troubles.needs().items:
        for glyphs in (UNICODE, ASCII):
            assert needsrow.sign(item.kind, glyphs)
        assert needsrow.tone(item.kind) in ("bad", "failed", "held", "warn", "parked")


async def test_each_row_opens_what_it_is_about(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await needs(pilot, order_row("00010466"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
        await until(pilot, lambda: "[! Needs a person 9]" in screen_text(pilot))  # the section that esc goes back to
        assert "[1 Orders]" not in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, NeedsScreen))
        await needs(pilot, order_row("00010470"))
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(pilot.app.screen, ResolveScreen))


async def test_a_key_means_the_row_in_hand(api: CannedApi, opened: Opened) -> None:
    """R is "retry from step" of an order and "resume" of a paused system."""
    async with opened() as pilot:
        screen = await needs(pilot, "pause:esim")
        api.plan_answer = lambda command, request: _system_plan(command, request)
        await pilot.press("R")
        await planned(pilot)
        assert (api.plans[-1][0], api.plans[-1][1].arguments) == ("system.resume", {"subject": "esim"})
        await pilot.press("escape")
        screen.table.take(order_row("00010466"))
        await until(pilot, lambda: any(c.id == "order.retry_step" for c in screen.known_commands()))
        await pilot.press("R")
        await until(pilot, lambda: "the step to begin from" in screen_text(pilot))


def _system_plan(command: str, request: PlanRequest) -> Plan:
    order = PlannedOrder(order_id="", number="esim", lines=["2 orders wait for esim and go on"])
    return Plan(
        command=command, title=BY_ID[command].title, hash="s" * 16, at=world.NOW, count=1, orders=[order],
        arguments=dict(request.arguments),
    )  # fmt: skip


async def test_the_mail_of_a_row_is_the_one_that_is_sent_again(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await needs(pilot, "mail:17")
        assert screen.prefilled(BY_ID["order.mail_resend"]) == {"kind": "order_provisioned"}
        assert screen.prefilled(BY_ID["system.seen"]) == {"row": "mail:17"}


async def test_a_cause_unfolds_and_says_why_a_command_is_not_for_it(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await failures(pilot)
        screen.table.take("cause:outcome_unknown")
        about = screen.query_one("#failures-about", Sheet)
        await until(pilot, lambda: "never part of an act on many" in words_of(about))
        await pilot.press("r")
        await until(pilot, lambda: "never part of a bulk act" in notices(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "this is done at an order: unfold the cause" in notices(pilot))
        assert api.plans == []
        screen.table.take("cause:capacity")
        await pilot.press("enter")
        await until(pilot, lambda: "小林 恵" in screen_text(pilot))
        await until(
            pilot,
            lambda: (
                "38 orders with it, now 37 done, 1 cancelled"
                in words_of(pilot.app.screen.query_one("#failures-about", Sheet))
            ),
        )
        await pilot.press("t")
        await until(pilot, lambda: "flat" in screen_text(pilot) and "What happened" in screen_text(pilot))
        assert "cause:capacity" not in screen.table.keys


async def test_a_command_at_a_cause_is_planned_for_all_its_orders(api: CannedApi, opened: Opened) -> None:
    api.plan_answer = many
    api.answer = lambda command, request, key: Submitted(
        command=command, outcome="running", audit_id=7, batch_id="b7f3c0a1d2e4f586"
    )
    async with opened() as pilot:
        screen = await failures(pilot)
        screen.table.take("cause:capacity")
        await pilot.press("r")
        shown = await planned(pilot)
        assert sorted(api.plans[-1][1].orders) == sorted(world.order_id(n) for n in ("00010473", "00010472"))
        words = words_of(shown.query_one("#dialog-words", Sheet))
        assert (
            "Left out" in words
            and "2: the outcome of whmcs.AddOrder is not known" in words
            and "(00010474, 00010470)" in words
        )
        shown.query_one("#dialog-pace", Input).value = "fast"
        await pilot.press(*"refilled", "enter")
        await until(pilot, lambda: "a number from 0.1 to 50" in screen_text(pilot))
        shown.query_one("#dialog-pace", Input).value = "５"
        shown.query_one("#dialog-stop-after", Input).value = "2"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BatchScreen))
        request = api.submitted[0][1]
        assert (request.pace, request.stop_after, request.reason) == (5.0, 2, "refilled")


async def test_a_cause_with_more_orders_than_are_named_is_meant_by_filter(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = troubles.failures()
    other = next(one.cause for one in found.groups if one.cause != "capacity")
    many_of_one = [one.model_copy(update={"count": 900}) if one.cause == "capacity" else one for one in found.groups]

    async def failing(filter_: str = "") -> Any:
        return found.model_copy(update={"groups": many_of_one})

    monkeypatch.setattr(api, "failures", failing)
    api.plan_answer = many
    async with opened() as pilot:
        screen = await failures(pilot)
        screen.table.take("cause:capacity")
        assert screen.chosen_filter() == "state:failed,retrying,parked,held cause:capacity"
        screen.table.marks = dict.fromkeys(["cause:capacity", f"cause:{other}"])
        both = f"capacity,{other}"
        assert screen.chosen_filter() == f"state:failed,retrying,parked,held cause:{both}", (
            "marked causes are meant whole"
        )
        single = [world.order_id(number) for number in ("00010466", "00010463")]
        screen.table.marks = dict.fromkeys(["cause:capacity", *single])
        with_single = "state:failed,retrying,parked,held cause:capacity | number:00010466,00010463"
        assert screen.chosen_filter() == with_single, "all of the cause and the single orders beside it"
        with monkeypatch.context() as marking:
            too_many = f"{with_single},{','.join(str(10_500_000 + one) for one in range(200))}"
            marking.setattr(screen, "chosen_filter", lambda: too_many)
            await pilot.press("r")
            await until(pilot, lambda: "more is marked here than one act can name" in notices(pilot))
            assert api.plans == [] and pilot.app.screen is screen
        screen.table.clear_marks()
        await pilot.press("p")
        await until(pilot, lambda: "until" in screen_text(pilot))
        await until(pilot, lambda: not dialog(pilot).ignores_input())
        await pilot.press(*"stock(X)", "enter")
        await until(pilot, lambda: bool(api.plans))
        assert (api.plans[-1][1].filter, api.plans[-1][1].orders) == (screen.chosen_filter(), [])
        await until(pilot, lambda: "orders a second" in screen_text(pilot))
        assert api.submitted == [], "what is for many is shown before it is done, also where it is harmless"


async def test_all_that_match_are_meant_also_beyond_the_list(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = CannedApi.orders

    async def more(self: CannedApi, filter_: str = "", **asked: Any) -> Any:
        found = await listed(self, filter_.removeprefix("customer:"), **asked)
        return found.model_copy(update={"total": 900})

    monkeypatch.setattr(CannedApi, "orders", more)
    api.plan_answer = many
    async with opened() as pilot:
        await pilot.press("slash", *"customer:Clark", "enter")
        await until(pilot, lambda: "of 900" in screen_text(pilot))
        await pilot.press("asterisk")
        await until(pilot, lambda: "for all 900 that match" in notices(pilot))
        await pilot.press("c")
        await until(pilot, lambda: bool(api.plans))
        assert (api.plans[-1][1].filter, api.plans[-1][1].orders) == ("customer:Clark", [])


async def test_a_batch_is_found_from_every_screen_and_shows_each_result(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("percent_sign")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, BatchesScreen) and "the stock is refilled" in screen_text(pilot)
        )
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BatchScreen) and "4 of 7" in screen_text(pilot))
        for words in (
            "2 done",
            "1 failed",
            "1 left out",
            "3 left",
            "2 a second, breaks off after 3 failures in a row",
            "service 812 is Pending",
        ):
            assert words in screen_text(pilot), words
        await pilot.press("t")
        await until(pilot, lambda: "鈴木 一郎" not in screen_text(pilot))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, BatchScreen | BatchesScreen))


async def test_results_are_exported_safely(api: CannedApi, opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    async with opened() as pilot:
        await pilot.press("percent_sign", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BatchScreen) and "4 of 7" in screen_text(pilot))
        await pilot.press("X")
        await until(pilot, lambda: bool(pilot.app.screen.query("#export-file")))
        pilot.app.screen.query_one("#export-file", Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, file.exists)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "position,number,order_id,state,message,at" and len(lines) == 8
    assert file.stat().st_mode & 0o777 == 0o600


async def test_failures_are_exported_as_the_daemon_knows_them(
    api: CannedApi, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "failures.csv"
    asked = api.orders

    async def one_has_a_cause(*given: Any, **more: Any) -> OrderList:
        answer = await asked(*given, **more)
        first, *others = answer.orders
        return answer.model_copy(update={"orders": [first.model_copy(update={"cause": "c1"}), *others]})

    monkeypatch.setattr(api, "orders", one_has_a_cause)
    async with opened() as pilot:
        screen = await failures(pilot)
        await pilot.press("X")
        await until(pilot, lambda: bool(pilot.app.screen.query("#export-file")))
        pilot.app.screen.query_one("#export-file", Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: file.exists() and pilot.app.screen is screen)
    assert api.lists[-1] == ("state:failed,retrying,parked,held", "-updated")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert rows[0]["cause"] == "c1" and all(row["cause"] for row in rows)
    assert "•" in rows[0]["customer"], "masked"


async def test_an_empty_list_says_nothing_stands_in_the_way_only_when_that_is_known(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = troubles.failures().model_copy(update={"groups": [], "orders": 0})

    async def answer(filter_: str = "") -> Any:
        return none.model_copy(update={"filter": filter_ or none.filter})

    monkeypatch.setattr(api, "failures", answer)
    async with opened() as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "nothing stands in the way" in screen_text(pilot))
        screen = pilot.app.screen
        assert isinstance(screen, FailuresScreen)
        screen._bar.put("state:failed")
        await until(pilot, lambda: "no cause matches the filter" in screen_text(pilot))
        screen._bar.put("")
        await until(pilot, lambda: "nothing stands in the way" in screen_text(pilot))
        screen.trouble = "the daemon is busy"
        screen.show()
        assert "nothing stands in the way" not in words_of(screen.query_one("#failures-about", Sheet))


def test_outside_words_are_no_formulas_in_exports() -> None:
    items = [one.model_copy(update={"message": "=HYPERLINK(1)"}) for one in troubles.batch().items]
    assert "'=HYPERLINK(1)" in as_csv(items)


@pytest.mark.parametrize(
    "bindings", [NeedsScreen.BINDINGS, FailuresScreen.BINDINGS, BatchScreen.BINDINGS, BatchesScreen.BINDINGS]
)
def test_no_key_means_two_things(bindings: Any) -> None:
    assert keys.clashes([bindings]) == []
