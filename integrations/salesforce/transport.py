"""One request to Salesforce through simple-salesforce, in own threads, with our token source and our errors."""

import asyncio
import functools
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from integrations.correlation import CORRELATION_HEADER, correlation_id
from integrations.errors import CallFailed, ErrorClass, System
from integrations.salesforce.auth import Token, TokenSource
from integrations.salesforce.config import SalesforceConfig
from integrations.salesforce.library import Salesforce, SalesforceError, SalesforceExpiredSession
from integrations.salesforce.models import ApiUsage
from integrations.salesforce.refusals import refusal
from integrations.salesforce.session import lost, make_session

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")


@dataclass(frozen=True)
class Request:
    """One REST request. ``path`` is relative to /services/data/vNN.N/; ``body`` is plain JSON."""

    operation: str
    method: str
    path: str
    write: bool
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Answer:
    """``body``: decoded JSON, None for an empty one.

    ``since``: a moment by the server's own clock at which the request had not left yet, where the answer has a Date.
    """

    body: Any
    since: datetime | None


class _Flight:
    """Whether a request may have left: agreed between the thread that sends it and the task that waits for it.

    A thread whose task gave up never sends, and a task that gives up before its thread sends may say so.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent = False
        self._given_up = False

    def leave(self) -> bool:
        """Called by the thread right before it sends; False forbids it."""
        with self._lock:
            self._sent = not self._given_up
            return self._sent

    def refused(self) -> None:
        """Called by the thread after a 401: the request that left had no effect."""
        with self._lock:
            self._sent = False

    def give_up(self) -> bool:
        """Called by the task; True if nothing was sent, and then nothing will be."""
        with self._lock:
            self._given_up = True
            return not self._sent


class Transport:
    """simple-salesforce in "direct" mode with an own thread pool; none of its re-logins, none of its SFTypes."""

    def __init__(
        self,
        config: SalesforceConfig,
        *,
        now: Callable[[], datetime],
        on_server_date: Callable[[datetime], None] | None = None,
    ) -> None:
        self._config, self._on_server_date = config, on_server_date
        self._session = make_session(config)
        self._session.hooks["response"].append(self._remember_headers)
        self._answered = threading.local()
        self._pool = ThreadPoolExecutor(config.workers, "salesforce")
        self.tokens = TokenSource(config, self._session, now=now)
        self.usage: ApiUsage | None = None
        self._known_api: tuple[Token, Salesforce] | None = None

    async def close(self) -> None:
        """Let requests under way end (each has its time-out), forget those still queued, close the connections."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        self._session.close()

    async def send(self, request: Request) -> Answer:
        """The answer of a success. Raises LoginFailed, CallFailed.

        The time limit covers waiting for a thread, the login and the request. A request that ran out of it before it
        left was never sent, whatever it wanted to write.
        """
        headers = dict(request.headers)
        if current := correlation_id.get():  # read here: the pool's threads do not see this task's context
            headers[CORRELATION_HEADER] = current
        seen: dict[str, str] = {}
        flight = _Flight()
        began = time.monotonic()
        job: Future[Any] = self._pool.submit(functools.partial(self._exchange, request, headers, seen, flight))
        try:
            async with asyncio.timeout(self._config.timeouts.total):
                body = await asyncio.wrap_future(job)
        except TimeoutError as error:
            if flight.give_up():
                raise _busy(request) from error
            raise lost(error, request.operation, write=request.write) from error
        except asyncio.CancelledError as error:
            flight.give_up()
            task = asyncio.current_task()
            if job.cancelled() and task is not None and not task.cancelling():  # close() emptied the queue
                raise _busy(request) from error
            raise
        finally:
            date = self._note(seen)
        return Answer(body, date and date - timedelta(seconds=time.monotonic() - began))

    def _exchange(self, request: Request, headers: dict[str, str], seen: dict[str, str], flight: _Flight) -> Any:
        """Runs in the pool. A 401 refuses a request before it is executed, so even a POST is sent again, once."""
        for _ in range(2):
            token = self.tokens.get()
            if not flight.leave():
                raise _busy(request)
            try:
                return self._once(request, headers, seen, token)
            except SalesforceExpiredSession:
                flight.refused()
                self.tokens.invalidate(token)
        said = "a fresh access token was refused"
        code = "INVALID_SESSION_ID"
        raise CallFailed(System.SALESFORCE, request.operation, ErrorClass.TRANSIENT, code, said, http_status=401)

    def _once(self, request: Request, headers: dict[str, str], seen: dict[str, str], token: Token) -> Any:
        self._answered.headers = {}
        api = self._api(token)
        content = {} if request.body is None else {"json": request.body}
        try:
            return api.restful(
                request.path, params=dict(request.params), method=request.method, headers=headers, **content
            )
        except SalesforceExpiredSession:
            raise
        except SalesforceError as error:
            raise refusal(
                request.operation, error.status, error.content, write=request.write, headers=self._answered.headers
            ) from error
        except (requests.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed(request, error) from error
        except (requests.RequestException, OSError) as error:
            raise lost(error, request.operation, write=request.write) from error
        except TypeError as error:  # simple-salesforce takes the length of whatever JSON it got, also of null
            raise _malformed(request, error) from error
        finally:
            seen.update({name.lower(): value for name, value in self._answered.headers.items()})

    def _api(self, token: Token) -> Salesforce:
        """One for each token; a thread that still holds an older one makes it again."""
        known = self._known_api
        if known is not None and known[0] is token:
            return known[1]
        api = Salesforce(
            instance_url=token.instance_url,
            session_id=token.access_token,
            session=self._session,
            version=self._config.api_version,
            object_pairs_hook=dict,
            parse_float=Decimal,
        )
        del api.headers["X-PrettyPrint"]  # answers a third longer, which nobody reads
        self._known_api = token, api
        return api

    def _remember_headers(self, response: requests.Response, *args: Any, **kwargs: Any) -> None:
        self._answered.headers = response.headers

    def _note(self, headers: Mapping[str, str]) -> datetime | None:
        """On the event loop: what the answer said besides its body. Returns its Date."""
        usage = _USAGE.search(headers.get("sforce-limit-info", ""))
        if usage:
            self.usage = ApiUsage(used=int(usage[1]), total=int(usage[2]))
        sent = headers.get("date")
        if not sent:
            return None
        try:
            when = parsedate_to_datetime(sent)
        except ValueError:
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        if self._on_server_date is not None:
            self._on_server_date(when)
        return when


def _busy(request: Request) -> CallFailed:
    said = "no thread or no access token in time; the request was not sent"
    return CallFailed(System.SALESFORCE, request.operation, ErrorClass.TRANSIENT, "busy", said)


def _malformed(request: Request, error: Exception) -> CallFailed:
    failure = ErrorClass.OUTCOME_UNKNOWN if request.write else ErrorClass.TRANSIENT
    said = "the answer is not what Salesforce answers"
    return CallFailed(System.SALESFORCE, request.operation, failure, "malformed", f"{said}: {type(error).__name__}")
