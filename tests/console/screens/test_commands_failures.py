"""Each command on Failures, for an order, for a whole cause and for marked causes, over a real daemon and the sandbox, by
keys.

As in test_commands_real.py. `make test` proves one command of each risk; `make matrix` proves them all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot

from console.api.failures import ACTS
from console.commands.table import BY_ID
from console.schema.commands import PlanRequest
from console.screens.failures import FailuresScreen
from integrations.sandbox.salesforce.users import INTEGRATION
from tests.console.screens import ways
from tests.console.screens.floor import Floor, home, open_floor, until
from tests.console.screens.looking import text_of, words_of
from tests.console.screens.proving import (
    AT_AN_ORDER,
    BELOW,
    BULK,
    Case,
    asked_in_vain,
    can_begin,
    nothing,
    of_role,
    offered_on,
    one_of_each_risk,
    prove_twice,
    refused,
    review,
    take,
)
from tests.console.screens.proving_many import NEVER, prove_many, set_up

pytestmark = pytest.mark.asyncio(loop_scope="module")
FEW = {"order.retry", "order.take"}  # and of a whole cause what is destructive: one of each risk


async def reviewed_again(floor: Floor) -> str:
    """It failed, was set back to Pending Review in Salesforce, and somebody looked at it here since."""
    order_id = await floor.failed("travel")
    floor.sandbox.salesforce.desk.change_order(order_id, {"Status": "Pending Review"}, user=INTEGRATION)
    await floor.desk.client("admin").plan("order.approve", PlanRequest(orders=[order_id]))
    return order_id


async def approved_again(floor: Floor) -> str:
    """It was provisioned, and somebody approved it once more: held, and its mails can be sent again."""
    order_id = await floor.done()
    run = await floor.state(order_id, "done")
    await until(lambda: time.time() >= run.state_data["sf_modified"] + 1)  # Salesforce counts in whole seconds
    floor.sandbox.salesforce.desk.change_order(order_id, {"Status": "Approved"}, user=INTEGRATION)
    await floor.admit(order_id)
    await floor.state(order_id, "held")
    return order_id


async def taken_when_failed(floor: Floor) -> str:
    return await take(floor, await floor.failed())


async def withdrawn(floor: Floor, case: Case) -> str:
    """Of the same cause, but cancelled in Salesforce since, and somebody looked at it here."""
    order_id = await case.set_up(floor)
    floor.sandbox.people.cancel(order_id)
    await floor.desk.client("admin").plan("order.approve", PlanRequest(orders=[order_id]))
    await floor.rests(order_id)
    return order_id


# Where the order is none that failed on the order's own screen, one that did.
SET_UPS: dict[str, Callable[[Floor], Awaitable[str]]] = {
    "order.approve": reviewed_again,
    "order.reject": reviewed_again,
    "order.take": Floor.failed,
    "order.untake": taken_when_failed,
    "order.note": Floor.failed,
    "order.mail_resend": approved_again,
}
WORDS = {
    "order.approve": "Approve {number}: it is Approved",
    "order.reject": "Reject {number}: it is Rejected",
    "order.take": "Take {number}: it is yours",
    "order.note": "noted at {number}",
}
CASES = [
    replace(
        case,
        screen="failures",
        set_up=SET_UPS.get(case.command, case.set_up),
        words=WORDS.get(case.command, case.words),
    )
    for case in AT_AN_ORDER
    if case.command != "order.start"
]
MARKED = [case for case in CASES if case.command in BULK]
OF_A_CAUSE = [case for case in CASES if case.command in ACTS and case.key == ""]
LEAVE_OUT_WITHDRAWN = {"order.retry", "order.unpark", "order.park"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("failures"), customers=150) as opened:
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
    """The rows, what is said about the cause in hand, and what the console said itself."""
    screen = pilot.app.screen
    own = " ".join("".join(text for text, _ in line) for line in pilot.app.desk.said[-3:])  # type: ignore[attr-defined]
    return f"{text_of(screen.table)} {words_of(screen._about)} {own}" if isinstance(screen, FailuresScreen) else own


@pytest.mark.parametrize("case", one_of_each_risk(CASES, FEW), ids=str)
async def test_a_command(floor: Floor, case: Case) -> None:
    order_id = await case.set_up(floor)
    await floor.rests(order_id)
    pilot = await floor.console(case.role)
    await ways.to_failures(floor, pilot, order_id)
    await prove_twice(floor, pilot, case, order_id, shown)
    await home(pilot)


@pytest.mark.parametrize("case", one_of_each_risk(OF_A_CAUSE, {"order.cancel"}), ids=str)
async def test_a_command_for_a_whole_cause(floor: Floor, case: Case) -> None:
    orders, left_out = await set_up(floor, case), dict[str, str]()
    if case.command in LEAVE_OUT_WITHDRAWN:
        left_out = {await withdrawn(floor, case): "the order is Cancelled in Salesforce"}
    pilot = await floor.console(case.role)
    await ways.to_the_cause(floor, pilot, [*orders, *left_out])
    await can_begin(pilot, case)
    said = f"these {len(orders)}, not 1: the order is Cancelled" if left_out else f"these {len(orders)}"
    key, title = BY_ID[case.command].keys, BY_ID[case.command].title
    await until(lambda: f"{key} {title} {said}" in acts(pilot), said=lambda: acts(pilot))
    await prove_many(floor, pilot, case, orders, left_out)
    await home(pilot)


@pytest.mark.matrix
@pytest.mark.parametrize("case", MARKED, ids=str)
async def test_a_command_for_marked_causes(floor: Floor, unknown: str, case: Case) -> None:
    orders = await set_up(floor, case)
    pilot = await floor.console(case.role)
    await ways.marked_by_cause(floor, pilot, [*orders, unknown])
    await prove_many(floor, pilot, case, orders, {unknown: NEVER})
    await home(pilot)


def acts(pilot: Pilot[Any]) -> str:
    """What can be done to the cause in hand, as it stands beside it."""
    screen = pilot.app.screen
    assert isinstance(screen, FailuresScreen)
    return words_of(screen._acts)


@pytest.mark.matrix
async def test_what_is_not_done_to_a_whole_cause_is_refused_with_the_way_on(floor: Floor) -> None:
    orders = [await floor.failed(), await floor.failed()]
    pilot = await floor.console("supervisor")
    await ways.to_the_cause(floor, pilot, orders)
    for command in sorted(offered_on(FailuresScreen) - set(ACTS)):
        await asked_in_vain(pilot, command, "this is done at an order: unfold the cause")
    await home(pilot)


@pytest.mark.matrix
async def test_an_order_that_was_approved_again_is_not_started_and_it_is_said_why(floor: Floor) -> None:
    """Held before intake began, or for four eyes, is no failure and stands elsewhere: what is held here never starts."""
    order_id = await approved_again(floor)
    pilot = await floor.console("operator")
    await ways.to_failures(floor, pilot, order_id)
    await until(lambda: pilot.app.screen.possible("order.start") is not None)  # type: ignore[attr-defined]
    why = "this order was provisioned before and its effects stand: make a new order for a new service"
    await asked_in_vain(pilot, "order.start", why)
    await home(pilot)


@pytest.mark.matrix
@pytest.mark.parametrize(("role", "below"), BELOW.items())
async def test_the_role_below_is_refused_with_the_reason(floor: Floor, role: str, below: str) -> None:
    orders = [await floor.failed(), await floor.failed()]
    pilot = await floor.console(below)
    await ways.to_failures(floor, pilot, orders[0])
    for case in of_role(CASES, role):
        await can_begin(pilot, Case(case.command, review, nothing, "", role=role))
        await refused(floor, pilot, case.command, role, orders[:1])
    await ways.to_the_cause(floor, pilot, orders)
    for case in of_role(OF_A_CAUSE, role):
        await refused(floor, pilot, case.command, role, orders)
    await ways.marked_by_cause(floor, pilot, orders)
    for case in of_role(MARKED, role):
        await refused(floor, pilot, case.command, role, orders)
    await home(pilot)
