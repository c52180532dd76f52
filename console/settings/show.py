"""`portal settings show`: every value with where it came from, secrets masked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from console.observe.patterns import MASK
from console.settings.keys import ANY, Key, Keys
from console.settings.loading import LoadedSettings
from console.settings.model import Settings
from console.settings.values import format_duration


@dataclass(frozen=True)
class SettingRow:
    """One setting as text. ``source`` is "default", "file portal.toml:12", "env PORTAL_X__Y" or "secret file …"; ``help``
    says what it is for.
    """

    key: str
    value: str
    source: str
    help: str = ""


def render_settings(loaded: LoadedSettings) -> list[SettingRow]:
    """A row for each key in the order of the model, one for each entry of a mapping."""
    rows: list[SettingRow] = []
    for key in Keys(Settings).all:
        if ANY not in key.path:
            rows += _rows(key, _value(loaded.settings, key.path), loaded)
    return rows


def _value(model: BaseModel, path: tuple[str, ...]) -> Any:
    value: Any = model
    for name in path:
        value = getattr(value, name)
    return value


def _rows(key: Key, value: Any, loaded: LoadedSettings) -> Iterator[SettingRow]:
    if key.is_mapping and value:
        for name, entry in value.items():
            yield from _entry_rows(f"{key.dotted}.{name}", entry, loaded, key.field.description or "")
    else:
        yield SettingRow(key.dotted, _text(value, key), loaded.source(key.dotted), key.field.description or "")


def _entry_rows(dotted: str, entry: Any, loaded: LoadedSettings, about: str) -> Iterator[SettingRow]:
    if isinstance(entry, BaseModel):
        for name in type(entry).model_fields:
            yield from _entry_rows(f"{dotted}.{name}", getattr(entry, name), loaded, about)
    else:
        yield SettingRow(dotted, str(entry), loaded.source(dotted), about)


def _text(value: Any, key: Key) -> str:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if value is None or value == {} or value == ():
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return format_duration(value) if key.is_duration else str(value)
