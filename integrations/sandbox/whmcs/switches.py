"""What differs from one WHMCS install to the next, each as a switch (facts/whmcs.md §1, §5, §9, §12)."""

import random
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

Types = Literal["int", "string"]
EmptyLists = Literal["nested", "string", "list", "object", "null", "absent", "mixed"]
ListShape = Literal["list", "single_object", "numeric_keys"]
Sort = Literal["random", "asc", "desc", "chaotic"]
Notes = Literal["order", "service", "both", "no"]
MarkerField = Literal["present", "missing", "truncated"]
OrderState = Literal["active", "pending"]
NoInvoice = Literal["empty", "missing", "zero"]
Sso = Literal["path_only", "all", "blocked", "broken"]
Version = Literal["8.13", "9.0"]

MARKER_CUT = 20


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Switches:
    """One install. ``dataclasses.replace`` checks every value (pydantic.ValidationError).

    - ``types``: database numbers as JSON numbers or as strings. Decimals are strings either way.
    - ``empty_lists``, ``list_shape``: an envelope's list when it is empty, and when it is not.
    - ``sort``: "random" draws a new order for each request but keeps it while somebody pages through a longer list;
      "chaotic" draws it for every page, so that pages overlap.
    - ``status_key``: actions that answer ``status`` instead of ``result``.
    - ``honour_order_notes``: where AddOrder's notes land. ``marker_field``: what becomes of the marker custom field's
      value (missing: dropped in silence; truncated: cut to 20 characters).
    - ``price_drift`` (yen per unit) and ``ignore_option``: what AddOrder charges or configures against the catalogue.
    - ``module_failure``: positions in the order, from 1, whose module fails, in AcceptOrder and in ModuleCreate.
    - ``after_module_failure``: what the order is then. ``without_module``: what AcceptOrder makes of such services.
    - ``mails_on``: WHMCS sends mails of its own; ``welcome_mails``: also welcome mails when AcceptOrder leaves sendemail
      out.
    - ``denied``: actions that the API role lacks, in any case.
    """

    types: Types = "int"
    empty_lists: EmptyLists = "nested"
    list_shape: ListShape = "list"
    sort: Sort = "random"
    entities: bool = False
    status_key: frozenset[str] = frozenset({"AddBillableItem"})
    lineitem_currency: bool = False
    honour_order_notes: Notes = "order"
    marker_field: MarkerField = "present"
    price_drift: int = 0
    ignore_option: bool = False
    module_failure: tuple[int, ...] = ()
    module_message: str = "Could not connect to the provisioning server"
    after_module_failure: OrderState = "active"
    without_module: OrderState = "pending"
    mails_on: bool = True
    welcome_mails: bool = True
    no_invoice: NoInvoice = "empty"
    sso: Sso = "path_only"
    version: Version = "8.13"
    unknown_action_status: int = Field(default=200, ge=200, le=599)
    denied: frozenset[str] = frozenset()

    @classmethod
    def for_seed(cls, seed: int) -> "Switches":
        """A believable install drawn from ``seed``: every variant that keeps at least one marker of an order."""
        draw = random.Random(f"whmcs switches {seed}")
        notes: Notes = draw.choice(("order", "service", "both", "no"))
        return cls(
            types=draw.choice(("int", "string")),
            empty_lists=draw.choice(("nested", "string", "list", "object", "null", "mixed")),
            list_shape=draw.choice(("list", "list", "single_object", "numeric_keys")),
            entities=draw.random() < 0.3,
            lineitem_currency=draw.random() < 0.3,
            honour_order_notes=notes,
            marker_field="present" if notes == "no" else draw.choice(("present", "present", "missing", "truncated")),
            after_module_failure=draw.choice(("active", "pending")),
            welcome_mails=draw.random() < 0.5,
            no_invoice=draw.choice(("empty", "missing", "zero")),
            version=draw.choice(("8.13", "9.0")),
            unknown_action_status=draw.choice((200, 400, 404)),
        )


def as_document(switches: Switches) -> dict[str, Any]:
    """Plain JSON, to be kept or shown."""
    document: dict[str, Any] = TypeAdapter(Switches).dump_python(switches, mode="json")
    return document


def kept_switches(document: Mapping[str, Any] | None) -> Switches | None:
    """The switches of ``as_document``, None for None; pydantic.ValidationError for what is none."""
    return None if document is None else TypeAdapter(Switches).validate_python(document)
