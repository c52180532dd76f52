"""The order in hand in a few lines beside the board: where it stands, why, and what can be done."""

from collections.abc import Sequence
from datetime import tzinfo

from console.client.book import Book
from console.client.rows import BookRow
from console.commands.table import BY_ID
from console.schema.book import STEPS
from console.schema.detail import OrderDetail, PossibleCommand
from console.widgets import wording
from console.widgets.boardrow import STRIP_TONES, state_pieces
from console.widgets.cells import fit, literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, flowed
from console.widgets.saylines import say_lines

_STEP_LETTER = {
    "pending": ".",
    "running": ">",
    "waiting": "~",
    "done": "v",
    "failed": "x",
    "skipped": "s",
    "not_needed": "-",
}


def preview_lines(
    row: BookRow, detail: OrderDetail | None, name: str, width: int, now: float, zone: tzinfo, glyphs: Glyphs, *, requested: bool
) -> list[Line]:  # fmt: skip
    """``detail`` None: not fetched yet."""
    sep = f" {glyphs.sep} "
    facts = [part for part in (literal(row.plan or ""), wording.amount(row.amount, glyphs), f"SF {row.sf}") if part]
    lines: list[Line] = [
        [(literal(row.number), "strong"), (f"  {literal(name)}", "strong")],
        [(fit(sep.join(facts), width, ellipsis=glyphs.ellipsis).rstrip(), "muted")],
        [*state_pieces(row, glyphs, requested), (_where(row, glyphs), "plain")],
    ]
    note = glyphs.plain(wording.note(row, now, zone))
    if note:
        lines += flowed(note, "bad" if row.unknown else "plain", width)
    if owner := row.owned_by(now):
        lines.append([("taken by ", "muted"), (literal(owner), "accent")])
    lines.append([])
    lines += _steps(row, detail, glyphs)
    if detail is not None:
        lines += _of_detail(detail, width, now, zone, glyphs)
    return lines


def _where(row: BookRow, glyphs: Glyphs) -> str:
    step = row.error_step if row.state == "failed" else row.step
    said = f" at {step}" if step else ""
    return f"{said} {glyphs.sep} try {row.tries}" if row.tries > 1 else said


def _steps(row: BookRow, detail: OrderDetail | None, glyphs: Glyphs) -> list[Line]:
    if detail is not None and detail.run is not None and detail.run.version == row.version:
        known = [
            (step.name, _STEP_LETTER.get(step.state, "?"), wording.took(step.seconds), step.note or "")
            for step in detail.run.steps
        ]
    else:
        known = [(name, letter, "", "") for name, letter in zip(STEPS, row.strip, strict=False)]
    waits = row.state in ("parked", "held")
    known = [(name, "|" if letter == "~" and waits else letter, took, note) for name, letter, took, note in known]
    return [
        [
            (f"{glyphs.strip.get(letter, letter)} {name:<9}", STRIP_TONES.get(letter, "plain")),
            (f"{took:<6}", "muted"),
            (glyphs.plain(literal(note)), "muted"),
        ]
        for name, letter, took, note in known
    ]


def _of_detail(detail: OrderDetail, width: int, now: float, zone: tzinfo, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    if detail.advice:
        lines += [[], *_under("Why", detail.advice, "plain", width, glyphs)]
    for effect in detail.standing:
        lines += _under("Stands", effect, "warn", width, glyphs)
    acts = [command for command in detail.commands if command.possible]
    if acts:
        lines.append([])
        lines += [act_line(command, "Do" if i == 0 else "", width, glyphs) for i, command in enumerate(acts)]
    lines += [[], *say_lines(detail.say, width, glyphs)]
    if detail.history:
        lines += [[], [("LAST EVENTS", "strong")]]
        for item in detail.history[-6:][::-1]:
            said = glyphs.plain(literal(wording.done_by(item.what) if item.kind == "command" else item.what))
            lines.append(
                [
                    (f"{wording.moment(item.at, now, zone)} ", "muted"),
                    (literal(item.actor), "accent"),
                    (f" {said}", "plain"),
                ]
            )
    return lines


def act_line(command: PossibleCommand, label: str, width: int, glyphs: Glyphs) -> Line:
    """A command with its key."""
    known = BY_ID.get(command.id)
    key = known.keys if known is not None else ""
    return [(fit(label, 7), "muted"), (fit(key, 3), "accent"), (literal(command.title), "plain")]


def _under(label: str, said: str, tone: str, width: int, glyphs: Glyphs) -> list[Line]:
    first, *rest = flowed(glyphs.plain(literal(said)), tone, width - 7)
    return [[(fit(label, 7), "muted"), *first], *([(" " * 7, "muted"), *line] for line in rest)]


def overview_lines(book: Book, shown: int, glyphs: Glyphs) -> list[Line]:
    """What stands beside the board while no order is in hand."""
    lines: list[Line] = [[("ALL ORDERS", "strong")], []]
    for state in ("queued", "running", "retrying", "parked", "held", "failed", "done", "cancelled", "none"):
        count = book.counts[state]
        if count:
            lines.append([(f"{count:>8,}  ", "plain"), (glyphs.state(state), state)])
    lines += [[], [(f"{len(book):>8,}  in all", "muted")], [(f"{shown:>8,}  match the filter", "muted")], []]
    down = "↓" if glyphs.name == "unicode" else "down"
    lines += [
        [(f"{down} or a click takes one in hand;", "muted")],
        [("rows then stay where they are.", "muted")],
    ]
    return lines


def possible_of(commands: Sequence[PossibleCommand], command_id: str) -> PossibleCommand | None:
    return next((command for command in commands if command.id == command_id), None)
