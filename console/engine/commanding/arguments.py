"""Arguments as they come from outside, checked against a command's own list."""

import difflib
from collections.abc import Mapping
from typing import Any

from console.commands.command import Command
from console.commands.words import Argument, Kind
from console.engine.commanding.errors import BadArgument
from integrations.errors import plain_text

LONGEST = {Kind.TEXT: 2000}
USUAL = 200
REASON = 1000
TRUE, FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off", "")


def clean(command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name: text without control characters, flags as bool. Raises BadArgument."""
    known = {argument.name: argument for argument in command.arguments}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known) or 'no arguments'}"
            raise BadArgument(plain_text(name, 40), f"{command.title} has no such argument", remedy)
    cleaned: dict[str, Any] = {}
    for name, argument in known.items():
        value = _value(argument, given.get(name))
        if value is not None:
            cleaned[name] = value
        elif argument.required:
            raise BadArgument(name, "it is missing", argument.help)
    return cleaned


def clean_reason(text: str | None) -> str | None:
    return plain_text(text, REASON).strip() or None if text else None


def _value(argument: Argument, value: Any) -> Any:
    if value is None:
        return None
    if argument.kind is Kind.FLAG:
        return _flag(argument, value)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise BadArgument(argument.name, "it must be text", argument.help)
    text, longest = str(value), LONGEST.get(argument.kind, USUAL)
    if len(text) > longest:
        raise BadArgument(argument.name, f"it has {len(text):,} characters", f"at most {longest:,}")
    text = plain_text(text, longest).strip()
    if not text:
        return None
    if argument.choices and text not in argument.choices:
        near = difflib.get_close_matches(text, argument.choices, 1)
        choices = f"did you mean {near[0]}?" if near else f"one of {', '.join(argument.choices)}"
        raise BadArgument(argument.name, f"{text[:40]!r} is not known", choices)
    return text


def _flag(argument: Argument, value: Any) -> bool | None:
    if isinstance(value, bool):
        return value or None
    if str(value).casefold() in TRUE:
        return True
    if str(value).casefold() in FALSE:
        return None
    raise BadArgument(argument.name, "it is yes or no", "true or false")
