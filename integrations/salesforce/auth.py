"""Where access tokens come from: one locked source for every thread and for the event transport."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed, System
from integrations.salesforce.config import ClientCredentials, JwtBearer, SalesforceConfig
from integrations.salesforce.ids import norm_id
from integrations.salesforce.session import lost

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 -- a path
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = 180  # seconds; Salesforce accepts at most five minutes
REFUSED_FOR = 5.0  # seconds a refused login is remembered, so that waiting threads do not each repeat it
FAILED_FOR = 1.0  # the same for a login that could not be asked
_PASSING = {"unknown_error", "server_error", "temporarily_unavailable"}  # OAuth errors that say: ask again
_ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:[0-9]{1,5})?(?:/[^\\]*)?")


@dataclass(frozen=True)
class Token:
    """One access token. ``instance_url`` has a scheme and a host that passed the policy of rules §12, and no path.

    ``user_id`` is the user that the token acts as (18 characters), None where the answer names none.
    """

    access_token: str = field(repr=False)
    instance_url: str
    user_id: str | None = None


class TokenSource:
    """Hands out the current token and fetches one when there is none. Blocking; safe for any number of threads.

    However many threads hold a token that was refused, one new one is fetched: ``invalidate`` drops exactly the token
    it is given. Tokens are never revoked: a revoked integration session takes other processes' sessions with it.
    """

    def __init__(
        self,
        config: SalesforceConfig,
        session: requests.Session,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._session, self._now, self._monotonic = config, session, now, monotonic
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._user_id: str | None = None
        self._failure: IntegrationError | None = None
        self._failed_until = 0.0

    def get(self) -> Token:
        """The current token, fetched first if need be.

        Raises LoginFailed (our credentials or the answer's instance are refused) and CallFailed TRANSIENT (the login
        server cannot be asked). Neither says anything about the request that needed the token: it was not sent.
        """
        token = self._token
        if token is not None:
            return token
        with self._lock:
            if self._token is not None:
                return self._token
            if self._failure is not None and self._monotonic() < self._failed_until:
                raise _again(self._failure)
            try:
                self._token = self._login()
            except IntegrationError as error:
                life = FAILED_FOR if error.error_class is ErrorClass.TRANSIENT else REFUSED_FOR
                self._failure, self._failed_until = error, self._monotonic() + life
                raise
            self._failure = None
            self._user_id = self._token.user_id or self._user_id
            return self._token

    @property
    def user_id(self) -> str | None:
        """The user of the newest token; None before the first."""
        return self._user_id

    def invalidate(self, token: Token) -> None:
        """Forget ``token`` if it is still the current one (a 401 said so)."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _login(self) -> Token:
        url = self._config.login_url.rstrip("/") + TOKEN_PATH
        form, basic = self._request()
        try:
            response = self._session.post(url, data=form, auth=basic, headers={"Accept": "application/json"})
        except (requests.RequestException, OSError) as error:
            raise lost(error, "token", write=False) from error
        body = _json_object(response)
        if response.status_code == 200 and body.get("access_token") and body.get("instance_url"):
            instance = self._instance(str(body["instance_url"]))
            return Token(str(body["access_token"]), instance, _user_of(str(body.get("id") or "")))
        raise _login_failure(response, body)

    def _request(self) -> tuple[dict[str, str], HTTPBasicAuth | None]:
        auth = self._config.auth
        if isinstance(auth, ClientCredentials):
            return {"grant_type": "client_credentials"}, HTTPBasicAuth(auth.key.encode(), auth.secret.encode())
        return {"grant_type": JWT_GRANT, "assertion": self._assertion(auth)}, None

    def _assertion(self, auth: JwtBearer) -> str:
        import jwt  # with cryptography, 10 MB: only for whoever logs in so

        expires = int(self._now().timestamp()) + JWT_LIFE
        claims: dict[str, Any] = {"iss": auth.key, "sub": auth.user, "aud": auth.audience, "exp": expires}
        try:
            return jwt.encode(claims, auth.private_key_pem, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise LoginFailed(System.SALESFORCE, "bad_private_key", "the private key cannot sign") from error

    def _instance(self, url: str) -> str:
        """``url`` as scheme and host: the configured login host, or any *.my.salesforce.com over TLS (rules §12)."""
        login, found = urlsplit(self._config.login_url), _ORIGIN.fullmatch(url)
        scheme, host, port = found.groups() if found else ("", "", None)
        own = found is not None and (scheme, _one_name(host)) == (login.scheme, _one_name(login.hostname or ""))
        org = scheme == "https" and host.lower().endswith(".my.salesforce.com") and port is None
        if not (own or org):
            shown = f"{scheme}://{host}{port or ''}"
            said = (
                f"the instance {shown} is neither the host of login_url nor https://*.my.salesforce.com without a port"
            )
            raise LoginFailed(System.SALESFORCE, "instance_url_refused", said)
        return f"{scheme}://{login.hostname if own else host}{port or ''}"


def _one_name(host: str) -> str:
    """This machine goes by two names, and what plays an org here may call itself by the other one."""
    return "127.0.0.1" if host.lower() == "localhost" else host.lower()


def _user_of(identity_url: str) -> str | None:
    """The user id in an identity URL, ``https://login…/id/<org id>/<user id>``."""
    try:
        return norm_id(identity_url.rstrip("/").rpartition("/")[2], "005")
    except ValueError:
        return None


def _json_object(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _login_failure(response: requests.Response, body: dict[str, Any]) -> IntegrationError:
    """A 4xx with an OAuth error is a refusal; anything else is a login server that is not itself today."""
    status, code, said = response.status_code, str(body.get("error") or ""), str(body.get("error_description") or "")
    if 300 <= status < 400:
        return LoginFailed(System.SALESFORCE, "redirect_refused", "the login server redirects", http_status=status)
    if 400 <= status < 500 and status != 429 and code and code not in _PASSING:
        return LoginFailed(System.SALESFORCE, code, said or "login refused", http_status=status)
    said = said or f"the login server answered HTTP {status} without a token"
    return CallFailed(
        System.SALESFORCE, "token", ErrorClass.TRANSIENT, code or f"http_{status}", said, http_status=status
    )


def _again(error: IntegrationError) -> IntegrationError:
    """A fresh copy: one exception object raised in several threads would mix their tracebacks."""
    if isinstance(error, LoginFailed):
        return LoginFailed(error.system, error.code, error.message, http_status=error.http_status)
    return CallFailed(
        error.system, error.operation, error.error_class, error.code, error.message, http_status=error.http_status
    )
