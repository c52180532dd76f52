"""The table of commands for the documentation, written from the commands themselves."""

from console.commands.cliline import usage
from console.commands.command import Command
from console.commands.table import COMMANDS

HEAD = ("| Command | Key | Who | Confirmed | What it does | Command line |", "|---|---|---|---|---|---|")
BEGIN, END = "<!-- commands -->", "<!-- /commands -->"


def markdown() -> str:
    """One row a command, in the order of the table."""
    return "\n".join([*HEAD, *(_row(command) for command in COMMANDS)])


def documented(text: str) -> str:
    """``text`` with the table of today between its marks. Raises ValueError where they are missing."""
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"the text has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


def confirmed(command: Command) -> str:
    """How an act on one order, or on the system, is agreed to."""
    asked = "one line" if command.on_one_line else "plan"
    return f"{asked}, reason" if command.reason else asked


def _row(command: Command) -> str:
    key = f"`{command.keys}`" if command.context == "order" else f"palette, `{command.keys}` where it is shown"
    cells = (command.title, key, command.role, confirmed(command), command.description, f"`{usage(command)}`")
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
