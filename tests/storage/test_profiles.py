"""eSIM profiles: each is given to one order item, once, and what takes over a line is kept in one place."""

import sqlite3

import pytest

from storage import profiles
from storage.journal import Journal

KIND = "JP-VOICE-25G"
ONE, TWO = "8981000000000000001", "8981000000000000002"


async def stock(journal: Journal, *iccids: str, kind: str = KIND) -> tuple[int, list[str]]:
    return await journal.write(lambda db: profiles.add(db, [(iccid, kind) for iccid in iccids], "batch", 1.0))


async def reserve(journal: Journal, order: str, item: str, kind: str = KIND) -> str | None:
    return await journal.write(lambda db: profiles.reserve(db, order, item, kind, None, 2.0))


def state(journal: Journal, iccid: str) -> str:
    row = journal.peek(lambda db: profiles.get(db, iccid))
    assert row is not None
    return row.state


async def test_an_import_adds_what_is_new_and_names_what_clashes(journal: Journal) -> None:
    assert await stock(journal, ONE, TWO) == (2, [])
    assert await stock(journal, ONE, "8981000000000000003") == (1, [])
    assert await stock(journal, TWO, kind="TRAVEL-10G") == (0, [TWO])
    assert journal.peek(lambda db: profiles.free_count(db, KIND)) == 3


async def test_an_item_keeps_the_profile_it_has(journal: Journal) -> None:
    await stock(journal, ONE, TWO)
    first = await reserve(journal, "801A", "802A")
    assert await reserve(journal, "801A", "802A") == first == ONE
    assert await reserve(journal, "801B", "802B") == TWO
    assert await reserve(journal, "801C", "802C") is None
    assert await reserve(journal, "801C", "802C", "TRAVEL-10G") is None
    assert [r.iccid for r in journal.peek(lambda db: profiles.of_order(db, "801A"))] == [ONE]


async def test_two_items_never_have_one_profile(journal: Journal) -> None:
    await stock(journal, ONE)
    await reserve(journal, "801A", "802A")
    assert await journal.write(lambda db: profiles.adopt(db, ONE, "801B", "802B", KIND, 3.0)) == "802A"
    with pytest.raises(sqlite3.IntegrityError):
        await journal.write(
            lambda db: db.execute(
                "INSERT INTO profiles (iccid, type, state, order_item_id, imported_at, updated_at)"
                " VALUES ('x', 'y', 'free', '802A', 0, 0)"
            )
        )


async def test_what_salesforce_names_is_adopted_also_when_it_is_new_here(journal: Journal) -> None:
    assert await journal.write(lambda db: profiles.adopt(db, ONE, "801A", "802A", KIND, 3.0)) is None
    assert await journal.write(lambda db: profiles.adopt(db, ONE, "801A", "802A", KIND, 4.0)) is None
    assert state(journal, ONE) == "reserved"
    assert [what for _, what, _, _ in journal.peek(lambda db: profiles.history_of(db, ONE))] == [
        "adopted from Salesforce"
    ]


@pytest.mark.parametrize(("usable", "after"), [(True, "free"), (False, "unusable")])
async def test_what_is_given_back_belongs_to_nobody(journal: Journal, usable: bool, after: str) -> None:
    await stock(journal, ONE)
    await reserve(journal, "801A", "802A")
    await journal.write(lambda db: profiles.free(db, ONE, 5.0, "801A", usable=usable))
    assert state(journal, ONE) == after
    assert await reserve(journal, "801B", "802B") == (ONE if usable else None)


async def test_in_recovery_free_profiles_wait_until_they_were_compared(journal: Journal) -> None:
    await stock(journal, ONE, TWO, "8981000000000000003")
    await reserve(journal, "801A", "802A")
    assert await journal.write(lambda db: profiles.quarantine_free(db, 5.0)) == 2
    assert await reserve(journal, "801B", "802B") is None
    assert await journal.write(lambda db: profiles.release_quarantine(db, [TWO, ONE, "elsewhere"], 6.0)) == (1, 1)
    assert (state(journal, ONE), state(journal, TWO)) == ("reserved", "unusable")
    assert await reserve(journal, "801B", "802B") == "8981000000000000003"


async def test_a_matching_id_is_kept_until_it_is_replaced(journal: Journal) -> None:
    async def store(matching_id: str, *, replace: bool = False) -> str:
        return await journal.write(
            lambda db: profiles.store_matching_id(db, "801A", "802A", matching_id, 1.0, replace=replace)
        )

    assert [await store("M1"), await store("M2"), await store("M3", replace=True), await store("M4")] == [
        "M1",
        "M1",
        "M3",
        "M3",
    ]
    await journal.write(lambda db: profiles.store_confirmation(db, "801A", "802A", "SERVER", "smdp.example.com"))
    kept = journal.peek(lambda db: profiles.activation(db, "801A", "802A"))
    assert kept is not None and (kept.matching_id, kept.smdp_address) == ("SERVER", "smdp.example.com")


async def test_a_call_back_changes_what_is_shown_and_nothing_else(journal: Journal) -> None:
    await stock(journal, ONE)
    await reserve(journal, "801A", "802A")
    assert await journal.write(lambda db: profiles.add_progress(db, "d1", ONE, 1.0, 3, "ok", 50.0, "{}"))
    assert not await journal.write(lambda db: profiles.add_progress(db, "d1", ONE, 1.0, 3, "ok", 50.0, "{}"))
    assert await journal.write(lambda db: profiles.add_progress(db, "d2", "unknown", 1.0, 3, "ok", 50.0, "{}"))
    assert await journal.write(lambda db: profiles.show_state(db, ONE, "installed", 50.0, 60.0))
    assert not await journal.write(lambda db: profiles.show_state(db, ONE, "downloaded", 40.0, 61.0)), "it came late"
    row = journal.peek(lambda db: profiles.get(db, ONE))
    assert row is not None and (row.state, row.shown_state, row.order_id) == ("reserved", "installed", "801A")
