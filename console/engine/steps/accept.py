"""accept: the WHMCS order is Active and each of its services too; then the ICCIDs and the release (rules §6 accept)."""

from collections.abc import Mapping, Sequence
from typing import Any

from console.engine.failures import conflict
from console.engine.looks import Absent, Found, Look, Unknown
from console.engine.steps import billing
from console.engine.steps.context import Provisioning
from console.engine.steps.esim import release
from console.engine.steps.pending import change_pending
from console.engine.steps.plan import PlannedItem
from console.engine.workflow import StepResult
from integrations.errors import System
from integrations.whmcs.models import Service

ACTIVE = "active"


async def accept(context: Provisioning) -> StepResult:
    """Raises conflict for a service that stays Pending, and for an order that is Cancelled or Fraud."""
    order_id = str(context.outputs["billing"]["order_id"])
    await _accept_order(context, order_id)
    order = await billing.read_back(context, order_id)
    if order.status.casefold() != ACTIVE:
        raise conflict(
            "order_not_active", f"WHMCS order {order_id} is {order.status} after AcceptOrder", system="whmcs"
        )
    services = {service.id: service for service in await billing.order_services(context, order)}
    by_item: Mapping[str, str] = context.outputs["billing"]["services"]
    for item in context.plan.items:
        service = services.get(by_item[item.id])
        if service is None:
            raise conflict(
                "service_missing", f"{item.name}: service {by_item[item.id]} is not there any more", system="whmcs"
            )
        _check_service(item, service)
    await _write_iccids(context, services, by_item)
    await release(context)
    return StepResult({"order_status": order.status, "services": {sid: s.status for sid, s in services.items()}})


async def _accept_order(context: Provisioning, order_id: str) -> None:
    refused = await change_pending(
        context, "whmcs.AcceptOrder", order_id, context.engine.whmcs.accept_order, lambda: look_at_order(context, order_id)
    )  # fmt: skip
    if refused is None:
        return
    order = await billing.read_back(context, order_id)
    if order.status.casefold() != ACTIVE:
        raise conflict(refused.code, f"WHMCS order {order_id} is {order.status}", system="whmcs") from refused


async def look_at_order(context: Provisioning, order_id: str) -> Look:
    """Active: accepted. Pending: not (yet). Anything else is a person's."""
    order = await context.engine.whmcs.get_order(order_id)
    if order is None:
        return Unknown(f"WHMCS does not show order {order_id}")
    evidence = {"order_id": order_id, "status": order.status}
    match order.status.casefold():
        case "active":
            return Found({"order_id": order_id}, evidence)
        case "pending":
            return Absent(evidence)
    return Unknown(f"WHMCS order {order_id} is {order.status}", final=True, evidence=evidence)


def _check_service(item: PlannedItem, service: Service) -> None:
    if service.status.casefold() == ACTIVE or item.manual:
        return
    raise conflict(
        "service_pending",
        f"{item.name}: service {service.id} is {service.status} although its order is Active",
        system="whmcs",
        service=service.id,
        product=str(service.pid),
    )


async def _write_iccids(context: Provisioning, services: Mapping[str, Service], by_item: Mapping[str, str]) -> None:
    """The ICCID goes into the service's custom field (written only where it differs)."""
    for item in context.plan.items:
        if not item.is_esim or item.iccid_field is None:
            continue
        iccid, service_id, field = str(context.data["iccids"][item.id]), by_item[item.id], item.iccid_field
        if services[service_id].custom_fields.get(field) == iccid:
            continue

        async def send(service_id: str = service_id, field: int = field, iccid: str = iccid) -> Mapping[str, Any]:
            await context.engine.whmcs.update_service(service_id, custom_fields={field: iccid})
            return {"service_id": service_id}

        await context.calls.keyed(
            System.WHMCS,
            "whmcs.UpdateClientProduct",
            send,
            item=service_id,
            request={"serviceid": service_id, "field": field},
        )


def pending_services(services: Sequence[Service]) -> list[Service]:
    return [service for service in services if service.status.casefold() == "pending"]
