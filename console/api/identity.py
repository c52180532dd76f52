"""Who asks: the user at the other end of the Unix socket, or the owner of a token; and what their role may do."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from console.api import tokens
from console.api.problems import ProblemError, forbidden
from console.api.server import PEER
from console.api.tries import FailedTries
from console.engine.clock import Clock
from console.schema.base import Role, may
from console.settings.daemon import UserSettings
from storage import tokens as kept
from storage.audit import Actor
from storage.journal import Journal

FAILURES_A_MINUTE = 10
USED_EVERY = 60.0  # seconds between two notes of a token's use


@dataclass(frozen=True)
class Caller:
    """``owner`` is whose Idempotency-Keys these are; ``expires_at`` and ``token_id`` None at the socket."""

    name: str
    role: Role
    peer: str
    owner: str
    token_id: int | None = None
    expires_at: float | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.name, self.role, self.peer, self.token_id)

    def may(self, role: str) -> bool:
        return may(self.role, role)


class Gatekeeper:
    """Knows who may come in. Ten failed tries a minute, then 429.

    They are counted by peer *and* token, all unknown tokens of a peer together: behind a proxy everybody is one peer,
    and somebody's expired token must not lock the others out.
    """

    def __init__(self, journal: Journal, clock: Clock, users: Mapping[int, UserSettings]) -> None:
        self._journal = journal
        self._clock = clock
        self._users = users
        self._failures = FailedTries(FAILURES_A_MINUTE)
        self._noted: dict[int, float] = {}

    async def caller(self, scope: Mapping[str, Any], authorization: str | None) -> Caller:
        """Raises 401, 403 or 429 problems."""
        host, port = scope.get("client") or ("?", 0)
        peer = f"uid {port}" if host == PEER else str(host)
        if host == PEER:
            user = self._user(int(port))
            if authorization is None:
                return user
        return await self._token_owner(authorization, peer)

    async def still(self, caller: Caller) -> bool:
        """Is this caller still let in? For long streams."""
        if caller.token_id is None:
            return True
        found = self._journal.peek(lambda db: kept.get(db, caller.token_id or 0))
        return found is not None and found.revoked_at is None and found.expires_at > self._clock.now()

    def _user(self, uid: int) -> Caller:
        known = self._users.get(uid)
        if known is not None:
            return Caller(known.name, known.role, f"uid {uid}", f"uid:{uid}")
        if uid == os.geteuid():
            return Caller(_own_name(uid), "admin", f"uid {uid}", f"uid:{uid}")
        raise forbidden(f"user id {uid} is not let in here: an admin names it under daemon.users in the settings")

    def _refuse(self, bucket: tuple[str, str], detail: str) -> ProblemError:
        self._failures.hit(bucket)
        return _unauthorized(detail)

    def _check_rate(self, bucket: tuple[str, str]) -> None:
        reset = self._failures.over_at(bucket)
        if reset is None:
            return
        wait = min(max(1.0, reset - self._clock.now()), 60.0)
        detail = "too many failed sign-ins with this: wait a minute, then check the token"
        raise ProblemError(429, "too-many-failures", "Too many failed sign-ins", detail, retry_after=wait)

    async def _token_owner(self, authorization: str | None, peer: str) -> Caller:
        scheme, _, whole = (authorization or "").partition(" ")
        whole = whole.strip() if scheme.casefold() == "bearer" else ""
        prefix = tokens.prefix_of(whole)
        found = self._journal.peek(lambda db: kept.by_prefix(db, prefix)) if prefix else None
        bucket = (peer, found.prefix if found is not None else "?")
        self._check_rate(bucket)
        if not whole:
            raise self._refuse(bucket, "no token was given: `portal tokens create` makes one")
        if not tokens.matches(whole, found.hash if found else None) or found is None:
            raise self._refuse(bucket, "this token is not known here")
        now = self._clock.now()
        if found.revoked_at is not None:
            raise self._refuse(bucket, "this token was revoked: ask an admin for a new one")
        if found.expires_at <= now:
            raise self._refuse(bucket, "this token has expired: ask an admin for a new one")
        if now - self._noted.get(found.id, 0.0) > USED_EVERY:
            self._noted[found.id] = now
            await self._journal.write(lambda db: kept.used(db, found.id, now))
        role: Role = found.role  # type: ignore[assignment]  # checked when it was made
        return Caller(found.name, role, peer, f"token:{found.id}", found.id, found.expires_at)


def _unauthorized(detail: str) -> ProblemError:
    headers = {"WWW-Authenticate": "Bearer"}
    return ProblemError(401, "unauthorized", "The daemon does not know you", detail, headers=headers)


def _own_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def needs(role: Role) -> Callable[..., Any]:
    """The dependency of every route: who asks, when their role is at least this one; else 401 or 403."""

    async def check(request: Request) -> Caller:
        gatekeeper: Gatekeeper = request.app.state.api.gatekeeper
        caller = await gatekeeper.caller(request.scope, request.headers.get("authorization"))
        if not caller.may(role):
            raise forbidden(f"this needs the role {role}; yours is {caller.role}")
        return caller

    check.needed_role = role  # type: ignore[attr-defined]  # the test of all routes × roles reads it
    return check


Viewer = Annotated[Caller, Depends(needs("viewer"))]
Operator = Annotated[Caller, Depends(needs("operator"))]
Supervisor = Annotated[Caller, Depends(needs("supervisor"))]
Admin = Annotated[Caller, Depends(needs("admin"))]
