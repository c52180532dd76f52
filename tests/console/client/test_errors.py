"""What the daemon refuses is one sentence that people understand."""

import pytest

from console.client.errors import Invalid, refusal
from console.schema.problem import FieldProblem, Problem

WRONG = FieldProblem(field="arguments.until", problem="'foo' is not a condition", remedy="write one of up(SYSTEM)")


@pytest.mark.parametrize(
    ("detail", "errors", "said"),
    [
        ("arguments.until: 'foo' is not a condition", [WRONG], "until: 'foo' is not a condition (write one of up(SYSTEM))"),
        (
            "two things are wrong", [WRONG, WRONG.model_copy(update={"field": "arguments.limit", "remedy": ""})],
            "two things are wrong; until: 'foo' is not a condition (write one of up(SYSTEM)); limit: 'foo' is not a condition",
        ),
        ("reason: too long", [FieldProblem(field="reason", problem="too long")], "reason: too long"),
        ("nobody has taken this order", [], "nobody has taken this order"),
        ("", [], "Something in the request is wrong"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_once_as_people_know_it(detail: str, errors: list[FieldProblem], said: str) -> None:
    problem = Problem(
        type="urn:portal:problem:invalid", title="Something in the request is wrong", status=422, detail=detail, errors=errors
    )  # fmt: skip
    error = refusal(problem)
    assert isinstance(error, Invalid)
    assert str(error) == said
