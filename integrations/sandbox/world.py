"""The sandbox's people and products: what every server is filled from on first start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Person:
    """A customer of the portal, known to Salesforce (Account) and WHMCS (client) alike."""

    number: str  # SF_Account_No__c and WHMCS's custom field "Customer Number", e.g. "C-004417"
    whmcs_client_id: int
    last_name: str
    first_name: str
    kana: str  # reading of the name, "" for a Latin name
    company: str
    email: str
    phone: str
    postcode: str
    address: str
    city: str
    state: str
    language: str  # WHMCS client language: "japanese" or "english"
    pays_by: str  # "card", "invoice", "none" (no pay method) or "expired" (card run out)
    status: str = "Active"

    @property
    def name(self) -> str:
        return self.company or (
            f"{self.last_name} {self.first_name}" if self.kana else f"{self.first_name} {self.last_name}"
        )


@dataclass(frozen=True)
class Option:
    """One configurable option of a product; ``choices`` maps WHMCS choice id → label (empty for a quantity option)."""

    id: int
    name: str
    choices: Mapping[int, str]
    kind: str = "dropdown"  # or "quantity"


@dataclass(frozen=True)
class Product:
    """One product, in Salesforce (Product2 with a price book entry) and in WHMCS (pid)."""

    sku: str
    name: str
    name_ja: str
    category: str  # Product2Categories1__c: Internet, SIM, VPN, Other
    item_class: str  # Item_Class__c: Service, Installation, Add-on, Activation
    whmcs_pid: int
    marker_field_id: int  # id of the WHMCS product custom field "Portal Order Ref"
    price: Decimal  # whole yen, tax excluded
    setup_fee: Decimal
    cycle: str  # monthly, quarterly, annually, onetime
    sim_form: str = ""  # "eSIM" or "Physical"
    profile_type: str = ""  # ESIM_Profile_Type__c
    iccid_field_id: int = 0  # id of the WHMCS product custom field "ICCID", 0 for none
    module: str = "autorelease"  # WHMCS provisioning module, "" for none
    options: tuple[Option, ...] = ()
    internet_tier: str = ""
    internet_offering: str = ""
    sim_data_size: str = ""
    sim_plan_type: str = ""
    vpn_region: str = ""
    display_order: int = 0


@dataclass(frozen=True)
class Profile:
    """One eSIM profile in the SM-DP+'s stock."""

    iccid: str
    profile_type: str


@dataclass(frozen=True)
class PastOrder:
    """An order finished before the portal's daemon saw its first day."""

    person_number: str
    skus: tuple[str, ...]
    placed_on: date
    status: str  # Activated, Cancelled or Rejected


@dataclass(frozen=True)
class World:
    """Everything the servers are filled from. ``seed`` alone decides its content."""

    seed: int
    org_id: str  # 18 characters, prefix 00D
    people: tuple[Person, ...]
    products: tuple[Product, ...]
    profiles: tuple[Profile, ...]
    past_orders: tuple[PastOrder, ...]
    tax_rate: Decimal  # 0.10
    customer_number_field_id: int  # WHMCS client custom field "Customer Number"
