"""The people and apps that log in to the sandbox's org, and the apps (consumers) they log in through."""

import secrets
from dataclasses import dataclass

from integrations.salesforce.ids import to18
from integrations.salesforce.package import Package
from integrations.sandbox.store import Store


@dataclass(frozen=True)
class User:
    """One Salesforce user. ``permissions`` are API names of custom permissions (``$Permission.X`` in formulas)."""

    id: str  # 18 characters, prefix 005
    username: str
    first_name: str
    last_name: str
    alias: str
    permissions: frozenset[str] = frozenset()
    permission_set: str = ""  # of the package; "" may do everything

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def email(self) -> str:
        return self.username


@dataclass(frozen=True)
class Consumer:
    """One External Client App: its key pair and, for client credentials, the user it runs as (None: none enabled)."""

    key: str
    secret: str
    run_as: str | None  # user id


INTEGRATION, PLACER, APPROVER, ADMIN = "integration", "placer", "approver", "admin"
DOMAIN = "portal-sandbox.example"
PEOPLE = (
    (INTEGRATION, "Portal", "Integration", "Portal_Integration"),
    (PLACER, "Misaki", "Aoki", "Portal_Staff"),
    (APPROVER, "Kenji", "Watanabe", "Portal_Staff"),
    (ADMIN, "Naomi", "Ito", ""),
)


def make_users(package: Package) -> dict[str, User]:
    """The org's users by alias. Each holds the custom permissions of one permission set of the package, if any."""
    found = {}
    for n, (alias, first, last, held) in enumerate(PEOPLE, 1):
        granted = package.permission_sets.get(held)
        permissions = granted.custom_permissions if granted else frozenset()
        key = to18(f"0055h0{n:09d}")
        found[alias] = User(key, f"{alias}@{DOMAIN}", first, last, alias[:8], permissions, held)
    return found


def make_consumers(store: Store, users: dict[str, User]) -> dict[str, Consumer]:
    """One app per user, by alias; keys and secrets are drawn at first start and kept."""
    rows = store.table("sf.consumer")
    found = {}
    for alias, user in users.items():
        row = rows.get(alias)
        if row is None:
            row = {"key": f"3MVG9{secrets.token_urlsafe(48)}", "secret": secrets.token_hex(32).upper()}
            with store.transaction():
                rows.put(alias, row)
        found[alias] = Consumer(row["key"], row["secret"], user.id)
    return found
