"""kill -9 in the middle of writing: what was acknowledged is there, and nothing is there by halves."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage import backup
from storage.journal import Journal

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.matrix) for n in range(2, 8))])
async def test_everything_acknowledged_survives_kill_9(path: Path, seed: int) -> None:
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("writing_process.py")), str(path)],
        stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert child.stdout is not None
    said = [child.stdout.readline()]
    time.sleep(random.Random(seed).uniform(0.02, 0.25))
    child.send_signal(signal.SIGKILL)
    said += child.stdout.readlines()
    child.stdout.close()
    assert child.wait(60) == -signal.SIGKILL

    acknowledged: dict[str, int] = {}
    for line in said:
        if line.endswith(b"\n"):
            worker, n = line.split()
            acknowledged[f"w{int(worker)}"] = int(n)
    journal = Journal.open(path)  # the dead process's lock is gone with it
    rows = dict(await journal.read(lambda db: db.execute("SELECT key, value FROM meta").fetchall()))
    fed = dict(
        await journal.read(
            lambda db: db.execute(
                "SELECT 'w' || json_extract(body, '$.worker'), MAX(json_extract(body, '$.n')) FROM feed GROUP BY 1"
            ).fetchall()
        )
    )
    counted = await journal.read(
        lambda db: db.execute("SELECT 'w' || json_extract(body, '$.worker'), COUNT(*) FROM feed GROUP BY 1").fetchall()
    )
    journal.close()
    assert len(acknowledged) >= 1
    assert {worker: n for worker, n in acknowledged.items() if int(rows.get(worker, -1)) < n} == {}
    assert {worker: int(n) for worker, n in rows.items() if worker.startswith("w")} == fed, "half a change was kept"
    assert {worker: count - 1 for worker, count in counted} == fed, "a change in the middle is missing"
    backup.check(path)


def test_the_control_loses_what_was_never_committed(path: Path) -> None:
    """The same reading finds a loss where there is one: a transaction that a kill cut off."""
    Journal.open(path).close()
    code = (
        "import sqlite3,sys,os; d=sqlite3.connect(sys.argv[1],isolation_level=None); d.execute('BEGIN');"
        "d.execute(\"INSERT INTO meta VALUES ('w0','7')\"); print('0 7',flush=True); os.kill(os.getpid(),9)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=False).stdout
    assert said == b"0 7\n"
    db = sqlite3.connect(path)
    assert db.execute("SELECT value FROM meta WHERE key = 'w0'").fetchone() is None
    db.close()
