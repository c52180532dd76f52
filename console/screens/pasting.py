"""A paste is one text up to its end, whatever stands in it."""

from collections.abc import Iterable, Iterator

from textual._xterm_parser import XTermParser
from textual.message import Message

ESC, BEGINS, ENDS = "\x1b", "\x1b[200~", "\x1b[201~"


class WholePaste(XTermParser):
    """Textual takes an escape sequence within a paste for keys, and a slow end of it for no end. Here the escapes in it
    are left out, and its end is handed on in one piece."""

    _seen = ""  # the last characters outside a paste
    _held: str | None = None  # within one: what may be its end

    def feed(self, data: str) -> Iterable[Message]:
        whole = "".join(self._handed_on(data))
        return super().feed(whole) if whole or not data else ()

    def _handed_on(self, data: str) -> Iterator[str]:
        for char in data:
            if self._held is None:
                self._seen = (self._seen + char)[-len(BEGINS) :]
                if self._seen == BEGINS:
                    self._held = ""
                yield char
            else:
                yield from self._pasted(self._held + char)

    def _pasted(self, held: str) -> Iterator[str]:
        if held == ENDS:
            self._held, self._seen = None, ""
            yield ENDS
        elif ENDS.startswith(held):
            self._held = held
        else:
            again = held[-1] == ESC
            yield held.replace(ESC, "")
            self._held = ESC if again else ""
