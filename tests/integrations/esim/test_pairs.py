import pytest

from integrations.errors import ErrorClass
from integrations.esim.pairs import DEVICE_PAIRS, ENDED_PAIRS, ORDER_PAIRS, REASONS, SUBJECTS, device_pair, order_pair


@pytest.mark.parametrize("pair", [*ORDER_PAIRS.values(), *DEVICE_PAIRS.values()], ids=lambda pair: pair.code)
def test_every_pair_says_what_happened_and_what_to_do(pair: object) -> None:
    code, meaning, action = (getattr(pair, name) for name in ("code", "meaning", "action"))
    subject, reason = code.split("/")
    assert subject in SUBJECTS or subject in ("2.1", "1.2.1", "1.2.2")
    assert reason in REASONS
    assert meaning
    assert action.endswith(".")


def test_the_classes_the_engine_counts_on() -> None:
    by_class = {
        wanted: {code for code, pair in ORDER_PAIRS.items() if pair.error_class is wanted} for wanted in ErrorClass
    }
    assert by_class[ErrorClass.CAPACITY] == {"8.2.5/3.7"}
    assert by_class[ErrorClass.CONFLICT] == {"8.2.1/3.3", "8.2.1/3.5", "8.2.6/3.3"}
    assert by_class[ErrorClass.CONFIG] == {"8.2.1/1.2", "1.1/1.2", "1.2.1/2.1", "1.2.2/2.1"}
    assert by_class[ErrorClass.TRANSIENT] == {"8.9/4.2", "8.9/5.1"}
    assert by_class[ErrorClass.OUTCOME_UNKNOWN] == set()


def test_3_10_and_3_1_differ() -> None:
    assert "another EID" in order_pair("8.1.1", "3.10").meaning
    assert order_pair("8.1.1", "3.1").meaning == "EID: unsupported"


def test_unknown_pairs_are_put_into_words() -> None:
    assert order_pair("8.8.1", "5.1").meaning == "SM-DP+ address: inaccessible"
    assert order_pair("7.7", "9.9").meaning == "subject 7.7: reason 9.9"
    assert order_pair("1.3", "3.1").error_class is ErrorClass.CONFIG
    assert order_pair("1", "3.1").error_class is ErrorClass.CONFIG
    assert order_pair("10.1", "3.1").error_class is ErrorClass.DATA


def test_the_same_pair_may_mean_another_thing_on_the_phone() -> None:
    assert "phone" in device_pair("8.1.1", "3.8").meaning
    assert device_pair("8.2.5", "3.7").code == "8.2.5/3.7"
    assert set(DEVICE_PAIRS) >= ENDED_PAIRS
