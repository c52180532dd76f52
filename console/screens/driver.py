"""The terminal's driver, for a terminal that may go away: then nothing is written any more, and the console leaves."""

from textual.driver import Driver


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

        def run_input_thread(self) -> None:
            try:
                super().run_input_thread()
            except OSError:  # the terminal hung up; SIGHUP may have come already, leaving twice is leaving once
                self._app.call_later(self._app.run_action, "app.leave")

    return LastingDriver
