"""Asking the outside for a person: through the gates, and refused where the engine needs what is left."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from console.engine.failures import NotNow
from console.engine.services import Engine
from integrations.errors import IntegrationError, System

T = TypeVar("T")


@dataclass(frozen=True)
class Asked(Generic[T]):
    """``answer`` None: it could not be asked, and ``note`` says why in words. ``took`` in seconds."""

    system: str
    answer: T | None
    note: str
    at: float
    took: float


async def ask(engine: Engine, system: System, fetch: Callable[[], Awaitable[T]]) -> Asked[T]:
    """Never raises for a system that is away, paused, or low on quota."""
    began = time.monotonic()

    def result(answer: T | None, note: str = "") -> Asked[T]:
        return Asked(system, answer, note, engine.clock.now(), time.monotonic() - began)

    if system is System.SALESFORCE and (low := engine.quota.problem):
        return result(None, low)
    gate = engine.gates[system]
    try:
        gate.check()
        async with gate.enter():
            return result(await fetch())
    except NotNow as stop:
        return result(None, stop.reason)
    except IntegrationError as error:
        return result(None, in_words(error))


def in_words(error: IntegrationError) -> str:
    """What the system said; its code once after it, unless that says the same (HTTP 503)."""
    code = error.code.replace("http_", "HTTP ")
    return error.message if not code or code in error.message else f"{error.message} ({error.code})".lstrip()
