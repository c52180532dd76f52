"""A journal with a past: orders that were provisioned long ago, written in bulk."""

import sqlite3
from contextlib import closing
from pathlib import Path

from storage import meta
from storage.journal import Journal, connect

STEPS = ("load", "payment", "esim", "billing", "accept", "crm", "email")
CALLS = ("salesforce.claim", "whmcs.AddOrder", "whmcs.AcceptOrder", "salesforce.write_ids", "salesforce.activate")
BEGAN = 1_700_000_000.0
FEED_KEPT = 100_000  # housekeeping leaves about so many rows

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
_ORDER = "'801' || substr('000000000000' || n.i, -12) || 'AAA'"
_STATEMENTS = (
    f"{_NUMBERS} INSERT INTO orders (order_id, number, account_id, customer_number, customer_name, client_id, kind, plan,"
    f" amount, sf_status, run_id, search, sf_modified_at, read_at) SELECT {_ORDER}, substr('00000000' || n.i, -8),"
    " '001000000000001AAA', 'C-' || substr('000000' || (n.i % 5000), -6), '佐藤 健太郎', 1000 + n.i % 5000, 'internet',"
    " 'Internet 1G', 5280, 'Activated', n.i, 'sato ' || n.i, :began + n.i, :began + n.i FROM n",
    f"{_NUMBERS} INSERT INTO runs (id, workflow, workflow_steps, subject, order_id, order_number, state, next_at, lock_key,"
    " version, attempt, source, created_at, updated_at, started_at, ended_at)"
    f" SELECT n.i, 'provision_order', '{' '.join(STEPS)}', {_ORDER}, {_ORDER}, substr('00000000' || n.i, -8), 'done',"
    " :began + n.i, 1000 + n.i % 5000, 17, 1, 'event', :began + n.i, :began + n.i, :began + n.i, :began + n.i + 4 FROM n",
)
_STEP = (
    f"{_NUMBERS} INSERT INTO steps (run_id, position, name, state, tries, started_at, ended_at, output)"
    " SELECT n.i, :position, :name, 'done', 1, :began + n.i, :began + n.i + 1, '{}' FROM n"
)
_CALL = (
    f"{_NUMBERS} INSERT INTO calls (run_id, order_id, step, operation, system, effect, marker, state, sends, output,"
    f" first_intent_at, intent_at, deadline, settled_at, settled_by) SELECT n.i, {_ORDER}, 'billing', :operation, :system,"
    " 'guarded', 'p1:00D000000000001:801', 'done', 1, '{\"order_id\":\"1234\"}', :began + n.i, :began + n.i, :began + n.i,"
    " :began + n.i, 'answer' FROM n"
)
_SENDS = (
    "INSERT INTO sends (call_id, run_id, n, kind, intent_at, deadline, ended_at, outcome)"
    " SELECT id, run_id, 1, 'send', intent_at, deadline, settled_at, 'ok' FROM calls"
)
_FEED = (
    f"{_NUMBERS} INSERT INTO feed (epoch, at, kind, order_id, run_id, body) SELECT 1, :began + n.i, 'run', {_ORDER}, n.i,"
    ' \'{"workflow":"provision_order","state":"done","version":17,"strip":"vvvvvvv"}\' FROM n'
)


def fill(path: Path, count: int) -> None:
    """Make the journal ``path`` with ``count`` orders of long ago."""
    Journal.open(path, "benchmark").close()
    with closing(connect(path)) as db:
        _write(db, count)
    path.chmod(0o600)


def _write(db: sqlite3.Connection, count: int) -> None:
    values = {"count": count, "began": BEGAN}
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN")
    for statement in _STATEMENTS:
        db.execute(statement, values)
    for position, name in enumerate(STEPS):
        db.execute(_STEP, {**values, "position": position, "name": name})
    for operation in CALLS:
        db.execute(_CALL, {**values, "operation": operation, "system": operation.partition(".")[0]})
    db.execute(_SENDS)
    db.execute(_FEED, {**values, "count": min(count, FEED_KEPT)})
    meta.put(db, "first_poll_at", str(BEGAN))
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
