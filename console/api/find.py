"""Finding by whatever a customer can name: first the journal, then Salesforce; the answer says where was looked."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Query

from console.api.access import Api, Services
from console.api.asking import Asked, ask
from console.api.find_salesforce import find_accounts, find_orders
from console.api.identity import Caller, Viewer
from console.api.lines import lines
from console.api.problems import invalid
from console.api.reading_text import Reading, readings
from console.api.saying import say, say_found
from console.schema import orders as schema
from integrations.errors import System
from integrations.salesforce.models import Account
from storage import orders

router = APIRouter(tags=["orders"])
LONGEST = 200
MOST = 50


@dataclass
class Hits:
    """Order ids in the order they were found, with by what."""

    matched: dict[str, str] = field(default_factory=dict)

    def add(self, ids: Sequence[str], by: str) -> None:
        for order_id in ids:
            self.matched.setdefault(order_id, by)


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
    looked = [schema.Looked(place="orders known here", ok=True, found=len(hits.matched))]
    engine = api.engine
    accounts = await ask(engine, System.SALESFORCE, lambda: find_accounts(engine, text, meant))
    looked.append(_looked("Salesforce accounts", accounts))
    rows = await ask(engine, System.SALESFORCE, lambda: find_orders(engine, accounts.answer or [], meant))
    looked.append(_looked("Salesforce orders", rows))
    ids = [str(row["Id"]) for row in rows.answer or []]
    hits.add(await api.read(lambda db: list(orders.get_many(db, ids))), "Salesforce")
    return await _answer(api, caller, text, meant, hits, accounts.answer or [], rows.answer or [], looked)


def _in_journal(db: sqlite3.Connection, meant: Sequence[Reading], hits: Hits) -> None:
    for reading in meant:
        match reading.kind:
            case "id":
                hits.add([reading.value] if orders.get(db, reading.value) else [], reading.name)
            case "name":
                hits.add(orders.by_name(db, reading.value, MOST), reading.name)
                hits.add(orders.by_joined_name(db, reading.value, MOST), reading.name)
            case "iccid":
                hits.add(orders.by_key(db, "iccid", reading.value, MOST), reading.name)
                hits.add(orders.by_profile(db, reading.value), reading.name)
            case _:
                hits.add(orders.by_key(db, reading.kind, reading.value, MOST), reading.name)


def _looked(place: str, asked: Asked[list[Any]]) -> schema.Looked:
    return schema.Looked(place=place, ok=asked.answer is not None, found=len(asked.answer or []), note=asked.note)


async def _answer(
    api: Api, caller: Caller, text: str, meant: Sequence[Reading], hits: Hits, accounts: Sequence[Account],
    rows: Sequence[dict[str, Any]], looked: list[schema.Looked],
) -> schema.FindAnswer:  # fmt: skip
    mask, zone = api.masker(caller), api.settings.whmcs.time_zone
    found = await api.read(lambda db: lines(db, list(hits.matched)[:MOST], api.hub.packer, mask))
    complete = all(place.ok for place in looked)
    shown = [
        schema.FoundAccount(
            account_id=a.id, name=mask.name(a.name), number=a.number, client_id=a.whmcs_client_id,
            orders=[_plain(row) for row in rows if row.get("AccountId") == a.id],
        )
        for a in accounts
    ]  # fmt: skip
    return schema.FindAnswer(
        text="" if mask.viewer else text, read_as=list(dict.fromkeys(reading.name for reading in meant)),
        orders=[schema.FoundOrder(order=o, matched=hits.matched[o.order_id], say=say(o, zone)) for o in found],
        accounts=shown, looked=looked, complete=complete, say=say_found(found, complete=complete, accounts=len(shown)),
        elsewhere=[_plain(row) for row in rows if str(row["Id"]) not in hits.matched],
    )  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    amount = row.get("TotalAmount")
    return {
        "order_id": row["Id"], "number": row.get("OrderNumber"), "sf": row.get("Status"),
        "effective_date": row.get("EffectiveDate"), "amount": int(amount) if amount is not None else None,
    }  # fmt: skip
