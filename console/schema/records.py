"""The live records of an order in each outside system, side by side."""

from typing import Any

from pydantic import Field

from console.schema.base import Answer


class Fetched(Answer):
    """One system's records. ``ok`` False: it could not be read and ``note`` says why. ``took`` in seconds."""

    system: str
    ok: bool
    at: float
    took: float = 0.0
    note: str = ""
    record: dict[str, Any] = Field(default_factory=dict)


class Compared(Answer):
    """One line of the comparison. ``same`` None: only one side has it, or it cannot be compared.

    Values are shown as read (masked by role); ``same`` was decided after normalising: a phone in another spelling is
    no difference.
    """

    group: str  # order, customer, item <order item id>
    field: str
    salesforce: str | None = None
    whmcs: str | None = None
    esim: str | None = None
    same: bool | None = None
    note: str = ""


class Records(Answer):
    order_id: str
    number: str | None
    fetched: list[Fetched]
    lines: list[Compared]
    differences: int
