"""The terminal's driver: for a terminal that may go away, then nothing is written any more and the console leaves; and
for one that sends what nobody types."""

import errno
import os
import selectors
from codecs import getincrementaldecoder

from textual.driver import Driver

from console.screens.pasting import WholePaste

CHUNK, LOOKS_UP = 4096, 0.1  # bytes read at once; seconds until it is looked whether the console leaves


def lasting(found: type[Driver]) -> type[Driver]:
    """``found`` so that it outlives its terminal. Its writing thread dies with the terminal; Textual would wait for it
    for ever as soon as its queue is full."""
    try:
        from textual.drivers.linux_driver import LinuxDriver
    except ImportError:  # Windows
        return found
    if not issubclass(found, LinuxDriver):
        return found

    class LastingDriver(LinuxDriver):
        """Drops what nobody can be shown."""

        @property
        def _writes(self) -> bool:
            return self._writer_thread is not None and self._writer_thread.is_alive()

        def write(self, data: str) -> None:
            if self._writes:
                super().write(data)

        def close(self) -> None:
            if self._writes:
                super().close()

        def _sigcont_application(self, *_: object) -> None:
            """Textual starts its threads anew at every SIGCONT. One comes with each SIGHUP, and one after a SIGSTOP, of
            which nobody was told: a second pair would take half of the keys, and the first would never end."""
            if self._must_signal_resume:
                super()._sigcont_application()
            else:
                self._app.call_later(self._app.refresh, layout=True)  # others may have drawn on it meanwhile

        def _run_input_thread(self) -> None:
            """Textual would print a traceback. A defect of our own gets the crash report of every other."""
            try:
                self.run_input_thread()
            except OSError:  # the terminal hung up; SIGHUP may have come already, leaving twice is leaving once
                self._app.call_later(self._app.run_action, "app.leave")
            except Exception as error:  # noqa: BLE001 - of whatever kind, it is told and the console ends
                self._app.call_later(self._app._handle_exception, error)

        def run_input_thread(self) -> None:
            """Textual's own ends the console at a byte that is not UTF-8: a paste in another encoding, a mouse report of
            an old terminal. Here such a byte is a character that means nothing."""
            parser, decode = WholePaste(self._debug), getincrementaldecoder("utf-8")("replace").decode
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(LOOKS_UP):
                        if not (read := os.read(self.fileno, CHUNK)):  # so ends a terminal for whom SIGHUP is ignored
                            raise OSError(errno.EIO, "the terminal hung up")
                        if said := decode(read):
                            for message in parser.feed(said):
                                self.process_message(message)
                    for message in parser.tick():
                        self.process_message(message)

    return LastingDriver
