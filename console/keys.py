"""Every key of the console in one place: what commands bind comes from the command table, the rest stands here.

Lower case acts on the order in hand or on the marks; a capital is the wider or riskier form; digits are sections.
No key needs ``\\``, alt, a function key, or ``ctrl+h/i/j/m/s/q``.
"""

from collections.abc import Iterable, Sequence

from textual.binding import Binding

from console.commands.table import COMMANDS, for_orders, for_system

APP: tuple[Binding, ...] = (
    Binding("question_mark", "help", "Help", show=False, id="app.help", tooltip="What can be done here, and the signs"),
    Binding("ctrl+p", "command_palette", "Palette", show=False, id="app.palette", tooltip="Type what you want to do"),
    Binding("ctrl+t", "other_theme", "Theme", show=False, id="app.theme", tooltip="Dark or light"),
    Binding("q", "leave", "Quit", show=False, id="app.quit", tooltip="Leave; a daemon in this window is drained first"),
    Binding("ctrl+c", "leave", "Quit", show=False, id="app.interrupt", tooltip="Leave"),
    Binding("F", "find", "Find", show=False, id="app.find", tooltip="Find an order by number, name, phone, ICCID, e-mail, in any spelling"),
    Binding("colon", "go_to", "Go to", show=False, id="app.go_to", tooltip="Go to: 10480, find 田中, state:failed, approvals ..."),
    Binding("L", "log_console", "Log", show=False, id="app.log", tooltip="What this window did: acts as command lines, failed requests; masked"),
    Binding("percent_sign", "batches", "Batches", show=False, id="app.batches", tooltip="Acts on many orders: progress and results"),
)  # fmt: skip

BOARD: tuple[Binding, ...] = (
    Binding("slash", "filter", "Filter", show=False, id="board.filter", tooltip="Filter: state:failed age>2h ..."),
    Binding("escape", "clear_filter", "Clear filter", show=False, id="board.clear_filter", tooltip="All orders again, when none is marked or in hand"),
    Binding("ctrl+l", "pause", "Pause", show=False, id="board.pause", tooltip="Pause or resume live updates"),
    Binding("less_than_sign,comma", "sort_by(-1)", "Sort left", show=False, id="board.sort_left", tooltip="Sort by the column to the left"),
    Binding("greater_than_sign", "sort_by(1)", "Sort right", show=False, id="board.sort_right", tooltip="Sort by the column to the right"),
    Binding("minus", "turn_sort", "Turn", show=False, id="board.turn_sort", tooltip="Turn the order of the rows round"),
    Binding("f", "failures_like", "Like this", show=False, id="board.like", tooltip="Only orders that fail for the same cause"),
    Binding("v", "views", "Views", show=False, id="board.views", tooltip="Saved filters: needs me, my orders, hand-over, and your own"),
    Binding("V", "save_view", "Save view", show=False, id="board.save_view", tooltip="Keep this filter and its order of rows under a name"),
    Binding("i", "preview", "Preview", show=False, id="board.preview", tooltip="Show or hide the preview"),
    Binding("X", "export", "Export", show=False, id="board.export", tooltip="Write exactly what is filtered into a file, personal data masked"),
    Binding("vertical_line", "all_columns", "All columns", show=False, id="board.columns", tooltip="All columns, scrolled sideways"),
)  # fmt: skip

SAY: tuple[Binding, ...] = (
    Binding("J", "say('ja')", "Copy Japanese", show=False, id="say.ja", tooltip="Copy what to say to the customer, in Japanese"),
    Binding("K", "say('en')", "Copy English", show=False, id="say.en", tooltip="Copy what to say to the customer, in English"),
)  # fmt: skip

FIND: tuple[Binding, ...] = (
    Binding("escape", "back", "Back", show=False, id="find.back", tooltip="Back to where you came from"),
    Binding("slash", "edit", "Find another", show=False, id="find.edit", tooltip="Type something else to find"),
    Binding("f", "look", "Read again", show=False, id="find.look", tooltip="Ask the daemon again now"),
)  # fmt: skip

ACTING: tuple[Binding, ...] = (
    Binding("z", "undo", "Undo", show=False, id="order.undo", tooltip="Cancel's plan with the undo calls listed; there is no other undo"),
)  # fmt: skip

ORDER: tuple[Binding, ...] = (
    Binding("escape", "back", "Back", show=False, id="order.back", tooltip="Back to where you came from"),
    Binding("tab", "pane(1)", "Pane", show=False, id="order.pane", tooltip="The next pane"),
    Binding("shift+tab", "pane(-1)", "Pane back", show=False, id="order.pane_back", tooltip="The pane before"),
    Binding("d", "records", "Records", show=False, id="order.records", tooltip="Salesforce, WHMCS and the eSIM provider side by side"),
    Binding("i", "input", "Input", show=False, id="order.input", tooltip="What went out and what came back"),
    Binding("H", "history", "History", show=False, id="order.history", tooltip="What people and the engine did"),
    Binding("t", "everything", "All calls", show=False, id="order.everything", tooltip="Show or hide reads that went well"),
    Binding("f", "fetch", "Read again", show=False, id="order.fetch", tooltip="Read the records of every system again"),
    Binding("E", "events", "Events", show=False, id="order.events", tooltip="This order's events, as the daemon counted them"),
    Binding("y", "copy", "Copy", show=False, id="order.copy", tooltip="Copy its id, number, link, JSON, or the command line that does the same"),
    Binding("o", "open_link", "Open", show=False, id="order.open_link", tooltip="Open it in Salesforce or WHMCS"),
    Binding("w", "reveal", "Reveal", show=False, id="order.reveal", tooltip="Show masked values for half a minute; this is written to the audit log"),
    Binding("X", "export", "Export", show=False, id="order.export", tooltip="Write the order into a file, personal data masked"),
)  # fmt: skip

RESOLVE: tuple[Binding, ...] = (
    Binding("escape", "back", "Back", show=False, id="resolve.back", tooltip="Back to the order; nothing is resolved"),
    Binding("f", "fetch", "Read again", show=False, id="resolve.fetch", tooltip="Read once more what is there; this changes nothing"),
)  # fmt: skip

EDIT: tuple[Binding, ...] = (
    Binding("escape", "back", "Back", show=False, id="edit.back", tooltip="Back to the order; what was typed is dropped"),
)  # fmt: skip

APPROVALS: tuple[Binding, ...] = (
    Binding(
        "f", "fetch", "Read again", show=False, id="approvals.fetch", tooltip="Read the list from Salesforce again"
    ),
)

_LOG: tuple[Binding, ...] = (
    Binding("slash", "filter", "Filter", show=False, id="log.filter", tooltip="Filter the list"),
    Binding("f", "fetch", "Read again", show=False, id="log.fetch", tooltip="Ask the daemon again now"),
    Binding("y", "copy", "Copy", show=False, id="log.copy", tooltip="Copy the row in hand as JSON, personal data masked"),
    Binding("i", "whole", "Whole row", show=False, id="log.whole", tooltip="Everything of the row in hand"),
)  # fmt: skip

EVENTS: tuple[Binding, ...] = (
    *_LOG,
    Binding("ctrl+l", "pause", "Pause", show=False, id="events.pause", tooltip="Hold the list still, or let it go on"),
)

AUDIT: tuple[Binding, ...] = (
    *_LOG,
    Binding("X", "export", "Export", show=False, id="audit.export", tooltip="Write exactly what is filtered into a file, masked"),
)  # fmt: skip

HEALTH: tuple[Binding, ...] = (
    Binding("f", "fetch", "Read again", show=False, id="health.fetch", tooltip="Ask the daemon again now"),
)

DOCTOR: tuple[Binding, ...] = (
    Binding("r", "fetch", "Run again", show=False, id="doctor.run", tooltip="Look at everything again"),
    Binding("y", "copy", "Copy report", show=False, id="doctor.copy", tooltip="Copy the report, secrets removed"),
    Binding("s", "settings", "Settings", show=False, id="doctor.settings", tooltip="Every setting with its source; theme and signs"),
)  # fmt: skip

SETTINGS: tuple[Binding, ...] = (
    Binding("escape", "back", "Back", show=False, id="settings.back", tooltip="Back to the doctor"),
    Binding("slash", "filter", "Filter", show=False, id="settings.filter", tooltip="Type a part of a key, a value or a source"),
    Binding("t", "theme", "Theme", show=False, id="settings.theme", tooltip="The next theme, kept for the next start"),
    Binding("g", "glyphs", "Signs", show=False, id="settings.glyphs", tooltip="The next set of signs, kept for the next start"),
)  # fmt: skip

BATCHES: tuple[Binding, ...] = (
    Binding("escape", "back", "Back", show=False, priority=True, id="batches.back", tooltip="Back; what runs goes on in the daemon"),
    Binding("f", "fetch", "Read again", show=False, id="batches.fetch", tooltip="Ask the daemon again now"),
)  # fmt: skip

BATCH: tuple[Binding, ...] = (
    Binding("escape", "back", "Back", show=False, priority=True, id="batch.back", tooltip="Back; the batch goes on in the daemon"),
    Binding("t", "troubles", "Not done", show=False, id="batch.troubles", tooltip="Only what was not done, or everything"),
    Binding("X", "export", "Export", show=False, id="batch.export", tooltip="Write the result of each order into a file"),
)  # fmt: skip

FAILURES: tuple[Binding, ...] = (
    Binding("slash", "filter", "Filter", show=False, id="failures.filter", tooltip="Filter: class:data age>2h ..."),
    Binding("t", "tree", "Tree or flat", show=False, id="failures.tree", tooltip="Causes with their orders, or all orders in one list"),
    Binding("o", "on_board", "On the board", show=False, id="failures.on_board", tooltip="The board with the orders of this cause only"),
    Binding("f", "fetch", "Read again", show=False, id="failures.fetch", tooltip="Ask the daemon again now"),
    Binding("X", "export", "Export", show=False, id="failures.export", tooltip="Write exactly what is filtered into a file"),
)  # fmt: skip

NEEDS: tuple[Binding, ...] = (
    Binding("f", "fetch", "Read again", show=False, id="needs.fetch", tooltip="Ask the daemon again now"),
)


def of_commands() -> Sequence[Binding]:
    """A binding for every command that is about an order: its key, and the action ``act(id)``; and the one way back."""
    return [
        *ACTING,
        *(Binding(c.keys, f"act('{c.id}')", c.title, show=False, id=c.id, tooltip=c.description) for c in for_orders()),
    ]


def of_system(*ids: str) -> Sequence[Binding]:
    """A binding for each of these commands about the system as a whole."""
    return [
        Binding(c.keys, f"act('{c.id}')", c.title, show=False, id=c.id, tooltip=c.description)
        for c in for_system()
        if c.id in ids
    ]


def beside(bindings: Sequence[Binding]) -> Sequence[Binding]:
    """Those whose key no command about an order has: on a screen with rows of both kinds, the row in hand decides."""
    taken = {command.keys for command in for_orders()}
    return [binding for binding in bindings if binding.key not in taken]


def key_of(command_id: str) -> str:
    """The key of a command as people read it."""
    return next((command.keys for command in COMMANDS if command.id == command_id), "")


_SHOWN = {
    "question_mark": "?", "slash": "/", "colon": ":", "full_stop": ".", "asterisk": "*", "minus": "-", "comma": ",",
    "less_than_sign": "<", "greater_than_sign": ">", "vertical_line": "|", "equals_sign": "=", "percent_sign": "%", "exclamation_mark": "!", "escape": "esc", "enter": "enter",
    "ctrl+p": "^p", "ctrl+t": "^t", "ctrl+l": "^l", "ctrl+c": "^c", "pagedown": "pgdn", "pageup": "pgup",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as it is written on the screen."""
    return _SHOWN.get(key, key)


def clashes(contexts: Iterable[Sequence[Binding]]) -> list[tuple[str, str, str]]:
    """(key, id, id) of keys that two bindings of one context share. Textual itself does not tell."""
    found: list[tuple[str, str, str]] = []
    for bindings in contexts:
        taken: dict[str, str] = {}
        for binding in bindings:
            for key in (part.strip() for part in binding.key.split(",")):
                if key in taken:
                    found.append((key, taken[key], binding.id or binding.action))
                taken[key] = binding.id or binding.action
    return found
