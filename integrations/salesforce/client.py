"""The Salesforce client: what the product asks of the org, and nothing else.

Reads raise LoginFailed or CallFailed of any class but OUTCOME_UNKNOWN; writes may raise that one too, and then the
caller looks before it writes again (design/rules.md §3). Every method is one API call unless its docstring says more.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote

from integrations.errors import CallFailed, ErrorClass, IntegrationError, System
from integrations.http import check_address
from integrations.salesforce import answers
from integrations.salesforce.auth import TokenSource
from integrations.salesforce.config import SalesforceConfig
from integrations.salesforce.ids import norm_id, same_id
from integrations.salesforce.models import (
    Account,
    ApiUsage,
    JournalRow,
    Order,
    OrderBundle,
    OrderItem,
    OrderRef,
    OrgInfo,
)
from integrations.salesforce.package import Package, load_package
from integrations.salesforce.refusals import is_consequence, refusal
from integrations.salesforce.soql import NAME_LIMIT, OPTIONAL, Queries, lacking
from integrations.salesforce.transport import Answer, Request, Transport
from integrations.salesforce.values import http_date, wire

EVENT = "OrderProvisionRequested__e"
JOURNAL = "Portal_Journal__c"
ACCOUNTS_SHOWN = 50
BATCH = 25  # sub-requests of one composite request
READS = 2  # of which an order is read: itself with its account, and its items

_Read = TypeVar("_Read")


class SalesforceClient:
    """One org. Nothing is connected by the constructor; the token is fetched when it is first needed.

    ``on_server_date`` is called on the event loop with the Date of every answer (rules §10). Raises IntegrationError
    (config) for an address that is neither https nor loopback.
    """

    def __init__(
        self,
        config: SalesforceConfig,
        *,
        now: Callable[[], datetime],
        on_server_date: Callable[[datetime], None] | None = None,
        package: Package | None = None,
    ) -> None:
        check_address(config.login_url, System.SALESFORCE)
        self._config = config
        self._queries = Queries.from_package(package or load_package())
        self._transport = Transport(config, now=now, on_server_date=on_server_date)

    async def close(self) -> None:
        """Wait for requests under way (each ends by its time-out) and close the connections."""
        await self._transport.close()

    @property
    def usage(self) -> ApiUsage | None:
        """The org's API quota as the last answer told it; None before the first."""
        return self._transport.usage

    def token(self) -> TokenSource:
        """The token source that this client and the event transport share."""
        return self._transport.tokens

    @property
    def user_id(self) -> str | None:
        """The integration user's id, once a token was fetched."""
        return self._transport.tokens.user_id

    async def org(self) -> OrgInfo:
        """Which org this is. Raises config ``wrong_org`` if another one was pinned."""
        rows = await self._select(OrgInfo, self._queries.organization())
        if len(rows) != 1:
            raise answers.unreadable("query", "the org does not describe itself")
        pinned = self._config.org_id
        if pinned is not None and not same_id(pinned, rows[0].id):
            said = f"this is the org {rows[0].id}, the configuration names {pinned}"
            raise IntegrationError(System.SALESFORCE, "query", ErrorClass.CONFIG, "wrong_org", said)
        return rows[0]

    async def read_order(self, order_id: str, *, with_journal: bool = False) -> OrderBundle:
        """The order, its items and its account, with ``with_journal`` also the highest journal generation.

        One composite request. Raises data ``order_not_found`` for an unknown or impossible id.
        """
        order_id = answers.order_id(order_id, "composite")
        return await self._without_what_lacks(lambda: self._read_order(order_id, with_journal))

    async def _without_what_lacks(self, read: Callable[[], Awaitable[_Read]]) -> _Read:
        """Read again without a field that the org lacks: it names one at a time."""
        for _ in OPTIONAL:
            try:
                return await read()
            except CallFailed as error:
                names = lacking(error.message) if error.code == "INVALID_FIELD" else ()
                if not names:
                    raise
                self._queries = self._queries.without(names)
        return await read()

    async def _read_order(self, order_id: str, with_journal: bool) -> OrderBundle:
        queries = [self._queries.order(order_id), self._queries.items(order_id)]
        if with_journal:
            queries.append(self._queries.journal(limit=1))
        answer = await self._composite("composite", [self._subquery(query) for query in queries], write=False)
        return await self._bundle(order_id, answer.body, answer.since)

    async def _bundle(self, order_id: str, bodies: Sequence[Any], since: datetime | None) -> OrderBundle:
        """From the answers to the queries for the order, its items and, where it was asked for, the journal."""
        rows = [await self._rest_of(body, "composite") for body in bodies]
        if not rows[0]:
            raise answers.not_found(order_id, "composite")
        account = rows[0][0].get("Account")
        items = [answers.model(OrderItem, row) for row in rows[1]]
        items.sort(key=lambda item: (item.item_number or "", item.id))
        return OrderBundle(
            order=answers.model(Order, rows[0][0]),
            items=tuple(items),
            account=None if account is None else answers.model(Account, account),
            journal=answers.model(JournalRow, rows[2][0]) if len(rows) > 2 and rows[2] else None,
            read_at=since,
        )

    async def list_orders(self, statuses: Sequence[str], *, modified_since: datetime | None = None) -> list[OrderRef]:
        """Every order in one of ``statuses``, oldest change first. One call per page.

        Raises transient ``incomplete`` if the pages do not hold as many different orders as the first page promised:
        a list that might be short is never returned.
        """
        if not statuses:
            return []
        return await self._without_what_lacks(
            lambda: self._select(OrderRef, self._queries.orders(statuses, modified_since))
        )

    async def patch_order(
        self,
        order_id: str,
        fields: Mapping[str, Any],
        *,
        items: Mapping[str, Mapping[str, Any]] | None = None,
        unmodified_since: datetime | None = None,
    ) -> None:
        """Set ``fields`` of the order and, all or nothing, fields of its ``items`` (item id → fields).

        Values are str, bool, int, Decimal, date, aware datetime (kept in whole seconds) or None.

        One call for up to 25 rows. Beyond that it is one call per 25, the order's own row in the first; a refusal of a
        later one is then raised as outcome_unknown, because the first ones stand.

        Raises conflict ``changed_meanwhile`` if the order changed after ``unmodified_since`` (whole seconds: compare
        SystemModstamp afterwards), data ``order_not_found``, outcome_unknown if the answer was lost.
        """
        order_id = answers.order_id(order_id, "order.patch")
        headers = {} if unmodified_since is None else {"If-Unmodified-Since": http_date(unmodified_since)}
        try:
            if not items:
                path = f"sobjects/Order/{order_id}"
                await self._send("order.patch", "PATCH", path, body=wire(fields), headers=headers)
                return
            changes = [self._change("Order", order_id, fields, headers)] if fields else []
            changes += [self._change("OrderItem", norm_id(key, "802"), item, {}) for key, item in items.items()]
            await self._composite_writes("order.patch" if fields else "orderitem.patch", changes)
        except CallFailed as error:
            if error.code == "NOT_FOUND":
                raise answers.not_found(order_id, "order.patch") from error
            raise

    async def patch_and_read(
        self,
        order_id: str,
        fields: Mapping[str, Any],
        *,
        items: Mapping[str, Mapping[str, Any]] | None = None,
        unmodified_since: datetime | None = None,
    ) -> OrderBundle:
        """``patch_order``, then the order as it stands after the write, both in one composite request.

        The reading belongs to the same transaction: an answer means that what was written stands as it was read. An
        order of so many items that they do not fit beside the queries is written first and read afterwards.
        """
        order_id, items = answers.order_id(order_id, "order.patch"), items or {}
        if len(items) + 1 + READS > BATCH:
            await self.patch_order(order_id, fields, items=items, unmodified_since=unmodified_since)
            return await self.read_order(order_id)
        headers = {} if unmodified_since is None else {"If-Unmodified-Since": http_date(unmodified_since)}
        changes = [self._change("Order", order_id, fields, headers)]
        changes += [self._change("OrderItem", norm_id(key, "802"), item, {}) for key, item in items.items()]

        async def write() -> Answer:
            reads = [self._subquery(self._queries.order(order_id)), self._subquery(self._queries.items(order_id))]
            return await self._composite("order.patch", [*changes, *reads], write=True)

        try:
            answer = await self._without_what_lacks(write)  # a query that is refused takes the write back with it
        except CallFailed as error:
            if error.code == "NOT_FOUND":
                raise answers.not_found(order_id, "order.patch") from error
            raise
        return await self._bundle(order_id, answer.body[-READS:], answer.since)

    async def journal_rows(self) -> list[JournalRow]:
        """Every generation of the journal, highest first."""
        return await self._select(JournalRow, self._queries.journal())

    async def insert_journal(self, generation: int, journal_id: str, highest_feed: int, seen_at: datetime) -> str:
        """Take over as ``generation``; the row's id. Raises conflict ``DUPLICATE_VALUE``: somebody was faster."""
        row = {
            "Generation__c": generation,
            "Journal_Id__c": journal_id,
            "Highest_Feed__c": highest_feed,
            "Seen_At__c": seen_at,
        }
        answer = await self._send("journal.insert", "POST", f"sobjects/{JOURNAL}/", body=wire(row))
        return answers.created("journal.insert", answer)

    async def touch_journal(self, record_id: str, highest_feed: int, seen_at: datetime) -> None:
        """Renew our row. Raises data ``NOT_FOUND`` if it is gone."""
        row = wire({"Highest_Feed__c": highest_feed, "Seen_At__c": seen_at})
        await self._send("journal.patch", "PATCH", f"sobjects/{JOURNAL}/{norm_id(record_id)}", body=row)

    async def delete_journal(self, record_id: str) -> None:
        """Delete an old row; a row that is gone already is fine."""
        try:
            await self._send("journal.delete", "DELETE", f"sobjects/{JOURNAL}/{norm_id(record_id)}")
        except CallFailed as error:
            if error.code not in ("NOT_FOUND", "ENTITY_IS_DELETED"):
                raise

    async def publish(self, order_id: str, idem_key: str) -> str:
        """Publish the order's provisioning request; the event's uuid."""
        body = {"OrderId__c": answers.order_id(order_id, "publish"), "IdemKey__c": idem_key}
        answer = await self._send("publish", "POST", f"sobjects/{EVENT}/", body=body)
        entries = answer.get("errors") if isinstance(answer, dict) else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("statusCode") == "OPERATION_ENQUEUED":
                return str(entry.get("message") or "")
        raise answers.unclear("publish", "the answer does not say that the event was enqueued")

    async def limits(self) -> dict[str, tuple[int, int]]:
        """The org's limits: name → (max, remaining)."""
        answer = await self._send("limits", "GET", "limits/", write=False)
        if not isinstance(answer, dict):
            raise answers.unclear("limits", "the answer names no limits", write=False)
        return {
            name: (entry["Max"], entry["Remaining"])
            for name, entry in answer.items()
            if isinstance(entry, dict) and isinstance(entry.get("Max"), int) and isinstance(entry.get("Remaining"), int)
        }

    async def find_accounts(self, text: str) -> list[Account]:
        """Accounts with the number ``text`` or with ``text`` in their name, at most 50, by name."""
        text = text.strip()
        if not text or len(text) > NAME_LIMIT:
            return []
        return await self._select(Account, self._queries.accounts(text, ACCOUNTS_SHOWN))

    async def query(self, soql: str) -> list[dict[str, Any]]:
        """All rows of ``soql``, all pages (one call each). Build it with simple_salesforce.format_soql only; no COUNT()."""
        first = await self._send("query", "GET", "query/", write=False, params={"q": soql})
        return await self._rest_of(first, "query")

    async def _select(self, model: type[answers.ModelT], soql: str) -> list[answers.ModelT]:
        return [answers.model(model, row) for row in await self.query(soql)]

    async def _rest_of(self, page: Any, operation: str) -> list[dict[str, Any]]:
        """The rows of a query whose first page was read, following nextRecordsUrl; complete, or an error."""
        rows, total = answers.page(page, operation)
        while not page["done"]:
            page = await self._send("query", "GET", answers.next_page(page.get("nextRecordsUrl")), write=False)
            more, total_now = answers.page(page, operation)
            if not more or total_now != total:
                raise answers.incomplete(operation, len(rows), total)
            rows += more
        different = {row.get("Id") or index for index, row in enumerate(rows)}
        if len(rows) != total or len(different) != total:
            raise answers.incomplete(operation, len(different), total)
        return rows

    async def _composite_writes(self, operation: str, changes: list[dict[str, Any]]) -> None:
        for start in range(0, len(changes), BATCH):
            try:
                await self._composite(operation, changes[start : start + BATCH], write=True)
            except IntegrationError as error:
                if start == 0:
                    raise
                raise CallFailed(
                    error.system, operation, ErrorClass.OUTCOME_UNKNOWN, error.code, f"partly done: {error.message}"
                ) from error

    async def _composite(self, operation: str, requests: list[dict[str, Any]], *, write: bool) -> Answer:
        """With the bodies of the sub-requests' answers, all of them successes. A write is all or nothing."""
        for index, request in enumerate(requests):
            request["referenceId"] = f"r{index}"
        body = {"allOrNone": write, "compositeRequest": requests}
        answer = await self._transport.send(Request(operation, "POST", "composite", write, body=body))
        found = answer.body.get("compositeResponse") if isinstance(answer.body, dict) else None
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise answers.unclear(operation, "the composite answer has no sub-answers", write=write)
        failed = [entry for entry in found if not 200 <= answers.status(entry) < 300]
        failed.sort(key=lambda entry: is_consequence(entry.get("body")))
        if failed:
            raise refusal(operation, answers.status(failed[0]), failed[0].get("body"), write=write)
        by_reference = {entry.get("referenceId"): entry.get("body") for entry in found}
        if set(by_reference) != {request["referenceId"] for request in requests}:
            raise answers.unclear(operation, "the composite answer lacks sub-answers", write=write)
        return replace(answer, body=[by_reference[request["referenceId"]] for request in requests])

    def _base(self) -> str:
        return f"/services/data/v{self._config.api_version}/"

    def _subquery(self, soql: str) -> dict[str, Any]:
        fields, where, condition = soql.partition(" WHERE ")  # the fields are the same for each order
        return {"method": "GET", "url": f"{self._base()}query?q={_quoted(fields)}{quote(where + condition, safe='')}"}

    def _change(
        self, object_name: str, record_id: str, fields: Mapping[str, Any], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        change: dict[str, Any] = {"method": "PATCH", "url": f"{self._base()}sobjects/{object_name}/{record_id}"}
        change["body"] = wire(fields)
        if headers:
            change["httpHeaders"] = dict(headers)
        return change

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        write: bool = True,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        request = Request(operation, method, path, write, params or {}, headers or {}, body)
        return (await self._transport.send(request)).body


@lru_cache(maxsize=32)
def _quoted(text: str) -> str:
    return quote(text, safe="")
