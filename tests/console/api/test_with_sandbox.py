"""The desk's work over the API against the sandbox's servers: approve, watch, find, compare, mask, reveal."""

import asyncio
import contextlib
import time
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.client.api import ApiClient, new_key
from console.client.errors import ChangedMeanwhile, Forbidden, Invalid, NotFound, NotPossible, Unavailable
from console.schema.base import PREFIX
from console.schema.commands import PlanRequest, SubmitRequest, Submitted
from console.schema.service import RevealRequest
from console.settings.loading import load_settings
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Person
from storage import audit, orders, profiles
from tests.console.api.rig import Desk, open_desk, until

QUICK = {
    "PORTAL_WHMCS__LATE_AFTER": "2", "PORTAL_ENGINE__LOOK_APART": "0.3", "PORTAL_ENGINE__RETRY__BASE": "0.1",
    "PORTAL_ENGINE__RETRY__MAX": "0.5", "PORTAL_ENGINE__RECHECK_EVERY": "0.3", "PORTAL_ENGINE__BREAKER__FAILURES": "50",
    "PORTAL_SALESFORCE__TIMEOUT": "60", "PORTAL_WHMCS__READ_TIMEOUT": "60", "PORTAL_WHMCS__WRITE_TIMEOUT": "60",
    "PORTAL_ESIM__TIMEOUT": "60", "PORTAL_MAIL__TIMEOUT": "60", "PORTAL_MAIL__ANSWER_TIMEOUT": "60",
    "PORTAL_APPROVE__LIMIT_YEN": '{"operator": 50000}',
}  # fmt: skip


@dataclass
class Floor:
    sandbox: Sandbox
    desk: Desk
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def person(self) -> Person:
        return next(p for p in self.sandbox.world.people if p.pays_by == "card" and p.status == "Active" and p.kana)

    def place(self, kind: str = "vpn") -> str:
        (placed,) = self.sandbox.people.place(1, kinds=[kind], customer=self.person.number)
        return placed.id

    async def done(self, kind: str = "esim") -> str:
        """An order that was provisioned whole."""
        order_id = self.place(kind)
        self.sandbox.people.approve([order_id])
        await self.desk.parts.door.admit(order_id, source="poll")
        await self.state(order_id, "done")
        return order_id

    async def state(self, order_id: str, *states: str) -> None:
        def is_so() -> bool:
            row = self.desk.journal.peek(
                lambda db: db.execute(
                    "SELECT r.state FROM orders o JOIN runs r ON r.id = o.run_id WHERE o.order_id = ?", (order_id,)
                ).fetchone()
            )
            return row is not None and row[0] in states

        await until(is_so, 60)


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    (tmp_path / "sandbox").mkdir()
    sandbox = Sandbox(tmp_path / "sandbox", seed=1, customers=12)
    await sandbox.start()
    try:
        settings = load_settings(sandbox.configuration, QUICK).settings
        desk = await open_desk(tmp_path, settings, org=sandbox.world.org_id)
        stock = [(p.iccid, p.profile_type) for p in sandbox.world.profiles]
        await desk.journal.write(lambda db: profiles.add(db, stock, "test", time.time()))
        opened = Floor(sandbox, desk)
        parts = desk.parts
        opened.tasks = [asyncio.create_task(work) for work in (parts.dispatcher.run(), parts.writeback.run())]
        try:
            yield opened
        finally:
            for task in opened.tasks:
                task.cancel()
            await asyncio.gather(*opened.tasks, return_exceptions=True)
            await parts.dispatcher.drain(1.0)
            await desk.close()
    finally:
        with contextlib.suppress(Exception):
            await sandbox.stop()


async def _act(
    client: ApiClient, command: str, order: str, *, reason: str = "because", key: str | None = None, **arguments: Any
) -> Submitted:
    plan = await client.plan(command, PlanRequest(orders=[order], arguments=arguments))
    request = SubmitRequest(orders=[order], arguments=arguments, plan_hash=plan.hash, reason=reason)
    return await client.submit(command, request, key=key or new_key())


def _statuses(floor: Floor, order_id: str) -> str:
    row = floor.sandbox.salesforce.org.db.table("Order").get(order_id)
    assert row is not None
    return str(row["Status"])


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
    assert _statuses(floor, order_id) == "Approved"
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
        await _act(floor.desk.client("operator"), "order.approve", placed.id)


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


async def test_finding_by_everything_a_customer_can_name(floor: Floor) -> None:
    order_id = await floor.done()
    operator, person = floor.desk.client("operator"), floor.person
    row = floor.desk.journal.peek(lambda db: orders.get(db, order_id))
    assert row is not None
    (profile,) = floor.desk.journal.peek(lambda db: profiles.of_order(db, order_id))
    record = await operator.records(order_id)
    whmcs_id = next(line.whmcs for line in record.lines if line.field == "WHMCS order")
    digits = "".join(c for c in person.phone if c.isdigit())
    asked = {
        row.number: "order number", row.number.lstrip("0"): "order number", order_id: "Salesforce order id",
        order_id[:15]: "Salesforce order id", person.number: "customer number", person.number.casefold(): "customer number",
        person.name: "name", person.name.replace(" ", ""): "name", person.name.replace(" ", "　"): "name",
        person.phone: "phone", digits: "phone", "+81 " + digits[1:]: "phone",
        unicodedata.normalize("NFKC", digits).translate({ord("0") + i: 0xFF10 + i for i in range(10)}): "phone",
        profile.iccid: "ICCID", str(whmcs_id): "WHMCS order", str(person.whmcs_client_id): "WHMCS client",
        person.email: "e-mail", person.kana: "reading", person.kana.split()[0]: "reading",
        f"{person.name}様": "name", f"ご注文番号：{row.number}": "order number",
    }  # fmt: skip
    for text, by in asked.items():
        found = await operator.find(text)
        ids = {hit.order.order_id: hit.matched for hit in found.orders}
        assert order_id in ids, (text, found)
        assert not by or ids[order_id] == by, text
        assert found.complete
        assert {place.place for place in found.looked} >= {
            "orders known here",
            "Salesforce accounts",
            "Salesforce orders",
        }
        mine = [account for account in found.accounts if account.number == person.number]
        if mine:
            assert mine[0].found_in == ["Salesforce", "WHMCS"], text
            assert mine[0].client_status == "Active"
        assert found.orders[0].say.ja
    nothing = await operator.find("nobody-at-all")
    assert nothing.orders == []
    assert nothing.complete
    assert "cannot find" in nothing.say.en


async def test_a_search_without_whmcs_is_partial_and_says_so(floor: Floor) -> None:
    order_id, person = await floor.done("vpn"), floor.person
    operator = floor.desk.client("operator")
    for action in ("GetClients", "GetClientsDetails"):
        floor.sandbox.faults.add(system="whmcs", operation=action, kind="http_503", count=100)
    found = await operator.find(person.phone)
    assert order_id in [hit.order.order_id for hit in found.orders]
    assert not found.complete
    (whmcs,) = [place for place in found.looked if not place.ok]
    assert whmcs.place == "WHMCS clients" and whmcs.note
    nobody = await operator.find("nobody-at-all")
    assert not nobody.orders and not nobody.complete
    assert "cannot be asked" in nobody.say.en and "no order" in nobody.say.must_not_promise


async def test_a_bill_whose_answer_was_lost_is_found_by_its_whmcs_number(floor: Floor) -> None:
    """The marker on the WHMCS order leads to the order, though nobody here knows that number."""
    order_id = await floor.done("vpn")
    operator = floor.desk.client("operator")
    number = next(line.whmcs for line in (await operator.records(order_id)).lines if line.field == "WHMCS order")
    await floor.desk.journal.write(lambda db: db.execute("DELETE FROM order_keys WHERE kind = 'whmcs'"))
    rows = floor.sandbox.salesforce.org.db
    with rows.transaction():
        rows.put("Order", {**(rows.table("Order").get(order_id) or {}), "WHMCS_Order_ID__c": None})
    found = await operator.find(str(number))
    assert (found.orders[0].order.order_id, found.orders[0].matched) == (order_id, "WHMCS order")


async def test_an_order_only_salesforce_knows_is_found_there(floor: Floor) -> None:
    order_id = floor.place()
    number = str(floor.sandbox.salesforce.org.db.table("Order").get(order_id)["OrderNumber"])  # type: ignore[index]
    found = await floor.desk.client("operator").find(number.lstrip("0"))
    assert [(row.order_id, row.sf) for row in found.elsewhere] == [(order_id, "Pending Review")]
    assert "checking it now" in found.elsewhere[0].say.en
    assert found.say.en == "I have found your order."
    shown = await floor.desk.client("operator").order(number.lstrip("0"))
    assert (shown.order.order_id, shown.order.state, shown.order.sf) == (order_id, "none", "Pending Review")
    assert shown.run is None
    with pytest.raises(NotFound, match="neither here nor in Salesforce"):
        await floor.desk.client("operator").order("99999999")


async def test_what_a_viewer_must_not_see_is_in_no_answer(floor: Floor) -> None:
    """Every GET and every harmless POST, as a viewer: not one whole personal value; as an operator the names are there."""
    order_id, person = await floor.done(), floor.person
    operator, viewer = floor.desk.client("operator"), floor.desk.client("viewer")
    note = f"{person.name} called from {person.phone}, write to {person.email}"
    await _act(operator, "order.note", order_id, text=note)
    await _act(operator, "order.take", order_id, reason=f"{person.name} is waiting")
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


async def test_an_unknown_filter_word_stops_a_bulk_act(floor: Floor) -> None:
    with pytest.raises(Invalid, match="did you mean"):
        await floor.desk.client("operator").plan("order.note", PlanRequest(filter="stat:done", arguments={"text": "x"}))
    with pytest.raises(Invalid, match="every order at once"):
        await floor.desk.client("operator").plan("order.note", PlanRequest(filter=" ", arguments={"text": "x"}))
