"""What a console is opened with."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from console.client.owndaemon import OwnDaemon
from console.client.views import View, Views
from console.looks import LooksFile
from console.observe.crash import CrashReports
from console.theme import DARK

if TYPE_CHECKING:
    from console.client.api import ApiClient


@dataclass(frozen=True)
class ConsoleOptions:
    """``connect`` makes the API's client; ``embedded`` is the daemon of this window, not started yet, or None.

    ``wall`` gives seconds since 1970; ``zone`` None: the daemon's. ``crash`` gets what went wrong in the console itself.
    ``wide``: does the terminal draw ambiguous characters two cells wide, None where that is not known.
    ``looks``: where theme and signs chosen here are kept; ``looks_from``: where each came from at this start.
    ``view``: what the board begins with; this person's own views are kept beside the crash files too.
    ``org_id``: the org that the daemon must work for, "" for any. ``environ``: what the terminal says of itself; copies
    that no clipboard took are kept beside the crash files.
    """

    connect: Callable[[], "ApiClient"]
    crash: CrashReports
    embedded: OwnDaemon | None = None
    glyphs: str = "unicode"
    theme: str = DARK.name
    looks: LooksFile | None = None
    looks_from: tuple[str, str] = ("default", "default")
    wide: bool | None = None
    read_only: bool = False
    view: View | None = None
    order: str = ""
    org_id: str = ""
    wall: Callable[[], float] = time
    zone: tzinfo | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    crashed: list[str] = field(default_factory=list)  # where the details are of each error that ended it, in words
    last_words: list[str] = field(default_factory=list)  # left on the terminal at the end

    @property
    def copies(self) -> Path:
        return self.crash.folder.parent / "copies"

    @property
    def views(self) -> Views:
        return Views(self.crash.folder.parent / "views.json")
