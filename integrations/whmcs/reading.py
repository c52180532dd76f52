"""From answers at the edge to what the client hands out; says in words what is missing instead of filling it in.

``Unreadable`` is raised where an answer lacks what its meaning needs. The client makes a failure of it: TRANSIENT for
a read, OUTCOME_UNKNOWN for a write.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError

from integrations.whmcs import rows, values
from integrations.whmcs.models import (
    AddedOrder,
    CatalogChoice,
    CatalogField,
    CatalogOption,
    CatalogProduct,
    ClientDetails,
    ClientName,
    Gateway,
    Invoice,
    InvoiceItem,
    OrderLine,
    PayMethod,
    Pricing,
    Service,
    WhmcsOrder,
)

Model = TypeVar("Model", bound=rows.Row)
Value = TypeVar("Value")

CYCLES = ("monthly", "quarterly", "semiannually", "annually", "biennially", "triennially")
NOT_OFFERED = Decimal("-1.00")


class Unreadable(ValueError):
    """An answer that was a success but does not say what it must say. The text names fields, never their content."""


def load(model: type[Model], body: Mapping[str, Any]) -> Model:
    """Read ``body`` into ``model``, or raise Unreadable with the places that could not be read."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        places = {".".join(str(part) for part in problem["loc"]) for problem in error.errors(include_input=False)}
        raise Unreadable(f"cannot read {', '.join(sorted(places)[:5])}") from None


def needed(value: Value | None, what: str) -> Value:
    if value is None or value == "":
        raise Unreadable(f"no {what}")
    return value


def real_id(value: str | None) -> str:
    """An id, or "" for none: WHMCS writes 0 where nothing is meant."""
    return "" if value in (None, "0") else str(value)


def client(body: Mapping[str, Any]) -> ClientDetails:
    answer = load(rows.ClientAnswer, body)
    # the copy of the fields at top level is deprecated, and all that very old installs have
    row = answer.client if answer.client is not None else load(rows.ClientRow, body)
    fields = needed(row.customfields, "customfields of the client")
    return ClientDetails(
        id=needed(row.client_id or row.id or row.userid, "client id"),
        status=needed(row.status, "client status"),
        first_name=row.firstname,
        last_name=row.lastname,
        company=row.companyname,
        email=row.email,
        phone=row.phonenumber,
        language=row.language,
        default_gateway=row.defaultgateway,
        currency_code=row.currency_code,
        custom_fields={_number(field.id, "custom field id"): field.value for field in fields},
    )


def client_names(body: Mapping[str, Any]) -> tuple[ClientName, ...]:
    """A page of GetClients; ``Unreadable`` when it does not say how many there are, or names fewer."""
    answer = load(rows.ClientsAnswer, body)
    total = needed(answer.totalresults, "totalresults")
    found = answer.clients or ()
    if total and not found:
        raise Unreadable(f"no clients where totalresults is {total}")
    return tuple(
        ClientName(
            id=needed(row.id or row.client_id or row.userid, "client id"), status=row.status, first_name=row.firstname,
            last_name=row.lastname, company=row.companyname, email=row.email,
        )
        for row in found
    )  # fmt: skip


def _number(value: str | None, what: str) -> int:
    text = needed(value, what)
    if not text.isdecimal():
        raise Unreadable(f"{what} is not a number")
    return int(text)


def pay_methods(body: Mapping[str, Any], client_id: str) -> tuple[PayMethod, ...]:
    answer = load(rows.PayMethodsAnswer, body)
    if body.get("paymethods") in ("", {}):
        # no total says that the list is whole, so that only a list can say that there is nothing
        raise Unreadable("no list of pay methods")
    if answer.clientid not in (None, client_id):
        raise Unreadable("pay methods of another client")
    return tuple(
        PayMethod(
            id=needed(row.id, "pay method id"),
            type=row.type,
            gateway=row.gateway_name,
            last_four=row.card_last_four,
            expiry=_expiry(row.expiry_date),
            description=row.description,
        )
        for row in needed(answer.paymethods, "list of pay methods")
    )


def _expiry(text: str) -> tuple[int, int] | None:
    """(year, month) of "02/25", "02/2025", "0225" or "2025-02…"; None for a method that has none."""
    text = text.strip()
    if not text or text.startswith("0000"):
        return None
    if match := re.fullmatch(r"(\d{2})\s*[/-]?\s*(?:20)?(\d{2})", text):
        month, year = int(match[1]), 2000 + int(match[2])
    elif match := re.match(r"(20\d{2})-(\d{2})(?:-|$)", text):
        year, month = int(match[1]), int(match[2])
    else:
        raise Unreadable("expiry date of a pay method")
    if not 1 <= month <= 12:
        raise Unreadable("expiry month of a pay method")
    return year, month


def gateways(body: Mapping[str, Any]) -> tuple[Gateway, ...]:
    answer = load(rows.GatewaysAnswer, body)
    found = answer.paymentmethods or ()
    if answer.totalresults != len(found):
        raise Unreadable(f"{len(found)} payment methods where totalresults is {answer.totalresults}")
    return tuple(Gateway(needed(row.module, "gateway module"), row.displayname) for row in found)


def products(body: Mapping[str, Any], wanted: frozenset[int]) -> dict[int, CatalogProduct]:
    """The products of ``wanted`` that the catalogue has; a product may only be missing from a provably whole answer."""
    answer = load(rows.ProductsAnswer, body)
    found = {item.id: item for item in (_product(row) for row in answer.products or ())}
    if not wanted <= found.keys() and answer.totalresults != len(found):
        raise Unreadable(f"{len(found)} products where totalresults is {answer.totalresults}")
    return {pid: item for pid, item in found.items() if pid in wanted}


def _product(row: rows.ProductRow) -> CatalogProduct:
    return CatalogProduct(
        id=_number(row.pid, "product id"),
        group_id=row.gid,
        name=row.name,
        type=row.type,
        module=row.module,
        pay_type=row.paytype.lower(),
        prices=_prices(row.pricing),
        custom_fields=tuple(
            CatalogField(_number(item.id, "custom field id"), item.name, item.required)
            for item in row.customfields or ()
        ),
        options=tuple(_option(item) for item in row.configoptions or ()),
    )


def _option(row: rows.OptionRow) -> CatalogOption:
    return CatalogOption(
        id=_number(row.id, "option id"),
        name=row.name,
        type=row.type,
        min_quantity=row.minqty,
        max_quantity=row.maxqty,
        choices=tuple(
            CatalogChoice(_number(item.id, "choice id"), item.name, _prices(item.pricing)) for item in row.options or ()
        ),
    )


def _prices(by_currency: Mapping[str, Mapping[str, Any]]) -> dict[str, Pricing]:
    return {
        currency: Pricing(
            recurring=_amounts({name: prices.get(name) for name in CYCLES}),
            setup=_amounts({name: prices.get(f"{name[0]}setupfee") for name in CYCLES}),
        )
        for currency, prices in by_currency.items()
    }


def _amounts(prices: Mapping[str, Any]) -> dict[str, Decimal]:
    try:
        read = {name: values.money(price) for name, price in prices.items()}
    except ValueError:
        raise Unreadable("price of a product") from None
    return {name: amount for name, amount in read.items() if amount is not None and amount != NOT_OFFERED}


def added_order(body: Mapping[str, Any]) -> AddedOrder:
    answer = load(rows.AddOrderAnswer, body)
    return AddedOrder(
        order_id=needed(real_id(answer.orderid), "order id"),
        service_ids=answer.serviceids or answer.productids,
        invoice_id=real_id(answer.invoiceid) or None,
    )


def order(row: rows.OrderRow) -> WhmcsOrder:
    if "lineitems" not in row.model_fields_set:
        raise Unreadable("no line items of an order")
    lines = tuple(_line(item) for item in row.lineitems or ())
    return WhmcsOrder(
        id=needed(row.id, "order id"),
        number=row.ordernum or "",
        client_id=needed(row.userid, "client of an order"),
        status=needed(row.status, "status of an order"),
        notes=row.notes,
        amount=needed(row.amount, "amount of an order"),
        invoice_id=real_id(row.invoiceid) or None,
        payment_status=row.paymentstatus,
        gateway=row.paymentmethod,
        date=row.date,
        service_ids=tuple(line.related_id for line in lines if line.type == "product" and line.related_id),
        items=lines,
    )


def _line(row: rows.LineRow) -> OrderLine:
    return OrderLine(
        type=row.type.lower(),
        related_id=real_id(row.relid),
        product=row.product,
        domain=row.domain,
        cycle=row.billingcycle,
        amount=row.amount,
        status=row.status,
    )


def service(row: rows.ServiceRow) -> Service:
    # a product without fields or options comes with any spelling of nothing, no key included (facts/whmcs.md §5)
    fields, options = row.customfields or (), row.configoptions or ()
    return Service(
        id=needed(row.id, "service id"),
        order_id=real_id(row.orderid),
        client_id=needed(row.clientid, "client of a service"),
        pid=needed(row.pid, "product of a service"),
        name=row.name,
        status=needed(row.status, "status of a service"),
        quantity=1 if row.qty is None else row.qty,  # installs before 8.12 know no quantity
        first_amount=needed(row.firstpaymentamount, "first amount of a service"),
        recurring_amount=needed(row.recurringamount, "recurring amount of a service"),
        cycle=row.billingcycle,
        notes=row.notes,
        custom_fields={_number(item.id, "custom field id"): item.value for item in fields},
        custom_fields_by_name={item.name: item.value for item in fields if item.name},
        options={_number(item.id, "option id"): (item.option, item.value) for item in options},
        domain=row.domain,
    )


def invoice(body: Mapping[str, Any]) -> Invoice:
    answer = load(rows.InvoiceAnswer, body)
    tax = needed(answer.tax, "tax of the invoice")
    return Invoice(
        id=needed(answer.invoiceid, "invoice id"),
        client_id=needed(answer.userid, "client of the invoice"),
        status=needed(answer.status, "status of the invoice"),
        subtotal=needed(answer.subtotal, "subtotal of the invoice"),
        credit=answer.credit or Decimal(0),
        tax=tax + (answer.tax2 or Decimal(0)),
        total=needed(answer.total, "total of the invoice"),
        balance=needed(answer.balance, "balance of the invoice"),
        items=tuple(_invoice_item(row) for row in needed(answer.items, "items of the invoice")),
    )


def _invoice_item(row: rows.InvoiceItemRow) -> InvoiceItem:
    return InvoiceItem(
        id=needed(row.id, "id of an invoice item"),
        type=row.type,
        related_id=real_id(row.relid),
        description=row.description,
        amount=needed(row.amount, "amount of an invoice item"),
        taxed=row.taxed,
    )
