"""Who owns the org: restored backups, two daemons on two files, two on one (rules §5)."""

import asyncio
from pathlib import Path

from integrations.sandbox.config_writer import as_toml
from storage import backup
from tests.e2e.journals import JournalFile
from tests.e2e.points import Moment, Point, Shot
from tests.e2e.rig import Rig, tuned


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
    async with asyncio.timeout(20):
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


async def test_two_daemons_on_two_files(rig: Rig) -> None:
    first = await rig.start()
    other = rig.folder / "other.toml"
    settings = tuned(rig.settings, {"daemon": {"data_dir": str(rig.folder / "other")}})
    settings["esim"]["receiver"]["enabled"] = False
    settings["daemon"]["socket"] = {"path": str(rig.folder / "o.sock")}
    other.write_text(as_toml(settings), encoding="utf-8")
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
    assert set(rig.journal.states().values()) <= {"queued", "retrying", "parked"}  # the old owner holds still


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
