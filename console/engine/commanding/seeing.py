"""Mark as seen: what waited for a look (a gap, an event that cannot be read, a mail) and needs nothing more."""

import re
import sqlite3
from dataclasses import dataclass

from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument, NotPossible
from console.engine.commanding.plans import Applied, Prepared
from storage import desk, feed, inbox, mail

_ROW = re.compile(r"(?P<kind>gap|poison|mail):(?P<id>\d{1,12})")
MAILS = ("maybe_sent", "failed", "held")


@dataclass(frozen=True)
class Row:
    """``words``: what is put aside; ``seen_by`` None: nobody has looked at it yet."""

    kind: str
    id: int
    words: tuple[str, ...]
    seen_by: str | None

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"


def find(db: sqlite3.Connection, text: str) -> Row:
    """Raises BadArgument for what is no such row."""
    named = _ROW.fullmatch(text.casefold())
    if named is None:
        raise BadArgument("row", f"{text[:40]!r} is no row to look at", "gap:<id>, poison:<id> or mail:<id>")
    kind, number = named["kind"], int(named["id"])
    found = {"gap": _gap, "poison": _poison, "mail": _mail}[kind](db, number)
    if found is None:
        raise BadArgument(
            "row", f"there is no {kind} {number}", "`portal events gaps` and `portal mail list` show them"
        )
    return found


def _gap(db: sqlite3.Connection, number: int) -> Row | None:
    gap = inbox.get_gap(db, number)
    if gap is None:
        return None
    closed = (
        "a poll has read everything since" if gap.reconciled_at else "no poll has read everything since: it goes on"
    )
    return Row("gap", number, (f"{gap.channel}: {gap.reason}", closed), desk.seen_by(db, f"gap:{number}"))


def _poison(db: sqlite3.Connection, number: int) -> Row | None:
    known = inbox.poison_seen_by(db, number)
    return Row("poison", number, (f"the event cannot be read: {known[0]}",), known[1]) if known else None


def _mail(db: sqlite3.Connection, number: int) -> Row | None:
    row = mail.get(db, number)
    if row is None or row.state not in MAILS:
        return None
    words = (f"{row.kind} is {row.state.replace('_', ' ')}", "nothing is sent; the customer may not have it")
    return Row("mail", number, words, desk.seen_by(db, f"mail:{number}"))


class Seen(Act):
    id = "system.seen"

    async def prepare(self, request: Request) -> Prepared:
        row = self.engine.journal.peek(lambda db: find(db, str(request.arguments["row"])))
        blocked = f"{row.seen_by} has seen it" if row.seen_by else None
        return Prepared((*row.words, "it leaves the list of what needs a person"), blocked=blocked, data=row)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        row, now, actor = prepared.data, self.engine.clock.now(), request.actor.name
        assert isinstance(row, Row)

        def write(db: sqlite3.Connection) -> bool:
            if row.kind == "poison":
                first = inbox.see_poison(db, row.id, actor, now)
            else:
                first = desk.see(db, row.name, actor, now)
            if first:
                feed.append(db, now, "seen", {"row": row.name, "by": actor})
            return first

        if not await self.engine.journal.write(write):
            raise NotPossible("somebody else has seen it meanwhile")
        return Applied("done", f"{row.name} is marked as seen")
