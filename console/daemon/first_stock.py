"""The first stock of eSIM profiles: into a journal that has none, from the file that the settings name."""

import asyncio
import logging
from pathlib import Path

from console.daemon.organisation import Refused
from integrations.esim.inventory import parse_inventory
from storage import profiles
from storage.journal import Journal

log = logging.getLogger(__name__)


async def take_first_stock(journal: Journal, file: Path | None, now: float) -> int:
    """How many profiles are new. Later deliveries come by ``portal esim import``: a journal that has any takes none here.

    Raises Refused when the file cannot be read or holds mistakes; nothing of it is taken then.
    """
    if file is None:
        return 0
    stocked = await journal.read(profiles.stock)
    if stocked:
        return 0
    try:
        data = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise Refused(f"esim.first_stock: {file} cannot be read: {error.strerror}") from error
    inventory = await asyncio.to_thread(parse_inventory, data)
    if inventory.errors:
        more = f" ({len(inventory.errors)} mistakes in all)" if len(inventory.errors) > 1 else ""
        raise Refused(f"esim.first_stock: {file} holds mistakes, nothing was imported: {inventory.errors[0]}{more}")
    rows = [(row.iccid, row.profile_type) for row in inventory.rows]
    new, _ = await journal.write(lambda db: profiles.add(db, rows, file.name, now))
    log.info("%d eSIM profiles imported from esim.first_stock", new)
    return new
