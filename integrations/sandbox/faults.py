"""Faults on demand: what the control API sets and every sandbox server obeys."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

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


class Faults:
    """The faults that are set, and what each of them has done (a fault that was used up stays listed)."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next = 1
        self._released = asyncio.Event()

    def add(self, **values: Any) -> Fault:
        fault = Fault(id=self._next, **values)
        self._next += 1
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults and let every request that is held or hanging go."""
        self._faults.clear()
        self._released.set()
        self._released = asyncio.Event()

    def all(self) -> list[Fault]:
        return list(self._faults)

    def take(self, system: str, operation: str, facts: Mapping[str, str], kinds: frozenset[str]) -> Fault | None:
        """The fault that spoils this request, counted as used; only ``kinds`` are considered."""
        for fault in self._faults:
            if fault.kind in kinds and fault.matches(system, operation, facts):
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.used += 1
                return fault
        return None

    async def hang(self, seconds: float = HANG_SECONDS) -> None:
        """Sleep until ``seconds`` are over or the faults are cleared."""
        released = self._released
        try:
            async with asyncio.timeout(seconds):
                await released.wait()
        except TimeoutError:
            return


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
    answer; the effect lands ``delay`` seconds later), slow (after ``delay``), truncate, malformed.
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
            asyncio.get_running_loop().call_later(delay or 1.0, effect)
            await faults.hang()
            return _reset(request)
        case "slow":
            await asyncio.sleep(delay or 1.0)
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
