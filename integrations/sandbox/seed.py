"""The sandbox's first state: a believable small telecom in Japan, decided by the seed alone."""

import csv
import io
import random
import re
import string
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from integrations.salesforce.ids import to18
from integrations.sandbox.seed_names import (
    COMPANIES_EN,
    COMPANIES_JA,
    FAMILY_NAMES,
    FOREIGN_NAMES,
    GIVEN_NAMES,
    MAIL_DOMAINS,
    PLACES,
)
from integrations.sandbox.seed_products import PRODUCTS, PROFILE_TYPES
from integrations.sandbox.world import PastOrder, Person, Product, Profile, World

FIRST_CLIENT_ID = 1001
CUSTOMER_NUMBER_FIELD = 7
TAX_RATE = Decimal("0.10")
ICCID_PREFIX = "8981"  # telecom, Japan
STOCK_PER_TYPE = 500
PAST_FROM = date(2024, 4, 1)

# The first customers show every kind, so that a small world has them too; the rest is drawn.
PAYS_FIRST = ("card", "invoice", "none", "expired", "card", "card")
PAYS = ("card",) * 15 + ("invoice",) * 3 + ("none", "expired")
CLOSED_EVERY = 30  # one customer in so many has a closed billing client


@lru_cache(maxsize=8)
def make_world(seed: int, customers: int = 60, profiles: int = STOCK_PER_TYPE) -> World:
    """The world of ``seed``: equal arguments give equal worlds, whatever the day.

    ``customers`` ≥ 1 people with numbers from C-004001 on; ``profiles`` of each eSIM profile type in stock.
    """
    if customers < 1:
        raise ValueError(f"customers must be 1 or more, not {customers}")
    rng = random.Random(f"portal sandbox {seed}")
    people = tuple(_people(rng, customers))
    return World(
        seed=seed,
        org_id=to18("00D" + "".join(rng.choices(string.ascii_letters + string.digits, k=12))),
        people=people,
        products=PRODUCTS,
        profiles=tuple(new_profiles(rng, dict.fromkeys(PROFILE_TYPES, profiles))),
        past_orders=tuple(_past_orders(rng, people)),
        tax_rate=TAX_RATE,
        customer_number_field_id=CUSTOMER_NUMBER_FIELD,
    )


def esim_import_csv(world: World) -> str:
    """The stock as text for ``portal esim import``."""
    return profiles_csv(world.profiles)


def profiles_csv(profiles: tuple[Profile, ...], batch: str = "first stock") -> str:
    """``profiles`` as text for ``portal esim import``: a header, then one line per profile."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("iccid", "type", "batch"))
    writer.writerows((profile.iccid, profile.profile_type, batch) for profile in profiles)
    return text.getvalue()


def new_profiles(rng: random.Random, wanted: dict[str, int], taken: frozenset[str] = frozenset()) -> Iterator[Profile]:
    """Profiles with fresh 19-digit ICCIDs (Luhn-valid, none of ``taken``), ``wanted`` by profile type."""
    used = set(taken)
    for profile_type, count in wanted.items():
        for _ in range(count):
            iccid = _iccid(rng)
            while iccid in used:
                iccid = _iccid(rng)
            used.add(iccid)
            yield Profile(iccid, profile_type)


def new_eid(rng: random.Random) -> str:
    """A 32-digit EID with right check digits (facts: esim §7)."""
    body = "8903302" + "".join(rng.choices("0123456789", k=23))
    return f"{body}{98 - int(body + '00') % 97:02d}"


def _iccid(rng: random.Random) -> str:
    body = ICCID_PREFIX + "".join(rng.choices("0123456789", k=14))
    doubled = (int(c) * (2 if i % 2 == 0 else 1) for i, c in enumerate(reversed(body)))
    return body + str(-sum(n // 10 + n % 10 for n in doubled) % 10)


def _people(rng: random.Random, count: int) -> Iterator[Person]:
    number, mails = 4000, set[str]()
    for i in range(count):
        number += rng.randint(1, 9)
        pays_by = PAYS_FIRST[i] if i < len(PAYS_FIRST) else rng.choice(PAYS)
        closed = i % CLOSED_EVERY == CLOSED_EVERY - 1
        make = _foreigner if i % 4 == 3 else _japanese
        person = make(rng, f"C-{number:06d}", FIRST_CLIENT_ID + i, pays_by, "Closed" if closed else "Active")
        while person.email in mails:
            person = make(rng, person.number, person.whmcs_client_id, pays_by, person.status)
        mails.add(person.email)
        yield person


def _japanese(rng: random.Random, number: str, client: int, pays_by: str, status: str) -> Person:
    family, given, place = rng.choice(FAMILY_NAMES), rng.choice(GIVEN_NAMES), rng.choice(PLACES)
    company = rng.choice(COMPANIES_JA) if rng.random() < 0.15 else ""
    block = f"{rng.randint(1, 9)}-{rng.randint(1, 30)}-{rng.randint(1, 20)}"
    flat = rng.choice(("", f" 青葉マンション{rng.randint(101, 909)}号室", f" {rng.randint(2, 30)}階"))
    return Person(
        number, client, family.kanji, given.kanji, f"{family.kana} {given.kana}", company,
        _email(rng, given.latin, family.latin), _phone(rng, place.area, company), place.postcode,
        f"{place.street}{block}{flat}", place.city, place.state, "japanese", pays_by, status,
    )  # fmt: skip


def _foreigner(rng: random.Random, number: str, client: int, pays_by: str, status: str) -> Person:
    (given, family), place = rng.choice(FOREIGN_NAMES), rng.choice(PLACES)
    company = rng.choice(COMPANIES_EN) if rng.random() < 0.2 else ""
    block = f"{rng.randint(1, 9)}-{rng.randint(1, 30)}-{rng.randint(1, 20)} {place.street_en}"
    return Person(
        number, client, family, given, "", company, _email(rng, given, family), _phone(rng, place.area, company),
        place.postcode, block, place.city_en, place.state_en, "english", pays_by, status,
    )  # fmt: skip


def _email(rng: random.Random, given: str, family: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{given}.{family}").encode("ascii", "ignore").decode().lower()
    local = re.sub(r"[^a-z.]+", "-", plain).strip("-.")
    return f"{local}{rng.choice(('', str(rng.randint(1, 99))))}@{rng.choice(MAIL_DOMAINS)}"


def _phone(rng: random.Random, area: str, company: str) -> str:
    if company:
        middle = 8 - len(area) - 2
        return f"{area}-0{rng.randrange(10 ** (middle - 1)):0{middle - 1}d}-{rng.randrange(10**4):04d}"
    return f"0{rng.choice('789')}0-0{rng.randrange(1000):03d}-{rng.randrange(10**4):04d}"


def _past_orders(rng: random.Random, people: tuple[Person, ...]) -> Iterator[PastOrder]:
    services = [product for product in PRODUCTS if product.item_class == "Service"]
    for person in people:
        for _ in range(rng.choice((0, 1, 1, 2))):
            day = PAST_FROM + timedelta(days=rng.randrange(500))
            status = rng.choice(("Activated",) * 8 + ("Cancelled", "Rejected"))
            yield PastOrder(person.number, with_fees(rng.choice(services)), day, status)


def with_fees(product: Product) -> tuple[str, ...]:
    """The SKUs of an order for ``product``: itself and the one-time fee that its category has."""
    fee = {"Internet": "INT-INSTALL", "SIM": "SIM-ACTIVATION", "VPN": "VPN-ACTIVATION"}[product.category]
    return (product.sku,) if product.sku == "ESIM-TRAVEL-10G" else (product.sku, fee)
