"""Questions to a daemon over its socket or https: every failure is one of ``console.client.errors``."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from console.client.address import Address
from console.client.errors import (
    ApiError,
    BadAnswer,
    NoAnswer,
    NotConfirmed,
    OnlyLooking,
    Refused,
    Unreachable,
    refusal,
)
from console.schema.problem import Problem

CONNECT = 3.0
READS = ("/plan", "/orders/names")  # what is asked by POST and changes nothing


class Connection:
    """An open way to one daemon; close it. Every failure is one of ``console.client.errors``."""

    def __init__(self, address: Address, *, timeout: float = 30.0) -> None:
        self.address = address
        self.only_look: Callable[[], bool] = lambda: False  # then nothing that could change anything is sent
        self.failed: Callable[[str, str, ApiError], None] | None = None  # told of every request that did not succeed
        self._timeout = httpx.Timeout(timeout, connect=CONNECT)
        headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
        transport, base = _transport(address), address.url or "http://portal"
        self._http = httpx.AsyncClient(transport=transport, base_url=base, headers=headers, timeout=self._timeout)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """One request; a whole, successful answer. Raises ApiError."""
        try:
            return await self._ask(method, path, params, body, headers, timeout)
        except ApiError as error:
            if self.failed is not None:
                self.failed(method, path, error)
            raise

    async def _ask(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: str | bytes | None,
        headers: Mapping[str, str] | None, timeout: float | None,
    ) -> httpx.Response:  # fmt: skip
        if method != "GET" and self.only_look() and not path.endswith(READS):
            raise OnlyLooking
        given = {key: value for key, value in (params or {}).items() if value is not None}
        kind = {"Content-Type": "application/json"} if isinstance(body, str) else {}
        limit = httpx.Timeout(timeout, connect=CONNECT) if timeout is not None else self._timeout
        try:
            response = await self._http.request(
                method, path, params=given, content=body, headers={**kind, **(headers or {})}, timeout=limit
            )
        except httpx.HTTPError as error:
            raise self._failure(error, looks=method == "GET" or path.endswith(READS)) from error
        if response.is_success:
            return response
        raise problem_of(response.status_code, response.content)

    @asynccontextmanager
    async def stream(
        self, path: str, *, params: Mapping[str, Any], headers: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A long answer as it comes; silence of that many seconds ends it. Raises ApiError."""
        limits = httpx.Timeout(silence, connect=CONNECT)
        try:
            async with self._http.stream("GET", path, params=params, headers=headers, timeout=limits) as response:
                if not response.is_success:
                    raise problem_of(response.status_code, await response.aread())
                yield response.aiter_bytes()
        except httpx.HTTPError as error:
            raise self._failure(error, looks=True) from error

    def _failure(self, error: httpx.HTTPError, *, looks: bool) -> ApiError:
        """``looks``: what was asked changes nothing."""
        shown, unanswered = self.address.shown, NoAnswer if looks else NotConfirmed
        match error:
            case httpx.ConnectTimeout() | httpx.PoolTimeout():
                return Unreachable(shown, "no answer to the connection")
            case httpx.ConnectError():
                return Unreachable(shown, _why(self.address, error))
            case httpx.TimeoutException():
                return unanswered(shown, "no answer in time")
            case httpx.UnsupportedProtocol() | httpx.InvalidURL():
                return Unreachable(shown, str(error))
        return unanswered(shown, "the connection was lost")


def _transport(address: Address) -> httpx.AsyncHTTPTransport:
    if address.socket is not None:
        return httpx.AsyncHTTPTransport(uds=str(address.socket), verify=False)
    if address.url.startswith("http:"):
        return httpx.AsyncHTTPTransport(verify=False)  # this machine only, see parse_address
    import ssl  # only for https: reading the certificates takes 30 ms

    verify = ssl.create_default_context(cafile=str(address.ca_file) if address.ca_file else None)
    return httpx.AsyncHTTPTransport(verify=verify)


def _why(address: Address, error: httpx.ConnectError) -> str:
    if address.socket is not None:
        if not address.socket.exists():
            return "there is no such socket; start it with `portal daemon`, or use `portal console --embedded`"
        cause = error.__cause__ or error
        denied = "ermission" in str(cause)
        return "this user may not use it" if denied else "nobody answers there; start it with `portal daemon`"
    return _why_not_there(str(error))


def _why_not_there(text: str) -> str:
    """In words, from what the system's or the TLS library's error says."""
    if "CERTIFICATE" in text.upper():
        reason = text.partition("verify failed: ")[2].partition(" (_ssl")[0]
        trusted = "SSL_CERT_FILE, or ca_file of [console.environments.NAME], names whom to trust"
        return f"its certificate is not trusted here{f' ({reason})' if reason else ''}; {trusted}"
    if "SSL" in text:
        return "what answers there does not speak TLS; check the port"
    if any(word in text for word in ("not known", "resolution", "No address")):
        return "this machine does not know that name; check the address"
    return "nobody answers there; check the address, and that `portal daemon` runs there with daemon.tcp.port set"


def problem_of(status: int, content: bytes) -> Refused | BadAnswer:
    """The exception for an answer that is not a success."""
    try:
        document = json.loads(content)
        problem = Problem.model_validate(document)
    except ValueError:
        return BadAnswer(f"HTTP {status} without a problem document: this is not the daemon's API")
    return refusal(problem)
