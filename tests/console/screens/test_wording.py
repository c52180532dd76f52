import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from console.engine.calls import PROVED_BY_REFUSAL
from console.engine.states import Effect
from console.schema.book import FeedEvent
from console.schema.commands import BatchView
from console.widgets import batchrow, wording
from console.widgets.glyphs import UNICODE
from console.widgets.ticker import event_line
from console.widgets.wording import alarm, condition
from integrations.errors import ErrorClass

NOW = 1_795_403_071.0  # 2026-11-23 03:04:31 UTC


@pytest.mark.parametrize(
    ("parked", "shown"),
    [
        ("after(1797951600)", "12-22 15:00"),
        ("after(1795406671.5)", "04:04:31"),
        ("stock(TRAVEL-5G)", "stock(TRAVEL-5G)"),
        ("after(tomorrow)", "after(tomorrow)"),
    ],
)
def test_a_moment_that_is_waited_for_is_one_that_people_read(parked: str, shown: str) -> None:
    assert condition(parked, NOW, UTC) == shown


def test_an_alarm_is_told_in_words_and_never_by_a_fingerprint() -> None:
    assert alarm("parked:57c9d0a1b2c3") == "orders wait for a person of one cause"
    assert alarm("stock:TRAVEL-10G") == "stock of TRAVEL-10G is low"
    assert alarm("of_a_newer_daemon:57c9") == "of a newer daemon"
    over = FeedEvent(seq=1, prev=0, epoch=1, at=NOW, kind="alarm", body={"cause": "parked:57c9d0a1b2c3", "open": False})
    for event in (over, over.model_copy(update={"body": {"cause": "failed:57c9d0a1b2c3", "open": True}})):
        said = "".join(text for text, _ in event_line(event, None, UTC, UNICODE))
        assert "57c9" not in said and "of one cause" in said


def test_every_alarm_that_the_engine_raises_has_its_words() -> None:
    """The causes as they stand in its source."""
    engine = Path(wording.__file__).parents[1]
    source = "\n".join(file.read_text() for room in ("engine", "daemon") for file in (engine / room).rglob("*.py"))
    raised = set(re.findall(r'alarms\.(?:raise_|watch|watch_family|clear|clear_family)\(\s*f?"([a-z_]+)', source))
    assert len(raised) > 15
    assert raised <= wording._ALARMS.keys()


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("batch", {"batch": "69307f6e2d831711", "position": 3, "state": "excluded"}, "batch left out"),
        ("batch", {"batch": "69307f6e2d831711", "state": "stopping", "by": "Mori Ken"}, "batch stopping by Mori Ken"),
        (
            "batch", {"batch": "69307f6e2d831711", "state": "broken_off", "done": 0, "failed": 3, "excluded": 5, "waiting": 6},
            "batch broken off: 3 failed, 5 left out, 6 not begun",
        ),
        ("batch", {"batch": "69307f6e2d831711", "state": "done", "done": 4, "failed": 0}, "batch ended: 4 done"),
        ("seen", {"row": "poison:1", "by": "Mori Ken"}, "marked as seen by Mori Ken"),
        ("recovery", {"on": False}, "recovery ended"),
        ("stock", {"added": 500}, "500 eSIM profiles imported"),
        ("run", {"workflow": "send_mail", "state": "done", "version": 4}, "mail ✓ done"),
        ("run", {"workflow": "send_mail", "state": "failed", "error_step": "deliver", "code": "refused"}, "mail ✗ deliver: refused"),
        ("run", {"workflow": "provision_order", "state": "done"}, "✓ done"),
        ("run", {"state": "failed", "error_step": "load", "code": "client_inactive"}, "✗ load: client inactive"),
        ("run", {"state": "failed", "error_step": "crm", "class": "outcome_unknown"}, "✗ crm: outcome unknown"),
        ("run", {"state": "failed", "error_step": "crm", "code": "UNABLE_TO_LOCK_ROW"}, "✗ crm: UNABLE_TO_LOCK_ROW"),
        ("run", {"state": "parked", "step": "payment", "code": "pay_method_expired"}, "‖ payment: pay method expired"),
    ],
)  # fmt: skip
def test_the_ticker_tells_in_words_and_names_nothing_internal(kind: str, body: dict[str, Any], said: str) -> None:
    event = FeedEvent(seq=1, prev=0, epoch=1, at=NOW, kind=kind, body=body)
    line = "".join(text for text, _ in event_line(event, None, UTC, UNICODE))
    assert line.split(maxsplit=1)[1] == said


@pytest.mark.parametrize(
    ("waiting", "said"), [(1, "1 was not begun and stays as it is"), (6, "6 were not begun and stay as they are")]
)
def test_what_a_stopped_batch_left_is_told_in_its_number(waiting: int, said: str) -> None:
    batch = BatchView(
        id="b", command="order.retry", title="Retry", actor="Mori Ken", reason=None, arguments={}, state="stopped", pace=2.0,
        stop_after=3, at=NOW, created_at=NOW - 9, ended_at=NOW, counts={"done": 4, "waiting": waiting},
    )  # fmt: skip
    told = " ".join("".join(text for text, _ in line) for line in batchrow.head_lines(batch, NOW, UTC, UNICODE, 200))
    assert said in told


def test_history_names_commands_as_the_keys_do() -> None:
    assert [wording.done_by(what) for what in ("order.note", "order.approve", "platform event")] == [
        "Note", "Approve", "platform event",
    ]  # fmt: skip


def test_calls_and_troubles_are_told_without_the_names_the_engine_gives_them() -> None:
    for effect in Effect:
        assert bool(wording.repeated(effect)) == (effect is not Effect.READ) and effect not in wording.repeated(effect)
    for error_class in ErrorClass:
        assert "_" not in wording.trouble(error_class) and wording.trouble(error_class) != error_class
    assert wording.trouble("of_tomorrow") == "of tomorrow" and not wording.trouble(None)
    assert wording.known_by("resolve: mira") == "resolved by mira"
    for by in ("answer", "look", "look for cancel", "read", "cancel", PROVED_BY_REFUSAL):
        assert not wording.known_by(by).startswith(f"known by {by}"), by
