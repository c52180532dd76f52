"""What came of the demo: a line for each order, then one for all; or one object of JSON."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.demo.inside import Shown
from console.demo.outside import Placed
from console.demo.plan import Wish

STATES = ("done", "parked", "failed", "held")


@dataclass
class Report:
    """``problems`` are in words; ``ok``: nothing lost, nothing double, every order where the sandbox expects it."""

    lines: list[str]
    counts: dict[str, int]
    lost: int
    duplicates: int
    kills: int
    faults: int
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def made(
        cls, placed: Sequence[tuple[Wish, Placed]], shown: Mapping[str, Shown], verdict: Mapping[str, Any],
        *, maybe_sent: int, kills: int, faults: int,
    ) -> "Report":  # fmt: skip
        """``verdict``: the sandbox's; a mail that the product calls *maybe sent* may be missing (rules §6)."""
        judged = {order["id"]: order for order in verdict["orders"]}
        lines = [_line(wish, order, shown.get(order.id), judged.get(order.id, {})) for wish, order in placed]
        states = Counter(one.state for one in shown.values())
        return cls(
            lines=lines,
            counts={"orders": len(placed), **{state: states[state] for state in STATES}},
            lost=len(verdict["lost"]),
            duplicates=sum(finding["count"] for finding in verdict["duplicates"]),
            kills=kills,
            faults=faults,
            problems=list(_problems(verdict, maybe_sent)),
        )

    @property
    def ok(self) -> bool:
        return not (self.problems or self.lost or self.duplicates)

    def as_json(self) -> dict[str, Any]:
        return {
            **self.counts,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "kills": self.kills,
            "seconds": self.seconds,
        }

    def last_line(self) -> str:
        counted = ", ".join(f"{self.counts[state]} {state}" for state in STATES)
        end = "everything is as it should be" if self.ok else "NOT as it should be"
        return (
            f"{self.counts['orders']} orders: {counted}; {self.lost} lost, {self.duplicates} duplicates; {self.faults}"
            f" kinds of fault, {self.kills} kills, {self.seconds:.0f} s: {end}"
        )


def _line(wish: Wish, order: Placed, shown: Shown | None, judged: Mapping[str, Any]) -> str:
    state, why = (shown.state, shown.why) if shown else ("nothing", "no run")
    words = f"{order.number}  {order.customer}  {order.kind:<15}  {state:<9}  {why}"
    lesson = f"  ({wish.lesson})" if wish.lesson else ""
    return words.rstrip() + lesson + (f"  <- {judged['problem']}" if judged.get("problem") else "")


def _problems(verdict: Mapping[str, Any], maybe_sent: int) -> list[str]:
    found = [f"order {order['number']} {order['problem']}" for order in verdict["orders"] if order["problem"]]
    for finding in (*verdict["duplicates"], *verdict["missing"], *verdict["wrong_amounts"]):
        if finding["what"].endswith("_mail") and finding["found"] < finding["least"] and maybe_sent >= finding["count"]:
            maybe_sent -= finding["count"]
            continue
        wanted = f"{finding['least']} to {finding['most']}"
        found.append(f"{finding['what']} of {finding['where']}: {finding['found']}, should be {wanted}")
    return found + [f"order {order_id} is lost" for order_id in verdict["lost"]]


def tell(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(text + "\n")
    stream.flush()


def write_report(report: Report, *, as_json: bool) -> None:
    """With JSON the object alone goes to stdout, and what is wrong to stderr."""
    for problem in report.problems:
        tell(f"wrong: {problem}", error=True)
    if as_json:
        tell(json.dumps(report.as_json()))
        return
    for line in report.lines:
        tell(line)
    tell(report.last_line())
