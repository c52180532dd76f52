"""One tree of failures of the outside systems.

    IntegrationError
    ├── LoginFailed          the system refused our credentials (class config)
    └── CallFailed           one request failed, was refused, or its outcome cannot be told

The class says what the engine may do next (design/rules.md §7). The one that carries the law is ``OUTCOME_UNKNOWN``:
a *write* that was not provably refused raises it, and nothing else does. Every other class therefore also says
"no effect was made"; a failed *read* is never OUTCOME_UNKNOWN.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum

DETAIL_LIMIT = 300


class ErrorClass(StrEnum):
    """What a failure means for the run that met it (rules §7)."""

    TRANSIENT = "transient"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CAPACITY = "capacity"
    CUSTOMER = "customer"
    DATA = "data"
    CONFLICT = "conflict"
    CONFIG = "config"


class System(StrEnum):
    """The outside systems, by the names used in settings, screens, logs and the journal."""

    SALESFORCE = "salesforce"
    WHMCS = "whmcs"
    ESIM = "esim"
    MAIL = "mail"


def plain_text(text: str, limit: int = DETAIL_LIMIT) -> str:
    """Outside text made safe to store and show: no control, format or bidi characters, one line, cut to ``limit``."""
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    folded = " ".join(kept.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


class IntegrationError(Exception):
    """A failure of an outside system.

    ``code`` is the system's own stable code (Salesforce errorCode, ES2+ "subject/reason", a WHMCS message without its
    variable parts, "timeout", "http_503"). ``message`` and ``detail`` are stripped and cut; put only allow-listed
    values into ``detail``, never a raw body. ``retry_after`` is in seconds.
    """

    def __init__(
        self,
        system: System,
        operation: str,
        error_class: ErrorClass,
        code: str,
        message: str,
        *,
        retry_after: float | None = None,
        http_status: int | None = None,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        self.system = system
        self.operation = operation
        self.error_class = error_class
        self.code = plain_text(code, 80)
        self.message = plain_text(message)
        self.retry_after = retry_after
        self.http_status = http_status
        self.detail = {key: plain_text(value) for key, value in (detail or {}).items()}
        super().__init__(f"{system} {operation}: {self.code}: {self.message}")

    @property
    def refused(self) -> bool:
        """True when the failure proves that no effect was made."""
        return self.error_class is not ErrorClass.OUTCOME_UNKNOWN


class LoginFailed(IntegrationError):
    """The system does not accept our credentials; always class config."""

    def __init__(self, system: System, code: str, message: str, *, http_status: int | None = None) -> None:
        super().__init__(system, "login", ErrorClass.CONFIG, code, message, http_status=http_status)


class CallFailed(IntegrationError):
    """One request failed, was refused, or its outcome cannot be told."""
