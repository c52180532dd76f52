"""``portal orders show``: one order on paper."""

import time
from typing import TYPE_CHECKING, Any

from console.cli.looks import note_of, state_word
from console.cli.output import Column, Output, ago, clock, yen
from console.written import as_json

if TYPE_CHECKING:
    from console.schema.detail import CallView, OrderDetail
    from console.schema.records import Records

STEPS = (
    Column("name", "Step"), Column("state", "State"), Column("took", "Took", right=True), Column("tries", "Try", right=True),
    Column("note", "Note", cut=True),
)  # fmt: skip
CALLS = (
    Column("at", "At"), Column("operation", "Call"), Column("item", "Item"), Column("effect", "Effect"), Column("state", "Outcome"),
    Column("sends_count", "Sent", right=True), Column("late", "May land until"), Column("said", "Said", cut=True),
)  # fmt: skip
HISTORY = (
    Column("when", "At"),
    Column("actor", "Who"),
    Column("what", "What", cut=True),
    Column("reason", "Reason", cut=True),
)
NEWEST = 15


def print_order(output: Output, detail: "OrderDetail", *, calls: bool, why: bool) -> None:
    """The whole order as a page of text; ``calls`` adds what went out and came back, ``why`` what cannot be done."""
    line, run = detail.order, detail.run
    facts = [
        line.number,
        line.customer or line.account,
        line.plan,
        yen(line.amount),
        state_word(line),
        f"Salesforce {line.sf}",
    ]
    output.say(" · ".join(fact for fact in facts if fact))
    for title, value in (
        ("Salesforce id", line.order_id), ("Customer", detail.customer), ("Placed by", detail.placed_by),
        ("Approved by", detail.approved_by), ("Starts on", detail.effective_date), ("Note", note_of(line)),
        ("Taken by", detail.take.actor if detail.take else None), ("Stands outside", detail.standing),
        ("What to do", detail.advice),
    ):  # fmt: skip
        _fact(output, title, value)
    if run is not None:
        output.say("")
        output.say(
            f"Run {run.id} (attempt {run.attempt}) since {clock(run.created_at)}, last change {_before(run.updated_at)}"
        )
        rows = [{**step.model_dump(), "took": _took(step.seconds)} for step in run.steps]
        output.rows(STEPS, rows)
    if detail.calls:
        output.say("")
        output.rows(CALLS, [_call_row(call) for call in detail.calls])
        for call in detail.calls if calls else ():
            _print_call(output, call)
    _print_doable(output, detail, why=why)
    if detail.history:
        output.say("")
        newest = sorted(detail.history, key=lambda item: item.at, reverse=True)[:NEWEST]
        output.rows(HISTORY, [{**item.model_dump(), "when": clock(item.at)} for item in newest])
        if len(detail.history) > NEWEST:
            output.say(f"… {len(detail.history) - NEWEST} older (--json has all)")
    output.say("")
    _fact(output, "Say (ja)", detail.say.ja)
    _fact(output, "Say (en)", detail.say.en)
    _fact(output, "You may promise", detail.say.may_promise)
    _fact(output, "May promise (ja)", detail.say.may_promise_ja)
    _fact(output, "Do not promise", detail.say.must_not_promise)
    _fact(output, "Do not (ja)", detail.say.must_not_promise_ja)


def print_records(output: Output, records: "Records") -> None:
    """What each system holds now, differences marked with ≠."""
    output.say("")
    columns = (
        Column("mark", ""), Column("group", "Record"), Column("field", "Field"), Column("salesforce", "Salesforce", cut=True),
        Column("whmcs", "WHMCS", cut=True), Column("esim", "eSIM", cut=True), Column("note", "Note", cut=True),
    )  # fmt: skip
    marks = {True: "=", False: "≠", None: " "}
    output.rows(columns, [{**line.model_dump(), "mark": marks[line.same]} for line in records.lines])
    for one in records.fetched:
        if not one.ok:
            output.note(f"{one.system} could not be read: {one.note}")
    output.say(f"{records.differences} differences")


def _fact(output: Output, title: str, value: Any) -> None:
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if inner}
    if value:
        output.say(f"{title}: {_joined(value)}")


def _joined(value: Any) -> str:
    if isinstance(value, dict):
        return " · ".join(f"{key.replace('_', ' ')} {inner}" for key, inner in value.items())
    return " · ".join(str(inner) for inner in value) if isinstance(value, list) else str(value)


def _before(at: float) -> str:
    return f"{ago(time.time() - at)} ago"


def _took(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}s"


def _call_row(call: "CallView") -> dict[str, Any]:
    last = call.sends[-1] if call.sends else None
    said = " ".join(part for part in (last.code, last.message) if part) if last is not None else ""
    late = clock(call.late_until) if call.state in ("intended", "unknown") else ""
    return {**call.model_dump(), "at": clock(call.first_at), "late": late, "said": said}


def _print_call(output: Output, call: "CallView") -> None:
    output.say("")
    output.say(f"{call.operation} {call.item} {call.marker or ''}".rstrip())
    output.say(f"  sent     {as_json(call.input)}")
    if call.output is not None:
        output.say(f"  answered {as_json(call.output)}")
    for send in call.sends:
        parts = (send.kind, send.n, clock(send.at), _took(send.seconds), send.outcome, send.code, send.message)
        output.say("  " + " ".join(str(part) for part in parts if part not in (None, "")))
        if send.evidence:
            output.say(f"    read {as_json(send.evidence)}")


def _print_doable(output: Output, detail: "OrderDetail", *, why: bool) -> None:
    output.say("")
    can = [command.id.removeprefix("order.").replace("_", "-") for command in detail.commands if command.possible]
    output.say(f"Can be done now: {', '.join(can) or 'nothing'}")
    for command in detail.commands if why else ():
        if not (command.possible or command.never) and command.reason:
            output.say(f"  not {command.title.lower()}: {command.reason}")
