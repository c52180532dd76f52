"""Libraries without what they load for parts that a daemon never uses: a tenth of its start, and 10 MB of its memory.

structlog loads rich for tracebacks that ours stand in place of; FastAPI loads pydantic's old version to ask of each
type whether it is of it, and builds the models of the OpenAPI document, which is made when somebody asks for it.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_ABSENT = ("rich", "pydantic.v1")  # both libraries do without when these cannot be imported
_STOOD_IN = "fastapi.openapi.models"


class _Names(ModuleType):
    """Has nothing but names, good for annotations: whoever makes one later loads the true module and gets its."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)

        def make(cls: type, *values: Any, **named: Any) -> Any:
            if sys.modules.get(_STOOD_IN) is self:  # a default of a way to log in that we do not use
                return object.__new__(cls)
            return getattr(importlib.import_module(_STOOD_IN), name)(*values, **named)

        return type(name, (), {"__new__": make})


@contextmanager
def without_the_unused() -> Iterator[None]:
    """Keep them out of this process meanwhile; what is loaded already stays (in a console that embeds a daemon, say)."""
    kept_out = [name for name in _ABSENT if name not in sys.modules]
    for name in kept_out:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say: there is no such module
    try:
        yield
    finally:
        for name in kept_out:
            del sys.modules[name]


@contextmanager
def names_only() -> Iterator[None]:
    """While FastAPI is loaded: its document's models are loaded when one is made."""
    stand_in = None if _STOOD_IN in sys.modules else _Names(_STOOD_IN)
    if stand_in is not None:
        sys.modules[_STOOD_IN] = stand_in
    try:
        yield
    finally:
        if stand_in is not None:
            del sys.modules[_STOOD_IN]
