"""The bases of all models, and the kinds of text that requests may carry.

Answers are built when they are first used: daemon and command line load all of them at their start, and use few.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["viewer", "operator", "supervisor", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "supervisor", "admin")  # each may do what those before it may

PREFIX = "/api/v1"
MASK = "•"  # stands in every masked value

OrderId = Annotated[str, Field(min_length=1, max_length=40, description="Salesforce id (15 or 18) or order number")]
Reason = Annotated[str, Field(max_length=500)]
Filter = Annotated[str, Field(max_length=1000, description="Filter grammar of console.client.query")]


def may(role: str, needed: str) -> bool:
    """True when ``role`` is at least ``needed``."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


class Request(BaseModel):
    """What a client sends: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Answer(BaseModel):
    """What the daemon sends: frozen; unknown keys are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)
