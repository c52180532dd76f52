"""The schema goes forward only, one whole migration at a time, with a copy of the file before each step."""

import shutil
import sqlite3
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from storage import backup, meta, migrate
from storage.errors import SchemaTooNew, StoreDamaged
from storage.journal import Journal


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's migrations in a folder of their own, so that a test can add one."""
    package = tmp_path / "package"
    with as_file(files("storage") / "migrations") as known:
        shutil.copytree(known, package / "migrations")
    monkeypatch.setattr(migrate, "files", lambda name: package)
    return package / "migrations"


def values(path: Path) -> dict[str, str]:
    db = sqlite3.connect(path)
    found = dict(db.execute("SELECT key, value FROM meta").fetchall())
    db.close()
    return found


async def test_an_old_file_is_copied_then_brought_forward(path: Path, migrations: Path) -> None:
    journal = Journal.open(path)
    await journal.write(lambda db: meta.put(db, "kept", "1"))
    journal.close()
    (migrations / "9998_more.sql").write_text("CREATE TABLE more (a TEXT) STRICT; INSERT INTO more VALUES ('a;b');")
    (migrations / "9999_most.sql").write_text("ALTER TABLE more ADD COLUMN b TEXT;")
    journal = Journal.open(path)
    assert await journal.read(lambda db: db.execute("SELECT a, b FROM more").fetchone()) == ("a;b", None)
    assert await journal.read(lambda db: meta.get(db, "kept")) == "1"
    journal.close()
    copy = path.with_name("journal.db.before-9998_more")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert values(copy)["kept"] == "1"
    backup.check(copy)
    assert [p.name for p in path.parent.iterdir() if "before" in p.name] == [copy.name]


def test_a_new_file_needs_no_copy(path: Path, migrations: Path) -> None:
    Journal.open(path).close()
    Journal.open(path).close()
    assert not [p.name for p in path.parent.iterdir() if "before" in p.name]


async def test_half_a_migration_is_none(path: Path, migrations: Path) -> None:
    Journal.open(path).close()
    broken = migrations / "9998_broken.sql"
    broken.write_text("CREATE TABLE half (a TEXT); INSERT INTO nowhere VALUES (1);")
    for _ in range(2):  # also a second start, with the first one's copy in the way
        with pytest.raises(StoreDamaged, match="nowhere"):
            Journal.open(path)
        assert "half" not in {row[0] for row in sqlite3.connect(path).execute("SELECT name FROM sqlite_master")}
    broken.write_text("CREATE TABLE whole (a TEXT) STRICT;")
    journal = Journal.open(path)
    assert await journal.read(lambda db: db.execute("SELECT COUNT(*) FROM whole").fetchone()) == (0,)
    journal.close()


def test_a_newer_schema_is_refused_in_words_and_left_alone(path: Path, migrations: Path) -> None:
    newer = migrations / "9999_newer.sql"
    newer.write_text("CREATE TABLE newer (a TEXT) STRICT;")
    Journal.open(path).close()
    newer.unlink()
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match=r"9999_newer.*run the newer version"):
        Journal.open(path)
    assert path.read_bytes() == before
    newer.write_text("")
    Journal.open(path).close()  # and it is not left locked


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be looked at as one" * 100, b"SQLite"])
def test_another_kind_of_file_is_refused_in_words(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match=r"not a sound journal.*restore"):
        Journal.open(path)
    assert path.read_bytes() == content
