"""Verbs that talk to the daemon: they share their options, their client and the way its refusals become exit codes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from console.cli import options
from console.cli.acts import ACT_OPTIONS, BULK_OPTIONS, Act, Orders
from console.cli.exits import Exit, Failure
from console.cli.output import Form, Output, standard
from console.cli.state import State, state_of

if TYPE_CHECKING:
    from console.client.address import Address
    from console.client.api import ApiClient
    from console.client.errors import ApiError

Work = TypeVar("Work", bound=Callable[..., Awaitable[int | None]])
KEYWORD = inspect.Parameter.KEYWORD_ONLY
CONNECTION = {"config": "Config", "server": "Server", "token_file": "TokenFile"}


@dataclass(frozen=True)
class Desk:
    """What such a verb works with; the client is open while it runs."""

    state: State
    output: Output
    client: "ApiClient"


def form_of(json: bool, csv: bool) -> Form:
    """Raises Failure (usage) when both are asked for."""
    if json and csv:
        raise Failure("--json and --csv exclude each other: choose one", Exit.USAGE)
    return Form.JSON if json else Form.CSV if csv else Form.TABLE


def verb(
    app: typer.Typer, name: str, *, csv: bool = True, system: bool = False, epilog: str | None = None
) -> Callable[[Work], Work]:
    """Register an async function whose first parameter is ``desk``; the others are its arguments and options.

    One named ``act`` stands for what all acts share: orders (or, with ``system``, none), reason, plan, yes. It returns an
    exit code, None for 0. ``csv``: whether its answer can be rows.
    """

    def register(work: Work) -> Work:
        own = dict(inspect.signature(work).parameters)
        acting = own.pop("act", None) is not None
        before = {"orders": (Orders, None)} if acting and not system else {}
        after: dict[str, tuple[Any, Any]] = {}
        if acting:
            after = {**ACT_OPTIONS, **({} if system else BULK_OPTIONS)}
        after |= {"json": (options.Json, False), **({"csv": (options.Csv, False)} if csv else {})}
        after |= {name: (getattr(options, kind), None) for name, kind in CONNECTION.items()}
        parameters = [
            inspect.Parameter("context", KEYWORD, annotation=typer.Context),
            *_parameters(before),
            *(parameter.replace(kind=KEYWORD) for parameter in own.values() if parameter.name != "desk"),
            *_parameters(after),
        ]

        def call(*, context: typer.Context, **given: Any) -> None:
            connection = {key: given.pop(key) for key in CONNECTION}
            output = standard(form_of(given.pop("json"), given.pop("csv", False)))
            if acting:
                chosen = {key: given.pop(key) for key in (*before, *ACT_OPTIONS, *BULK_OPTIONS) if key in given}
                given["act"] = Act(**{**chosen, "orders": tuple(chosen.get("orders") or ())})
            raise typer.Exit(asyncio.run(_run(work, state_of(context), output, connection, given)) or 0)

        call.__name__, call.__doc__ = work.__name__, work.__doc__
        vars(call)["__signature__"] = inspect.Signature(parameters)
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(name, epilog=epilog)(call)
        return work

    return register


def _parameters(shared: Mapping[str, tuple[Any, Any]]) -> list[inspect.Parameter]:
    """``shared``: name → (annotation, default)."""
    return [inspect.Parameter(name, KEYWORD, default=d, annotation=a) for name, (a, d) in shared.items()]


async def _run(
    work: Callable[..., Awaitable[int | None]],
    state: State,
    output: Output,
    connect: dict[str, Any],
    given: dict[str, Any],
) -> int | None:
    from pydantic import ValidationError

    from console.client.api import ApiClient
    from console.client.errors import ApiError

    address = address_of(state, **connect)
    try:
        async with ApiClient(address) as client:
            return await work(Desk(state, output, client), **given)
    except ApiError as error:
        raise failure_of(error) from error
    except ValidationError as error:
        if error.title.endswith("Request"):  # what was typed does not fit into a request
            raise Failure(_unfit(error), Exit.USAGE) from error
        raise


def address_of(state: State, *, config: Path | None, server: str | None, token_file: Path | None) -> "Address":
    """Where the daemon is: ``--server``, else the socket of the settings. Raises Failure."""
    from console.client.address import Address, parse_address

    if server is None:
        return Address(socket=state.settings(config).settings.daemon.socket_path)
    token = read_token(state, token_file)
    state.redactor.register(token)
    try:
        return parse_address(server, token=token)
    except ValueError as error:
        raise Failure(f"--server: {error}", Exit.USAGE) from error


def read_token(state: State, token_file: Path | None) -> str:
    """From ``--token-file``, PORTAL_TOKEN_FILE or PORTAL_TOKEN, in this order; "" where there is none."""
    named = token_file or (Path(file) if (file := state.environ.get("PORTAL_TOKEN_FILE")) else None)
    try:
        token = named.read_text(encoding="utf-8") if named else state.environ.get("PORTAL_TOKEN", "")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Failure(f"the token file {named} cannot be read: {reason}", Exit.USAGE) from error
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Failure("the token holds characters that no token has: copy it again", Exit.USAGE)
    if named and not token:
        raise Failure(f"the token file {named} is empty", Exit.USAGE)
    return token


def failure_of(error: "ApiError") -> Failure:
    """The sentence and exit code for a refusal of the daemon."""
    from console.client import errors

    code = Exit.FAILED
    match error:
        case errors.Unreachable() | errors.BadAnswer() | errors.Unavailable():
            code = Exit.UNREACHABLE
        case errors.Unauthorized() | errors.Forbidden() | errors.NotPossible():
            code = Exit.REFUSED
        case errors.Conflict() | errors.Gone():
            code = Exit.CONFLICT
        case errors.NotFound():
            code = Exit.NOT_FOUND
        case errors.Invalid():
            code = Exit.USAGE
    return Failure(_sentences(error), code)


def _sentences(error: "ApiError") -> str:
    """One line, or one a field and one a change where there are many."""
    from console.client.errors import Refused

    if not isinstance(error, Refused):
        return str(error)
    problem = error.problem
    lines = [problem.detail or problem.title]
    fields = [(one.field.replace("arguments.", "--", 1), one) for one in problem.errors]
    if len(fields) == 1 and fields[0][1].problem in lines[0]:  # the detail says the same, and where
        name, only = fields[0]
        remedy = f" ({only.remedy})" if only.remedy and only.remedy not in lines[0] else ""
        said = lines[0].removeprefix(f"{only.field}: ")
        lines = [f"{name}: {said}{remedy}"]
    else:
        lines += [f"{name}: {one.problem}{f' ({one.remedy})' if one.remedy else ''}" for name, one in fields]
    lines += [
        f"{change.number or change.order_id}: {change.what}{f' by {change.by}' if change.by else ''}"
        for change in problem.changes
    ]
    return "\n".join(lines)


def _unfit(error: Any) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    names = {"filter": "the filter", "orders": "an order", "reason": "--reason", "text": "the text", "name": "--name"}
    first = str(details[0]["loc"][0]) if details[0]["loc"] else ""
    return f"{names.get(first, first)}: {details[0]['msg']}"
