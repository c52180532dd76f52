"""Customers who go on ordering while the sandbox runs, and a clerk who approves most of it a little later."""

import asyncio
import random

from integrations.sandbox.people import NotPossible, People
from integrations.sandbox.shop import BAD_KINDS, GOOD_KINDS

BAD_SHARE = 0.06  # orders with a mistake in them
APPROVED_SHARE = 0.8  # the others wait for somebody at the console
APPROVAL_SECONDS = (1.0, 4.0)  # how long the clerk takes


async def keep_ordering(people: People, per_minute: float, rng: random.Random) -> None:
    """Place ``per_minute`` > 0 orders, evenly but not like clockwork, until cancelled."""
    async with asyncio.TaskGroup() as clerks:
        while True:
            await asyncio.sleep(rng.uniform(0.5, 1.5) * 60 / per_minute)
            kind = rng.choice(BAD_KINDS if rng.random() < BAD_SHARE else GOOD_KINDS)
            (placed,) = people.place(1, kinds=[kind])
            if rng.random() < APPROVED_SHARE:
                clerks.create_task(_approve(people, placed.id, rng.uniform(*APPROVAL_SECONDS)))


async def _approve(people: People, order_id: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    try:
        people.approve([order_id])
    except NotPossible:
        return  # somebody was faster, at the console or in Salesforce
