"""Check digits and spelling of ICCIDs and EIDs (facts/esim.md §7).

Both are strings of digits, never numbers: nineteen digits do not survive a float. A wrong check digit of an ICCID is
only worth a warning (vendors print such ICCIDs); a wrong EID is refused where a person typed it.
"""

import re
import unicodedata

_SEPARATORS = re.compile(r"[\s\-.']+")
_ICCID = re.compile(r"[0-9]{18,20}")
_EID = re.compile(r"[0-9]{32}")


def normalise_iccid(text: str) -> str:
    """Return the digits of an ICCID: separators, full-width forms and padding F dropped.

    Raises ValueError when what is left is not 18 to 20 digits. The check digit is not judged.
    """
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    digits = plain.rstrip("F")
    if len(plain) > 20 or not _ICCID.fullmatch(digits):
        raise ValueError("an ICCID has 18 to 20 digits (a padding F at the end is allowed)")
    return digits


def normalise_eid(text: str) -> str:
    """Return the 32 digits of an EID without separators, or raise ValueError. The check digits are not judged."""
    digits = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    if not _EID.fullmatch(digits):
        raise ValueError("an EID has 32 digits")
    return digits


def luhn_digit(body: str) -> str:
    """The Luhn check digit that completes ``body`` (digits only)."""
    doubled = (int(c) * (2 - i % 2) for i, c in enumerate(reversed(body)))
    return str(-sum(n - 9 if n > 9 else n for n in doubled) % 10)


def iccid_ok(iccid: str) -> bool:
    """True when the last digit is the Luhn digit of the others (F padding is allowed)."""
    try:
        digits = normalise_iccid(iccid)
    except ValueError:
        return False
    return luhn_digit(digits[:-1]) == digits[-1]


def eid_check(first30: str) -> str:
    """The two ISO 7064 mod 97-10 check digits that complete the first 30 digits of an EID."""
    return f"{98 - int(first30 + '00') % 97:02d}"


def eid_ok(eid: str) -> bool:
    """True for 32 digits whose value modulo 97 is 1 (separators are allowed)."""
    try:
        return int(normalise_eid(eid)) % 97 == 1
    except ValueError:
        return False
