"""AcceptOrder and CancelOrder: guarded calls that WHMCS takes for a Pending order alone."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from console.engine.looks import Look
from console.engine.steps.context import Provisioning
from integrations.errors import CallFailed, System


async def change_pending(
    context: Provisioning,
    operation: str,
    order_id: str,
    change: Callable[[str], Awaitable[None]],
    look: Callable[[], Awaitable[Look]],
) -> CallFailed | None:
    """None when it is done. The refusal "not Pending" is handed back: it may be our own change, or a person's in the
    admin area, and the order itself tells which. Raises every other failure.
    """

    async def send() -> Mapping[str, Any]:
        await change(order_id)
        return {"order_id": order_id}

    try:
        await context.calls.guarded(
            System.WHMCS, operation, send, look, item=order_id, marker=context.marker, request={"orderid": order_id}
        )
    except CallFailed as error:
        if error.code != "order_not_pending":
            raise
        return error
    return None
