"""The sentences of problems: who reads one does not see the title beside it."""

import pytest

from console.api.asking import in_words
from console.api.problems import of_error
from console.engine.commanding.errors import OutsideTrouble
from integrations.errors import CallFailed, ErrorClass, System


def test_an_act_that_an_outside_system_stopped_names_the_system() -> None:
    found = of_error(OutsideTrouble("salesforce", "timeout", "no answer in time"))
    assert found is not None
    assert found.problem.detail == "salesforce: timeout: no answer in time; nothing was done"


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("http_503", "Salesforce answered HTTP 503 without an error list", "Salesforce answered HTTP 503 without an error list"),
        ("timeout", "no answer in time", "no answer in time (timeout)"),
        ("8.2.5/3.7", "", "(8.2.5/3.7)"),
    ],
)  # fmt: skip
def test_why_a_system_could_not_be_asked_is_a_sentence_with_its_code_once(code: str, message: str, told: str) -> None:
    error = CallFailed(System.SALESFORCE, "query", ErrorClass.TRANSIENT, code, message)
    assert in_words(error) == told
    found = of_error(error)
    assert found is not None and told in found.problem.detail
