"""Completing a filter while it is typed."""

from collections.abc import Mapping
from dataclasses import dataclass

from console.client.query_parse import signs
from console.client.query_words import FIELDS, Field, Kind, fold


@dataclass(frozen=True)
class Completion:
    """Put ``insert`` in place of the characters from ``start`` up to ``end``."""

    start: int
    end: int
    insert: str
    help: str


def complete(text: str, cursor: int, fields: Mapping[str, Field] = FIELDS) -> list[Completion]:
    """What may stand at the cursor: names of fields, and values of those with a closed list."""
    start = cursor
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    token = signs(text[start:cursor])
    lead = 1 if token.startswith("-") else 0
    name, colon, values = token[lead:].partition(":")
    if not colon:
        return [
            Completion(start + lead, cursor, f"{field.name}{'>' if field.kind is Kind.DURATION else ':'}", field.help)
            for field in fields.values()
            if field.name.startswith(fold(name))
        ]
    found = fields.get(fold(name))
    if found is None:
        return []
    begun = values.rpartition(",")[2]
    return [
        Completion(cursor - len(begun), cursor, f'"{value}"' if " " in value else value, found.help)
        for value in found.values
        if value.startswith(fold(begun.strip('"')))
    ]
