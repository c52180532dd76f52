"""payment: is there a way to charge this customer? (rules §6 payment). A read; asked again at every try."""

from calendar import monthrange
from datetime import datetime
from zoneinfo import ZoneInfo

from console.engine.clock import as_datetime
from console.engine.failures import Condition, Parked
from console.engine.steps.context import Provisioning
from console.engine.workflow import StepResult
from integrations.errors import ErrorClass, System
from integrations.whmcs.models import PayMethod


async def payment(context: Provisioning) -> StepResult:
    """Raises Parked(paymethod(client)) when no stored pay method of the gateway is valid."""
    plan, settings = context.plan, context.engine.settings
    if plan.gateway in settings.whmcs.manual_gateways:
        return StepResult({"gateway": plan.gateway, "pays": "by invoice"}, note="pays by invoice")
    methods = await context.calls.read(
        System.WHMCS,
        "whmcs.GetPayMethods",
        lambda: context.engine.whmcs.get_pay_methods(plan.client.id),
        request={"clientid": plan.client.id},
        summary=lambda found: {"stored": len(found)},
    )
    today = as_datetime(context.engine.clock.now()).astimezone(ZoneInfo(settings.whmcs.time_zone))
    own = [method for method in methods if method.gateway == plan.gateway]
    valid = [method for method in own if is_valid(method, today)]
    if valid:
        shown = f"{valid[0].type} ••{valid[0].last_four}" if valid[0].last_four else valid[0].type
        return StepResult({"gateway": plan.gateway, "pays": shown}, note=shown)
    code, words = "no_pay_method", f"the customer has no pay method stored for {plan.gateway}"
    if own:
        code, words = "pay_method_expired", f"every pay method stored for {plan.gateway} has expired"
    raise Parked(
        Condition("paymethod", plan.client.id),
        ErrorClass.CUSTOMER,
        "whmcs",
        code,
        words,
        settings.engine.parked_customer,
    )


def is_valid(method: PayMethod, today: datetime) -> bool:
    """A card is good to the end of its month in the install's zone; what has no expiry is always good."""
    if method.expiry is None:
        return True
    year, month = method.expiry
    return today.date() <= today.date().replace(year=year, month=month, day=monthrange(year, month)[1])
