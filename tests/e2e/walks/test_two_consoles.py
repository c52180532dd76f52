"""Two people at one daemon: each sees what the other did, without asking for it."""

import time
from collections.abc import Iterator

import pytest

from tests.e2e.walks.office import PEOPLE, Office, open_office
from tests.e2e.walks.walker import Walker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


def test_each_sees_the_acts_of_the_other(office: Office) -> None:
    order = office.place("vpn", office.person("none"), approve=True)
    office.until_run(order["id"], "parked")
    one, two = (Walker(office.console(who, "--order", order["number"])) for who in ("operator", "other"))
    for walker in (one, two):
        walker.sees("● live", "STEPS", "u Take")
    one.press("u", "Take")
    one.press("⏎", "Take")
    sent = time.monotonic()
    two.sees(f"taken by {PEOPLE['operator']}")
    seen = time.monotonic()
    two.press("m", "Note")
    two.sees("Leave it  esc")
    two.type("rang twice")
    two.sees("rang twice")
    two.press("⏎", "Note")
    again = time.monotonic()
    one.sees("rang twice")
    print(f"seen {seen - sent:.2f} s and {time.monotonic() - again:.2f} s after ⏎, plan and commit included")
