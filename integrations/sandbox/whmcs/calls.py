"""One API call as its action sees it: parameters, records, switches, and how lists are sorted and paged."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.sandbox.faults import Fault
from integrations.sandbox.store import Document
from integrations.sandbox.whmcs import phpvalues
from integrations.sandbox.whmcs.answers import Answer, Rows
from integrations.sandbox.whmcs.phpform import Form
from integrations.sandbox.whmcs.records import Records
from integrations.sandbox.whmcs.switches import Switches

DEFAULT_PAGE = 25
IDLE_SECONDS = 5.0
BUSY_LISTS = 10_000


class SortOrder:
    """The order in which lists come: none can be relied on (facts/whmcs.md §2), so each request draws its own.

    While somebody pages through a list that is longer than one page its order stays, or no client could ever read it
    whole; it is drawn anew when nobody asked for that list for five seconds. ``monotonic`` gives seconds.
    """

    def __init__(self, draw: random.Random, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._draw = draw
        self._monotonic = monotonic
        self._kept: dict[str, tuple[int, float]] = {}

    def salt(self, name: str, start: int, long: bool) -> int:
        """The order of the list ``name`` for the page at ``start``; ``long``: it does not fit into one page."""
        now = self._monotonic()
        salt, used = self._kept.get(name, (0, float("-inf")))
        if start == 0 and not (long and now - used <= IDLE_SECONDS):
            salt = self._draw.getrandbits(32)
        if len(self._kept) > BUSY_LISTS:
            self._kept.clear()
        self._kept[name] = (salt, now)
        return salt

    def draw(self) -> int:
        return self._draw.getrandbits(32)


@dataclass(frozen=True)
class Call:
    """What an action gets. ``now`` is in the installation's zone; ``fault`` is one of this package's own kinds."""

    action: str
    form: Form
    records: Records
    switches: Switches
    draw: random.Random
    order: SortOrder
    now: datetime
    address: str
    system_url: str
    fault: Fault | None = None
    installation: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.form.get(name)
        return value if isinstance(value, str) else ""

    def integer(self, name: str, default: int = 0) -> int:
        return phpvalues.integer(self.form.get(name), default)

    def flag(self, name: str) -> bool:
        return phpvalues.truthy(self.form.get(name))

    def array(self, name: str) -> Form:
        """An array parameter; {} when it is missing or no array."""
        value = self.form.get(name)
        return value if isinstance(value, dict) else {}

    def fault_kind(self) -> str:
        return self.fault.kind if self.fault else ""

    @property
    def today(self) -> str:
        return self.now.strftime("%Y-%m-%d")

    @property
    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%d %H:%M:%S")

    def mail(self, template: str, clientid: int, relid: int) -> None:
        if self.switches.mails_on:
            self.records.mail(template, clientid, relid, self.action)


def page(
    call: Call, documents: list[Document], envelope: str, row_name: str, row: Callable[[Document], Answer], *,
    as_given: bool = False,
) -> Answer:  # fmt: skip
    """Totals and one page of ``documents``; only that page's rows are made.

    ``as_given`` keeps their order (the caller asked for one), else it is whatever ``Switches.sort`` makes of it.
    """
    start = max(call.integer("limitstart"), 0)
    size = call.integer("limitnum", DEFAULT_PAGE)
    size = size if size > 0 else DEFAULT_PAGE
    ordered = documents if as_given else _sorted(call, documents, start, size)
    rows = [row(document) for document in ordered[start : start + size]]
    returned = len(rows)
    if call.fault and call.fault.kind == "short_page":
        rows = rows[: max(returned - int(call.fault.options.get("drop", 1)), 0)]
    return {
        "totalresults": len(documents), "startnumber": start, "numreturned": returned,
        envelope: Rows(row_name, rows),
    }  # fmt: skip


def _sorted(call: Call, documents: list[Document], start: int, size: int) -> list[Document]:
    match call.switches.sort:
        case "asc":
            return sorted(documents, key=_number)
        case "desc":
            return sorted(documents, key=_number, reverse=True)
        case "chaotic":
            salt = call.order.draw()
        case _:
            filters = sorted((key, str(value)) for key, value in call.form.items() if key not in _NOT_FILTERS)
            salt = call.order.salt(f"{call.action}{filters}", start, len(documents) > size)
    return sorted(documents, key=lambda document: hash((salt, document["id"])))


def _number(document: Document) -> int:
    return int(document["id"])


_NOT_FILTERS = frozenset({"action", "limitstart", "limitnum", "identifier", "secret", "username", "password"})
