"""What happened to an order, what it means, and what can be done: the lines of the order screen's smaller panes."""

from collections.abc import Sequence
from datetime import tzinfo

from console.client.rows import BookRow
from console.commands.table import BY_ID
from console.schema.detail import CallView, MailView, OrderDetail, PossibleCommand, SendView
from console.widgets import wording
from console.widgets.boardrow import state_pieces
from console.widgets.cells import fit, literal
from console.widgets.glyphs import Glyphs
from console.widgets.jsonview import Part
from console.widgets.pieces import Line, Piece, flowed, joined, told
from console.widgets.saylines import say_lines
from console.widgets.timeline import CALL_WORD

Named = tuple[list[Line], list[str | None]]


def headline(row: BookRow, name: str, glyphs: Glyphs, now: float, zone: tzinfo, *, requested: bool) -> Line:
    """Number, customer, plan, amount, state and step, Salesforce's status, on one line."""
    step = row.error_step if row.state == "failed" else row.step
    state: list[Piece] = [*state_pieces(row, glyphs, requested)]
    if step:
        state.append((f" at {step}", "plain"))
    parts: list[Line] = [
        [(f" {literal(row.number)}", "strong"), (f" {literal(name)}", "strong")],
        [(literal(row.plan or ""), "plain")],
        [(wording.amount(row.amount, glyphs), "plain")],
        state,
        [(f"try {row.tries}" if row.tries > 1 else "", "warn")],
        [(f"SF {literal(row.sf)}", "muted")],
        [(f"taken by {literal(owner)}" if (owner := row.owned_by(now)) else "", "accent")],
    ]
    return joined([part for part in parts if any(text for text, _ in part)], (f" {glyphs.sep} ", "muted"))


def history_lines(detail: OrderDetail, width: int, now: float, zone: tzinfo, glyphs: Glyphs) -> Named:
    """The mails, each of which can be chosen; then what people, mails and platform events did, newest first."""
    lines, names = mail_lines(detail.mails, width, now, zone, glyphs)
    count = sum(item.kind != "feed" for item in detail.history)
    lines.append([("HISTORY", "strong"), (f"  {count}" if count else "  nothing yet", "muted")])
    for item in sorted(detail.history, key=lambda item: item.at, reverse=True):
        if item.kind == "feed":
            continue
        head: Line = [(f"{wording.moment(item.at, now, zone)} ", "muted"), (f"{literal(item.actor)} ", "accent")]
        said = glyphs.plain(literal(wording.done_by(item.what) if item.kind == "command" else item.what))
        if item.outcome and item.outcome not in ("done", "requested"):
            said = f"{said}: {literal(item.outcome)}"
        if item.reason:
            said = f'{said} "{literal(item.reason)}"'
        lines += told(head, said, "plain", width)
    return lines, [*names, *[None] * (len(lines) - len(names))]


def change_since(detail: OrderDetail, since: float, zone: tzinfo) -> str:
    """What the order went through after ``since`` (seconds since 1970) and who did it, what people did first; its state now."""
    new = [item for item in detail.history if item.at > since]
    acts = [item for item in new if item.kind != "feed"] or new
    said = [
        f"{wording.done_by(item.what) if item.kind == 'command' else item.what} by {item.actor} at {wording.clock(item.at, zone)}"
        for item in sorted(acts, key=lambda item: item.at)[-2:]
    ]
    order = detail.order
    return f"{order.number}: {', '.join(said) or 'its run went on'} (now {order.state})"


_MAIL_TONE = {"sent": "done", "maybe_sent": "warn", "failed": "bad", "held": "warn"}
_MAIL_WORD = {"maybe_sent": "maybe sent"}


def mail_lines(mails: Sequence[MailView], width: int, now: float, zone: tzinfo, glyphs: Glyphs) -> Named:
    """Each mail with its own state: queued, sending, sent, maybe sent, failed or held."""
    if not mails:
        return [], []
    lines: list[Line] = [[("MAILS", "strong"), (f"  {len(mails)}", "muted")]]
    names: list[str | None] = [None]
    for mail in sorted(mails, key=lambda mail: mail.id, reverse=True):
        word = _MAIL_WORD.get(mail.state, mail.state)
        at = wording.moment(mail.sent_at or mail.queued_at, now, zone)
        head: Line = [(f"{at} ", "muted"), (f"{word} ", _MAIL_TONE.get(mail.state, "running"))]
        to = f" to {mail.recipient}" if mail.recipient else ""
        again = f", sent again by {mail.queued_by}" if mail.resend and mail.queued_by else ""
        failed = f": {mail.error}" if mail.error and mail.state in ("failed", "maybe_sent") else ""
        said = f"{mail.kind.replace('_', ' ')} ({mail.language}){to}{again}{failed}"
        shown = told(head, glyphs.plain(literal(said)), "plain", width)
        lines += shown
        names += [f"mail:{mail.id}"] * len(shown)
    return lines, names


def event_lines(detail: OrderDetail, zone: tzinfo, glyphs: Glyphs) -> list[Line]:
    """This order's rows of the feed, newest first."""
    lines: list[Line] = [[("THIS ORDER'S EVENTS", "strong")]]
    for item in sorted(
        (item for item in detail.history if item.kind == "feed"),
        key=lambda item: (item.at, item.seq or 0),
        reverse=True,
    ):
        number = f"{item.seq:>9,} " if item.seq is not None else " " * 10
        said = glyphs.plain(literal(item.what))
        lines.append([(f"{wording.clock(item.at, zone)} ", "muted"), (number, "muted"), (said, "plain")])
    if len(lines) == 1:
        lines.append([("nothing yet", "muted")])
    return lines


def meaning_lines(detail: OrderDetail, width: int, glyphs: Glyphs) -> list[Line]:
    """Advice, what stands outside, and what a clerk can say."""
    lines: list[Line] = [[("WHAT THIS MEANS", "strong")]]
    if detail.advice:
        lines += flowed(glyphs.plain(literal(detail.advice)), "plain", width)
    done = detail.order.state == "done"
    sign = "" if done else f"{glyphs.warn} "
    stands: list[Line] = []
    for effect in detail.standing:
        stands += told(
            [(f"{sign}stands: ", "muted" if done else "warn")], glyphs.plain(literal(effect)), "plain", width
        )
    say = say_lines(detail.say, width, glyphs)
    return [*lines, *say, *stands] if done else [*lines, *stands, *say]


def act_lines(commands: Sequence[PossibleCommand], width: int, glyphs: Glyphs) -> Named:
    """Possible commands first, then the others with the daemon's reason; what the role can never do is left out."""
    lines: list[Line] = [[("WHAT YOU CAN DO", "strong")]]
    names: list[str | None] = [None]
    for command in sorted(commands, key=lambda command: not command.possible):
        known = BY_ID.get(command.id)
        if command.never or known is None:
            continue
        key = fit(known.keys, 3)
        if command.possible:
            lines.append([(key, "accent"), (command.title, "plain")])
            names.append(f"act:{command.id}")
            continue
        said = flowed(f"{command.title}: {glyphs.plain(literal(command.reason))}", "muted", max(12, width - 3))
        lines += [[(key if i == 0 else "   ", "muted"), *line] for i, line in enumerate(said)]
        names += [None] * len(said)
    return lines, names


# Input and output -----------------------------------------------------------------------------------------------------


def parts_of(detail: OrderDetail, name: str | None, zone: tzinfo, glyphs: Glyphs) -> list[Part]:
    """What the chosen line of the timeline sent and got."""
    kind, _, key = (name or "").partition(":")
    if kind == "call" and (call := next((call for call in detail.calls if str(call.id) == key), None)):
        return _call_parts(call, glyphs)
    if kind == "send":
        for call in detail.calls:
            for send in call.sends:
                if str(send.id) == key:
                    return [*_send_parts(send, zone), *_call_parts(call, glyphs)]
    if kind == "step":
        return _step_parts(detail, key, glyphs)
    return [
        Part(
            [("INPUT ", "strong"), (f"{glyphs.into} OUTPUT", "strong")], lines=[[("choose a step or a call", "muted")]]
        )
    ]


def _step_parts(detail: OrderDetail, name: str, glyphs: Glyphs) -> list[Part]:
    step = next((step for step in detail.run.steps if step.name == name), None) if detail.run is not None else None
    if step is None:
        return []
    title: Line = [
        (name.upper(), "strong"),
        (f"  {step.state.replace('_', ' ')}", "muted"),
        (f" {wording.took(step.seconds)}", "muted"),
    ]
    notes: list[Line] = [[(glyphs.plain(literal(step.note)), "plain")]] if step.note else []
    parts = [Part(title, step.output, notes)]
    calls = [call for call in detail.calls if call.step == name]
    if step.output is None and calls:
        parts += _call_parts(calls[-1], glyphs)
    return parts


def _call_parts(call: CallView, glyphs: Glyphs) -> list[Part]:
    title: Line = [
        (f"{literal(call.operation)}", "strong"),
        (f"  {CALL_WORD.get(call.state, call.state)}", "muted"),
    ]
    lines: list[Line] = [[(repeats, "muted")]] if (repeats := wording.repeated(call.effect)) else []
    if call.marker:
        lines.append([("marker ", "muted"), (literal(call.marker), "plain")])
    if call.settled_by:
        lines.append([(literal(wording.known_by(call.settled_by)), "muted")])
    parts = [Part(title, lines=lines), Part([(f"{glyphs.into} WENT OUT", "accent")], call.input)]
    if call.output is not None:
        parts.append(Part([(f"{glyphs.into} CAME BACK", "accent")], call.output))
    else:
        last = next((send for send in reversed(call.sends) if send.kind == "send"), None)
        code = f" ({last.code})" if last is not None and last.code and last.message else ""
        known = (last.message or last.code or last.outcome) if last is not None else ""
        said = f"no answer that counts: {known}{code}" if known else "nothing yet"
        parts.append(Part([(f"{glyphs.into} CAME BACK", "accent")], lines=[[(glyphs.plain(literal(said)), "warn")]]))
    return parts


def _send_parts(send: SendView, zone: tzinfo) -> list[Part]:
    title: Line = [
        (f"{send.kind.upper()} {send.n}", "strong"),
        (f"  {wording.clock(send.at, zone)} {wording.took(send.seconds)}", "muted"),
    ]
    lines: list[Line] = [
        [
            (f"{send.outcome or 'under way'}", "strong"),
            (f"  {wording.trouble(send.error_class)}" + (f" ({literal(send.code)})" if send.code else ""), "warn"),
        ]
    ]
    if send.message:
        lines.append([(literal(send.message), "plain")])
    if send.correlation:
        lines.append([("correlation ", "muted"), (literal(send.correlation), "plain")])
    return [Part(title, send.evidence, lines)]
