"""Salesforce record ids: 15 case-sensitive characters, or 18 with a checksum. We keep and compare 18."""

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def to18(id15: str) -> str:
    """The 18-character form of a 15-character id. Raises ValueError for anything else."""
    if len(id15) != 15 or not (id15.isascii() and id15.isalnum()):
        raise ValueError(f"not a Salesforce id: {id15[:40]!r}")
    blocks = (id15[start : start + 5] for start in (0, 5, 10))
    sums = (sum(1 << bit for bit, char in enumerate(block) if "A" <= char <= "Z") for block in blocks)
    return id15 + "".join(_CHECK[value] for value in sums)


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
