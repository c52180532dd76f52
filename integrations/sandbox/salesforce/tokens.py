"""Access tokens: ``<15-char org id>!<opaque>``, kept hashed, valid until revoked (the real life time is a policy)."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from integrations.sandbox.salesforce.users import User
from integrations.sandbox.store import Store

SCHEMES = ("bearer", "oauth")


class TokenBook:
    """Who may come in. ``users`` is by id; ``lifetime`` None never expires a token by age."""

    def __init__(
        self,
        store: Store,
        org_id: str,
        users: Mapping[str, User],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lifetime: timedelta | None = None,
    ) -> None:
        self._store = store
        self._rows = store.table("sf.token")
        self._org_id = org_id
        self._users = users
        self._now = now
        self.lifetime = lifetime

    def issue(self, user: User) -> str:
        """A new access token of ``user``."""
        token = f"{self._org_id[:15]}!AQ{secrets.token_urlsafe(64)}"
        with self._store.transaction():
            self._rows.put(_digest(token), {"user": user.id, "at": self._now().timestamp()})
        return token

    def check(self, header: str | None) -> User | None:
        """The user behind an ``Authorization`` header ("Bearer …" or "OAuth …"); None when it lets nobody in."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() not in SCHEMES:
            return None
        row = self._rows.get(_digest(token.strip()))
        if row is None:
            return None
        if self.lifetime and self._now().timestamp() - row["at"] > self.lifetime.total_seconds():
            return None
        return self._users.get(row["user"])

    def revoke(self, token: str) -> bool:
        """Forget one token; False when it was not known."""
        key = _digest(token)
        if key not in self._rows:
            return False
        with self._store.transaction():
            self._rows.delete(key)
        return True

    def revoke_all(self) -> int:
        """Forget every token: each session's next call is answered 401 INVALID_SESSION_ID."""
        keys = [key for key, _ in self._rows.items()]
        with self._store.transaction():
            for key in keys:
                self._rows.delete(key)
        return len(keys)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
