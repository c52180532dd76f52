"""Staff at the daemon's socket: the same client that console and command line use."""

import asyncio
from typing import Any

from console.client.address import Address
from console.client.api import ApiClient, new_key
from console.client.errors import ApiError
from console.schema.commands import PlanRequest, SubmitRequest
from console.settings import load_settings
from tests.e2e.rig import Rig


def address(rig: Rig) -> Address:
    return Address(socket=load_settings(rig.config, {}, complete=True).settings.daemon.socket_path)


async def act(rig: Rig, command: str, *orders: str, **arguments: Any) -> str:
    """Plan and submit; the outcome, or "refused: why" in the daemon's words."""
    async with ApiClient(address(rig)) as client:
        try:
            plan = await client.plan(command, PlanRequest(orders=list(orders), arguments=arguments))
            agreed = SubmitRequest(
                orders=list(orders), arguments=arguments, plan_hash=plan.hash, reason="the test wants it"
            )
            return (await client.submit(command, agreed, key=new_key())).outcome
        except ApiError as refusal:
            return f"refused: {refusal}"


async def two_at_once(rig: Rig, command: str, *orders: str, **arguments: Any) -> list[str]:
    """The same command from two clients at the same moment."""
    return list(await asyncio.gather(*(act(rig, command, *orders, **arguments) for _ in range(2))))
