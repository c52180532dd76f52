"""One act, one key: whatever gets lost on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from console.client.book import Book
from console.client.errors import ChangedMeanwhile, InFlight, NotConfirmed, Unreachable
from console.schema.book import COLUMNS, SnapshotHead
from console.schema.commands import SubmitRequest, Submitted
from console.schema.problem import Problem
from console.screens.submitting import Act, Submissions, Target

ACT = Act("order.retry", "Retry", [Target("id1", "00000001", 4)], SubmitRequest(orders=["id1"], plan_hash="h"), "key-1")
DONE = Submitted(command="order.retry", outcome="requested", audit_id=1)


def problem(kind: str, status: int) -> Problem:
    return Problem(type=f"urn:portal:problem:{kind}", title=kind, status=status)


class Script:
    """Answers one after another; exceptions are raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.slept: list[float] = []
        self.now = 0.0

    async def submit(self, command: str, request: SubmitRequest, key: str) -> Submitted:
        self.keys.append(key)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Submitted)
        return answer

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def submissions(self) -> Submissions:
        return Submissions(
            self.submit, lambda said, severity: self.told.append((said, severity)), lambda: self.now, self.sleep
        )


async def test_a_lost_answer_is_asked_for_with_the_same_key() -> None:
    script = Script(
        NotConfirmed("here", "no answer in time"),
        InFlight(problem("in-flight", 409)),
        Unreachable("here", "down"),
        DONE,
    )
    submissions = script.submissions()
    assert await submissions.submit(ACT) is DONE
    assert script.keys == ["key-1"] * 4
    assert len(script.told) == 1 and "sent, not confirmed" in script.told[0][0]
    assert not submissions.unconfirmed


async def test_what_provably_did_not_leave_is_said_and_forgotten() -> None:
    script = Script(Unreachable("here", "nobody answers there"))
    submissions = script.submissions()
    assert await submissions.submit(ACT) is None
    assert script.keys == ["key-1"]
    assert "nothing was sent" in script.told[0][0]
    assert not submissions.is_requested("id1")


async def test_a_refusal_is_raised_and_the_order_is_no_longer_requested() -> None:
    submissions = Script(ChangedMeanwhile(problem("changed-meanwhile", 409))).submissions()
    with pytest.raises(ChangedMeanwhile):
        await submissions.submit(ACT)
    assert not submissions.is_requested("id1")


def book_at(version: int) -> Book:
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    values |= {
        "order_id": "id1",
        "number": "00000001",
        "sf": "Failed",
        "run_id": 1,
        "version": version,
        "state": "failed",
        "updated": 1.0,
    }
    book = Book()
    book.begin(SnapshotHead(seq=1, epoch=1, at=0, total=1, columns=list(COLUMNS)))
    book.put_all([[values[name] for name in COLUMNS]])
    book.ready()
    return book


@pytest.mark.parametrize(("move", "over"), [(lambda script: book_at(5), {"id1"}), (lambda script: book_at(4), set())])
async def test_requested_stays_until_the_feed_says(move: Callable[[Script], Book], over: set[str]) -> None:
    script = Script(DONE)
    submissions = script.submissions()
    await submissions.submit(ACT)
    assert submissions.is_requested("id1")
    assert submissions.settle(move(script)) == over


async def test_requested_ends_some_seconds_after_the_answer_when_nothing_moved() -> None:
    script = Script(DONE)
    submissions = script.submissions()
    await submissions.submit(ACT)
    script.now = 60.0
    assert submissions.settle(book_at(4)) == {"id1"}
