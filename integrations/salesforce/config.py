"""What the Salesforce client must be told. Secrets do not appear in any repr."""

from dataclasses import dataclass, field
from pathlib import Path

from integrations.http import Timeouts


@dataclass(frozen=True)
class ClientCredentials:
    """OAuth client credentials of an External Client App that has a Run-As user."""

    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class JwtBearer:
    """OAuth JWT bearer. ``audience``: https://login.salesforce.com, or https://test.salesforce.com for sandbox orgs."""

    key: str
    user: str
    private_key_pem: str = field(repr=False)
    audience: str = "https://login.salesforce.com"


@dataclass(frozen=True)
class SalesforceConfig:
    """``login_url`` is the org's My Domain address; ``org_id`` (15 or 18) pins the org; ``workers`` are own threads."""

    login_url: str
    auth: ClientCredentials | JwtBearer
    api_version: str = "63.0"
    org_id: str | None = None
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(connect=5.0, read=30.0, write=30.0, total=60.0))
    workers: int = 16
    ca_file: Path | None = None
    trust_env: bool = False
