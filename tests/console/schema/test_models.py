"""The models stand alone, refuse what they do not know on the way in, and forgive it on the way out."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from console.schema.base import ROLES, may
from console.schema.book import COLUMNS, STEPS, STRIP_LETTERS
from console.schema.commands import PlanRequest, SubmitRequest
from console.schema.orders import NamesRequest, OrderLine
from console.schema.problem import KINDS, TYPE_PREFIX, Problem


def test_the_models_load_nothing_of_the_house() -> None:
    code = (
        "import sys, pkgutil, importlib, console.schema as s;"
        " [importlib.import_module('console.schema.' + m.name) for m in pkgutil.iter_modules(s.__path__)];"
        " heavy = {'storage', 'integrations', 'fastapi', 'textual', 'httpx'};"
        " print(sorted(heavy & {n.partition('.')[0] for n in sys.modules}),"
        " sorted(n for n in sys.modules if n.startswith('console.') and not n.startswith('console.schema')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_requests_refuse_unknown_keys_and_answers_forgive_them() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        PlanRequest.model_validate({"orders": ["1"], "order": "2"})
    problem = Problem.model_validate({"type": TYPE_PREFIX + "invalid", "title": "T", "status": 422, "brand_new": 1})
    assert (problem.kind, problem.kind in KINDS) == ("invalid", True)


def test_limits_of_requests() -> None:
    for values in (
        {"plan_hash": ""}, {"plan_hash": "x", "reason": "x" * 501}, {"plan_hash": "x", "pace": 0},
        {"plan_hash": "x", "stop_after": 0}, {"plan_hash": "x", "filter": "x" * 1001},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            SubmitRequest.model_validate(values)
    with pytest.raises(ValidationError):
        NamesRequest(order_ids=[])


def test_a_line_of_a_list_has_every_column_of_the_book() -> None:
    fields = {info.alias or name for name, info in OrderLine.model_fields.items()}
    assert fields == {*COLUMNS, "customer"}
    line = OrderLine.model_validate(
        {"order_id": "x", "number": "1", "sf": "Draft", "state": "none", "updated": 1, "class": "data"}
    )
    assert line.error_class == "data"
    assert '"class":"data"' in line.model_dump_json(by_alias=True)


def test_roles_are_ordered() -> None:
    assert [[may(role, needed) for needed in ROLES] for role in ROLES] == [
        [True, False, False, False], [True, True, False, False], [True, True, True, False], [True, True, True, True],
    ]  # fmt: skip
    assert not may("root", "viewer")


def test_the_strip_has_a_letter_for_each_step() -> None:
    assert len(set(STRIP_LETTERS)) == len(STRIP_LETTERS) == 7
    assert len(STEPS) == 7
