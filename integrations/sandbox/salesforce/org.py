"""One org: its rows, rules, events, users and limits, put together. What the protocol parts work on."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.salesforce.package import Package, load_package
from integrations.sandbox.salesforce.automation import Automation, Lost
from integrations.sandbox.salesforce.bus import EventBus
from integrations.sandbox.salesforce.catalog import build_schema
from integrations.sandbox.salesforce.errors import SalesforceError
from integrations.sandbox.salesforce.rows import Database
from integrations.sandbox.salesforce.rules import StandardRules
from integrations.sandbox.salesforce.save import Saver
from integrations.sandbox.salesforce.schema import SObject
from integrations.sandbox.salesforce.soql_eval import Soql
from integrations.sandbox.salesforce.users import User
from integrations.sandbox.store import Store


@dataclass
class Usage:
    """The daily API allowance: ``used`` of ``limit`` requests, as Sforce-Limit-Info says it."""

    limit: int = 100_000
    used: int = 0

    def count(self) -> None:
        self.used = min(self.used + 1, self.limit)

    @property
    def exhausted(self) -> bool:
        return self.used >= self.limit

    def header(self) -> str:
        return f"api-usage={self.used}/{self.limit}"


@dataclass
class Org:
    """Everything of one org but the wire."""

    id: str
    db: Database
    saver: Saver
    soql: Soql
    bus: EventBus
    package: Package
    users: Mapping[str, User]
    usage: Usage
    batch_size: int = 2000
    cursors: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def sobject(self, name: str) -> SObject:
        """The object type of this name. Raises NOT_FOUND."""
        found = self.db.schema.find(name)
        if found is None:
            raise SalesforceError("NOT_FOUND", "The requested resource does not exist", http=404)
        return found


def make_org(
    store: Store,
    org_id: str,
    users: Mapping[str, User],
    *,
    now: Callable[[], datetime],
    lost: Lost,
    zone: str = "Asia/Tokyo",
    package: Package | None = None,
    daily_limit: int = 100_000,
    batch_size: int = 2000,
) -> Org:
    """An org over ``store``; ``lost`` decides about each published event whether it gets lost."""
    package = package or load_package()
    schema = build_schema(package)
    db = Database(store, schema, now)
    channels = [f"/event/{sobject.name}" for sobject in schema.sobjects if sobject.event]
    bus = EventBus(store, channels, now=now, gaps=random.Random(org_id))
    rules = StandardRules(db, {status.name: status.category for status in package.order_statuses})
    saver = Saver(db, rules, Automation(db, package, bus, lost))
    soql = Soql(db, ZoneInfo(zone))
    return Org(org_id, db, saver, soql, bus, package, users, Usage(daily_limit), batch_size)
