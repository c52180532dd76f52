"""What holds for every request whatever its route, as plain ASGI: a limit on bodies, headers for browsers, a
correlation id, and an answer in the API's form when a route fails in a way nobody foresaw.
"""

import logging
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.problems import ProblemError, response_of, unforeseen
from console.schema.base import PREFIX
from integrations.correlation import CORRELATION_HEADER, correlation_id

log = logging.getLogger(__name__)
MOST = 1_000_000
MOST_IMPORT = 16_000_000
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Surroundings:
    """The outermost layer of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(CORRELATION_HEADER, "")
        current = given if _GIVEN.fullmatch(given) else f"api-{secrets.token_hex(6)}"
        token = correlation_id.set(current)
        try:
            await _Exchange(self._app, scope, receive, send, current).run()
        finally:
            correlation_id.reset(token)


class _Exchange:
    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, current: str) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._current = current
        self._limit = MOST_IMPORT if scope["path"] == f"{PREFIX}/profiles/import" else MOST
        self._taken = 0
        self._started = False

    async def run(self) -> None:
        announced = Headers(scope=self._scope).get("content-length", "")
        if announced.isdigit() and (len(announced) > 12 or int(announced) > self._limit):
            self._taken = self._limit + 1
        else:
            try:
                await self._app(self._scope, self._limited, self._told)
            except Exception as error:
                if self._started:
                    raise
                await response_of(unforeseen(self._scope["method"], self._scope["path"], error))(
                    self._scope, self._receive, self._told
                )
        if self._taken > self._limit and not self._started:
            detail = f"a request has at most {self._limit:,} bytes here"
            problem = response_of(ProblemError(413, "too-large", "The request is too large", detail))
            self._taken = 0
            await problem(self._scope, self._receive, self._told)

    async def _limited(self) -> Message:
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > self._limit:  # what the route makes of it is not sent: see ``_told``
            return {"type": "http.request", "body": b"", "more_body": False}
        return message

    async def _told(self, message: Message) -> None:
        if self._taken > self._limit and not self._started:
            return
        if message["type"] == "http.response.start":
            self._started = True
            headers = MutableHeaders(scope=message)
            headers[CORRELATION_HEADER] = self._current
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
