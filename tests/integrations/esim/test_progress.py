"""The shown state is a function of the set of events: repeats, late points and any order of arrival change nothing."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.esim.progress import Meaning, ProgressEvent, Shown, ShownState, fold, vendor_points

START = datetime(2027, 1, 18, 2, 30, tzinfo=UTC)


def event(
    meaning: Meaning, second: int = 0, *, pair: str = "", eid: str | None = None, arrived: int = 0
) -> ProgressEvent:
    subject, _, reason = pair.partition("/")
    return ProgressEvent(
        sender="smdp-1",
        call_id="handleDownloadProgressInfo",
        requester_id="2.999.8801",
        iccid="8981990402600000346",
        eid=eid,
        profile_type="DEMO-DATA",
        point=0,
        point_text="0",
        meaning=meaning,
        status="Failed" if pair else "Executed-Success",
        subject_code=subject or None,
        reason_code=reason or None,
        message="",
        at=START + timedelta(seconds=second),
        received_at=START + timedelta(seconds=arrived),
        details={},
        dedupe_key=f"{meaning}-{second}-{pair}",
    )


def test_vendor_points_are_read_from_settings() -> None:
    assert vendor_points({101: "enabled", 5: "deleted"}) == {101: Meaning.ENABLED, 5: Meaning.DELETED}
    with pytest.raises(ValueError, match="6 = 'gone'; known are eligibility"):
        vendor_points({6: "gone", 7: "disabled"})


def test_nothing_told() -> None:
    assert fold([]) == Shown()


@pytest.mark.parametrize(
    ("meanings", "state"),
    [
        ([Meaning.ELIGIBILITY], ShownState.NOT_SEEN),
        ([Meaning.ELIGIBILITY, Meaning.CONFIRMATION], ShownState.NOT_SEEN),
        ([Meaning.DOWNLOAD], ShownState.DOWNLOADED),
        ([Meaning.DOWNLOAD, Meaning.INSTALLATION], ShownState.INSTALLED),
        ([Meaning.INSTALLATION, Meaning.ENABLED], ShownState.ENABLED),
        ([Meaning.ENABLED, Meaning.DISABLED], ShownState.DISABLED),
        ([Meaning.INSTALLATION, Meaning.DELETED], ShownState.DELETED),
        ([Meaning.INSTALLATION, Meaning.UNKNOWN], ShownState.INSTALLED),
        ([Meaning.UNKNOWN], ShownState.NOT_SEEN),
    ],
)
def test_points_in_order(meanings: list[Meaning], state: ShownState) -> None:
    assert fold(event(meaning, second) for second, meaning in enumerate(meanings)).state is state


def test_a_late_older_point_does_not_move_the_state_back() -> None:
    installed, late = event(Meaning.INSTALLATION, 4), event(Meaning.DOWNLOAD, 2, arrived=60)
    shown = fold([installed, late])
    assert (shown.state, shown.since, shown.downloads) == (ShownState.INSTALLED, installed.at, 1)


def test_points_of_one_second_follow_their_own_order() -> None:
    points = [event(Meaning.DOWNLOAD, arrived=9), event(Meaning.INSTALLATION, arrived=1), event(Meaning.DELETED)]
    assert fold(points).state is ShownState.DELETED


def test_a_repeat_is_one_event() -> None:
    download = event(Meaning.DOWNLOAD)
    assert fold([download, download]).downloads == 1


def test_a_failure_is_a_problem_and_no_state() -> None:
    shown = fold([event(Meaning.DOWNLOAD), event(Meaning.INSTALLATION, 1, pair="8.1/4.8")])
    assert shown.state is ShownState.DOWNLOADED
    assert shown.problem is not None
    assert shown.problem.pair is not None
    assert "memory" in shown.problem.pair.meaning


def test_a_later_success_ends_the_problem() -> None:
    points = [event(Meaning.INSTALLATION, 1, pair="8.1/4.8"), event(Meaning.INSTALLATION, 2)]
    assert fold(points).problem is None


def test_an_unknown_point_does_not_end_the_problem() -> None:
    assert fold([event(Meaning.DOWNLOAD, 1, pair="8.1/4.8"), event(Meaning.UNKNOWN, 2)]).problem is not None


@pytest.mark.parametrize("pair", ["8.8.5/6.4", "8.2.7/6.4", "8.8.5/4.10", "8.8.5/3.8"])
def test_some_failures_end_the_order(pair: str) -> None:
    assert fold([event(Meaning.ELIGIBILITY, pair=pair)]).state is ShownState.ENDED


def test_a_used_code_on_a_second_phone_does_not_take_the_first_one_away() -> None:
    shown = fold([event(Meaning.INSTALLATION, eid="1"), event(Meaning.ELIGIBILITY, 9, pair="8.8.5/6.4", eid="2")])
    assert shown.state is ShownState.INSTALLED
    assert shown.eid == "2"


def test_events_of_an_earlier_order_are_left_out() -> None:
    points = [event(Meaning.DELETED, 1), event(Meaning.DOWNLOAD, 5)]
    assert fold(points, since=START + timedelta(seconds=3)).events == 1


def test_the_words_of_an_unlisted_pair() -> None:
    told = event(Meaning.DOWNLOAD, pair="8.8.5/6.3")
    assert told.pair is not None
    assert told.pair.meaning == "download order: expired"
    assert event(Meaning.DOWNLOAD).pair is None


EVENTS = st.builds(
    event,
    st.sampled_from(list(Meaning)),
    st.integers(0, 3),
    pair=st.sampled_from(["", "", "8.8.5/6.4", "8.2.6/3.8"]),
    eid=st.sampled_from([None, "1", "2"]),
)


@given(st.lists(EVENTS, max_size=6, unique_by=lambda each: each.dedupe_key), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_one_picture(events: list[ProgressEvent], random: Random) -> None:
    expected = fold(events)
    shuffled = events * 2
    random.shuffle(shuffled)
    assert fold(shuffled) == expected


def test_all_orders_of_the_whole_path() -> None:
    path = [Meaning.ELIGIBILITY, Meaning.CONFIRMATION, Meaning.DOWNLOAD, Meaning.INSTALLATION, Meaning.ENABLED]
    points = [event(meaning, second) for second, meaning in enumerate(path)]
    assert all(fold(order) == fold(points) for order in itertools.permutations(points))
    assert fold(points).state is ShownState.ENABLED
