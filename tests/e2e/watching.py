"""A traffic log that lets a test act at the very moment a request comes in."""

from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox.traffic import Entry, Traffic

Watcher = Callable[[Entry], None]


class WatchedTraffic(Traffic):
    """``watcher`` is called for each request before a fault or an effect: what it sets still strikes this request."""

    watcher: Watcher | None = None

    def asked(self, system: str, operation: str, facts: Mapping[str, str]) -> Entry:
        entry = super().asked(system, operation, facts)
        if self.watcher is not None:
            self.watcher(entry)
        return entry


def watch(traffic: Traffic) -> WatchedTraffic:
    """Make a sandbox's own log a watched one (every server holds this object)."""
    traffic.__class__ = WatchedTraffic
    assert isinstance(traffic, WatchedTraffic)
    return traffic


def name_of(entry: Entry | Mapping[str, Any]) -> str:
    """``whmcs.AddOrder``"""
    if isinstance(entry, Entry):
        return f"{entry.system}.{entry.operation}"
    return f"{entry['system']}.{entry['operation']}"
