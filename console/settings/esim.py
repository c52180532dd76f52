"""[esim]: the provider of eSIM profiles."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from console.settings.values import Period, Port, Seconds, Section, WebAddress, needed


class ReceiverSettings(Section):
    """Our own listener for the provider's progress call-backs (ES2+ HandleDownloadProgressInfo)."""

    enabled: bool = Field(default=False, description="Listen for progress call-backs")
    host: str = Field(default="0.0.0.0", description="Address to listen on")  # noqa: S104 - mutual TLS with a pinned key guards it
    port: Port = Field(default=8443, description="Port to listen on (0: a free one)")
    cert: Path | None = Field(default=None, description="Certificate of the listener (PEM)")
    key: Path | None = Field(default=None, description="Private key of the listener (PEM)")
    ca: Path | None = Field(
        default=None, description="Certificate authority of the provider's client certificate (PEM)"
    )
    pinned_key: str = Field(
        default="", description="SHA-256 of the provider's public key (hex); empty: any key of that authority"
    )
    reply: Literal["204", "200"] = Field(
        default="204", description="Answer to a call-back: 204, or 200 with JSON for old providers"
    )

    def missing(self) -> list[tuple[str, str]]:
        if not self.enabled:
            return []
        return needed(self, dict.fromkeys(("cert", "key", "ca"), "the receiver is enabled"))


class EsimSettings(Section):
    provider: Literal["es2plus"] = Field(default="es2plus", description="Kind of provider")
    url: WebAddress = Field(default="", description="Address of the SM-DP+, without /gsma/rsp2/es2plus")
    requester_id: str = Field(default="", description="functionRequesterIdentifier agreed with the provider")
    client_cert: Path | None = Field(
        default=None, description="Our certificate for mutual TLS (PEM); none for plain http to this machine"
    )
    client_key: Path | None = Field(default=None, description="Its private key (PEM)")
    ca_file: Path | None = Field(default=None, description="Certificate authority of the provider's server (PEM)")
    fallback_smdp_address: str = Field(
        default="", description="SM-DP+ host for activation codes where confirmOrder names none"
    )
    protocol_version: str = Field(
        default="v2.1.0", pattern=r"^v\d+\.\d+\.\d+$", description="Version told in X-Admin-Protocol"
    )
    order_by: Literal["iccid", "type"] = Field(
        default="iccid", description="Order reserved profiles, or any profile of a type"
    )
    pad_iccid: bool = Field(default=False, description="Send 19-digit ICCIDs with a trailing F")
    late_after: Seconds = Field(
        default=300.0, description="How long after a call the provider may still make its effect"
    )
    timeout: Period = Field(default=30.0, description="Time-out of a call")
    first_stock: Path | None = Field(
        default=None,
        description="CSV of profiles (iccid, type) for a journal that has none yet; later ones: portal esim import",
    )
    low_water: dict[str, int] = Field(
        default_factory=dict, description="Profile type → free profiles below which an alarm is raised"
    )
    notification_points: dict[int, str] = Field(
        default_factory=dict, description="Provider's own notificationPointId → meaning, beyond the standard 1 to 4"
    )
    receiver: ReceiverSettings = Field(default_factory=ReceiverSettings)

    def missing(self) -> list[tuple[str, str]]:
        why = "every call to the provider is made with mutual TLS, except over http:// to this machine"
        asked = {"url": "the provider's address", "requester_id": "the provider knows us by it"}
        plain = self.url.startswith("http://") and self.client_cert is None and self.client_key is None
        return needed(self, asked if plain else asked | {"client_cert": why, "client_key": why})
