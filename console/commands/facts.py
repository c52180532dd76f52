"""What decides whether a command is possible now: gathered by the daemon, judged by ``table.possible``."""

from dataclasses import dataclass
from typing import Literal

RunWord = Literal["queued", "running", "retrying", "parked", "held", "failed", "done", "cancelled"]
WaitWord = Literal["person", "making_sure", "condition", "lock", "retry"]


@dataclass(frozen=True, slots=True)
class Facts:
    """One order as one person sees it, and the daemon's state. The defaults say "nothing of the kind".

    ``status``      Order.Status in Salesforce as last read; None: never read
    ``run``         state of the order's latest run; None: no run
    ``step``        where the run stands or failed; ``code`` its error code, or why it is held
    ``unknown``     the operation whose outcome is not known ("whmcs.AddOrder"); None: everything is known
    ``late_until``  until when that call may still land (seconds since 1970); None: that time is over
    ``effects``     what stands outside, in words
    ``billed``      AddOrder stands or may stand; ``esim`` whether some profile is not ordered yet
    ``future``      the day on which the order starts, when that is still to come
    ``amount``      whole yen; ``limit`` the most yen this person's role may approve (None: no limit)
    ``placed_by_me``, ``approved_by_me``  for four eyes; both False when the setting is off
    ``mails``       states of the order's mails
    ``services``    ids of services that ``accept`` found Pending
    ``bulk``        asked for many orders at once
    ``mode``        an observing daemon writes nothing outside, a disowned one lost the org to another journal
    ``listed``      in recovery: the orders that changed meanwhile have been listed
    ``paused``      paused systems and products ("whmcs", "product:21")
    """

    status: str | None = None
    run: RunWord | None = None
    wait: WaitWord | None = None
    step: str | None = None
    code: str | None = None
    unknown: str | None = None
    late_until: float | None = None
    effects: tuple[str, ...] = ()
    billed: bool = False
    esim: Literal["none", "open", "ordered"] = "none"
    future: str | None = None
    amount: int | None = None
    limit: int | None = None
    placed_by_me: bool = False
    approved_by_me: bool = False
    taken: Literal["nobody", "me", "another"] = "nobody"
    mails: frozenset[str] = frozenset()
    services: tuple[str, ...] = ()
    bulk: bool = False
    mode: Literal["working", "observing", "disowned"] = "working"
    recovery: bool = False
    listed: bool = False
    brake: bool = False
    paused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Possible:
    """``reason`` says in words why not; "" when it is possible. ``never``: this role can never do it (screens hide it)."""

    ok: bool
    reason: str = ""
    never: bool = False
