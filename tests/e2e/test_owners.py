"""Who owns the org: restored backups, two daemons on two files, two on one (rules §5)."""

import asyncio
import signal
from pathlib import Path

import pytest

from integrations.sandbox.config_writer import as_toml
from storage import backup
from tests.e2e.journals import JournalFile
from tests.e2e.points import Moment, Point, Shot
from tests.e2e.rig import Rig, tuned

# Each write of an order, and the reading of its bill.
ASLEEP = [
    Point(name, n, moment)
    for name, count in (
        ("salesforce.order.patch", 3), ("esim.downloadOrder", 2), ("esim.confirmOrder", 2), ("whmcs.AddOrder", 1),
        ("whmcs.GetInvoice", 1), ("whmcs.AcceptOrder", 1), ("whmcs.UpdateClientProduct", 1), ("esim.releaseProfile", 1),
    )
    for n in range(1, count + 1)
    for moment in Moment
]  # fmt: skip


async def test_a_backup_restored_in_mid_traffic(rig: Rig) -> None:
    """The journal is older than the world: what it has forgotten is found by looks, and nothing is made again."""
    await rig.start()
    before = rig.order("vpn")
    await rig.settled(before)
    file = rig.folder / "backup.db"
    await asyncio.to_thread(backup.backup, rig.journal.path, file)
    after = rig.order("bundle")
    await rig.settled(after)
    (cut,) = rig.place("internet")
    shot = Shot(rig, Point("whmcs.AddOrder", 1, Moment.INSIDE))
    shot.load()
    rig.approve(cut)
    async with asyncio.timeout(60):
        await shot.fired.wait()
    backup.restore(file, rig.journal.path, lambda: "now")
    refused = await rig.start(ready=False)
    assert await refused.ended() == 5
    assert "--take-over" in refused.log()
    await rig.start(take_over=True)
    await rig.until(lambda: rig.journal.meta("recovery_changed") is not None, "the list of changed orders")
    await rig.settled(cut)
    found = rig.verdict()
    assert not found["duplicates"], rig.story()
    assert cut.id not in found["lost"]
    assert rig.run(cut).state == "done", rig.story()
    assert after.id in str(rig.journal.meta("recovery_changed"))
    assert rig.journal.count("SELECT COUNT(*) FROM profiles WHERE state = 'free'") == 0
    assert rig.journal.mails("queued") + rig.journal.mails("sending") == 0
    assert rig.journal.count("SELECT COUNT(*) FROM mail WHERE state = 'held'") == 1
    fresh = rig.order("esim")
    await rig.settled(fresh)
    assert rig.run(fresh).error_code == "stock_empty"  # quarantined until compared


def another_file(rig: Rig) -> Path:
    """The configuration of a second daemon for the same org, with a journal of its own."""
    other = rig.folder / "other.toml"
    settings = tuned(rig.settings, {"daemon": {"data_dir": str(rig.folder / "other")}})
    settings["esim"]["receiver"]["enabled"] = False
    settings["daemon"]["socket"] = {"path": str(rig.folder / "o.sock")}
    other.write_text(as_toml(settings), encoding="utf-8")
    return other


async def test_two_daemons_on_two_files(rig: Rig) -> None:
    first = await rig.start()
    other = another_file(rig)
    refused = await rig.start(ready=False, config=other)
    assert await refused.ended() == 5
    assert first.alive
    taking = await rig.start(ready=False, config=other, take_over=True)
    journal = JournalFile(rig.folder / "other")
    await rig.until(lambda: journal.path.exists() and journal.meta("recovery_changed") is not None, "the new owner")
    orders = [rig.order("vpn", customer=rig.customer(nth=n)) for n in range(3)]
    await rig.until(lambda: {journal.states().get(order.id) for order in orders} == {"done"}, "the new owner's work")
    census = rig.sandbox.survey.census()
    assert len(census.bills) == len(orders)
    assert taking.alive
    assert not [state for state in rig.journal.states().values() if state == "done"]
    still = {"queued", "retrying", "parked"}
    await rig.until(lambda: set(rig.journal.states().values()) <= still, "the old owner to hold still")
    assert len(rig.sandbox.survey.census().bills) == len(orders)


@pytest.mark.matrix
@pytest.mark.parametrize("point", ASLEEP, ids=str)
async def test_asleep_anywhere_while_another_takes_over(rig: Rig, point: Point) -> None:
    """The machine slept in the midst of an order (SIGSTOP); another took the org over, and then it wakes."""
    (order,) = rig.place("bundle")
    first = await rig.start()
    shot = Shot(rig, point, kill=False)
    shot.load()
    rig.approve(order)
    async with asyncio.timeout(60):
        await shot.fired.wait()
    second = await rig.start(ready=False, config=another_file(rig), take_over=True)
    journal = JournalFile(rig.folder / "other")
    await rig.until(lambda: " is ready after " in second.log(), "the new owner")
    await rig.until(
        lambda: (
            rig.status(order.id) == "Activated"  # nothing is left to do for the new owner
            or any(run.settled for run in journal.runs() if run.order_id == order.id)
        ),
        "the new owner's end",
    )
    made = rig.sandbox.survey.census()
    first.signal(signal.SIGCONT)
    await rig.until(lambda: rig.run(order).state != "running", "the old owner's end")
    found, now = rig.verdict(), rig.sandbox.survey.census()
    assert not found["duplicates"], rig.story()
    assert len(now.bills) == len(made.bills) <= 1, rig.story()  # none: another file has no profiles in stock
    assert first.alive and second.alive


async def test_two_daemons_on_one_file(rig: Rig) -> None:
    first = await rig.start()
    second = await rig.start(ready=False)
    assert await second.ended() == 5
    assert f"process {first.pid}" in second.log()
    order = rig.order("vpn")
    await rig.settled(order)
    rig.judge()


async def test_a_daemon_that_was_stopped_hands_over_to_the_next(rig: Rig) -> None:
    """The same file again is the same owner: no take-over is asked for, not even right after a kill."""
    for _ in range(3):
        await rig.start()
        await rig.daemon.kill()
    await rig.start()
    assert await rig.daemon.stop() == 0
    rows = rig.sandbox.salesforce.org.db.rows("Portal_Journal__c")
    assert [int(row["Generation__c"]) for row in rows] == [4]
    assert Path(rig.journal.path).stat().st_mode & 0o777 == 0o600
