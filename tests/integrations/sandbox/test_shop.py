import random
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from integrations.sandbox.seed import make_world
from integrations.sandbox.shop import BAD_KINDS, GOOD_KINDS, KINDS, config_options, draw_cart, expected_line

WORLD = make_world(1)


@pytest.mark.parametrize("kind", GOOD_KINDS)
def test_a_good_order_is_one_that_can_be_served(kind: str) -> None:
    rng = random.Random(7)
    for _ in range(40):
        cart = draw_cart(rng, WORLD, kind)
        assert cart.recipient == cart.person.email and cart.effective(date(2026, 4, 1)) == date(2026, 4, 1)
        assert cart.lines
        for line in cart.lines:
            assert line.quantity == 1 or not line.product.profile_type
            assert set(line.options) == {option.id for option in line.product.options}
            for option in line.product.options:
                assert line.options[option.id] in (option.choices or range(4))
            assert not line.eid or line.product.profile_type


def test_every_bad_kind_has_its_mistake() -> None:
    rng = random.Random(7)
    double, wrong, later = (draw_cart(rng, WORLD, kind) for kind in BAD_KINDS)
    assert [line.quantity for line in double.lines if line.product.profile_type] == [2]
    assert wrong.recipient != wrong.person.email
    assert later.effective(date(2026, 4, 1)) > date(2026, 4, 1)


def test_kinds_and_customers_are_drawn_from_all() -> None:
    rng = random.Random(7)
    carts = [draw_cart(rng, WORLD) for _ in range(300)]
    assert set(Counter(cart.kind for cart in carts)) == set(GOOD_KINDS)
    assert len({cart.person.number for cart in carts}) > 50
    assert any(line.quantity > 1 for cart in carts for line in cart.lines)
    assert draw_cart(rng, WORLD, customer=WORLD.people[3].number).person == WORLD.people[3]


def test_what_does_not_exist_is_refused() -> None:
    rng = random.Random(7)
    with pytest.raises(ValueError, match="'fax' is none of internet"):
        draw_cart(rng, WORLD, "fax")
    with pytest.raises(ValueError, match="'C-1' does not exist"):
        draw_cart(rng, WORLD, KINDS[0], "C-1")


def test_options_matter_when_billing_would_choose_others() -> None:
    rng = random.Random(7)
    line = next(line for line in draw_cart(rng, WORLD, "sim").lines if line.product.sku == "SIM-25G")
    plain = {str(option.id): str(next(iter(option.choices))) for option in line.product.options}
    other = {**plain, "22": "212"}
    assert not expected_line(line.product, 1, Decimal(2980), plain).options_matter
    assert not expected_line(line.product, 1, Decimal(2980), {}).options_matter
    assert expected_line(line.product, 1, Decimal(2980), other).options_matter
    assert not expected_line(line.product, 1, Decimal(2980), None).options_readable
    assert config_options(line) == {str(option): str(choice) for option, choice in line.options.items()}
