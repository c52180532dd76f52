"""The steps of an order with their calls, and every time a call was sent or looked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from console.schema.detail import CallView, OrderDetail, RunView, SendView, StepView
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece

_STEP_LETTER = {
    "pending": ".", "running": ">", "waiting": "~", "done": "v", "failed": "x", "skipped": "s", "not_needed": "-",
}  # fmt: skip
_STEP_TONE = {
    "pending": "muted", "running": "running", "waiting": "retrying", "done": "done", "failed": "failed", "skipped": "muted",
    "not_needed": "muted",
}  # fmt: skip
_CALL_TONE = {
    "done": "done",
    "refused": "warn",
    "unknown": "bad",
    "intended": "running",
    "resolved_absent": "muted",
    "undone": "muted",
}
CALL_WORD = {"unknown": "outcome unknown", "resolved_absent": "is absent", "intended": "under way"}
_SEND_TONE = {
    "ok": "done",
    "found": "done",
    "absent": "warn",
    "refused": "warn",
    "failed": "bad",
    "unknown": "bad",
    "interrupted": "bad",
}
_BAR = 5


@dataclass(frozen=True)
class Timeline:
    """``names`` name the lines that can be chosen: ``step:<name>``, ``call:<id>``, ``send:<id>``."""

    lines: Sequence[Line]
    names: Sequence[str | None]


def timeline(detail: OrderDetail, zone: tzinfo, glyphs: Glyphs, now: float, *, everything: bool) -> Timeline:
    """The newest run's steps; reads that went well are left out unless ``everything`` is asked for."""
    run = detail.run
    if run is None:
        return Timeline([[("STEPS", "strong")], [("no run here yet", "muted")]], [None, None])
    lines: list[Line] = [_heading(run, len(detail.earlier) + 1, zone)]
    names: list[str | None] = [None]
    longest = max((step.seconds or 0.0 for step in run.steps), default=0.0)
    for step in run.steps:
        lines.append(_step(step, longest, run, glyphs))
        names.append(f"step:{step.name}")
        for line in _waits(step, run, zone, now):
            lines.append(line)
            names.append(f"step:{step.name}")
        for call in (call for call in detail.calls if call.step == step.name and (everything or _worth_showing(call))):
            _call_lines(call, run, zone, now, lines, names)
    known = {step.name for step in run.steps}
    rest = [call for call in detail.calls if call.step not in known and (everything or _worth_showing(call))]
    if rest:
        lines.append([("OTHER CALLS", "strong")])
        names.append(None)
    for call in rest:
        _call_lines(call, run, zone, now, lines, names)
    if detail.earlier:
        lines.append([("EARLIER RUNS", "strong")])
        lines += [_earlier(run, now, zone, glyphs) for run in detail.earlier]
        names += [None] * (1 + len(detail.earlier))
    return Timeline(lines, names)


def _earlier(run: RunView, now: float, zone: tzinfo, glyphs: Glyphs) -> Line:
    """How an attempt before this one ended."""
    where = f" at {run.error_step}" if run.error_step else ""
    code = f" {literal(run.error_code)}" if run.error_code else ""
    at = wording.moment(run.ended_at or run.updated_at, now, zone)
    return [(f"{at} ", "muted"), (glyphs.state(run.state), run.state), (f"{where}{code}", "muted")]


def _worth_showing(call: CallView) -> bool:
    return call.effect != "read" or call.state != "done"


def _call_lines(
    call: CallView, run: RunView, zone: tzinfo, now: float, lines: list[Line], names: list[str | None]
) -> None:
    """One line for a call that was sent once and went well; else a line for each send and look as well."""
    simple = len(call.sends) <= 1 and call.state == "done"
    lines.append(_call(call, run, call.sends[0].seconds if simple and call.sends else None))
    names.append(f"call:{call.id}")
    if simple:
        return
    for send in call.sends:
        lines.append(_send(send, zone))
        names.append(f"send:{send.id}")
    if call.state == "unknown":
        lines.append(_late(call, zone, now))
        names.append(None)


def _heading(run: RunView, attempts: int, zone: tzinfo) -> Line:
    said = f" run {attempts}" if attempts > 1 else ""
    return [("STEPS ", "strong"), (f"{wording.clock(run.started_at or run.created_at, zone)}{said}", "muted")]


def _step(step: StepView, longest: float, run: RunView, glyphs: Glyphs) -> Line:
    letter = _STEP_LETTER.get(step.state, "?")
    if letter == "~" and run.state in ("parked", "held"):
        letter = "|"
    tone = _STEP_TONE.get(step.state, "plain")
    pieces: list[Piece] = [(f"{glyphs.strip.get(letter, letter)} {step.name:<9}", tone)]
    if step.state == "not_needed":
        pieces.append(("not needed", "muted"))
    elif step.seconds is not None:
        cells = round(_BAR * step.seconds / longest) if longest else 0
        pieces += [(f"{wording.took(step.seconds):>5} ", "plain"), (glyphs.bar * cells, tone)]
    if step.tries > 1:
        pieces.append((f" try {step.tries}", "warn"))
    return pieces


def _call(call: CallView, run: RunView, seconds: float | None) -> Line:
    name = call.operation.partition(".")[2] or call.operation
    took = f" {wording.took(seconds)}" if seconds is not None else ""
    earlier = f" (run {call.run_id})" if call.run_id != run.id and call.effect != "read" else ""
    item = f" {literal(call.item)}" if call.item else ""
    word = CALL_WORD.get(call.state, call.state)
    return [
        ("  ", "plain"),
        (name, "accent"),
        (f" {word}", _CALL_TONE.get(call.state, "plain")),
        (took + earlier + item, "muted"),
    ]


def _send(send: SendView, zone: tzinfo) -> Line:
    outcome = send.outcome or "under way"
    said = send.code or send.message or ""
    return [
        (f"    {send.kind} {send.n} {wording.clock(send.at, zone)} ", "muted"),
        (outcome, _SEND_TONE.get(outcome, "running")),
        (f" {wording.took(send.seconds)}", "muted"),
        (f" {literal(said)}" if said else "", "plain"),
    ]


def _late(call: CallView, zone: tzinfo, now: float) -> Line:
    if call.late_until is not None and call.late_until > now:
        return [(f"    may still land until {wording.clock(call.late_until, zone)}", "warn")]
    return [("    can no longer land by itself", "muted")]


def _waits(step: StepView, run: RunView, zone: tzinfo, now: float) -> list[Line]:
    """Under the step at which the run stands: what it waits for, or why it failed."""
    if step.name != (run.step or run.error_step):
        return []
    lines: list[Line] = []
    if run.state == "parked" and run.condition:
        until = f", at most until {wording.moment(run.until, now, zone)}" if run.until else ""
        lines.append([(f"  until {literal(run.condition).removeprefix('until ')}{until}", "parked")])
    elif run.state == "retrying" and run.wait == "making_sure" and run.until:
        lines.append([(f"  making sure until {wording.clock(run.until, zone)}", "retrying")])
    elif run.state == "retrying" and run.next_at:
        lines.append([(f"  again at {wording.clock(run.next_at, zone)}", "retrying")])
    elif run.wait_reason:
        lines.append([(f"  {literal(run.wait_reason)}", "warn")])
    if run.error_class and run.state in ("failed", "parked", "retrying"):
        lines.append([(f"  {wording.trouble(run.error_class)}", "bad" if run.state == "failed" else "warn")])
        if run.error_code:
            lines.append([(f"  code {literal(run.error_code)}", "muted")])
    return lines
