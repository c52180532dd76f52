"""The typed client of the daemon's API. Every failure is one of ``console.client.errors``."""

import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from console.client.address import Address
from console.client.book import Book
from console.client.connection import Connection
from console.client.errors import BadAnswer, NoAnswer
from console.client.headstart import HeadStart
from console.schema import commands as acts
from console.schema import desk, detail, mending, records, service
from console.schema import orders as lists
from console.schema.base import PREFIX
from console.schema.book import SnapshotEnd, SnapshotHead

M = TypeVar("M", bound=BaseModel)
_COMMANDS = TypeAdapter(list[acts.CommandInfo])
_POSSIBLE = TypeAdapter(list[detail.PossibleCommand])
SLOW = 90.0  # seconds for what asks the outside


def new_key() -> str:
    """A fresh Idempotency-Key. Keep it for every repeat of the same submit."""
    return secrets.token_urlsafe(24)


class ApiClient:
    """One method an endpoint. Orders are named by Salesforce id or order number. Close it, or use ``async with``."""

    def __init__(self, address: Address, *, timeout: float = 30.0, ahead: HeadStart | None = None) -> None:
        """``ahead``: the first snapshot, which is under way already."""
        self.connection = Connection(address, timeout=timeout)
        self.book_asked = 0.0  # monotonic time at which the newest book was asked for
        self._ahead = ahead

    async def __aenter__(self) -> "ApiClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.connection.close()

    # The daemon -------------------------------------------------------------------------------------------------------

    async def health(self) -> service.Health:
        return await self._get(service.Health, "/health")

    async def health_deep(self) -> service.DeepHealth:
        return await self._get(service.DeepHealth, "/health/deep", timeout=SLOW)

    async def me(self) -> service.Me:
        return await self._get(service.Me, "/me")

    async def integrations(self) -> service.Integrations:
        return await self._get(service.Integrations, "/integrations")

    async def checks(self) -> service.Checks:
        return await self._get(service.Checks, "/doctor", timeout=SLOW)

    async def settings(self) -> service.SettingsView:
        return await self._get(service.SettingsView, "/settings")

    async def metrics(self) -> str:
        return (await self.connection.ask("GET", f"{PREFIX}/metrics")).text

    async def backup(self, file: str) -> service.BackedUp:
        return await self._post(service.BackedUp, "/store/backup", service.BackupRequest(file=file), timeout=3600.0)

    async def tokens(self) -> service.Tokens:
        return await self._get(service.Tokens, "/tokens")

    async def create_token(self, new: service.NewToken) -> service.CreatedToken:
        return await self._post(service.CreatedToken, "/tokens", new)

    async def revoke_token(self, token_id: int) -> service.TokenView:
        response = await self.connection.ask("DELETE", f"{PREFIX}/tokens/{token_id}")
        return _read(service.TokenView, response.content)

    # The book ---------------------------------------------------------------------------------------------------------

    async def load(self, book: Book) -> AsyncIterator[int]:
        """Fill a book from the snapshot; yields the number of rows so far after each part, so that a loop stays alive."""
        rows, ended = 0, False
        async with self._snapshot() as chunks:
            async for line in _lines(chunks):
                part = _json(line)
                if isinstance(part, list):
                    book.put_all(part)
                    rows += len(part)
                    yield rows
                elif "columns" in part:
                    book.begin(_read(SnapshotHead, line))
                else:
                    ended = _read(SnapshotEnd, line).rows == rows
        if not ended:
            raise NoAnswer(self.connection.address.shown, "the snapshot was cut")
        book.ready()

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncIterator[bytes]]:
        ahead, self._ahead = self._ahead, None
        self.book_asked = time.monotonic()
        if ahead is not None and await ahead.answered():
            self.book_asked = ahead.asked
            async with aclosing(ahead.chunks()) as chunks:
                yield chunks
            return
        async with self.connection.stream(f"{PREFIX}/snapshot", params={}, headers={}, silence=30.0) as chunks:
            yield chunks

    # Orders -----------------------------------------------------------------------------------------------------------

    async def orders(
        self, filter_: str = "", *, sort: str = "-updated", limit: int = 100, offset: int = 0, masked: bool = False
    ) -> lists.OrderList:
        """``masked``: as a viewer sees them, for what leaves the screen."""
        params = {"filter": filter_ or None, "sort": sort, "limit": limit, "offset": offset}
        params |= {"masked": True} if masked else {}
        return await self._get(lists.OrderList, "/orders", params)

    async def names(self, order_ids: Sequence[str]) -> lists.Names:
        return await self._post(lists.Names, "/orders/names", lists.NamesRequest(order_ids=list(order_ids)))

    async def order(self, order: str, *, masked: bool = False) -> detail.OrderDetail:
        """``masked``: as a viewer sees it, for what leaves the screen."""
        return await self._get(detail.OrderDetail, f"/orders/{_part(order)}", {"masked": True} if masked else None)

    async def possible(self, order: str) -> list[detail.PossibleCommand]:
        response = await self.connection.ask("GET", f"{PREFIX}/orders/{_part(order)}/commands")
        return _POSSIBLE.validate_json(response.content)

    async def possible_for_system(self) -> list[detail.PossibleCommand]:
        response = await self.connection.ask("GET", f"{PREFIX}/system/commands")
        return _POSSIBLE.validate_json(response.content)

    async def records(self, order: str) -> records.Records:
        return await self._get(records.Records, f"/orders/{_part(order)}/records", timeout=SLOW)

    async def candidates(self, order: str) -> mending.CandidatesView:
        return await self._get(mending.CandidatesView, f"/orders/{_part(order)}/candidates", timeout=SLOW)

    async def editable(self, order: str) -> mending.EditForm:
        return await self._get(mending.EditForm, f"/orders/{_part(order)}/editable", timeout=SLOW)

    async def find(self, text: str) -> lists.FindAnswer:
        return await self._get(lists.FindAnswer, "/find", {"text": text}, timeout=SLOW)

    async def reveal(self, request: service.RevealRequest) -> service.Revealed:
        return await self._post(service.Revealed, "/reveal", request)

    # The desk ---------------------------------------------------------------------------------------------------------

    async def approvals(self) -> desk.Approvals:
        return await self._get(desk.Approvals, "/approvals", timeout=SLOW)

    async def failures(self, filter_: str = "") -> desk.Failures:
        return await self._get(desk.Failures, "/failures", {"filter": filter_ or None})

    async def needs_person(self, *, limit: int | None = None) -> desk.NeedsPerson:
        """``limit`` 0: only how many there are."""
        return await self._get(desk.NeedsPerson, "/needs-person", {"limit": limit})

    async def events(self, *, limit: int = 100, before: int | None = None, filter_: str = "") -> desk.Events:
        return await self._get(desk.Events, "/events", {"limit": limit, "before": before, "filter": filter_ or None})

    async def gaps(self) -> desk.Gaps:
        return await self._get(desk.Gaps, "/gaps")

    async def poison(self) -> desk.Poisons:
        return await self._get(desk.Poisons, "/poison")

    async def mails(self, *, state: str | None = None, order: str | None = None, limit: int = 100) -> desk.Mails:
        return await self._get(desk.Mails, "/mails", {"state": state, "order": order, "limit": limit})

    async def audit(
        self,
        *,
        limit: int = 100,
        before: int | None = None,
        actor: str | None = None,
        command: str | None = None,
        order: str | None = None,
    ) -> desk.Audit:
        params = {"limit": limit, "before": before, "actor": actor, "command": command, "order": order}
        return await self._get(desk.Audit, "/audit", params)

    async def audit_acts(
        self, *, limit: int = 100, before: int | None = None, filter_: str = "", masked: bool = False
    ) -> desk.AuditActs:
        params = {"limit": limit, "before": before, "filter": filter_ or None, "masked": "true" if masked else None}
        return await self._get(desk.AuditActs, "/audit/acts", params)

    async def profiles(self, *, type_: str | None = None, state: str | None = None, limit: int = 0) -> desk.Stock:
        return await self._get(desk.Stock, "/profiles", {"type": type_, "state": state, "limit": limit})

    async def import_profiles(self, data: bytes, *, batch: str) -> desk.Imported:
        headers = {"Content-Type": "text/csv", "Portal-Batch": quote(batch)}
        response = await self.connection.ask(
            "POST", f"{PREFIX}/profiles/import", body=data, headers=headers, timeout=SLOW
        )
        return _read(desk.Imported, response.content)

    # Commands ---------------------------------------------------------------------------------------------------------

    async def commands(self) -> list[acts.CommandInfo]:
        response = await self.connection.ask("GET", f"{PREFIX}/commands")
        return _COMMANDS.validate_json(response.content)

    async def plan(self, command: str, request: acts.PlanRequest) -> acts.Plan:
        return await self._post(acts.Plan, f"/commands/{_part(command)}/plan", request, timeout=SLOW)

    async def submit(self, command: str, request: acts.SubmitRequest, *, key: str) -> acts.Submitted:
        """Raises NotConfirmed when no answer came: repeat with the same key, or ask ``result``."""
        headers = {"Idempotency-Key": key}
        return await self._post(
            acts.Submitted, f"/commands/{_part(command)}/submit", request, headers=headers, timeout=SLOW
        )

    async def result(self, key: str) -> acts.Submitted:
        """The answer that an own submit got. Raises InFlight while it is worked on, NotFound when it never came in."""
        return await self._get(acts.Submitted, f"/commands/results/{_part(key)}")

    async def batches(self) -> acts.BatchList:
        return await self._get(acts.BatchList, "/batches")

    async def batch(self, batch_id: str, *, after: float | None = None) -> acts.BatchView:
        """``after``: only items that changed at that moment (the daemon's time) or later."""
        return await self._get(acts.BatchView, f"/batches/{_part(batch_id)}", {"after": after})

    # Plumbing ---------------------------------------------------------------------------------------------------------

    async def _get(
        self, model: type[M], path: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> M:
        response = await self.connection.ask("GET", PREFIX + path, params=params, timeout=timeout)
        return _read(model, response.content)

    async def _post(
        self,
        model: type[M],
        path: str,
        request: BaseModel,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> M:
        body = request.model_dump_json()
        response = await self.connection.ask("POST", PREFIX + path, body=body, headers=headers, timeout=timeout)
        return _read(model, response.content)


def _part(text: str) -> str:
    """One segment of a path, whatever is in it."""
    return quote(text, safe="")


def _read(model: type[M], content: bytes) -> M:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadAnswer(f"the daemon's {model.__name__} cannot be read ({place}: {first['msg']})") from error


def _json(line: bytes) -> Any:
    """Words that many rows share are kept once."""
    try:
        return from_json(line, cache_strings="all")
    except ValueError as error:
        raise BadAnswer("the snapshot is not JSON") from error


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest: list[bytes] = []
    async for chunk in chunks:
        head, found, tail = chunk.partition(b"\n")
        rest.append(head)
        while found:
            yield b"".join(rest)
            head, found, tail = tail.partition(b"\n")
            rest = [head]
    if any(rest):
        yield b"".join(rest)
