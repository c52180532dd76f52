"""What the control API accepts. A refusal names the field, what is wrong with it and, for a closed list, its values."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from integrations.sandbox.shop import KINDS as ORDER_KINDS
from integrations.sandbox.whmcs import Switches
from integrations.sandbox.world import World

MOST = 100_000
Body = TypeVar("Body", bound="Request")

Kinds = Mapping[str, Mapping[str, frozenset[str]]]
"""System → operation → the kinds of fault that it obeys."""


class BadRequest(Exception):
    """A request that is not understood; ``valid`` lists what would be, where that is a closed list."""

    def __init__(self, field: str, problem: str, valid: Iterable[str] = ()) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.valid = sorted(valid)

    def as_json(self) -> dict[str, Any]:
        return {"error": str(self), "field": self.field, "problem": self.problem, "valid": self.valid}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Request(BaseModel):
    """A body of the control API: unknown keys are mistakes. ``ALSO``: other names of a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ALSO: ClassVar[Mapping[str, str]] = {}


class FaultRequest(Request):
    """``where``: facts of the traffic log that the request must have; ``options``: what the kind needs."""

    system: str
    operation: str = "*"
    kind: str
    count: int = Field(default=1, ge=1, le=MOST)
    after: int = Field(default=0, ge=0)
    where: dict[str, str | int] = {}
    options: dict[str, Any] = {}


class OrdersRequest(Request):
    """``kinds`` are drawn from at random; ``days_ago`` > 0 places orders that were approved so long ago."""

    ALSO: ClassVar[Mapping[str, str]] = {"n": "count"}
    count: int = Field(default=1, ge=1, le=MOST)
    kinds: list[str] = []
    customer: str = ""
    approve: bool = False
    status: Literal["", "Draft", "Pending Review", "Approved"] = ""
    days_ago: float = Field(default=0, ge=0)


class ApproveRequest(Request):
    """At most one of them: these orders, the ``count`` oldest that wait, or all that wait (also when nothing is said)."""

    ALSO: ClassVar[Mapping[str, str]] = {"n": "count", "id": "ids", "order_ids": "ids"}
    ids: Annotated[list[str], BeforeValidator(_listed)] | None = None
    count: int | None = Field(default=None, ge=1)
    all: Literal[True] | None = None


class CancelRequest(Request):
    id: str


class StockRequest(Request):
    type: str
    count: int = Field(ge=1, le=MOST)


class PayMethodRequest(Request):
    """``client``: a WHMCS client id or a customer number."""

    client: int | str
    kind: Literal["card", "invoice", "none", "expired"]


class PhoneRequest(Request):
    """``eid`` "" lets the profile's own phone do it, or any."""

    act: Literal["install", "download", "decline", "enable", "disable", "delete"]
    iccid: str
    eid: str = ""


class SwitchesRequest(Request):
    whmcs: dict[str, Any]


class ActsRequest(Request):
    """Order ids by what people did with them through the product; ``resent`` counts mails sent again."""

    undone: list[str] = []
    cancelled: list[str] = []
    started: list[str] = []
    mended: list[str] = []
    resent: int = Field(default=0, ge=0)


class CompareRequest(Request):
    """``states``: order id → done, parked, failed, held, cancelled, queued, running or retrying, as the product says."""

    states: dict[str, str] | None = None
    acts: ActsRequest = ActsRequest()


def checked(kind: type[Body], body: Any) -> Body:
    """``body`` as a ``kind``. Raises BadRequest for the first thing that is wrong with it."""
    if not isinstance(body, dict):
        raise BadRequest("body", "must be a JSON object")
    body = {kind.ALSO.get(key, key): value for key, value in body.items()}
    for key in body:
        if key not in kind.model_fields:
            raise BadRequest(str(key), _unknown(str(key), kind.model_fields), kind.model_fields)
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadRequest(field, first["msg"], _literals(kind, str(first["loc"][0]))) from error


def _literals(kind: type[Request], field: str) -> list[str]:
    annotation = kind.model_fields[field].annotation
    values = getattr(annotation, "__args__", ())
    return [value for value in values if isinstance(value, str) and value]


def check_fault(request: FaultRequest, kinds: Kinds) -> dict[str, Any]:
    """The fields of ``Fault``. Raises BadRequest for a system, operation or kind that there is not."""
    operations = _choose("system", request.system, kinds)
    if request.operation == "*":
        valid = frozenset[str]().union(*operations.values())
    else:
        valid = _choose("operation", request.operation, operations)
    if request.kind not in valid:
        raise BadRequest("kind", _unknown(request.kind, valid), valid)
    where = {key: str(value) for key, value in request.where.items()}
    return {**request.model_dump(), "where": where}


def check_orders(request: OrdersRequest, world: World) -> None:
    """Raises BadRequest for a kind of order or a customer that there is not."""
    for kind in request.kinds:
        if kind not in ORDER_KINDS:
            raise BadRequest("kinds", _unknown(kind, ORDER_KINDS), ORDER_KINDS)
    numbers = [person.number for person in world.people]
    if request.customer and request.customer not in numbers:
        raise BadRequest("customer", _unknown(request.customer, numbers), numbers)


def check_type(profile_type: str, world: World) -> str:
    """Raises BadRequest for a profile type that no product has."""
    valid = {product.profile_type for product in world.products if product.profile_type}
    if profile_type not in valid:
        raise BadRequest("type", _unknown(profile_type, valid), valid)
    return profile_type


def check_switches(changes: dict[str, Any]) -> dict[str, Any]:
    """Raises BadRequest for a switch of WHMCS, or a value of one, that there is not."""
    names = [field.name for field in fields(Switches)]
    for name in changes:
        if name not in names:
            raise BadRequest(f"whmcs.{name}", _unknown(name, names), names)
    try:
        Switches(**changes)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadRequest(".".join(("whmcs", *map(str, first["loc"]))), first["msg"]) from error
    return changes


def find_client(client: int | str, world: World) -> int:
    """The WHMCS client id of a client id or customer number. Raises BadRequest for nobody's."""
    for person in world.people:
        if str(client) in (person.number, str(person.whmcs_client_id)):
            return person.whmcs_client_id
    raise BadRequest("client", f"nobody has the number or client id {str(client)[:40]!r}")


Chosen = TypeVar("Chosen")


def _choose(field: str, value: str, choices: Mapping[str, Chosen]) -> Chosen:
    if value not in choices:
        raise BadRequest(field, _unknown(value, choices), choices)
    return choices[value]


def _unknown(value: str, valid: Iterable[str]) -> str:
    near = get_close_matches(value, list(valid), 1)
    return f"{value[:60]!r} is not known" + (f", did you mean {near[0]!r}?" if near else "")
