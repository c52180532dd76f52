"""The other process: the daemon's API over a journal with a crowd of orders that change as fast as told.

Told by a line of JSON on stdin, each answered by one on stdout:
``{"do": "change", "per_s": 200, "seen": [run, …]}`` changes orders until ``{"do": "stop"}``, which answers ``Changed``;
``{"do": "burst", "count": 20000, "each": 1, "last": run}``: so many changes at once, so many of each order, that one last.
"""

import asyncio
import json
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from console.engine import transitions
from storage import feed
from storage.journal import connect
from tests.bench import past
from tests.console.api.rig import Desk, open_desk

BEAT = 0.02  # seconds between two transactions
LISTED = 5  # one order in so many is failed or parked
SEEN, TURNED = 0.25, 0.25  # shares of the changes: rows on the screen; orders that enter or leave the filter
BURST = 5_000  # changes in one transaction
CROSSING = 500  # orders that become older than five minutes while it is measured
_PEOPLE = (
    "CASE id % 10 WHEN 0 THEN '佐藤 健太郎' WHEN 1 THEN '株式会社みなとみらい通信サービス' WHEN 2 THEN 'ﾊﾞｽ観光 ｶ)'"
    " WHEN 3 THEN '田中 花子' WHEN 4 THEN 'Emily Clark' WHEN 5 THEN 'Priya Nair' WHEN 6 THEN 'John Miller'"
    " WHEN 7 THEN 'Marie Dubois' WHEN 8 THEN 'Ana Souza' ELSE 'David Chen' END"
)
_FAILURE: dict[str, Any] = {
    "step": "accept", "error_step": "accept", "error_class": "data", "error_system": "whmcs", "error_operation": "whmcs.AcceptOrder",
    "error_code": "service_pending", "error_message": "the service is still pending", "fingerprint": "0123456789abcdef",
}  # fmt: skip
_NO_FAILURE: dict[str, Any] = dict.fromkeys(_FAILURE)


@dataclass
class Changed:
    """What was done: orders of the screen (run, its tries since, monotonic time of the commit), how many changes in all,
    how many of them touched the filter or the sort key, and the feed's newest number."""

    seen: list[tuple[int, int, float]] = field(default_factory=list)
    written: int = 0
    moved: int = 0
    seq: int = 0


def fill(path: Path, count: int, now: float) -> None:
    """Make the journal: one in five failed or parked, four in ten with a Japanese name, amounts of all sizes."""
    past.fill(path, count)
    with closing(connect(path)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        db.execute(
            f"UPDATE runs SET state = CASE id % {2 * LISTED} WHEN 0 THEN 'failed' ELSE 'parked' END, step = 'accept',"
            " tries = 1, ended_at = NULL, error_step = 'accept', error_class = 'data', error_system = 'whmcs',"
            " error_code = 'service_pending', error_message = 'the service is still pending',"
            f" fingerprint = '0123456789abcdef' WHERE id % {LISTED} = 0"
        )
        db.execute("UPDATE runs SET created_at = ? + id / 50.0 WHERE id <= ?", (now - 300, CROSSING * LISTED))
        names = _PEOPLE.replace("id %", "run_id %")
        db.execute(
            f"UPDATE orders SET customer_name = {names}, amount = CASE run_id / {LISTED} % 5 WHEN 0 THEN 5"
            " WHEN 1 THEN 50 WHEN 2 THEN 500 WHEN 3 THEN 5000 ELSE 50000 END"
        )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Crowd:
    """Changes the orders of an open desk."""

    def __init__(self, desk: Desk, count: int) -> None:
        self._desk, self._count = desk, count
        self._committed = 0.0
        self._turn = 0
        self._tries: dict[int, int] = {}
        self._changing: asyncio.Task[None] | None = None
        self._changed = Changed()
        desk.journal.on_commit(self._note_commit)

    def _note_commit(self) -> None:
        self._committed = time.monotonic()

    async def do(self, told: dict[str, Any]) -> dict[str, Any]:
        match told["do"]:
            case "change":
                self._changed = Changed()
                self._changing = asyncio.create_task(self._change(told["per_s"], told["seen"]))
                return {}
            case "stop":
                if self._changing is not None:
                    self._changing.cancel()
                    await asyncio.gather(self._changing, return_exceptions=True)
                    self._changing = None
                self._changed.seq = self._newest()
                return asdict(self._changed)
            case "burst":
                for _ in range(0, told["count"], BURST):
                    await self._desk.journal.write(lambda db: self._burst(db, told["each"]))
                await self._desk.journal.write(lambda db: self._see(db, told["last"]))
                return {"seq": self._newest(), "tries": self._tries[told["last"]], "at": self._committed}
        raise ValueError(told)

    def _newest(self) -> int:
        newest: int = self._desk.journal.peek(lambda db: feed.bounds(db)[1])
        return newest

    async def _change(self, per_s: float, seen: list[int]) -> None:
        began = time.monotonic()
        while True:
            due = int((time.monotonic() - began) * per_s) - self._changed.written
            if due > 0:
                looked_at, moved = await self._desk.journal.write(lambda db, due=due: self._step(db, due, seen))  # type: ignore[misc]
                self._changed.seen += [(run, self._tries[run], self._committed) for run in looked_at]
                self._changed.written += due
                self._changed.moved += moved
            await asyncio.sleep(BEAT)

    def _step(self, db: sqlite3.Connection, due: int, seen: list[int]) -> tuple[list[int], int]:
        """Orders of the screen that were changed, and how many changes touched the filter or the sort key."""
        looked_at, moved = [], 0
        for _ in range(due):
            self._turn += 1
            share = self._turn * 0.61803398875 % 1  # spreads the kinds evenly
            if share < SEEN:
                run = seen[self._turn % len(seen)]
                self._see(db, run)
                looked_at.append(run)
                moved += 1
            elif share < SEEN + TURNED:
                self._turn_round(db, seen)
                moved += 1
            else:
                run = 1 + self._turn * 7919 % self._count
                run += not run % LISTED
                transitions.move(db, time.time(), run, state="running", step=past.STEPS[self._turn % len(past.STEPS)])
        return looked_at, moved

    def _see(self, db: sqlite3.Connection, run: int) -> None:
        """Its row says another number of tries, and goes to the top of what is sorted by *updated*."""
        tries = self._tries[run] = self._tries.get(run, 1) + 1
        transitions.move(db, time.time(), run, tries=tries)

    def _turn_round(self, db: sqlite3.Connection, seen: list[int]) -> None:
        """A failed order goes on, or one that went on fails."""
        run = LISTED * (1 + self._turn * 3571 % (self._count // LISTED))
        while run in seen or run <= CROSSING * LISTED:
            run = run % (self._count - LISTED) + LISTED
        (state,) = db.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()
        if state == "running":
            transitions.move(db, time.time(), run, state="failed", **_FAILURE)
        else:
            transitions.move(db, time.time(), run, state="running", **_NO_FAILURE)

    def _burst(self, db: sqlite3.Connection, each: int) -> None:
        """In bulk: the state of every order stays, its version and its time go on, ``each`` times."""
        count = BURST // each
        first = self._turn % (self._count - count) + 1
        self._turn += count
        where = (first, first + count - 1)
        db.execute(
            f"UPDATE runs SET version = version + {each}, updated_at = ? + id / 1e9 WHERE id BETWEEN ? AND ?",
            (time.time(), *where),
        )
        db.execute(
            "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < ?)"
            " INSERT INTO feed (epoch, at, kind, order_id, run_id, body) SELECT 1, updated_at, 'run', order_id, id,"
            " json_object('workflow', workflow, 'state', state, 'step', step, 'version', version - ? + k)"
            " FROM runs, n WHERE id BETWEEN ? AND ? ORDER BY id / 200, k, id",
            (each, each, *where),
        )


async def serve(folder: Path, count: int) -> None:
    """Until stdin ends."""
    desk = await open_desk(folder)
    crowd = Crowd(desk, count)
    print(json.dumps({"socket": str(desk.path)}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await crowd.do(json.loads(line))), flush=True)
    await desk.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
