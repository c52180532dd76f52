"""Who may call: address list, access key, credentials and their API roles (facts/whmcs.md §2)."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.whmcs.answers import ApiError
from integrations.sandbox.whmcs.phpform import Form
from integrations.sandbox.whmcs.records import Records

LOOPBACK = frozenset({"127.0.0.1", "::1"})
READER_DENIED = frozenset(
    {
        "acceptorder", "addbillableitem", "addclient", "addinvoicepayment", "addorder", "cancelorder", "capturepayment",
        "createinvoice", "createssotoken", "deleteorder", "fraudorder", "getpaymethods", "modulecreate",
        "modulesuspend", "moduleterminate", "moduleunsuspend", "pendingorder", "sendemail", "updateclient",
        "updateclientproduct", "updateinvoice", "whmcsdetails",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Credential:
    """An API credential and what its role lacks (action names in lower case)."""

    identifier: str
    secret: str
    denied: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Access:
    """The installation's doors. ``addresses`` is exact, without ranges; an empty set denies everybody."""

    credentials: tuple[Credential, ...]
    admin_name: str
    admin_password: str
    access_key: str
    addresses: frozenset[str] = LOOPBACK

    def admit(self, form: Form, address: str) -> Credential:
        """The credential of a request, or an HTTP 403 in WHMCS's words."""
        if address not in self.addresses and not self._has_key(form):
            raise ApiError(f"Invalid IP {address}", 403)
        pairs = [(_text(form, "identifier"), _text(form, "secret")), (_text(form, "username"), _text(form, "password"))]
        given = [(name, word) for name, word in pairs if name and word]
        if not given:
            raise ApiError("Invalid or missing credentials", 403)
        name, word = given[0]
        for credential in self.credentials:
            if _same(name, credential.identifier) and _same(word, credential.secret):
                return credential
        hashed = hashlib.md5(self.admin_password.encode(), usedforsecurity=False).hexdigest()
        if _same(name, self.admin_name) and _same(word.lower(), hashed):
            return Credential(name, word)
        raise ApiError("Authentication Failed", 403)

    def _has_key(self, form: Form) -> bool:
        key = _text(form, "accesskey")
        return bool(self.access_key) and _same(key, self.access_key)


def allow(credential: Credential, action: str, more_denied: frozenset[str]) -> None:
    """Raise the permission error when the credential's role lacks ``action`` (any case)."""
    name = action.lower()
    if name in credential.denied or name in {denied.lower() for denied in more_denied}:
        raise ApiError(f'Invalid Permissions: API action "{name}" is not allowed', 403)


def kept_access(records: Records) -> Access:
    """The access of this installation: made once, then read from its records, so that a restart changes nothing."""
    kept: Mapping[str, Any] | None = records.setup.get("access")
    if kept is None:
        kept = {
            "identifier": secrets.token_urlsafe(24), "secret": secrets.token_urlsafe(24),
            "reader_identifier": secrets.token_urlsafe(24), "reader_secret": secrets.token_urlsafe(24),
            "admin_password": secrets.token_urlsafe(12), "access_key": secrets.token_hex(16),
        }  # fmt: skip
        with records.store.transaction():
            records.setup.put("access", dict(kept))
    main = Credential(kept["identifier"], kept["secret"])
    reader = Credential(kept["reader_identifier"], kept["reader_secret"], READER_DENIED)
    return Access((main, reader), "admin", kept["admin_password"], kept["access_key"])


def _text(form: Form, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
