"""``portal tokens``: who may talk to the daemon over TCP."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from console.cli.exits import Exit, Failure
from console.cli.help import Group
from console.cli.output import Column, Form, clock
from console.cli.verbs import Desk, verb

if TYPE_CHECKING:
    from console.schema.service import CreatedToken, NewToken

app = typer.Typer(
    help="Staff tokens for --server (admin). The first one is made over the daemon's own socket.",
    no_args_is_help=True,
    cls=Group,
)
COLUMNS = (
    Column("id", "Token", right=True), Column("name", "Name"), Column("role", "Role"), Column("prefix", "Begins with"),
    Column("created", "Created"), Column("expires", "Expires"), Column("revoked", "Revoked"), Column("used", "Last used"),
)  # fmt: skip


@verb(app, "create", csv=False)
async def create(
    desk: Desk,
    name: Annotated[str, typer.Option(help="The person's name; it stands in the audit log.")],
    role: Annotated[str, typer.Option(help="viewer, operator, supervisor or admin.")],
    days: Annotated[
        float | None, typer.Option(min=0.01, max=366, help="Days until it expires.", show_default="daemon.token_life")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it stands in the audit log.")] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it into a new file of mode 0600 instead of showing it."),
    ] = None,
) -> None:
    """Make a token. It is shown this once; only its hash is kept."""
    from console.schema.base import ROLES
    from console.schema.service import NewToken

    known = next((one for one in ROLES if one == role), None)
    if known is None:
        raise Failure(f"--role: {role[:40]!r} is no role: viewer, operator, supervisor or admin", Exit.USAGE)
    if out is not None and out.exists():
        raise Failure(f"{out} exists already: name another file", Exit.USAGE)
    wanted = NewToken(name=name, role=known, days=days, reason=reason)
    created = await (_created_into(desk, wanted, out) if out is not None else desk.client.create_token(wanted))
    told = created.model_dump(exclude={"token"} if out is not None else None)
    if desk.output.form is Form.JSON:
        desk.output.one(told)
        return
    desk.output.note(f"token {created.id} of {created.name} ({created.role}), valid until {clock(created.expires_at)}")
    desk.output.say(f"written to {out}" if out is not None else created.token)


async def _created_into(desk: Desk, wanted: "NewToken", file: Path) -> "CreatedToken":
    """The file is opened before the token is asked for: one that nobody could read would be valid for months."""
    created: CreatedToken | None = None
    try:
        with _new(file) as opened:
            created = await desk.client.create_token(wanted)
            opened.write(created.token + "\n")
    except OSError as error:
        made = f"make the token void with `portal tokens revoke {created.id}`" if created else "no token was made"
        raise Failure(f"{file} cannot be written: {error.strerror or error}; {made}") from error
    return created


@contextmanager
def _new(file: Path) -> Iterator[TextIO]:
    """A new file of mode 0600 that does not stay when it cannot be filled. Raises OSError."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
        try:
            yield opened
            opened.flush()
        except BaseException:
            file.unlink(missing_ok=True)
            raise


@verb(app, "list")
async def list_(desk: Desk) -> None:
    """List all tokens, also expired and revoked ones."""
    found = await desk.client.tokens()
    data = [one.model_dump() for one in found.tokens]
    rows = [
        {
            **row, "created": clock(row["created_at"]), "expires": clock(row["expires_at"]),
            "revoked": clock(row["revoked_at"]), "used": clock(row["last_used_at"]) or "never",
        }
        for row in data
    ]  # fmt: skip
    desk.output.rows(COLUMNS, rows, data)


@verb(app, "revoke", csv=False)
async def revoke(
    desk: Desk, token: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number in the list.")]
) -> None:
    """Make a token void at once. Exit code 6: there is no such token."""
    gone = await desk.client.revoke_token(token)
    if desk.output.form is Form.JSON:
        desk.output.one(gone.model_dump())
    desk.output.say(f"token {gone.id} of {gone.name} is void")
