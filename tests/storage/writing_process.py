"""A process that writes to a journal as fast as it can and says on stdout what is durable; the test kills it."""

import asyncio
import sqlite3
import sys
from pathlib import Path

from storage import feed, meta
from storage.journal import Journal


async def write(journal: Journal, worker: int) -> None:
    for n in range(1_000_000):

        def both(db: sqlite3.Connection, n: int = n) -> None:
            meta.put(db, f"w{worker}", str(n))
            feed.append(db, float(n), "test", {"worker": worker, "n": n})

        await journal.write(both)
        print(worker, n, flush=True)


async def main() -> None:
    journal = Journal.open(Path(sys.argv[1]))
    await asyncio.gather(*(write(journal, worker) for worker in range(8)))


asyncio.run(main())
