"""One gate per integration: how many calls at once, how fast, and whether at all (pause, circuit breaker)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from console.engine.clock import Clock
from console.engine.failures import Condition, NotNow
from console.engine.recent import Recent
from integrations.errors import ErrorClass, IntegrationError
from storage.desk import Pause

_NO_ANSWER = (ErrorClass.TRANSIENT, ErrorClass.OUTCOME_UNKNOWN)


@dataclass
class Breaker:
    """Opens after ``failures`` in ``window`` seconds; after ``cool_down`` one call is let through to try."""

    failures: int
    window: float
    cool_down: float
    recent: deque[float] = field(default_factory=deque)
    opened_at: float | None = None
    trying: bool = False

    def admits(self, now: float) -> bool:
        if self.shut(now):
            return False
        self.trying = self.opened_at is not None
        return True

    def shut(self, now: float) -> bool:
        """Would nobody be let through now?"""
        return self.opened_at is not None and (now - self.opened_at < self.cool_down or self.trying)

    def succeeded(self) -> None:
        self.recent.clear()
        self.opened_at = None
        self.trying = False

    def failed(self, now: float) -> bool:
        """Count one failure; True when this one opened the breaker."""
        self.recent.append(now)
        while self.recent and now - self.recent[0] > self.window:
            self.recent.popleft()
        was_open = self.opened_at is not None
        if self.trying or len(self.recent) >= self.failures:
            self.opened_at, self.trying = now, False
        return self.opened_at is not None and not was_open


class Gate:
    """The way to one system."""

    def __init__(self, system: str, clock: Clock, concurrency: int, rate: float, breaker: Breaker) -> None:
        self.system = system
        self.breaker = breaker
        self.pause: Pause | None = None
        self.in_flight = 0
        self.queued = 0  # calls that wait for their turn
        self.concurrency, self.rate = concurrency, rate
        self.recent = Recent(clock.monotonic)
        self.last_error: str | None = None
        self.last_ok_at: float | None = None
        self.calls = 0
        self.errors = 0
        self.mask: Callable[[str], str] = str
        self._clock = clock
        self._slots = asyncio.Semaphore(concurrency)
        self._interval = 1.0 / rate if rate else 0.0
        self._next_slot = 0.0

    @property
    def state(self) -> str:
        """up, broken or paused."""
        if self.pause is not None:
            return "paused"
        return "up" if self.breaker.opened_at is None else "broken"

    def check(self) -> None:
        """Raises NotNow when no call may be made now. Ask before the intent is written: a refused call is no try."""
        self._check_pause()
        if not self.breaker.admits(self._clock.monotonic()):
            raise self._broken()

    def slot(self) -> "Slot":
        """A turn to make one call, as concurrency and rate allow. Raises NotNow at once where there is none to wait for."""
        return Slot(self)

    def asked(self) -> "Asked":
        """Around intent and exchange of one call: raises NotNow when it may not be made now; counts for the breaker."""
        return Asked(self)

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """A slot for one call that is made whatever the breaker says; its failures are counted."""
        try:
            await self.take_turn()
            try:
                began = self.begin()
                try:
                    yield
                except BaseException as error:
                    self.end(began, error)
                    raise
                self.end(began, None)
            finally:
                self.give_back()
        except BaseException:  # also one that is cancelled while it waits for its turn: the next one may try
            self.breaker.trying = False
            raise

    async def take_turn(self) -> None:
        """Wait for a place among the calls made at one time, and for one in the rate; ``give_back`` must follow."""
        self.queued += 1
        try:
            await self._slots.acquire()
            try:
                if self._interval:
                    now = self._clock.monotonic()
                    self._next_slot = max(now, self._next_slot) + self._interval
                    await asyncio.sleep(self._next_slot - self._interval - now)
            except BaseException:
                self._slots.release()
                raise
        finally:
            self.queued -= 1

    def give_back(self) -> None:
        self._slots.release()

    def begin(self) -> float:
        """A call leaves; returns when, for ``end``."""
        self.in_flight += 1
        self.calls += 1
        return self._clock.monotonic()

    def end(self, began: float, error: BaseException | None) -> None:
        """What the call taught about the system."""
        self.in_flight -= 1
        if error is None:
            self.breaker.succeeded()
            self.recent.note(self._clock.monotonic() - began)
            self.last_ok_at = self._clock.now()
        elif isinstance(error, IntegrationError):
            self.mask_words(error)
            self.note(error)
            silent = error.error_class in _NO_ANSWER
            self.recent.note(self._clock.monotonic() - began, failed=silent, refused=not silent)
        else:  # nothing was learnt about the system: the next one may try
            self.breaker.trying = False

    def check_open(self) -> None:
        """Raises NotNow where waiting for a turn would be in vain."""
        self._check_pause()
        if self.breaker.shut(self._clock.monotonic()):
            raise self._broken()

    def mask_words(self, error: IntegrationError) -> None:
        """What the far side says may quote a secret or a card: from here on it is journaled, shown and sent on (rules §12)."""
        error.message = self.mask(error.message)
        error.detail = {name: self.mask(value) for name, value in error.detail.items()}
        error.args = (f"{error.system} {error.operation}: {error.code}: {error.message}",)

    def _check_pause(self) -> None:
        if self.pause is not None:
            reason = f"{self.system} is paused by {self.pause.actor}: {self.pause.reason}"
            raise NotNow(self.system, reason, condition=Condition("resumed", self.system))

    def _broken(self) -> NotNow:
        code = (self.last_error or "").partition(":")[0]  # the feed is told: no outside text
        reason = f"{self.system} does not work now ({code}); it is tried again by itself"
        return NotNow(self.system, reason, condition=Condition("up", self.system))

    def note(self, error: IntegrationError) -> None:
        """An answer that says no proves that the system works; silence and 5xx do not."""
        self.errors += 1
        self.last_error = f"{error.code}: {error.message}"
        if error.error_class in _NO_ANSWER:
            self.breaker.failed(self._clock.monotonic())
        else:
            self.breaker.succeeded()


class Slot:
    """See ``Gate.slot``."""

    __slots__ = ("_gate",)

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __aenter__(self) -> None:
        self._gate.check_open()
        await self._gate.take_turn()

    async def __aexit__(self, *_: object) -> None:
        self._gate.give_back()


class Asked:
    """See ``Gate.asked``."""

    __slots__ = ("_began", "_gate")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._began = 0.0

    async def __aenter__(self) -> None:
        self._gate.check()
        self._began = self._gate.begin()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._gate.end(self._began, error)


class Gates:
    """The gates of all systems, and what is paused."""

    def __init__(self, gates: Iterable[Gate]) -> None:
        self._gates = {gate.system: gate for gate in gates}
        self.product_pauses: dict[str, Pause] = {}

    def __getitem__(self, system: str) -> Gate:
        return self._gates[system]

    def __iter__(self) -> Iterator[Gate]:
        return iter(self._gates.values())

    def mask_with(self, mask: Callable[[str], str]) -> None:
        """How secrets and personal data in the far sides' own words are hidden."""
        for gate in self._gates.values():
            gate.mask = mask

    def load(self, pauses: dict[str, Pause]) -> None:
        """Take over what the journal says is paused."""
        for gate in self._gates.values():
            gate.pause = pauses.get(gate.system)
        self.product_pauses = {key: p for key, p in pauses.items() if key.startswith("product:")}
