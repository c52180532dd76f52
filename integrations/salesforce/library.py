"""simple-salesforce without what it loads for parts of it that are not used here.

Its metadata module wants zeep (SOAP, with lxml), its login module PyJWT (with cryptography): 15 MB of a daemon's memory
and half a second of its start. We deploy nothing, and we log in by ourselves. While simple-salesforce is imported its
``zeep`` is stood in for (its ``mdapi`` does not work in this process), and its ``jwt`` is loaded when it is first used.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_STOOD_IN = ("zeep", "zeep.proxy", "zeep.xsd", "jwt")


class _StandIn(ModuleType):
    """Has nothing but names: of jwt each is loaded at its first use, of zeep each is a class that does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module("jwt"), name) if self.__name__ == "jwt" else object


@contextmanager
def _without_the_rest() -> Iterator[None]:
    stood_in = [_StandIn(name) for name in _STOOD_IN if name.partition(".")[0] not in sys.modules]
    sys.modules.update({module.__name__: module for module in stood_in})
    try:
        yield
    finally:
        for module in stood_in:
            del sys.modules[module.__name__]


with _without_the_rest():
    from simple_salesforce.api import Salesforce
    from simple_salesforce.exceptions import SalesforceError, SalesforceExpiredSession
    from simple_salesforce.format import format_soql

__all__ = ["Salesforce", "SalesforceError", "SalesforceExpiredSession", "format_soql"]
