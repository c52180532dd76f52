"""Staff tokens: ``ptl_<public 12>_<secret 43>``; only a hash of the whole is kept.

A plain SHA-256 is enough and a slow hash would be wrong here: the secret has 256 random bits, so nobody can try their
way to it whatever a hash costs, while a slow one on every request would let anybody exhaust the daemon by guessing.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_FORM = re.compile(r"ptl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODY = hashlib.sha256(b"no token").hexdigest()


@dataclass(frozen=True)
class NewToken:
    """``whole`` is shown once; ``prefix`` and ``hashed`` are kept."""

    whole: str
    prefix: str
    hashed: str


def make() -> NewToken:
    prefix = f"ptl_{secrets.token_hex(6)}"
    whole = f"{prefix}_{secrets.token_urlsafe(32)}"
    return NewToken(whole, prefix, hash_of(whole))


def hash_of(whole: str) -> str:
    return hashlib.sha256(whole.encode()).hexdigest()


def prefix_of(whole: str) -> str | None:
    """The public part of something that has the form of a token."""
    found = _FORM.fullmatch(whole)
    return f"ptl_{found[1]}" if found else None


def matches(whole: str, hashed: str | None) -> bool:
    """Constant time; ``hashed`` None (no such token) takes as long as a wrong secret."""
    same = hmac.compare_digest(hash_of(whole), hashed or _NOBODY)
    return same and hashed is not None
