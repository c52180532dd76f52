"""Three walks in a terminal, with nothing but the keys that are on the screen at that moment."""

import base64
import re
from collections.abc import Iterator

import pytest

from tests.e2e.walks import walks
from tests.e2e.walks.office import PEOPLE, Office, open_office
from tests.e2e.walks.terminal import Terminal
from tests.e2e.walks.walker import NotOffered, Walker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


def copied(terminal: Terminal) -> str:
    """What was sent to the terminal's clipboard last."""
    sent = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", bytes(terminal.raw))
    return base64.b64decode(sent[-1]).decode()


async def test_a_clerk_from_a_phone_number_to_the_sentence_for_the_customer(office: Office) -> None:
    walked = walks.clerk(office)
    async with office.client("viewer") as client:
        say = (await client.find(walked.orders[0]["number"])).orders[0].say
    assert copied(walked.walker.terminal) == say.ja
    assert "".join(say.ja.split()) in "".join(walked.walker.terminal.text.split())
    assert len(walked.walker.pressed) <= 15, walked.walker.pressed


def test_a_key_that_is_not_on_the_screen_cannot_be_pressed(office: Office) -> None:
    """Control of the walker itself."""
    walker = Walker(office.console("viewer"))
    walker.sees("● live")
    with pytest.raises(NotOffered):
        walker.press("a", "Approve", seconds=0.5)
    assert walker.pressed == []


async def test_an_operator_through_an_outcome_that_nobody_knows(office: Office) -> None:
    walked = walks.unknown(office)
    (order,) = walked.orders
    (stands,) = office.whmcs_orders(order["client"])
    assert stands["status"] == "Active"
    assert office.salesforce(order["id"])["WHMCS_Order_ID__c"] == str(stands["id"])
    async with office.client("operator") as client:
        rows = (await client.order(order["id"])).history
    assert [(row.actor, row.what) for row in rows if row.kind == "command"] == [
        (PEOPLE["operator"], "order.resolve_is")
    ]


async def test_a_supervisor_through_two_races_and_an_order_beyond_the_limit(office: Office) -> None:
    lost, won, large = (await walks.approvals(office)).orders
    for order, who in ((lost, PEOPLE["other"]), (won, PEOPLE["supervisor"]), (large, None)):
        async with office.client("viewer") as client:
            rows = (await client.order(order["id"])).history
        assert [row.actor for row in rows if row.what == "order.approve"] == ([who] if who else [])
    office.until_run(won["id"], "done")
    assert len(office.whmcs_orders(won["client"])) == 1
    assert office.salesforce(large["id"])["Status"] == "Pending Review"
    assert office.whmcs_orders(large["client"]) == []
