"""Logging in: client credentials (Basic or form) and JWT bearer, userinfo and the identity URL (facts §4)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.sandbox.salesforce.tokens import TokenBook
from integrations.sandbox.salesforce.users import Consumer, User

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
LEEWAY = 60


class Refused(Exception):
    """A login is refused: HTTP 400 with an object, not an array."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.body = {"error": error, "error_description": description}


@cache
def make_key() -> str:
    """An RSA private key as PEM text. The new orgs of one process share it: it guards nothing, and drawing one is slow."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


class OAuth:
    """The token endpoint of one org. ``private_key`` (PEM) is the one whose certificate every app carries."""

    def __init__(
        self, org_id: str, tokens: TokenBook, users: Mapping[str, User], consumers: tuple[Consumer, ...],
        private_key: str, now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._org_id = org_id
        self._tokens = tokens
        self._users = {user.username.lower(): user for user in users.values()}
        self._by_id = users
        self._consumers = {consumer.key: consumer for consumer in consumers}
        self._private_key = private_key
        self._now = now

    def token(self, form: Mapping[str, str], authorization: str | None, base_url: str) -> dict[str, Any]:
        """Answer a token request; ``base_url`` becomes instance_url. Raises Refused."""
        match form.get("grant_type"):
            case None | "":
                raise Refused("invalid_request", "grant type is missing")
            case "client_credentials":
                user = self._client_credentials(form, authorization)
            case grant if grant == JWT_GRANT:
                user = self._jwt_bearer(form.get("assertion", ""), base_url)
            case _:
                raise Refused("unsupported_grant_type", "grant type not supported")
        token = self._tokens.issue(user)
        issued = str(int(self._now().timestamp() * 1000))
        identity = f"{base_url}/id/{self._org_id}/{user.id}"
        digest = hmac.digest(self._org_id.encode(), (identity + issued).encode(), hashlib.sha256)
        return {
            "access_token": token,
            "signature": base64.b64encode(digest).decode(),
            "scope": "api",
            "instance_url": base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            "api_instance_url": "https://api.salesforce.com",
        }

    @cached_property
    def _public_key(self) -> rsa.RSAPublicKey:
        key = serialization.load_pem_private_key(self._private_key.encode(), None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.public_key()

    def _client_credentials(self, form: Mapping[str, str], authorization: str | None) -> User:
        key, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        consumer = self._consumers.get(key)
        if consumer is None:
            raise Refused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(consumer.secret.encode(), secret.encode()):
            raise Refused("invalid_client", "invalid client credentials")
        if consumer.run_as is None:
            raise Refused("invalid_grant", "no client credentials user enabled")
        return self._by_id[consumer.run_as]

    def _jwt_bearer(self, assertion: str, base_url: str) -> User:
        options: Any = {"verify_exp": False, "verify_aud": False, "require": ["iss", "sub", "aud", "exp"]}
        try:
            claims = jwt.decode(assertion, self._public_key, algorithms=["RS256"], options=options)
            expires = int(claims["exp"])  # simple-salesforce sends it as text
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise Refused("invalid_grant", "invalid assertion") from error
        if claims["iss"] not in self._consumers:
            raise Refused("invalid_client_id", "client identifier invalid")
        if claims["aud"] not in (*AUDIENCES, base_url):
            raise Refused("invalid_grant", "audience is invalid")
        if expires < self._now().timestamp() - LEEWAY:
            raise Refused("invalid_grant", "expired authorization code")
        user = self._users.get(str(claims["sub"]).lower())
        if user is None:
            raise Refused("invalid_grant", "user hasn't approved this consumer")
        return user


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Key and secret of a Basic header, None where there is none that can be read."""
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return key, secret


def userinfo(user: User, org_id: str, base_url: str) -> dict[str, Any]:
    """``GET /services/oauth2/userinfo`` (OpenID Connect)."""
    return {
        "sub": f"{base_url}/id/{org_id}/{user.id}",
        "user_id": user.id,
        "organization_id": org_id,
        "preferred_username": user.username,
        "nickname": user.alias,
        "name": user.name,
        "email": user.email,
        "email_verified": True,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "zoneinfo": "Asia/Tokyo",
        "locale": "ja_JP",
        "language": "ja",
        "user_type": "STANDARD",
        "active": True,
        "urls": _urls(base_url),
    }


def identity(user: User, org_id: str, base_url: str) -> dict[str, Any]:
    """What the ``id`` URL of a token answer tells."""
    return {
        "id": f"{base_url}/id/{org_id}/{user.id}",
        "asserted_user": True,
        "user_id": user.id,
        "organization_id": org_id,
        "username": user.username,
        "nick_name": user.alias,
        "display_name": user.name,
        "email": user.email,
        "email_verified": True,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "timezone": "Asia/Tokyo",
        "active": True,
        "user_type": "STANDARD",
        "language": "ja",
        "locale": "ja_JP",
        "urls": _urls(base_url),
    }


def _urls(base_url: str) -> dict[str, str]:
    data = f"{base_url}/services/data/v{{version}}/"
    return {
        "rest": data,
        "sobjects": f"{data}sobjects/",
        "query": f"{data}query/",
        "search": f"{data}search/",
        "recent": f"{data}recent/",
        "users": f"{data}chatter/users",
        "custom_domain": base_url,
    }
