"""The daemon's time: a book that came slowly is no clock that goes wrong."""

from collections.abc import Callable

import pytest

from console.client.address import Address
from console.client.api import ApiClient
from console.client.feed import FeedReader
from console.screens.session import Session

NOON = 1_795_403_071.0


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def loaded() -> Callable[[float, float], tuple[Session, Clock]]:
    """A session whose book was written ``ahead`` seconds after it was asked for, as the daemon's clock has it, and was
    there after ``took``."""

    def make(ahead: float, took: float) -> tuple[Session, Clock]:
        clock = Clock()
        session = Session(lambda: ApiClient(Address(url="http://127.0.0.1:1")), wall=clock)
        live = session.open()
        clock.at += took
        live.took, session.book.at = took, NOON + ahead
        return session, clock

    return make


@pytest.mark.parametrize(
    ("ahead", "took", "difference"),
    [
        (0.1, 0.2, 0),
        (0.5, 9.0, 0),
        (8.5, 9.0, 0),
        (3600.1, 0.2, 3599.9),
        (-3600.0, 0.2, -3600.0),
        (-3600.0, 9.0, -3600.0),
    ],
)
async def test_only_what_waiting_cannot_explain_is_a_difference(
    loaded: Callable[[float, float], tuple[Session, Clock]], ahead: float, took: float, difference: float
) -> None:
    session, clock = loaded(ahead, took)
    await session._heard()
    assert session.now() - clock() == pytest.approx(difference)
    await session.close()


async def test_a_difference_gets_smaller_by_what_is_heard(
    loaded: Callable[[float, float], tuple[Session, Clock]],
) -> None:
    session, clock = loaded(-4.0, 0.0)  # asked for before this session was there
    await session._heard()
    assert session.now() == clock() - 4.0
    assert session.live is not None
    session.live.reader = FeedReader(session.api, 0, 1)
    clock.at, session.book.at = NOON + 60, NOON + 59.75
    await session._heard()
    assert session.now() == clock() - 0.25
    await session.close()
