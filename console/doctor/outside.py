"""Checks of the outside systems with this install's own credentials: reach, rights, fields, quota, clock. All are reads."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from console.daemon.clients import Clients, make_clients
from console.daemon.organisation import PRODUCTION
from console.doctor.check import Check, Finding, bad, ok, warn
from console.settings.model import Settings
from integrations.errors import ErrorClass, IntegrationError
from integrations.salesforce.package import load_package

LARGEST_SKEW = 60.0  # seconds (rules §10)
LOW_QUOTA = 0.10  # of the day's calls (rules §13)
READ_OBJECTS = ("Account", "Order", "OrderItem", "Product2", "Portal_Journal__c")
_NAMED = re.compile(r"\b\w+__c\b")


class OutsideChecks:
    """Raises IntegrationError when the settings do not make clients (an address that may not be used)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._skews: dict[str, float] = {}
        self._clients: Clients = make_clients(settings, lambda: datetime.now(UTC), self._dated)

    async def close(self) -> None:
        await self._clients.close()

    def all(self) -> list[Check]:
        named: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
            ("Salesforce", self.salesforce),
            ("Salesforce fields", self.fields),
            ("WHMCS", self.whmcs),
            ("WHMCS products", self.products),
            ("eSIM provider", self.esim),
            ("mail server", self.mail),
        ]
        return [Check(name, _told(look)) for name, look in named]

    def clock(self) -> Finding:
        """After the others: this machine's clock against the Date headers that came meanwhile."""
        if not self._skews:
            return warn("no system answered, so there is nothing to compare it with")
        system, skew = max(self._skews.items(), key=lambda item: abs(item[1]))
        said = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {system}"
        return bad(said, "set it; guarded calls wait until then") if abs(skew) > LARGEST_SKEW else ok(said)

    def _dated(self, system: str, date: datetime) -> None:
        self._skews[system] = (datetime.now(UTC) - date).total_seconds()

    async def salesforce(self) -> Finding:
        """The org is the one meant, and its daily calls last."""
        org = await self._clients.salesforce.org()
        label = self._settings.daemon.environment
        said = f"{org.name} ({org.id}, {'sandbox' if org.is_sandbox else 'production'})"
        if org.is_sandbox == (label == PRODUCTION):
            return bad(f"{said}, but daemon.environment is {label!r}: the daemon refuses to start")
        if not org.is_sandbox and not self._settings.salesforce.org_id:
            return bad(said, "pin it with salesforce.org_id")
        most, left = (await self._clients.salesforce.limits()).get("DailyApiRequests", (0, 0))
        said += f", {left:,} of {most:,} calls left today"
        return (
            warn(f"{said}: below 10 % only claim, crm and poll run", "find what uses them up")
            if most and left < most * LOW_QUOTA
            else ok(said)
        )

    async def fields(self) -> Finding:
        """Every field of our package is there and may be read by the integration user."""
        missing: list[str] = []
        objects = load_package().objects
        for name in READ_OBJECTS:
            wanted = [field for field in objects[name].fields if field.endswith("__c")] if name in objects else []
            missing += [f"{name}.{field}" for field in await self._unreadable(name, wanted)]
        if not missing:
            return ok(f"the package's fields of {', '.join(READ_OBJECTS)} can be read")
        return bad(
            f"not there, or not readable for the integration user: {', '.join(missing)}",
            "deploy the package and assign its permission set",
        )

    async def _unreadable(self, name: str, wanted: list[str]) -> list[str]:
        missing: list[str] = []
        while wanted:
            try:
                await self._clients.salesforce.query(f"SELECT {', '.join(wanted)} FROM {name} LIMIT 1")  # noqa: S608 - names of our own package
                return missing
            except IntegrationError as error:
                named = [field for field in wanted if field in _NAMED.findall(error.message)][:1]
                if error.code == "INVALID_TYPE":
                    return [*missing, "(the object itself)"]
                if error.code != "INVALID_FIELD" or not named:
                    raise
                missing += named
                wanted = [field for field in wanted if field not in named]
        return missing

    async def whmcs(self) -> Finding:
        """Every action we use is allowed for the role."""
        missing = await self._clients.whmcs.missing_actions()
        if not missing:
            return ok("all actions are allowed for the role")
        return bad(f"not allowed for the role: {', '.join(missing)}", "allow them in WHMCS, Setup, API Roles")

    async def products(self) -> Finding:
        """The mapped products exist."""
        wanted = sorted({*self._settings.whmcs.marker_fields, *self._settings.whmcs.manual_products})
        if not wanted:
            return warn(
                "no product can be provisioned without a marker field", "fill whmcs.marker_fields, or set notes_proved"
            )
        found = await self._clients.whmcs.get_products(wanted)
        unknown = [str(pid) for pid in wanted if pid not in found]
        if unknown:
            return bad(f"WHMCS has no product {', '.join(unknown)}", "correct whmcs.marker_fields and manual_products")
        return ok(f"{len(wanted)} mapped products are there")

    async def esim(self) -> Finding:
        await self._clients.esim.probe()
        return ok("answers and knows us")

    async def mail(self) -> Finding:
        if not self._settings.mail.enabled:
            return warn("mail.enabled is off: nothing is sent")
        await self._clients.mail.probe()
        return ok(f"{self._settings.mail.host}:{self._settings.mail.port} answers")


def _told(look: Callable[[], Awaitable[Finding]]) -> Callable[[], Awaitable[Finding]]:
    """A failure of the outside as a finding."""

    async def told() -> Finding:
        try:
            return await look()
        except IntegrationError as error:
            remedy = "correct the settings or the rights" if error.error_class is ErrorClass.CONFIG else ""
            return bad(f"{error.code}: {error.message}", remedy)

    return told
