"""What staff do in the demo by means of the product, over its API."""

from collections.abc import Iterable

from console.client.address import Address
from console.client.api import ApiClient, new_key
from console.client.errors import ApiError
from console.demo.processes import DemoFailed
from console.schema.commands import PlanRequest, SubmitRequest

BRAKE = "intake"


async def resume_all(address: Address, paused: Iterable[str]) -> None:
    """Resume what is paused, as somebody does who has mended the cause. Raises DemoFailed."""
    subjects = [subject for subject in paused if subject != BRAKE]
    if not subjects:
        return
    try:
        async with ApiClient(address) as client:
            for subject in subjects:
                request = PlanRequest(arguments={"subject": subject})
                plan = await client.plan("system.resume", request)
                agreed = SubmitRequest(arguments={"subject": subject}, plan_hash=plan.hash, reason="mended in the demo")
                await client.submit("system.resume", agreed, key=new_key())
    except ApiError as error:
        raise DemoFailed(f"an integration could not be resumed: {error}") from error
