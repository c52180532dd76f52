"""The order screen: every pane can be reached, and says what the daemon says."""

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from console.client.errors import NoAnswer
from console.schema.detail import OrderDetail
from console.schema.mending import EditForm
from console.schema.records import Compared, Records
from console.screens.board import BoardScreen
from console.screens.edit import EditScreen
from console.screens.order import OrderScreen
from console.widgets.confirm import PlanDialog
from console.widgets.glyphs import UNICODE
from console.widgets.jsonview import JsonView
from console.widgets.records import comparison
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import board, order, planned, screen_text, text_of, words_of

UNKNOWN = "00010470"


async def go_to(pilot: object, number: str) -> OrderScreen:
    await pilot.press("colon", *number, "enter")  # type: ignore[attr-defined]
    await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))  # type: ignore[arg-type, attr-defined]
    await until(pilot, lambda: bool(order(pilot).known_commands()))  # type: ignore[arg-type]
    return order(pilot)  # type: ignore[arg-type]


async def test_what_the_person_needs_first_is_chosen(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, UNKNOWN.lstrip("0"))
        assert screen.query_one("#steps", Sheet).chosen == "call:2"
        shown = screen_text(pilot)
        for said in ("David Chen", "AddOrder outcome unknown", "look 2", "absent", "WENT OUT"):
            assert said in shown, said
        assert "no answer that counts: no answer in time" in words_of(screen.query_one(JsonView))


async def test_what_went_wrong_is_told_in_words_with_the_code_once(
    opened: Opened, api: CannedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = world.detail(UNKNOWN)
    assert detail.run is not None
    run = detail.run.model_copy(update={"error_class": "customer", "error_code": "pay_method_expired"})
    calls = [call.model_copy(update={"settled_by": "answer"}) if call.id == 1 else call for call in detail.calls]

    async def asked(order: str, *, masked: bool = False) -> OrderDetail:
        return detail.model_copy(update={"run": run, "calls": calls})

    monkeypatch.setattr(api, "order", asked)
    async with opened() as pilot:
        screen = await go_to(pilot, UNKNOWN)
        steps, shown = screen.query_one("#steps", Sheet), screen.query_one(JsonView)
        assert "the customer has to act code pay_method_expired" in words_of(steps)
        assert "customer pay_method_expired" not in words_of(steps)
        assert words_of(shown).startswith("whmcs.AddOrder outcome unknown repeated only after a look marker")
        for _ in range(len(steps.names)):
            if steps.chosen != "call:1":
                await pilot.press("up")
        assert steps.chosen == "call:1"
        await until(pilot, lambda: "known by its answer" in words_of(shown))
        await until(pilot, lambda: "a repeat makes no second effect" in words_of(shown))


async def test_a_look_shows_its_evidence(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, UNKNOWN)
        await pilot.press("down", "down")
        assert screen.query_one("#steps", Sheet).chosen == "send:21"
        assert "GetOrders" in text_of(screen.query_one(JsonView))


async def test_records_stand_side_by_side_with_differences_marked(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, UNKNOWN)
        sheet = screen.query_one("#records", Sheet)

        def line(field: str) -> str:
            return next((line for line in text_of(sheet).splitlines() if line.startswith(field)), "")

        await until(pilot, lambda: all(part in line("amount") for part in ("¥6,980", "¥6,930", "≠")))
        assert line("cycle") and "≠" not in line("cycle")
        await until(pilot, lambda: all(said in screen_text(pilot) for said in ("2 fields differ", "WHMCS read 8s ago")))


@pytest.mark.parametrize("width", [39, 45, 61, 90])
def test_records_of_three_systems_can_be_read_at_every_width(width: int) -> None:
    """Nothing is beyond the edge; an ICCID of the provider, and all of a difference, can be read whole."""
    ours, other = "8981006254741083299", "8981006254741083298"
    lines = [
        Compared(group="customer", field="e-mail", salesforce="hanako.tanaka13@example.jp", whmcs="hanako.tanaka12@example.jp", same=False),
        Compared(group="item 153", field="ICCID", salesforce=ours, whmcs=ours, esim=other, same=False),
        Compared(group="item 153", field="profile state", esim="released"),
    ]  # fmt: skip
    records = Records(order_id="x", number="1", fetched=[], lines=lines, differences=2)
    shown = ["".join(text for text, _ in line) for line in comparison(records, "", width, 0.0, UNICODE)]
    assert all(cell_len(line) <= width for line in shown)
    said = "\n".join(shown)
    for value in ("hanako.tanaka12@example.jp", "hanako.tanaka13@example.jp", ours, other, "released", "≠"):
        assert value in said, value


@pytest.mark.parametrize("width", [39, 45, 61, 90])
def test_equal_values_and_names_of_fields_can_be_read_whole_at_every_width(width: int) -> None:
    iccid, email, company = "89810062547410832994", "hanako.tanaka13@example.jp", "株式会社東京テレコムサービス"
    rows = [
        ("customer", "customer number", "C-004417"), ("customer", "name", company), ("customer", "e-mail", email),
        ("item 153", "product", "Internet 10G Premium"), ("item 153", "first amount", "¥6,930"), ("item 153", "ICCID", iccid),
    ]  # fmt: skip
    lines = [Compared(group=group, field=field, salesforce=said, whmcs=said, same=True) for group, field, said in rows]
    records = Records(order_id="x", number="1", fetched=[], lines=lines, differences=0)
    shown = ["".join(text for text, _ in line) for line in comparison(records, "", width, 0.0, UNICODE)]
    assert all(cell_len(line) <= width for line in shown)
    cells = [[cell.strip() for cell in line.split(UNICODE.vline)] for line in shown]
    labels = " ".join(row[0] for row in cells if len(row) == 3)
    for _, field, said in rows:
        assert field in " ".join(labels.split()), field
        for column, title in ((1, "WHMCS"), (2, "Salesforce")):
            in_column = " ".join(" ".join(row[column] for row in cells if len(row) == 3).split())
            assert said in in_column or f"{title} {said}" in " ".join(" ".join(shown).split()), (title, said)


async def test_the_records_are_as_wide_as_their_pane_as_soon_as_the_terminal_is(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, UNKNOWN)
        sheet = screen.query_one("#records", Sheet)
        await until(pilot, lambda: "2 fields differ" in screen_text(pilot))
        monkeypatch.setattr(screen, "tick", lambda: None)  # it would come round once a second
        narrow = sheet.room

        def fills() -> bool:
            return sheet.room - 6 < cell_len("".join(text for text, _ in sheet.lines[0])) <= sheet.room

        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: sheet.room > narrow and fills())
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: sheet.room == narrow and fills())


async def test_a_terminal_that_grows_under_a_dialog_cuts_no_sentence_afterwards(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, UNKNOWN)
        sheet = screen.query_one("#meaning", Sheet)

        def fits() -> bool:
            longest = max(cell_len("".join(text for text, _ in line)) for line in sheet.lines)
            return longest <= sheet.room and words_of(sheet).startswith("WHAT THIS MEANS")

        for sizes in (((80, 24), (40, 20), (200, 60), (120, 40), (200, 60)), ((120, 40),), ((80, 24), (200, 60))):
            await pilot.press("c")
            await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog))
            for size in sizes:
                await pilot.resize_terminal(*size)
                await until(pilot, lambda size=size: screen.size == size)  # type: ignore[misc]
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen is screen)
            await until(pilot, lambda: fits() and sheet.room > 30)
        assert len(sheet.lines) < 12, "a wide pane is made use of"


async def test_impossible_commands_carry_the_reason_and_what_is_never_allowed_is_left_out(opened: Opened) -> None:
    async with opened(size=(200, 60)) as pilot:
        screen = await go_to(pilot, UNKNOWN)
        shown = text_of(screen.query_one("#acts", Sheet))
        assert "Retry: the outcome of whmcs.AddOrder is not known" in shown
        assert "Skip step" not in shown


async def test_a_command_is_begun_from_the_list(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, "00010466")
        acts = screen.query_one("#acts", Sheet)
        acts.focus()
        await pilot.press("enter")
        await planned(pilot)
        assert api.plans[0][0] == "order.retry"


async def test_retry_from_step_takes_the_chosen_step(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, "00010466")
        steps = screen.query_one("#steps", Sheet)
        steps.choose("step:accept")
        await pilot.press("R")
        await planned(pilot)
        assert api.plans[0][1].arguments == {"step": "accept"}


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_every_pane_can_be_reached_by_tab(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        await go_to(pilot, UNKNOWN)
        seen = set()
        for _ in range(8):
            focused = pilot.app.focused
            assert focused is not None and focused.region.width > 20 and focused.region.height > 2
            seen.add(focused.id)
            await pilot.press("tab")
            await pilot.pause()
        assert {"steps", "io", "records", "history", "meaning", "acts"} <= seen


async def test_the_screen_follows_the_feed(api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as pilot:
        await go_to(pilot, UNKNOWN)
        order_id = world.order_id(UNKNOWN)
        number, name, plan, _, _, yen, age, tries, _ = world.ENTRIES[order_id]
        done = (number, name, plan, "vv-vvvv", "done", yen, age, tries, {"version": 9})
        monkeypatch.setitem(world.ENTRIES, order_id, done)
        api.feed.put(
            {"seq": 101, "prev": 100, "epoch": 1, "at": world.NOW, "kind": "run", "order_id": order_id, "row": world.row(done)}
        )  # fmt: skip
        await until(pilot, lambda: "✓ done" in screen_text(pilot).splitlines()[2])
        await until(pilot, lambda: "✓ email" in screen_text(pilot))


@pytest.mark.parametrize(
    ("typed", "said"),
    [("99999", "there is no order 99999"), ("9" * 10_000, "At most 200 characters"), ("'\"👩", "is no place here")],
)
async def test_a_wrong_number_is_answered_in_words(opened: Opened, typed: str, said: str) -> None:
    async with opened() as pilot:
        await pilot.press("colon")
        await pilot.pause()
        pilot.app.screen.query_one("#goto-input").value = typed  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: said in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))


async def test_an_order_stays_open_while_one_looks_at_another_section(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await go_to(pilot, UNKNOWN)
        await pilot.press("2")
        await pilot.pause()
        assert pilot.app.screen is not screen
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))


async def test_an_edit_form_that_cannot_be_read_again_keeps_what_was_typed(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = api.editable
    trouble: list[Exception] = []

    async def editable(order: str) -> EditForm:
        if trouble:
            raise trouble[0]
        return await asked(order)

    monkeypatch.setattr(api, "editable", editable)
    async with opened() as pilot:
        form = EditScreen(board(pilot).desk, world.order_id("00010480"))
        pilot.app.push_screen(form)
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        field = pilot.app.focused
        assert isinstance(field, Input)
        field.value = "TRAVEL-10G"
        trouble.append(NoAnswer("here", "no answer in time"))
        form._fetch()
        await until(pilot, lambda: "the daemon did not answer: no answer in time" in screen_text(pilot))
        assert pilot.app.focused is field and field.value == "TRAVEL-10G"
        trouble.clear()
        await until(pilot, lambda: "the daemon did not answer" not in screen_text(pilot))
        assert field.value == "TRAVEL-10G"
