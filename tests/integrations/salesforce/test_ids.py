import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.salesforce.ids import norm_id, same_id, to18

DOCUMENTED = [
    "801D0000000G0ySIAS",
    "802D0000000CKp8IAG",
    "01uD0000001c5toIAA",
    "01sD0000000G2NjIAK",
    "001D000000I8mImIAJ",
    "00190000001pPvHAAU",
    "04gD0000000Cvm5IAC",
    "005D00000015rY9IAI",
    "a00D0000008pQSNIA2",
    "0015c00002Lz9mUAAR",
]


@pytest.mark.parametrize("known", DOCUMENTED)
def test_documented_ids(known: str) -> None:
    assert to18(known[:15]) == known
    assert norm_id(known) == norm_id(known[:15]) == known
    assert same_id(known, known[:15])


@pytest.mark.parametrize(
    "wrong", ["", "801", "801D0000000G0y'", "801D0000000G0ySIAX", "８０１D0000000G0yS", "8" * 10_000]
)
def test_wrong_ids_are_refused_in_few_words(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a Salesforce id") as caught:
        norm_id(wrong)
    assert len(str(caught.value)) < 100
    assert not same_id(wrong, wrong)


def test_the_kind_is_checked() -> None:
    assert norm_id("801D0000000G0yS", "801")
    with pytest.raises(ValueError, match="of kind 802"):
        norm_id("801D0000000G0yS", "802")


@given(st.text(alphabet="ABCXYZabcxyz0189", min_size=15, max_size=15), st.integers(0, 14))
def test_ids_that_differ_in_case_only_are_different_records(id15: str, place: int) -> None:
    other = id15[:place] + id15[place].swapcase() + id15[place + 1 :]
    assert same_id(id15, other) == (id15 == other)
