"""Causes: equal failures have equal fingerprints whatever differs from order to order; different ones do not."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.fallout import _ADVICE, advice, cause_of, generalise
from integrations.errors import ErrorClass

alnum = string.ascii_letters + string.digits
number = st.integers(0, 10**9).map(str)
ids = st.text(alnum, min_size=18, max_size=18).filter(lambda t: any(c.isdigit() for c in t))
short_ids = st.text(alnum, min_size=15, max_size=15).filter(lambda t: any(c.isdigit() for c in t))
yen = st.integers(0, 10**7).map(lambda n: f"¥{n:,}")
mails = st.tuples(
    st.text(string.ascii_lowercase + string.digits + ".+-_", min_size=1, max_size=12).filter(lambda t: t[0].isalnum()),
    st.text(string.ascii_lowercase, min_size=2, max_size=10),
).map(lambda parts: f"{parts[0]}@{parts[1]}.example.jp")
times = st.datetimes().map(lambda t: t.isoformat(timespec="seconds"))
iccids = st.text(string.digits, min_size=19, max_size=20)
uuids = st.uuids().map(str)
addresses = st.tuples(*[st.integers(0, 255)] * 4).map(lambda p: ".".join(map(str, p)))

SENTENCES = (
    ("WHMCS order {} is Pending", number),
    ("no order {}.", number),
    ("sent {} times, then nothing", number),
    ("the order was placed for {}, WHMCS has {}", yen),
    ("the row {} is locked", ids),
    ("no such record: {}", short_ids),
    ("mailbox of {} is full", mails),
    ("valid until {}", times),
    ("the ICCID {} is in use.", iccids),
    ("request {} was not found", uuids),
    ("cannot reach {}: refused", addresses),
)


@given(st.data(), st.sampled_from(SENTENCES))
def test_equal_causes_have_equal_fingerprints(
    data: st.DataObject, sentence: tuple[str, st.SearchStrategy[str]]
) -> None:
    text, values = sentence
    blanks = text.count("{}")
    one, two = (text.format(*(data.draw(values) for _ in range(blanks))) for _ in range(2))
    assert cause_of("billing", "whmcs", "", one).fingerprint == cause_of("billing", "whmcs", "", two).fingerprint


@given(st.text(max_size=200))
def test_generalising_twice_changes_nothing_more(message: str) -> None:
    once = generalise(message)
    assert generalise(once) == once


@given(st.text(max_size=100), st.text(max_size=100))
def test_where_there_is_a_code_the_words_do_not_count(one: str, two: str) -> None:
    assert cause_of("esim", "esim", "8.2.1/3.3", one) == cause_of("esim", "esim", "8.2.1/3.3", two)


@pytest.mark.parametrize(
    "other",
    [("load", "whmcs", "timeout", ""), ("billing", "esim", "timeout", ""), ("billing", "whmcs", "http_503", ""),
     ("billing", "whmcs", "", "no answer in time")],
)  # fmt: skip
def test_another_step_system_code_or_sentence_is_another_cause(other: tuple[str, str, str, str]) -> None:
    assert cause_of(*other).fingerprint != cause_of("billing", "whmcs", "timeout", "").fingerprint


def test_codes_are_kept_as_they_are() -> None:
    codes = ["8.2.1/3.3", "8.2.1/3.5", "8.2.6/3.3", "http_503", "http_500", "421", "450", "timeout"]
    assert len({cause_of("esim", "esim", code, "").fingerprint for code in codes}) == len(codes)


def test_a_fingerprint_is_stable_over_versions() -> None:
    """It is kept in journals and alarms: a change here makes old causes new ones."""
    assert cause_of("billing", "whmcs", "bill_differs", "x").fingerprint == "6d068c6d4222"


@pytest.mark.parametrize("kind", ErrorClass)
def test_every_class_has_advice(kind: ErrorClass) -> None:
    assert advice("some_new_code", kind).endswith(".")


@pytest.mark.parametrize("code", ["before_start", "four_eyes", "approved_again"])
def test_a_held_order_has_advice_too(code: str) -> None:
    assert advice(code, None) and "_" not in advice(code, None) and "start" in advice(code, None)


def test_advice_for_a_code_goes_before_that_of_its_class() -> None:
    assert advice("no_pay_method", "customer") == _ADVICE["no_pay_method"]
    assert advice(None, None) == ""
