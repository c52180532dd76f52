"""The desk's work over the API against the sandbox's servers: approve, watch, compare, mask, reveal."""

import asyncio
import time

import httpx
import pytest

from console.client.api import new_key
from console.client.errors import ChangedMeanwhile, Forbidden, Invalid, NotFound, NotPossible, Unavailable
from console.schema.base import PREFIX
from console.schema.commands import PlanRequest, SubmitRequest, Submitted
from console.schema.service import RevealRequest
from storage import audit, profiles
from tests.console.api.floor import Floor, act, status_of


async def test_an_order_is_approved_once_however_often_it_is_sent(floor: Floor) -> None:
    order_id = floor.place()
    operator = floor.desk.client("operator")
    waiting = await operator.approvals()
    shown = next(a for a in waiting.approvals if a.order_id == order_id)
    assert shown.customer == floor.person.name
    assert shown.may
    assert shown.why
    assert waiting.sum_yen >= (shown.amount or 0)

    plan = await operator.plan("order.approve", PlanRequest(orders=[shown.number]))
    assert (plan.count, plan.sum_yen, plan.refusal) == (1, shown.amount, None)
    assert any("Salesforce: Approved" in line for line in plan.orders[0].lines)
    request = SubmitRequest(orders=[shown.number], plan_hash=plan.hash)
    key = new_key()
    answers = await asyncio.gather(
        *(operator.submit("order.approve", request, key=key) for _ in range(5)), return_exceptions=True
    )
    done = [answer for answer in answers if isinstance(answer, Submitted)]
    assert done, answers
    assert all(answer == done[0] for answer in done)
    assert await operator.submit("order.approve", request, key=key) == done[0]
    assert await operator.result(key) == done[0]
    assert status_of(floor, order_id) == "Approved"
    rows = floor.desk.journal.peek(lambda db: audit.newest(db, 10, command="order.approve"))
    assert [row.phase for row in rows] == ["outcome", "intent"]
    assert rows[0].plan_hash == plan.hash

    with pytest.raises(Invalid, match="another request"):
        await operator.submit("order.approve", request.model_copy(update={"reason": "other"}), key=key)
    with pytest.raises(NotFound):
        await floor.desk.client("supervisor").result(key)  # somebody else's key
    with pytest.raises((NotPossible, ChangedMeanwhile)):
        await operator.submit("order.approve", request, key=new_key())


async def test_an_order_that_only_salesforce_knows_is_masked_and_says_when_it_cannot_be_read(floor: Floor) -> None:
    """Nothing of it is here: while Salesforce is away it is not "not found", and no answer shows a customer to a viewer."""
    order_id, viewer = floor.place(), floor.desk.client("viewer")
    for operation in ("composite", "query"):
        floor.sandbox.faults.add(system="salesforce", operation=operation, kind="http_503", count=100)
    for asked in (order_id, "00099999"):
        with pytest.raises(Unavailable, match=r"(?i)salesforce") as away:
            await viewer.order(asked)
        assert "Traceback" not in str(away.value.problem)
    floor.sandbox.faults.clear()
    shown, whole = await viewer.order(order_id), await floor.desk.client("operator").order(order_id)
    assert (shown.run, shown.order.sf) == (None, "Pending Review")
    assert shown.customer["name"] != whole.customer["name"] == floor.person.name
    said = shown.model_dump_json()
    assert not any(private in said for private in (floor.person.name, floor.person.email, floor.person.phone))
    await viewer.order(shown.order.number)
    with pytest.raises(NotFound):
        await viewer.order("00099999")


async def test_somebody_else_was_faster(floor: Floor) -> None:
    order_id = floor.place()
    operator, supervisor = floor.desk.client("operator"), floor.desk.client("supervisor")
    request = PlanRequest(orders=[order_id])
    mine = await operator.plan("order.approve", request)
    theirs = await supervisor.plan("order.approve", request)
    await supervisor.submit("order.approve", SubmitRequest(orders=[order_id], plan_hash=theirs.hash), key=new_key())
    with pytest.raises(ChangedMeanwhile) as caught:
        await operator.submit("order.approve", SubmitRequest(orders=[order_id], plan_hash=mine.hash), key=new_key())
    change = caught.value.problem.changes[0]
    assert (change.by, change.order_id) == ("supervisor of the test", order_id)
    assert "Pending Review" in change.what


async def test_over_the_limit_is_said_with_who_may(floor: Floor) -> None:
    (placed,) = floor.sandbox.people.place(1, kinds=["vpn"], customer=floor.person.number)
    floor.desk.parts.engine.settings.approve.limit_yen["operator"] = 100
    shown = next(a for a in (await floor.desk.client("operator").approvals()).approvals if a.order_id == placed.id)
    assert not shown.may
    assert "over your limit of ¥100" in shown.why_not
    assert "a supervisor may approve it" in shown.why_not
    with pytest.raises(NotPossible, match="over your limit"):
        await act(floor.desk.client("operator"), "order.approve", placed.id)
    seen = next(a for a in (await floor.desk.client("viewer").approvals()).approvals if a.order_id == placed.id)
    assert not seen.may and "needs the role operator" in seen.why_not
    assert seen.why == ["waits for a decision"], "who looks at it is not why it waits"


async def test_a_finished_order_shows_everything_and_its_records_agree(floor: Floor) -> None:
    order_id = await floor.done()
    operator = floor.desk.client("operator")
    shown = await operator.order(order_id)
    assert shown.run is not None
    assert [step.state for step in shown.run.steps] == ["done"] * 7
    assert {call.operation for call in shown.calls} >= {"salesforce.claim", "whmcs.AddOrder", "whmcs.AcceptOrder"}
    assert all(call.sends for call in shown.calls)
    own = [send for call in shown.calls for send in call.sends if send.run_id == shown.run.id]
    assert all(send.seconds is not None and send.outcome for send in own)
    assert shown.customer["name"] == floor.person.name
    assert shown.profiles
    assert shown.standing
    assert "complete" in shown.say.en
    assert "完了" in shown.say.ja
    offers = {offer.id: offer for offer in shown.commands}
    assert not offers["order.retry"].possible
    assert "done" in offers["order.retry"].reason
    assert (await operator.order(shown.order.number.lstrip("0"))).order.order_id == order_id

    records = await operator.records(order_id)
    assert [(f.system, f.ok) for f in records.fetched] == [("salesforce", True), ("whmcs", True), ("esim", True)]
    assert records.differences == 0, [line for line in records.lines if line.same is False]
    by_field = {(line.group.split()[0], line.field): line for line in records.lines}
    assert by_field["customer", "phone"].same is True
    assert by_field["customer", "name"].same is True
    assert by_field["item", "ICCID"].same is True
    assert by_field["order", "amount"].same is True


async def test_a_difference_is_found_after_normalising(floor: Floor) -> None:
    order_id = await floor.done("vpn")
    client = next(p.whmcs_client_id for p in floor.sandbox.world.people if p.number == floor.person.number)
    records = floor.sandbox.whmcs.records
    row = records.clients.get(client)
    assert row is not None
    other = "+81." + floor.person.phone.lstrip("0").replace("-", "")
    with floor.sandbox.whmcs._store.transaction():
        records.clients.change(row, phonenumber=other, status="Inactive")
    shown = await floor.desk.client("operator").records(order_id)
    phone = next(line for line in shown.lines if line.field == "phone")
    assert phone.same is True, phone
    whole = {line.field: line for line in shown.lines if line.group == "customer"}
    assert whole["client status"].whmcs == "Inactive"


async def test_what_a_viewer_must_not_see_is_in_no_answer(floor: Floor) -> None:
    """Every GET and every harmless POST, as a viewer: not one whole personal value; as an operator the names are there."""
    order_id, person = await floor.done(), floor.person
    operator, viewer = floor.desk.client("operator"), floor.desk.client("viewer")
    note = f"{person.name} called from {person.phone}, write to {person.email}"
    await act(operator, "order.note", order_id, text=note)
    await act(operator, "order.take", order_id, reason=f"{person.name} is waiting")
    (profile,) = floor.desk.journal.peek(lambda db: profiles.of_order(db, order_id))
    (secret,) = floor.desk.journal.peek(lambda db: profiles.activations(db, order_id))
    digits = "".join(c for c in person.phone if c.isdigit())
    personal = [
        person.name,
        person.last_name,
        person.phone,
        digits,
        person.email,
        profile.iccid,
        profile.eid or "no eid",
    ]
    secrets_ = [secret.matching_id]
    paths = [
        "/health", "/health/deep", "/me", "/snapshot", "/orders", f"/orders/{order_id}", f"/orders/{order_id}/records",
        f"/orders/{order_id}/commands", f"/find?text={digits}", "/approvals", "/failures", "/needs-person", "/commands",
        "/batches", "/events", "/gaps", "/poison", "/mails", "/audit", "/profiles?limit=100", "/integrations", "/metrics",
    ]  # fmt: skip
    posts = [("/orders/names", {"order_ids": [order_id]}), ("/commands/order.cancel/plan", {"orders": [order_id]})]
    seen = dict.fromkeys(("viewer", "operator"), "")
    for role in seen:
        for path in paths:
            answer = await floor.desk.ask("GET", path, role=role)
            assert answer.status_code == 200, (path, answer.text)
            seen[role] += answer.text
        for path, body in posts:
            seen[role] += (await floor.desk.ask("POST", path, role=role, json=body)).text
        seen[role] += await _feed_text(floor, role)
    for value in personal:
        assert value not in seen["viewer"], value
    for value in (*secrets_,):
        assert value not in seen["viewer"] + seen["operator"]
    for value in (person.email, digits):
        assert value not in seen["operator"].replace(note, "").replace(f'"text":"{digits}"', "")
    assert person.name in seen["operator"]
    assert profile.iccid in seen["operator"]
    names = await viewer.names([order_id])
    assert names.masked
    assert "•" in names.names[order_id]


async def _feed_text(floor: Floor, role: str) -> str:
    text = ""
    headers = {"Authorization": f"Bearer {floor.desk.tokens[role]}"}
    async with (
        httpx.AsyncClient(base_url=floor.desk.url, verify=False, timeout=60) as http,
        http.stream("GET", f"{PREFIX}/feed?after=0", headers=headers) as answer,
    ):
        async for chunk in answer.aiter_text():
            text += chunk
            if text.count("\nid:") + text.startswith("id:") > 5 and "done" in text:
                break
    return text


async def test_revealing_is_written_down_before_it_answers(floor: Floor) -> None:
    order_id, person = await floor.done(), floor.person
    request = RevealRequest(order_id=order_id, fields=["phone", "email", "activation"], reason="customer asked")
    with pytest.raises(Forbidden, match="needs the role operator"):
        await floor.desk.client("viewer").reveal(request)
    shown = await floor.desk.client("operator").reveal(request)
    assert (shown.values["phone"], shown.values["email"]) == (person.phone, person.email)
    assert shown.values["activation"][0]["code"].startswith("LPA:1$")
    rows = floor.desk.journal.peek(lambda db: audit.newest(db, 10, command="reveal"))
    assert [row.phase for row in rows] == ["outcome", "intent"]
    assert (rows[1].id, rows[1].reason, rows[1].subjects) == (shown.audit_id, "customer asked", [order_id])
    assert person.email not in str(rows)


async def test_a_bulk_act_runs_in_the_daemon_and_keeps_each_result(floor: Floor) -> None:
    ids = [await floor.done("vpn") for _ in range(3)]
    runner = asyncio.create_task(floor.desk.api.services.batches.run())
    try:
        operator = floor.desk.client("operator")
        asked = PlanRequest(filter="state:done kind:vpn", arguments={"text": "checked by the shift"})
        plan = await operator.plan("order.note", asked)
        assert (plan.count, plan.bulk) == (3, True)
        request = SubmitRequest(**asked.model_dump(), plan_hash=plan.hash, reason="shift", pace=50)
        answer = await operator.submit("order.note", request, key=new_key())
        assert answer.outcome == "running"
        assert answer.batch_id is not None
        batch = await operator.batch(answer.batch_id)
        end = time.monotonic() + 60
        while batch.state == "running":
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
            batch = await operator.batch(answer.batch_id)
        assert batch.counts == {"done": 3}
        assert {item.order_id for item in batch.items} == set(ids)
        assert (await operator.batches()).batches[0].id == batch.id
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)


async def test_an_unknown_filter_word_stops_a_bulkact(floor: Floor) -> None:
    with pytest.raises(Invalid, match="did you mean"):
        await floor.desk.client("operator").plan("order.note", PlanRequest(filter="stat:done", arguments={"text": "x"}))
    with pytest.raises(Invalid, match="every order at once"):
        await floor.desk.client("operator").plan("order.note", PlanRequest(filter=" ", arguments={"text": "x"}))
