"""``portal demo --headless``: orders, faults, kills, refills; then what stands is compared with what should."""

import asyncio
import contextlib
import functools
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from console.client.address import Address
from console.client.api import ApiClient
from console.client.errors import ApiError
from console.demo.inside import Inside
from console.demo.options import CUSTOMERS, DemoOptions
from console.demo.outside import Outside, Placed
from console.demo.people import resume_all
from console.demo.plan import SCARCE, STOPPERS, STRIKES, Strike, Wish, wishes
from console.demo.processes import Child, DemoFailed, start_daemon, start_sandbox
from console.demo.report import Report, tell, write_report
from console.settings import load_settings

KILLS = 3
STEP = 0.1
PER_ORDER = 0.9  # seconds between two orders while faults strike
CALM_PER_ORDER = 0.05
FAULT_WAIT = 8.0  # seconds for one fault to strike before the next of its system is set
REST = 180.0  # seconds that everything may take to come to rest, and 2 more for each order
CARD_AFTER = 2.0
REFILL = 200
STOPPED_ORDERS = 3


def run_headless(options: DemoOptions) -> int:
    """Returns the exit code; see ``run_demo``."""
    kept = options.directory is not None
    folder = options.directory or Path(tempfile.mkdtemp(prefix="portal-demo-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        report = asyncio.run(_interruptible(Headless(folder, options)))
    except DemoFailed as failure:
        tell(f"the demo failed: {failure}\neverything of it is in {folder}", error=True)
        return 1
    write_report(report, as_json=options.json)
    if report.ok and not kept:
        shutil.rmtree(folder, ignore_errors=True)
    elif not report.ok:
        tell(f"everything of it is in {folder}", error=True)
    return 0 if report.ok else 1


async def _interruptible(demo: "Headless") -> Report:
    """SIGTERM and ctrl+c end it with its children."""
    task = asyncio.ensure_future(demo.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError as ending:
        raise DemoFailed("it was interrupted") from ending


async def _together(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All at the same time; the first failure ends the others and is raised itself."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Headless:
    """One demo in ``folder``."""

    def __init__(self, folder: Path, options: DemoOptions) -> None:
        self._folder = folder
        self._options = options
        self._rng = random.Random(f"{options.seed} kills")
        self._placed: list[tuple[Wish, Placed]] = []
        self._struck: list[Strike] = []
        self._kills = 0
        self._mended: set[str] = set()  # orders whose customer has a card by now
        self._delivered: set[str] = set()  # profile types that were refilled
        self._all_placed = asyncio.Event()
        self._changing = asyncio.Lock()  # the daemon is being killed and started again
        self._sandbox: Child
        self._daemon: Child
        self._outside: Outside
        self._inside: Inside

    async def run(self) -> Report:
        """Raises DemoFailed."""
        began = time.monotonic()
        async with contextlib.AsyncExitStack() as cleanup:
            await self._set_up(cleanup)
            report = await self._play()
        report.seconds = round(time.monotonic() - began, 1)
        return report

    async def _set_up(self, cleanup: contextlib.AsyncExitStack) -> None:
        self._sandbox = await start_sandbox(self._folder, self._options.seed, CUSTOMERS)
        cleanup.push_async_callback(self._sandbox.stop)
        self._outside = Outside(self._folder)
        cleanup.push_async_callback(self._outside.close)
        self._config = self._folder / "portal.toml"
        settings = load_settings(self._config, {}, complete=True).settings
        self._socket = settings.daemon.socket_path
        self._inside = Inside(settings.daemon.data_dir)
        if not self._inside.path.exists():
            self._inside.import_first_stock(self._first_stock(), time.time())
        self._daemon = await start_daemon(self._config, self._folder / "daemon.log")
        cleanup.push_async_callback(self._stop_daemon)
        await self._until(self._inside.has_polled, 60.0, "the daemon's first look at Salesforce")

    async def _stop_daemon(self) -> None:
        await self._daemon.stop()

    def _first_stock(self) -> bytes:
        """All of the stock file but for the scarce type, of which there is one."""
        head, *lines = (self._folder / "esim-stock.csv").read_text(encoding="utf-8").splitlines()
        scarce = [line for line in lines if SCARCE in line]
        return "\n".join([head, *(line for line in lines if SCARCE not in line), *scarce[:1]]).encode()

    async def _play(self) -> Report:
        wanted = wishes(self._options.orders, self._options.seed, CUSTOMERS)
        last = 0 if self._options.calm else min(STOPPED_ORDERS, len(wanted) // 5)
        stopped = [wish for wish in wanted if not wish.lesson][:last]
        first = [wish for wish in wanted if not any(wish is other for other in stopped)]
        work = [self._order(first), self._pay_later(), self._refill()]
        if not self._options.calm:
            work += [self._strike(STRIKES), self._kill()]
        await _together(work)
        await self._outside.clear_faults()
        await self._rest()
        report = await self._report()
        if stopped and report.ok:
            self._all_placed.clear()
            await self._stop_and_mend(stopped)
            report = await self._report()
        return report

    # What happens -----------------------------------------------------------------------------------------------------

    async def _order(self, wanted: Sequence[Wish]) -> None:
        for wish in wanted:
            placed = await self._outside.place(wish.kind, wish.customer)
            self._placed.append((wish, placed))
            await self._outside.approve(placed)
            await asyncio.sleep(CALM_PER_ORDER if self._options.calm else PER_ORDER * self._rng.uniform(0.5, 1.5))
        self._all_placed.set()

    async def _strike(self, strikes: Sequence[Strike]) -> None:
        """Each system's faults one after the other, those of the systems at the same time."""
        queues: dict[tuple[str, bool], list[Strike]] = {}
        for strike in strikes:
            queues.setdefault((strike.system, strike.operation.startswith("cometd")), []).append(strike)
        await _together([self._strike_in_turn(queue) for queue in queues.values()])

    async def _strike_in_turn(self, queue: Sequence[Strike]) -> None:
        for strike in queue:
            number = await self._outside.set_fault(strike.system, strike.operation, strike.kind, strike.options)
            self._struck.append(strike)
            await self._has_struck(number)

    async def _has_struck(self, number: int) -> bool:
        end = time.monotonic() + FAULT_WAIT
        while time.monotonic() < end:
            if (await self._outside.used_faults()).get(number):
                return True
            await asyncio.sleep(STEP)
        return False

    async def _kill(self) -> None:
        """SIGKILL at random moments, with work under way where there is any."""
        while self._kills < KILLS or not self._all_placed.is_set():
            await asyncio.sleep(self._rng.uniform(2.0, 6.0))
            for _ in range(30):
                if self._inside.busy():
                    break
                await asyncio.sleep(STEP)
            async with self._changing:
                await self._daemon.kill()
                self._kills += 1
                await asyncio.sleep(self._rng.uniform(0.0, 0.5))
                self._daemon = await start_daemon(self._config, self._folder / "daemon.log")

    async def _pay_later(self) -> None:
        """Customers who wait for a card get one, a moment after their order parked."""
        await self._all_placed.wait()
        for wish, placed in self._placed:
            if wish.pays_later:
                parked = functools.partial(self._is, placed, "parked")
                await self._until(parked, REST, f"order {placed.number} to park")
                await asyncio.sleep(CARD_AFTER)
                await self._outside.give_card(wish.customer)
                self._mended.add(placed.id)

    async def _refill(self) -> None:
        """The scarce type runs out; a delivery comes when every order is placed, and is imported over the API."""
        await self._all_placed.wait()
        await asyncio.sleep(CARD_AFTER)
        data = await self._outside.refill(SCARCE, REFILL)
        end = time.monotonic() + 30.0
        while True:
            try:
                async with self._changing, ApiClient(Address(socket=self._socket)) as client:
                    await client.import_profiles(data, batch="delivery")
                self._delivered.add(SCARCE)
                return
            except ApiError as error:
                if time.monotonic() > end:
                    raise DemoFailed(f"the delivery could not be imported: {error}") from error
                await asyncio.sleep(STEP)

    async def _stop_and_mend(self, wanted: Sequence[Wish]) -> None:
        """Faults that stop an integration; a person mends the cause and resumes it."""
        ordering = asyncio.ensure_future(self._order(wanted))
        await self._strike(STOPPERS)
        await ordering
        await self._outside.clear_faults()
        await self._rest()

    # Waiting ----------------------------------------------------------------------------------------------------------

    def _is(self, placed: Placed, state: str) -> bool:
        shown = self._inside.shown([placed.id]).get(placed.id)
        return shown is not None and shown.state == state

    def _at_rest(self) -> bool:
        order_ids = [placed.id for _, placed in self._placed]
        return self._inside.at_rest(order_ids, time.time(), mended=self._mended, delivered=self._delivered)

    async def _rest(self) -> None:
        """Until nothing more happens by itself, three looks long; what never comes to rest is shown as it is.

        A paused integration is resumed, as by somebody who has mended the cause.
        """
        end, still = time.monotonic() + REST + 2.0 * self._options.orders, 0
        while still < 3 and time.monotonic() < end:
            self._check_alive()
            await resume_all(Address(socket=self._socket), self._inside.pauses())
            still = still + 1 if self._at_rest() else 0
            await asyncio.sleep(0.3)

    async def _until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise DemoFailed(f"waited {seconds:.0f} s for {what}")
            await asyncio.sleep(STEP)

    def _check_alive(self) -> None:
        for name, child in (("sandbox", self._sandbox), ("daemon", self._daemon)):
            if not child.alive:
                raise DemoFailed(f"the {name} ended by itself: {child.last_words()}")

    async def _report(self) -> Report:
        shown = self._inside.shown([placed.id for _, placed in self._placed])
        verdict = await self._outside.verdict({order_id: one.state for order_id, one in shown.items()})
        used = await self._outside.used_faults()
        return Report.made(
            self._placed, shown, verdict, maybe_sent=self._inside.maybe_sent(), kills=self._kills,
            faults=len(self._struck) or len(used),
        )  # fmt: skip
