"""Faults on demand: what the control API sets and every sandbox server obeys."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from integrations.sandbox.store import Store

HANG_SECONDS = 3600.0


@dataclass
class Fault:
    """``count`` answers are spoilt after the first ``after`` matching ones; ``where`` must match the request's facts.

    ``operation`` "*" matches every operation of the system. ``options`` carries what a kind needs ("delay" in seconds
    for slow, late_effect and hold; "item" for module failures).
    """

    id: int
    system: str
    operation: str
    kind: str
    count: int = 1
    after: int = 0
    where: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    used: int = 0

    def matches(self, system: str, operation: str, facts: Mapping[str, str]) -> bool:
        return (
            self.used < self.count
            and self.system == system
            and self.operation in ("*", operation)
            and all(str(facts.get(key, "")) == str(value) for key, value in self.where.items())
        )


@dataclass(frozen=True)
class Hit:
    """One request that a fault spoilt; ``facts`` are the request's own, as in the traffic log."""

    fault_id: int
    system: str
    operation: str
    kind: str
    facts: dict[str, str]
    at: str  # ISO 8601, UTC


class Faults:
    """The faults that are set, and what each of them has done (a fault that was used up stays listed).

    With a ``store`` both survive a restart and a kill -9 of the sandbox: what should stand is computed from the hits.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store = store or Store()
        self._saved = self._store.table("faults")
        self._hits = self._store.table("fault_hits")
        self._faults = [Fault(**row) for row in self._saved.values()]
        self._released = asyncio.Event()
        self._late: dict[int, tuple[asyncio.TimerHandle, Callable[[], None]]] = {}
        self._closed = False

    def add(self, **values: Any) -> Fault:
        """Set a fault; ``values`` are the fields of ``Fault`` without id and used."""
        with self._store.transaction():
            fault = Fault(id=self._store.next_number("fault"), **values)
            self._saved.put(str(fault.id), asdict(fault))
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults (the hits stay) and let every request that is held or hanging go."""
        with self._store.transaction():
            for fault in self._faults:
                self._saved.delete(str(fault.id))
        self._faults.clear()
        self._released.set()
        self._released = asyncio.Event()

    def close(self) -> None:
        """For the sandbox's stop: held requests go, nothing hangs any more, effects not yet landed never will."""
        self._closed = True
        self._released.set()
        for handle, _ in self._late.values():
            handle.cancel()
        self._late.clear()

    def all(self) -> list[Fault]:
        return list(self._faults)

    def hits(self) -> list[Hit]:
        """Every request that was spoilt since the sandbox's first start, oldest first."""
        return [Hit(**row) for row in self._hits.values()]

    def take(self, system: str, operation: str, facts: Mapping[str, str], kinds: frozenset[str]) -> Fault | None:
        """The fault that spoils this request, counted as used; only ``kinds`` are considered."""
        for fault in self._faults:
            if fault.kind in kinds and fault.matches(system, operation, facts):
                if fault.after > 0:
                    fault.after -= 1
                    self._save(fault)
                    continue
                fault.used += 1
                self._save(fault, Hit(fault.id, system, operation, fault.kind, dict(facts), _now()))
                return fault
        return None

    def _save(self, fault: Fault, hit: Hit | None = None) -> None:
        with self._store.transaction():
            self._saved.put(str(fault.id), asdict(fault))
            if hit:
                self._hits.put(str(self._store.next_number("fault_hit")), asdict(hit))

    def later(self, delay: float, effect: Callable[[], object]) -> None:
        """Make ``effect`` in ``delay`` seconds, unless the sandbox stops before."""
        number = id(effect)

        def land() -> None:
            self._late.pop(number, None)
            effect()

        self._late[number] = asyncio.get_running_loop().call_later(delay, land), land

    def land(self) -> int:
        """Make every effect that was to land later now; returns how many."""
        due = list(self._late.values())
        for handle, land in due:
            handle.cancel()
            land()
        return len(due)

    async def hang(self, seconds: float = HANG_SECONDS) -> None:
        """Sleep until ``seconds`` are over, the faults are cleared or the sandbox stops."""
        released = self._released
        if self._closed:
            return
        try:
            async with asyncio.timeout(seconds):
                await released.wait()
        except TimeoutError:
            return


def _now() -> str:
    return datetime.now(UTC).isoformat()


HTTP_KINDS = frozenset(
    {
        "timeout_before", "timeout_after", "http_500", "http_503", "html", "http_403", "http_429",
        "slow", "truncate", "reset", "malformed", "hold", "late_effect",
    }
)  # fmt: skip

ERROR_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


async def spoil(
    fault: Fault | None, faults: Faults, request: web.Request, effect: Callable[[], web.Response]
) -> web.StreamResponse:
    """Answer ``request`` by ``effect`` (which makes the effect and the true answer), spoilt as the fault says.

    Without effect: timeout_before, http_500, http_503, html (a proxy's page under 200), http_403, http_429, reset.
    With effect: timeout_after and hold (answer withheld; ``delay`` seconds, else until cleared), late_effect (no
    answer; the effect lands ``delay`` seconds later), slow (after ``delay``, or when cleared), truncate, malformed.
    """
    if fault is None:
        return effect()
    delay = float(fault.options.get("delay", 0))
    match fault.kind:
        case "timeout_before":
            await faults.hang()
            return _reset(request)
        case "timeout_after" | "hold":
            effect()
            await faults.hang(delay or HANG_SECONDS)
            return _reset(request)
        case "late_effect":
            faults.later(delay or 1.0, effect)
            await faults.hang()
            return _reset(request)
        case "slow":
            await faults.hang(delay or 1.0)
            return effect()
        case "reset":
            return _reset(request)
        case "truncate":
            return await _truncated(request, effect())
        case "malformed":
            spoilt = effect()
            return web.Response(status=spoilt.status, text='{"result": ', content_type="application/json")
        case "html":
            return web.Response(status=200, text=ERROR_PAGE.format("Just a moment"), content_type="text/html")
        case "http_429":
            page = ERROR_PAGE.format("429")
            return web.Response(status=429, text=page, content_type="text/html", headers={"Retry-After": "1"})
        case "http_403" | "http_500" | "http_503":
            status = int(fault.kind.removeprefix("http_"))
            return web.Response(status=status, text=ERROR_PAGE.format(status), content_type="text/html")
    raise ValueError(f"no HTTP fault kind {fault.kind!r}")


def _reset(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _truncated(request: web.Request, answer: web.Response) -> web.StreamResponse:
    body = answer.body if isinstance(answer.body, bytes) else b""
    cut = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
    cut.content_length = max(len(body), 2)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    _reset(request)
    return cut
