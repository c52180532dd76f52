"""Canaries of each kind in one order; every GET there is, as every role: what may stand in which answer."""

import logging
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from console.client.api import new_key
from console.schema.base import PREFIX, ROLES
from console.schema.commands import PlanRequest, SubmitRequest
from storage import profiles
from tests.console.screens.floor import Floor, open_floor

pytestmark = pytest.mark.asyncio(loop_scope="module")
EID = "89049032123451234512345678901235"
ENDLESS = ("/feed",)  # streams; what they carry is checked where they are tested
QUERIES = {"/find": "?text=nobody", "/profiles": "?limit=100", "/orders/{order}": "?masked=false"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("canaries")) as opened:
        yield opened


async def act(floor: Floor, role: str, command: str, order_id: str, **arguments: str) -> None:
    client = floor.desk.client(role)
    plan = await client.plan(command, PlanRequest(orders=[order_id], arguments=arguments))
    assert plan.refusal is None, plan.refusal
    request = SubmitRequest(orders=[order_id], arguments=arguments, plan_hash=plan.hash, reason="of the test")
    await client.submit(command, request, key=new_key())


def addresses(floor: Floor, order_id: str) -> list[str]:
    """Every GET of the contract, filled in for this order."""
    found = []
    for path, methods in floor.desk.app.openapi()["paths"].items():
        short = path.removeprefix(PREFIX)
        if "get" in methods and short not in ENDLESS:
            filled = re.sub(r"\{\w+\}", "11111111", short.replace("{order}", order_id))
            found.append(filled + QUERIES.get(short, ""))
    return sorted(set(found))


async def test_no_answer_holds_what_its_reader_may_not_see(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="console")
    waiting = floor.order("travel")
    floor.set_client(waiting, status="Closed")
    await floor.admit(waiting)
    await floor.state(waiting, "failed")
    await act(floor, "supervisor", "order.edit", waiting, field="eid", value=EID)
    done = await floor.done("esim")
    person = next(p for p in floor.sandbox.world.people if p.number == floor.placed[done].customer)
    note = f"{person.name} called from {person.phone}, write to {person.email}"
    await act(floor, "operator", "order.note", done, text=note)
    (held,) = floor.desk.journal.peek(lambda db: profiles.of_order(db, done))
    (secret,) = floor.desk.journal.peek(lambda db: profiles.activations(db, done))
    digits = "".join(c for c in person.phone if c.isdigit())
    names = {person.name, person.last_name, held.iccid}
    by_reveal_alone = {person.email, person.phone, digits}
    never = {secret.matching_id, EID}

    asked = [*addresses(floor, done), *addresses(floor, waiting)]
    for role in ROLES:
        seen = ""
        for path in dict.fromkeys(asked):
            answer = await floor.desk.ask("GET", path, role=role)
            assert answer.status_code in (200, 403, 404, 409, 422), (role, path, answer.text)
            seen += answer.text
        hidden = never | by_reveal_alone | (names if role == "viewer" else set())
        shown = seen.replace(note, "")  # whoever reads notes reads what staff wrote
        for value in hidden:
            at = shown.find(value)
            assert at < 0, (role, value, shown[max(0, at - 200) : at + 80])
        if role == "operator":
            assert person.name in seen and held.iccid in seen, "the canaries are where they should be"
    for order_id in (done, waiting):
        masked = (await floor.desk.ask("GET", f"/orders/{order_id}?masked=true", role="admin")).text
        for value in names | by_reveal_alone | never:
            assert value not in masked, value
    for value in names | by_reveal_alone | never:
        assert value not in caplog.text, value


async def test_a_viewer_may_not_reveal_nor_ask_for_what_leads_to_it(floor: Floor) -> None:
    order_id = floor.order(status="Pending Review")
    body = {"order_id": order_id, "fields": ["phone"], "reason": "curious"}
    assert (await floor.desk.ask("POST", "/reveal", role="viewer", json=body)).status_code == 403
    for path in ("candidates", "editable"):
        assert (await floor.desk.ask("GET", f"/orders/{order_id}/{path}", role="viewer")).status_code == 403
        assert (await floor.desk.ask("GET", f"/orders/{order_id}/{path}", role="operator")).status_code == 409
    assert floor.audit(order_id, "reveal") == []
