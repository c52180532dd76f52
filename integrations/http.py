"""One way to make an HTTP client for an outside system, and one reading of what a broken exchange proves.

Policy (design/rules.md §12): redirects off, TLS everywhere but loopback, environment proxies ignored unless asked
for, an explicit time-out for every phase and one for the whole exchange, a correlation id on every request.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx

from integrations.correlation import CORRELATION_HEADER, correlation_id
from integrations.errors import CallFailed, ErrorClass, IntegrationError, System


@dataclass(frozen=True)
class Timeouts:
    """Seconds for each phase of one exchange; ``total`` bounds all of them together."""

    connect: float = 5.0
    read: float = 10.0
    write: float = 10.0
    pool: float = 5.0
    total: float = 20.0

    def phases(self) -> httpx.Timeout:
        return httpx.Timeout(connect=self.connect, read=self.read, write=self.write, pool=self.pool)


@dataclass(frozen=True)
class Exchange:
    """One finished HTTP exchange. ``duration`` is in seconds."""

    response: httpx.Response
    duration: float


def check_address(url: str, system: System) -> str:
    """Return ``url`` without a trailing slash, or raise a config error: https, or http to loopback addresses only."""
    parts = urlsplit(url)
    problem = ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        problem = "must be an absolute http(s) address"
    elif parts.username or parts.password:
        problem = "must not carry credentials"
    elif parts.scheme == "http" and not _loopback_only(parts.hostname):
        problem = "must be https: plain http is allowed only where every resolved address is loopback"
    if problem:
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        raise IntegrationError(system, "configure", ErrorClass.CONFIG, "bad_address", f"{shown} {problem}")
    return url.rstrip("/")


def _loopback_only(host: str) -> bool:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(str(address).split("%")[0]).is_loopback for address in found)


class Client(httpx.AsyncClient):
    """Hands a request straight to the transport: httpx's own way there asks for authentication, redirects, cookies and
    hooks, of which there are none here, and takes half as long as the exchange itself.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, **options: Any) -> None:
        super().__init__(transport=transport, **options)
        self._straight = transport

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx's, of a request that ``build_request`` made (it carries the time-outs); with options it is httpx's."""
        if options or self.is_closed:
            return await super().send(request, **options)
        response = await self._straight.handle_async_request(request)
        try:
            await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response


def make_client(
    *,
    timeouts: Timeouts,
    verify: ssl.SSLContext | bool = True,
    headers: dict[str, str] | None = None,
    max_connections: int = 50,
    trust_env: bool = False,
    uds: str | None = None,
    keep: bool = True,
) -> Client:
    """An httpx client on aiohttp's transport (three to five times the throughput of httpx's own).

    Without ``keep`` every request has a connection of its own, closed after the answer.
    """
    from httpx_aiohttp import AiohttpTransport  # imported here: 0.1 s that `portal --help` must not pay

    context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify, trust_env=trust_env)

    def session() -> aiohttp.ClientSession:
        connector: aiohttp.BaseConnector
        if uds is not None:
            connector = aiohttp.UnixConnector(path=uds, limit=max_connections)
        else:
            connector = aiohttp.TCPConnector(ssl=context, limit=max_connections if keep else 0, force_close=not keep)
        # no cookies: PHP locks a session's file, so one cookie would queue all our requests behind each other
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=trust_env)

    transport = AiohttpTransport(verify=context, trust_env=trust_env, client=session)
    client = Client(
        transport,
        timeout=timeouts.phases(),
        headers=headers,
        follow_redirects=False,
        trust_env=trust_env,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # httpx keeps a jar of its own
    return client


async def exchange(
    client: httpx.AsyncClient,
    request: httpx.Request,
    *,
    system: System,
    operation: str,
    write: bool,
    total: float,
) -> Exchange:
    """Send one request once and read the whole answer.

    Raises CallFailed: TRANSIENT where the request provably never left (no connection, TLS refused) or where it was
    only a read; OUTCOME_UNKNOWN where a write may have been executed. The status code is not judged here.
    """
    if current := correlation_id.get():
        request.headers[CORRELATION_HEADER] = current
    started = time.monotonic()
    try:
        async with asyncio.timeout(total):
            response = await client.send(request)
    except (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError) as error:
        raise transport_failure(error, system, operation, write=write) from error
    return Exchange(response, time.monotonic() - started)


def transport_failure(error: Exception, system: System, operation: str, *, write: bool) -> CallFailed:
    """What a broken exchange proves (rules §3.5: 'no connection made' and 'TLS failure' are refusals)."""
    if _never_sent(error):
        return CallFailed(system, operation, ErrorClass.TRANSIENT, "unreachable", f"no connection: {error}")
    timed_out = isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)
    code = "timeout" if timed_out else "connection_lost"
    said = "no answer in time" if timed_out else "the connection broke before the answer was complete"
    failure = ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.TRANSIENT
    return CallFailed(system, operation, failure, code, said)


def _never_sent(error: Exception) -> bool:
    """Judge by aiohttp's own exception: httpx-aiohttp 0.2 renders "server disconnected" as httpx.ConnectTimeout."""
    if isinstance(error, httpx.UnsupportedProtocol):
        return True
    return isinstance(error.__cause__, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
