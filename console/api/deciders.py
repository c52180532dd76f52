"""Who may approve an order of an amount: roles by their limits, people by their tokens and the socket's users."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.api.access import Api
from console.commands.command import over_limit
from console.schema.base import ROLES, may
from storage import tokens
from storage.orders import fold

MOST_NAMED = 4


@dataclass(frozen=True)
class Deciders:
    """``people``: name → role of everybody who can come in now; ``limits``: role → most yen, a role not named has none."""

    people: Mapping[str, str]
    limits: Mapping[str, int]
    four_eyes: bool

    def role_for(self, amount: int | None) -> str | None:
        """The lowest role that may approve this amount; None: no role may."""
        able = (role for role in ROLES[1:] if over_limit(amount, self.limits.get(role)) is None)
        return next(able, None)

    def named(self, amount: int | None, placed_by: str | None) -> str:
        """``operators and above: mira, sato; not portal, who placed it``."""
        role = self.role_for(amount)
        if role is None:
            return "nobody: it is over every role's limit"
        placer = fold(placed_by) if placed_by and self.four_eyes else None
        able = sorted(name for name, held in self.people.items() if self._able(held, amount) and fold(name) != placer)
        said = f"{role}s and above" if role != ROLES[-1] else f"{role}s"
        if able:
            said += f": {_listed(able)}"
        among_us = placer is not None and placer in map(fold, self.people)
        return f"{said}; not {placed_by}, who placed it" if among_us else said

    def _able(self, role: str, amount: int | None) -> bool:
        return may(role, ROLES[1]) and over_limit(amount, self.limits.get(role)) is None


def deciders(api: Api, db: sqlite3.Connection) -> Deciders:
    now = api.now()
    people = {t.name: t.role for t in tokens.every(db) if t.revoked_at is None and t.expires_at > now}
    people |= {user.name: user.role for user in api.settings.daemon.users.values()}
    limits = {str(role): most for role, most in api.settings.approve.limit_yen.items()}
    return Deciders(people, limits, api.settings.approve.four_eyes)


def _listed(names: Iterable[str]) -> str:
    first = list(names)
    more = f" and {len(first) - MOST_NAMED} more" if len(first) > MOST_NAMED else ""
    return f"{', '.join(first[:MOST_NAMED])}{more}"
