"""The sections of the console: one list with fixed digits. A section is shown when its screen exists."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    digit: str
    mode: str
    title: str


# Not built yet, and so not listed: 3 Failures, 4 Customers, 5 Catalog, 6 eSIM, 7 Events, 8 Health,
# 9 Audit, 0 Doctor. Each keeps its digit.
SECTIONS: tuple[Section, ...] = (Section("1", "orders", "Orders"), Section("2", "approvals", "Approvals"))
