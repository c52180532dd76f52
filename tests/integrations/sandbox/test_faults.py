import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from integrations.sandbox.faults import HTTP_KINDS, Faults, spoil
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic

ALL = frozenset({"http_500", "reset", "hold"})


def test_a_fault_takes_only_what_it_matches() -> None:
    faults = Faults()
    faults.add(system="whmcs", operation="AddOrder", kind="http_500", where={"clientid": "7"})
    assert faults.take("whmcs", "GetOrders", {"clientid": "7"}, ALL) is None
    assert faults.take("esim", "AddOrder", {"clientid": "7"}, ALL) is None
    assert faults.take("whmcs", "AddOrder", {"clientid": "8"}, ALL) is None
    assert faults.take("whmcs", "AddOrder", {"clientid": "7"}, frozenset({"reset"})) is None
    taken = faults.take("whmcs", "AddOrder", {"clientid": "7", "pid": "3"}, ALL)
    assert taken is not None and taken.kind == "http_500"
    assert faults.take("whmcs", "AddOrder", {"clientid": "7"}, ALL) is None, "it was for one answer"
    assert [fault.used for fault in faults.all()] == [1]


def test_after_lets_that_many_through_and_count_bounds_the_rest() -> None:
    faults = Faults()
    faults.add(system="whmcs", operation="*", kind="reset", after=2, count=2)
    hit = [faults.take("whmcs", action, {}, ALL) is not None for action in ("A", "B", "C", "D", "E")]
    assert hit == [False, False, True, True, False]


def test_two_faults_on_one_request_are_used_one_after_the_other() -> None:
    faults = Faults()
    first = faults.add(system="esim", operation="*", kind="reset")
    second = faults.add(system="esim", operation="downloadOrder", kind="http_500")
    taken = [faults.take("esim", "downloadOrder", {}, ALL) for _ in range(3)]
    assert taken == [first, second, None]


def test_faults_and_what_they_hit_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    faults = Faults(store)
    faults.add(system="whmcs", operation="AddOrder", kind="reset", count=3, after=1, options={"delay": 2})
    faults.take("whmcs", "AddOrder", {}, ALL)
    faults.take("whmcs", "AddOrder", {"clientid": "7"}, ALL)
    store.close()

    store = Store(tmp_path / "box.db")
    again = Faults(store)
    assert [(f.after, f.used, f.count, f.options) for f in again.all()] == [(0, 1, 3, {"delay": 2})]
    assert [(h.fault_id, h.kind, h.facts) for h in again.hits()] == [(1, "reset", {"clientid": "7"})]
    again.clear()
    assert (again.all(), len(again.hits())) == ([], 1)
    assert again.add(system="esim", operation="*", kind="reset").id == 2
    store.close()


class Server:
    """One address that adds to ``effects`` and answers in JSON, spoilt by what is set."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.effects: list[str] = []
        self.landed = asyncio.Event()
        self.url = ""

    def effect(self) -> web.Response:
        self.effects.append("made")
        self.landed.set()
        return web.json_response({"result": "success", "orderid": "1"})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return await spoil(self.faults.take("whmcs", "AddOrder", {}, HTTP_KINDS), self.faults, request, self.effect)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        app = web.Application()
        app.router.add_post("/", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/"
        try:
            yield self
        finally:
            self.faults.close()
            await runner.cleanup()

    def spoilt_by(self, kind: str, **options: object) -> None:
        self.faults.add(system="whmcs", operation="AddOrder", kind=kind, options=options)


async def ask(url: str, seconds: float = 60) -> tuple[int, str, str]:
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.post(url) as answer:
        return answer.status, answer.content_type, await answer.text()


async def struck(server: Server) -> None:
    """Until a fault has struck; what it does at once is done by then."""
    async with asyncio.timeout(60):
        while not server.faults.hits():  # noqa: ASYNC110 - the hits are what is looked at
            await asyncio.sleep(0.01)


async def test_without_a_fault_the_true_answer_comes() -> None:
    async with Server().running() as server:
        assert await ask(server.url) == (200, "application/json", '{"result": "success", "orderid": "1"}')


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        ("http_500", 500, "text/html"),
        ("http_503", 503, "text/html"),
        ("http_403", 403, "text/html"),
        ("http_429", 429, "text/html"),
        ("html", 200, "text/html"),
    ],
)
async def test_a_page_instead_of_the_answer_makes_no_effect(kind: str, status: int, content_type: str) -> None:
    async with Server().running() as server:
        server.spoilt_by(kind)
        assert (await ask(server.url))[:2] == (status, content_type)
        assert server.effects == []
        assert (await ask(server.url))[0] == 200


async def test_a_malformed_answer_hides_an_effect_that_was_made() -> None:
    async with Server().running() as server:
        server.spoilt_by("malformed")
        assert (await ask(server.url))[2] == '{"result": '
        assert server.effects == ["made"]


async def test_a_reset_makes_no_effect_and_gives_no_answer() -> None:
    async with Server().running() as server:
        server.spoilt_by("reset")
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(server.url)
        assert server.effects == []


async def test_a_truncated_answer_breaks_off_after_the_effect() -> None:
    async with Server().running() as server:
        server.spoilt_by("truncate")
        with pytest.raises(aiohttp.ClientError):
            await ask(server.url)
        assert server.effects == ["made"]


@pytest.mark.parametrize(("kind", "effects"), [("timeout_before", 0), ("timeout_after", 1), ("hold", 1)])
async def test_a_hanging_answer_hangs_until_the_faults_are_cleared(kind: str, effects: int) -> None:
    async with Server().running() as server:
        server.spoilt_by(kind)
        call = asyncio.create_task(ask(server.url))
        await struck(server)
        done, _ = await asyncio.wait({call}, timeout=0.1)
        assert not done
        assert len(server.effects) == effects
        server.faults.clear()
        with pytest.raises(aiohttp.ClientConnectionError):
            await call
        assert len(server.effects) == effects


async def test_a_held_answer_is_let_go_after_its_delay() -> None:
    async with Server().running() as server:
        server.spoilt_by("hold", delay=0.1)
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(server.url)


async def test_a_late_effect_lands_after_the_client_gave_up() -> None:
    async with Server().running() as server:
        server.spoilt_by("late_effect", delay=1.0)
        with pytest.raises(asyncio.TimeoutError):
            await ask(server.url, seconds=0.1)
        assert server.effects == []
        async with asyncio.timeout(60):
            await server.landed.wait()
        assert server.effects == ["made"]


async def test_a_late_effect_lands_when_it_is_told_to() -> None:
    async with Server().running() as server:
        server.spoilt_by("late_effect", delay=3600)
        call = asyncio.create_task(ask(server.url))
        await struck(server)
        assert server.effects == []
        assert (server.faults.land(), server.effects) == (1, ["made"])
        assert server.faults.land() == 0
        server.faults.clear()
        with pytest.raises(aiohttp.ClientConnectionError):
            await call


async def test_a_stopped_sandbox_lands_nothing_and_hangs_nobody() -> None:
    async with Server().running() as server:
        server.spoilt_by("late_effect", delay=0.2)
        call = asyncio.create_task(ask(server.url))
        await struck(server)
        server.faults.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await call
        await asyncio.sleep(0.3)
        assert server.effects == []
        async with asyncio.timeout(60):
            await server.faults.hang()


async def test_a_slow_answer_is_true_and_late() -> None:
    async with Server().running() as server:
        server.spoilt_by("slow", delay=0.2)
        before = asyncio.get_running_loop().time()
        assert (await ask(server.url))[0] == 200
        assert asyncio.get_running_loop().time() - before >= 0.2


async def test_a_kind_that_is_none_of_http_is_refused() -> None:
    server = Server()
    fault = server.faults.add(system="whmcs", operation="AddOrder", kind="price_drift")
    with pytest.raises(ValueError, match="price_drift"):
        await spoil(fault, server.faults, None, server.effect)  # type: ignore[arg-type]


def test_traffic_numbers_go_on_after_a_cut_and_a_clear() -> None:
    traffic = Traffic(limit=10)
    for n in range(11):
        traffic.asked("whmcs", "AddOrder", {"n": str(n)})
    assert [row["n"] for row in traffic.since(0)] == list(range(2, 12))
    assert [row["facts"] for row in traffic.since(10)] == [{"n": "10"}]
    traffic.clear()
    entry = traffic.asked("esim", "downloadOrder", {})
    entry.answered = True
    assert [(row["n"], row["answered"]) for row in traffic.since()] == [(12, True)]
