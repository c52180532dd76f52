"""Values against the model: every problem with the place it comes from."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from console.settings.keys import KeyPath
from console.settings.model import Settings
from console.settings.problems import Problem
from console.settings.sources import Given
from console.settings.values import Section


def validate(merged: Mapping[KeyPath, Given], problems: list[Problem]) -> Settings | None:
    """The settings, or None after noting what is wrong with the values."""
    try:
        return Settings(**_tree(merged))
    except ValidationError as error:
        problems += [_problem(detail, merged) for detail in error.errors(include_url=False, include_input=False)]
        return None


def missing(merged: Mapping[KeyPath, Given], file: Path | None, reported: Collection[str]) -> list[Problem]:
    """What a daemon needs and nobody set, as far as sections are valid and the key was not reported already."""
    tree = _tree(merged)
    found: list[Problem] = []
    for name, field in Settings.model_fields.items():
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, Section)):
            continue
        try:
            section = field.annotation.model_validate(tree.get(name, {}))
        except ValidationError:
            continue  # noted by `validate`
        for key, why in _missing(section, name):
            if not {key, f"{key}_file"} & set(reported):
                found.append(Problem(str(file or ""), key, f"is not set: {why}"))
    return found


def _missing(section: Section, prefix: str) -> Iterator[tuple[str, str]]:
    for key, why in section.missing():
        yield f"{prefix}.{key}", why
    for name in type(section).model_fields:
        inner = getattr(section, name)
        if isinstance(inner, Section):
            yield from _missing(inner, f"{prefix}.{name}")


def _tree(merged: Mapping[KeyPath, Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, given in merged.items():
        branch = tree
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
        branch[path[-1]] = given.value
    return tree


def _problem(detail: ErrorDetails, merged: Mapping[KeyPath, Given]) -> Problem:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    given = next((merged[path[:n]] for n in range(len(path), 0, -1) if path[:n] in merged), None)
    if given is None:  # a required key of an entry, such as a user's role: point at its neighbour
        given = next((other for at, other in merged.items() if at[: len(path) - 1] == path[:-1]), None)
    return Problem(given.place if given else "", ".".join(path), _reason(detail))


def _reason(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "string_pattern_mismatch":
        return "does not look right: " + message.removeprefix("String should ").replace("match", "must match", 1)
    return message.replace("Input should", "must").replace("Field required", "is required")
