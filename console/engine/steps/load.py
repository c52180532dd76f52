"""load: read the order, its customer and its products; check all of it; claim the order (rules §6 load, §5.1)."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from console.engine.failures import Condition, Held, NotNow, OrderWithdrawn, conflict, data_error
from console.engine.steps import claim
from console.engine.steps.billing import order_request
from console.engine.steps.context import WITHDRAWN, Provisioning, order_summary
from console.engine.steps.plan import Edits, OrderPlan, build_plan, check_client, client_id_of, what_differs
from console.engine.workflow import StepResult
from integrations.errors import System
from integrations.salesforce.models import OrderBundle
from integrations.whmcs.models import ClientDetails
from storage import calls, desk, runs

READABLE = ("Approved", "Provisioning", "Failed", "Activated")


async def load(context: Provisioning) -> StepResult:
    """Raises data, conflict or config for what is wrong, before anything is written outside."""
    bundle = context.engine.handover.take(context.order_id) or await context.read_order()
    _check_status(bundle)
    _check_day(context, bundle)
    client_id = client_id_of(bundle)
    await _check_lock(context, client_id)
    client = await context.calls.read(
        System.WHMCS,
        "whmcs.GetClientsDetails",
        lambda: context.engine.whmcs.get_client(client_id),
        request={"clientid": client_id},
        summary=lambda found: {"id": found.id, "status": found.status, "language": found.language},
    )
    check_client(bundle, client, context.engine.settings)
    plan = await _plan(context, bundle, client)
    _check_finished(context, plan)
    _check_recipient(context, bundle, client)
    context.bundle, context.plan_ = bundle, plan
    if context.engine.observe:
        raise Held("observing", f"observing: would {_would_do(plan)}")
    context.calls.before_guarded = context.check_order
    await claim.claim(context)
    return StepResult(_output(context, plan))


def _check_status(bundle: OrderBundle) -> None:
    status = bundle.order.status
    if status in WITHDRAWN:
        raise OrderWithdrawn(status)
    if status not in READABLE:
        raise conflict("order_not_approved", f"the order is {status} in Salesforce", system="salesforce")


def _check_day(context: Provisioning, bundle: OrderBundle) -> None:
    """An approved order waits for its day also when that was moved, or something woke its run early (rules §4.4)."""
    day = bundle.order.effective_date
    if day is None or bundle.order.status != "Approved":
        return
    begins = datetime.combine(day, time.min, ZoneInfo(context.engine.settings.whmcs.time_zone)).timestamp()
    if begins > context.engine.clock.now():
        raise NotNow("order", f"starts on {day}", condition=Condition("after", str(begins)))


async def _check_lock(context: Provisioning, client_id: str) -> None:
    """The customer lock is the WHMCS client; when the account's client changed, wait for that one's lock."""
    if context.run.lock_key == client_id:
        return
    now = context.engine.clock.now()
    await context.ledger.commit(lambda db: runs.change(db, context.run.id, now, lock_key=client_id, lock_held=False))
    raise NotNow("guarded", f"the customer is WHMCS client {client_id} now; waiting for their turn", after=0.05)


async def _plan(context: Provisioning, bundle: OrderBundle, client: ClientDetails) -> OrderPlan:
    pids = sorted({item.whmcs_product_id for item in bundle.items if item.whmcs_product_id is not None})
    paused = [p for pid in pids if (p := context.engine.gates.product_pauses.get(f"product:{pid}"))]
    if paused:
        reason = f"{paused[0].subject} is paused by {paused[0].actor}: {paused[0].reason}"
        raise NotNow(paused[0].subject, reason, condition=Condition("resumed", paused[0].subject))
    catalog = await context.engine.catalog.products(context.calls, pids)
    edits = context.engine.journal.peek(lambda db: desk.edits(db, context.order_id))
    values: dict[str, dict[str, str]] = {}
    for edit in edits:
        values.setdefault(edit.item, {})[edit.field] = edit.new or ""
    return build_plan(bundle, client, catalog, context.engine.settings, Edits(values))


def _check_finished(context: Provisioning, plan: OrderPlan) -> None:
    """A change in what a finished guarded call used is a conflict; else the new reading holds (rules §6 load)."""
    added = context.engine.journal.peek(lambda db: calls.find(db, context.order_id, "whmcs.AddOrder"))
    if added is None or added.state != "done" or not added.input:
        return
    differs = what_differs(added.input, order_request(context, plan))
    if differs:
        raise conflict(
            "order_changed",
            f"changed since it was billed: {', '.join(differs)}",
            system="salesforce",
            fields=", ".join(differs),
        )


def _check_recipient(context: Provisioning, bundle: OrderBundle, client: ClientDetails) -> None:
    """The mail address must be the one that the order records (or was first loaded with): a code takes over a line."""
    first = context.engine.journal.peek(lambda db: runs.of_order(db, context.order_id))[0]
    recorded = bundle.order.recipient_email or str(first.state_data.get("recipient") or client.email.strip())
    context.data["recipient"] = recorded
    if recorded.casefold() != client.email.strip().casefold():
        raise data_error(
            "recipient_changed",
            "the customer's mail address in WHMCS is not the one that the order records",
            system="whmcs",
        )


def _would_do(plan: OrderPlan) -> str:
    products = ", ".join(f"{item.quantity} × {item.sku or item.name}" for item in plan.items)
    esims = sum(item.is_esim for item in plan.items)
    return f"order {products} in WHMCS for client {plan.client.id}" + (f" and {esims} eSIM profile(s)" if esims else "")


def _output(context: Provisioning, plan: OrderPlan) -> dict[str, object]:
    assert context.bundle is not None
    return {
        **order_summary(context.bundle),
        "client_id": plan.client.id,
        "language": plan.language,
        "gateway": plan.gateway,
        "products": [{"item": i.id, "pid": i.pid, "quantity": i.quantity, "cycle": i.cycle} for i in plan.items],
        "attempt": context.data.get("attempt"),
    }
