"""The last line of defence: an error nobody expected becomes one sentence and a private file."""

import os
import platform
import select
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from console.observe.redact import Redactor
from console.observe.tracebacks import format_error, one_line
from console.written import write_private

EXIT_CRASH = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
KEPT = 20


@dataclass(frozen=True)
class CrashReports:
    """Where crash files go: ``folder``, or the temporary folder where that cannot be written."""

    folder: Path
    redactor: Redactor
    version: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def told(self, error: BaseException, argv: Sequence[str] = ()) -> str:
        """Write what happened, and say where; nothing can go wrong with that."""
        try:
            return f"The details are in {self.write(error, argv)}"
        except OSError as trouble:
            return f"The details could not be written anywhere: {trouble.strerror or trouble}"

    def write(self, error: BaseException, argv: Sequence[str] = ()) -> Path:
        """Write what happened into a new file of mode 0600 and forget all but the newest ones. Raises OSError."""
        text = "\n".join(
            (
                f"Portal Console {self.version}, Python {platform.python_version()}, {platform.platform()}",
                f"at {self.now().isoformat()}: {self.redactor.text(' '.join(argv))}",
                "",
                format_error(error, self.redactor),
            )
        )
        try:
            return self._written(self.folder, text)
        except OSError:
            return self._written(Path(tempfile.mkdtemp(prefix="portal-crash-")), text)

    def _written(self, folder: Path, text: str) -> Path:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"crash-{self.now():%Y%m%dT%H%M%S%fZ}-{os.getpid()}.txt"
        write_private(file, text)
        for old in sorted(folder.glob("crash-*.txt"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return file


def guarded(main: Callable[[], int], reports: CrashReports, *, argv: Sequence[str], stderr: TextIO) -> int:
    """Run ``main`` and return its exit code.

    An unexpected error prints one sentence with the path of the crash file and returns 70; an interrupt returns 130;
    a reader that went away (``portal … | head``) returns 141 without a word. SystemExit passes.
    """
    try:
        return main()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - this is where unexpected errors end
        if isinstance(error, BrokenPipeError) and _reader_went_away():
            return EXIT_BROKEN_PIPE
        said = one_line(error, reports.redactor)
        stderr.write(f"portal stopped because of an error in itself: {said[:300]}. {reports.told(error, argv)}\n")
        return EXIT_CRASH


def _reader_went_away() -> bool:
    """True when it is stdout that broke (not some socket); then stdout is closed, as Python would complain at exit."""
    try:
        stdout = sys.stdout.fileno()
    except (OSError, ValueError):
        return False  # not a file at all
    poll = select.poll()
    poll.register(stdout, 0)  # POLLERR is always told
    if not any(state & (select.POLLERR | select.POLLHUP) for _, state in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
    return True
