"""Nothing is submitted but by one deliberate ⏎ on the plan that was shown."""

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from console.client.errors import ChangedMeanwhile, Forbidden, refusal
from console.commands.table import for_orders
from console.schema.commands import Plan, PlanRequest, SubmitRequest, Submitted
from console.schema.problem import Change, FieldProblem, Problem
from console.screens.board import BoardScreen
from console.screens.resolve import ResolveScreen
from console.widgets import grace
from console.widgets.confirm import PlanDialog
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.canned import planned as a_plan
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import (
    board,
    dialog,
    notices,
    planned,
    screen_text,
    take,
    text_of,
    words_of,
)
from tests.console.screens.meanwhile import PARKED, park_meanwhile

REVIEW, FAILED, UNKNOWN = (world.order_id(number) for number in ("00010485", "00010466", "00010470"))


async def test_undo_is_the_plan_of_a_cancel_and_nothing_else(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("z")
        await planned(pilot)
        command, request = api.plans[-1]
        assert (command, request.arguments) == ("order.cancel", {"undo": True})
        assert dialog(pilot).query_one("#argument-undo", Input).value == "yes"


async def test_another_value_of_an_argument_is_planned_anew(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("c")
        await planned(pilot)
        assert "leave as is (optional) " in screen_text(pilot), "no label is cut"
        dialog(pilot).query_one("#argument-leave_as_is", Input).value = "ｙｅｓ"
        await until(pilot, lambda: dialog(pilot).plan is None)
        await pilot.press("enter")
        await planned(pilot)
        assert api.plans[-1][1].arguments == {"leave_as_is": True}
        assert api.submitted == []


async def test_a_wrong_value_is_told_once_and_its_field_is_where_one_types_on(api: CannedApi, opened: Opened) -> None:
    """The field that is empty is another one: nobody types a condition into a period."""

    def wrong(command: str, request: PlanRequest) -> Plan:
        error = FieldProblem(field="arguments.until", problem="'foo' is not a condition", remedy="write up(SYSTEM)")
        said = f"{error.field}: {error.problem}"
        raise refusal(Problem(type="urn:portal:problem:invalid", title="", status=422, detail=said, errors=[error]))

    async with opened() as pilot:
        await take(pilot, FAILED)
        api.plan_answer = wrong
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and not dialog(pilot).ignores_input())
        await pilot.press(*"foo", "enter")
        words = dialog(pilot).query_one("#dialog-words", Sheet)
        await until(pilot, lambda: "until: 'foo' is not a condition (write up(SYSTEM))" in words_of(words))
        assert words_of(words).count("is not a condition") == 1 and "arguments." not in words_of(words)
        await until(pilot, lambda: pilot.app.focused is dialog(pilot).query_one("#argument-until", Input))


async def test_many_that_cannot_be_undone_want_their_number_typed(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        board(pilot).table.marks = dict.fromkeys([FAILED, UNKNOWN])
        await pilot.press("c")
        await planned(pilot)
        dialog(pilot).query_one("#dialog-reason", Input).value = "double"
        await pilot.press("enter")
        await until(pilot, lambda: "Type the number of orders, 2" in screen_text(pilot))
        assert api.submitted == []
        dialog(pilot).query_one("#dialog-count", Input).value = "２"
        await pilot.press("enter")
        await until(pilot, lambda: len(api.submitted) == 1)


async def test_approving_names_order_customer_consequence_and_amount(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("a")
        await planned(pilot)
        shown = screen_text(pilot)
        for said in (
            "Approve",
            "00010485",
            "佐藤 健太郎",
            "¥6,930",
            "Status = Approved",
            "WHMCS bills the card",
            "SANDBOX",
        ):
            assert said in shown
        await pilot.press("enter")
        await until(pilot, lambda: len(api.submitted) == 1)
        command, request, key = api.submitted[0]
        assert (command, request.orders, request.plan_hash) == ("order.approve", [REVIEW], "h" * 16)
        assert key
        await until(pilot, lambda: "requested" in screen_text(pilot))


async def test_keys_of_the_first_half_second_are_ignored(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(grace, "monotonic", lambda: now[0])
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None)
        now[0] += 0.49
        await pilot.press("enter", "tab", "enter")
        assert isinstance(pilot.app.screen, PlanDialog)
        assert api.submitted == []
        now[0] += 0.02
        await pilot.press("enter")
        await until(pilot, lambda: len(api.submitted) == 1)


def test_a_dialog_that_does_not_stand_yet_is_answered_by_nothing() -> None:
    """On a busy machine a key may come between its opening and its first moment."""
    asked = grace.Grace("a")
    assert asked.ignores("\r") and asked.ignores()
    asked.start()
    assert asked.ignores("\r")


async def test_escape_leaves_without_a_word_to_the_daemon_from_the_first_moment_on(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grace, "monotonic", lambda: 100.0)  # the first half second does not end
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        assert api.submitted == []


async def test_rejecting_needs_a_reason(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("x")
        await planned(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert "needs a reason" in screen_text(pilot)
        assert api.submitted == []
        dialog(pilot).query_one("#dialog-reason", Input).value = "x" * 600
        await pilot.press("enter")
        assert "at most 500 characters" in screen_text(pilot)
        dialog(pilot).query_one("#dialog-reason", Input).value = "住所が違う"
        await until(pilot, lambda: "at most 500 characters" not in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: len(api.submitted) == 1)
        assert api.submitted[0][1].reason == "住所が違う"


async def test_a_plan_is_void_when_its_order_changes_and_says_who_did_what(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("r")
        await planned(pilot)
        park_meanwhile(api, FAILED)
        words = dialog(pilot).query_one("#dialog-words", Sheet)
        await until(pilot, lambda: f"this plan is void. Nothing was sent. {PARKED}" in words_of(words))
        before = len(api.plans)
        await pilot.press("enter")
        await until(pilot, lambda: len(api.plans) == before + 1)
        assert api.submitted == []


async def test_somebody_else_was_faster_keeps_the_reason_and_asks_again(api: CannedApi, opened: Opened) -> None:
    problem = Problem(
        type="urn:portal:problem:changed-meanwhile", title="changed", status=409, detail="the order changed since it was planned",
        changes=[Change(order_id=REVIEW, number="00010485", what="approved", by="sato", state="queued")],
    )  # fmt: skip

    def faster(command: str, request: SubmitRequest, key: str) -> Submitted:
        raise ChangedMeanwhile(problem)

    api.answer = faster
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("x")
        await planned(pilot)
        dialog(pilot).query_one("#dialog-reason", Input).value = "duplicate"
        first = dialog(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is not first and not isinstance(pilot.app.screen, BoardScreen))
        await planned(pilot)
        shown = words_of(dialog(pilot).query_one("#dialog-words", Sheet))
        assert "approved by sato (now queued)" in shown
        assert dialog(pilot).query_one("#dialog-reason", Input).value == "duplicate"


async def test_asking_again_waits_until_another_question_is_answered(api: CannedApi, opened: Opened) -> None:
    """Its ⏎ was meant for the question that stands there."""
    answers = asyncio.Event()
    submit = api.submit

    async def slow(command: str, request: SubmitRequest, *, key: str) -> Submitted:
        answer = await submit(command, request, key=key)
        if command != "order.reject":
            return answer
        await answers.wait()
        raise ChangedMeanwhile(
            Problem(type="urn:portal:problem:changed-meanwhile", title="changed", status=409, detail="it changed")
        )

    api.submit = slow  # type: ignore[method-assign]
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("x")
        await planned(pilot)
        dialog(pilot).query_one("#dialog-reason", Input).value = "duplicate"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen) and len(api.submitted) == 1)
        await take(pilot, FAILED)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and not dialog(pilot).ignores_input())
        note = dialog(pilot)
        answers.set()
        await pilot.pause(0.3)
        assert pilot.app.screen is note, "the question that stands there stays"
        await pilot.press("escape")
        await planned(pilot)
        assert "it changed" in words_of(dialog(pilot).query_one("#dialog-words", Sheet))
        assert dialog(pilot).query_one("#dialog-reason", Input).value == "duplicate"


async def test_a_refusal_of_the_role_is_told_in_the_daemons_words(api: CannedApi, opened: Opened) -> None:
    def refused(command: str, request: PlanRequest) -> Plan:
        raise Forbidden(
            Problem(
                type="urn:portal:problem:forbidden", title="no", status=403, detail="this needs the role supervisor"
            )
        )

    api.plan_answer = refused
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("a")
        await until(pilot, lambda: "needs the role supervisor" in screen_text(pilot))


async def test_what_is_not_possible_is_shown_and_cannot_be_submitted(api: CannedApi, opened: Opened) -> None:
    api.plan_answer = lambda command, request: a_plan(command, request, included=False)
    async with opened() as pilot:
        await take(pilot, REVIEW)
        await pilot.press("a")
        await planned(pilot)
        assert "it is not possible" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        assert api.submitted == []


async def test_a_command_that_is_impossible_now_says_why_and_opens_nothing(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, UNKNOWN)
        await pilot.press("r")
        await until(pilot, lambda: "the outcome of whmcs.AddOrder is not known" in notices(pilot))
        assert isinstance(pilot.app.screen, BoardScreen)
        assert api.plans == []


async def test_resolve_asks_for_the_id_then_shows_the_match(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, UNKNOWN)
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(pilot.app.screen, ResolveScreen) and "It matches" in screen_text(pilot))
        await pilot.press("equals_sign")
        await until(pilot, lambda: "identifier" in screen_text(pilot))
        await until(pilot, lambda: not dialog(pilot).ignores_input())
        await pilot.press("enter")
        await pilot.pause()
        assert "must be given" in screen_text(pilot)
        await pilot.press(*"991", "enter")
        await planned(pilot)
        assert api.plans[-1][1].arguments == {"identifier": "991"}
        await pilot.press("enter")
        await until(pilot, lambda: len(api.submitted) == 1)
        assert api.submitted[0][1].arguments == {"identifier": "991"}


async def test_a_note_is_written_with_one_enter(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, UNKNOWN)
        await pilot.press("m")
        await until(pilot, lambda: "what to write" in screen_text(pilot))
        await until(pilot, lambda: not dialog(pilot).ignores_input())
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: len(api.submitted) == 1)
        assert api.submitted[0][1].arguments == {"text": "hi"}


async def test_marks_are_planned_together_with_sum_and_largest(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = board(pilot)
        screen.table.marks = dict.fromkeys([REVIEW, world.order_id("00010484")])
        await pilot.press("a")
        await planned(pilot)
        shown = screen_text(pilot)
        assert "2 orders" in shown and "¥10,230" in shown and "largest ¥6,930" in shown


async def test_without_the_daemon_nothing_can_be_submitted(api: CannedApi, opened: Opened, tmp_path: Path) -> None:
    async with opened() as pilot:
        await take(pilot, REVIEW)
        api.feed.cut()
        await until(pilot, lambda: "nobody answers there" in screen_text(pilot))
        await pilot.press("a")
        await until(pilot, lambda: "nobody answers there" in notices(pilot))
        assert isinstance(pilot.app.screen, BoardScreen)
        assert api.plans == []


async def test_under_a_dialog_a_lost_daemon_is_seen_too(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, FAILED)
        status = board(pilot).query_one("#status")
        await pilot.press("m")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog))
        words = dialog(pilot).query_one("#dialog-words", Sheet)
        api.feed.cut()
        await until(pilot, lambda: "daemon lost" in text_of(status) and "nobody answers there" in words_of(words))
        api.feed.down = False
        await until(pilot, lambda: "● live" in text_of(status) and "nobody answers there" not in words_of(words))


async def test_a_read_only_console_asks_for_nothing(api: CannedApi, opened: Opened) -> None:
    async with opened(read_only=True) as pilot:
        board(pilot).table.take(FAILED)
        for command in for_orders():
            await pilot.press(command.keys)
        await pilot.pause()
        assert isinstance(pilot.app.screen, BoardScreen)
        assert (api.plans, api.submitted) == ([], [])
        assert "read-only" in notices(pilot)
