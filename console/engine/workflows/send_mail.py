"""send_mail: one queued mail to the address on file. Never touches the order (rules §6 email)."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.engine.calls import CallMaker
from console.engine.failures import Held, NotNow, data_error
from console.engine.ledger import Ledger
from console.engine.services import Engine
from console.engine.steps.email import ACTIVATION_MAIL
from console.engine.steps.mail_content import content_of
from console.engine.steps.plan import client_id_of
from console.engine.workflow import RunContext, StepDefinition, StepResult, Workflow
from integrations.errors import CallFailed, System
from integrations.mail.service import OutgoingMail
from storage import calls, feed, mail, runs
from storage.mail import MailRow
from storage.runs import Run

NAME = "send_mail"


@dataclass
class Sending(RunContext):
    """The context of one delivery."""

    @property
    def mail_id(self) -> int:
        return int(self.run.subject.removeprefix("mail:"))


async def deliver(context: Sending) -> StepResult:
    """Send once; an outcome that is unknown after DATA is *maybe sent*, and only the activation mail goes again."""
    row = context.engine.journal.peek(lambda db: mail.get(db, context.mail_id))
    assert row is not None
    if row.state in ("sent", "maybe_sent"):
        return StepResult({"state": row.state})
    if not context.engine.settings.mail.enabled:
        raise NotNow("mail", "mail.enabled is off; the mail waits", after=300.0)
    if context.engine.observe:
        raise NotNow("mail", "this daemon only observes; the mail waits", after=300.0)
    if row.state == "held":
        raise Held("mail_held", "in recovery no mail leaves without a person")
    again = _resend_unknown(context, row)
    if not again and _maybe_sent(context):
        await _mark(context, "maybe_sent", "the outcome of an earlier send is unknown")
        return StepResult({"state": "maybe_sent"}, note="maybe sent")
    outgoing = await _render(context, row)
    try:
        await context.calls.keyed(
            System.MAIL, "mail.send", lambda: _send(context, outgoing), item=row.message_id,
            request={"kind": row.kind, "language": row.language}, fresh=True,
        )  # fmt: skip
    except CallFailed as error:
        if error.refused or (again and not _last_try(context)):
            raise
        await _mark(context, "maybe_sent", error.message)
        return StepResult({"state": "maybe_sent"}, note="maybe sent")
    await _mark(context, "sent", None)
    return StepResult({"state": "sent"})


def _last_try(context: Sending) -> bool:
    """After it an unknown outcome is shown as such, and a person may send the mail again."""
    return context.run.tries + 1 >= context.engine.settings.engine.retry.tries


def _resend_unknown(context: Sending, row: MailRow) -> bool:
    setting = context.engine.settings.mail.resend_unknown
    return setting.activation if row.kind == ACTIVATION_MAIL else setting.order


def _maybe_sent(context: Sending) -> bool:
    """Did an earlier send leave without a known outcome (also: the process died under it)?"""

    def query(db: sqlite3.Connection) -> bool:
        mine = [
            c for c in calls.effects(db, context.order_id) if c.operation == "mail.send" and c.run_id == context.run.id
        ]
        return any(c.state == "unknown" for c in mine)

    return context.engine.journal.peek(query)


async def _render(context: Sending, row: MailRow) -> OutgoingMail:
    """Recipient and content are read when it is sent: codes are never stored in the queue."""
    engine = context.engine
    engine.quota.check("the mail")
    bundle = await context.calls.read(
        System.SALESFORCE, "salesforce.composite", lambda: engine.salesforce.read_order(context.order_id)
    )
    client = await context.calls.read(
        System.WHMCS, "whmcs.GetClientsDetails", lambda: engine.whmcs.get_client(client_id_of(bundle))
    )
    recorded = bundle.order.recipient_email or _recorded_recipient(context)
    if recorded is None and row.kind == ACTIVATION_MAIL:  # forgotten with the run's inputs (rules §13)
        said = "it is not known any more for which mail address the order was read: a code goes to no other"
        raise data_error("recipient_unknown", said)
    if not client.email.strip() or (recorded and recorded.casefold() != client.email.strip().casefold()):
        raise data_error(
            "recipient_changed", "the mail address on file is not the one the order was read with", system="whmcs"
        )
    rendered = content_of(engine, row, bundle)
    settings = engine.settings.mail
    headers = {"Reply-To": settings.reply_to} if settings.reply_to else {}
    now = engine.clock.now()
    context.ledger.later(lambda db: mail.change(db, row.id, state="sending", tries=row.tries + 1))
    context.ledger.later(
        lambda db: feed.append(db, now, "mail", {"mail": row.id, "mail_state": "sending"}, order_id=row.order_id)
    )
    return OutgoingMail(
        message_id=row.message_id, sender=settings.sender, to=client.email.strip(), subject=rendered.subject, text=rendered.text,
        html=rendered.html, inline=rendered.inline, headers=headers,
    )  # fmt: skip


def _recorded_recipient(context: Sending) -> str | None:
    for run in context.engine.journal.peek(lambda db: runs.of_order(db, context.order_id)):
        if run.state_data.get("recipient"):
            return str(run.state_data["recipient"])
    return None


async def _send(context: Sending, outgoing: OutgoingMail) -> Mapping[str, Any]:
    await context.engine.mail.send(outgoing)
    return {"message_id": outgoing.message_id}


async def _mark(context: Sending, state: str, error: str | None) -> None:
    now = context.engine.clock.now()

    def write(db: sqlite3.Connection) -> None:
        mail.change(db, context.mail_id, state=state, error=error, sent_at=now if state == "sent" else None)
        body = {"mail": context.mail_id, "mail_state": state}
        feed.append(db, now, "mail", body, order_id=context.order_id, run_id=context.run.id)

    await context.ledger.commit(write)


def _failed(db: sqlite3.Connection, context: Sending, now: float) -> None:
    run = runs.get(db, context.run.id)
    mail.change(db, context.mail_id, state="failed", error=run.error_message if run else None)


def _context(engine: Engine, run: Run, ledger: Ledger, caller: CallMaker) -> Sending:
    return Sending(engine, run, ledger, caller, data=dict(run.state_data))


SEND_MAIL: Workflow[Sending] = Workflow(
    name=NAME, steps=(StepDefinition("deliver", deliver),), context=_context, failed=_failed
)
