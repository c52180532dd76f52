from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.history import ORDERS, History, OrderHistory
from integrations.sandbox.store import Store

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
STAMP = "2026-04-01T12:00:00.000+0000"
PORTAL, CLERK = "005000000000001AAA", "005000000000002AAA"


def save(store: Store, status: str, by: str = CLERK, **fields: Any) -> None:
    row = {
        "Id": "801A",
        "CreatedById": PORTAL,
        "LastModifiedById": by,
        "Status": status,
        "LastModifiedDate": STAMP,
        **fields,
    }
    with store.transaction():
        store.table(ORDERS).put("801A", row)


def test_an_approval_is_noted_whoever_saves_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    history = History(store, lambda: NOW)
    save(store, "Pending Review", PORTAL)
    assert history.order("801A") == OrderHistory()
    save(store, "Approved")
    save(store, "Provisioning")
    assert history.order("801A") == OrderHistory(NOW)
    store.close()

    again = Store(tmp_path / "box.db")
    assert History(again).order("801A") == OrderHistory(NOW)
    again.close()


@pytest.mark.parametrize(
    ("by", "fields", "same"),
    [
        (CLERK, {}, False),
        (PORTAL, {}, True),
        (PORTAL, {"Placed_By__c": "C-004009", "Approved_By__c": "sato"}, False),
        (CLERK, {"Placed_By__c": "sato", "Approved_By__c": "sato"}, True),
    ],
)
def test_four_eyes_compare_the_console_names_or_the_users(by: str, fields: dict[str, str], same: bool) -> None:
    store = Store()
    history = History(store)
    save(store, "Approved", by, **fields)
    assert history.order("801A").approved_by_placer is same


def test_an_end_after_the_approval_is_noted_and_a_new_approval_takes_it_back() -> None:
    store = Store()
    history = History(store, lambda: NOW)
    save(store, "Cancelled")
    assert history.order("801A") == OrderHistory()
    save(store, "Approved")
    save(store, "Cancelled")
    assert history.order("801A") == OrderHistory(NOW, ended=True, ended_by=CLERK)
    save(store, "Approved")
    assert not history.order("801A").ended


def test_a_save_that_is_rolled_back_approves_nothing() -> None:
    store = Store()
    history = History(store)
    with pytest.raises(RuntimeError), store.transaction():
        save(store, "Approved")
        raise RuntimeError
    assert history.order("801A") == OrderHistory()


def test_acts_are_kept_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    history = History(store, lambda: NOW)
    history.note("payment", client=1001, pay_method="none")
    history.note("stock", type="TRAVEL-10G", count=3)
    history.note("payment", client=1001, pay_method="card")
    assert [act["pay_method"] for act in history.acts("payment")] == ["none", "card"]
    store.close()
