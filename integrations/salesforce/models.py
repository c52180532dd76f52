"""Salesforce rows as the rest of the product sees them: frozen, tolerant of extra keys, ids of 18 characters, UTC.

Every attribute that is a Salesforce field carries its API name as alias; the client's SELECT lists are made from these
aliases (``soql.py``) and checked against the package.
"""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from integrations.salesforce.ids import norm_id

ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _utc(value: Any) -> Any:
    """ "2026-11-23T09:00:00.000+0000" (no colon) and ISO 8601 alike, as aware UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


def _filled(value: Any) -> Any:
    """Blank text is no text."""
    return (value.strip() or None) if isinstance(value, str) else value


def _user_id(value: Any) -> Any:
    """A text field that holds a user's id, in whichever length; what is none is kept as it is."""
    text = _filled(value)
    try:
        return norm_id(text, "005") if isinstance(text, str) else text
    except ValueError:
        return text


def _decimal(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _whole(value: Any) -> Any:
    """A Number field of scale 0: Salesforce may write 5 as 5.0."""
    return int(value) if isinstance(value, (float, Decimal)) and value == int(value) else value


Id = Annotated[str, BeforeValidator(lambda value: norm_id(value) if isinstance(value, str) else value)]
Text = Annotated[str | None, BeforeValidator(_filled)]
UserId = Annotated[str | None, BeforeValidator(_user_id)]
Time = Annotated[datetime, BeforeValidator(_utc)]
Money = Annotated[Decimal, BeforeValidator(_decimal)]
Whole = Annotated[int, BeforeValidator(_whole)]


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Account(Row):
    id: Id = Field(alias="Id")
    name: str = Field(alias="Name")
    number: Text = Field(default=None, alias="SF_Account_No__c")
    whmcs_client_id: Text = Field(default=None, alias="WHMCS_Client_ID__c")
    phone: Text = Field(default=None, alias="Phone")


class OrderItem(Row):
    """One order product. Of ``ConfigOptions_JSON__c`` either ``config_options`` or ``config_options_error`` tells."""

    id: Id = Field(alias="Id")
    item_number: Text = Field(default=None, alias="OrderItemNumber")
    product_id: Id | None = Field(default=None, alias="Product2Id")
    product_name: str = Field(default="", alias="Product2.Name")
    sku: Text = Field(default=None, alias="Product2.StockKeepingUnit")
    quantity: Money = Field(alias="Quantity")
    unit_price: Money | None = Field(default=None, alias="UnitPrice")
    total_price: Money | None = Field(default=None, alias="TotalPrice")
    billing_cycle: Text = Field(default=None, alias="Billing_Cycle__c")
    config_options: dict[str, str] = {}
    config_options_error: str | None = None
    category: Text = Field(default=None, alias="Product2.Product2Categories1__c")
    item_class: Text = Field(default=None, alias="Product2.Item_Class__c")
    sim_form: Text = Field(default=None, alias="Product2.SIM_Form__c")
    profile_type: Text = Field(default=None, alias="Product2.ESIM_Profile_Type__c")
    whmcs_product_id: Whole | None = Field(default=None, alias="Product2.WHMCS_Product_Id__c")
    esim_iccid: Text = Field(default=None, alias="ESIM_ICCID__c")
    esim_eid: Text = Field(default=None, alias="ESIM_EID__c")
    whmcs_service_id: Text = Field(default=None, alias="WHMCS_Service_ID__c")

    @property
    def is_esim(self) -> bool:
        return self.sim_form == "eSIM"

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, row: Any) -> Any:
        if not isinstance(row, dict) or "Id" not in row:
            return row
        flat = dict(row)
        for name, value in (row.get("Product2") or {}).items():
            flat[f"Product2.{name}"] = value
        flat["Product2.Name"] = flat.get("Product2.Name") or ""
        flat["config_options"], flat["config_options_error"] = _options(row.get("ConfigOptions_JSON__c"))
        return flat


class Order(Row):
    """``system_modstamp`` is kept as sent: it is compared, never computed with."""

    id: Id = Field(alias="Id")
    number: str = Field(alias="OrderNumber")
    status: str = Field(alias="Status")
    status_code: str = Field(default="", alias="StatusCode")
    effective_date: date | None = Field(default=None, alias="EffectiveDate")
    total_amount: Money | None = Field(default=None, alias="TotalAmount")
    account_id: Id | None = Field(default=None, alias="AccountId")
    created_by_id: Id | None = Field(default=None, alias="CreatedById")
    created_at: Time | None = Field(default=None, alias="CreatedDate")
    last_modified_at: Time = Field(alias="LastModifiedDate")
    system_modstamp: str = Field(alias="SystemModstamp")
    last_modified_by_id: Id | None = Field(default=None, alias="LastModifiedById")
    provisioning_status: Text = Field(default=None, alias="Provisioning_Status__c")
    provisioning_error_code: Text = Field(default=None, alias="Provisioning_Error_Code__c")
    provisioning_error_message: Text = Field(default=None, alias="Provisioning_Error_Message__c")
    attempt_count: Annotated[int, BeforeValidator(lambda value: _whole(value or 0))] = Field(
        default=0, alias="Attempt_Count__c"
    )
    whmcs_order_id: Text = Field(default=None, alias="WHMCS_Order_ID__c")
    whmcs_invoice_id: Text = Field(default=None, alias="WHMCS_Invoice_ID__c")
    esim_iccid: Text = Field(default=None, alias="ESIM_ICCID__c")
    placed_by: Text = Field(default=None, alias="Placed_By__c")
    approved_by: Text = Field(default=None, alias="Approved_By__c")
    approved_at: Time | None = Field(default=None, alias="Approved_At__c")
    approved_by_user: UserId = Field(default=None, alias="Approved_By_User__c")
    portal_order_key: Text = Field(default=None, alias="Portal_Order_Key__c")
    recipient_email: Text = Field(default=None, alias="Portal_Recipient_Email__c")
    last_provisioning_at: Time | None = Field(default=None, alias="Last_Provisioning_At__c")

    @property
    def approved_since(self) -> datetime:
        """When it became Approved; of an order (or in an org) without the stamp, when it was last edited."""
        return self.approved_at or self.last_modified_at


class OrderRef(Row):
    """What a list of orders says about one."""

    id: Id = Field(alias="Id")
    number: str = Field(alias="OrderNumber")
    status: str = Field(alias="Status")
    last_modified_at: Time = Field(alias="LastModifiedDate")
    approved_at: Time | None = Field(default=None, alias="Approved_At__c")
    account_id: Id | None = Field(default=None, alias="AccountId")

    @property
    def approved_since(self) -> datetime:
        """As ``Order.approved_since``."""
        return self.approved_at or self.last_modified_at


class JournalRow(Row):
    """One generation of the journal (rules §5.2). A row without a time counts as seen in 1970: long dead."""

    record_id: Id = Field(alias="Id")
    generation: Whole = Field(alias="Generation__c")
    journal_id: Annotated[str, BeforeValidator(lambda value: value or "")] = Field(default="", alias="Journal_Id__c")
    highest_feed: Annotated[int, BeforeValidator(lambda value: _whole(value or 0))] = Field(
        default=0, alias="Highest_Feed__c"
    )
    seen_at: Annotated[datetime, BeforeValidator(lambda value: _utc(value or ORIGIN))] = Field(
        default=ORIGIN, alias="Seen_At__c"
    )


class OrgInfo(Row):
    id: Id = Field(alias="Id")
    name: str = Field(default="", alias="Name")
    is_sandbox: bool = Field(alias="IsSandbox")
    instance: str = Field(default="", alias="InstanceName")


class ApiUsage(Row):
    """From Sforce-Limit-Info: requests used in the last 24 h, and how many the org may make."""

    used: int
    total: int


class OrderBundle(Row):
    """An order as one composite request read it. ``items`` are sorted by item number, then id.

    ``read_at``: a moment by the org's own clock before which it was not read; None where the answer has no Date.
    """

    order: Order
    items: tuple[OrderItem, ...]
    account: Account | None
    journal: JournalRow | None = None
    read_at: datetime | None = None

    @property
    def at_rest(self) -> bool:
        """Was the second of the order's last change over when it was read?

        Only then does If-Unmodified-Since, which counts in seconds, refuse a write after every later change.
        """
        changed = self.order.last_modified_at.replace(microsecond=0)
        return self.read_at is not None and self.read_at >= changed + SECOND


def _options(text: Any) -> tuple[dict[str, str], str | None]:
    """ConfigOptions_JSON__c as name → value, or why it cannot be read (never dropped: it decides what is billed)."""
    if text is None or (isinstance(text, str) and not text.strip()):
        return {}, None
    try:
        pairs = json.loads(text, object_pairs_hook=list, parse_float=str, parse_int=str)
    except (ValueError, TypeError, RecursionError) as error:
        return {}, f"not JSON: {error}"
    if pairs is None:
        return {}, None
    if text.strip()[0] != "{":
        return {}, "not a JSON object"
    options: dict[str, str] = {}
    for name, value in pairs:
        if name in options:
            return {}, f"the option {name!r} stands twice"
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str):
            return {}, f"the option {name!r} has no plain value"
        options[name] = value
    return options, None
