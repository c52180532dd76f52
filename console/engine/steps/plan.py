"""What an approved order asks for: read from Salesforce and WHMCS, checked as a whole before money moves (rules §6 load)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from console.engine.failures import config_error, data_error
from console.settings.model import Settings
from integrations.esim.checkdigits import eid_ok
from integrations.salesforce.models import Order, OrderBundle, OrderItem
from integrations.whmcs.models import CatalogProduct, ClientDetails
from storage.orders import fold

CYCLES = ("onetime", "monthly", "quarterly", "semiannually", "annually", "biennially", "triennially", "free")
ONE_OFF = ("onetime", "free")


@dataclass(frozen=True)
class OptionChoice:
    """One configurable option as ordered: ``value`` goes to WHMCS (choice id or units), ``shown`` is what comes back."""

    option_id: int
    name: str
    value: int
    shown: str


@dataclass(frozen=True)
class PlannedItem:
    """One order product, mapped to WHMCS. ``unit_price`` in whole yen as approved; ``cycle`` in WHMCS's spelling."""

    id: str
    name: str
    sku: str
    pid: int
    quantity: int
    unit_price: Decimal
    cycle: str
    options: tuple[OptionChoice, ...]
    is_esim: bool
    profile_type: str
    eid: str | None
    marker_field: int | None
    iccid_field: int | None
    manual: bool
    esim_iccid: str | None

    @property
    def recurring(self) -> bool:
        return self.cycle not in ONE_OFF


@dataclass(frozen=True)
class OrderPlan:
    """Everything the steps need. ``email`` and names are personal: they stay in the journal and never reach the feed."""

    order: Order
    customer_number: str
    customer_name: str
    client: ClientDetails
    gateway: str
    items: tuple[PlannedItem, ...]
    mail_language: str | None = None

    @property
    def language(self) -> str:
        """Mail language: as a person set it, else ja for a Japanese WHMCS client and en for all others."""
        if self.mail_language is not None:
            return self.mail_language
        return "ja" if self.client.language.casefold().startswith("japan") else "en"


@dataclass(frozen=True)
class Edits:
    """Corrections that people made to this order (rules §8 edit): item id → field → value; "" holds the order's own."""

    values: Mapping[str, Mapping[str, str]]

    def of(self, item: str, field: str) -> str | None:
        return self.values.get(item, {}).get(field)


def client_id_of(bundle: OrderBundle) -> str:
    """The account's WHMCS client id; raises data when account, number or id are missing (rules §1.3)."""
    account = bundle.account
    if account is None:
        raise data_error("account_missing", "the order has no account", system="salesforce")
    if not account.number:
        raise data_error("customer_number_missing", "the account has no SF_Account_No__c", system="salesforce")
    if not account.whmcs_client_id or not account.whmcs_client_id.isascii() or not account.whmcs_client_id.isdigit():
        raise data_error(
            "client_unmapped",
            "Account.WHMCS_Client_ID__c must hold the WHMCS client's id (a number)",
            system="salesforce",
        )
    return account.whmcs_client_id


def check_client(bundle: OrderBundle, client: ClientDetails, settings: Settings) -> None:
    """The client must carry the account's customer number and be Active; never matched by name or mail (rules §1.3)."""
    assert bundle.account is not None
    field = settings.whmcs.customer_number_field_id
    there = fold(client.custom_fields.get(field, "")).strip()
    if not there or there != fold(bundle.account.number or ""):
        raise data_error(
            "customer_mismatch", f"the Customer Number of WHMCS client {client.id} (field {field}) is not the account's number",
            system="whmcs", client=client.id,
        )  # fmt: skip
    if client.status.casefold() != "active":
        raise data_error(
            "client_inactive", f"WHMCS client {client.id} is {client.status or 'without status'}", system="whmcs"
        )


def build_plan(
    bundle: OrderBundle, client: ClientDetails, catalog: Mapping[int, CatalogProduct], settings: Settings, edits: Edits
) -> OrderPlan:
    """Map and check the whole order; raises data with *all* problems, or config for a product without a marker field."""
    assert bundle.account is not None
    if not bundle.items:
        raise data_error("no_items", "the order has no products", system="salesforce")
    items: list[PlannedItem] = []
    problems: list[tuple[str, str]] = []
    for item in bundle.items:
        planned = _plan_item(item, catalog, settings, edits, problems)
        if planned is not None:
            items.append(planned)
    if problems:
        code = problems[0][0]
        raise data_error(code, "; ".join(text for _, text in problems), system="salesforce")
    unmarked = sorted({i.pid for i in items if i.marker_field is None})
    if unmarked and not settings.whmcs.notes_proved:
        pids = ", ".join(map(str, unmarked))
        raise config_error("marker_unmapped", f"whmcs.marker_fields names no field for product {pids}", system="portal")
    gateway = client.default_gateway or settings.whmcs.default_gateway
    if not gateway:
        raise config_error(
            "no_gateway", "the client has no default gateway and whmcs.default_gateway is not set", system="portal"
        )
    return OrderPlan(
        bundle.order, bundle.account.number or "", bundle.account.name, client, gateway, tuple(items),
        mail_language=edits.of("", "language") or None,
    )  # fmt: skip


def _plan_item(
    item: OrderItem,
    catalog: Mapping[int, CatalogProduct],
    settings: Settings,
    edits: Edits,
    problems: list[tuple[str, str]],
) -> PlannedItem | None:
    name = item.product_name or item.sku or item.id
    before = len(problems)

    def problem(code: str, text: str) -> None:
        problems.append((code, f"{name}: {text}"))

    pid = item.whmcs_product_id
    product = catalog.get(pid) if pid is not None else None
    if pid is None:
        problem("product_unmapped", "the product has no WHMCS_Product_Id__c")
    elif product is None:
        problem("product_unknown", f"WHMCS has no product {pid}")
    quantity = _whole(item.quantity)
    if quantity is None or quantity < 1:
        problem("bad_quantity", f"the quantity {item.quantity} is not a whole number of at least 1")
    if item.unit_price is None or _whole(item.unit_price) is None or item.unit_price < 0:
        problem("bad_price", "the unit price is missing or not whole yen")
    cycle = normal_cycle(item.billing_cycle or "")
    if cycle not in CYCLES:
        problem("bad_cycle", f"Billing_Cycle__c {item.billing_cycle!r} is not one of {', '.join(CYCLES)}")
    eid = edits.of(item.id, "eid") or item.esim_eid
    profile_type = edits.of(item.id, "profile_type") or item.profile_type or ""
    if item.is_esim:
        if quantity is not None and quantity > 1:
            problem("esim_quantity", "an eSIM item must have quantity 1 (one line for each profile)")
        if not profile_type:
            problem("profile_type_missing", "the eSIM product has no ESIM_Profile_Type__c")
        if eid is not None and not eid_ok(eid):
            problem("bad_eid", "ESIM_EID__c is not an EID (32 digits with valid check digits)")
    options = _options(item, product, edits, problem) if product is not None else ()
    if len(problems) > before or pid is None or quantity is None or item.unit_price is None:
        return None
    return PlannedItem(
        id=item.id, name=name, sku=item.sku or "", pid=pid, quantity=quantity, unit_price=item.unit_price, cycle=cycle,
        options=options, is_esim=item.is_esim, profile_type=profile_type, eid=eid,
        marker_field=settings.whmcs.marker_fields.get(pid), iccid_field=settings.whmcs.iccid_fields.get(pid),
        manual=pid in settings.whmcs.manual_products, esim_iccid=item.esim_iccid,
    )  # fmt: skip


def _options(
    item: OrderItem, product: CatalogProduct, edits: Edits, problem: Callable[[str, str], None]
) -> tuple[OptionChoice, ...]:
    """Option by WHMCS id or by name, choice by id or by label: the portal's JSON may use either."""
    if item.config_options_error:
        problem("bad_options", f"ConfigOptions_JSON__c: {item.config_options_error}")
        return ()
    found: list[OptionChoice] = []
    for key, value in item.config_options.items():
        option = next((o for o in product.options if str(o.id) == key or fold(o.name) == fold(key)), None)
        if option is None:
            problem("option_unknown", f"the WHMCS product {product.id} has no option {key!r}")
            continue
        value = edits.of(item.id, f"option:{option.id}") or value
        choice = next((c for c in option.choices if str(c.id) == value or fold(c.name) == fold(value)), None)
        units = int(value) if value.isascii() and value.isdigit() else None
        if option.type == QUANTITY and units is not None:
            found.append(OptionChoice(option.id, option.name, units, str(units)))
        elif choice is not None:
            found.append(OptionChoice(option.id, option.name, choice.id, choice.name))
        else:
            problem("choice_unknown", f"the option {option.name!r} has no choice {value!r}")
    return tuple(sorted(found, key=lambda choice: choice.option_id))


QUANTITY = "4"


def normal_cycle(text: str) -> str:
    """Billing cycles in one spelling: "One Time", "One-Time" and "onetime" are the same."""
    return text.casefold().replace(" ", "").replace("-", "")


def _whole(number: Decimal) -> int | None:
    return int(number) if number == number.to_integral_value() else None


def what_differs(then: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """Names of the fields in which a finished guarded call's request differs from what would be sent now."""
    return sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
