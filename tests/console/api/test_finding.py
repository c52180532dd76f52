"""Finding over the API: what a customer can name, asked of the journal, Salesforce and WHMCS."""

import unicodedata

import pytest

from console.api.find_salesforce import MOST_ORDERS
from console.client.errors import NotFound
from storage import orders, profiles
from tests.console.api.floor import Floor


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


async def test_a_customer_with_more_orders_than_are_listed(floor: Floor) -> None:
    """The newest are listed, and nothing counts them as all."""
    placed = floor.sandbox.people.place(MOST_ORDERS + 1, kinds=["vpn"], customer=floor.person.number)
    newest = max(order.number for order in placed)
    for text in (floor.person.number, floor.person.name):
        found = await floor.desk.client("operator").find(text)
        assert len(found.elsewhere) == MOST_ORDERS and found.elsewhere[0].number == newest
        (orders_there,) = [place for place in found.looked if place.more]
        assert (orders_there.place, orders_there.found) == ("Salesforce orders", MOST_ORDERS)
        assert found.more and "more than 50 orders" in found.say.en
    assert not (await floor.desk.client("operator").find(newest)).more


async def test_without_salesforce_no_place_of_it_is_said_to_have_been_looked_at(floor: Floor) -> None:
    """Whose orders are meant is asked there first: of a name or a telephone its orders were not looked for either."""
    order_id, person = await floor.done("vpn"), floor.person
    floor.sandbox.faults.add(system="salesforce", operation="*", kind="http_503", count=1000)
    for text, here in ((person.phone, [order_id]), ("nobody-at-all", [])):
        found = await floor.desk.client("operator").find(text)
        assert [hit.order.order_id for hit in found.orders] == here
        asked = {place.place: place.ok for place in found.looked}
        assert not asked["Salesforce accounts"] and not asked["Salesforce orders"] and not found.complete
        assert all(place.ok or place.note for place in found.looked)
