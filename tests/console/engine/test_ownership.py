"""One journal per org, proved in Salesforce (rules §5.2, §5.3): taking, losing, lost answers, and recovery."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.engine import recovery
from console.engine.ownership import NotOwner, Ownership
from console.engine.services import Engine
from integrations.errors import IntegrationError
from storage import alerts, feed, meta, profiles, tokens
from storage.journal import Journal
from tests.console.engine.hands import engine_over
from tests.console.engine.plant import Plant

LOST = {"delay": 0.01}


@pytest.fixture
async def rival(plant: Plant, tmp_path: Path) -> AsyncIterator[Engine]:
    """A second daemon's engine: another file, the same org and clock."""
    journal = Journal.open(tmp_path / "rival.db")
    engine = engine_over(journal, plant.clock)
    engine.salesforce = plant.engine.salesforce
    yield engine
    journal.close()


async def grow(engine: Engine, count: int) -> None:
    await engine.journal.write(lambda db: [feed.append(db, 0.0, "run", {}) for _ in range(count)][-1])


async def rows(plant: Plant) -> list[tuple[int, str]]:
    return [(row.generation, row.journal_id) for row in await plant.engine.salesforce.journal_rows()]


async def test_the_first_one_owns_and_its_restart_owns_again(plant: Plant) -> None:
    first = await Ownership(plant.engine, "mine").take()
    assert (first.generation, first.behind) == (1, False)
    again = await Ownership(plant.engine, "mine").take()
    assert (again.generation, again.behind, plant.engine.generation) == (2, False, 2)
    assert await rows(plant) == [(2, "mine")], "old rows are deleted"


async def test_a_living_row_of_another_refuses_the_start(plant: Plant, rival: Engine) -> None:
    await Ownership(plant.engine, "mine").take()
    plant.clock.pass_(179)
    with pytest.raises(NotOwner, match="--take-over"):
        await Ownership(rival, "theirs").take()
    assert await rows(plant) == [(1, "mine")]


@pytest.mark.parametrize(("wait", "take_over"), [(181, False), (0, True)])
async def test_a_dead_row_or_a_persons_word_lets_another_take_over(
    plant: Plant, rival: Engine, wait: float, take_over: bool
) -> None:
    mine = Ownership(plant.engine, "mine")
    await mine.take()
    plant.clock.pass_(wait)
    owned = await Ownership(rival, "theirs").take(take_over=take_over)
    assert (owned.generation, owned.behind) == (2, True)
    await mine.renew()
    assert "generation 2" in str(mine.lost_to)
    assert "took this org over" in str(plant.engine.holds.reasons())
    assert "ownership" in [a.cause for a in plant.journal.peek(alerts.open_alerts)]


async def test_who_lost_the_org_makes_no_guarded_call_even_before_it_renews(plant: Plant, rival: Engine) -> None:
    await Ownership(plant.engine, "mine").take()
    order_id = plant.place()
    await plant.admit(order_id)
    await Ownership(rival, "theirs").take(take_over=True)
    await plant.turn()
    assert plant.billed() == []
    assert plant.run(order_id).state == "parked" and "generation 2" in str(plant.run(order_id).wait_reason)


async def test_two_at_the_same_moment_and_one_wins(plant: Plant, rival: Engine) -> None:
    mine, theirs = Ownership(plant.engine, "mine"), Ownership(rival, "theirs")
    honest = theirs._rows
    seen = await honest()

    async def stale() -> list[object]:
        theirs._rows = honest  # type: ignore[method-assign]
        return seen  # type: ignore[return-value]

    theirs._rows = stale  # type: ignore[method-assign, assignment]
    await mine.take()
    with pytest.raises(NotOwner):
        await theirs.take()
    assert await rows(plant) == [(1, "mine")]


async def test_an_insert_whose_answer_was_lost_is_found(plant: Plant) -> None:
    plant.fault("salesforce", "journal.insert", "timeout_after", options=LOST)
    owned = await Ownership(plant.engine, "mine").take()
    assert (owned.generation, await rows(plant)) == (1, [(1, "mine")])


async def test_an_insert_that_never_arrived_is_no_ownership(plant: Plant) -> None:
    plant.fault("salesforce", "journal.insert", "http_500")
    ownership = Ownership(plant.engine, "mine")
    with pytest.raises(IntegrationError):
        await ownership.take()
    assert ownership.owned is None
    assert (await ownership.take()).generation == 1


async def test_a_renewal_keeps_it_alive_and_tells_the_highest_feed_number(plant: Plant, rival: Engine) -> None:
    mine = Ownership(plant.engine, "mine")
    await mine.take()
    await grow(plant.engine, 7)
    plant.clock.pass_(170)
    await mine.renew()
    (row,) = await plant.engine.salesforce.journal_rows()
    assert row.highest_feed == plant.journal.peek(feed.highest)
    plant.clock.pass_(170)
    with pytest.raises(NotOwner):
        await Ownership(rival, "theirs").take()


@pytest.mark.parametrize("named", ["theirs", "mine"], ids=["another file", "a restored backup"])
async def test_killed_between_take_over_and_recovery_it_goes_on_with_both(
    plant: Plant, rival: Engine, named: str
) -> None:
    """Its own row neither refuses the next start nor makes it trust what it holds."""
    await grow(plant.engine, 50)
    mine = Ownership(plant.engine, "mine")
    await mine.take()
    await mine.renew()
    with pytest.raises(NotOwner):
        await Ownership(rival, named).take()
    assert (await Ownership(rival, named).take(take_over=True)).behind
    again = await Ownership(rival, named).take()
    assert (again.generation, again.behind) == (3, True)
    await rival.journal.write(lambda db: recovery.begin(db, "taken over", again.highest_seen, plant.clock.now()))
    after = await Ownership(rival, named).take()
    assert (after.generation, after.behind) == (4, False)


async def test_a_take_over_that_never_arrived_excuses_nobody(plant: Plant, rival: Engine) -> None:
    await Ownership(plant.engine, "mine").take()
    plant.fault("salesforce", "journal.insert", "http_500")
    with pytest.raises(IntegrationError):
        await Ownership(rival, "theirs").take(take_over=True)
    with pytest.raises(NotOwner):
        await Ownership(rival, "theirs").take()


async def test_a_file_older_than_the_world_is_behind(plant: Plant, rival: Engine) -> None:
    """The same journal id, copied back by hand: Salesforce has seen more than it holds."""
    await grow(plant.engine, 50)
    mine = Ownership(plant.engine, "mine")
    await mine.take()
    await mine.renew()
    plant.clock.pass_(200)
    owned = await Ownership(rival, "mine").take()
    assert (owned.behind, owned.highest_seen) == (True, plant.journal.peek(feed.highest))


# Recovery -----------------------------------------------------------------------------------------------------------------


async def begin(plant: Plant, seen: int = 1000) -> None:
    now = plant.clock.now()
    await plant.journal.write(lambda db: recovery.begin(db, "a restored backup", seen, now))
    plant.engine.recovery = True


async def test_recovery_quarantines_voids_and_numbers_on(plant: Plant) -> None:
    await plant.journal.write(lambda db: tokens.add(db, "otto", "operator", "pc_1", "h", 1.0, 9e9, "admin"))
    await plant.journal.write(lambda db: tokens.begin(db, "token:1", "key", "body", 1.0))
    await grow(plant.engine, 3)
    await begin(plant)
    assert plant.journal.peek(profiles.stock) and {s for _, s, _ in plant.journal.peek(profiles.stock)} == {
        "quarantined"
    }
    token = plant.journal.peek(lambda db: tokens.by_prefix(db, "pc_1"))
    assert token is not None and token.revoked_at is not None
    assert await plant.journal.write(lambda db: tokens.begin(db, "token:1", "key", "other", 1.0)) is None
    await grow(plant.engine, 1)
    assert plant.journal.peek(feed.highest) > 1000
    assert plant.journal.peek(meta.epoch) == 2


async def test_beginning_twice_changes_nothing_more(plant: Plant) -> None:
    await begin(plant)
    epoch, highest = plant.journal.peek(meta.epoch), plant.journal.peek(feed.highest)
    await begin(plant)
    assert (plant.journal.peek(meta.epoch), plant.journal.peek(feed.highest)) == (epoch, highest)


async def test_runs_that_the_backup_held_open_look_first(plant: Plant) -> None:
    order_id = plant.place()
    await plant.admit(order_id)
    await begin(plant)
    run = plant.run(order_id)
    assert run.look_first and run.state_data["foreign_since"] == plant.clock.now()


async def test_it_ends_after_a_comparison_that_sets_used_profiles_aside(plant: Plant) -> None:
    used = plant.sandbox.world.profiles[0].iccid
    order_id = plant.place()
    plant.change(order_id, "integration", Status="Provisioning", ESIM_ICCID__c=used)
    await begin(plant)
    assert order_id in await recovery.list_changed(plant.engine)
    freed, aside = await recovery.end(plant.engine)
    assert (freed, aside) == (len(plant.sandbox.world.profiles) - 1, 1)
    row = plant.journal.peek(lambda db: profiles.get(db, used))
    assert row is not None and row.state == "unusable"
    assert plant.journal.peek(recovery.present) is None and not plant.engine.recovery


async def test_over_a_list_that_is_cut_short_it_does_not_end(plant: Plant) -> None:
    """A profile that is not seen to be used would be given out again."""
    plant.place()
    await begin(plant)
    await recovery.list_changed(plant.engine)
    plant.fault("whmcs", "GetClientsProducts", "empty_ok", options={"shape": "missing", "totals": "missing"}, count=5)
    with pytest.raises(IntegrationError):
        await recovery.end(plant.engine)
    assert plant.engine.recovery and plant.journal.peek(recovery.present) is not None
    assert {s for _, s, _ in plant.journal.peek(profiles.stock)} == {"quarantined"}
