"""``portal doctor``: every check with its result."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli import options
from console.cli.exits import Exit
from console.cli.output import Column, standard
from console.cli.state import State, state_of
from console.cli.verbs import form_of

if TYPE_CHECKING:
    from console.doctor.check import Check, Finding

COLUMNS = (
    Column("mark", ""),
    Column("check", "Check"),
    Column("detail", "Result", cut=True),
    Column("took", "Took", right=True),
)
MARKS = {"ok": "✓", "warn": "!", "bad": "✗"}


def doctor(
    context: typer.Context,
    config: options.Config = None,
    offline: Annotated[bool, typer.Option("--offline", help="Only what is on this machine.")] = False,
    json: options.Json = False,
    csv: options.Csv = False,
) -> None:
    """Check this install: settings, files, journal, daemon, and every outside system with the install's own credentials.

    Nothing is written outside. Exit codes: 1 something is bad; 2 the settings are wrong.
    """
    output = standard(form_of(json, csv))
    rows = asyncio.run(_checked(state_of(context), config, offline=offline))
    output.rows(COLUMNS, [{**row, "mark": MARKS[row["state"]], "took": f"{row['ms']:,} ms"} for row in rows], rows)
    raise typer.Exit(Exit.FAILED if any(row["state"] == "bad" for row in rows) else Exit.OK)


async def _checked(state: State, config: Any, *, offline: bool) -> list[dict[str, Any]]:
    from console.doctor.check import Check, bad
    from console.doctor.local import LocalChecks
    from integrations.errors import IntegrationError

    loaded = state.settings(config, complete=True)
    rows = [await _row(state, check) for check in LocalChecks(loaded).all()]
    rows += await _daemon(state, loaded.settings.daemon.socket_path)
    if sys.stdout.isatty():
        rows += await _terminal(state, loaded.settings.console.glyphs)
    if offline:
        return rows
    from console.doctor.outside import OutsideChecks

    try:
        outside = OutsideChecks(loaded.settings)
    except IntegrationError as error:
        said = str(error)

        async def refused() -> "Finding":
            return bad(said)

        return [*rows, await _row(state, Check("outside systems", refused))]
    try:
        rows += await asyncio.gather(*(_row(state, check) for check in outside.all()))

        async def clock() -> "Finding":
            return outside.clock()

        return [*rows, await _row(state, Check("clock", clock))]
    finally:
        await outside.close()


async def _daemon(state: State, socket: Path) -> list[dict[str, Any]]:
    """Over its own socket, as this user."""
    from console.client.address import Address
    from console.client.api import ApiClient
    from console.doctor.daemon import DaemonChecks

    async with ApiClient(Address(socket=socket), timeout=5.0) as client:
        return [await _row(state, check) for check in DaemonChecks(client).all()]


async def _terminal(state: State, glyphs: str) -> list[dict[str, Any]]:
    """The one this runs on, with the signs that the console would take."""
    from rich.console import Console

    from console.cli.terminal import fitting_glyphs, measured_width
    from console.doctor.terminal import Terminal, TerminalChecks
    from console.screens.clipboard import Reach, way_out

    cells, way, rich = measured_width(), await way_out(state.environ), Console()
    terminal = Terminal(
        columns=rich.width, rows=rich.height, name=state.environ.get("TERM", "unknown"), colours=str(rich.color_system or ""),
        no_color=bool(state.environ.get("NO_COLOR")), encoding=sys.stdout.encoding or "",
        glyphs=fitting_glyphs(state.environ, cells) if glyphs == "auto" else glyphs, wide=cells > 1 if cells is not None else None,
        clipboard=({Reach.YES: True, Reach.NO: False}.get(way.reach), way.words),
    )  # fmt: skip
    return [await _row(state, check) for check in TerminalChecks(terminal).all()]


async def _row(state: State, check: "Check") -> dict[str, Any]:
    from console.doctor.check import perform

    done = await perform(check)
    finding, text = done.finding, state.redactor.text
    return {
        "check": check.name, "state": finding.state, "detail": text(finding.said), "remedy": text(finding.remedy),
        "means": check.means, "ms": done.ms,
    }  # fmt: skip
