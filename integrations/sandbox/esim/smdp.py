"""The SM-DP+ itself: profiles, their states, and what each ES2+ function does to them (facts/esim.md §1.3–1.7).

Repeats answer exactly as one independent SM-DP+ was measured to (§1.6). Functions are synchronous, make their effect
in one transaction and either return the reply's keys or raise ``Refused`` (Failed with a code pair) or ``Malformed``
(what the measured server answers with an error page).
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from integrations.sandbox.store import Document, Store
from integrations.sandbox.world import Profile

Request = dict[str, Any]
_ICCID = re.compile(r"[0-9]{19}[0-9F]?|[0-9]{18}")
_EID = re.compile(r"[0-9]{32}")
_MATCHING_ID = re.compile(r"[-0-9A-Z]*")


class State(StrEnum):
    """The states of §1.7. ``UNAVAILABLE`` is never left; ``ERROR`` only by cancelOrder."""

    AVAILABLE = "Available"
    ALLOCATED = "Allocated"
    LINKED = "Linked"
    CONFIRMED = "Confirmed"
    RELEASED = "Released"
    DOWNLOADED = "Downloaded"
    INSTALLED = "Installed"
    ERROR = "Error"
    UNAVAILABLE = "Unavailable"


ORDERED = frozenset({State.ALLOCATED, State.LINKED})
CONFIRMED = frozenset({State.CONFIRMED, State.RELEASED})
ON_A_PHONE = frozenset({State.DOWNLOADED, State.INSTALLED})


class Refused(Exception):
    """Failed with a code pair; ``identifier`` is the subjectIdentifier or None."""

    def __init__(self, subject: str, reason: str, message: str, identifier: str | None = None) -> None:
        super().__init__(f"{subject}/{reason}: {message}")
        self.subject, self.reason, self.message, self.identifier = subject, reason, message, identifier


class Malformed(Exception):
    """A mandatory field is missing or has a shape the server's decoder rejects."""


class Smdp:
    """``gives_address`` None: smdpAddress is never returned, as measured."""

    def __init__(self, store: Store, now: Callable[[], datetime], gives_address: str | None = None) -> None:
        self._store = store
        self._now = now
        self._gives_address = gives_address
        self._profiles = store.table("esim.profile")
        self._matching = store.table("esim.matching")

    def stock(self, profiles: Iterable[Profile]) -> None:
        """Add profiles that are not there yet, Available."""
        with self._store.transaction():
            for profile in profiles:
                if profile.iccid not in self._profiles:
                    self._profiles.put(profile.iccid, _blank(profile))

    def profiles(self) -> list[Document]:
        return self._profiles.values()

    def profile(self, iccid: str) -> Document | None:
        return self._profiles.get(iccid)

    def by_matching_id(self, matching_id: str) -> Document | None:
        owner = self._matching.get(matching_id)
        return self._profiles.get(owner["iccid"]) if owner else None

    def change(self, iccid: str, **values: Any) -> Document:
        """Put new values into a profile (inside or outside of a transaction); ``state`` stamps the time."""
        with self._store.transaction():
            profile = self._known(iccid)
            if "state" in values:
                values["since"] = self._now().isoformat()
            changed = {**profile, **values}
            self._profiles.put(iccid, changed)
        return changed

    def download_order(self, request: Request) -> dict[str, str]:
        eid = _text(request, "eid", _EID)
        iccid = _iccid(request)
        kind = _text(request, "profileType")
        if not iccid and not kind:
            raise Refused("2.1", "2.2", "neither iccid nor profileType given")
        with self._store.transaction():
            profile = self._known(iccid) if iccid else self._free(kind or "")
            if kind and profile["profile_type"] != kind:
                known = any(other["profile_type"] == kind for other in self._profiles.values())
                raise Refused("8.2.5", "3.8" if known else "3.9", "profile type does not fit the ICCID", kind)
            if profile["state"] != State.AVAILABLE:
                raise Refused("8.2.1", "3.3", "ICCID is not available", profile["iccid"])
            state = State.LINKED if eid else State.ALLOCATED
            self.change(profile["iccid"], state=state, eid=eid, ordered=profile["ordered"] + 1)
        return {"iccid": profile["iccid"]}

    def confirm_order(self, request: Request) -> dict[str, str]:
        eid = _text(request, "eid", _EID)
        matching_id = _text(request, "matchingId")
        smds = _text(request, "smdsAddress")
        release = request.get("releaseFlag")
        if not isinstance(release, bool):
            raise Malformed("releaseFlag")
        with self._store.transaction():
            profile = self._known(_iccid(request))
            if smds and not eid:
                raise Refused("8.1.1", "2.2", "an SM-DS address needs the EID")
            if matching_id == "" and not (eid or profile["eid"]):
                raise Refused("8.1.1", "2.2", "an empty matchingId needs the EID")
            if profile["state"] in CONFIRMED:
                self._same_confirmation(profile, eid, matching_id)
                return self._confirmation(profile)
            if profile["state"] not in ORDERED:
                raise Refused("8.2.1", "3.5", "no order to confirm", profile["iccid"])
            if eid and profile["eid"] and eid != profile["eid"]:
                raise Refused("8.1.1", "3.10", "the order is bound to another EID")
            changed = self.change(
                profile["iccid"],
                state=State.RELEASED if release else State.CONFIRMED,
                eid=eid or profile["eid"],
                matching_id=self._bind(profile["iccid"], matching_id),
                code_hash=_code_hash(_text(request, "confirmationCode")),
                smds=smds or "",
                confirmed=profile["confirmed"] + 1,
                released=profile["released"] + int(release),
            )
        return self._confirmation(changed)

    def release_profile(self, request: Request) -> dict[str, str]:
        with self._store.transaction():
            profile = self._known(_iccid(request))
            if profile["state"] == State.RELEASED:
                return {}
            if profile["state"] != State.CONFIRMED:
                raise Refused("8.2.1", "3.5", "nothing confirmed to release", profile["iccid"])
            self.change(profile["iccid"], state=State.RELEASED, released=profile["released"] + 1)
        return {}

    def cancel_order(self, request: Request) -> dict[str, str]:
        eid = _text(request, "eid", _EID)
        matching_id = _text(request, "matchingId")
        final = request.get("finalProfileStatusIndicator")
        if final is None:
            raise Refused("8.2.1", "2.2", "finalProfileStatusIndicator is missing")
        if final not in (State.AVAILABLE, State.UNAVAILABLE):
            raise Malformed("finalProfileStatusIndicator")
        with self._store.transaction():
            profile = self._known(_iccid(request))
            if profile["state"] in ON_A_PHONE:
                raise Refused("8.2.1", "3.3", "the profile is downloaded already", profile["iccid"])
            if profile["state"] in (State.AVAILABLE, State.UNAVAILABLE):
                raise Refused("8.2.1", "3.5", "nothing ordered", profile["iccid"])
            _same_binding(profile, eid, matching_id)
            if profile["matching_id"]:
                self._matching.delete(profile["matching_id"])
            self.change(profile["iccid"], **_UNBOUND, state=final, cancelled=profile["cancelled"] + 1)
        return {}

    def _known(self, iccid: str | None) -> Document:
        if not iccid:
            raise Refused("8.2.1", "2.2", "iccid is missing")
        profile = self._profiles.get(iccid)
        if profile is None:
            raise Refused("8.2.1", "3.9", "ICCID unknown", iccid)
        return profile

    def _free(self, kind: str) -> Document:
        of_kind = [profile for profile in self._profiles.values() if profile["profile_type"] == kind]
        if not of_kind:
            raise Refused("8.2.5", "3.9", "profile type unknown", kind)
        for profile in of_kind:
            if profile["state"] == State.AVAILABLE:
                return profile
        raise Refused("8.2.5", "3.7", "no more profiles of this type", kind)

    def _same_confirmation(self, profile: Document, eid: str | None, matching_id: str | None) -> None:
        """A repeat succeeds only with the very values; a generated matchingId cannot be read back."""
        if not matching_id or matching_id != profile["matching_id"] or (eid or "") != (profile["eid"] or ""):
            raise Refused("8.2.1", "3.5", "confirmed with other values", profile["iccid"])

    def _bind(self, iccid: str, matching_id: str | None) -> str:
        if matching_id and not _MATCHING_ID.fullmatch(matching_id):
            raise Refused("8.2.6", "2.1", "matchingId holds other characters than 0-9, A-Z and -")
        chosen = matching_id or base64.b32encode(secrets.token_bytes(15)).decode()
        if chosen in self._matching:
            raise Refused("8.2.6", "3.3", "matchingId is in use")
        self._matching.put(chosen, {"iccid": iccid})
        return chosen

    def _confirmation(self, profile: Document) -> dict[str, str]:
        reply = {"matchingId": profile["matching_id"]}
        if profile["eid"]:
            reply["eid"] = profile["eid"]
        if self._gives_address:
            reply["smdpAddress"] = self._gives_address
        return reply


_UNBOUND: Document = {
    "eid": None, "matching_id": None, "code_hash": "", "smds": "", "phone_eid": None, "phone_state": "",
    "downloads": 0, "wrong_codes": 0,
}  # fmt: skip


def _blank(profile: Profile) -> Document:
    counts = {"ordered": 0, "confirmed": 0, "released": 0, "cancelled": 0}
    named = {"iccid": profile.iccid, "profile_type": profile.profile_type, "state": State.AVAILABLE, "since": None}
    return {**named, **_UNBOUND, **counts}


def _same_binding(profile: Document, eid: str | None, matching_id: str | None) -> None:
    """What cancelOrder must repeat of the order (§1.3): the bound EID always, the matchingId with it."""
    if profile["eid"] and not eid:
        raise Refused("8.1.1", "2.2", "the order is bound to an EID")
    if eid and eid != profile["eid"]:
        raise Refused("8.2.1", "3.10", "the order is bound to another EID", profile["iccid"])
    if matching_id and matching_id != profile["matching_id"]:
        raise Refused("8.2.6", "3.10", "the order has another matchingId")
    if not matching_id and profile["eid"] and profile["matching_id"]:
        raise Refused("8.2.6", "2.2", "the order has a matchingId")


def _text(request: Request, key: str, pattern: re.Pattern[str] | None = None) -> str | None:
    """An optional string; of another type or form it is malformed, null is absent."""
    value = request.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
        raise Malformed(key)
    return value


def _iccid(request: Request) -> str | None:
    """F padding may come in and never goes out."""
    text = _text(request, "iccid", _ICCID)
    return text.rstrip("F") if text else None


def code_hash(code: str) -> str:
    """A confirmation code as it is kept: hex-decoded where it can be (§1.3), then SHA-256."""
    try:
        raw = bytes.fromhex(code)
    except ValueError:
        raw = code.encode()
    return hashlib.sha256(raw).hexdigest()


def _code_hash(code: str | None) -> str:
    return code_hash(code) if code else ""
