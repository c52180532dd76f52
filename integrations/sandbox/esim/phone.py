"""Phones: take profiles by activation code, use them, fail in the ways that reach a support desk (§1.5, §1.7, §8).

Each act changes the profile as the SM-DP+ would see it and tells the portal's listener, if one is set
(``Phones.notifier``), by notification points: 1 eligibility, 2 confirmation code, 3 download, 4 installation, then the
vendor's own ids for enabled, disabled, deleted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from integrations.esim.activation import parse_activation_code
from integrations.sandbox.esim.notifier import Notifier, Point, Sent
from integrations.sandbox.esim.smdp import Smdp, State, code_hash
from integrations.sandbox.store import Document

DOWNLOADS_ALLOWED = 5
WRONG_CODES_ALLOWED = 3


@dataclass(frozen=True)
class VendorPoints:
    """Point ids above 4, which every vendor chooses for itself."""

    enabled: int = 101
    disabled: int = 102
    deleted: int = 5


@dataclass(frozen=True)
class Outcome:
    """``pair`` "" means it worked, else the code pair the phone was given. ``sent`` are the deliveries made."""

    iccid: str
    state: str
    pair: str
    sent: tuple[Sent, ...]


class PhoneError(Exception):
    """The phone has nothing to do this with (no such code, profile not on this phone)."""


class Phones:
    """All customers' phones at once; a phone is its EID. ``vendor_points`` and ``notifier`` may be changed at will."""

    def __init__(self, smdp: Smdp, cert_dir: Path, now: Callable[[], datetime]) -> None:
        self._smdp = smdp
        self._now = now
        self.vendor_points = VendorPoints()
        self.notifier = Notifier(cert_dir, now)

    async def install(
        self, code: str, eid: str, *, confirmation_code: str | None = None, interrupted: bool = False
    ) -> Outcome:
        """Scan an activation code: eligibility, confirmation code, download, installation.

        ``interrupted`` breaks off after the download (point 3, no point 4): the same phone may try again.
        """
        profile = self._by_code(code)
        if pair := self._not_eligible(profile, eid):
            return await self._tell(profile["iccid"], eid, [(1, pair)])
        told: list[tuple[int, str]] = [(1, "")]
        if profile["code_hash"]:
            pair = self._check_code(profile, confirmation_code)
            told.append((2, pair))
            if pair:
                return await self._tell(profile["iccid"], eid, told)
        profile = self._smdp.change(
            profile["iccid"], state=State.DOWNLOADED, phone_eid=eid, downloads=profile["downloads"] + 1
        )
        told.append((3, ""))
        if not interrupted:
            self._smdp.change(profile["iccid"], state=State.INSTALLED, phone_state="installed")
            told.append((4, ""))
        return await self._tell(profile["iccid"], eid, told)

    async def download(self, code: str, eid: str, *, confirmation_code: str | None = None) -> Outcome:
        """Download without installing (the half-done case)."""
        return await self.install(code, eid, confirmation_code=confirmation_code, interrupted=True)

    async def enable(self, iccid: str) -> Outcome:
        return await self._use(iccid, "enabled", self.vendor_points.enabled)

    async def disable(self, iccid: str) -> Outcome:
        return await self._use(iccid, "disabled", self.vendor_points.disabled)

    async def delete(self, iccid: str) -> Outcome:
        """Delete the profile from the phone: the SM-DP+ keeps it Installed, the code stays used."""
        return await self._use(iccid, "deleted", self.vendor_points.deleted)

    async def decline(self, code: str, eid: str) -> Outcome:
        """The customer says no when asked: the order ends in error."""
        profile = self._by_code(code)
        self._smdp.change(profile["iccid"], state=State.ERROR)
        return await self._tell(profile["iccid"], eid, [(1, ""), (4, "8.8.5/3.8")])

    def _by_code(self, code: str) -> Document:
        profile = self._smdp.by_matching_id(parse_activation_code(code).matching_id)
        if profile is None:
            raise PhoneError("no order has this activation code")
        return profile

    def _not_eligible(self, profile: Document, eid: str) -> str:
        """The pair that refuses this phone, or ""."""
        if profile["state"] == State.INSTALLED:
            return "8.2.6/3.8"
        if profile["state"] == State.DOWNLOADED and profile["phone_eid"] != eid:
            return "8.2/3.7"
        if profile["state"] == State.ERROR:
            return "8.8.5/6.4" if profile["downloads"] >= DOWNLOADS_ALLOWED else "8.2.6/3.8"
        if profile["state"] not in (State.RELEASED, State.DOWNLOADED):
            return "8.2/1.2"
        if profile["eid"] and profile["eid"] != eid:
            return "8.1.1/3.8"
        if profile["downloads"] >= DOWNLOADS_ALLOWED:
            self._smdp.change(profile["iccid"], state=State.ERROR)
            return "8.8.5/6.4"
        return ""

    def _check_code(self, profile: Document, given: str | None) -> str:
        if given is None:
            return "8.2.7/2.2"
        if code_hash(given) == profile["code_hash"]:
            return ""
        wrong = profile["wrong_codes"] + 1
        if wrong >= WRONG_CODES_ALLOWED:
            self._smdp.change(profile["iccid"], wrong_codes=wrong, state=State.ERROR)
            return "8.2.7/6.4"
        self._smdp.change(profile["iccid"], wrong_codes=wrong)
        return "8.2.7/3.8"

    async def _use(self, iccid: str, phone_state: str, point: int) -> Outcome:
        profile = self._smdp.profile(iccid)
        if profile is None or profile["state"] != State.INSTALLED or profile["phone_state"] == "deleted":
            raise PhoneError("the profile is not on a phone")
        self._smdp.change(iccid, phone_state=phone_state)
        return await self._tell(iccid, profile["phone_eid"], [(point, "")])

    async def _tell(self, iccid: str, eid: str, told: list[tuple[int, str]]) -> Outcome:
        profile = self._smdp.profile(iccid) or {}
        points = [Point(iccid, eid, profile["profile_type"], point, self._now(), pair) for point, pair in told]
        sent = await self.notifier.tell(points)
        return Outcome(iccid, str(profile["state"]), told[-1][1], tuple(sent))
