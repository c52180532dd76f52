"""What the product must never do or keep: open the control address, or store and show what it was told in confidence."""

import asyncio
import sqlite3
from pathlib import Path

from storage import backup
from tests.e2e.rig import Rig

CARD = "4111111111111111"
NASTY = "\x1b[31mMallory\x1b[0m\u202e <script>alert(1)</script> [bold]x[/bold]"
RAW = (b"\x1b[31m", b"\x1b]0;", "\u202e".encode())


async def test_the_product_never_opens_the_control_address(rig: Rig) -> None:
    """A trap listens there. Control of the trap: a caller of our own is counted."""
    port = rig.sandbox.ports["control"]
    control = next(server for server in rig.sandbox._running if type(server).__name__ == "Control")
    await control.stop()
    callers: list[object] = []

    async def caught(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer.get_extra_info("peername"))
        writer.close()

    trap = await asyncio.start_server(caught, "127.0.0.1", port)
    try:
        assert str(port) not in rig.config.read_text(encoding="utf-8")
        await rig.start()
        order = rig.order("bundle")
        await rig.settled(order)
        await rig.daemon.kill()
        await rig.start()
        assert await rig.daemon.stop() == 0
        assert callers == []
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await rig.until(lambda: len(callers) == 1, "the trap to catch us")
    finally:
        trap.close()
        await trap.wait_closed()


def kept_files(rig: Rig) -> dict[Path, bytes]:
    """Everything that the product wrote: journal, WAL, backups, logs, crash files."""
    written = [*rig.journal.path.parent.rglob("*"), *rig.folder.glob("daemon-*.log")]
    return {path: path.read_bytes() for path in written if path.is_file()}


def outside_activation(path: Path) -> bytes:
    """All values of a journal but those of the one table that may hold activation data (rules §12 at rest)."""
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [repr(list(db.execute(f'SELECT * FROM "{table}"'))) for table in tables if table != "activation"]
    finally:
        db.close()
    return "\n".join(rows).encode()


def matching_ids(rig: Rig) -> list[bytes]:
    with rig.journal.opened() as db:
        return [row[0].encode() for row in db.execute("SELECT matching_id FROM activation")]


async def test_canaries_are_nowhere(rig: Rig) -> None:
    """Secrets, card numbers, matching ids and a customer's hostile name, put where the product reads them."""
    org = rig.sandbox.salesforce.org
    account = org.db.having("Account", "SF_Account_No__c", rig.customer())[0]
    with org.db.transaction():
        org.db.put("Account", {**account, "Name": NASTY})
    secrets = [rig.settings["salesforce"]["client_secret"], rig.settings["whmcs"]["secret"]]
    message = f"declined card {CARD} with secret {secrets[1]} {NASTY}"
    await rig.start()
    good = rig.order("bundle")
    await rig.settled(good)
    rig.fault("whmcs", "AcceptOrder", "module_fails", options={"message": message})
    rig.fault("esim", "downloadOrder", "refuse", options={"pair": "8.1.1/3.8"})
    orders = [rig.order("internet"), rig.order("esim", customer=rig.customer(nth=1))]
    await rig.settled(*orders)
    copy = rig.folder / "daemon" / "copy.db"
    await asyncio.to_thread(backup.backup, rig.journal.path, copy)
    matching = matching_ids(rig)
    assert len(matching) >= 2
    wal = rig.journal.path.with_name("journal.db-wal")
    assert wal.exists() and wal.stat().st_size > 0  # the daemon is alive: what it wrote last stands there
    for path, content in kept_files(rig).items():
        for canary in (CARD.encode(), *(secret.encode() for secret in secrets)):
            assert canary not in content, f"{canary!r} stands in {path.name}"
        if path.suffix == ".log":
            assert not [raw for raw in (*RAW, *matching) if raw in content], path.name
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} is readable by others"
    for journal in (rig.journal.path, copy):
        shown = outside_activation(journal)
        assert not [value for value in matching if value in shown], journal.name
    with rig.journal.opened() as db:
        feed = repr(list(db.execute("SELECT * FROM feed")))
    assert "Mallory" not in feed
