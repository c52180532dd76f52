"""Products, currencies and gateways: what GetProducts, GetCurrencies and GetPaymentMethods answer."""

from decimal import Decimal
from typing import Any

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs.answers import Answer, Html, Rows
from integrations.sandbox.whmcs.calls import Call
from integrations.sandbox.whmcs.records import present

CURRENCY_ID = 1
CURRENCY = "JPY"
PREFIX = "¥"
SUFFIX = " JPY"
GATEWAYS = {"stripe": "Credit Card", "banktransfer": "Bank Transfer", "mailin": "Mail In Payment"}
MANUAL_GATEWAYS = ("banktransfer", "mailin")
CARD_GATEWAY = "stripe"
CYCLES = {
    "monthly": 1, "quarterly": 3, "semiannually": 6, "annually": 12, "biennially": 24, "triennially": 36,
}  # fmt: skip
CYCLE_NAMES = {
    "free": "Free Account", "onetime": "One Time", "monthly": "Monthly", "quarterly": "Quarterly",
    "semiannually": "Semi-Annually", "annually": "Annually", "biennially": "Biennially",
    "triennially": "Triennially",
}  # fmt: skip
NOT_OFFERED = "-1.00"
OPTION_TYPE = {"dropdown": "1", "quantity": "4"}


def money(amount: Decimal | int) -> str:
    """Decimal columns are strings with two places, also for yen."""
    return f"{Decimal(amount):.2f}"


def with_currency(amount: str) -> str:
    return f"{PREFIX}{amount}{SUFFIX}"


def get_products(call: Call) -> Answer:
    """pid (comma list), gid, module. No paging; only custom fields that the order form shows are listed."""
    wanted = [int(part) for part in call.text("pid").split(",") if part.strip().isdecimal()]
    found = present(call.records.products.get(pid) for pid in wanted) if wanted else call.records.products.all()
    gid, module = call.integer("gid"), call.text("module")
    kept = [p for p in found if (not gid or p["gid"] == gid) and (not module or p["module"] == module)]
    return {"totalresults": len(kept), "products": Rows("product", [_product(call, product) for product in kept])}


def _product(call: Call, product: Document) -> Answer:
    shown = [f for f in product["fields"] if f["shown"]]
    return {
        "pid": product["id"], "gid": product["gid"], "type": "other", "name": product["name"], "slug": product["slug"],
        "product-url": Html(f"{call.system_url}/store/{product['gid']}/{product['slug']}"),
        "description": Html(product["description"]), "module": product["module"], "paytype": product["paytype"],
        "allowqty": product["allowqty"], "quantity_available": 0, "pricing": {CURRENCY: _pricing(product)},
        "customfields": Rows("customfield", [
            {"id": f["id"], "name": f["name"], "description": "", "required": ""} for f in shown
        ]),
        "configoptions": Rows("configoption", [_option(option) for option in product["options"]]),
    }  # fmt: skip


def _pricing(product: Document) -> dict[str, Any]:
    """Setup fees and prices a cycle; a one-time price stands under monthly."""
    charged = "monthly" if product["cycle"] == "onetime" else product["cycle"]
    fees = {f"{cycle[0]}setupfee": product["setup"] if cycle == charged else "0.00" for cycle in CYCLES}
    prices = {cycle: product["price"] if cycle == charged else NOT_OFFERED for cycle in CYCLES}
    return {"prefix": PREFIX, "suffix": SUFFIX, **fees, **prices}


def _option(option: dict[str, Any]) -> Answer:
    free = {f"{cycle[0]}setupfee": "0.00" for cycle in CYCLES} | dict.fromkeys(CYCLES, "0.00")
    labels = option["choices"] or {str(option["id"]): option["name"]}
    choices = [
        {"id": int(choice), "name": label, "rawName": label, "recurring": 0, "required": None,
         "pricing": {CURRENCY: free}}
        for choice, label in labels.items()
    ]  # fmt: skip
    quantity = option["kind"] == "quantity"
    return {
        "id": option["id"], "name": option["name"], "type": OPTION_TYPE[option["kind"]],
        "minqty": 0, "maxqty": 100 if quantity else 0, "options": Rows("option", choices),
    }  # fmt: skip


def get_currencies(call: Call) -> Answer:
    yen = {
        "id": CURRENCY_ID, "code": CURRENCY, "prefix": PREFIX, "suffix": SUFFIX, "format": 4, "rate": "1.00000",
    }  # fmt: skip
    return {"totalresults": 1, "currencies": Rows("currency", [yen])}


def get_payment_methods(call: Call) -> Answer:
    """The installation's gateways, not what a client has stored (that is GetPayMethods)."""
    rows = [{"module": module, "displayname": name} for module, name in GATEWAYS.items()]
    return {"totalresults": len(rows), "paymentmethods": Rows("paymentmethod", rows)}


ACTIONS = {
    "GetCurrencies": get_currencies,
    "GetPaymentMethods": get_payment_methods,
    "GetProducts": get_products,
}
