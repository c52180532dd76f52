"""Two systems that spell one value differently do not differ; two values that differ do."""

import pytest

from console.api.comparing import _digits, _name, normal
from console.engine.steps.plan import normal_cycle
from storage.orders import digits


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("¥2,480", "2480.00"), ("￥２，４８０", "2,480円"), ("2480", "¥2,480"), ("1007", "1007.0"), ("007", "7"),
        ("ＶＰＮ　Ｂａｓｉｃ", "VPN Basic"), ("ﾊﾞｽ観光", "バス観光"), ("が", "か\u3099"), ("Active ", "active"),
        ("8015h0000000001", "8015h0000000001AAA"), ("0015H00000abcDE", "0015H00000abcDEQA2"[:15]),
    ],
)  # fmt: skip
def test_another_spelling_is_no_difference(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("¥2,480", "¥2,481"), ("¥2,480", "24.80"), ("VPN Basic", "VPN Team"), ("8015h0000000001", "8015h0000000002AAA"),
     ("8015h000000000a", "8015h000000000A")],
)  # fmt: skip
def test_another_value_is_a_difference(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def test_phones_names_numbers_and_cycles_have_spellings_of_their_own() -> None:
    spellings = ("090-1234-5635", "09012345635", "+81 90-1234-5635", "+81.9012345635", "０９０－１２３４－５６３５", "+81 (0)90 1234 5635")  # fmt: skip
    assert len({digits(text) for text in spellings}) == 1
    assert digits("090-1234-5636") != digits(spellings[0])
    assert _name("田中 花子") == _name("花子　田中") == _name("田中　花子")
    assert _digits("8981 1000-0000 0000 398F") == _digits("8981100000000000398")
    assert normal_cycle("One-Time") == normal_cycle("onetime")
