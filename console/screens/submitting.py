"""Submitting commands so that each happens once: one key per act, repeated with the same key until there is an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from console.client.book import Book
from console.client.errors import InFlight, NotConfirmed, TooMany, Unauthorized, Unavailable, Unreachable
from console.schema.commands import SubmitRequest, Submitted
from console.screens.trouble import way_on

AGAIN = (1.0, 2.0, 5.0)  # seconds between repeats
SILENCE = 10.0  # after so many seconds without an answer it is said that there is none yet
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
        """``Approve 00010485``, ``Retry of 12 orders``, or ``Release the brake``, which is about no one thing."""
        if len(self.targets) == 1:
            return f"{self.title} {self.targets[0].number}".rstrip()
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
    silence: float = SILENCE
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
        try:
            while True:
                wait = next(pauses, AGAIN[-1])
                try:
                    return await self._once(act)
                except NotConfirmed as error:
                    sent = True
                    self._doubt(act, str(error))
                except InFlight:
                    sent = True
                except TooMany as error:
                    wait = max(wait, error.problem.retry_after or 0.0)
                    if not sent:
                        self.tell(
                            f"{act.said}: the daemon wants to be asked less; it is sent in {wait:.0f} s.", "warning"
                        )
                except (Unreachable, Unavailable) as error:
                    if not sent:
                        self.tell(f"{act.said}: nothing was sent. {way_on(error)}", "error")
                        return None
                except Unauthorized as error:
                    if not sent:
                        raise
                    self._doubt(act, str(error))  # what was sent may have been done: a new token gets its answer
                await self.sleep(wait)
        finally:
            self.unconfirmed.pop(act.key, None)

    async def _once(self, act: Act) -> Submitted:
        """Submit, and say so when the answer takes long."""
        sending = asyncio.ensure_future(self.submit_once(act.command, act.request, act.key))
        try:
            await asyncio.wait({sending}, timeout=self.silence)
            if not sending.done():
                self._doubt(act, "sent, not confirmed: there is no answer yet")
            return await sending
        finally:
            sending.cancel()

    def _doubt(self, act: Act, why: str) -> None:
        """Say once that it is not known whether it was done."""
        if act.key not in self.unconfirmed:
            self.unconfirmed[act.key] = act
            self.tell(f"{act.said}: {why}. It is asked again with the same key, so that it is done once.", "warning")

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
