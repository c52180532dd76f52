import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.widgets.boardrow import ALONE, BESIDE_PREVIEW
from console.widgets.columns import GUTTER, place, total_width


def names(width: int, columns: tuple = ALONE) -> list[str]:  # type: ignore[type-arg]
    return [placed.column.key for placed in place(columns, width)]


def test_a_narrow_board_shows_the_note_in_place_of_plan_and_amount() -> None:
    assert names(79) == ["number", "customer", "steps", "state", "age", "try", "note"]


def test_beside_a_preview_the_owner_stays_and_the_amount_goes() -> None:
    assert names(81, BESIDE_PREVIEW) == ["number", "customer", "plan", "steps", "state", "age", "try", "owner"]
    assert names(100, BESIDE_PREVIEW)[5:] == ["amount", "age", "try", "owner", "updated"]


def test_a_wide_board_shows_everything() -> None:
    assert set(names(199)) == {column.key for column in ALONE}


@given(st.integers(1, 300), st.sampled_from([ALONE, BESIDE_PREVIEW]))
def test_what_is_shown_fits_or_cannot_be_dropped(width: int, columns: tuple) -> None:  # type: ignore[type-arg]
    placed = place(columns, width)
    if any(p.column.priority for p in placed):
        assert total_width(placed) <= width
    assert [p.column for p in placed] == [column for column in columns if column in [p.column for p in placed]]
    start = GUTTER
    for p in placed:
        assert p.start == start
        assert p.width >= p.column.width
        start += p.width + 1


@pytest.mark.parametrize("width", [40, 80, 120])
def test_all_columns_are_there_when_asked_for(width: int) -> None:
    placed = place(ALONE, width, all_of_them=True)
    assert [p.column for p in placed] == list(ALONE)
