"""Kill points: every request of a clean run, each at three moments (design/rules.md §14).

The list is checked against the recorded traffic of a clean run by ``test_clean.py``, so that it cannot drift.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from integrations.sandbox.traffic import Entry
from tests.e2e.rig import Rig
from tests.e2e.watching import name_of

# Requests of a start and of one order with two eSIM profiles, in the order in which they are made first.
CLEAN: tuple[tuple[str, int], ...] = (
    ("salesforce.token", 1), ("salesforce.query", 3), ("salesforce.journal.insert", 1),
    ("salesforce.cometd.handshake", 1), ("salesforce.cometd.connect", 3), ("salesforce.cometd.subscribe", 1),
    ("salesforce.composite", 7), ("whmcs.GetClientsDetails", 3), ("whmcs.GetProducts", 1),
    ("salesforce.order.patch", 3), ("whmcs.GetPayMethods", 1), ("esim.downloadOrder", 2), ("esim.confirmOrder", 2),
    ("whmcs.AddOrder", 1), ("whmcs.GetOrders", 2), ("whmcs.GetClientsProducts", 2), ("whmcs.GetInvoice", 1),
    ("whmcs.AcceptOrder", 1), ("whmcs.UpdateClientProduct", 2), ("esim.releaseProfile", 2), ("mail.connect", 2),
    ("mail.mail", 2), ("mail.rcpt", 2), ("mail.data", 2), ("mail.message", 2),
)  # fmt: skip
BACKGROUND = frozenset({"salesforce.query", "salesforce.cometd.connect"})  # as many as time allows
SPARED = {"salesforce.composite": 1}  # the door's reading is handed on where the order is at rest by then
HARMLESS_SECONDS = 3.0


class Moment(StrEnum):
    BEFORE = "before"  # the far side has the request, there is no effect
    INSIDE = "inside"  # the effect is made, the answer withheld
    AFTER = "after"  # the answer is sent, and not journaled


@dataclass(frozen=True)
class Point:
    """The ``nth`` request of a name, counted from the daemon's start."""

    name: str
    nth: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.name}-{self.nth}-{self.moment}"


def all_points(moments: Iterable[Moment] = tuple(Moment)) -> list[Point]:
    return [Point(name, n, moment) for name, count in CLEAN for n in range(1, count + 1) for moment in moments]


def recorded(entries: Iterable[Entry | dict[str, object]]) -> Counter[str]:
    """How often each operation stands in a traffic log."""
    return Counter(name_of(entry) for entry in entries)


@dataclass
class Shot:
    """Kills the rig's daemon at a point, or stops it (SIGSTOP: it may wake later). ``fired`` is set when that is done."""

    rig: Rig
    point: Point
    on_aim: Callable[[], None] | None = None
    kill: bool = True
    fired: asyncio.Event = field(default_factory=asyncio.Event)
    _count: int = 0
    _task: asyncio.Task[None] | None = None

    def load(self) -> None:
        """From now on requests are counted."""
        self.rig.traffic.watcher = self._asked

    def _asked(self, entry: Entry) -> None:
        if name_of(entry) != self.point.name:
            return
        self._count += 1
        if self._count != self.point.nth:
            return
        self.rig.traffic.watcher = None
        daemon = self.rig.daemon
        if self.point.moment is Moment.AFTER:
            daemon.signal(signal.SIGSTOP)  # it cannot read the answer any more
        else:
            kind = "timeout_before" if self.point.moment is Moment.BEFORE else "hold"
            self.rig.fault(entry.system, entry.operation, kind)
        if self.on_aim is not None:
            self.on_aim()
        self._task = asyncio.get_running_loop().create_task(self._fire(entry))

    async def _fire(self, entry: Entry) -> None:
        if self.point.moment is Moment.AFTER:
            for _ in range(int(HARMLESS_SECONDS / 0.01)):
                if entry.answered:
                    break
                await asyncio.sleep(0.01)
        else:
            await asyncio.sleep(0.03)
        os.kill(self.rig.daemon.pid, signal.SIGKILL if self.kill else signal.SIGSTOP)
        if self.kill:
            await self.rig.daemon.ended()
        self.rig.sandbox.faults.clear()
        self.fired.set()
