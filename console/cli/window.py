"""``portal console``: the screens, put together with a way to a daemon or a daemon of their own."""

import difflib
import gc
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import options
from console.cli.exits import Exit, Failure
from console.cli.filters import joined
from console.cli.state import State, state_of
from console.cli.verbs import address_of, read_token
from console.cli.views import chosen_view

if TYPE_CHECKING:
    from console.client.address import Address
    from console.client.api import ApiClient
    from console.client.owndaemon import OwnDaemon
    from console.client.views import View
    from console.looks import Looks
    from console.settings.console import EnvironmentSettings
    from console.settings.model import Settings


class Glyphs(StrEnum):
    """Choices of ``--glyphs``."""

    AUTO = "auto"
    UNICODE = "unicode"
    NARROW = "narrow"
    ASCII = "ascii"


class Theme(StrEnum):
    """Choices of ``--theme``."""

    DARK = "dark"
    LIGHT = "light"


def console(
    context: typer.Context,
    words: options.Words = None,
    view: options.View = None,
    server: options.Server = None,
    env: Annotated[
        str | None,
        typer.Option("--env", metavar="NAME", help="An environment of the settings: its daemon, your token, its org."),
    ] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Start a daemon inside this process.")] = False,
    order: Annotated[str, typer.Option(metavar="ORDER", help="Open this order first.")] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="Look only: nothing can be done from here.")] = False,
    theme: Annotated[Theme | None, typer.Option(help="Colours (default: console.theme of the settings).")] = None,
    glyphs: Annotated[
        Glyphs | None,
        typer.Option(
            help="Signs: auto asks the terminal; narrow has none of ambiguous width (default: console.glyphs)."
        ),
    ] = None,
    config: options.Config = None,
    token_file: options.TokenFile = None,
) -> None:
    """Open the screens, attached to a running daemon (or, with --embedded, to one of their own).

    Exit codes: 0 left; 2 wrong options or settings; 4 the daemon works for another org than --env says.
    """
    if sum((server is not None, env is not None, embedded)) > 1:
        raise Failure("--server, --env and --embedded exclude each other: choose one", Exit.USAGE)
    chosen = chosen_view(view, joined(words))
    choice = Choice(
        server=server, env=env, embedded=embedded, config=config, token_file=token_file, theme=theme, glyphs=glyphs,
        read_only=read_only, view=chosen, order=order,
    )  # fmt: skip
    raise typer.Exit(open_window(state_of(context), choice))


@dataclass(frozen=True)
class Choice:
    """What was chosen on the command line; None: as the settings have it."""

    server: str | None = None
    env: str | None = None
    embedded: bool = False
    config: Path | None = None
    token_file: Path | None = None
    theme: Theme | None = None
    glyphs: Glyphs | None = None
    read_only: bool = False
    view: "View | None" = None
    order: str = ""


@dataclass(frozen=True)
class Way:
    """How the daemon is reached. ``address`` is asked for at every attempt: a token file may have changed."""

    address: "Callable[[], Address]"
    own: "OwnDaemon | None" = None
    org_id: str = ""
    read_only: bool = False


def open_window(state: State, choice: Choice) -> int:
    """Run the console until the person leaves; its exit code. Raises Failure."""
    gc.disable()  # nothing that is loaded until the first frame stands is garbage; the console enables it then
    from console.cli.terminal import fitting_glyphs, measured_width, need_terminal
    from console.client.headstart import HeadStart

    way = _way(state, choice)
    need_terminal("portal orders list")
    ahead = [] if choice.embedded else [HeadStart(way.address())]  # for the first client
    from platformdirs import user_state_path

    from console import __version__
    from console.app import run_console
    from console.looks import LooksFile
    from console.observe.crash import CrashReports
    from console.screens.opening import ConsoleOptions

    kept = LooksFile(user_state_path("portal") / "looks.json")
    theme, theme_from, glyphs, glyphs_from = _looks(state, choice, kept.read())

    cells = measured_width() if glyphs == Glyphs.AUTO else None

    def connect() -> "ApiClient":
        from console.client.api import ApiClient

        return ApiClient(way.address(), ahead=ahead.pop() if ahead else None)

    crash = CrashReports(user_state_path("portal") / "crashes", state.redactor, __version__)
    return run_console(
        ConsoleOptions(
            connect=connect, crash=crash, embedded=way.own, theme=theme, order=choice.order, view=choice.view,
            glyphs=fitting_glyphs(state.environ, cells) if glyphs == Glyphs.AUTO else glyphs, environ=state.environ,
            wide=cells > 1 if cells is not None else None,
            read_only=choice.read_only or way.read_only, org_id=way.org_id, looks=kept, looks_from=(theme_from, glyphs_from),
        )
    )  # fmt: skip


def _looks(state: State, choice: Choice, kept: "Looks") -> tuple[str, str, str, str]:
    """Theme, where it came from, signs, where they came from: the command line, what was chosen here, the settings."""
    loaded = state.settings(choice.config)
    own, said = loaded.settings.console, "command line"
    theme, theme_from = f"portal-{own.theme}", loaded.source("console.theme")
    glyphs, glyphs_from = str(own.glyphs), loaded.source("console.glyphs")
    if kept.theme is not None:
        theme, theme_from = kept.theme, "chosen here"
    if kept.glyphs is not None:
        glyphs, glyphs_from = kept.glyphs, "chosen here"
    if choice.theme is not None:
        theme, theme_from = f"portal-{choice.theme}", said
    if choice.glyphs is not None:
        glyphs, glyphs_from = str(choice.glyphs), said
    return theme, theme_from, glyphs, glyphs_from


def _way(state: State, choice: Choice) -> Way:
    """To a daemon of this window, of an environment, or where ``--server`` or the settings say. Raises Failure."""
    if choice.embedded:
        from console.embedded import EmbeddedDaemon

        loaded = state.settings(choice.config, complete=True)
        own = EmbeddedDaemon(loaded.settings, state.redactor, loaded, partial(_elsewhere, state, loaded.settings))
        return Way(lambda: own.address, own)
    if choice.env is not None:
        chosen = _environment(state, choice)
        return Way(_latest(lambda: _address(state, choice, chosen)), None, chosen.org_id, chosen.read_only)
    return Way(
        _latest(lambda: address_of(state, config=choice.config, server=choice.server, token_file=choice.token_file))
    )


def _latest(read: "Callable[[], Address]") -> "Callable[[], Address]":
    """``read``, checked now; later on the last good answer stands in for one that fails."""
    last = [read()]

    def address() -> "Address":
        try:
            last[0] = read()
        except Failure:
            return last[0]  # a token file that is being replaced: the daemon's refusal tells the person
        return last[0]

    return address


def _environment(state: State, choice: Choice) -> "EnvironmentSettings":
    known = state.settings(choice.config).settings.console.environments
    assert choice.env is not None
    if choice.env not in known:
        near = difflib.get_close_matches(choice.env, known, 1)
        names = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
        raise Failure(
            f"--env: there is no [console.environments.{choice.env[:40]}] in the settings; {names}", Exit.USAGE
        )
    return known[choice.env]


def _elsewhere(state: State, settings: "Settings", org_id: str) -> "Address | None":
    """The daemon of an environment with this org; None where there is none, or no token for it."""
    for name, one in settings.console.environments.items():
        if org_id and one.org_id[:15] == org_id[:15]:
            try:
                return _address(state, Choice(env=name), one)
            except Failure:
                continue
    return None


def _address(state: State, choice: Choice, chosen: "EnvironmentSettings") -> "Address":
    from console.client.address import parse_address

    token = read_token(state, choice.token_file or chosen.token_file)
    state.redactor.register(token)
    try:
        return parse_address(chosen.server, token=token, ca_file=chosen.ca_file)
    except ValueError as error:
        raise Failure(f"console.environments.{choice.env}.server: {error}", Exit.USAGE) from error
