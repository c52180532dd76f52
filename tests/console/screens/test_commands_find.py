"""Find gives no command itself: each is one ⏎ away, on the order that was found, and the result shows what became of it.

As in test_commands_real.py. `make test` proves one command, `make matrix` proves them all.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from console.commands.table import for_orders
from console.screens.find import FindScreen
from console.screens.order import OrderScreen
from storage import audit
from tests.console.screens import ways
from tests.console.screens.floor import Floor, home, open_floor, press, until
from tests.console.screens.looking import notices, screen_text, words_of
from tests.console.screens.proving import (
    AT_AN_ORDER,
    BELOW,
    Case,
    can_begin,
    key_name,
    nothing,
    one_of_each_risk,
    prove_twice,
    refused,
    review,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
CASES = [replace(case, screen="find") for case in AT_AN_ORDER]
STATES = ("✓ done", "⊘ cancelled", "‖ parked")  # that a command brings an order to


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("found")) as opened:
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def mended(floor: Floor) -> None:
    """What one case leaves when it fails is not the next one's trouble."""
    await floor.mend()


@pytest.mark.parametrize("case", one_of_each_risk(CASES, {"order.retry"}), ids=str)
async def test_a_command_on_what_was_found(floor: Floor, case: Case) -> None:
    order_id = await case.set_up(floor)
    await floor.rests(order_id)
    pilot = await floor.console(case.role)
    await ways.to_what_is_found(floor, pilot, order_id)
    await prove_twice(floor, pilot, case, order_id)
    while not isinstance(find := pilot.app.screen, FindScreen):
        await press(pilot, "escape")
    number, state = floor.placed[order_id].number, case.words if case.words in STATES else ""
    await until(
        lambda: f"{number} " in words_of(find.found) and state in words_of(find.found),
        said=lambda: words_of(find.found),
    )
    await home(pilot)


@pytest.mark.matrix
async def test_a_key_of_a_command_does_nothing_on_the_result(floor: Floor) -> None:
    order_id = await floor.failed()
    pilot = await floor.console("supervisor")
    await ways.found(floor, pilot, order_id)
    before = floor.desk.journal.peek(lambda db: audit.newest(db, 1))
    for command in for_orders():
        await press(pilot, key_name(command.keys))
        assert isinstance(pilot.app.screen, FindScreen)
    await press(pilot, "z", "enter")  # what was pressed before was heard before
    await until(lambda: isinstance(pilot.app.screen, OrderScreen), said=lambda: screen_text(pilot))
    assert floor.desk.journal.peek(lambda db: audit.newest(db, 1)) == before
    assert notices(pilot) == ""
    await home(pilot)


@pytest.mark.matrix
@pytest.mark.parametrize(("role", "below"), BELOW.items())
async def test_the_role_below_is_refused_with_the_reason(floor: Floor, role: str, below: str) -> None:
    order_id = await review(floor)
    pilot = await floor.console(below)
    await ways.to_what_is_found(floor, pilot, order_id)
    for command in [case.command for case in CASES if case.role == role]:
        await can_begin(pilot, Case(command, review, nothing, "", role=role))
        await refused(floor, pilot, command, role, [order_id])
    await home(pilot)
