"""Writing what a list shows into a file of the person's choice."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.client.errors import ApiError
from console.client.exporting import as_text, matching
from console.screens.base import LiveScreen
from console.screens.copying import ExportTo
from console.written import write_private

if TYPE_CHECKING:
    from console.schema.orders import OrderLine


async def export(screen: LiveScreen, name: str, what: str, made: Callable[[bool], Awaitable[tuple[str, str]]]) -> None:
    """Ask for a file, write into it, and say what came of it. ``name``: of the proposed file; ``made`` gives the text, as
    JSON where true, and how much of what that is (``12 orders``); it may raise ApiError."""
    session = screen.desk.session
    moment = datetime.fromtimestamp(session.now(), session.zone)
    proposed = Path.home() / f"portal-{name}-{moment:%Y%m%d-%H%M%S}.csv"
    file = await screen.app.push_screen_wait(ExportTo(screen.desk.glyphs, proposed, what))
    if file is None:
        return
    try:
        text, how_much = await made(file.suffix == ".json")
        write_private(file, text + "\n")
    except ApiError as error:
        screen.tell(f"Nothing was exported: {error}", "error")
    except OSError as error:
        screen.tell(f"{file} could not be written: {error.strerror or error}", "error")
    else:
        screen.tell(f"{how_much} written to {file}, personal data masked; only you can read it.")


async def export_orders(
    screen: LiveScreen, filter_: str, sort: str, *, name: str = "orders", shown: Callable[["OrderLine"], bool] = bool
) -> None:
    """Exactly the orders that the filter matches, asked of the daemon. ``shown``: which of them the list shows."""

    async def made(json_form: bool) -> tuple[str, str]:
        lines = [line for line in await matching(screen.desk.session.api, filter_, sort) if shown(line)]
        return as_text(lines, json_form=json_form), f"{len(lines):,} orders"

    await export(screen, name, f"Every order of {filter_ or 'all'} as CSV, or JSON in a file named .json", made)
