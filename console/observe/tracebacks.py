"""Errors as text: where, what and why, never the values of local variables."""

import re
import sys
import traceback
from collections.abc import Iterator

from console.observe.redact import Redactor

# Python's own errors of conversion quote what they were given, which may be an outside system's or a customer's. (A
# missing key is mostly a name of ours, and such a name stays.)
_QUOTING = (ValueError, KeyError)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_CAUSE = "\nThe above error was the direct cause of the following:\n\n"
_CONTEXT = "\nWhile handling the above error, another one happened:\n\n"


def format_error(error: BaseException, redactor: Redactor) -> str:
    """The traceback of ``error`` and of what led to it, oldest first, redacted, several lines."""
    return redactor.text("".join(_chain(error, set())), lines=True)


def one_line(error: BaseException, redactor: Redactor) -> str:
    """``Type: message``, redacted."""
    return redactor.text(_said(error))


def _chain(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _chain(before, seen)
        yield _CAUSE if error.__cause__ else _CONTEXT
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    yield _said(error) + "\n"
    if isinstance(error, BaseExceptionGroup):
        for number, inner in enumerate(error.exceptions, start=1):
            yield f"\n--- error {number} of the group ---\n"
            yield from _chain(inner, seen)


def _said(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    said = _validation(error) if "pydantic" in sys.modules else None
    if said is None:
        said = str(error)
        if isinstance(error, _QUOTING) and kind.__module__ == "builtins":
            said = _QUOTED.sub(lambda found: found[0] if _is_name(error, found[0]) else "'…'", said)
    return f"{name}: {said}" if said else name


def _is_name(error: BaseException, quoted: str) -> bool:
    return isinstance(error, KeyError) and re.fullmatch(r"[a-z_][a-z0-9_]{0,40}", quoted[1:-1]) is not None


def _validation(error: BaseException) -> str | None:
    """pydantic quotes the input, which may be a whole answer of an outside system: name only places and reasons."""
    from pydantic import ValidationError  # loaded already: what only prints a sentence must not wait for it

    if not isinstance(error, ValidationError):
        return None
    details = error.errors(include_url=False, include_input=False, include_context=False)
    reasons = "; ".join(f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" for detail in details[:10])
    return f"{error.title}: {reasons}"
