"""[whmcs]: billing."""

from decimal import Decimal
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator

from console.settings.values import Period, Seconds, Section, WebAddress, needed


class TaxSettings(Section):
    """How a WHMCS amount compares with the approved amount of an order line."""

    rule: Literal["exclusive", "inclusive", "none"] = Field(
        default="exclusive", description="Prices in WHMCS exclude tax, include it, or there is none"
    )
    rate: Decimal = Field(default=Decimal("0.10"), ge=0, lt=1, description="Tax rate, 0.10 for ten percent")


class WhmcsSettings(Section):
    url: WebAddress = Field(default="", description="Address of the install, with or without /includes/api.php")
    identifier: str = Field(default="", description="API credential identifier")
    secret: SecretStr = Field(default=SecretStr(""), description="API credential secret")
    access_key: SecretStr = Field(default=SecretStr(""), description="API access key, where the install asks for one")
    customer_number_field_id: int = Field(
        default=0, ge=0, description="Id of the client custom field that holds the Salesforce customer number"
    )
    marker_fields: dict[int, int] = Field(
        default_factory=dict, description="Product id → id of its custom field that carries our marker"
    )
    iccid_fields: dict[int, int] = Field(
        default_factory=dict, description="Product id → id of its custom field that shows the ICCID"
    )
    manual_products: tuple[int, ...] = Field(
        default=(), description="Product ids that a person sets up (Pending is right for them)"
    )
    manual_gateways: tuple[str, ...] = Field(
        default=(), description="Gateways paid by invoice, without a stored pay method"
    )
    default_gateway: str = Field(default="", description="Gateway for clients who have no default of their own")
    notes_proved: bool = Field(default=False, description="This install was proved to keep the notes given to AddOrder")
    tax: TaxSettings = Field(default_factory=TaxSettings)
    time_zone: str = Field(default="Asia/Tokyo", description="Time zone of the install (expiry of cards)")
    late_after: Seconds = Field(default=900.0, description="How long after a call WHMCS may still make its effect")
    read_timeout: Period = Field(default=10.0, description="Time-out of reads")
    write_timeout: Period = Field(default=60.0, description="Time-out of writes")
    web_url: WebAddress = Field(default="", description="Address of the admin area, for links to orders and clients")
    ca_file: Path | None = Field(
        default=None, description="Certificate authorities to trust instead of the system's (PEM)"
    )
    trust_env: bool = Field(default=False, description="Use the proxy of the environment (HTTPS_PROXY)")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, LookupError, OSError) as error:
            raise ValueError(f"{value!r} is not a known time zone, such as Asia/Tokyo") from error
        return value

    def missing(self) -> list[tuple[str, str]]:
        return needed(
            self,
            {
                "url": "the install's address",
                "identifier": "the API credential",
                "secret": "the API credential's secret",
                "customer_number_field_id": "no client can be matched without it",
            },
        )
