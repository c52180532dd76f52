import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.sandbox.store import Store


class Refused(Exception):
    """What a handler raises in these tests."""


def test_rows_come_back_after_a_restart_in_the_order_they_were_put(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    with store.transaction():
        for key in ("b", "a", "c"):
            store.table("letter").put(key, {"名": key})
    with store.transaction():
        store.table("letter").put("b", {"名": "again"})
    store.close()

    again = Store(tmp_path / "box.db")
    assert again.table("letter").items() == [("b", {"名": "again"}), ("a", {"名": "a"}), ("c", {"名": "c"})]
    again.close()


def test_a_row_deleted_and_put_again_stands_last_in_memory_and_in_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    table = store.table("letter")
    with store.transaction():
        table.put("a", {})
        table.put("b", {})
    with store.transaction():
        table.delete("a")
        table.put("a", {"new": True})
    assert [key for key, _ in table.items()] == ["b", "a"]
    store.close()
    again = Store(tmp_path / "box.db")
    assert again.table("letter").items() == [("b", {}), ("a", {"new": True})]
    again.close()


def test_a_handler_that_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    table = store.table("order")
    with store.transaction():
        table.put("1", {"status": "Pending"})
        table.put("2", {"status": "Pending"})
    with pytest.raises(Refused), store.transaction():
        table.put("1", {"status": "Active"})
        table.put("3", {"status": "Pending"})
        table.delete("2")
        store.next_number("invoice")
        raise Refused
    assert dict(table.items()) == {"1": {"status": "Pending"}, "2": {"status": "Pending"}}
    with store.transaction():
        assert store.next_number("invoice") == 1
    store.close()
    again = Store(tmp_path / "box.db")
    assert dict(again.table("order").items()) == {"1": {"status": "Pending"}, "2": {"status": "Pending"}}
    again.close()


def test_a_nested_transaction_is_a_savepoint() -> None:
    store = Store()
    table = store.table("order")
    with store.transaction():
        table.put("outer", {"n": 1})
        with pytest.raises(Refused), store.transaction():
            table.put("outer", {"n": 2})
            table.put("inner", {})
            raise Refused
        with store.transaction():
            table.put("kept", {})
    assert dict(table.items()) == {"outer": {"n": 1}, "kept": {}}


def test_the_outer_failure_also_undoes_a_finished_inner_transaction(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    with pytest.raises(Refused), store.transaction():
        with store.transaction():
            store.table("order").put("inner", {})
        raise Refused
    assert len(store.table("order")) == 0
    store.close()
    again = Store(tmp_path / "box.db")
    assert len(again.table("order")) == 0
    again.close()


def test_a_commit_that_fails_is_rolled_back_in_memory_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    with pytest.raises(TypeError), store.transaction():
        store.table("order").put("1", {"when": object()})
    assert "1" not in store.table("order")
    with store.transaction():
        store.table("order").put("2", {})
    store.close()
    again = Store(tmp_path / "box.db")
    assert dict(again.table("order").items()) == {"2": {}}
    again.close()


def test_an_observer_sees_each_changed_row_once_and_writes_into_the_same_commit(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    seen: list[tuple[str, object, object]] = []

    def observer(key: str, before: object, after: object) -> None:
        seen.append((key, before, after))
        store.table("log").put(key, {"after": after})

    store.observe("order", observer)
    with store.transaction():
        store.table("order").put("1", {"n": 1})
        store.table("order").put("1", {"n": 2})
        store.table("other").put("1", {})
    with store.transaction():
        store.table("order").put("1", {"n": 3})
        store.table("order").delete("1")
    assert seen == [("1", None, {"n": 2}), ("1", {"n": 2}, None)]
    with pytest.raises(Refused), store.transaction():
        store.table("order").put("2", {})
        raise Refused
    assert len(seen) == 2
    store.close()
    again = Store(tmp_path / "box.db")
    assert again.table("log").items() == [("1", {"after": None})]
    again.close()


def test_an_observer_that_raises_undoes_the_change() -> None:
    store = Store()

    def observer(key: str, before: object, after: object) -> None:
        raise Refused

    store.observe("order", observer)
    with pytest.raises(Refused), store.transaction():
        store.table("order").put("1", {})
    assert "1" not in store.table("order")


def test_a_change_outside_of_a_transaction_is_a_mistake() -> None:
    store = Store()
    with pytest.raises(RuntimeError, match="order changed outside"):
        store.table("order").put("1", {})
    assert len(store.table("order")) == 0


def test_a_series_counts_on_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    with store.transaction():
        assert [store.next_number("order", 100), store.next_number("order", 100)] == [100, 101]
    store.close()
    again = Store(tmp_path / "box.db")
    with again.transaction():
        assert again.next_number("order", 100) == 102
    again.close()


def test_the_file_is_private_even_when_it_was_not(tmp_path: Path) -> None:
    path = tmp_path / "box.db"
    path.touch(mode=0o666)
    store = Store(path)
    with store.transaction():
        store.table("order").put("1", {})
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    store.close()


WRITER = """
import sys
from pathlib import Path
from integrations.sandbox.store import Store
store = Store(Path(sys.argv[1]))
n = 0
while True:
    n += 1
    with store.transaction():
        store.table("effect").put(f"{n}a", {"n": n})
        store.table("effect").put(f"{n}b", {"n": n})
    print(n, flush=True)
"""


@pytest.mark.slow
def test_what_was_answered_before_a_kill_stands_after_it_and_nothing_stands_by_half(tmp_path: Path) -> None:
    path = tmp_path / "box.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        told = [int(writer.stdout.readline()) for _ in range(200)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split()]
    store = Store(path)
    effects = store.table("effect")
    assert told == list(range(1, told[-1] + 1))
    assert {f"{n}{half}" for n in told for half in "ab"} <= {key for key, _ in effects.items()}
    last = len(effects) // 2
    assert json.dumps([row["n"] for row in effects.values()]) == json.dumps(
        [n for n in range(1, last + 1) for _ in "ab"]
    )
    store.close()
