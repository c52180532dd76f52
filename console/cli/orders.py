"""``portal orders``: looking at orders. What may be done to them is in ``order_acts``."""

from typing import Annotated, Any

import typer

from console.cli import options, order_acts
from console.cli.exits import Exit
from console.cli.filters import joined
from console.cli.help import Group
from console.cli.looks import ORDERS, order_row
from console.cli.order_reading import order_named, read_orders
from console.cli.order_sheet import print_order, print_records
from console.cli.order_watch import watch_orders
from console.cli.output import Column, Form, ago, clock, yen
from console.cli.verbs import Desk, verb
from console.cli.views import chosen_view
from console.written import EXPORTED

app = typer.Typer(
    help="Look at orders and act on them.\n\n"
    "FILTER is one grammar everywhere: state:failed,retrying -kind:vpn age>2h try>=3 step:esim cause:\"no profile\" "
    "owner:@me 田中. Terms join by AND, commas by OR, a minus negates. An order is named by its number (leading zeros may "
    "be left out) or its Salesforce id.",
    no_args_is_help=True,
    cls=Group,
)  # fmt: skip
Order = Annotated[str, typer.Argument(metavar="ORDER", help="Order number or Salesforce id.")]


@verb(app, "list")
async def list_(
    desk: Desk,
    words: options.Words = None,
    view: options.View = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column to sort by, such as updated, amount or number; - before it: descending (default: -updated, or the view's).",
        ),
    ] = None,
    limit: options.Rows = 100,
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many first.")] = 0,
) -> int:
    """List orders, the newest first. Exit code 1: none matches."""
    chosen = chosen_view(view, joined(words))
    lines, total = await read_orders(desk.client, chosen.filter, sort=sort or chosen.sort, limit=limit, offset=offset)
    data = [line.model_dump(by_alias=True) for line in lines]
    if desk.output.form is Form.CSV:
        desk.output.csv([Column(key, key) for key in EXPORTED], data)
    else:
        desk.output.rows(ORDERS, [order_row(line) for line in lines], data)
    if total > offset + len(data):
        desk.output.note(f"{offset + len(data):,} of {total:,}: say --limit and --offset for more")
    elif not total:
        desk.output.note("no order matches")
    return Exit.OK if data else Exit.FAILED


@verb(app, "find")
async def find(
    desk: Desk,
    text: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="Order or customer number, name, phone, ICCID, WHMCS id.")
    ],
) -> int:
    """Find an order by anything a customer can name, and say in words what can be told to them.

    Exit codes: 1 nothing was found; 3 nothing was found, but not every place could be asked.
    """
    answer = await desk.client.find(" ".join(text))
    if desk.output.form is Form.JSON:
        desk.output.one(answer.model_dump(by_alias=True))
    elif desk.output.form is Form.CSV:
        data = [{"matched": one.matched, **one.order.model_dump(by_alias=True)} for one in answer.orders]
        data += [{"matched": "Salesforce", "state": "none", **one.model_dump()} for one in answer.elsewhere]
        desk.output.csv([Column("matched", "By"), *(Column(key, key) for key in EXPORTED)], data)
    else:
        _print_found(desk, answer)
    for place in answer.looked:
        if not place.ok:
            desk.output.note(f"{place.place} could not be asked: {place.note}")
    if answer.more:
        desk.output.note("there are more than are listed here: give a number, the telephone, or more of the name")
    if answer.not_known:
        desk.output.note(answer.not_known)
    if answer.orders or answer.elsewhere or answer.accounts:
        return Exit.OK
    return Exit.FAILED if answer.complete else Exit.UNREACHABLE


def _print_found(desk: Desk, answer: Any) -> None:
    columns = (ORDERS[0], Column("matched", "By"), *ORDERS[1:])
    rows = [{"matched": one.matched, **order_row(one.order)} for one in answer.orders]
    outside = [
        {
            "order": one.number, "matched": "Salesforce", "customer": one.customer, "yen": yen(one.amount),
            "shown": f"⚑ {one.sf}" if one.sf == "Pending Review" else f"· {one.sf}", "note": "never read here",
        }
        for one in answer.elsewhere
    ]  # fmt: skip
    desk.output.rows(columns, rows + outside)
    accounts = (
        Column("number", "Customer"), Column("name", "Name"), Column("found_in", "Known to"), Column("client_id", "WHMCS"),
        Column("client_status", "There"), Column("account_id", "Salesforce"), Column("orders", "Orders", cut=True),
    )  # fmt: skip
    rows = [{**one.model_dump(), "orders": [order.number for order in one.orders]} for one in answer.accounts]
    desk.output.rows(accounts, rows)
    numbered = [(one.order.number, one.say) for one in answer.orders] + [
        (one.number, one.say) for one in answer.elsewhere
    ]
    many = len(numbered) > 1
    for number, say in numbered[:5] or [("", answer.say)]:
        _print_say(desk, say, number if many else "")


def _print_say(desk: Desk, say: Any, number: str) -> None:
    desk.output.say("")
    mark = f" about {number}" if number else ""
    for title, sentence in (
        (f"Say{mark} (ja)", say.ja), (f"Say{mark} (en)", say.en), ("You may promise", say.may_promise),
        ("You may promise (ja)", say.may_promise_ja), ("Do not promise", say.must_not_promise), ("Do not promise (ja)", say.must_not_promise_ja),
    ):  # fmt: skip
        if sentence:
            desk.output.say(f"{title}: {sentence}")


@verb(app, "show", csv=False)
async def show(
    desk: Desk,
    order: Order,
    calls: Annotated[
        bool, typer.Option("--calls", help="With every outside call, what went out and what came back.")
    ] = False,
    records: Annotated[
        bool, typer.Option("--records", help="With the live records of each system, side by side.")
    ] = False,
    why: Annotated[bool, typer.Option("--why", help="Also say why what cannot be done now cannot.")] = False,
) -> None:
    """Show one order: where it stands and why, what stands outside, what can be done, what happened.

    Exit code 6: there is no such order.
    """
    detail = await desk.client.order(order_named(order))
    beside = await desk.client.records(order) if records else None
    if desk.output.form is Form.JSON:
        extra = {"records": beside.model_dump()} if beside is not None else {}
        desk.output.one({**detail.model_dump(by_alias=True), **extra})
        return
    print_order(desk.output, detail, calls=calls, why=why)
    if beside is not None:
        print_records(desk.output, beside)


@verb(app, "watch")
async def watch(
    desk: Desk,
    words: options.Words = None,
    until_over: Annotated[
        bool,
        typer.Option(
            "--until-over", help="Leave when every order that matched at first is over or waits for a person."
        ),
    ] = False,
) -> int:
    """Print a line (with --json an object) for each change of the orders that match, until ctrl+c.

    An order number alone stands for number:… Exit codes with --until-over: 0 all are done; 1 some are not, or none matched.
    """
    return await watch_orders(desk, joined(words), until_over=until_over)


@verb(app, "approvals")
async def approvals(desk: Desk) -> None:
    """List the orders that wait for approval, as Salesforce has them now, with what to know before deciding."""
    found = await desk.client.approvals()
    columns = (
        Column("number", "Order"), Column("customer", "Customer", cut=True), Column("yen", "Amount", right=True),
        Column("wait", "Wait", right=True), Column("placed_by", "Placed by"), Column("owner", "Owner"),
        Column("why", "Why", cut=True), Column("why_not", "You may not", cut=True),
    )  # fmt: skip
    data = [one.model_dump() for one in found.approvals]
    rows = [{**row, "yen": yen(row["amount"]), "wait": ago(row["waited"])} for row in data]
    desk.output.rows(columns, rows, data)


@verb(app, "failures")
async def failures(desk: Desk, words: options.Words = None) -> None:
    """List what orders failed of or wait for, grouped by cause, with what to do about it."""
    found = await desk.client.failures(joined(words))
    columns = (
        Column("title", "Cause", cut=True), Column("step", "Step"), Column("system", "System"),
        Column("count", "Orders", right=True), Column("oldest", "Oldest", right=True), Column("newest", "Newest", right=True),
        Column("automatic", "Automatic", cut=True), Column("error_class", "Class"), Column("advice", "Advice", cut=True),
    )  # fmt: skip
    data = [one.model_dump() for one in found.groups]
    rows = [{**row, "oldest": clock(row["oldest"]), "newest": clock(row["newest"])} for row in data]
    desk.output.rows(columns, rows, data)


@verb(app, "person")
async def person(desk: Desk) -> int:
    """List what waits for a person and for nothing else, the oldest first. Exit code 1: something does."""
    from console.commands.cliline import typed
    from console.commands.table import BY_ID

    found = await desk.client.needs_person()
    columns = (
        Column("at", "Since"), Column("number", "Order"), Column("kind", "What"), Column("title", "Title", cut=True),
        Column("stands", "Stands outside", cut=True), Column("next_acts", "What can be done", cut=True), Column("owner", "Owner"),
    )  # fmt: skip
    data = [one.model_dump() for one in found.items]
    acts = [[typed(BY_ID[act]) if act in BY_ID else act for act in one.next_acts] for one in found.items]
    rows = [{**row, "at": clock(row["since"]), "next_acts": able} for row, able in zip(data, acts, strict=True)]
    desk.output.rows(columns, rows, data)
    return Exit.FAILED if data else Exit.OK


order_acts.register(app)
