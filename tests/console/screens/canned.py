"""A client whose daemon is data: what screens show is then a function of the data alone."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from console.api.mask import masked_name
from console.client.address import Address
from console.client.api import ApiClient
from console.client.book import Book
from console.client.errors import NotFound, Unreachable
from console.client.query import parse
from console.client.rows import BookRow
from console.schema.book import COLUMNS, SnapshotHead
from console.schema.commands import BatchList, BatchView, Plan, PlannedOrder, PlanRequest, SubmitRequest, Submitted
from console.schema.desk import Approvals, AuditActs, Events, Failures, Gaps, NeedsPerson, Poisons
from console.schema.detail import OrderDetail, PossibleCommand
from console.schema.mending import CandidatesView, EditForm
from console.schema.orders import FindAnswer, Names, OrderList
from console.schema.problem import Problem
from console.schema.records import Records
from console.schema.service import Checks, DeepHealth, Health, Integrations, Me, SettingsView
from tests.console.screens import finds, ops, troubles, world

HEARTBEAT = 0.5  # seconds; a slow machine must not make the feed look stale


class CannedFeed:
    """Stands for the connection: a feed that says what ``put`` is given, until ``cut``."""

    def __init__(self) -> None:
        self.address = Address(url="http://canned")
        self.down = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def put(self, event: Mapping[str, Any]) -> None:
        self._queue.put_nowait(f"id: {event['seq']}\ndata: {json.dumps(event)}\n\n".encode())

    def cut(self) -> None:
        self.down = True
        self._queue.put_nowait(None)

    @asynccontextmanager
    async def stream(
        self, path: str, *, params: Mapping[str, Any], headers: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if self.down:
            raise Unreachable("http://canned", "nobody answers there; start it with `portal daemon`")
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield b": alive\n\n"
        while True:
            try:
                chunk = await asyncio.wait_for(self._queue.get(), HEARTBEAT)
            except TimeoutError:
                chunk = b": alive\n\n"
            if chunk is None:
                return
            yield chunk

    async def close(self) -> None:
        self._queue.put_nowait(None)


def planned(
    command: str,
    request: PlanRequest,
    *,
    included: bool = True,
    warnings: Sequence[str] = ("WHMCS bills the card on file",),
) -> Plan:
    """A plan of the kind the daemon makes."""
    orders = []
    for wanted in request.orders:
        known = world.detail(wanted).order
        orders.append(
            PlannedOrder(
                order_id=known.order_id, number=known.number, included=included, why_not="" if included else "it is not possible",
                status=known.sf, run_id=known.run_id, version=known.version, state=None if known.state == "none" else known.state,
                amount=known.amount, lines=["Salesforce: Status = Approved", "then load, payment, billing, accept, crm, email"],
                warnings=list(warnings),
            )
        )  # fmt: skip
    return Plan(
        command=command, title=command, hash="h" * 16, at=world.NOW, count=len(orders) if included else 0, orders=orders,
        sum_yen=sum(order.amount or 0 for order in orders), largest_yen=max((order.amount or 0 for order in orders), default=0),
        needs_reason=command in ("order.reject", "order.cancel"), bulk=len(orders) > 1, arguments=dict(request.arguments),
    )  # fmt: skip


class CannedApi(ApiClient):
    """Answers from ``world``. ``submitted`` collects what was submitted; ``answer`` may be replaced."""

    def __init__(self, rows: Sequence[Sequence[Any]] = world.ROWS) -> None:
        self.feed = CannedFeed()
        self.connection = self.feed  # type: ignore[assignment]
        self.rows = rows
        self.submitted: list[tuple[str, SubmitRequest, str]] = []
        self.plans: list[tuple[str, PlanRequest]] = []
        self.answer: Callable[[str, SubmitRequest, str], Submitted] = lambda command, request, key: Submitted(
            command=command, outcome="requested", audit_id=7
        )
        self.plan_answer: Callable[[str, PlanRequest], Plan] = planned
        self.me_answer: Me = world.ME
        self.integrations_answer: Integrations = world.INTEGRATIONS
        self.asked: list[str] = []  # of find
        self.lists: list[tuple[str, str]] = []  # filter and sort of each list asked for
        self.whmcs_down = False
        self.needs: NeedsPerson = troubles.needs()
        self.waiting: Approvals = world.approvals()
        self.known_batches: list[BatchView] = [troubles.batch()]

    async def close(self) -> None:
        await self.feed.close()

    async def load(self, book: Book) -> AsyncIterator[int]:
        if self.feed.down:
            raise Unreachable("http://canned", "nobody answers there; start it with `portal daemon`")
        self.book_asked = time.monotonic()
        book.begin(SnapshotHead(seq=100, epoch=1, at=world.NOW, total=len(self.rows), columns=list(COLUMNS)))
        book.put_all(self.rows)
        yield len(self.rows)
        book.ready()

    async def approvals(self) -> Approvals:
        return self.waiting

    async def me(self) -> Me:
        return self.me_answer

    async def integrations(self) -> Integrations:
        return self.integrations_answer

    async def health(self) -> Health:
        return ops.health()

    async def health_deep(self) -> DeepHealth:
        return ops.deep()

    async def events(self, *, limit: int = 100, before: int | None = None, filter_: str = "") -> Events:
        return ops.events(limit, before, filter_)

    async def gaps(self) -> Gaps:
        return ops.gaps()

    async def poison(self) -> Poisons:
        return ops.poisons()

    async def audit_acts(
        self, *, limit: int = 100, before: int | None = None, filter_: str = "", masked: bool = False
    ) -> AuditActs:
        return ops.acts(limit, before, filter_, masked)

    async def checks(self) -> Checks:
        return ops.checks()

    async def settings(self) -> SettingsView:
        return ops.settings()

    async def possible_for_system(self) -> list[PossibleCommand]:
        return world.SYSTEM_COMMANDS

    async def needs_person(self, *, limit: int | None = None) -> NeedsPerson:
        found = self.needs
        return found if limit is None else found.model_copy(update={"items": found.items[:limit]})

    async def failures(self, filter_: str = "") -> Failures:
        return troubles.failures()

    async def possible(self, order: str) -> list[PossibleCommand]:
        return world.detail(order).commands

    async def batches(self) -> BatchList:
        return BatchList(batches=[one.model_copy(update={"items": []}) for one in self.known_batches])

    async def batch(self, batch_id: str, *, after: float | None = None) -> BatchView:
        return next(one for one in self.known_batches if one.id == batch_id)

    async def names(self, order_ids: Sequence[str]) -> Names:
        return Names(names={key: world.NAMES[key] for key in order_ids if key in world.NAMES}, masked=False)

    async def orders(
        self, filter_: str = "", *, sort: str = "-updated", limit: int = 100, offset: int = 0, masked: bool = False
    ) -> OrderList:
        """By a part of the name; another filter is answered as the book would answer it."""
        self.lists.append((filter_, sort))
        known = [world.detail(key).order for key in world.NAMES]
        try:
            matches = parse(filter_, me=self.me_answer.name).predicate(world.NOW)
            found = [line for line in known if matches(BookRow(**line.model_dump(exclude={"customer"})))]
        except ValueError:
            found = [line for line in known if filter_.strip('"') in (line.customer or "")]
        if sort.lstrip("-") == "customer":
            found.sort(key=lambda line: line.customer or "", reverse=sort.startswith("-"))
        shown = [
            line.model_copy(update={"customer": masked_name(line.customer or "")}) if masked else line for line in found
        ]
        return OrderList(total=len(found), seq=100, orders=shown[offset : offset + limit])

    async def order(self, order: str, *, masked: bool = False) -> OrderDetail:
        try:
            return world.detail(order)
        except (KeyError, ValueError):
            problem = Problem(
                type="urn:portal:problem:not-found", title="not found", status=404, detail=f"there is no order {order}"
            )
            raise NotFound(problem) from None

    async def find(self, text: str) -> FindAnswer:
        self.asked.append(text)
        return finds.found(text, whmcs_down=self.whmcs_down)

    async def records(self, order: str) -> Records:
        return world.records(order)

    async def candidates(self, order: str) -> CandidatesView:
        return world.candidates(order)

    async def editable(self, order: str) -> EditForm:
        return world.edit_form(order)

    async def plan(self, command: str, request: PlanRequest) -> Plan:
        self.plans.append((command, request))
        return self.plan_answer(command, request)

    async def submit(self, command: str, request: SubmitRequest, *, key: str) -> Submitted:
        self.submitted.append((command, request, key))
        return self.answer(command, request, key)
