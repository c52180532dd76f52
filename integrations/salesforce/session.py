"""The requests session under simple-salesforce: time-outs, no redirects, no cookies, plain http for loopback only."""

import json
import re
import ssl
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from integrations.errors import CallFailed, ErrorClass, IntegrationError, System
from integrations.salesforce.config import SalesforceConfig

_BEFORE_THE_REQUEST = ("WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "NO_SHARED_CIPHER")


class Adapter(HTTPAdapter):
    """Gives every request a time-out, and reaches ``plain_host`` by http.

    simple-salesforce builds https:// addresses whatever the instance is; ``plain_host`` (the loopback host of a local
    sandbox, else None) is the only one for which the scheme is put right.
    """

    def __init__(self, timeout: tuple[float, float], plain_host: str | None, **kwargs: Any) -> None:
        self._timeout = timeout
        self._plain_host = plain_host
        self._pools: dict[str, ConnectionPool] = {}
        super().__init__(**kwargs)

    def send(  # the signature is requests' own
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        if self._plain_host and parts.scheme == "https" and parts.hostname == self._plain_host:
            request.url = urlunsplit(("http", *parts[1:]))
        return super().send(request, stream, timeout or self._timeout, verify, cert, proxies)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> ConnectionPool:
        """The pool of the request's host, worked out once (each time it would cost as much as the answer's JSON).

        All requests of the session trust the same authorities and show no certificate.
        """
        if proxies or cert is not None:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        origin = "/".join((request.url or "").split("/", 3)[:3])
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = super().get_connection_with_tls_context(request, verify)
        return pool

    def close(self) -> None:
        self._pools.clear()
        super().close()


class Session(requests.Session):
    """A session that follows no redirect (rules §12)."""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """The API's plain requests (JSON, no cookies, no proxies) go straight to the adapter.

        Merging settings, cookies and environment, of which there are none, takes as long as everything else.
        """
        plain = not args and options.keys() <= {"params", "headers", "json"}
        if self.trust_env or not plain or isinstance(method, bytes) or isinstance(url, bytes):
            return super().request(method, url, *args, **options)
        prepared = requests.PreparedRequest()
        prepared.method = method
        prepared.url = f"{url}?{urlencode(options['params'])}" if options.get("params") else url
        prepared.headers = CaseInsensitiveDict({**self.headers, **(options.get("headers") or {})})
        if (body := options.get("json")) is not None:
            prepared.body = json.dumps(body, allow_nan=False).encode()
            prepared.headers["Content-Length"] = str(len(prepared.body))
        response = self.get_adapter(url).send(prepared, verify=self.verify or True)
        for hook in self.hooks["response"]:
            hook(response)
        _ = response.content  # read to its end, so that the connection goes back to the pool
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def make_session(config: SalesforceConfig) -> Session:
    """One session for the token requests and the API, safe to share between the client's threads.

    Cookies are refused: Salesforce's are of no use to us and the jar is the part of a session that threads fight over.
    Raises a config error if the CA file is not there (requests would say so only when it connects).
    """
    if config.ca_file is not None and not config.ca_file.is_file():
        said = f"there is no CA file {config.ca_file}"
        raise IntegrationError(System.SALESFORCE, "configure", ErrorClass.CONFIG, "ca_file_missing", said)
    parts = urlsplit(config.login_url)
    session = Session()
    session.trust_env = config.trust_env
    if config.ca_file is not None:
        session.verify = str(config.ca_file)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = Adapter(
        (config.timeouts.connect, config.timeouts.read),
        parts.hostname if parts.scheme == "http" else None,
        pool_maxsize=max(config.workers, 4),
    )
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def lost(error: Exception, operation: str, *, write: bool) -> CallFailed:
    """What a broken exchange proves: never sent → transient; a write that may have arrived → outcome unknown."""
    if _never_sent(error):
        said = f"no connection: {_cause(error)}"
        return CallFailed(System.SALESFORCE, operation, ErrorClass.TRANSIENT, "unreachable", said)
    timed_out = isinstance(error, (requests.Timeout, TimeoutError))
    code = "timeout" if timed_out else "connection_lost"
    said = "no answer in time" if timed_out else "the connection broke before the answer was complete"
    failure = ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.TRANSIENT
    return CallFailed(System.SALESFORCE, operation, failure, code, said)


def _cause(error: Exception) -> str:
    """What went wrong at the bottom, without the pools and the query that requests wraps around it."""
    inner: object = error.args[0] if error.args else None
    reason = inner.reason if isinstance(inner, MaxRetryError) else inner
    bottom = reason.args[0] if isinstance(reason, Exception) and reason.args else reason
    text = str(bottom if isinstance(bottom, ssl.SSLError) else reason or error)
    return re.sub(r"^HTTPS?Connection\(.*?\): ", "", text)


def _never_sent(error: BaseException) -> bool:
    """True if no byte of the request left: no connection was made, or the TLS handshake failed."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError, requests.exceptions.InvalidURL)):
        return True
    inner: object = error.args[0] if error.args else None
    if isinstance(inner, MaxRetryError):
        inner = inner.reason
    if isinstance(inner, (NewConnectionError, ConnectTimeoutError)):
        return True
    if isinstance(inner, Exception) and inner.args and isinstance(inner.args[0], ssl.SSLError):
        inner = inner.args[0]
    if isinstance(inner, ssl.SSLCertVerificationError):
        return True
    return isinstance(inner, ssl.SSLError) and inner.reason in _BEFORE_THE_REQUEST
