"""Three walks in a terminal, with nothing but the keys that are on the screen at that moment."""

import base64
import re
from collections.abc import Iterator

import pytest

from tests.e2e.walks.office import Office, open_office
from tests.e2e.walks.walker import Walker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


def copied(walker: Walker) -> str:
    """What was sent to the terminal's clipboard last."""
    sent = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", walker.terminal.raw)
    return base64.b64decode(sent[-1]).decode()


async def test_a_clerk_from_a_phone_number_to_the_sentence_for_the_customer(office: Office) -> None:
    person = office.person("none")
    order = office.place("vpn", person, approve=True)
    office.until_run(order["id"], "parked")
    walker = Walker(office.console("viewer"))
    walker.sees("● live")
    walker.press("F", "Find")
    walker.sees("Find")
    walker.type(person.phone)
    walker.press("⏎", "Find")
    walker.sees(order["number"], "WHAT TO SAY")
    walker.press("J", "copy Japanese")
    walker.sees("Sent the Japanese sentence")
    async with office.client("viewer") as client:
        say = (await client.find(person.phone)).orders[0].say
    assert copied(walker) == say.ja
    assert "".join(say.ja.split()) in "".join(walker.terminal.text.split())
    assert len(walker.pressed) <= 15, walker.pressed
