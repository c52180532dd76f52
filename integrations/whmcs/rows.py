"""WHMCS's answers at the edge: tolerant pydantic models, one field list an action.

Only the fields that the client reads are declared; everything else is kept as it came, except credentials, which are
dropped before validation. No key is required here: ``reading`` decides what an answer must carry. A list field is None
where the list was absent or null, which is trouble and not an empty list.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from integrations.whmcs import values

# None of them is ever needed by us, and all open doors (facts/whmcs.md §6.1, §6.2, §6.4).
CREDENTIALS = frozenset({"password", "remote_token", "passwordhash", "access_token", "redirect_url"})

Id = Annotated[str | None, BeforeValidator(values.identifier)]
Ids = Annotated[tuple[str, ...], BeforeValidator(values.identifiers)]
Whole = Annotated[int | None, BeforeValidator(values.whole)]
Truth = Annotated[bool, BeforeValidator(values.truth)]
Text = Annotated[str, BeforeValidator(values.display_text)]
DateText = Annotated[str | None, BeforeValidator(values.date_text)]
Money = Annotated[Decimal | None, BeforeValidator(values.money)]
Cycle = Annotated[str, BeforeValidator(values.cycle)]


def _named(name: str) -> BeforeValidator:
    return BeforeValidator(lambda value: values.rows(value, name))


class Row(BaseModel):
    """Any JSON object of WHMCS: unknown keys are kept, credentials dropped."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)
    NEVER: ClassVar[frozenset[str]] = CREDENTIALS

    @model_validator(mode="before")
    @classmethod
    def _drop_credentials(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not cls.NEVER.isdisjoint(value):
            return {key: item for key, item in value.items() if key not in cls.NEVER}
        return value


class AnswerRow(Row):
    """The envelope of every action; used as it is for actions without a model of their own."""

    result: Text = ""
    status: Text = ""
    message: Text = ""


class PageRow(AnswerRow):
    """The envelope of a list with paging."""

    totalresults: Whole = None
    startnumber: Whole = None
    numreturned: Whole = None


class FieldRow(Row):
    id: Id = None
    name: Text = ""
    value: Text = ""


class ClientRow(Row):
    client_id: Id = None
    userid: Id = None
    id: Id = None
    status: Text = ""
    firstname: Text = ""
    lastname: Text = ""
    companyname: Text = ""
    email: Text = ""
    phonenumber: Text = ""
    language: Text = ""
    defaultgateway: Text = ""
    currency_code: Text = ""
    customfields: Annotated[tuple[FieldRow, ...] | None, _named("customfield")] = None


class ClientsAnswer(PageRow):
    clients: Annotated[tuple[ClientRow, ...] | None, _named("client")] = None


class ClientAnswer(AnswerRow):
    client: ClientRow | None = None


class PayMethodRow(Row):
    id: Id = None
    type: Text = ""
    description: Text = ""
    gateway_name: Text = ""
    card_last_four: Text = ""
    expiry_date: Text = ""


class PayMethodsAnswer(AnswerRow):
    clientid: Id = None
    paymethods: Annotated[tuple[PayMethodRow, ...] | None, _named("paymethod")] = None


class GatewayRow(Row):
    module: Text = ""
    displayname: Text = ""


class GatewaysAnswer(PageRow):
    paymentmethods: Annotated[tuple[GatewayRow, ...] | None, _named("paymentmethod")] = None


def _by_currency(value: Any) -> Any:
    """Prices by currency; PHP's empty containers are no prices."""
    return {} if value in (None, "", []) else value


Prices = Annotated[dict[str, dict[str, Any]], BeforeValidator(_by_currency)]


class ChoiceRow(Row):
    id: Id = None
    name: Text = ""
    pricing: Prices = Field(default_factory=dict)


class OptionRow(Row):
    id: Id = None
    name: Text = ""
    type: Text = ""
    minqty: Whole = None
    maxqty: Whole = None
    options: Annotated[tuple[ChoiceRow, ...] | None, _named("option")] = None


class FormFieldRow(Row):
    id: Id = None
    name: Text = ""
    required: Truth = False


class ProductRow(Row):
    pid: Id = None
    gid: Whole = None
    type: Text = ""
    name: Text = ""
    module: Text = ""
    paytype: Text = ""
    pricing: Prices = Field(default_factory=dict)
    customfields: Annotated[tuple[FormFieldRow, ...] | None, _named("customfield")] = None
    configoptions: Annotated[tuple[OptionRow, ...] | None, _named("configoption")] = None


class ProductsAnswer(PageRow):
    products: Annotated[tuple[ProductRow, ...] | None, _named("product")] = None


class AddOrderAnswer(AnswerRow):
    orderid: Id = None
    serviceids: Ids = ()
    productids: Ids = ()  # the name of serviceids before 7.8
    invoiceid: Id = None


class LineRow(Row):
    type: Text = ""
    relid: Id = None
    product: Text = ""
    domain: Text = ""
    billingcycle: Cycle = ""
    amount: Money = None
    status: Text = ""


class OrderRow(Row):
    id: Id = None
    ordernum: Id = None
    userid: Id = None
    status: Text = ""
    notes: Text = ""
    amount: Money = None
    invoiceid: Id = None
    paymentmethod: Text = ""
    paymentstatus: Text = ""
    date: DateText = None
    lineitems: Annotated[tuple[LineRow, ...] | None, _named("lineitem")] = None


class OrdersAnswer(PageRow):
    orders: Annotated[tuple[OrderRow, ...] | None, _named("order")] = None


class ServiceOptionRow(Row):
    id: Id = None
    option: Text = ""
    value: Text = ""


class ServiceRow(Row):
    id: Id = None
    orderid: Id = None
    clientid: Id = None
    pid: Whole = None
    name: Text = ""
    status: Text = ""
    qty: Whole = None
    firstpaymentamount: Money = None
    recurringamount: Money = None
    billingcycle: Cycle = ""
    notes: Text = ""
    domain: Text = ""
    customfields: Annotated[tuple[FieldRow, ...] | None, _named("customfield")] = None
    configoptions: Annotated[tuple[ServiceOptionRow, ...] | None, _named("configoption")] = None


class ServicesAnswer(PageRow):
    clientid: Id = None
    products: Annotated[tuple[ServiceRow, ...] | None, _named("product")] = None


class InvoiceItemRow(Row):
    id: Id = None
    type: Text = ""
    relid: Id = None
    description: Text = ""
    amount: Money = None
    taxed: Truth = False


class InvoiceAnswer(AnswerRow):
    invoiceid: Id = None
    userid: Id = None
    subtotal: Money = None
    credit: Money = None
    tax: Money = None
    tax2: Money = None
    total: Money = None
    balance: Money = None
    items: Annotated[tuple[InvoiceItemRow, ...] | None, _named("item")] = None


class VersionRow(Row):
    version: Text = ""
    canonicalversion: Text = ""


class VersionAnswer(AnswerRow):
    whmcs: VersionRow | None = None
