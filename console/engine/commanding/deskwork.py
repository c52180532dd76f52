"""Take, let go, note; and mails that are sent again."""

import secrets
import sqlite3

from console.engine import transitions
from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument
from console.engine.commanding.plans import Applied, Prepared
from console.engine.states import RunState
from console.engine.steps.email import queue_delivery
from integrations.mail.service import new_message_id
from storage import desk, feed, mail, runs
from storage.errors import Stale
from storage.mail import MailRow

TAKEN_FOR = 12 * 3600.0
RESENDABLE = ("sent", "maybe_sent", "failed", "held")


class AtDesk(Act):
    """What people leave at an order does not depend on where its run stands."""

    def version(self, request: Request) -> tuple[str, int] | None:
        return None


class Take(AtDesk):
    id = "order.take"

    async def prepare(self, request: Request) -> Prepared:
        take = request.order.take
        other = take is not None and take.actor != request.actor.name
        warnings = (f"{take.actor} has it",) if take is not None and other else ()
        return Prepared(("yours for 12 hours",), warnings, {"from": take.actor if take else None})

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        order_id, now, name = request.order.order_id, self.engine.clock.now(), request.actor.name

        def write(db: sqlite3.Connection) -> None:
            desk.take(db, order_id, name, now, now + TAKEN_FOR)
            feed.append(db, now, "taken", {"by": name}, order_id=order_id)

        await self.engine.journal.write(write)
        return Applied("done", f"{request.order.number} is yours")


class Untake(AtDesk):
    id = "order.untake"

    async def prepare(self, request: Request) -> Prepared:
        take = request.order.take
        return Prepared((f"{take.actor} lets go of it" if take else "",), (), {"from": take.actor if take else None})

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        order_id, now = request.order.order_id, self.engine.clock.now()

        def write(db: sqlite3.Connection) -> None:
            desk.drop(db, order_id)
            feed.append(db, now, "taken", {"by": None}, order_id=order_id)

        await self.engine.journal.write(write)
        return Applied("done", f"{request.order.number} is nobody's")


class Note(AtDesk):
    id = "order.note"

    async def prepare(self, request: Request) -> Prepared:
        return Prepared(("kept at the order, seen by all staff",))

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        order_id, now, text = request.order.order_id, self.engine.clock.now(), str(request.arguments["text"])

        def write(db: sqlite3.Connection) -> int:
            note_id = desk.add_note(db, order_id, now, request.actor.name, text)
            feed.append(db, now, "note", {"note": note_id}, order_id=order_id)
            return note_id

        note_id = await self.engine.journal.write(write)
        return Applied("done", f"noted at {request.order.number}", detail={"note": note_id})


class MailResend(AtDesk):
    id = "order.mail_resend"

    async def prepare(self, request: Request) -> Prepared:
        row = _mail(request)
        if row.state == "held":
            words = (f"{row.kind} was held in recovery and leaves now, for the first time",)
        else:
            words = (f"{row.kind} is sent again in {self._language(request, row)}; the first one is {row.state}",)
        warnings = ("it may have arrived: the customer then gets it twice",) if row.state == "maybe_sent" else ()
        return Prepared(words, warnings, {"mail": row.id, "state": row.state}, data=row)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        row, now, order = prepared.data, self.engine.clock.now(), request.order
        assert isinstance(row, MailRow)
        message_id = new_message_id(secrets.token_hex(16), self.engine.settings.mail.sender)

        def write(db: sqlite3.Connection) -> int:
            if row.state == "held":
                return _release(db, row, order.number, now)
            resend = max(m.resend for m in mail.of_order(db, row.order_id) if m.kind == row.kind) + 1
            language = self._language(request, row)
            mail_id = mail.queue(
                db, row.order_id, row.kind, language, message_id, now, by=request.actor.name, resend=resend
            )
            assert mail_id is not None
            return queue_delivery(db, mail_id, row.order_id, order.number, now)

        run_id = await self.engine.journal.write(write)
        self.engine.wake()
        return Applied("requested", f"{row.kind} of {order.number} is queued", run_id)

    def _language(self, request: Request, row: MailRow) -> str:
        edits = self.engine.journal.peek(lambda db: desk.edits(db, request.order.order_id))
        return next((e.new for e in reversed(edits) if e.field == "language" and e.new), row.language)


def _release(db: sqlite3.Connection, row: MailRow, number: str, now: float) -> int:
    """A mail that recovery held: its own delivery goes on, or is made now."""
    mail.change(db, row.id, state="queued")
    run = runs.get(db, row.run_id) if row.run_id is not None else None
    if run is None:
        return queue_delivery(db, row.id, row.order_id, number, now)
    if run.state != RunState.HELD:
        raise Stale(f"the mail's delivery is {run.state} meanwhile")
    transitions.move(
        db, now, run.id, state=RunState.QUEUED, next_at=now, wait=None, wait_reason=None, error_code=None
    )  # fmt: skip
    return run.id


def _mail(request: Request) -> MailRow:
    """The newest mail of the kind asked for."""
    rows, wanted = request.order.mails, request.arguments.get("kind")
    kinds = sorted({row.kind for row in rows})
    if wanted is None and len(kinds) > 1:
        raise BadArgument("kind", "this order has more than one mail", f"one of {', '.join(kinds)}")
    mine = [row for row in rows if wanted in (None, row.kind)]
    if not mine:
        raise BadArgument("kind", f"this order has no mail {wanted}", f"one of {', '.join(kinds)}")
    newest = max(mine, key=lambda row: (row.resend, row.id))
    if newest.state not in RESENDABLE:
        raise BadArgument("kind", f"{newest.kind} is {newest.state}", "wait until it is sent or has failed")
    return newest
