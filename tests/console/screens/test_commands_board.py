"""Each command on the board, for the order in hand and for marked ones, over a real daemon and the sandbox, by keys.

As in test_commands_real.py. `make test` proves one command of each risk; `make matrix` proves them all.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot

from console.schema.commands import PlanRequest
from console.screens.board import BoardScreen
from tests.console.screens import ways
from tests.console.screens.floor import Floor, home, open_floor
from tests.console.screens.looking import text_of, words_of
from tests.console.screens.proving import (
    AT_AN_ORDER,
    BELOW,
    BULK,
    Case,
    can_begin,
    nothing,
    of_role,
    one_of_each_risk,
    prove_twice,
    refused,
    review,
)
from tests.console.screens.proving_many import NEVER, prove_many, set_up

pytestmark = pytest.mark.asyncio(loop_scope="module")
FEW = {"order.retry", "order.cancel", "order.take"}  # one of each risk; nothing that costs money is offered for many


async def looked_at(floor: Floor) -> str:
    """In review; the board knows it since somebody asked for a plan."""
    order_id = await review(floor)
    await floor.desk.client("admin").plan("order.approve", PlanRequest(orders=[order_id]))
    return order_id


WORDS = {  # where the preview has no room for the order's own words
    "order.approve": "Approve {number}: it is Approved",
    "order.reject": "Reject {number}: it is Rejected",
}
CASES = [
    replace(
        case,
        screen="board",
        set_up=looked_at if case.set_up is review else case.set_up,
        words=WORDS.get(case.command, case.words),
    )
    for case in AT_AN_ORDER
]
MARKED = [case for case in CASES if case.command in BULK]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("board"), customers=120) as opened:
        opened.tasks.append(asyncio.create_task(opened.desk.api.services.batches.run()))
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def mended(floor: Floor) -> None:
    """What one case leaves when it fails is not the next one's trouble."""
    await floor.mend()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unknown(floor: Floor) -> str:
    """An order that no act on many may touch."""
    order_id = await floor.unknown(made=True)
    await floor.rests(order_id)
    return order_id


def shown(pilot: Pilot[Any]) -> str:
    """The rows of the board, the preview of the order in hand in whole, and what the console said itself."""
    screen = pilot.app.screen
    own = " ".join("".join(text for text, _ in line) for line in pilot.app.desk.said[-3:])  # type: ignore[attr-defined]
    return f"{text_of(screen.table)} {words_of(screen.preview)} {own}" if isinstance(screen, BoardScreen) else own


@pytest.mark.parametrize("case", one_of_each_risk(CASES, FEW), ids=str)
async def test_a_command(floor: Floor, case: Case) -> None:
    order_id = await case.set_up(floor)
    await floor.rests(order_id)
    pilot = await floor.console(case.role)
    await ways.to_the_board(floor, pilot, order_id)
    await prove_twice(floor, pilot, case, order_id, shown)
    await home(pilot)


@pytest.mark.matrix
@pytest.mark.parametrize("case", MARKED, ids=str)
async def test_a_command_for_marked_orders(floor: Floor, unknown: str, case: Case) -> None:
    orders = await set_up(floor, case)
    pilot = await floor.console(case.role)
    await ways.marked_on_the_board(floor, pilot, [*orders, unknown])
    await prove_many(floor, pilot, case, orders, {unknown: NEVER})
    await home(pilot)


@pytest.mark.matrix
@pytest.mark.parametrize(("role", "below"), BELOW.items())
async def test_the_role_below_is_refused_with_the_reason(floor: Floor, role: str, below: str) -> None:
    orders = [await looked_at(floor), await looked_at(floor)]
    pilot = await floor.console(below)
    await ways.to_the_board(floor, pilot, orders[0])
    for case in of_role(CASES, role):
        await can_begin(pilot, Case(case.command, review, nothing, "", role=role))
        await refused(floor, pilot, case.command, role, orders[:1])
    await ways.marked_on_the_board(floor, pilot, orders)
    for case in of_role(MARKED, role):
        await refused(floor, pilot, case.command, role, orders)
    await home(pilot)
