"""Every route: who may use it, and that every mistake ends in a problem document."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from console.api import __doc__ as listing
from console.api.app import ROUTERS
from console.commands.table import COMMANDS
from console.schema.base import ROLES, may
from tests.console.api.rig import Desk
from tests.console.client.journal_rows import put_order

NOBODY = "nobody"
VALUES = {
    "{order}": "00000001",
    "{command}": "order.note",
    "{batch_id}": "b1",
    "{token_id}": "999999",
    "{key}": "k" * 20,
}
LONG = "あ" * 10_000
ODD = ("'; DROP TABLE orders;--", "😀🏴‍☠️", "%00", "../../etc/passwd", "\u202eevil", "<b>x</b>")


def _routes() -> Iterator[tuple[str, str, str]]:
    """(method, path after the prefix, needed role) of every route that was declared."""
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                yield method, route.path, _needed(route.dependant)


def _needed(dependant: Dependant) -> str:
    roles = [
        str(role) for inner in dependant.dependencies if (role := getattr(inner.call, "needed_role", None)) is not None
    ]
    return roles[0] if roles else NOBODY


def _filled(path: str) -> str:
    for name, value in VALUES.items():
        path = path.replace(name, value)
    return path


def _listed() -> Iterator[tuple[str, str, str]]:
    """(method, path, role) of each address in the docstring of ``console.api``."""
    for line in (listing or "").splitlines():
        if not re.match(r"(GET|POST|DELETE)", line):
            continue
        role = re.search(r"  (nobody|viewer|operator|admin|its role)\b", line)
        assert role, line
        method = ""
        for word in re.findall(r"\S+", re.sub(r"\{[^}]*\}", "{}", line[: role.start()])):
            method = word if word in ("GET", "POST", "DELETE") else method
            if word.startswith("/"):
                yield method, word.partition("?")[0], role[1]


def test_the_listing_names_exactly_the_routes_there_are() -> None:
    real = {(method, re.sub(r"\{[^}]*\}", "{}", path), role) for method, path, role in _routes()}
    real = {(m, p, "its role" if p.startswith("/commands/{}/") and m == "POST" else r) for m, p, r in real}
    assert set(_listed()) == real


@pytest.mark.parametrize("role", [None, *ROLES])
async def test_every_route_lets_in_exactly_who_it_should(desk: Desk, role: str | None) -> None:
    await desk.journal.write(lambda db: put_order(db, 1, {}, {"state": "failed"}))
    desk.api.gatekeeper._failures.hit = lambda *_: None  # type: ignore[method-assign]  # this test asks often
    checked = 0
    for method, path, needed in _routes():
        if path.endswith("/feed") and (role is not None):
            continue  # streams for ever; its own tests
        answer = await desk.ask(method, _filled(path), role=role)
        if needed == NOBODY:
            assert answer.status_code == 200, path
        elif role is None:
            assert answer.status_code == 401, path
        elif not may(role, needed):
            assert answer.status_code == 403, path
            assert f"needs the role {needed}" in answer.json()["detail"]
        else:
            assert answer.status_code not in (401, 403) or "/commands/" in path, (path, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", path
            assert answer.json()["status"] == answer.status_code
        checked += 1
    assert checked > 30


async def test_every_command_is_refused_below_its_role(desk: Desk) -> None:
    await desk.journal.write(lambda db: put_order(db, 1, {}, {"state": "failed"}))
    for role, command in itertools.product(ROLES, COMMANDS):
        body: dict[str, Any] = {"orders": ["1"]}
        submit = {**body, "plan_hash": "x", "reason": "because"}
        key = {"Idempotency-Key": f"{role}-{command.id}-key"}
        plan = await desk.ask("POST", f"/commands/{command.id}/plan", role=role, json=body)
        done = await desk.ask("POST", f"/commands/{command.id}/submit", role=role, json=submit, headers=key)
        if may(role, command.role):
            assert plan.status_code != 403, command.id
            assert done.status_code in (409, 422, 503), (command.id, done.text)
        else:
            words = f"needs the role {command.role}; yours is {role}"
            assert words in plan.json()["detail"]
            assert words in done.json()["detail"]
            assert (plan.status_code, done.status_code) == (403, 403)


async def _problem(desk: Desk, method: str, path: str, status: int, **more: Any) -> dict[str, Any]:
    answer = await desk.ask(method, path, **more)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["type"].startswith("urn:portal:problem:")
    assert problem["title"]
    assert "Traceback" not in answer.text
    assert len(answer.text) < 5000
    return problem


async def test_what_does_not_exist_is_told_with_what_was_looked_for(desk: Desk) -> None:
    problem = await _problem(desk, "GET", "/orders/no-such-order", 404)
    assert "no-such-order" in problem["detail"]
    assert "find" in problem["detail"]
    await _problem(desk, "GET", "/orders/00099999", 503)  # unknown here, and Salesforce cannot be asked
    problem = await _problem(desk, "GET", "/nothing/here", 404)
    assert "/nothing/here is not an address" in problem["detail"]
    assert "GET" in (await _problem(desk, "PUT", "/me", 405))["detail"]
    assert "order.fly" in (await _problem(desk, "POST", "/commands/order.fly/plan", 404, json={}))["detail"]
    await _problem(desk, "GET", "/batches/none", 404)
    await _problem(desk, "DELETE", "/tokens/99", 404)
    await _problem(desk, "GET", f"/commands/results/{'k' * 20}", 404)


async def test_monsters_get_clear_answers(desk: Desk) -> None:
    await _problem(desk, "GET", "/orders", 422, params={"filter": LONG[:5000]})
    assert "at most 200" in str(await _problem(desk, "GET", "/find", 422, params={"text": "x" * 10_000}))
    problem = await _problem(desk, "POST", "/commands/order.note/plan", 422, json={"orders": ["1" * 10_000]})
    assert problem["errors"][0]["remedy"] == "at most 40"
    await _problem(desk, "POST", "/orders/names", 422, json={"order_ids": ["x"] * 201})
    await _problem(desk, "POST", "/orders/names", 413, content=b"x" * 2_000_000)
    await _problem(desk, "POST", "/orders/names", 422, content=b"{broken")
    for text in ODD:
        problem = await _problem(desk, "GET", f"/orders/{text.replace('/', '%2F').replace('%00', '%2500')}", 404)
        assert "\u202e" not in problem["detail"]
        found = await desk.ask("GET", "/find", params={"text": text})
        assert found.status_code == 200
        assert found.json()["orders"] == []
        answer = await desk.ask("GET", "/orders", params={"filter": f'"{text}"'})
        assert (answer.status_code, answer.json()["total"]) == (200, 0)


async def test_a_body_without_length_is_limited_too(desk: Desk) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 100_000

    problem = await _problem(desk, "POST", "/orders/names", 413, content=endless())
    assert "1,000,000 bytes" in problem["detail"]


async def test_mistakes_in_fields_name_field_and_remedy(desk: Desk) -> None:
    problem = await _problem(desk, "GET", "/orders", 400, params={"filter": "state:faild"})
    assert problem["errors"] == [
        {
            "field": "filter",
            "problem": 'state has no value "faild"',
            "remedy": "did you mean failed?",
            "start": 6,
            "end": 11,
        }
    ]
    problem = await _problem(desk, "GET", "/orders", 400, params={"sort": "-updatd"})
    assert (problem["errors"][0]["field"], problem["errors"][0]["remedy"]) == ("sort", "did you mean updated?")
    problem = await _problem(desk, "POST", "/reveal", 422, json={"order_id": "1", "fields": ["password"], "why": "x"})
    assert {error["field"] for error in problem["errors"]} == {"fields.0", "reason", "why"}
    problem = await _problem(desk, "POST", "/commands/order.note/submit", 422, json={"orders": ["1"], "plan_hash": "x"})
    assert problem["errors"][0]["field"] == "Idempotency-Key"


async def test_a_defect_is_told_without_its_traceback(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret-of-the-org at line 7")

    monkeypatch.setattr("console.api.orders.parse_sort", broken)
    answer = await desk.ask("GET", "/orders", headers={"X-Correlation-Id": "abc-123"})
    assert answer.status_code == 500
    assert answer.json()["detail"] == "look for abc-123 in the daemon's log"
    assert "secret" not in answer.text
    assert answer.headers["x-correlation-id"] == "abc-123"


async def test_headers_keep_browsers_and_caches_out(desk: Desk) -> None:
    answer = await desk.ask("GET", "/me")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


async def test_systems_that_are_down_are_named(desk: Desk) -> None:
    assert (await _problem(desk, "GET", "/approvals", 503))["title"] == "salesforce cannot be asked now"
    await desk.journal.write(lambda db: put_order(db, 1, {}, None))
    shown = await desk.client("viewer").records("1")
    assert [(f.system, f.ok) for f in shown.fetched] == [("salesforce", False), ("whmcs", False), ("esim", True)]
    assert all(f.note for f in shown.fetched)
    found = await desk.client("operator").find("00000001")
    assert [o.order.number for o in found.orders] == ["00000001"]
    assert found.complete is False
    assert "cannot be asked" not in found.say.en
