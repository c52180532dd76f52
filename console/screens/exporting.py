"""Writing the orders that a list shows into a file: exactly those that its filter matches, asked of the daemon."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.client.errors import ApiError
from console.client.exporting import as_text, matching
from console.screens.base import LiveScreen
from console.screens.copying import ExportTo, write_new

if TYPE_CHECKING:
    from console.schema.orders import OrderLine


async def export_orders(
    screen: LiveScreen, filter_: str, sort: str, *, name: str = "orders", shown: Callable[["OrderLine"], bool] = bool
) -> None:
    """Ask for a file and write them into it, masked as a viewer sees them. ``shown``: which of them the list shows."""
    session = screen.desk.session
    moment = datetime.fromtimestamp(session.now(), session.zone)
    proposed = Path.home() / f"portal-{name}-{moment:%Y%m%d-%H%M%S}.csv"
    what = f"Every order of {filter_ or 'all'} as CSV, or JSON in a file named .json"
    file = await screen.app.push_screen_wait(ExportTo(screen.desk.glyphs, proposed, what))
    if file is None:
        return
    try:
        lines = [line for line in await matching(session.api, filter_, sort) if shown(line)]
        write_new(file, as_text(lines, json_form=file.suffix == ".json"))
    except ApiError as error:
        screen.tell(f"Nothing was exported: {error}", "error")
    except OSError as error:
        screen.tell(f"{file} could not be written: {error.strerror or error}", "error")
    else:
        screen.tell(f"{len(lines):,} orders written to {file}, personal data masked; only you can read it.")
