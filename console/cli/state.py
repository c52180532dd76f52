"""What every verb gets from the process: environment, redactor, settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from console.cli.exits import Exit, Failure
from console.observe.redact import Redactor

if TYPE_CHECKING:
    from console.settings import LoadedSettings


@dataclass(frozen=True)
class State:
    """Made once a process by ``main`` and handed on as the context's object."""

    redactor: Redactor
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def settings(self, config: Path | None, *, complete: bool = False) -> "LoadedSettings":
        """The settings; the redactor learns their secrets. Raises Failure (usage) naming every problem."""
        from console.settings import SettingsError, default_file, load_settings

        if config is not None and not config.is_file():
            raise Failure(f"the settings file {config} is not there", Exit.USAGE)
        try:
            loaded = load_settings(config, self.environ, complete=complete)
        except SettingsError as error:
            said = str(error)
            if config is None and not default_file().is_file():
                said += f"\nno settings file was read: name one with --config, or write {default_file()}"
            raise Failure(said, Exit.USAGE, own=True) from error
        self.redactor.register(*loaded.secrets())
        return loaded


def state_of(context: typer.Context) -> State:
    state = context.find_object(State)
    assert state is not None, "main makes it"
    return state
