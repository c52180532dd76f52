"""One POST to api.php and its judgement; which connection it takes.

Reads share kept-alive connections. A write always gets a connection of its own: an idle connection that the server
closes at the moment of sending would make the outcome unknown, and the order would wait for nothing (rules §3.3).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from integrations.errors import CallFailed, ErrorClass, IntegrationError, System
from integrations.http import Timeouts, exchange, make_client
from integrations.whmcs.config import WhmcsConfig
from integrations.whmcs.envelope import Answer, Verdict, read_answer, server_date
from integrations.whmcs.refusals import read_failure, write_failure
from integrations.whmcs.wire import FormValue, encode_form

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass
class _Pool:
    """Kept-alive connections; closed by the last user once it is retired."""

    client: httpx.AsyncClient
    users: int = 0
    retired: bool = False


class ApiTransport:
    """Sends actions with our credentials. Nothing is connected before the first call."""

    def __init__(self, config: WhmcsConfig, on_server_date: Callable[[datetime], None] | None) -> None:
        self._config = config
        self._endpoint = config.endpoint()
        self._on_server_date = on_server_date
        self._pool: _Pool | None = None
        self._single: httpx.AsyncClient | None = None
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def read(self, action: str, params: Mapping[str, FormValue]) -> Mapping[str, Any]:
        """The body of a successful read; raises LoginFailed or CallFailed, never OUTCOME_UNKNOWN."""
        return (await self.read_whole(action, params)).body

    async def read_whole(self, action: str, params: Mapping[str, FormValue]) -> Answer:
        """A successful read with how it was told; raises as ``read``."""
        answer = await self.ask(action, params)
        if answer.verdict is not Verdict.SUCCESS:
            raise read_failure(action, answer)
        return answer

    async def write(self, action: str, params: Mapping[str, FormValue]) -> Mapping[str, Any]:
        """The body of a successful write, sent exactly once.

        Raises what ``refusals`` proves to have had no effect, and OUTCOME_UNKNOWN for everything else.
        """
        client = await self._own_connections()
        answer = await self._send(client, action, params, self._config.write_timeouts, write=True)
        if answer.verdict is not Verdict.SUCCESS or answer.noisy:
            raise write_failure(action, answer)
        return answer.body

    async def ask(self, action: str, params: Mapping[str, FormValue]) -> Answer:
        """The judged answer of a call without effect; a firewall's 403 gets one more try on a fresh connection."""
        timeouts = self._config.read_timeouts
        async with self._kept_connection() as pool:
            answer = await self._send(pool.client, action, params, timeouts, write=False)
            if not answer.blocked:
                return answer
            self._retire(pool)
        return await self._send(await self._own_connections(), action, params, timeouts, write=False)

    async def close(self) -> None:
        """Close all kept connections; calls in flight fail. Further calls raise RuntimeError."""
        self._closed = True
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.client.aclose()
        if self._single is not None:
            single, self._single = self._single, None
            await single.aclose()

    async def _send(
        self,
        client: httpx.AsyncClient,
        action: str,
        params: Mapping[str, FormValue],
        timeouts: Timeouts,
        *,
        write: bool,
    ) -> Answer:
        form = self._form(action, params)
        request = client.build_request("POST", self._endpoint, content=form, headers=FORM, timeout=timeouts.phases())
        done = await exchange(client, request, system=System.WHMCS, operation=action, write=write, total=timeouts.total)
        if self._on_server_date is not None and (date := server_date(done.response)) is not None:
            self._on_server_date(date)
        return read_answer(done.response)

    def _form(self, action: str, params: Mapping[str, FormValue]) -> bytes:
        """Everything goes into the body: query strings land in access logs."""
        ours: dict[str, FormValue] = {
            "action": action,
            "identifier": self._config.identifier,
            "secret": self._config.secret,
            "accesskey": self._config.access_key,
            "responsetype": "json",
        }
        try:
            return encode_form(ours | dict(params))
        except ValueError as error:
            reason = "text that is not UTF-8" if isinstance(error, UnicodeError) else str(error)
            raise CallFailed(System.WHMCS, action, ErrorClass.DATA, "unsendable", reason) from None

    @asynccontextmanager
    async def _kept_connection(self) -> AsyncIterator[_Pool]:
        tls = await self._authorities()
        if self._pool is None:
            self._pool = _Pool(self._make_client(tls, self._config.read_timeouts))
        pool = self._pool
        pool.users += 1
        try:
            yield pool
        finally:
            pool.users -= 1
            if pool.retired and pool.users == 0:
                await pool.client.aclose()

    def _retire(self, pool: _Pool) -> None:
        pool.retired = True
        if self._pool is pool:
            self._pool = None

    async def _own_connections(self) -> httpx.AsyncClient:
        """The client that makes a connection for each request."""
        tls = await self._authorities()
        if self._single is None:
            self._single = self._make_client(tls, self._config.write_timeouts, keep=False)
        return self._single

    async def _authorities(self) -> ssl.SSLContext:
        if self._tls is None:
            # reading the authorities takes tens of milliseconds, which the event loop must not pay
            self._tls = await asyncio.to_thread(_tls_context, self._endpoint, self._config)
        if self._closed:
            raise RuntimeError("the WHMCS client is closed")
        return self._tls

    def _make_client(self, tls: ssl.SSLContext, timeouts: Timeouts, *, keep: bool = True) -> httpx.AsyncClient:
        return make_client(timeouts=timeouts, verify=tls, trust_env=self._config.trust_env, keep=keep)


def _tls_context(endpoint: str, config: WhmcsConfig) -> ssl.SSLContext:
    if urlsplit(endpoint).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback: not used, and trusts nobody
    if config.ca_file is None:
        return httpx.create_ssl_context(trust_env=config.trust_env)
    try:
        return ssl.create_default_context(cafile=str(config.ca_file))
    except OSError as error:
        reason = f"cannot read the certificate authorities: {error.strerror or 'bad file'}"
        raise IntegrationError(System.WHMCS, "configure", ErrorClass.CONFIG, "bad_ca_file", reason) from error
