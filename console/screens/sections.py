"""The sections of the console: one list with fixed digits. A section is shown when its screen exists.

To add one: its screen in a file of its own (MODE as here), and one entry in ``SECTIONS``. Nothing else names sections.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.screens.base import LiveScreen
    from console.screens.desk import Desk


@dataclass(frozen=True)
class Section:
    """``key``: as Textual names it; ``digit``: as people read it. ``screen`` imports and makes the first screen."""

    digit: str
    key: str
    mode: str
    title: str
    screen: "Callable[[Desk], LiveScreen]"


def _orders(desk: "Desk") -> "LiveScreen":
    from console.screens.board import BoardScreen

    return BoardScreen(desk)


def _approvals(desk: "Desk") -> "LiveScreen":
    from console.screens.approvals import ApprovalsScreen

    return ApprovalsScreen(desk)


def _failures(desk: "Desk") -> "LiveScreen":
    from console.screens.failures import FailuresScreen

    return FailuresScreen(desk)


def _needs(desk: "Desk") -> "LiveScreen":
    from console.screens.needs import NeedsScreen

    return NeedsScreen(desk)


def _events(desk: "Desk") -> "LiveScreen":
    from console.screens.events import EventsScreen

    return EventsScreen(desk)


def _health(desk: "Desk") -> "LiveScreen":
    from console.screens.health import HealthScreen

    return HealthScreen(desk)


def _audit(desk: "Desk") -> "LiveScreen":
    from console.screens.audit import AuditScreen

    return AuditScreen(desk)


def _doctor(desk: "Desk") -> "LiveScreen":
    from console.screens.doctor import DoctorScreen

    return DoctorScreen(desk)


# Not built yet, and so not listed: 4 Customers, 5 Catalog, 6 eSIM. Each keeps its digit.
SECTIONS: tuple[Section, ...] = (
    Section("1", "1", "orders", "Orders", _orders),
    Section("2", "2", "approvals", "Approvals", _approvals),
    Section("3", "3", "failures", "Failures", _failures),
    Section("!", "exclamation_mark", "needs", "Needs a person", _needs),
    Section("7", "7", "events", "Events", _events),
    Section("8", "8", "health", "Health", _health),
    Section("9", "9", "audit", "Audit", _audit),
    Section("0", "0", "doctor", "Doctor", _doctor),
)
