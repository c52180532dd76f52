"""Is there a terminal, and which signs can it draw: it is shown one of ambiguous width and asked where its cursor then
stands."""

import codecs
import os
import re
import select
import sys
import time
from collections.abc import Mapping

from console.cli.exits import Exit, Failure

ANSWERS = 0.2  # seconds a terminal has to say where its cursor is
SIGN = "─"  # of ambiguous width: one cell for most, two where a Japanese set-up wants it so
_AT = re.compile(rb"\x1b\[(\d+);(\d+)R")
_EAST_ASIAN = ("ja", "zh", "ko")


def fitting_glyphs(environ: Mapping[str, str], cells: int | None) -> str:
    """The name of a glyph set: by the terminal's own answer (``measured_width``), else by the locale."""
    if not _utf8():
        return "ascii"
    if cells is None:
        return "narrow" if _east_asian(environ) else "unicode"
    return "unicode" if cells == 1 else "narrow"


def need_terminal(instead: str) -> None:
    """The screens read standard input and are painted on standard error. Raises Failure where one is no terminal."""
    streams = {"standard input": sys.stdin, "standard error": sys.stderr}
    if missing := [name for name, stream in streams.items() if stream is None or not stream.isatty()]:
        are = "is none" if len(missing) == 1 else "are none"
        raise Failure(f"the console needs a terminal, and {' and '.join(missing)} {are}: use {instead}", Exit.USAGE)


def measured_width() -> int | None:
    """Cells that ``SIGN`` takes on the terminal; None: there is none, or it did not say in time."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard, termios.TCSANOW)
        os.write(screen, f"\r{SIGN}\x1b[6n".encode())
        column = _column(keyboard)
        os.write(screen, b"\r\x1b[K")
    except OSError:
        return None
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)
    return column - 1 if column is not None else None


def _column(keyboard: int) -> int | None:
    """The column of the answer, counted from 1."""
    end, said = time.monotonic() + ANSWERS, b""
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([keyboard], [], [], left)
        if not ready:
            return None
        said += os.read(keyboard, 256)
        if found := _AT.search(said):
            return int(found[2])
    return None


def _utf8() -> bool:
    try:
        return codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    except LookupError:
        return False


def _east_asian(environ: Mapping[str, str]) -> bool:
    """Any of them counts: Python itself may have set LC_CTYPE where the locale is not installed."""
    return any(environ.get(name, "").startswith(_EAST_ASIAN) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
