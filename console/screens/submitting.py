"""Submitting commands so that each happens once: one key per act, repeated with the same key until there is an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from console.client.book import Book
from console.client.errors import ApiError, InFlight, NotConfirmed, Unavailable, Unreachable
from console.schema.commands import SubmitRequest, Submitted

AGAIN = (1.0, 2.0, 5.0)  # seconds between repeats
SHOWN_FOR = 5.0  # after the answer, "requested" goes at the latest

Submit = Callable[[str, SubmitRequest, str], Awaitable[Submitted]]


@dataclass(frozen=True)
class Target:
    """An order as it was planned on. ``version`` None: it had no run."""

    order_id: str
    number: str
    version: int | None


@dataclass(frozen=True)
class Act:
    """A command that a person agreed to. ``key``: its Idempotency-Key, the same for every repeat."""

    command: str
    title: str
    targets: Sequence[Target]
    request: SubmitRequest
    key: str

    @property
    def said(self) -> str:
        """``Approve 00010485`` or ``Retry of 12 orders``."""
        if len(self.targets) == 1:
            return f"{self.title} {self.targets[0].number}"
        return f"{self.title} of {len(self.targets)} orders"


@dataclass
class _Requested:
    version: int | None
    word: str
    answered_at: float | None = None


@dataclass
class Submissions:
    """``requested`` orders show that word until the feed or the answer says what became of them."""

    submit_once: Submit
    tell: Callable[[str, str], None]  # sentence, severity
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _requested: dict[str, _Requested] = field(default_factory=dict)
    unconfirmed: dict[str, Act] = field(default_factory=dict)

    def is_requested(self, order_id: str) -> bool:
        return order_id in self._requested

    @property
    def requested(self) -> Mapping[str, _Requested]:
        return self._requested

    async def submit(self, act: Act) -> Submitted | None:
        """Until there is an answer; None: it was provably not sent. Raises the daemon's refusal (ApiError)."""
        for target in act.targets:
            self._requested[target.order_id] = _Requested(target.version, act.command)
        try:
            answer = await self._until_answered(act)
        except BaseException:
            self._forget(act)
            raise
        if answer is None:
            self._forget(act)
            return None
        at = self.monotonic()
        for target in act.targets:
            if (waiting := self._requested.get(target.order_id)) is not None:
                waiting.answered_at = at
        return answer

    async def _until_answered(self, act: Act) -> Submitted | None:
        sent = False
        pauses = iter(AGAIN)
        while True:
            try:
                answer = await self.submit_once(act.command, act.request, act.key)
            except NotConfirmed as error:
                if not sent:
                    self.tell(f"{act.said}: {error}. It is asked again with the same key.", "warning")
                sent = True
                self.unconfirmed[act.key] = act
            except InFlight:
                sent = True
            except (Unreachable, Unavailable) as error:
                if not sent:
                    self.tell(f"{act.said}: nothing was sent. {error}", "error")
                    return None
            except ApiError:
                self.unconfirmed.pop(act.key, None)
                raise
            else:
                self.unconfirmed.pop(act.key, None)
                return answer
            await self.sleep(next(pauses, AGAIN[-1]))

    def settle(self, book: Book) -> set[str]:
        """Forget what the feed has answered; the ids of orders that are no longer "requested"."""
        now = self.monotonic()
        over: set[str] = set()
        for order_id, waiting in self._requested.items():
            if waiting.answered_at is None:
                continue
            row = book.get(order_id)
            moved = row is not None and row.version is not None and row.version != waiting.version
            if moved or now - waiting.answered_at > SHOWN_FOR:
                over.add(order_id)
        for order_id in over:
            del self._requested[order_id]
        return over

    def _forget(self, act: Act) -> None:
        for target in act.targets:
            self._requested.pop(target.order_id, None)
