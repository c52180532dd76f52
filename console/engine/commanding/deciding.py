"""Approve, reject, and start a held order."""

import sqlite3

from console.engine import transitions
from console.engine.commanding.act import Act, Request
from console.engine.commanding.consequences import approval
from console.engine.commanding.plans import Applied, Prepared
from console.engine.commanding.statuswrite import StatusWrite, write_status
from console.engine.states import RunState

LONGEST_NAME = 80  # Approved_By__c


class Approve(Act):
    id = "order.approve"
    live = True

    async def prepare(self, request: Request) -> Prepared:
        words: tuple[str, ...] = ()
        warnings: tuple[str, ...] = ()
        if request.bundle is not None:
            words, warnings = approval(self.engine, request.bundle)
        elif request.order.row is not None:
            words = (f"{request.order.row.plan}: provisioned and billed as approved",)
        return Prepared(words, warnings, _as_read(request))

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        name = request.actor.name[:LONGEST_NAME]
        write = StatusWrite(
            {"Status": "Approved", "Approved_By__c": name},
            reached=("Approved", "Provisioning", "Failed", "Activated"),
            approver=name,
        )
        applied = await write_status(self.engine, self.reader, request.live, write, self.id)
        self.hooks.approved(request.order.order_id)
        return applied


class Reject(Act):
    id = "order.reject"
    live = True

    async def prepare(self, request: Request) -> Prepared:
        words = ("Salesforce: Rejected. This cannot be undone; the customer must order again.", "WHMCS is not touched")
        return Prepared(words, decisive=_as_read(request))

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        write = StatusWrite({"Status": "Rejected"}, reached=("Rejected",))
        return await write_status(self.engine, self.reader, request.live, write, self.id)


class Start(Act):
    id = "order.start"
    live = True
    follows = True

    async def prepare(self, request: Request) -> Prepared:
        words, warnings = approval(self.engine, request.bundle) if request.bundle is not None else ((), ())
        held = f"it was held: {request.run.wait_reason or request.run.error_code}"
        return Prepared((held, *words), warnings, _as_read(request))

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        run, now = request.run, self.engine.clock.now()
        data = dict(run.state_data)
        if run.look_first:
            data.setdefault("foreign_since", run.created_at)

        def write(db: sqlite3.Connection) -> None:
            transitions.move(
                db, now, run.id, expect_version=run.version, state=RunState.QUEUED, next_at=now, wait=None,
                wait_reason=None, error_class=None, error_code=None, error_message=None, fingerprint=None,
                state_data=data,
            )  # fmt: skip

        await self.engine.journal.write(write)
        self.engine.wake()
        return Applied("requested", f"{request.order.number} is queued", run.id)


def _as_read(request: Request) -> dict[str, object]:
    """Whoever decides about an order decides about it as it was read."""
    row = request.order.row
    if row is None:
        return {}
    return {"modified": row.sf_modified_at, "status": row.sf_status, "amount": row.amount, "plan": row.plan}
