"""The daemon inside the console's process: its own thread with its own event loop, so that neither delays the other.

The only module around the console that loads the daemon, and only when it starts: with ``--embedded``, never else.
The screens know it as ``console.client.owndaemon.OwnDaemon``.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console.client.address import Address
from console.client.owndaemon import OwnDaemonFailed
from console.eventloop import loop_factory
from console.observe.logs import Logging
from console.observe.redact import Redactor
from console.settings import LoadedSettings
from console.settings.model import Settings

if TYPE_CHECKING:
    from console.client.api import ApiClient

LOG_NAME = "embedded.log"
STARTING = 30.0
LEAVING = 1.5  # seconds beyond the drain in which the rest is closed


class EmbeddedDaemon:
    """``start`` and ``stop`` block; call them from a thread. ``stop`` may be called any number of times.

    ``farewell``: after ``stop``, how many orders go on at the next start, in words. Logs go to a private file beside
    the journal, because the terminal belongs to the screen. ``others``: a daemon known to work for an org.
    """

    def __init__(
        self,
        settings: Settings,
        redactor: Redactor,
        loaded: LoadedSettings | None = None,
        others: Callable[[str], Address | None] = lambda org_id: None,
    ) -> None:
        self.address = Address(socket=settings.daemon.socket_path)
        self.farewell = ""
        self._settings, self._redactor, self._loaded, self._others = settings, redactor, loaded, others
        self.ended: Future[None] = Future()
        self._ready: Future[None] = Future()
        self._asked: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._left = 0
        self._lock = threading.Lock()

    @property
    def log_file(self) -> Path:
        return self._settings.daemon.data_dir / LOG_NAME

    def start(self) -> None:
        """Returns when the daemon answers. Raises OwnDaemonFailed."""
        self._thread = threading.Thread(target=self._run, name="portal-daemon")
        self._thread.start()
        try:
            self._ready.result(STARTING)
        except Exception as error:
            raise self._failure(error) from error

    def stop(self) -> int:
        """Let calls under way end and close everything; how many runs go on at the next start."""
        with self._lock:
            thread, loop, asked = self._thread, self._loop, self._asked
            if thread is None or not thread.is_alive():
                return self._left
            if loop is not None and asked is not None:
                with contextlib.suppress(RuntimeError):  # closed meanwhile: the thread is ending by itself
                    loop.call_soon_threadsafe(asked.set)
            thread.join(self._settings.daemon.drain + LEAVING)
            self.farewell = _farewell(self._left, hangs=thread.is_alive())
            return self._left

    def _run(self) -> None:
        try:
            stream = os.fdopen(self._open_log(), "a", encoding="utf-8", buffering=1)
        except OSError as error:
            self._ready.set_exception(error)
            return
        with stream:
            logging_ = Logging(self._redactor, form="json", level=self._settings.log.level, stream=stream)
            logging_.start()
            try:
                with asyncio.Runner(loop_factory=loop_factory()) as runner:
                    runner.run(self._serve())
            finally:
                logging_.stop()

    def _open_log(self) -> int:
        self.log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def _serve(self) -> None:
        from console.daemon.service import Service  # much to load: the first frame stands meanwhile

        self._loop, self._asked = asyncio.get_running_loop(), asyncio.Event()
        service = Service(self._settings, self._redactor, loaded=self._loaded)
        try:
            await service.start()
        except Exception as error:  # noqa: BLE001 - handed to whoever called start
            self._ready.set_exception(error)
            return
        self._ready.set_result(None)
        asked, working = asyncio.create_task(self._asked.wait()), asyncio.create_task(service.wait())
        try:
            await asyncio.wait((asked, working), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            working.cancel()
            _, ended = await asyncio.gather(asked, working, return_exceptions=True)
            self._left = await service.stop()
            if isinstance(ended, Exception):
                self.ended.set_exception(self._failure(ended))
            else:
                self.ended.set_result(None)

    def _failure(self, error: Exception) -> OwnDaemonFailed:
        """In words, with a way to whoever has the journal or the org instead."""
        from console.engine.ownership import NotOwner
        from storage.errors import StoreInUse

        said = self._redactor.text(str(error) or type(error).__name__)
        address: Address | None = None
        match error:
            case StoreInUse():
                address = self.address
            case NotOwner():
                address = self._others(self._settings.salesforce.org_id)
                if address is None:
                    said += (
                        ". Where it listens is not known here: name it under [console.environments] with this org_id"
                    )
        if address is None:
            return OwnDaemonFailed(said)
        return OwnDaemonFailed(said, where=address.shown, connect=partial(_client, address))


def _client(address: Address) -> "ApiClient":
    from console.client.api import ApiClient

    return ApiClient(address)


def _farewell(left: int, *, hangs: bool) -> str:
    if hangs:
        return "The daemon of this window was left behind with a call under way; its journal allows that."
    if left:
        waits = "1 order goes" if left == 1 else f"{left} orders go"
        return f"The daemon of this window has stopped; {waits} on at the next start."
    return "The daemon of this window has stopped; no order was under way."
