"""Copying: the terminal's clipboard by OSC 52, words about what became of it, and a file where it does not get there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from console.widgets.cells import literal_lines
from console.widgets.glyphs import Glyphs
from console.widgets.question import Question
from console.written import write_private

ASKING = 0.5  # seconds tmux has to say how it is set
KEPT = 20
_TAKES_IT = ("xterm-kitty", "foot", "alacritty", "wezterm", "xterm-ghostty")
_TAKES_IT_PROGRAMS = ("WezTerm", "ghostty", "vscode", "Hyper", "rio")
_NEVER = {"linux": "the Linux console has no clipboard", "vt100": "this terminal has no clipboard", "dumb": "this terminal has no clipboard"}  # fmt: skip


class Reach(StrEnum):
    """Does what is sent to the terminal get to a clipboard?"""

    YES = "yes"
    UNKNOWN = "unknown"
    NO = "no"


@dataclass(frozen=True)
class Way:
    """``words``: where a copy ends up, or why it does not."""

    reach: Reach
    words: str


async def way_out(environ: Mapping[str, str]) -> Way:
    """What is known of this terminal. In tmux it is asked; over ssh only the terminal's name tells."""
    if environ.get("TMUX"):
        return await _through_tmux()
    if environ.get("STY"):
        return Way(Reach.NO, "GNU screen passes no copy on to the terminal")
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if term in _NEVER:
        return Way(Reach.NO, _NEVER[term])
    if program == "Apple_Terminal":
        return Way(Reach.NO, "Terminal.app takes no copy from programs")
    if environ.get("WT_SESSION") or environ.get("KITTY_WINDOW_ID") or program in _TAKES_IT_PROGRAMS or term.startswith(_TAKES_IT):  # fmt: skip
        return Way(Reach.YES, "it is in the clipboard of the terminal's machine")
    return Way(Reach.UNKNOWN, "whether the terminal took it cannot be seen from here")


async def _through_tmux() -> Way:
    """With ``set-clipboard on`` tmux takes it and hands it on; by default (``external``) it drops it."""
    try:
        asked = await asyncio.create_subprocess_exec(
            "tmux", "show-options", "-sv", "set-clipboard",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return Way(Reach.UNKNOWN, "tmux could not be asked whether it passes copies on")
    try:
        said, _ = await asyncio.wait_for(asked.communicate(), ASKING)
    except TimeoutError:
        asked.kill()
        await asked.wait()
        return Way(Reach.UNKNOWN, "tmux did not say whether it passes copies on")
    setting = said.decode(errors="replace").strip()
    if setting == "on":
        return Way(Reach.YES, "it is in tmux's buffer and was handed on to the terminal")
    return Way(
        Reach.NO,
        f"tmux is set to set-clipboard {setting or 'off'} and drops it; `tmux set -s set-clipboard on` changes that",
    )


def save(folder: Path, text: str, now: datetime | None = None) -> Path:
    """Write ``text`` into a new file of mode 0600 and forget all but the newest ones. Raises OSError."""
    moment = now or datetime.now(UTC)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"copy-{moment:%Y%m%dT%H%M%S%fZ}.txt"
    write_private(file, literal_lines(text) + "\n")
    for old in sorted(folder.glob("copy-*.txt"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return file


class Clipboard:
    """``offer`` asks a person (what, why not copied, text) whether to save; ``tell`` says a sentence with its severity."""

    def __init__(
        self, environ: Mapping[str, str], folder: Path, tell: Callable[[str, str], None],
        offer: Callable[[str, str, str], Awaitable[bool]],
    ) -> None:  # fmt: skip
        self._environ, self._folder, self._tell, self._offer = environ, folder, tell, offer
        self._last = ""

    async def say(self, text: str, what: str) -> None:
        """Say what became of ``text``, which was just sent to the terminal."""
        self._last = text
        way = await way_out(self._environ)
        if way.reach is Reach.YES:
            self._tell(f"Copied the {what}: {way.words}.", "information")
        elif way.reach is Reach.UNKNOWN:
            self._tell(f"Sent the {what} to the clipboard: {way.words}. :save writes it to a file.", "information")
        elif await self._offer(what, way.words, text):
            self.save()

    def save(self) -> None:
        """Write what was copied last into a private file."""
        if not self._last:
            self._tell("Nothing has been copied yet.", "warning")
            return
        try:
            file = save(self._folder, self._last)
        except OSError as error:
            self._tell(f"The copy could not be saved: {error.strerror or error}", "error")
        else:
            self._tell(f"Saved in {file}", "information")


def question(glyphs: Glyphs, what: str, why: str, text: str) -> Question:
    """The text that no clipboard took: it can be read there, or saved."""
    said = [(f"Not copied: {why}.", "warn"), (text, "plain")]
    return Question(glyphs, f"Copy {what}", said, yes="Save to a file", no="Close")
