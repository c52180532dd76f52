import random
import re
import unicodedata
from collections import Counter
from importlib import resources

import pytest
from lxml import etree

from integrations.esim.inventory import parse_inventory
from integrations.salesforce.ids import norm_id
from integrations.sandbox.seed import esim_import_csv, make_world, new_eid
from integrations.sandbox.world import Person, World

WORLD = make_world(1)


def luhn(digits: str) -> bool:
    doubled = [int(c) * (2 if i % 2 else 1) for i, c in enumerate(reversed(digits))]
    return sum(n // 10 + n % 10 for n in doubled) % 10 == 0


def test_a_seed_decides_its_world() -> None:
    assert make_world(7, 20) == make_world(7, 20)
    assert make_world(7, 20).people != make_world(8, 20).people
    assert make_world(7, 20).profiles != make_world(8, 20).profiles
    assert make_world(7, 20).org_id != make_world(8, 20).org_id
    assert norm_id(make_world(7, 20).org_id, "00D")


def test_everybody_has_an_own_number_client_and_address() -> None:
    people = make_world(3, 500).people
    for key in ("number", "whmcs_client_id", "email"):
        assert len({getattr(person, key) for person in people}) == 500, key
    assert all(re.fullmatch(r"C-00\d{4}", person.number) for person in people)


@pytest.mark.parametrize("person", WORLD.people, ids=lambda person: person.number)
def test_customers_are_believable(person: Person) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+@example\.(com|net|org|jp|co\.jp|ne\.jp)", person.email)
    assert re.fullmatch(r"\d{3}-\d{4}", person.postcode)
    assert re.fullmatch(r"0\d{1,3}-0\d{1,3}-\d{4}", person.phone)
    assert len(person.phone.replace("-", "")) == (11 if person.phone[:3] in ("070", "080", "090") else 10)
    assert person.name and person.address and person.city and person.state
    japanese = any("CJK" in unicodedata.name(c) for c in person.last_name)
    assert (person.language == "japanese") == japanese == bool(person.kana)
    if person.kana:
        assert all("KATAKANA" in unicodedata.name(c) for c in person.kana if c != " ")


def test_even_a_small_world_has_every_way_to_pay() -> None:
    assert {person.pays_by for person in make_world(1, 4).people} == {"card", "invoice", "none", "expired"}
    ways = Counter(person.pays_by for person in make_world(1, 200).people)
    assert ways["card"] > 120 and min(ways.values()) >= 5


def test_some_billing_clients_are_closed_but_none_of_a_small_world() -> None:
    assert Counter(person.status for person in WORLD.people) == {"Active": 58, "Closed": 2}
    assert {person.status for person in make_world(1, 10).people} == {"Active"}


def test_products_are_mapped_to_billing_without_overlap() -> None:
    products = WORLD.products
    assert len({p.sku for p in products}) == len({p.whmcs_pid for p in products}) == len(products)
    fields = [p.marker_field_id for p in products] + [p.iccid_field_id for p in products if p.iccid_field_id]
    assert len(set(fields)) == len(fields)
    assert all(p.price == int(p.price) and p.price > 0 and p.setup_fee == 0 for p in products)
    assert {p.sku for p in products if p.sim_form == "eSIM"} == {p.sku for p in products if p.profile_type}
    assert all(bool(p.iccid_field_id) == bool(p.profile_type) for p in products)
    options = {option.id: option for p in products for option in p.options}
    choices = [choice for option in options.values() for choice in option.choices]
    assert len(set(choices)) == len(choices)
    assert {option.kind for option in options.values() if not option.choices} == {"quantity"}


def test_every_product_value_is_one_the_package_allows() -> None:
    fields = resources.files("integrations.salesforce") / "metadata/force-app/main/default/objects/Product2/fields"

    def allowed(name: str) -> set[str]:
        root = etree.fromstring((fields / f"{name}.field-meta.xml").read_bytes())
        return {node.text or "" for node in root.findall(".//{*}valueSetDefinition/{*}value/{*}fullName")} | {""}

    columns = {
        "Product2Categories1__c": "category", "Item_Class__c": "item_class", "SIM_Form__c": "sim_form",
        "Billing_Cycle__c": "cycle", "Internet_Plan_Tier__c": "internet_tier", "VPN_Region__c": "vpn_region",
        "Internet_Offering_Type__c": "internet_offering", "SIM_Data_Size__c": "sim_data_size",
        "SIM_Plan_Type__c": "sim_plan_type",
    }  # fmt: skip
    for field, column in columns.items():
        assert {getattr(product, column) for product in WORLD.products} <= allowed(field), field


def test_every_esim_product_has_profiles_with_valid_iccids() -> None:
    world = make_world(1, profiles=50)
    assert Counter(profile.profile_type for profile in world.profiles) == {"JP-VOICE-25G": 50, "TRAVEL-10G": 50}
    iccids = [profile.iccid for profile in world.profiles]
    assert len(set(iccids)) == len(iccids)
    assert all(re.fullmatch(r"8981\d{15}", iccid) and luhn(iccid) for iccid in iccids)
    assert not luhn(iccids[0][:-1] + str((int(iccids[0][-1]) + 1) % 10)), "the check above can fail"


def test_the_import_file_is_one_that_the_product_takes() -> None:
    inventory = parse_inventory(esim_import_csv(WORLD).encode())
    assert not inventory.errors and not inventory.warnings
    assert [(row.iccid, row.profile_type) for row in inventory.rows] == [
        (profile.iccid, profile.profile_type) for profile in WORLD.profiles
    ]


def test_past_orders_name_what_exists() -> None:
    world: World = WORLD
    people, skus = {person.number for person in world.people}, {product.sku for product in world.products}
    assert len(world.past_orders) > 20
    for order in world.past_orders:
        assert order.person_number in people
        assert set(order.skus) <= skus
        assert order.status in ("Activated", "Cancelled", "Rejected")


def test_eids_have_right_check_digits() -> None:
    rng = random.Random(5)
    for _ in range(50):
        eid = new_eid(rng)
        assert re.fullmatch(r"\d{32}", eid) and int(eid) % 97 == 1


def test_a_world_needs_somebody() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        make_world(1, 0)
