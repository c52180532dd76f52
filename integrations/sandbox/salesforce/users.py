"""The people and apps that log in to the sandbox's org, and the apps (consumers) they log in through."""

from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """One Salesforce user. ``permissions`` are API names of custom permissions (``$Permission.X`` in formulas)."""

    id: str  # 18 characters, prefix 005
    username: str
    first_name: str
    last_name: str
    alias: str
    permissions: frozenset[str] = frozenset()

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
