"""How the org says no: one error carries one or several of Salesforce's error entries (facts §6)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One error. ``fields`` None leaves the key out of REST answers (collections and trees always carry it)."""

    code: str
    message: str
    fields: tuple[str, ...] | None = None

    def rest(self) -> dict[str, Any]:
        """As REST's rows, query and composite say it: key ``errorCode``."""
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return body

    def status(self) -> dict[str, Any]:
        """As collections and trees say it: key ``statusCode``."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class SalesforceError(Exception):
    """A request or one record of it is refused; nothing of it stays."""

    def __init__(self, code: str, message: str, *, fields: tuple[str, ...] | None = None, http: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.http = http
        self.entries: tuple[Entry, ...] = (Entry(code, message, fields),)

    @classmethod
    def several(cls, entries: list[Entry]) -> "SalesforceError":
        """One refusal with all its reasons (at least one)."""
        error = cls(entries[0].code, entries[0].message)
        error.entries = tuple(entries)
        return error

    @property
    def code(self) -> str:
        return self.entries[0].code

    def body(self) -> list[dict[str, Any]]:
        return [entry.rest() for entry in self.entries]


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    return SalesforceError("NOT_FOUND", message, http=404)


def method_not_allowed(method: str, allowed: str) -> SalesforceError:
    message = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    return SalesforceError("METHOD_NOT_ALLOWED", message, http=405)
