"""What objects and fields the org has: the standard ones of ``standard.py`` and those of the metadata package."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

NUMERIC = frozenset({"int", "double", "currency", "percent"})
TEXTUAL = frozenset({"string", "textarea", "phone", "email", "url", "picklist", "id", "reference", "combobox"})


@dataclass(frozen=True)
class PickValue:
    value: str
    default: bool = False
    label: str = ""


@dataclass(frozen=True)
class Field:
    """One field, in the words of Salesforce's describe. ``type`` is a describe type ("string", "reference", …).

    ``required`` is what the API demands on insert (a default satisfies it). ``relationship`` is the name of the way to
    the parent ("Account"), ``children`` of the way back ("Orders").
    """

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    custom: bool = False
    default: Any = None
    picklist: tuple[PickValue, ...] = ()
    restricted: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    children: str | None = None
    cascade: bool = False
    auto_number: bool = False
    calculated: bool = False
    long: bool = False  # long text: neither filterable nor sortable
    name_field: bool = False
    id_lookup: bool = False

    @property
    def numeric(self) -> bool:
        return self.type in NUMERIC

    @property
    def indexed(self) -> bool:
        return self.unique or self.external_id or self.type == "reference" or self.id_lookup

    @property
    def nillable(self) -> bool:
        return not self.required and self.type not in ("id", "boolean") and not self.auto_number


@dataclass(frozen=True)
class SObject:
    """One object type. ``fields`` keep their order; look one up by any spelling with ``find``."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: tuple[Field, ...]
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    event: bool = False  # a platform event: published, never stored or queried

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {f.name.lower(): f for f in self.fields}

    @cached_property
    def parents(self) -> Mapping[str, Field]:
        """Reference fields by the lower-case name of their way to the parent."""
        return {f.relationship.lower(): f for f in self.fields if f.relationship}

    @cached_property
    def required(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.required)

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """What a new row starts from."""
        found: dict[str, Any] = {}
        for f in self.fields:
            picked = next((v.value for v in f.picklist if v.default), None)
            if f.default is not None or picked is not None:
                found[f.name] = f.default if f.default is not None else picked
            elif f.type == "boolean":
                found[f.name] = False
        return found

    @cached_property
    def name_field(self) -> str:
        """The field that names a row to people; "Id" where there is none."""
        return next((f.name for f in self.fields if f.name_field), "Id")

    def find(self, name: str) -> Field | None:
        return self.by_name.get(name.lower())

    def field(self, name: str) -> Field:
        return self.by_name[name.lower()]


@dataclass(frozen=True)
class Child:
    """A way from a parent object to its children: ``name`` is the relationship ("OrderItems")."""

    name: str
    sobject: str
    field: str
    cascade: bool


@dataclass(frozen=True)
class Schema:
    """All object types of the org."""

    sobjects: tuple[SObject, ...]
    by_name: Mapping[str, SObject] = field(init=False)
    by_prefix: Mapping[str, SObject] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {s.name.lower(): s for s in self.sobjects})
        object.__setattr__(self, "by_prefix", {s.prefix: s for s in self.sobjects if s.prefix})

    def find(self, name: str) -> SObject | None:
        return self.by_name.get(name.lower())

    def get(self, name: str) -> SObject:
        return self.by_name[name.lower()]

    @cached_property
    def children(self) -> Mapping[str, tuple[Child, ...]]:
        """The ways down from each object, by its name."""
        found: dict[str, list[Child]] = {s.name: [] for s in self.sobjects}
        for sobject in self.sobjects:
            for f in _references(sobject.fields):
                for parent in f.reference_to:
                    if f.children and parent in found:
                        found[parent].append(Child(f.children, sobject.name, f.name, f.cascade))
        return {name: tuple(ways) for name, ways in found.items()}

    def child(self, parent: SObject, relationship: str) -> Child | None:
        wanted = relationship.lower()
        return next((way for way in self.children[parent.name] if way.name.lower() == wanted), None)


def _references(fields: Iterable[Field]) -> Iterable[Field]:
    return (f for f in fields if f.type == "reference")
