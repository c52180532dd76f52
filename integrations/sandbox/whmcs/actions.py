"""All actions by name, and the error for any other (facts/whmcs.md §2)."""

from collections.abc import Callable, Mapping

from integrations.sandbox.whmcs import (
    addorder,
    billing,
    catalog,
    clients,
    modules,
    orders,
    paymethods,
    services,
    sso,
    system,
)
from integrations.sandbox.whmcs.answers import Answer, ApiError
from integrations.sandbox.whmcs.calls import Call

Action = Callable[[Call], Answer]

FAMILIES = (addorder, billing, catalog, clients, modules, orders, paymethods, services, sso, system)


def all_actions() -> dict[str, tuple[str, Action]]:
    """Lower-case name → documented name and handler: PHP callers write actions in any case."""
    found: dict[str, tuple[str, Action]] = {}
    for family in FAMILIES:
        actions: Mapping[str, Action] = family.ACTIONS
        found |= {name.lower(): (name, action) for name, action in actions.items()}
    return found


def unknown_action(name: str, status: int) -> ApiError:
    return ApiError(f'Invalid API Action: "{name.lower()}" is not a valid API action', status)
