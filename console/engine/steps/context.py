"""What the provisioning steps share: the context of one run and the guard before each guarded call (rules §9)."""

from dataclasses import dataclass
from typing import Any

from console.engine.failures import Condition, NotNow, OrderWithdrawn, conflict
from console.engine.steps.plan import OrderPlan, PlannedItem
from console.engine.workflow import RunContext
from integrations.errors import System
from integrations.salesforce.models import OrderBundle, OrderItem

OWNERSHIP = "ownership"
WITHDRAWN = ("Cancelled", "Rejected")


@dataclass
class Provisioning(RunContext):
    """The context of a provisioning run; ``plan`` and ``bundle`` are what ``load`` read last."""

    plan_: OrderPlan | None = None
    bundle: OrderBundle | None = None

    @property
    def plan(self) -> OrderPlan:
        assert self.plan_ is not None, "load comes first"
        return self.plan_

    @property
    def marker(self) -> str:
        """Of the order, never of run or attempt (rules §1.1)."""
        return f"{self.engine.marker_root}:{self.order_id}"

    def item_marker(self, item: PlannedItem) -> str:
        return f"{self.marker}:{item.id}"

    async def read_order(self, *, with_journal: bool = False) -> OrderBundle:
        """Order, items, account (and the highest journal generation) in one composite; journaled without personal data."""
        return await self.calls.read(
            System.SALESFORCE,
            "salesforce.composite",
            lambda: self.engine.salesforce.read_order(self.order_id, with_journal=with_journal),
            summary=order_summary,
        )

    async def check_order(self) -> None:
        """Right before a guarded call: the order must still be the one that was planned (rules §9).

        Raises OrderWithdrawn, conflict ``order_changed``, or NotNow when another journal owns the org.
        """
        fresh = await self.check_owner()
        check_still_ours(fresh)
        if self.bundle is not None and fingerprint(fresh.items) != fingerprint(self.bundle.items):
            raise conflict(
                "order_changed", "the order's products changed while it was provisioned", system="salesforce"
            )

    async def still_owner(self) -> None:
        """The guard of undo calls: whatever the order's status is, this journal must still own the org."""
        await self.check_owner()

    async def check_owner(self) -> OrderBundle:
        """Read the order and the highest journal generation; raises NotNow when another journal owns the org."""
        fresh = await self.read_order(with_journal=True)
        if fresh.journal is not None and fresh.journal.generation > self.engine.generation:
            reason = f"journal generation {fresh.journal.generation} owns this org, ours is {self.engine.generation}"
            self.engine.holds.set(OWNERSHIP, reason)
            raise NotNow("guarded", reason, condition=Condition("lifted", "guarded"))
        return fresh


def is_first_start(bundle: OrderBundle) -> bool:
    """Does the outside show that nobody has begun with this order (rules §2)?

    A counted attempt is a claim that somebody made: ours are known here, so that one is another journal's.
    """
    order = bundle.order
    iccids = [order.esim_iccid, *(item.esim_iccid for item in bundle.items)]
    return order.status == "Approved" and not order.whmcs_order_id and not order.attempt_count and not any(iccids)


def check_still_ours(bundle: OrderBundle) -> None:
    """Raises unless the order is Provisioning."""
    if bundle.order.status in WITHDRAWN:
        raise OrderWithdrawn(bundle.order.status)
    if bundle.order.status != "Provisioning":
        raise conflict(
            "order_changed", f"the order is {bundle.order.status} in Salesforce, not Provisioning", system="salesforce"
        )


def fingerprint(items: tuple[OrderItem, ...]) -> list[tuple[Any, ...]]:
    """What of an item decides what is billed or made ready."""
    return [
        (i.id, i.product_id, i.quantity, i.unit_price, i.billing_cycle, sorted(i.config_options.items()), i.esim_eid)
        for i in items
    ]


def order_summary(bundle: OrderBundle) -> dict[str, Any]:
    """What the journal keeps of a read order: an allow-list without personal data (rules §12)."""
    order = bundle.order
    return {
        "status": order.status,
        "attempt_count": order.attempt_count,
        "modstamp": order.system_modstamp,
        "whmcs_order_id": order.whmcs_order_id,
        "items": len(bundle.items),
        "client_id": bundle.account.whmcs_client_id if bundle.account else None,
    }
