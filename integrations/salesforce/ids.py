"""Salesforce record ids: 15 case-sensitive characters, or 18 with a checksum. We keep and compare 18."""

from string import ascii_letters, ascii_uppercase, digits

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BITS = str.maketrans({char: "1" if char in ascii_uppercase else "0" for char in ascii_letters + digits})


def to18(id15: str) -> str:
    """The 18-character form of a 15-character id. Raises ValueError for anything else."""
    if len(id15) != 15 or not (id15.isascii() and id15.isalnum()):
        raise ValueError(f"not a Salesforce id: {id15[:40]!r}")
    upper = id15.translate(_BITS)[::-1]  # the first character of a block of five is its lowest bit
    return id15 + _CHECK[int(upper[10:], 2)] + _CHECK[int(upper[5:10], 2)] + _CHECK[int(upper[:5], 2)]


def norm_id(value: str, prefix: str = "") -> str:
    """The 18-character form of a 15- or 18-character id that starts with ``prefix`` ("801" for an Order).

    Raises ValueError: wrong length or characters, wrong checksum, another prefix.
    """
    full = to18(value) if len(value) == 15 else value
    if len(full) != 18 or to18(full[:15]) != full or not full.startswith(prefix):
        raise ValueError(f"not a Salesforce id{f' of kind {prefix}' if prefix else ''}: {value[:40]!r}")
    return full


def same_id(a: str, b: str) -> bool:
    """True if both are valid ids of the same record, whichever of the two lengths they have."""
    try:
        return norm_id(a) == norm_id(b)
    except ValueError:
        return False
