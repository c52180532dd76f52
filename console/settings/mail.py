"""[mail]: what customers are sent."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from console.settings.values import Period, Port, Section, Sender, needed


class ResendUnknownSettings(Section):
    """Whether a mail that may or may not have been sent goes out again by itself, with the same Message-ID."""

    activation: bool = Field(default=True, description="Send the activation mail again")
    order: bool = Field(default=False, description="Send the order mail again")


class MailSettings(Section):
    enabled: bool = Field(default=True, description="Send mail; when off, mails wait in the queue")
    host: str = Field(default="", description="SMTP server")
    port: Port = Field(default=587, description="Port: 587 with starttls, 465 with tls")
    security: Literal["none", "starttls", "tls"] = Field(
        default="starttls", description="How the connection is protected"
    )
    username: str = Field(default="", description="SMTP login; empty: none")
    password: SecretStr = Field(default=SecretStr(""), description="SMTP password")
    sender: Sender = Field(default="", description="From, for example: Acme Mobile <no-reply@acme.example>")
    reply_to: str = Field(default="", description="Reply-To; empty: none")
    brand: str = Field(default="", description="Name of the company in mails; empty: the name in sender")
    support: str = Field(default="", description="How customers reach support, one line shown in every mail")
    ca_file: Path | None = Field(
        default=None, description="Certificate authorities to trust instead of the system's (PEM)"
    )
    timeout: Period = Field(default=30.0, description="Time-out of each SMTP command")
    answer_timeout: Period = Field(default=120.0, description="Time-out of the answer to the message itself")
    resend_unknown: ResendUnknownSettings = Field(default_factory=ResendUnknownSettings)

    def missing(self) -> list[tuple[str, str]]:
        if not self.enabled:
            return []
        reasons = {"host": "mail is enabled", "sender": "mail is enabled"}
        if self.username:
            reasons["password"] = "a login needs it"  # noqa: S105 - a reason, not a password
        return needed(self, reasons)
