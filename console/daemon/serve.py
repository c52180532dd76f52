"""``portal daemon``: the daemon as a process of its own: logging, signals, systemd, and an end within ten seconds."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from console import __version__, collector
from console.daemon.notify import Notifier
from console.daemon.service import Service
from console.eventloop import loop_factory
from console.observe.logs import Logging
from console.observe.redact import Redactor
from console.settings import LoadedSettings
from console.settings.model import Settings

log = logging.getLogger(__name__)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LEAVING = 1.5  # seconds for everything but the calls under way
LINGERING = 0.5  # seconds for threads once all is closed


def run_daemon(
    settings: Settings,
    redactor: Redactor,
    environ: Mapping[str, str],
    *,
    observe: bool = False,
    take_over: bool = False,
    loaded: LoadedSettings | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. Raises Refused, NotOwner, StorageError, IntegrationError.

    Whatever still hangs ``daemon.drain`` + 1.5 s after the signal is left behind, as a kill would: the journal allows
    it at every moment.
    """
    logging_ = Logging(redactor, form=settings.log.format, level=settings.log.level)
    logging_.start()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            service = Service(settings, redactor, observe=observe, take_over=take_over, loaded=loaded)
            runner.run(_serve(service, settings, environ))
    finally:
        logging_.stop()


async def _serve(service: Service, settings: Settings, environ: Mapping[str, str]) -> None:
    began = time.monotonic()
    notifier = Notifier(environ)
    async with _signalled(settings.daemon.drain + LEAVING, notifier.stopping) as asked:
        await service.start()
        collector.calm()
        try:
            log.info("portal %s is ready after %.2f s at %s", __version__, time.monotonic() - began, service.where)
            notifier.ready(f"listening at {service.where}")
            await _until_first(asked.wait(), service.wait(), _watchdog(notifier))
        finally:
            notifier.stopping()
            left = await service.stop()
            log.info("stopped%s", f"; {left} runs go on at the next start" if left else "")
            if asked.is_set():
                _start_timer(LINGERING, "a request still hangs in a thread: it is left behind")


async def _until_first(*work: Coroutine[Any, Any, Any]) -> None:
    """Wait for the first to end, cancel the others; raises what it raised."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _watchdog(notifier: Notifier) -> None:
    """Tell systemd that this loop turns; never ends by itself."""
    every = notifier.watchdog_every
    while every is not None:
        notifier.alive()
        await asyncio.sleep(every)
    await asyncio.Event().wait()


@asynccontextmanager
async def _signalled(seconds: float, on_first: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
    """An event that the first signal sets. From then the process has ``seconds``; a second signal ends it at once."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if asked.is_set():
            _leave(f"{number.name} again: leaving at once")
        log.info("%s: letting calls under way end", number.name)
        _start_timer(seconds, f"after {seconds:g} s something still hangs: it is left behind")
        asked.set()
        on_first()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield asked
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _start_timer(seconds: float, why: str) -> None:
    """Of a thread, not of the loop: the loop may be what hangs."""
    timer = threading.Timer(seconds, _leave, (why,))
    timer.daemon = True
    timer.start()


def _leave(why: str) -> None:
    """End this process now; what the journal holds is enough to go on (rules §2)."""
    log.warning("%s", why)
    os._exit(0)
