"""`portal settings example`: a portal.toml that documents every key."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from console.settings.keys import ANY, Key, Keys
from console.settings.model import Settings
from console.settings.values import format_duration

_HEAD = """\
# Portal Console settings. Every key with its default, all commented out.
# A variable PORTAL_SECTION__KEY wins over this file; where KEY is a secret, KEY_file names a file that holds it
# (here and as PORTAL_SECTION__KEY_FILE) and wins over the secret itself in this file.
# Durations: "30s", "15m", "24h", "14d" or a number of seconds. Paths are relative to this file.
"""


def example_toml() -> str:
    """The text of an example file: valid TOML, and once uncommented valid settings."""
    lines = [_HEAD]
    section: tuple[str, ...] = ()
    for key in _sections_first(Keys(Settings).all):
        if key.path[:-1] != section:
            section = key.path[:-1]
            lines += _header(key)
        lines += _entry(key)
    return "\n".join(lines) + "\n"


def _sections_first(keys: tuple[Key, ...]) -> list[Key]:
    """Plain keys of a table before its sub-tables, as TOML wants it; entries of mappings are shown by the mapping."""
    order: dict[tuple[str, ...], list[Key]] = {}
    for key in keys:
        if ANY not in key.path:
            order.setdefault(key.path[:1], []).append(key)
    return [key for group in order.values() for key in sorted(group, key=lambda key: len(key.path))]


def _header(key: Key) -> list[str]:
    said = (key.section.__doc__ or "").split("\n\n")[0].replace("``", "")
    own = key.section.__doc__ and not said.startswith("One table of the settings file")
    about = [f"# {line.strip()}" for line in said.splitlines()] if own else []
    return ["", *about, f"[{'.'.join(key.path[:-1])}]"]


def _entry(key: Key) -> list[str]:
    name = key.path[-1]
    note = f"# {key.field.description}"
    if key.is_mapping:
        return [note, f"# {name} = {_MAPPINGS.get(key.dotted, '{}')}"]
    if key.is_secret:
        return [note, f'# {name} = ""', f'# {name}_file = ""']
    return [note, f"# {name} = {_toml(key.default, key)}"]


_MAPPINGS = {
    "whmcs.marker_fields": "{ 11 = 7 }",
    "whmcs.iccid_fields": "{ 11 = 8 }",
    "esim.low_water": '{ "travel-asia" = 20 }',
    "esim.notification_points": '{ 5 = "deleted" }',
    "approve.limit_yen": "{ operator = 50000 }",
    "console.environments": '{ staging = { server = "https://portal.example.jp:8443", org_id = "00D000000000001AAA",'
    ' token_file = "staging.token", ca_file = "staging.pem", read_only = false } }',
    "daemon.users": '{ 1000 = { name = "Aki", role = "operator" } }',
}


def _toml(value: Any, key: Key) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return "true" if value else "false"
        case float() if key.is_duration:
            return json.dumps(format_duration(value))
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case tuple():
            return json.dumps(list(value), ensure_ascii=False)
        case Decimal() | Path() | SecretStr() | str():
            return json.dumps(str(value), ensure_ascii=False)
    raise TypeError(f"{key.dotted}: no TOML for {type(value).__name__}")
