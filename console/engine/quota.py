"""Salesforce's daily allowance of API calls: when little of it is left, only claim, crm and poll run (rules §13)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.engine.failures import NotNow
from integrations.errors import System

if TYPE_CHECKING:
    from integrations.salesforce.models import ApiUsage

LOW_BELOW = 0.10
ENOUGH_FROM = 0.12  # not the same figure, so that the flag does not flutter around one
SLOWER = 5.0


class Quota:
    """``usage`` is what the last answer's Sforce-Limit-Info said (used of total calls in 24 h), None before the first."""

    def __init__(self, usage: "Callable[[], ApiUsage | None]" = lambda: None) -> None:
        self._usage = usage
        self._low = False

    @property
    def usage(self) -> "ApiUsage | None":
        return self._usage()

    @property
    def low(self) -> bool:
        """Is less than a tenth left? Door reads of events wait then, and nobody looks at live records."""
        usage = self._usage()
        if usage is None or usage.total <= 0:
            return self._low
        left = (usage.total - usage.used) / usage.total
        self._low = left < (ENOUGH_FROM if self._low else LOW_BELOW)
        return self._low

    @property
    def problem(self) -> str | None:
        """The figures in words while it is low."""
        usage = self._usage()
        if not self.low or usage is None:
            return None
        left = max(usage.total - usage.used, 0)
        return (
            f"Salesforce: {usage.used:,} of {usage.total:,} API calls of 24 h are used ({100 * left / usage.total:.1f} %"
            " left): only claims, activations and the poll go on"
        )

    def check(self, what: str) -> None:
        """Before a call that can wait (a screen, a command, a status write). Raises NotNow while the allowance is low."""
        if (problem := self.problem) is not None:
            raise NotNow(System.SALESFORCE, f"{what} waits: {problem}", after=60.0)
