"""What the SM-DP+ tells about a profile after its release, folded into the state that people see (facts §1.4, §1.7).

Pure: the shown state is a function of the *set* of events, so repeats, late points and any order of arrival give the
same picture. A call-back changes this picture only, never a run, a mail or a bill (rules §12).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from integrations.esim import pairs


class Meaning(StrEnum):
    """What a notification point says, whatever number the vendor gives it."""

    ELIGIBILITY = "eligibility"
    CONFIRMATION = "confirmation"
    DOWNLOAD = "download"
    INSTALLATION = "installation"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"
    UNKNOWN = "unknown"


STANDARD_POINTS: Mapping[int, Meaning] = {
    1: Meaning.ELIGIBILITY,
    2: Meaning.CONFIRMATION,
    3: Meaning.DOWNLOAD,
    4: Meaning.INSTALLATION,
}
"""Points 1–4 of SGP.22. Every higher number is a vendor's own and comes from the settings."""


def vendor_points(names: Mapping[int, str]) -> dict[int, Meaning]:
    """Read a settings table of vendor point ids; raises ValueError naming every unknown meaning and the known ones."""
    wrong = {point: name for point, name in names.items() if name not in set(Meaning)}
    if wrong:
        said = ", ".join(f"{point} = {name!r}" for point, name in wrong.items())
        raise ValueError(f"unknown meaning: {said}; known are {', '.join(Meaning)}")
    return {point: Meaning(name) for point, name in names.items()}


class ShownState(StrEnum):
    """Where the phone is with the profile. ``NOT_SEEN``: no point has moved it since the release."""

    NOT_SEEN = "not_seen"
    DOWNLOADED = "downloaded"
    INSTALLED = "installed"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"
    ENDED = "ended"  # the order can no longer be downloaded (retries used up, expired, declined)


@dataclass(frozen=True)
class ProgressEvent:
    """One stored call-back.

    ``point`` is None for an id that is not a number; ``point_text`` is the id as sent. ``at`` is the sender's time,
    ``received_at`` ours (both aware UTC). ``details`` holds the extra values a vendor sent (tac, imei, resultData): for
    the event's own row only. ``dedupe_key`` is the unique key of that row.
    """

    sender: str
    call_id: str
    requester_id: str
    iccid: str
    eid: str | None
    profile_type: str
    point: int | None
    point_text: str
    meaning: Meaning
    status: str
    subject_code: str | None
    reason_code: str | None
    message: str
    at: datetime
    received_at: datetime
    details: Mapping[str, str]
    dedupe_key: str

    @property
    def succeeded(self) -> bool:
        return self.status in ("Executed-Success", "Executed-WithWarning")

    @property
    def pair(self) -> pairs.Pair | None:
        """The code pair in words; None when the event carries none."""
        if self.subject_code is None or self.reason_code is None:
            return None
        return pairs.device_pair(self.subject_code, self.reason_code)


@dataclass(frozen=True)
class Shown:
    """What the screens show. ``since`` is the sender's time of the event that set ``state``.

    ``problem`` is the newest event when that one is a failure; a success that comes after it clears it. ``eid`` is the
    last phone seen. ``events`` counts different events, ``downloads`` the successful downloads among them.
    """

    state: ShownState = ShownState.NOT_SEEN
    since: datetime | None = None
    last: ProgressEvent | None = None
    problem: ProgressEvent | None = None
    eid: str | None = None
    downloads: int = 0
    events: int = 0


_STATE_OF = {
    Meaning.DOWNLOAD: ShownState.DOWNLOADED,
    Meaning.INSTALLATION: ShownState.INSTALLED,
    Meaning.ENABLED: ShownState.ENABLED,
    Meaning.DISABLED: ShownState.DISABLED,
    Meaning.DELETED: ShownState.DELETED,
}
_BEFORE_INSTALLATION = (ShownState.NOT_SEEN, ShownState.DOWNLOADED)
_RANK = {meaning: rank for rank, meaning in enumerate(Meaning)}


def fold(events: Iterable[ProgressEvent], *, since: datetime | None = None) -> Shown:
    """Fold all events of one ICCID, given in any order, into what is shown.

    ``since`` leaves out events of an earlier order of the same ICCID (the time of our own downloadOrder).
    """
    distinct = {event.dedupe_key: event for event in events if since is None or event.at >= since}
    shown = Shown()
    for event in sorted(distinct.values(), key=_order):
        shown = _advance(shown, event)
    return shown


def _order(event: ProgressEvent) -> tuple[datetime, int, datetime, str]:
    """By the sender's time; times have whole seconds, so that the points' own order and our clock break ties."""
    rank = _RANK[Meaning.ENABLED] if event.meaning is Meaning.DISABLED else _RANK[event.meaning]
    return event.at, rank, event.received_at, event.dedupe_key


def _advance(shown: Shown, event: ProgressEvent) -> Shown:
    shown = replace(shown, last=event, eid=event.eid or shown.eid, events=shown.events + 1)
    if not event.succeeded:
        ended = event.pair is not None and event.pair.code in pairs.ENDED_PAIRS
        if ended and shown.state in _BEFORE_INSTALLATION:
            shown = replace(shown, state=ShownState.ENDED, since=event.at)
        return replace(shown, problem=event)
    if event.meaning is Meaning.UNKNOWN:
        return shown
    shown = replace(shown, problem=None)
    reached = _STATE_OF.get(event.meaning)
    if event.meaning is Meaning.DOWNLOAD:
        shown = replace(shown, downloads=shown.downloads + 1)
    if reached is None or reached is shown.state:
        return shown
    return replace(shown, state=reached, since=event.at)
