"""What people do besides commands: the audit row commits before the effect, its outcome after it (rules §8)."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from console.api.access import Api
from console.api.identity import Caller
from storage import audit

T = TypeVar("T")


async def audited(
    api: Api,
    caller: Caller,
    command: str,
    subjects: Sequence[str],
    detail: Mapping[str, Any],
    work: Callable[[], Awaitable[T]],
    *,
    reason: str | None = None,
) -> T:
    """Do ``work`` between an intent and an outcome row. Raises what it raises."""
    intent = await begin(api, caller, command, subjects, detail, reason=reason)
    try:
        result = await work()
    except Exception as error:
        await end(api, intent, "failed", {"why": type(error).__name__})
        raise
    await end(api, intent, "done")
    return result


async def begin(
    api: Api,
    caller: Caller,
    command: str,
    subjects: Sequence[str],
    detail: Mapping[str, Any],
    *,
    reason: str | None = None,
) -> int:
    now = api.now()
    return await api.journal.write(
        lambda db: audit.intent(db, now, caller.actor, command, subjects, reason=reason, detail=detail)
    )


async def end(api: Api, intent: int, outcome: str, detail: Mapping[str, Any] | None = None) -> None:
    now = api.now()

    def write(db: sqlite3.Connection) -> None:
        audit.outcome(db, intent, now, outcome, detail)

    await api.journal.write(write)
