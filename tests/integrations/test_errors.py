"""The tree of failures: what each class promises, and outside text made safe to keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import DETAIL_LIMIT, CallFailed, ErrorClass, IntegrationError, LoginFailed, System, plain_text


@pytest.mark.parametrize("kind", ErrorClass)
def test_only_an_unknown_outcome_is_not_a_refusal(kind: ErrorClass) -> None:
    assert CallFailed(System.WHMCS, "AddOrder", kind, "c", "m").refused == (kind is not ErrorClass.OUTCOME_UNKNOWN)


def test_a_failed_login_is_a_setting() -> None:
    error = LoginFailed(System.SALESFORCE, "invalid_client", "no", http_status=401)
    assert isinstance(error, IntegrationError)
    assert (error.error_class, error.operation, error.http_status) == (ErrorClass.CONFIG, "login", 401)


@given(st.text(max_size=1000))
def test_outside_text_is_one_short_line_without_control_characters(text: str) -> None:
    safe = plain_text(text)
    assert len(safe) <= DETAIL_LIMIT
    assert safe.isprintable() or safe == ""
    assert plain_text(safe) == safe
    safe.encode("utf-8")


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\u202eb", "a\u200bb", "a\x00b", "a\ud800b"])
def test_what_steers_a_terminal_or_turns_text_around_is_dropped(text: str) -> None:
    assert plain_text(text) in ("ab", "a[31mb")


def test_everything_an_error_carries_is_made_safe() -> None:
    error = CallFailed(
        System.MAIL, "rcpt", ErrorClass.DATA, "c\n\x1bode", "line\r\nline", detail={"said": "x\u202ey" + "z" * 999}
    )
    assert (error.code, error.message) == ("c ode", "line line")
    assert error.detail["said"].startswith("xyz") and len(error.detail["said"]) == DETAIL_LIMIT
    assert "\n" not in str(error)
