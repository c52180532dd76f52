import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.engine.backups import AGAIN_AFTER
from console.engine.failures import NotNow
from console.engine.housekeeping import DAMAGED
from storage import backup, calls, feed, meta, runs, tokens
from storage.errors import StoreDamaged, StoreFull
from tests.console.engine.keeping import GIGABYTE, MEGABYTE, House, house

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, PORTAL_HOUSEKEEPING__BACKUPS_KEPT="3") as made:
        yield made


def backups(home: House) -> list[Path]:
    return sorted(home.keeping.backups.folder.glob("*"))


async def test_a_checked_backup_a_day_of_which_the_newest_are_kept(home: House) -> None:
    await home.after(0)
    (first,) = backups(home)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    backup.check(first)
    await home.after(HOUR)
    home.restart()
    await home.after(HOUR)
    assert backups(home) == [first], "a restart makes none before it is due"
    for _ in range(4):
        await home.after(DAY)
    kept = backups(home)
    assert len(kept) == 3
    assert first not in kept
    assert home.keeping.backups.last_at == home.clock.now()


async def test_a_backup_that_fails_is_an_alarm_once_the_last_is_26_hours_old(home: House) -> None:
    await home.after(0)
    folder = home.keeping.backups.folder
    for made in backups(home):
        made.unlink()
    folder.rmdir()
    folder.write_text("a file where the folder was")
    assert "backup" not in await home.after(25 * HOUR)
    alarms = await home.after(1.1 * HOUR)
    assert "the last backup is 26 hours old" in alarms["backup"]
    folder.unlink()
    assert "backup" not in await home.after(AGAIN_AFTER)
    assert len(backups(home)) == 1


async def test_a_failing_backup_is_not_tried_at_every_round(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []

    def fails(source: Path, target: Path) -> int:
        tried.append(target)
        raise OSError("no space left on device")

    monkeypatch.setattr(backup, "backup", fails)
    for _ in range(100):
        await home.after(15)
    assert 2 <= len(tried) <= 3


async def test_a_journal_that_never_had_a_backup_is_told_of_too(home: House) -> None:
    home.free = 100 * MEGABYTE  # less than a backup may leave
    alarms = await home.after(27 * HOUR)
    assert "there is no backup of this journal" in alarms["backup"]
    assert "a backup needs" in alarms["backup"]


async def test_a_full_disk_stops_intake_and_calls_until_there_is_room(home: House) -> None:
    woken = []
    home.parts.engine.wake = lambda: woken.append(1)
    assert "disk" not in await home.after(0)
    home.free = 90 * GIGABYTE
    assert (await home.after(15))["disk"] == "9.0 % of the disk is free"
    assert home.parts.stopped() is None

    home.free = 199 * MEGABYTE
    assert "intake and new calls are stopped" in (await home.after(15))["disk"]
    assert home.parts.stopped() == "only 199 MB of disk are free (housekeeping.disk_stop_mb is 200)"
    with pytest.raises(NotNow, match="199 MB"):
        home.parts.engine.holds.check()
    await home.run()
    assert not await home.parts.dispatcher._claim()
    assert home.parts.dispatcher.working_on == 0
    assert home.journal.peek(lambda db: runs.counts(db)) == {"queued": 1}, "no run goes on either"

    home.free = 210 * MEGABYTE
    await home.after(15)
    assert home.parts.stopped() is not None, "not before there is a little more than that"
    home.free = 300 * GIGABYTE
    assert not woken
    assert "disk" not in await home.after(15)
    assert home.parts.stopped() is None
    home.parts.engine.holds.check()
    assert woken


async def test_a_store_that_cannot_grow_stops_intake_and_resumes_by_itself(home: House) -> None:
    await home.after(0)
    writing: sqlite3.Connection = home.journal._writer._connection
    pages = writing.execute("PRAGMA page_count").fetchone()[0]
    writing.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull):
        await home.journal.write(lambda db: meta.put(db, "large", "x" * MEGABYTE))
    stopped = home.parts.stopped()
    assert stopped is not None, "at once, not at the next round"
    assert "cannot grow" in stopped
    await home.keeping.watch_store()  # a small change still fits: the store works again
    assert home.parts.stopped() is None

    grown = "y" * MEGABYTE

    async def growing() -> None:
        await home.journal.write(lambda db: meta.put(db, "alive_at", grown))

    with pytest.raises(StoreFull):
        await growing()
    writing.execute("PRAGMA max_page_count = 1073741823")
    assert home.parts.stopped() is not None
    await home.after(2)
    assert home.parts.stopped() is None


async def test_the_store_hold_stands_while_no_write_succeeds(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = home.journal.write

    async def full(work: object) -> None:
        raise StoreFull("the journal cannot grow (disk full)")

    monkeypatch.setattr(home.journal, "write", full)
    await home.keeping._once_safely()
    assert "cannot grow" in str(home.parts.stopped())
    assert "cannot grow" in str(home.keeping.last_error)
    with pytest.raises(NotNow):
        home.parts.engine.holds.check()
    monkeypatch.setattr(home.journal, "write", real)
    await home.keeping._once_safely()
    assert home.parts.stopped() is None
    assert home.keeping.last_error is None


async def done_run(home: House, n: int, *, data: dict[str, object]) -> int:
    """A run that was done now: a read and an effect, inputs and outputs of both."""
    order, now = f"801{n:012d}AAA", home.clock.now()
    run_id = await home.run(order, state="done", state_data=data)

    def write(db: sqlite3.Connection) -> None:
        runs.change(db, run_id, now, ended_at=now)
        runs.set_step(db, run_id, "billing", "done", ended_at=now, output={"name": "Hana"}, note="visa 4242")
        for effect, operation in (("read", "whmcs.GetClientsDetails"), ("guarded", "whmcs.AddOrder")):
            call_id, send_id = calls.intend(
                db, run_id=run_id, order_id=order, step="billing", operation=operation, item="", system="whmcs",
                effect=effect, marker="p1:x", request={"name": "Hana"}, now=now, deadline=now, correlation="c",
            )  # fmt: skip
            calls.end_send(db, send_id, now, "ok")
            calls.settle(db, call_id, "done", now, output={"order_id": "77"})

    await home.journal.write(write)
    return run_id


async def test_runs_done_for_90_days_are_cut_to_effects_and_ids(home: House) -> None:
    many = [await done_run(home, n, data={"sf_modified": 1.0}) for n in range(45)]
    await home.after(89 * DAY)
    young = await done_run(home, 99, data={"sf_modified": 1.0})
    assert len(home.journal.peek(lambda db: calls.of_order(db, f"801{0:012d}AAA"))) == 2
    await home.after(2 * DAY)
    for n, run_id in enumerate(many):
        (call,) = home.journal.peek(lambda db, n=n: calls.of_order(db, f"801{n:012d}AAA"))  # type: ignore[misc]
        assert (call.operation, call.marker, call.input, call.output) == (
            "whmcs.AddOrder",
            "p1:x",
            {},
            {"order_id": "77"},
        )
        assert [send.outcome for send in home.journal.peek(lambda db, c=call.id: calls.sends(db, c))] == ["ok"]  # type: ignore[misc]
        run = home.journal.peek(lambda db, r=run_id: runs.get(db, r))  # type: ignore[misc]
        assert run is not None
        assert (run.state, run.state_data) == ("done", {})
        steps = home.journal.peek(lambda db, r=run_id: runs.steps(db, r))  # type: ignore[misc]
        assert all(step.output is None for step in steps)
    kept = home.journal.peek(lambda db: runs.get(db, young))
    assert kept is not None
    assert kept.state_data == {"sf_modified": 1.0}


async def test_forgetting_ends_where_nothing_is_left_to_trim(home: House) -> None:
    """Runs without a snapshot must not be found again and again."""
    for n in range(3):
        await done_run(home, n, data={})
    await home.after(100 * DAY)
    await home.after(100 * DAY)


async def test_old_feed_rows_and_keys_go_and_the_newest_stay(home: House) -> None:
    now = home.clock.now()

    def write(db: sqlite3.Connection) -> None:
        for n in range(1500):
            feed.append(db, now, "run", {"n": n})
        tokens.begin(db, "token:1", "key-1", "hash", now)

    await home.journal.write(write)
    await home.after(31 * DAY)
    assert home.journal.peek(lambda db: len(feed.after(db, 0, 5000))) >= 1500, "100,000 are kept whatever their age"
    assert await home.journal.write(lambda db: tokens.begin(db, "token:1", "key-1", "other", now)) is None
    await home.journal.write(lambda db: feed.prune(db, home.clock.now() - 30 * DAY, keep=100, limit=500))
    first, last, _ = home.journal.peek(feed.bounds)
    assert last - first == last - 501


async def test_an_unsound_copy_makes_the_journal_be_checked(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = backup.check
    told = "copy"

    def check(path: Path, *, quick: bool = False) -> None:
        if path.suffix == ".part" or told == "both":
            raise StoreDamaged(f"{path.name} fails its integrity check")
        real(path, quick=quick)

    monkeypatch.setattr(backup, "check", check)
    await home.after(0)
    assert home.keeping._checking is not None
    await home.keeping._checking
    assert DAMAGED not in home.parts.engine.holds.reasons(), "the journal itself is sound"
    assert not backups(home)
    told = "both"
    await home.after(AGAIN_AFTER)
    assert home.keeping._checking is not None
    await home.keeping._checking
    assert "fails its integrity check" in home.alarms()["journal_damaged"]
    with pytest.raises(NotNow, match="damaged"):
        home.parts.engine.holds.check()
