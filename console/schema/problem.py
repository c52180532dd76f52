"""RFC 9457 problem documents: every error of the API has this form (application/problem+json)."""

from typing import Any

from pydantic import Field

from console.schema.base import Answer

MEDIA_TYPE = "application/problem+json"

# ``type`` of a problem is one of these, after "urn:portal:problem:".
KINDS = (
    "bad-request", "bad-filter", "unauthorized", "forbidden", "not-found", "method-not-allowed", "conflict",
    "changed-meanwhile", "in-flight", "feed-gone", "too-large", "invalid", "key-reused", "too-many-failures", "not-possible",
    "system-down", "store-full", "stopping", "internal",
)  # fmt: skip
TYPE_PREFIX = "urn:portal:problem:"


class FieldProblem(Answer):
    """One thing that is wrong with the request. ``field`` is a path ("arguments.until") or "filter"; ``start`` and
    ``end`` mark the part of a filter that is meant (characters, end excluded); ``remedy`` says what to write instead.
    """

    field: str
    problem: str
    remedy: str = ""
    start: int | None = None
    end: int | None = None


class Change(Answer):
    """What happened between planning and submitting (409 ``changed-meanwhile``)."""

    order_id: str
    number: str | None = None
    planned_version: int | None = None
    version: int | None = None
    state: str | None = None
    what: str = ""
    by: str | None = None
    at: float | None = None


class Problem(Answer):
    """``kind`` of a problem is ``type`` without its prefix."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FieldProblem] = Field(default_factory=list)
    changes: list[Change] = Field(default_factory=list)
    retry_after: float | None = None  # seconds
    see: str | None = None  # where to go on: the snapshot's address for 410
    extra: dict[str, Any] = Field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.type.removeprefix(TYPE_PREFIX)
