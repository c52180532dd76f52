"""Each command on each screen that offers it, over a real daemon and the sandbox: plan, audit pair, effect, words, role.

Every case is proved twice: first with a submit that only says "done", which must fail, then in earnest. `make test` proves
each command on the order's own screen, `z` too; `make matrix` proves them on the other screens as well.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from console.commands.table import for_orders
from console.screens.approvals import ApprovalsScreen
from console.screens.order import OrderScreen
from console.widgets.inline import InlineConfirm
from tests.console.screens import ways
from tests.console.screens.floor import Floor, home, open_floor, press, until
from tests.console.screens.proving import (
    AT_AN_ORDER,
    BELOW,
    Case,
    can_begin,
    nothing,
    prove_twice,
    refused,
    review,
    said,
    status_is,
    take,
    taken,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAYS = {"order": ways.to_the_order, "approvals": ways.to_approvals}
CASES = [
    *AT_AN_ORDER,
    Case("order.approve", review, status_is("Approved"), "Approve {number}: ", screen="approvals"),
    Case("order.reject", review, status_is("Rejected"), "Reject {number}: ", screen="approvals"),
    Case("order.take", review, nothing, "Take {number}: it is yours", screen="approvals"),
    Case("order.untake", taken, nothing, "Let go {number}: it is nobody's", screen="approvals"),
    Case("order.note", review, nothing, "noted at {number}", screen="approvals", typed={"text": "asked the shop"}),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("commands")) as opened:
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def mended(floor: Floor) -> None:
    """What one case leaves when it fails is not the next one's trouble."""
    await floor.mend()


async def test_every_command_about_an_order_is_proved_here() -> None:
    assert {case.command for case in CASES} == {command.id for command in for_orders()}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case.screen == "order" else pytest.mark.matrix) for case in CASES], ids=str
)
async def test_a_command(floor: Floor, case: Case) -> None:
    order_id = await case.set_up(floor)
    await floor.rests(order_id)
    pilot = await floor.console(case.role)
    await WAYS[case.screen](floor, pilot, order_id)
    await prove_twice(floor, pilot, case, order_id)
    await home(pilot)


@pytest.mark.parametrize("screen", ["order", "approvals"])
@pytest.mark.parametrize(("role", "below"), BELOW.items())
async def test_the_role_below_is_refused_with_the_reason(floor: Floor, screen: str, role: str, below: str) -> None:
    order_id = await review(floor)
    commands = sorted({case.command for case in CASES if (case.role, case.screen) == (role, screen)})
    pilot = await floor.console(below)
    for command in commands:
        if not isinstance(pilot.app.screen, OrderScreen | ApprovalsScreen):
            await WAYS[screen](floor, pilot, order_id)
        await can_begin(pilot, Case(command, review, nothing, "", role=role))
        await refused(floor, pilot, command, role, [order_id])
    await home(pilot)


async def test_what_stood_in_the_way_a_moment_ago_is_asked_again_before_it_is_refused(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody acts, and a key comes before the screen has heard of it."""
    order_id = await review(floor)
    pilot = await floor.console("operator")
    await ways.to_the_order(floor, pilot, order_id)
    screen = pilot.app.screen
    assert isinstance(screen, OrderScreen)
    await until(lambda: (one := screen.possible("order.untake")) is not None and not one.possible)
    before = list(screen.known_commands())
    monkeypatch.setattr(screen, "known_commands", lambda: before)
    await take(floor, order_id)
    await press(pilot, "U")
    await until(lambda: isinstance(pilot.app.screen, InlineConfirm), said=lambda: said(pilot))
    await home(pilot)
