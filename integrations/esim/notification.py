"""Read a handleDownloadProgressInfo body in the dialects that vendors are known to send (facts/esim.md §1.4).

Accepted: point ids as strings, ``timeStamp`` or epoch seconds (also as string), padded ICCIDs, no EID, extra keys.
Refused (ValueError): not JSON, a mandatory field missing or of a shape that cannot be read.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from integrations.errors import plain_text
from integrations.esim.checkdigits import normalise_eid, normalise_iccid
from integrations.esim.progress import Meaning, ProgressEvent

_EPOCH = re.compile(r"[0-9]{9,13}(?:\.[0-9]+)?")
_MILLISECONDS_FROM = 100_000_000_000
_KEPT_DETAILS = ("tac", "imei", "resultData")
_DETAIL_LIMIT = 16_384
MATCHING_ID_SUBJECT = "8.2.6"  # a message about it may quote it, and it is half of an activation code


class _Part(BaseModel):
    """Numbers become strings: a code 3.10 sent as a number, and an ICCID, must keep every digit."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _Header(_Part):
    requester: str = Field(alias="functionRequesterIdentifier", min_length=1, max_length=200)
    call_id: str = Field(alias="functionCallIdentifier", min_length=1, max_length=200)


class _Codes(_Part):
    subject: str | None = Field(default=None, alias="subjectCode", max_length=40)
    reason: str | None = Field(default=None, alias="reasonCode", max_length=40)
    message: str | None = None


class _PointStatus(_Part):
    status: str = Field(min_length=1, max_length=60)
    codes: _Codes | None = Field(default=None, alias="statusCodeData")


class _Body(_Part):
    header: _Header
    iccid: str
    eid: str | None = None
    profile_type: str = Field(alias="profileType", max_length=200)
    time: str = Field(alias="timestamp")
    point: str = Field(alias="notificationPointId", min_length=1, max_length=40)
    point_status: _PointStatus = Field(alias="notificationPointStatus")

    @field_validator("iccid")
    @classmethod
    def _digits(cls, value: str) -> str:
        return normalise_iccid(value)


def read_notification(
    body: bytes, *, sender: str, points: Mapping[int, Meaning], received_at: datetime
) -> ProgressEvent:
    """Return the event of one call-back, or raise ValueError with a reason that quotes nothing of the body.

    ``points`` maps the sender's point ids; an id that is not in it is kept with the meaning UNKNOWN.
    """
    parsed = _parse(body)
    point = int(parsed.point) if re.fullmatch(r"[0-9]{1,9}", parsed.point) else None
    codes = parsed.point_status.codes or _Codes()
    at = read_time(parsed.time)
    eid, details = _eid(parsed.eid), _details(parsed)
    return ProgressEvent(
        sender=sender,
        call_id=plain_text(parsed.header.call_id),
        requester_id=plain_text(parsed.header.requester),
        iccid=parsed.iccid,
        eid=eid,
        profile_type=plain_text(parsed.profile_type),
        point=point,
        point_text=plain_text(parsed.point),
        meaning=Meaning.UNKNOWN if point is None else points.get(point, Meaning.UNKNOWN),
        status=plain_text(parsed.point_status.status),
        subject_code=plain_text(codes.subject or "") or None,
        reason_code=plain_text(codes.reason or "") or None,
        message="" if codes.subject == MATCHING_ID_SUBJECT else plain_text(codes.message or ""),
        at=at,
        received_at=received_at,
        details=details if eid or not parsed.eid else {**details, "eid": plain_text(parsed.eid)},
        dedupe_key=_dedupe_key(sender, parsed, at),
    )


def _eid(text: str | None) -> str | None:
    """The EID is optional: one that cannot be read must not cost the event (it is kept among the details)."""
    try:
        return normalise_eid(text) if text else None
    except ValueError:
        return None


def _details(body: _Body) -> dict[str, str]:
    extras = body.model_extra or {}
    return {key: plain_text(str(extras[key]), _DETAIL_LIMIT) for key in _KEPT_DETAILS if extras.get(key) is not None}


def _parse(body: bytes) -> _Body:
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(document, dict):
        raise ValueError("the body is not a JSON object")
    if "timestamp" not in document and "timeStamp" in document:
        document["timestamp"] = document.pop("timeStamp")
    try:
        return _Body.model_validate(document)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors()})
        raise ValueError(f"missing or unreadable: {', '.join(fields)}") from None


def _no_constant(name: str) -> str:
    raise ValueError(f"{name} is not JSON")


def read_time(text: str) -> datetime:
    """An ISO 8601 time (without a zone it is taken as UTC) or epoch seconds or milliseconds; else ValueError."""
    stripped = text.strip()
    try:
        if _EPOCH.fullmatch(stripped):
            number = float(stripped)
            return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)
        moment = datetime.fromisoformat(stripped)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("the timestamp cannot be read") from None


def _dedupe_key(sender: str, body: _Body, at: datetime) -> str:
    """Never the call identifier alone: one vendor sends a constant one."""
    point = str(int(body.point)) if re.fullmatch(r"[0-9]{1,9}", body.point) else body.point
    parts = (sender, body.header.call_id, body.iccid, point, at.isoformat(), body.point_status.status)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
