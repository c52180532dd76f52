"""Lists of orders and what people look for: every page, no list that may be short, no text that becomes a query."""

from typing import Any

import pytest

from integrations.errors import CallFailed, ErrorClass
from integrations.salesforce.client import SalesforceClient
from tests.integrations.salesforce.scripted import (
    NOW,
    ScriptedOrg,
    order_row,
    rows,
    says,
)


def listed(number: int) -> dict[str, Any]:
    return order_row(Id=f"801D0000000G{number:03d}", OrderNumber=f"{number:08d}")


async def test_a_list_follows_every_page(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script += [
        says(rows(listed(1), listed(2), total=3, more="/services/data/v63.0/query/01gD0000002HU6K-2000")),
        says(rows(listed(3), total=3)),
    ]
    found = await client.list_orders(["Approved", "Provisioning"], modified_since=NOW)
    assert [ref.number for ref in found] == ["00000001", "00000002", "00000003"]
    assert org.paths == ["/services/data/v63.0/query/", "/services/data/v63.0/query/01gD0000002HU6K-2000"]
    asked = org.asked[0].query["q"]
    assert "Status IN ('Approved','Provisioning') AND SystemModstamp >= 2026-11-23T09:00:00+00:00" in asked


@pytest.mark.parametrize(
    "pages",
    [
        [rows(listed(1), total=2)],
        [rows(listed(1), listed(1))],
        [rows(total=1)],
        [rows(listed(1), total=2, more="/services/data/v63.0/query/01g-1"), rows(total=2)],
        [rows(listed(1), total=2, more="/services/data/v63.0/query/01g-1"), rows(listed(2), total=3)],
        [rows(listed(1), total=2, more="/services/data/v63.0/query/01g-1"), rows(listed(1), total=2)],
    ],
    ids=["short", "twice the same", "empty", "page missing", "total changed", "page repeated"],
)
async def test_a_list_that_may_be_short_is_an_error(
    pages: list[dict[str, Any]], org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.script += [says(page) for page in pages]
    with pytest.raises(CallFailed) as caught:
        await client.list_orders(["Approved"])
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.TRANSIENT, "incomplete")


@pytest.mark.parametrize(
    "answer", [{}, {"records": []}, {"done": True, "records": None, "totalSize": 0}, [1], {"done": 1}]
)
async def test_a_reply_without_a_list_is_never_no_orders(
    answer: Any, org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.script.append(says(answer))
    with pytest.raises(CallFailed) as caught:
        await client.list_orders(["Approved"])
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.TRANSIENT, "malformed")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/services/data/v63.0/query/01g-1",
        "//evil.example/services/data/v63.0/query/01g-1",
        "/services/data/v63.0/query/../../../evil",
        "/services/data/v63.0/query/01g-1?x=//evil",
        "/services/data/v63.0/sobjects/Order/801",
        None,
        7,
    ],
)
async def test_the_next_page_is_only_ever_a_path_of_this_org(
    url: Any, org: ScriptedOrg, client: SalesforceClient
) -> None:
    page = rows(listed(1), total=2)
    org.script.append(says({**page, "done": False, "nextRecordsUrl": url}))
    with pytest.raises(CallFailed) as caught:
        await client.list_orders(["Approved"])
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "next_page_refused")
    assert len(org.asked) == 1


async def test_no_statuses_are_no_question(org: ScriptedOrg, client: SalesforceClient) -> None:
    assert await client.list_orders([]) == []
    assert org.asked == []


@pytest.mark.parametrize(
    ("text", "number", "name"),
    [
        ("C-004417", "'C-004417'", "'%C-004417%'"),
        ("O'Brien", "'O\\'Brien'", "'%O\\'Brien%'"),
        ("100%_x", "'100%_x'", "'%100\\%\\_x%'"),
        ("' OR Name != '", "'\\' OR Name != \\''", "'%\\' OR Name != \\'%'"),
        ("🙂+&", "'🙂+&'", "'%🙂+&%'"),
    ],
)
async def test_what_people_type_is_data_in_a_query(
    text: str, number: str, name: str, org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.script.append(says(rows(order_row()["Account"])))
    (found,) = await client.find_accounts(f" {text} ")
    assert found.number == "C-004417"
    asked = org.asked[0].query["q"]
    assert f"WHERE SF_Account_No__c = {number} OR Name LIKE {name} ORDER BY Name" in asked


@pytest.mark.parametrize("text", ["", "   ", "9" * 10_000])
async def test_what_cannot_be_found_is_not_asked_for(text: str, org: ScriptedOrg, client: SalesforceClient) -> None:
    assert await client.find_accounts(text) == []
    assert org.asked == []
