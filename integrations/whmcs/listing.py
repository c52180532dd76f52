"""Reading a list to its end, and saying whether what was read is provably all (rules §3.2).

WHMCS's paging has no snapshot, an unknown sort order and no documented page limit. So a pass reads page after page until
one comes back empty, and is complete only if every page stated the same ``totalresults`` and exactly that many distinct
ids were read. A first page that was not filled and holds as many ids as it promises is first and last page in one: it is
the whole list as it stood at that moment. (A short page alone proves nothing, nor does a full one.) A pass that was
disturbed is followed by one with pages so large that the list fits into one answer, which no insertion and no sort
order can tear.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from integrations.whmcs.models import Listing

T = TypeVar("T")

PAGE_SIZES = (100, 1000)
MAX_PAGES = 200


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page. ``rows`` are the readable ones by id; ``sent`` counts all that came; ``problem`` says what was wrong.

    ``total`` and ``returned`` are what WHMCS says of itself, None where it does not.
    """

    rows: dict[str, T]
    sent: int
    total: int | None
    returned: int | None
    problem: str = ""


ReadPage = Callable[[int, int], Awaitable[Page[T]]]


async def read_all(read_page: ReadPage[T]) -> Listing[T]:
    """Read every page by ``read_page(offset, size)``; failures of a page are the caller's and pass through."""
    rows: dict[str, T] = {}
    reason = ""
    for size in PAGE_SIZES:
        found, reason = await _one_pass(read_page, size)
        if not reason:
            return Listing(tuple(found.values()), complete=True)
        rows.update(found)
    return Listing(tuple(rows.values()), complete=False, reason=reason)


async def _one_pass(read_page: ReadPage[T], size: int) -> tuple[dict[str, T], str]:
    """The rows of one pass, and why they are not provably all ("" if they are)."""
    rows: dict[str, T] = {}
    offset, total, reason = 0, None, ""
    for _ in range(MAX_PAGES):
        page = await read_page(offset, size)
        before = len(rows)
        rows.update(page.rows)
        total = page.total if total is None else total
        reason = reason or _trouble(page, total)
        if offset == 0 and not reason and page.sent < size and len(page.rows) == page.sent == total:
            return rows, ""
        if page.sent == 0:
            differs = "" if len(rows) == total else f"{len(rows)} different rows where totalresults is {total}"
            return rows, reason or differs
        if len(rows) == before and offset >= (total or 0):
            return rows, reason or "pages repeat: the list did not end"
        offset += page.sent
    return rows, reason or f"more than {MAX_PAGES} pages"


def _trouble(page: Page[T], total: int | None) -> str:
    if page.problem:
        return page.problem
    if page.total is None or total is None:
        return "the answer has no totalresults"
    if page.total != total:
        return f"totalresults changed from {total} to {page.total} while reading"
    if page.returned is not None and page.returned != page.sent:
        return f"{page.sent} rows where numreturned is {page.returned}"
    return ""
