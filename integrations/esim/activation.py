"""Activation codes, install links and QR codes (facts/esim.md §7).

An activation code takes over a telephone line: it is made when a mail or an audited reveal needs it, and is neither
logged nor kept by this module. The confirmation code never becomes part of it.
"""

import base64
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import segno

from integrations.esim.png import png

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?")
_TOKEN = re.compile(r"[0-9A-Z-]*")
_PROVIDER_TOKEN = re.compile(r"[!-#%-~]*")  # printable ASCII without "$" (provider data: accepted, never made by us)
_OID = re.compile(r"[0-2](?:\.[0-9]+)+")
_PREFIX = "LPA:"
_IOS = "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata="
_ANDROID = "https://esimsetup.android.com/esim_qrcode_provisioning?carddata="
MATCHING_ID_BYTES = 20  # 160 bits = 32 characters of base32, no padding
QUIET_ZONE = 4  # modules (ISO/IEC 18004 9.1)
MASK = 4


@dataclass(frozen=True)
class ActivationCode:
    """The parts of an activation code. ``matching_id`` may be empty (default SM-DP+ use)."""

    smdp: str
    matching_id: str
    oid: str | None = None
    confirmation_required: bool = False

    @property
    def well_formed(self) -> bool:
        """False for a matching id outside of ``[0-9A-Z-]``: usable as provider data, worth a warning."""
        return bool(_TOKEN.fullmatch(self.matching_id))


@dataclass(frozen=True)
class InstallLinks:
    """Links that open the phone's own installer (iOS 17.4 and later; Android). Not for a web view."""

    ios: str
    android: str


def new_matching_id(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A fresh matching id of 160 random bits in upper-case base32 (rules §1.4)."""
    return base64.b32encode(random(MATCHING_ID_BYTES)).decode("ascii")


def usable_host(text: str) -> bool:
    """True for a host name (with an optional port) that can stand in an activation code."""
    return len(text) <= 253 and bool(_HOST.fullmatch(text))


def usable_token(text: str) -> bool:
    """True for a matching id that a provider may have made: printable ASCII without ``$``."""
    return bool(_PROVIDER_TOKEN.fullmatch(text)) and len(text) <= 255


def activation_code(smdp: str, matching_id: str, oid: str | None = None, confirmation_required: bool = False) -> str:
    """``1$<host>$<matching id>[$<OID>[$1]]``, without the ``LPA:`` that only QR codes and links carry.

    Raises ValueError for a part that would change the code's meaning (a ``$``, a space, an empty host).
    """
    if not usable_host(smdp):
        raise ValueError("the SM-DP+ address is not a host name")
    if not usable_token(matching_id):
        raise ValueError("the matching id holds characters that an activation code cannot carry")
    if oid and not _OID.fullmatch(oid):
        raise ValueError("the SM-DP+ OID is not a dotted number")
    parts = ["1", smdp, matching_id]
    if oid or confirmation_required:
        parts.append(oid or "")
    if confirmation_required:
        parts.append("1")
    return "$".join(parts)


def lpa_text(code: str) -> str:
    """The text of the QR code: the activation code behind ``LPA:`` (given once, whatever ``code`` starts with)."""
    return _PREFIX + code.removeprefix(_PREFIX)


def parse_activation_code(text: str, *, provider_data: bool = False) -> ActivationCode:
    """Read an activation code, with or without ``LPA:``.

    Raises ValueError with the reason. With ``provider_data`` a matching id outside of ``[0-9A-Z-]`` is accepted
    (see ``ActivationCode.well_formed``); without, it is refused, as it may be a typing mistake.
    """
    stripped = text.strip()
    parts = (stripped[len(_PREFIX) :] if stripped.upper().startswith(_PREFIX) else stripped).split("$")
    if parts[0] != "1":
        raise ValueError("an activation code starts with 1$")
    if not 3 <= len(parts) <= 5:
        raise ValueError("an activation code has three to five parts: 1$address$matching id[$OID[$1]]")
    _, smdp, token, oid, flag = [*parts, "", ""][:5]
    if not usable_host(smdp):
        raise ValueError("the SM-DP+ address is missing or not a host name")
    if not (usable_token(token) if provider_data else _TOKEN.fullmatch(token)):
        raise ValueError("the matching id may hold only digits, capital letters and hyphens")
    if oid and not _OID.fullmatch(oid):
        raise ValueError("the SM-DP+ OID is not a dotted number")
    if flag not in ("", "1"):
        raise ValueError("the confirmation code flag can only be 1")
    return ActivationCode(smdp, token, oid or None, flag == "1")


def install_links(code: str) -> InstallLinks:
    """Links for both kinds of phone; the whole ``LPA:`` text is url-encoded."""
    value = quote(lpa_text(code), safe="")
    return InstallLinks(_IOS + value, _ANDROID + value)


def qr_png(text: str, scale: int = 6) -> bytes:
    """A PNG of ``text`` at error level M with the quiet zone of four modules; ``scale`` is pixels a module."""
    return png(_symbol(text).matrix, scale, QUIET_ZONE)


def qr_svg(text: str, scale: int = 6) -> str:
    """The same picture as one ``<svg>`` element for HTML."""
    return str(_symbol(text).svg_inline(scale=scale, border=QUIET_ZONE, dark="#000", light="#fff"))


def _symbol(text: str) -> segno.QRCode:
    """The mask is given: trying all eight takes four fifths of the time of a mail, for a penalty (ISO/IEC 18004 7.8.3)
    that is 4 % lower on average, as most of the text is random bits.
    """
    return segno.make_qr(text, error="m", boost_error=False, mask=MASK)
