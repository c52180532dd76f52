"""Every valid key, read from the model: the one list that sources, messages, `show` and the example share."""

import difflib
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from console.settings.values import Duration, Section

KeyPath = tuple[str, ...]
ANY = "*"


@dataclass(frozen=True)
class Key:
    """One key. A mapping (``marker_fields``) has free names below it; ``*`` in a path stands for such a name."""

    path: KeyPath
    field: FieldInfo
    section: type[BaseModel]

    @property
    def dotted(self) -> str:
        return ".".join(self.path)

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types the value may have, without None."""
        annotation = self.field.annotation
        if get_origin(annotation) in (Union, types.UnionType):
            return tuple(kind for kind in get_args(annotation) if kind is not type(None))
        return (annotation,)

    @property
    def is_optional(self) -> bool:
        """None is a value, written as empty text."""
        return type(None) in get_args(self.field.annotation)

    @property
    def is_secret(self) -> bool:
        return SecretStr in self.kinds

    @property
    def is_path(self) -> bool:
        return Path in self.kinds

    @property
    def is_mapping(self) -> bool:
        return any(get_origin(kind) is dict for kind in self.kinds)

    @property
    def is_list(self) -> bool:
        return any(get_origin(kind) is tuple for kind in self.kinds)

    @property
    def is_duration(self) -> bool:
        return any(isinstance(mark, Duration) for mark in self.field.metadata)

    @property
    def default(self) -> Any:
        return self.field.get_default(call_default_factory=True)


class Keys:
    """The valid keys of a model, in the order of the model."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.all = tuple(_walk(model, ()))
        self._by_path = {key.path: key for key in self.all}
        self._sections = {key.path[:n] for key in self.all for n in range(1, len(key.path))}
        self.names = [name for key in self.all for name in _spellings(key)]

    def find(self, path: KeyPath) -> Key | None:
        """The key that ``path`` names, or the mapping that it is an entry of."""
        for candidate in (path, *(_generic(path, depth) for depth in range(1, len(path)))):
            if candidate in self._by_path:
                return self._by_path[candidate]
        parent = self._by_path.get(path[:-1])
        return parent if parent and parent.is_mapping and not self._has_children(parent) else None

    def is_section(self, path: KeyPath) -> bool:
        return path in self._sections and path not in self._by_path

    def nearest(self, path: KeyPath) -> str:
        """The valid key that was probably meant, "" when nothing is near."""
        dotted, parent = ".".join(path), ".".join(path[:-1])
        siblings = [name for name in self.names if name.rpartition(".")[0] == parent]
        leaves: dict[str, str] = {name.rpartition(".")[2]: name for name in reversed(siblings)}
        if close := difflib.get_close_matches(path[-1], leaves, n=1, cutoff=0.5):
            return leaves[close[0]]
        same_leaf = [name for name in self.names if name.rpartition(".")[2] == path[-1]]
        sections = [".".join(section) for section in self._sections]
        pool: Iterable[str] = same_leaf or (self.names if len(path) > 1 else sections)
        return next(iter(difflib.get_close_matches(dotted, pool, n=1, cutoff=0.4 if same_leaf else 0.6)), "")

    def _has_children(self, parent: Key) -> bool:
        return any(key.path[: len(parent.path)] == parent.path and key is not parent for key in self.all)


def _generic(path: KeyPath, depth: int) -> KeyPath:
    return (*path[:depth], ANY, *path[depth + 1 :])


def _spellings(key: Key) -> list[str]:
    return [key.dotted, f"{key.dotted}_file"] if key.is_secret else [key.dotted]


def _walk(model: type[BaseModel], prefix: KeyPath) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        path = (*prefix, name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _walk(kind, path)
            continue
        key = Key(path, field, model)
        yield key
        if key.is_mapping:
            value_type = get_args(kind)[1]
            if isinstance(value_type, type) and issubclass(value_type, Section):
                yield from _walk(value_type, (*path, ANY))
