"""Who may open the file, and who may read what lies on disk."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storage import meta
from storage.errors import StorageError, StoreInUse
from storage.journal import Journal

ROOT = Path(__file__).parents[2]


def modes(folder: Path) -> dict[str, int]:
    return {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}


async def test_everything_on_disk_is_the_owners_alone(path: Path) -> None:
    mask = os.umask(0)
    try:
        journal = Journal.open(path)
        await journal.write(lambda db: meta.put(db, "a", "b"))
        found = modes(path.parent)
        journal.close()
    finally:
        os.umask(mask)
    assert {"journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"} <= set(found)
    assert set(found.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    Journal.open(path).close()
    path.chmod(0o644)
    Journal.open(path).close()
    assert modes(path.parent)["journal.db"] == 0o600


def test_opening_leaves_the_process_umask_alone(path: Path) -> None:
    mask = os.umask(0o022)
    try:
        Journal.open(path).close()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(mask)


def test_the_second_opener_is_told_who_holds_it(path: Path) -> None:
    journal = Journal.open(path, "portal daemon")
    with pytest.raises(StoreInUse, match=rf"portal daemon \(process {os.getpid()} on .*, since 20.*\)"):
        Journal.open(path)
    journal.close()
    Journal.open(path).close()


def test_also_from_another_process_and_after_its_death(path: Path) -> None:
    code = (
        "import sys,time; from pathlib import Path; from storage.journal import Journal;"
        "j=Journal.open(Path(sys.argv[1]), 'the other one'); print('open', flush=True); time.sleep(600)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(StoreInUse, match=rf"the other one \(process {child.pid}"):
            Journal.open(path)
    finally:
        child.kill()
        child.wait(60)
        child.stdout.close()
    Journal.open(path).close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot open .*journal\.db"):
        Journal.open(tmp_path / "file" / "journal.db")


def test_a_folder_in_the_files_place_is_named_and_nothing_stays_locked(tmp_path: Path) -> None:
    place = tmp_path / "journal.db"
    place.mkdir()
    with pytest.raises(StorageError, match="cannot open"):
        Journal.open(place)
    place.rmdir()
    Journal.open(place).close()
