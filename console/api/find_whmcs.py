"""The part of *find* that asks WHMCS: its clients by id, by an order of theirs, by e-mail and by name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.api.reading_text import Reading
from console.api.romaji import squeezed
from console.engine.services import Engine
from integrations.errors import CallFailed
from integrations.whmcs.models import ClientDetails, ClientName, WhmcsOrder
from storage import orders

MOST_CLIENTS = 20
READ = 3  # clients of customers that were found: more are not read one by one
_LETTERS = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Client:
    """A customer as WHMCS has them."""

    id: str
    name: str
    status: str


@dataclass(frozen=True)
class Clients:
    """``order_ids``: orders whose marker a WHMCS order carries, also one whose answer never came."""

    clients: tuple[Client, ...]
    order_ids: tuple[str, ...] = ()


def concerns(meant: Sequence[Reading]) -> bool:
    """Is there anything in it that WHMCS can be asked by? (Not by telephone.)"""
    return any(reading.kind in ("client", "whmcs", "email", "name", "spelling") for reading in meant)


async def find_clients(engine: Engine, meant: Sequence[Reading]) -> Clients:
    """One more than ``MOST_CLIENTS`` where there are more. Raises IntegrationError."""
    found: dict[str, Client] = {}
    marked: list[str] = []
    by_kind = {reading.kind: reading.value for reading in reversed(meant)}
    if (number := by_kind.get("whmcs")) is not None and (order := await engine.whmcs.get_order(number)) is not None:
        marked += await _marked(engine, order)
        found |= await _read(engine, [order.client_id])
    if "client" in by_kind:
        found |= await _read(engine, [by_kind["client"]])
    if "email" in by_kind:
        rows = await engine.whmcs.search_clients(by_kind["email"])
        found |= _named(row for row in rows if row.email.casefold() == by_kind["email"])
    elif "name" in by_kind:
        found |= await _by_name(engine, by_kind["name"], by_kind.get("spelling", "").split())
    return Clients(tuple(found.values())[: MOST_CLIENTS + 1], tuple(marked))


async def _marked(engine: Engine, order: WhmcsOrder) -> list[str]:
    """The orders that this WHMCS order's marker names: in its notes, or where WHMCS drops those, in its services."""
    marker = re.compile(rf"\b{re.escape(engine.marker_root)}:([0-9A-Za-z]{{18}})\b")
    if found := marker.findall(order.notes):
        return found
    services = (await engine.whmcs.list_services(order.client_id)).rows
    kept = " ".join(value for one in services if one.order_id == order.id for value in one.custom_fields.values())
    return list(dict.fromkeys(marker.findall(kept)))


async def read_clients(engine: Engine, ids: Iterable[str]) -> Clients:
    """These clients, as far as WHMCS knows them. Raises IntegrationError."""
    return Clients(tuple((await _read(engine, list(ids)[:READ])).values()))


async def _by_name(engine: Engine, name: str, letters: Sequence[str]) -> dict[str, Client]:
    """WHMCS finds by the beginning of a name; the rest is compared here."""
    first = name.split()[0]
    beginning = first if first != name or name.isascii() else name[:2]  # 田中花子: family and given name are two fields
    rows = await engine.whmcs.search_clients(beginning)
    found = [row for row in rows if _is_called(row, name)]
    for word in letters[::-1]:  # an e-mail begins with the given name as a rule, which comes last in Japanese
        rows = await engine.whmcs.search_clients(word)
        found += [row for row in rows if set(letters) <= words_of(row.email)]
    return _named(found)


def words_of(email: str) -> set[str]:
    """The words before the @, squeezed: tanaka and hanako of hanako.tanaka12@example.jp."""
    return {squeezed(word) for word in _LETTERS.findall(email.casefold().partition("@")[0])}


def _is_called(row: ClientName, name: str) -> bool:
    known = orders.fold(f"{row.last_name} {row.first_name} {row.last_name} {row.company}")
    return all(word in known for word in name.split()) or name in known.replace(" ", "")


async def _read(engine: Engine, ids: Sequence[str]) -> dict[str, Client]:
    found: dict[str, Client] = {}
    for number in ids:
        try:
            client = await engine.whmcs.get_client(number)
        except CallFailed as error:
            if error.code != "client_not_found":
                raise
        else:
            found[client.id] = _client(client)
    return found


def _named(rows: Iterable[ClientName]) -> dict[str, Client]:
    return {row.id: _client(row) for row in rows}


def _client(row: ClientDetails | ClientName) -> Client:
    parts = (row.first_name, row.last_name) if row.last_name.isascii() else (row.last_name, row.first_name)
    return Client(row.id, row.company or " ".join(filter(None, parts)), row.status)
