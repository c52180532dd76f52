from hypothesis import given
from hypothesis import strategies as st

from console.widgets.held_rows import HeldRows, Pinned


def held(keys: list[str], in_hand: str | None = None) -> HeldRows:
    rows = HeldRows()
    rows.offer(keys)
    if in_hand:
        rows.take(in_hand)
    return rows


def test_rows_come_as_they_are_while_nothing_is_in_hand() -> None:
    rows = held(["a", "b"])
    assert rows.offer(["c", "a", "b"])
    assert list(rows.keys) == ["c", "a", "b"]
    assert rows.waiting() == 0


def test_rows_stay_while_one_is_in_hand_and_new_ones_above_are_counted() -> None:
    rows = held(["a", "b", "c"], "b")
    assert not rows.offer(["x", "c", "a", "b", "z"])
    assert list(rows.keys) == ["a", "b", "c"]
    assert rows.waiting() == 2, "x is new and c moved above; z is below and not counted"
    rows.accept()
    assert list(rows.keys) == ["x", "c", "a", "b", "z"]
    assert rows.place == 3
    assert rows.waiting() == 0


def test_the_row_in_hand_stays_in_place_after_it_left_the_filter() -> None:
    rows = held(["a", "b", "c"], "b")
    rows.offer(["c", "d"])
    assert rows.has_left("b") and rows.has_left("a") and not rows.has_left("c")
    assert rows.waiting() == 1
    rows.accept()
    assert list(rows.keys) == ["c", "b", "d"]
    assert rows.has_left("b")


def test_letting_go_shows_what_came_in() -> None:
    rows = held(["a", "b"], "b")
    rows.offer(["x"])
    rows.take(None)
    assert list(rows.keys) == ["x"]


def test_on_the_first_row_the_others_come_in_beneath_the_one_in_hand() -> None:
    rows = held(["a", "b", "c"], "a")
    assert rows.offer(["x", "c", "a", "b"])
    assert list(rows.keys) == ["a", "x", "c", "b"]
    assert (rows.place, rows.waiting()) == (0, 0)
    rows.offer(["y", "x"])
    assert list(rows.keys) == ["a", "y", "x"]
    assert rows.has_left("a")
    assert not rows.offer(["w", "y", "x"], hold=True)
    assert list(rows.keys) == ["a", "y", "x"], "held while one aims at a row"
    rows.take("y")
    assert not rows.offer(["z", "y", "x"])
    assert list(rows.keys) == ["a", "y", "x"], "off the first row nothing moves"
    rows.accept()
    assert list(rows.keys) == ["z", "y", "x"]


def test_rows_hold_while_one_looks_further_down_with_none_in_hand() -> None:
    rows = held(["a", "b", "c"])
    assert not rows.offer(["x", "c", "a", "b"], hold=True)
    assert list(rows.keys) == ["a", "b", "c"]
    assert rows.waiting("b") == 2
    assert rows.waiting(None) == 0


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.sampled_from("abcx"), st.integers(0, 7))
def test_a_pinned_row_stands_once_and_in_its_place(rows: list[str], key: str, at: int) -> None:
    pinned = Pinned(rows, key, at)
    plain = [row for row in rows if row != key]
    plain.insert(at, key)
    assert list(pinned) == plain
    assert [pinned[i] for i in range(len(pinned))] == plain
    assert list(pinned[1:4]) == plain[1:4]
    assert pinned[pinned.at] == key == pinned[pinned.at - len(pinned)]
    assert key in pinned and all(row in pinned for row in rows)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), min_size=1, max_size=12), st.data())
def test_the_id_in_hand_never_changes_by_itself(offers: list[list[str]], data: st.DataObject) -> None:
    rows = held(offers[0])
    if not offers[0]:
        return
    chosen = data.draw(st.sampled_from(offers[0]))
    rows.take(chosen)
    place = rows.place
    for offer in offers[1:]:
        rows.offer(offer)
        assert (rows.in_hand, rows.place) == (chosen, place)
    rows.accept()
    assert rows.keys[rows.place or 0] == chosen
    assert set(rows.keys) - {chosen} == set(rows.offered) - {chosen}
