"""eSIM profiles: stock by type and state, and importing new ones."""

import asyncio
import sqlite3
from collections import defaultdict
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Header, Query, Request

from console.api.access import Services
from console.api.audited import audited
from console.api.detail import profile_view
from console.api.identity import Operator, Viewer
from console.api.problems import ProblemError, invalid
from console.schema import desk as schema
from console.schema.problem import FieldProblem
from integrations.errors import plain_text
from integrations.esim.inventory import Inventory, LineNote, parse_inventory
from storage import feed, profiles

router = APIRouter(tags=["profiles"])
Word = Annotated[str | None, Query(max_length=100)]
MOST_BATCH = 80


@router.get("/profiles")
async def stock(
    caller: Viewer,
    api: Services,
    type_: Annotated[str | None, Query(alias="type", max_length=100)] = None,
    state: Word = None,
    limit: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> schema.Stock:
    """How many profiles of each type are in which state; with ``limit`` also the profiles themselves."""
    mask, low_water = api.masker(caller), api.settings.esim.low_water

    def read(db: sqlite3.Connection) -> schema.Stock:
        counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for kind, found, count in profiles.stock(db):
            counts[kind][found] = count
        low = [kind for kind, least in low_water.items() if counts.get(kind, {}).get("free", 0) < least]
        rows = profiles.listed(db, type_, state, limit) if limit else []
        shown = [profile_view(row, mask) for row in rows]
        return schema.Stock(counts=dict(counts), low_water=low_water, low=low, profiles=shown)

    return await api.read(read)


@router.post(
    "/profiles/import",
    openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def import_profiles(
    caller: Operator,
    api: Services,
    request: Request,
    batch: Annotated[str, Header(alias="Portal-Batch", max_length=300)] = "",
) -> schema.Imported:
    """New profiles from a CSV file (iccid,type). With any mistake in it nothing is imported: 422 names every line."""
    data = await request.body()
    if not data:
        raise invalid("body", "it is empty", "send the CSV file itself, as text/csv")
    inventory = await asyncio.to_thread(parse_inventory, data)
    if inventory.errors:
        raise _refused(inventory)
    name, now = plain_text(unquote(batch), MOST_BATCH), api.now()
    rows = [(row.iccid, row.profile_type) for row in inventory.rows]

    def write(db: sqlite3.Connection) -> tuple[int, list[str]]:
        added, clashes = profiles.add(db, rows, name or next((r.batch for r in inventory.rows), ""), now)
        if clashes:
            raise _Clash(clashes)
        feed.append(db, now, "stock", {"added": added})
        return added, clashes

    detail = {"rows": len(rows), "batch": name}
    try:
        added, _ = await audited(api, caller, "profiles.import", [], detail, lambda: api.journal.write(write))
    except _Clash as clash:
        raise _refused(_clashing(inventory, clash.iccids)) from clash
    api.services.recheck()
    counts = await api.read(profiles.stock)
    return schema.Imported(
        added=added, known=len(rows) - added, warnings=[_note(note) for note in inventory.warnings[:200]],
        counts={kind: count for kind, state, count in counts if state == "free"},
    )  # fmt: skip


class _Clash(Exception):
    """Some ICCIDs stand here already with another type."""

    def __init__(self, iccids: list[str]) -> None:
        self.iccids = set(iccids)
        super().__init__(f"{len(iccids)} ICCIDs stand with another type")


def _clashing(inventory: Inventory, iccids: set[str]) -> Inventory:
    problem, remedy = "this ICCID stands here with another type", "correct its type"
    notes = tuple(LineNote(row.line, "iccid", problem, remedy) for row in inventory.rows if row.iccid in iccids)
    return Inventory((), notes, ())


def _refused(inventory: Inventory) -> ProblemError:
    count = len(inventory.errors)
    errors = [
        FieldProblem(field=f"line {note.line}" if note.line else "file", problem=f"{note.field}: {note.problem}".lstrip(": "),
                     remedy=note.remedy)
        for note in inventory.errors[:500]
    ]  # fmt: skip
    detail = f"{count} mistake{'s' if count > 1 else ''}; nothing was imported. The first: {inventory.errors[0]}"
    return ProblemError(422, "invalid", "The file has mistakes", detail, errors=errors)


def _note(note: LineNote) -> schema.LineNoteView:
    return schema.LineNoteView(line=note.line, field=note.field, problem=note.problem, remedy=note.remedy)
