"""A full disk: the change is refused as a whole, says so, and work goes on when there is room again."""

import json
import os
import subprocess
import sys
from pathlib import Path

from storage import backup

ROOT = Path(__file__).parents[2]
CODE = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from storage import feed, meta
from storage.errors import StoreFull
from storage.journal import Journal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the limit on file size then fails the write, as a full disk does


def limit(size):
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size if size else hard, hard))


async def main():
    journal = Journal.open(Path(sys.argv[1]))
    done, refused = [], []

    async def write(n):
        def change(db):
            meta.put(db, f"k{n}", "x" * 3000)
            feed.append(db, 0.0, "test", {"n": n})

        try:
            await journal.write(change)
            done.append(n)
        except StoreFull as error:
            refused.append(str(error))

    limit(600_000)  # beyond what the migrations left in the WAL
    for n in range(0, 400, 4):
        await asyncio.gather(*(write(n + i) for i in range(4)))
    before = len(refused)
    readable = len(await journal.read(lambda db: db.execute("SELECT key FROM meta WHERE key LIKE 'k%'").fetchall()))
    known = len(done)
    limit(0)
    for n in range(400, 420):
        await write(n)
    rows = {r[0] for r in await journal.read(lambda db: db.execute("SELECT key FROM meta WHERE key LIKE 'k%'").fetchall())}
    fed = {r[0] for r in await journal.read(lambda db: db.execute("SELECT json_extract(body, '$.n') FROM feed").fetchall())}
    journal.close()
    print(json.dumps({"done": len(done), "refused": before, "after": len(refused) - before, "words": refused[:1],
                      "readable": readable == known, "all": rows == {f"k{n}" for n in done}, "both": fed == set(done)}))


asyncio.run(main())
"""


def test_a_full_file_refuses_whole_changes_and_recovers(path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CODE, str(path)], capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["done"] > 20 and found["refused"] > 20, found
    assert "free disk space" in found["words"][0]
    assert found["after"] == 0, "after there was room again a change was refused"
    assert found["readable"] and found["all"] and found["both"], found
    backup.check(path)
