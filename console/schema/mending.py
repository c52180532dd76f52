"""What a person needs to settle an unknown outcome, or to correct an input of an order."""

from pydantic import Field

from console.schema.base import Answer
from console.schema.commands import MatchLine


class CandidateView(Answer):
    """Something the call of unknown outcome may have made. ``identifier`` is what ``resolve --is`` takes.

    ``ours``: it carries our marker. ``why_not``: what forbids the match; "" when it holds.
    """

    identifier: str
    title: str
    date: str = ""
    status: str = ""
    amount: int | None = None
    ours: bool = False
    why_not: str = ""
    compared: list[MatchLine] = Field(default_factory=list)


class CandidatesView(Answer):
    """Those most likely ours first. ``call_id`` names the call in the order's detail; ``words`` say what was read."""

    order_id: str
    at: float
    call_id: int
    operation: str
    words: list[str] = Field(default_factory=list)
    candidates: list[CandidateView] = Field(default_factory=list)


class EditableField(Answer):
    """One field of an order. ``value`` as it may be shown (an EID's middle is masked).

    ``choices``: a closed list; ``hint``: what it must look like. ``why_not``: not now or not by this role; ``way``: how
    it is changed instead, for what is never edited here.
    """

    field: str
    label: str
    item: str = ""
    name: str = ""
    value: str = ""
    choices: list[str] = Field(default_factory=list)
    hint: str = ""
    why_not: str = ""
    way: str = ""


class EditForm(Answer):
    order_id: str
    at: float
    fields: list[EditableField]
