"""crm: ids and ICCIDs back to Salesforce, then Activated alone (rules §6 crm). Each write only if the read differs."""

from collections.abc import Mapping
from typing import Any

from console.engine.clock import as_datetime
from console.engine.steps.context import Provisioning, check_still_ours, order_summary
from console.engine.workflow import StepResult
from integrations.errors import CallFailed, ErrorClass, System
from integrations.salesforce.models import OrderBundle

ACTIVATED = "Activated"


async def crm(context: Provisioning) -> StepResult:
    """Done when Salesforce shows our ids and Activated; already Activated by us is done."""
    bundle = await context.read_order()
    order_fields, item_fields = _wanted(context)
    if not (bundle.order.status == ACTIVATED and bundle.order.whmcs_order_id == order_fields["WHMCS_Order_ID__c"]):
        check_still_ours(bundle)
        if not _stands(bundle, order_fields, item_fields):
            bundle = await _write_ids(context, bundle, order_fields, item_fields)
        bundle = await _activate(context, bundle)
    if bundle.order.status != ACTIVATED:
        raise CallFailed(
            System.SALESFORCE,
            "order.patch",
            ErrorClass.TRANSIENT,
            "not_activated",
            f"the order reads {bundle.order.status}",
        )
    return StepResult(order_summary(bundle))


def _wanted(context: Provisioning) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    billed = context.outputs["billing"]
    iccids: Mapping[str, str] = context.data.get("iccids") or {}
    items: dict[str, dict[str, Any]] = {}
    for item in context.plan.items:
        fields = {"WHMCS_Service_ID__c": billed["services"][item.id]}
        if item.id in iccids:
            fields["ESIM_ICCID__c"] = iccids[item.id]
        items[item.id] = fields
    order: dict[str, Any] = {
        "WHMCS_Order_ID__c": billed["order_id"],
        "WHMCS_Invoice_ID__c": billed.get("invoice_id"),
        "Provisioning_Status__c": "Provisioned",
        "Provisioning_Error_Code__c": None,
        "Provisioning_Error_Message__c": None,
    }
    first = next((iccids[item.id] for item in context.plan.items if item.id in iccids), None)
    if first is not None:
        order["ESIM_ICCID__c"] = first
    return order, items


def _stands(bundle: OrderBundle, order: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]) -> bool:
    have = bundle.order.model_dump(by_alias=True)
    if any(have.get(name) != value for name, value in order.items()):
        return False
    rows = {item.id: item.model_dump(by_alias=True) for item in bundle.items}
    return all(rows[i].get(name) == value for i, fields in items.items() for name, value in fields.items())


async def _write_ids(
    context: Provisioning, bundle: OrderBundle, order: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]
) -> OrderBundle:
    stamp = as_datetime(context.engine.clock.now()).isoformat(timespec="seconds")
    fields = {**order, "Last_Provisioning_At__c": stamp}
    after = await _patch(context, "salesforce.write_ids", fields, bundle, items, request=dict(order))
    check_still_ours(after)
    if not _stands(after, order, items):
        raise CallFailed(
            System.SALESFORCE,
            "order.patch",
            ErrorClass.TRANSIENT,
            "ids_not_written",
            "the ids do not stand after the write",
        )
    return after


async def _activate(context: Provisioning, bundle: OrderBundle) -> OrderBundle:
    """While an order is activated, Status is the only field that may change (facts/salesforce.md §1.7)."""
    return await _patch(
        context, "salesforce.activate", {"Status": ACTIVATED}, bundle, {}, request={"status": ACTIVATED}
    )


async def _patch(
    context: Provisioning,
    operation: str,
    fields: Mapping[str, Any],
    bundle: OrderBundle,
    items: Mapping[str, Mapping[str, Any]],
    *,
    request: Mapping[str, Any],
) -> OrderBundle:
    """Write, unless the order changed since ``bundle`` was read; returns it as it stands afterwards."""
    read: list[OrderBundle] = []

    async def send() -> Mapping[str, Any]:
        try:
            after = await context.engine.salesforce.patch_and_read(
                context.order_id, fields, items=items, unmodified_since=bundle.order.last_modified_at
            )
        except CallFailed as error:
            if error.code != "changed_meanwhile":
                raise
            raise CallFailed(error.system, error.operation, ErrorClass.TRANSIENT, error.code, error.message) from error
        read.append(after)
        return {"written": sorted(fields), "status": after.order.status, "modstamp": after.order.system_modstamp}

    await context.calls.keyed(System.SALESFORCE, operation, send, request=request, fresh=True)
    return read[0]
