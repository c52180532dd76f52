"""Finding by whatever a customer can name: the journal, Salesforce and WHMCS; the answer says where was looked."""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query

from console.api import find_whmcs
from console.api.access import Api, Services
from console.api.asking import Asked, ask
from console.api.find_salesforce import MOST_ACCOUNTS, MOST_ORDERS, find_accounts, find_orders, of_clients
from console.api.find_whmcs import MOST_CLIENTS, Client, Clients
from console.api.identity import Caller, Viewer
from console.api.lines import lines
from console.api.mask import Masker
from console.api.problems import invalid
from console.api.reading_text import Reading, readings
from console.api.saying import say, say_found, say_of_status
from console.schema import orders as schema
from integrations.errors import System
from integrations.salesforce.models import Account
from storage import orders

router = APIRouter(tags=["orders"])
LONGEST = 200
MOST = 50
ASKED = MOST + 1  # so that it is known whether there are more
NO_READINGS = (
    "Salesforce and WHMCS keep no reading of a name: kana and Latin letters find names written so, and a name in kanji only"
    " where the e-mail address holds its reading. Ask for the kanji, the telephone or a number."
)


@dataclass
class Hits:
    """Order ids in the order they were found, with by what."""

    matched: dict[str, str] = field(default_factory=dict)

    def add(self, ids: Sequence[str], by: str) -> None:
        for order_id in ids:
            self.matched.setdefault(order_id, by)


@dataclass
class Outside:
    """What the other systems said. ``clients`` by id; ``looked``: where was looked, and where could not."""

    accounts: dict[str, Account] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    rows: Sequence[dict[str, Any]] = ()
    marked: Sequence[str] = ()
    looked: list[schema.Looked] = field(default_factory=list)


@router.get("/find")
async def find(
    caller: Viewer, api: Services, text: Annotated[str, Query(min_length=1, max_length=LONGEST)]
) -> schema.FindAnswer:
    """By order number, customer number, name in any script, phone in any spelling, ICCID, WHMCS id or e-mail."""
    meant = readings(text)
    if not meant:
        raise invalid("text", "there is nothing in it to look for", "give a number, a name, a phone or an e-mail")
    hits = Hits()
    await api.read(lambda db: _in_journal(db, meant, hits))
    here = len(hits.matched)
    outside = await _ask_outside(api, text, meant)
    await api.read(lambda db: _by_outside(db, outside, hits))
    outside.looked.insert(0, schema.Looked(place="orders known here", ok=True, found=min(here, MOST), more=here > MOST))
    return await _answer(api, caller, text, meant, hits, outside)


def _in_journal(db: sqlite3.Connection, meant: Sequence[Reading], hits: Hits) -> None:
    for reading in meant:
        match reading.kind:
            case "id":
                hits.add([reading.value] if orders.get(db, reading.value) else [], reading.name)
            case "name":
                hits.add(orders.by_name(db, reading.value, ASKED), reading.name)
                hits.add(orders.by_joined_name(db, reading.value, ASKED), reading.name)
            case "spelling":
                words = set(reading.value.split())
                known = orders.recipients(db)
                hits.add([order for order, email in known if words <= find_whmcs.words_of(email)][:ASKED], reading.name)
            case "email":
                hits.add(
                    [order for order, email in orders.recipients(db) if email == reading.value][:ASKED], reading.name
                )
            case "iccid":
                hits.add(orders.by_key(db, "iccid", reading.value, ASKED), reading.name)
                hits.add(orders.by_profile(db, reading.value), reading.name)
            case _:
                hits.add(orders.by_key(db, reading.kind, reading.value, ASKED), reading.name)


async def _ask_outside(api: Api, text: str, meant: Sequence[Reading]) -> Outside:
    """Salesforce and WHMCS at the same time; then the orders of the customers that either named."""
    engine, outside = api.engine, Outside()
    asked = find_whmcs.concerns(meant)
    accounts, clients = await asyncio.gather(
        ask(engine, System.SALESFORCE, lambda: find_accounts(engine, text, meant)),
        ask(engine, System.WHMCS, lambda: find_whmcs.find_clients(engine, meant)) if asked else _nothing(engine.clock.now()),
    )  # fmt: skip
    outside.accounts = {account.id: account for account in accounts.answer or ()}
    known = clients.answer or Clients(())
    outside.clients, outside.marked = {client.id: client for client in known.clients}, known.order_ids
    of_accounts = {a.whmcs_client_id for a in outside.accounts.values() if a.whmcs_client_id}
    more = [number for number in outside.clients if number not in of_accounts]
    unread = [number for number in of_accounts if number not in outside.clients]
    if more and accounts.answer is not None:
        theirs = await ask(engine, System.SALESFORCE, lambda: of_clients(engine, more))
        outside.accounts |= {account.id: account for account in theirs.answer or ()}
        accounts = theirs if theirs.answer is None else accounts
    if unread and clients.answer is not None:
        read = await ask(engine, System.WHMCS, lambda: find_whmcs.read_clients(engine, unread))
        outside.clients |= {client.id: client for client in (read.answer or Clients(())).clients}
        asked, clients = True, read if read.answer is None else clients
    rows = await ask(engine, System.SALESFORCE, lambda: find_orders(engine, [*outside.accounts.values()], meant))
    if accounts.answer is None and not rows.answer:
        rows = replace(rows, answer=None, note=accounts.note)  # nobody knows whose orders were to be looked for
    outside.rows = (rows.answer or ())[:MOST_ORDERS]
    outside.looked = [
        _looked("Salesforce accounts", accounts, len(outside.accounts), MOST_ACCOUNTS),
        _looked("Salesforce orders", rows, len(rows.answer or ()), MOST_ORDERS),
    ]
    if asked:
        outside.looked.append(_looked("WHMCS clients", clients, len(outside.clients), MOST_CLIENTS))
    return outside


async def _nothing(now: float) -> Asked[Clients]:
    return Asked(System.WHMCS, Clients(()), "", now, 0.0)


def _by_outside(db: sqlite3.Connection, outside: Outside, hits: Hits) -> None:
    """Orders known here that the other systems pointed to."""
    hits.add(list(orders.get_many(db, outside.marked)), "WHMCS order")
    for row in outside.rows:
        known = orders.get_many(db, [str(row["Id"])])
        hits.add(list(known), "customer" if row.get("AccountId") in outside.accounts else "Salesforce")
    for number in outside.clients:
        hits.add(orders.by_key(db, "client", number, ASKED), "WHMCS client")


def _looked(place: str, asked: Asked[Any], found: int, most: int) -> schema.Looked:
    return schema.Looked(
        place=place, ok=asked.answer is not None, found=min(found, most), note=asked.note, more=found > most
    )


async def _answer(
    api: Api, caller: Caller, text: str, meant: Sequence[Reading], hits: Hits, outside: Outside
) -> schema.FindAnswer:
    mask, zone, now = api.masker(caller), api.settings.whmcs.time_zone, api.now()
    found = await api.read(lambda db: lines(db, list(hits.matched)[:MOST], api.hub.packer, mask))
    complete, more = all(place.ok for place in outside.looked), any(place.more for place in outside.looked)
    more |= len(hits.matched) > MOST
    elsewhere = [_plain(row, outside, mask) for row in outside.rows if str(row["Id"]) not in hits.matched]
    accounts = _accounts(outside, mask)
    return schema.FindAnswer(
        text="" if mask.viewer else text, read_as=list(dict.fromkeys(reading.name for reading in meant)),
        orders=[schema.FoundOrder(order=o, matched=hits.matched[o.order_id], say=say(o, zone, now)) for o in found],
        accounts=accounts, looked=outside.looked, complete=complete, more=more, at=now, elsewhere=elsewhere,
        not_known=NO_READINGS if any(reading.kind == "spelling" for reading in meant) else "",
        say=say_found(len(found) + len(elsewhere), complete=complete, accounts=len(accounts), more=more),
    )  # fmt: skip


def _accounts(outside: Outside, mask: Masker) -> list[schema.FoundAccount]:
    """One row a customer, with the systems that know them."""
    rest = dict(outside.clients)
    shown: list[schema.FoundAccount] = []
    for account in outside.accounts.values():
        client = rest.pop(account.whmcs_client_id or "", None)
        shown.append(
            schema.FoundAccount(
                account_id=account.id, name=mask.name(account.name), number=account.number, client_id=account.whmcs_client_id,
                client_status=client.status if client else "", found_in=["Salesforce", *(["WHMCS"] if client else [])],
                orders=[_plain(row, outside, mask) for row in outside.rows if row.get("AccountId") == account.id],
            )
        )  # fmt: skip
    only_there = (
        schema.FoundAccount(
            account_id=None, name=mask.name(client.name), number=None, client_id=client.id, client_status=client.status,
            found_in=["WHMCS"],
        )
        for client in rest.values()
    )  # fmt: skip
    return [*shown, *only_there][:MOST_ACCOUNTS]


def _plain(row: dict[str, Any], outside: Outside, mask: Masker) -> schema.OutsideOrder:
    amount, account = row.get("TotalAmount"), outside.accounts.get(str(row.get("AccountId")))
    number, status = str(row.get("OrderNumber") or row["Id"]), str(row.get("Status") or "")
    return schema.OutsideOrder(
        order_id=str(row["Id"]), number=number, sf=status, effective_date=row.get("EffectiveDate"),
        amount=int(amount) if amount is not None else None, customer=mask.name(account.name) if account else None,
        say=say_of_status(number, status),
    )  # fmt: skip
