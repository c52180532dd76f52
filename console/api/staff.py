"""Who you are, staff tokens, revealing masked values, and backups."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as PathParam

from console import __version__
from console.api import tokens
from console.api.access import Services
from console.api.audited import audited, begin, end
from console.api.identity import Admin, Operator, Viewer
from console.api.problems import ProblemError, forbidden, invalid, not_found
from console.engine.commanding.sheet import limit_of
from console.observe.redact import stripped
from console.schema import service as schema
from integrations.errors import plain_text
from integrations.esim.activation import activation_code, lpa_text
from storage import backup, feed, meta, orders, profiles, runs
from storage import tokens as kept
from storage.errors import StorageError

router = APIRouter(tags=["staff"])
DAY = 86_400.0
HIDE_AFTER = 30.0


@router.get("/me")
async def me(caller: Viewer, api: Services) -> schema.Me:
    """Who the daemon takes you for, and which environment this is."""

    def read(db: sqlite3.Connection) -> tuple[int, int, bool]:
        _, seq, epoch = feed.bounds(db)
        return seq, epoch, meta.get(db, "org_is_sandbox") == "0"

    seq, epoch, production = await api.read(read)
    return schema.Me(
        name=caller.name, role=caller.role, peer=caller.peer, token_id=caller.token_id,
        token_expires_at=caller.expires_at, environment=api.settings.daemon.environment, org_id=api.engine.org_id,
        production=production, version=__version__, read_only=api.engine.observe,
        approve_limit_yen=limit_of(api.engine, caller.actor), time_zone=api.settings.whmcs.time_zone, seq=seq, epoch=epoch,
    )  # fmt: skip


@router.get("/openapi.json", include_in_schema=False)
async def contract(caller: Viewer, request: Request) -> dict[str, Any]:
    """The contract of this API."""
    document: dict[str, Any] = await asyncio.to_thread(request.app.openapi)
    return document


# Tokens ---------------------------------------------------------------------------------------------------------------


@router.get("/tokens")
async def list_tokens(caller: Admin, api: Services) -> schema.Tokens:
    """Every token ever made here, without its secret."""
    return schema.Tokens(tokens=[_token(row) for row in await api.read(kept.every)])


@router.post("/tokens", status_code=201)
async def create_token(caller: Admin, api: Services, asked: schema.NewToken) -> schema.CreatedToken:
    """A new token, shown this once. The first of an install is made over the socket only."""
    if caller.token_id is not None and not await api.read(kept.every):
        raise forbidden("the first token is made over the daemon's socket, on its machine")
    name = plain_text(asked.name, 80).strip()
    if not name:
        raise invalid("name", "it is empty", "say whose token this is")
    made, now = tokens.make(), api.now()
    api.services.redactor.register(made.whole)
    life = asked.days * DAY if asked.days is not None else api.settings.daemon.token_life

    def write(db: sqlite3.Connection) -> kept.Token | None:
        added = kept.add(db, name, asked.role, made.prefix, made.hashed, now, now + life, caller.name)
        return kept.get(db, added)

    detail = {"name": name, "role": asked.role, "prefix": made.prefix}
    row = await audited(
        api, caller, "tokens.create", [], detail, lambda: api.journal.write(write), reason=asked.reason or None
    )
    assert row is not None
    return schema.CreatedToken(**_token(row).model_dump(), token=made.whole)


@router.delete("/tokens/{token_id}")
async def revoke_token(
    caller: Admin, api: Services, token_id: Annotated[int, PathParam(ge=1, le=2**53)]
) -> schema.TokenView:
    """From now on nobody gets in with it."""
    row = await api.read(lambda db: kept.get(db, token_id))
    if row is None:
        raise not_found("token", str(token_id))
    now = api.now()
    detail = {"name": row.name, "prefix": row.prefix}
    await audited(
        api, caller, "tokens.revoke", [], detail, lambda: api.journal.write(lambda db: kept.revoke(db, token_id, now))
    )
    row = await api.read(lambda db: kept.get(db, token_id))
    assert row is not None
    return _token(row)


def _token(row: kept.Token) -> schema.TokenView:
    return schema.TokenView(
        id=row.id, name=row.name, role=row.role, prefix=row.prefix, created_at=row.created_at, expires_at=row.expires_at,  # type: ignore[arg-type]  # the role: checked here
        revoked_at=row.revoked_at, last_used_at=row.last_used_at,
    )  # fmt: skip


# Reveal ---------------------------------------------------------------------------------------------------------------


@router.post("/reveal")
async def reveal(caller: Operator, api: Services, asked: schema.RevealRequest) -> schema.Revealed:
    """Whole values of one order. Who looked, at what and why is in the audit log before this answers."""
    order_id = await api.order_id(asked.order_id)
    detail = {"fields": sorted(set(asked.fields))}
    intent = await begin(api, caller, "reveal", [order_id], detail, reason=plain_text(asked.reason, 500))
    values = await api.read(lambda db: _values(db, order_id, asked.fields))
    await end(api, intent, "done", {"found": sorted(key for key, value in values.items() if value)})
    return schema.Revealed(order_id=order_id, audit_id=intent, hide_after=HIDE_AFTER, values=values)


def _values(db: sqlite3.Connection, order_id: str, fields: list[Any]) -> dict[str, Any]:
    row = orders.get(db, order_id)
    assert row is not None
    held = profiles.of_order(db, order_id)
    known: dict[str, Any] = {
        "name": row.customer_name, "phone": row.phone, "email": row.email or _recipient(db, order_id),
        "iccid": [profile.iccid for profile in held], "eid": [profile.eid for profile in held if profile.eid],
    }  # fmt: skip
    values = {field: _shown(known[field]) for field in fields if field in known}
    if "activation" in fields:
        values["activation"] = [_activation(row) for row in profiles.activations(db, order_id)]
    return values


def _recipient(db: sqlite3.Connection, order_id: str) -> str | None:
    """The address that the order's mails go to, as its runs recorded it."""
    recorded = [run.state_data.get("recipient") for run in runs.of_order(db, order_id)]
    return next((str(address) for address in reversed(recorded) if address), None)


def _shown(value: Any) -> Any:
    return [stripped(one) for one in value] if isinstance(value, list) else stripped(value) if value else value


def _activation(row: profiles.Activation) -> dict[str, Any]:
    code = None
    if row.smdp_address:
        code = lpa_text(activation_code(row.smdp_address, row.matching_id))
    return {
        "order_item_id": row.order_item_id, "smdp_address": row.smdp_address, "matching_id": row.matching_id, "code": code
    }  # fmt: skip


# Backup ---------------------------------------------------------------------------------------------------------------


@router.post("/store/backup")
async def back_up(caller: Admin, api: Services, asked: schema.BackupRequest) -> schema.BackedUp:
    """A checked copy of the journal while the daemon works, mode 0600."""
    target = _target(asked.file)
    began = time.monotonic()

    async def copy() -> int:
        return await asyncio.to_thread(backup.backup, api.journal.path, target)

    try:
        size = await audited(api, caller, "store.backup", [], {"file": str(target)}, copy)
    except StorageError as error:
        raise ProblemError(409, "conflict", "The backup was not made", str(error)) from error
    return schema.BackedUp(file=str(target), bytes=size, seconds=time.monotonic() - began)


def _target(text: str) -> Path:
    if "\0" in text:
        raise invalid("file", "it holds a NUL character", "give an absolute path")
    target = Path(text)
    if not target.is_absolute():
        raise invalid("file", "it is not an absolute path", "the daemon has another working directory than you")
    try:
        there = target.parent.is_dir()
    except OSError as error:
        raise invalid("file", error.strerror or "it cannot be used", "give another path") from error
    if not there:
        raise invalid("file", "its directory does not exist on the daemon's machine", "make it first")
    return target
