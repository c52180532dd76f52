"""A journal with orders in every state, made from plain dictionaries."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from storage import desk, orders, runs
from storage.orders import OrderRow

STEPS = ("load", "payment", "esim", "billing", "accept", "crm", "email")


def order_id_of(n: int) -> str:
    """A valid order id of 18 characters (all digits: the checksum is AAA or alike by the same rule)."""
    from integrations.salesforce.ids import to18

    return to18(f"801{n:012d}")


def put_order(db: sqlite3.Connection, n: int, order: Mapping[str, Any], run: Mapping[str, Any] | None) -> str:
    """An order and, if given, its run. ``order`` and ``run`` name columns; the rest has defaults."""
    order_id = order_id_of(n)
    values: dict[str, Any] = {
        "order_id": order_id, "number": f"{n:08d}", "account_id": None, "customer_number": f"C-{n:06d}",
        "customer_name": "田中 花子", "client_id": str(4000 + n), "phone": None, "email": None, "kind": "SIM", "plan": "SIM 20GB",
        "amount": 2178, "sf_status": "Provisioning", "placed_by": None, "approved_by": None, "effective_date": None,
        "sf_modified_at": 1000.0, "read_at": 1000.0,
    }  # fmt: skip
    orders.put(db, OrderRow(**(values | dict(order))))
    if run is not None:
        created = float(run.get("created_at", 1000.0))
        columns: dict[str, Any] = {
            "workflow": "provision_order", "subject": order_id, "order_id": order_id, "order_number": f"{n:08d}",
            "state": "queued", "source": "event",
        }  # fmt: skip
        later = {key: value for key, value in run.items() if key not in ("created_at", "updated_at", "steps")}
        run_id = runs.insert(db, STEPS, created, **columns)
        runs.change(db, run_id, float(run.get("updated_at", created)), **later)
        for name, state in run.get("steps", {}).items():
            runs.set_step(db, run_id, name, state)
    return order_id


def take(db: sqlite3.Connection, order_id: str, actor: str, at: float, until: float) -> None:
    desk.take(db, order_id, actor, at, until)
