"""One effect for each Idempotency-Key (rules §8): per token, 24 h; same body → the stored answer, other body → 422,
still worked on → 409.
"""

import asyncio
import hashlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from fastapi.responses import Response
from pydantic import BaseModel

from console.api.problems import ProblemError, not_found, of_error, response_of, unforeseen
from console.engine.clock import Clock
from console.schema.problem import MEDIA_TYPE
from storage import tokens
from storage.errors import StorageError
from storage.journal import Journal
from storage.tokens import Answer

log = logging.getLogger(__name__)
KEY_PATTERN = r"^[A-Za-z0-9._:-]{8,128}$"
KEPT = 24 * 3600.0
TITLE = "Idempotency-Key"


class Keys:
    """The keys of one owner (a token, or a user at the socket). ``under_way``: what this process works on, all owners.

    A key that the journal has in flight and that is not under way here was cut off by the end of an earlier process:
    it never starts a second effect.
    """

    def __init__(self, journal: Journal, owner: str, clock: Clock, under_way: set[tuple[str, str]]) -> None:
        self._journal = journal
        self._owner = owner
        self._clock = clock
        self._under_way = under_way

    async def once(self, key: str, body: str, work: Callable[[], Awaitable[BaseModel]]) -> Response:
        """Do ``work`` if nobody did under this key. It goes on and its answer is kept also when the asker goes away.

        An answer that says "nothing was done for now" (503) is not kept: the key may be used again.
        """
        return await asyncio.shield(asyncio.create_task(self._once(key, body, work)))

    async def _once(self, key: str, body: str, work: Callable[[], Awaitable[BaseModel]]) -> Response:
        hashed, now = hashlib.sha256(body.encode()).hexdigest(), self._clock.now()

        def begin(db: sqlite3.Connection) -> Answer | None:
            tokens.expire(db, now - KEPT)
            return tokens.begin(db, self._owner, key, hashed, now)

        known = await self._journal.write(begin)
        if known is not None:
            return self._known(key, known, hashed)
        self._under_way.add((self._owner, key))
        try:
            return await self._work(key, work)
        finally:
            self._under_way.discard((self._owner, key))

    async def answer(self, key: str) -> Response:
        """The stored answer of a key."""
        known = await self._journal.read(lambda db: tokens.answer(db, self._owner, key))
        if known is None:
            raise not_found("submit", key, ": nothing came in under this key")
        return self._known(key, known, known.body_hash)

    async def _work(self, key: str, work: Callable[[], Awaitable[BaseModel]]) -> Response:
        try:
            response = _json(200, (await work()).model_dump_json())
        except Exception as error:  # noqa: BLE001 - becomes the answer, which is kept
            response = response_of(of_error(error) or unforeseen("submit", key, error))
        try:
            await self._keep(key, response)
        except StorageError as error:
            log.error("the answer of a submit could not be kept: %s", error)
        return response

    async def _keep(self, key: str, response: Response) -> None:
        content = bytes(response.body).decode()
        if response.status_code == 503:
            await self._journal.write(lambda db: tokens.forget(db, self._owner, key))
        else:
            await self._journal.write(lambda db: tokens.finish(db, self._owner, key, response.status_code, content))

    def _known(self, key: str, known: Answer, hashed: str) -> Response:
        if known.body_hash != hashed:
            detail = "this key was used for another request: take a fresh key"
            raise ProblemError(422, "key-reused", f"The {TITLE} is taken", detail)
        if known.state != "done" or known.status is None:
            if (self._owner, key) not in self._under_way:
                detail = "the daemon stopped while this was done: look at the order and its history, then plan anew"
                raise ProblemError(409, "conflict", "It was interrupted", detail)
            detail = "this request is being worked on: ask for its result in a moment"
            raise ProblemError(409, "in-flight", "It is being worked on", detail, retry_after=1)
        return _json(known.status, known.response or "")


def _json(status: int, content: str) -> Response:
    return Response(content, status, media_type="application/json" if status < 400 else MEDIA_TYPE)
