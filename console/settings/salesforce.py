"""[salesforce]: the org that holds customers and orders."""

from pathlib import Path

from pydantic import Field, SecretStr

from console.settings.values import Period, Section, WebAddress, needed


class SalesforceSettings(Section):
    """Log in by ``client_secret`` (client credentials) or by ``username`` and ``private_key`` (JWT bearer)."""

    login_url: WebAddress = Field(
        default="", description="Address of the org or of its My Domain, for example https://acme.my.salesforce.com"
    )
    api_version: str = Field(default="63.0", pattern=r"^\d{2,3}\.0$", description="REST API version")
    org_id: str = Field(
        default="",
        pattern=r"^(00D[A-Za-z0-9]{12}([A-Z0-9]{3})?)?$",
        description="Id of the org this install belongs to (pinned); a production org is refused without it",
    )
    client_id: str = Field(default="", description="Consumer key of the connected app")
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="Consumer secret, for the client credentials flow"
    )
    username: str = Field(default="", description="Integration user, for the JWT bearer flow")
    private_key: SecretStr = Field(default=SecretStr(""), description="Private key in PEM, for the JWT bearer flow")
    audience: str = Field(default="", description="JWT audience; empty: the login address")
    events_enabled: bool = Field(
        default=True, description="Subscribe to platform events; the poll goes on without (also SF_EVENTS_ENABLED)"
    )
    event_channel: str = Field(
        default="/event/OrderProvisionRequested__e", pattern=r"^/(event|data)/\w+$", description="Channel of the event"
    )
    workers: int = Field(default=16, ge=1, le=200, description="Threads of the client, the most calls at one time")
    timeout: Period = Field(default=40.0, description="Time-out of a request")
    ca_file: Path | None = Field(
        default=None, description="Certificate authorities to trust instead of the system's (PEM)"
    )
    trust_env: bool = Field(default=False, description="Use the proxy of the environment (HTTPS_PROXY)")

    @property
    def uses_jwt(self) -> bool:
        return bool(self.private_key.get_secret_value())

    def missing(self) -> list[tuple[str, str]]:
        login = {"login_url": "the org's address", "client_id": "the connected app's consumer key"}
        if self.uses_jwt or self.username:
            login |= {"username": "the user of the JWT bearer flow", "private_key": "the key of the JWT bearer flow"}
        else:
            login |= {"client_secret": "the connected app's consumer secret (or username and private_key)"}
        return needed(self, login)
