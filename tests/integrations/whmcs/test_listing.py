"""When a listing is provably whole (rules §3.2), and that every doubt makes it incomplete."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.whmcs.listing import MAX_PAGES, PAGE_SIZES, Page, read_all
from integrations.whmcs.models import Listing

Change = Callable[[int], list[str]]


class Server:
    """A list of ids that may change with every request; ``asked`` holds (offset, size)."""

    def __init__(self, ids: list[str] | Change, cap: int = 10_000) -> None:
        self._ids = ids
        self._cap = cap
        self.asked: list[tuple[int, int]] = []

    def ids(self) -> list[str]:
        return self._ids(len(self.asked)) if callable(self._ids) else self._ids

    async def __call__(self, offset: int, size: int) -> Page[str]:
        ids = self.ids()
        self.asked.append((offset, size))
        part = ids[offset : offset + min(size, self._cap)]
        return Page({i: i for i in part}, len(part), len(ids), len(part))


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


async def scripted(*pages: Page[str]) -> Listing[str]:
    """Read pages as given; both passes see the same ones, the last page stays."""
    given = list(pages)

    async def read_page(offset: int, size: int) -> Page[str]:
        if offset == 0:
            given[:] = pages
        return given.pop(0) if len(given) > 1 else given[0]

    return await read_all(read_page)


def rows(*ids: str, total: int | None, returned: int | None = None, problem: str = "") -> Page[str]:
    return Page({i: i for i in ids}, len(ids), total, len(ids) if returned is None else returned, problem)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 2500])
async def test_a_quiet_list_is_whole(count: int) -> None:
    server = Server(numbers(count))
    listing = await read_all(server)
    assert listing.complete
    assert sorted(listing.rows) == sorted(numbers(count))
    assert {size for _, size in server.asked} == {PAGE_SIZES[0]}


async def test_reading_stops_at_an_empty_page_not_at_a_short_one() -> None:
    server = Server(numbers(250), cap=30)
    listing = await read_all(server)
    assert listing.complete
    assert len(listing.rows) == 250
    assert server.asked[-1] == (250, 100)


@pytest.mark.parametrize("count", [0, 1, 99])
async def test_a_list_that_does_not_fill_a_page_takes_one_request(count: int) -> None:
    server = Server(numbers(count))
    assert (await read_all(server)) == Listing(tuple(numbers(count)), complete=True)
    assert server.asked == [(0, 100)]


@pytest.mark.parametrize("total", [100, 7])
async def test_a_full_page_is_not_the_last_whatever_it_promises(total: int) -> None:
    """An install that counts only the page it sends must not make the rest absent."""
    asked: list[int] = []

    async def read_page(offset: int, size: int) -> Page[str]:
        asked.append(offset)
        ids = numbers(150)[offset : offset + size]
        return Page({i: i for i in ids}, len(ids), total if len(ids) == size else len(ids), len(ids))

    await read_all(read_page)
    assert asked[1] == 100


async def test_an_insertion_while_reading_is_seen_and_settled_by_large_pages() -> None:
    server = Server(lambda n: numbers(150) if n < 1 else ["new", *numbers(150)])
    listing = await read_all(server)
    assert listing.complete
    assert len(listing.rows) == 151
    assert server.asked == [(0, 100), (100, 100), (151, 100), (0, 1000)]


async def test_a_list_that_never_rests_is_not_whole() -> None:
    listing = await read_all(Server(lambda n: numbers(1500 + n)))
    assert not listing.complete
    assert "totalresults changed" in listing.reason


async def test_an_insertion_hidden_by_a_deletion_is_seen_by_the_row_that_comes_twice() -> None:
    server = Server(lambda n: numbers(150) if n < 1 else ["new", *numbers(149)])
    listing = await read_all(server)
    assert [size for _, size in server.asked] == [100, 100, 100, 1000]
    assert listing.complete
    assert "new" in listing.rows


async def test_a_new_order_of_rows_for_every_page_is_settled_by_one_large_page() -> None:
    draw = random.Random(7)
    listing = await read_all(Server(lambda n: draw.sample(numbers(300), 300)))
    assert listing.complete
    assert len(listing.rows) == 300


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ((rows(total=None),), "no totalresults"),
        ((rows("1", total=None), rows(total=None)), "no totalresults"),
        ((rows(total=2),), "0 different rows where totalresults is 2"),
        ((rows(total=2, returned=2),), "0 rows where numreturned is 2"),
        ((rows("1", total=2), rows(total=2)), "1 different rows where totalresults is 2"),
        ((rows("1", total=2), rows(total=3)), "totalresults changed from 2 to 3"),
        ((rows("1", total=2), rows(total=None)), "no totalresults"),
        ((rows("1", "2", total=1), rows(total=1)), "2 different rows where totalresults is 1"),
        ((rows("1", total=0), rows(total=0)), "1 different rows where totalresults is 0"),
        ((rows("1", total=2, returned=2), rows(total=2)), "1 rows where numreturned is 2"),
        ((rows("1", total=1, problem="no amount"), rows(total=1)), "no amount"),
        ((rows("1", total=2),), "pages repeat"),
    ],
)
async def test_every_doubt_makes_it_incomplete(pages: tuple[Page[str], ...], reason: str) -> None:
    listing = await scripted(*pages)
    assert not listing.complete
    assert reason in listing.reason


async def test_what_was_read_is_handed_out_even_if_it_is_not_all() -> None:
    listing = await scripted(rows("1", total=3, problem="row 2"), rows("3", total=3), rows(total=3))
    assert listing == Listing(("1", "3"), complete=False, reason="row 2")


async def test_a_server_without_an_end_is_left() -> None:
    endless = Server(numbers(1000), cap=1)
    listing = await read_all(endless)
    assert not listing.complete
    assert len(endless.asked) == MAX_PAGES * len(PAGE_SIZES)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 260), st.integers(20, 120))
async def test_a_listing_called_whole_is_the_list_as_it_stood(changes: list[int], count: int, cap: int) -> None:
    """Rows only ever come (in front) while we read: whatever is called whole equals the list at its last request."""

    def at(request: int) -> list[str]:
        added = sum(changes[: request + 1])
        return [f"new{n}" for n in range(added)] + numbers(count)

    server = Server(at, cap)
    listing = await read_all(server)
    if listing.complete:
        assert set(listing.rows) == set(at(len(server.asked) - 1))
    if not any(changes):
        assert listing.complete
