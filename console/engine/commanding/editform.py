"""What may be edited of an order now, by this person: each field with its value and choices, the rest with its way."""

from collections.abc import Callable
from dataclasses import dataclass

from console.engine.commanding.act import Request
from console.engine.commanding.editing import (
    CLIENTS_OWN,
    ELSEWHERE,
    LANGUAGES,
    Change,
    allowed,
    edited_value,
    not_ordered,
    ordered_option,
)
from console.engine.commanding.errors import CommandError
from console.engine.commanding.reading import Reader
from console.engine.services import Engine
from console.engine.steps.plan import QUANTITY
from integrations.salesforce.models import OrderItem
from integrations.whmcs.models import CatalogOption
from storage import profiles


@dataclass(frozen=True)
class Editable:
    """One field. ``item`` and ``name``: the order product, "" for the order. ``value``: as it may be shown.

    ``choices``: what may be given where that is a closed list; ``hint``: what it must look like. ``why_not``: not now or
    not by this role; ``way``: how it is changed instead, for what is never edited here.
    """

    field: str
    label: str
    item: str = ""
    name: str = ""
    value: str = ""
    choices: tuple[str, ...] = ()
    hint: str = ""
    why_not: str = ""
    way: str = ""


async def edit_form(engine: Engine, reader: Reader, request: Request) -> tuple[Editable, ...]:
    """``request`` is about an order read live. Raises OutsideTrouble when a product's options cannot be read."""
    form: list[Editable] = []
    for item in request.live.items:
        if item.is_esim:
            form += [_eid(engine, request, item), _profile_type(engine, request, item)]
        form += await _options(engine, reader, request, item)
    language = edited_value(engine, request, "", "language") or CLIENTS_OWN
    form.append(Editable("language", "language of mails", value=language, choices=LANGUAGES))
    return (*form, *(Editable(field, field, way=way) for field, way in ELSEWHERE.items()))


def _eid(engine: Engine, request: Request, item: OrderItem) -> Editable:
    value = edited_value(engine, request, item.id, "eid") or item.esim_eid or ""
    return Editable(
        "eid", "EID", item.id, _name(item), Change("eid", item.id, "", "", "").shown(value),
        hint="32 digits with valid check digits",
        why_not=_refusal(lambda: _open(engine, request, item, "eid")),
    )  # fmt: skip


def _profile_type(engine: Engine, request: Request, item: OrderItem) -> Editable:
    field = "profile_type"
    known = sorted({row[0] for row in engine.journal.peek(profiles.stock)})
    return Editable(
        field, "profile type", item.id, _name(item),
        edited_value(engine, request, item.id, field) or item.profile_type or "", tuple(known),
        why_not=_refusal(lambda: _open(engine, request, item, field)),
    )  # fmt: skip


async def _options(engine: Engine, reader: Reader, request: Request, item: OrderItem) -> list[Editable]:
    if not item.config_options or item.whmcs_product_id is None:
        return []
    product = await reader.product(item.whmcs_product_id)
    return [
        _option(engine, request, item, option, ordered)
        for option in (product.options if product is not None else ())
        if (ordered := ordered_option(item, option)) is not None
    ]


def _option(engine: Engine, request: Request, item: OrderItem, option: CatalogOption, ordered: str) -> Editable:
    field = f"option:{option.id}"
    value = edited_value(engine, request, item.id, field) or ordered
    units = option.type == QUANTITY
    named = next((choice.name for choice in option.choices if value == str(choice.id)), value)
    return Editable(
        field, option.name, item.id, _name(item), value if units else named,
        () if units else tuple(choice.name for choice in option.choices),
        hint=f"{option.min_quantity or 0} to {option.max_quantity or 'any'} units" if units else "",
        why_not=_refusal(lambda: allowed(request, "option", str(option.id))),
    )  # fmt: skip


def _open(engine: Engine, request: Request, item: OrderItem, kind: str) -> None:
    """Raises CommandError when this field of an eSIM is not to be changed any more, or not by this role."""
    allowed(request, kind, "")
    not_ordered(engine, request, item, kind)


def _name(item: OrderItem) -> str:
    return item.product_name or item.item_number or item.id


def _refusal(check: Callable[[], None]) -> str:
    try:
        check()
    except CommandError as error:
        return str(error)
    return ""
