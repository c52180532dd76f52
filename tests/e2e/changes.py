"""Defects built in on purpose, for the controls: a test that shows a rule to hold must fail without the rule.

Each is named by a test and applied in the daemon's process alone, before it starts.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from console.engine import calls
from console.engine.looks import Absent, Look
from console.engine.steps import billing, context, esim
from console.engine.steps.context import Provisioning


def apply(name: str) -> None:
    """Build one defect in. Raises KeyError for a name that there is not."""
    CHANGES[name]()


def blind_looks() -> None:
    """Every look, also the one of an order by type, says at once that nothing is there (design/rules.md §14)."""

    async def look_for_order(context: Provisioning) -> Look:
        return Absent({"blind": True})

    billing.look_for_order = look_for_order
    vars(esim)["Unknown"] = lambda *_, **__: Absent({"blind": True})


def no_late_wait() -> None:
    """Absence is believed at the first look: late landing is not waited for (rules §3.3)."""

    def believed(*_: Any) -> None:
        return

    calls.CallMaker._absent = believed  # type: ignore[method-assign, assignment]


def no_reread() -> None:
    """Nothing is re-read before a guarded call (rules §9)."""

    async def unread(_: Any) -> None:
        return

    context.Provisioning.check_order = unread  # type: ignore[method-assign, assignment]


def no_intents() -> None:
    """A crash forgets the calls that were under way (rules §2)."""
    from storage import calls as stored

    def forgotten(db: Any, now: float) -> int:
        db.execute("DELETE FROM sends WHERE call_id IN (SELECT id FROM calls WHERE state = 'intended')")
        return int(db.execute("DELETE FROM calls WHERE state = 'intended'").rowcount)

    stored.interrupt = forgotten


def empty_lists_are_nothing() -> None:
    """A list that is missing from a success counts as an empty one (rules §3.2)."""
    from integrations.whmcs import client
    from integrations.whmcs.models import Listing

    def tolerant(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def asked(*args: Any, **options: Any) -> Any:
            try:
                found = await method(*args, **options)
            except Exception:  # noqa: BLE001 - that is the defect
                return Listing((), True, "")
            return found if found.complete else Listing(found.rows, True, "")

        return asked

    client.WhmcsClient.list_orders = tolerant(client.WhmcsClient.list_orders)  # type: ignore[method-assign, assignment]
    client.WhmcsClient.list_services = tolerant(client.WhmcsClient.list_services)  # type: ignore[method-assign, assignment]


CHANGES: dict[str, Callable[[], None]] = {
    "blind_looks": blind_looks,
    "no_late_wait": no_late_wait,
    "no_reread": no_reread,
    "no_intents": no_intents,
    "empty_lists_are_nothing": empty_lists_are_nothing,
}
