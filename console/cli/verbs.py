"""The forms verbs have in common."""

from console.cli.exits import Exit, Failure
from console.cli.output import Form


def form_of(json: bool, csv: bool) -> Form:
    """Raises Failure (usage) when both are asked for."""
    if json and csv:
        raise Failure("--json and --csv exclude each other: choose one", Exit.USAGE)
    return Form.JSON if json else Form.CSV if csv else Form.TABLE
