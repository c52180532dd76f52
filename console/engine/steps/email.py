"""email: queue the customer's mails in the transaction that ends the run; each is delivered by a run of its own."""

import secrets
import sqlite3

from console.engine import transitions
from console.engine.steps.claim import esim_items
from console.engine.steps.context import Provisioning
from console.engine.workflow import StepResult
from integrations.mail.service import new_message_id
from storage import mail, orders, profiles, runs

ORDER_MAIL = "order_provisioned"
ACTIVATION_MAIL = "esim_activation"
NO_SENDER = "portal@portal.invalid"  # while mail is off its sender may be unset; the mails wait all the same


async def email(context: Provisioning) -> StepResult:
    """What will be queued; the queueing itself is part of the end of the run (``queue_mails``)."""
    kinds = [ORDER_MAIL, *([ACTIVATION_MAIL] if esim_items(context) else [])]
    return StepResult({"queues": kinds, "language": context.plan.language})


def queue_mails(db: sqlite3.Connection, context: Provisioning, now: float) -> None:
    """One row per (order, kind); in recovery no mail leaves without a person (rules §5.3)."""
    state = "held" if context.engine.recovery else "queued"
    for kind in context.outputs["email"].get("queues", []):
        mail_id = mail.queue(
            db,
            context.order_id,
            kind,
            context.plan.language,
            new_message_id(secrets.token_hex(16), context.engine.settings.mail.sender or NO_SENDER),
            now,
            state=state,
        )
        if mail_id is not None and state == "queued":
            queue_delivery(db, mail_id, context.order_id, context.run.order_number, now)
    orders.set_status(db, context.order_id, "Activated", now)
    orders.add_keys(db, context.order_id, [("iccid", p.iccid) for p in profiles.of_order(db, context.order_id)])
    orders.add_keys(db, context.order_id, [("whmcs", str(context.outputs["billing"]["order_id"]))])


def queue_delivery(db: sqlite3.Connection, mail_id: int, order_id: str, number: str | None, now: float) -> int:
    """A run of ``send_mail`` for one queued mail."""
    run_id = runs.insert(
        db, ("deliver",), now, workflow="send_mail", subject=f"mail:{mail_id}", order_id=order_id, order_number=number,
        state="queued", source="engine",
    )  # fmt: skip
    mail.change(db, mail_id, run_id=run_id)
    transitions.announce(db, now, run_id, kind="mail", mail=mail_id, mail_state="queued")
    return run_id
