"""All screens made again, for another set of signs: each is made with the signs it is given."""

from functools import partial
from typing import Any

from textual.app import App
from textual.screen import Screen

from console.screens.desk import Desk
from console.screens.sections import SECTIONS
from console.screens.settings import SettingsScreen

_BLANK = "anew"


async def drawn_anew(app: App[Any], desk: Desk) -> None:
    """Ends on the settings, where signs are chosen, above the section one was in."""
    mode = app.current_mode
    app.add_mode(_BLANK, Screen)
    await app.switch_mode(_BLANK)
    for section in SECTIONS:
        await app.remove_mode(section.mode)
        app.add_mode(section.mode, partial(section.screen, desk))
    await app.switch_mode(mode)
    await app.remove_mode(_BLANK)
    await app.push_screen(SettingsScreen(desk))
