"""The three walks: what a clerk, an operator and a supervisor press, and what they see. Tests judge them, the tour draws them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.e2e.walks.office import PEOPLE, Office
from tests.e2e.walks.walker import Walker

Show = Callable[[Walker, str, str], None]  # a walker, the name of a picture, what was pressed and is seen in it
LOSES_MARKS = {"marker_field": "missing", "honour_order_notes": "no"}
KEEPS_MARKS = {"marker_field": "present", "honour_order_notes": "order"}


def unseen(walker: Walker, name: str, caption: str) -> None:
    """Nobody draws."""


@dataclass(frozen=True)
class Walked:
    """``orders`` as the sandbox names them."""

    walker: Walker
    orders: tuple[dict[str, Any], ...]


def clerk(office: Office, show: Show = unseen) -> Walked:
    """A customer calls and gives a telephone number; in the end the clerk reads a sentence to them."""
    person = office.person("none")
    order = office.place("vpn", person, approve=True)
    office.until_run(order["id"], "parked")
    walker = Walker(office.console("viewer"))
    walker.sees("● live", order["number"])
    show(walker, "1-board", "A customer calls. The board shows every order; a viewer sees names masked.")
    walker.press("F", "Find")
    walker.sees("Type order or customer number", "⏎ Find")
    walker.type(person.phone)
    walker.sees(person.phone)
    walker.press("⏎", "Find")
    walker.sees(order["number"], "WHAT TO SAY", "LOOKED IN", "J copy Japanese")
    show(
        walker, "2-found",
        f"`F`, the number as it was said ({person.phone}), `⏎`: their order, where it was looked, and what to say.",
    )  # fmt: skip
    walker.press("J", "copy Japanese")
    walker.sees("Sent the Japanese sentence")
    return Walked(walker, (order,))


def unknown(office: Office, show: Show = unseen) -> Walked:
    """AddOrder's answer is lost on an install that drops our marks: nobody but a person can say whether it is there."""
    office.world.post("/switches", whmcs=LOSES_MARKS)
    office.world.post(
        "/faults", system="whmcs", operation="AddOrder", kind="timeout_after", count=1, options={"delay": 0.2}
    )
    order = office.place("travel", approve=True)
    office.until_run(order["id"], "parked", wait="person")
    office.world.post("/switches", whmcs=KEEPS_MARKS)
    walker = Walker(office.console("operator"))
    walker.sees("● live")
    walker.press("!", "Needs a person")
    walker.sees(order["number"], "Outcome not known", "1 waits for a person")
    show(walker, "3-needs", "`!`: what waits for a person, and nothing else. An answer of WHMCS was lost.")
    walker.press("⏎", "Open")
    walker.sees("STEPS", "outcome unknown", "WHAT YOU CAN DO")
    show(walker, "4-order", "`⏎`: the order. It was sent once and looked for; it is never sent again blindly.")
    walker.press("=", "Resolve")
    walker.sees("It matches", "marker     ours")
    show(walker, "5-resolve", "`=`: what the look saw, what may be ours, and both side by side.")
    walker.press("⏎", "It is this one")
    walker.sees("Leave it  esc", "the order goes on")
    show(walker, "6-plan", "`⏎`: the daemon has read and compared it once more; this is its plan.")
    walker.press("⏎", "Resolve: it is there")
    walker.sees("✓ done", "STEPS")
    show(walker, "7-done", "`⏎`: the order has gone on to its end. There is one order in WHMCS.")
    walker.press("esc", "Back")
    walker.sees("0 wait for a person")
    return Walked(walker, (order,))


async def approvals(office: Office, show: Show = unseen) -> Walked:
    """Two people decide the same two orders at the same time, each is faster once; a third order is beyond the limit."""
    lost, won, large = (office.place(kind) for kind in ("sim", "sim", "internet"))
    walker = Walker(office.console("supervisor"))
    walker.sees("● live")
    walker.press("2", "Approvals")
    walker.sees(lost["number"], won["number"], large["number"])
    walker.press("↓", "takes")
    walker.press("a", "Approve")
    walker.sees("Leave it  esc", "Salesforce: Approved, then")
    show(walker, "8-approve", "`2`, an arrow key, `a`: what the approval sets off and bills, before anything is sent.")
    assert await office.act("other", "order.approve", lost["id"]) == "done"
    walker.sees("Nothing was sent")
    walker.press("esc", "Leave it")
    walker.sees(f"{lost['number']} was approved by {PEOPLE['other']} at")
    show(walker, "9-faster", "Meanwhile somebody else approved it: the plan was void; `esc`, and it says who and when.")
    theirs = await office.planned("other", "order.approve", won["id"])
    walker.press("↓", "takes")
    walker.press("a", "Approve")
    walker.sees("Leave it  esc", won["number"], "Salesforce: Approved, then")
    walker.press("⏎", "Approve")
    walker.sees(f"Approve {won['number']}: ")
    refused = await office.submitted("other", theirs)
    assert refused.startswith("refused: ") and PEOPLE["supervisor"] in refused, refused
    walker.press("↓", "takes")
    walker.press("a", "Approve")
    walker.sees("Approve: ", "is over your limit of ¥20,000")
    show(walker, "10-limit", "`a` on an order over one's limit: refused, with the reason and who may decide.")
    return Walked(walker, (lost, won, large))
