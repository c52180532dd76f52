"""The terminal is asked how wide it draws a sign of ambiguous width; one that says nothing is judged by its locale."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

import console
from tests.console.cli.processes import environment, portal

ASK = (
    "import os, sys; from console.cli import terminal; terminal.ANSWERS = float(sys.argv[1]);"
    " print('set:', terminal.fitting_glyphs(os.environ, terminal.measured_width()), flush=True)"
)
LONG, SHORT = "60", "0.2"  # seconds for an answer that comes, however busy the machine is, and for one that never does


def chosen(folder: Path, answer: bytes, **more: str) -> str:
    """The set chosen in a terminal that answers the question for its cursor so."""
    there, here = pty.openpty()
    env = {**environment(folder), "PYTHONPATH": str(Path(console.__file__).parents[1]), "PYTHONIOENCODING": "utf-8", "LANG": "C.UTF-8", **more}  # fmt: skip
    env.pop("LC_ALL", None)
    patience = LONG if answer else SHORT
    process = subprocess.Popen([sys.executable, "-c", ASK, patience], stdin=here, stdout=here, stderr=here, env=env)
    os.close(here)
    said, end = b"", time.monotonic() + 60
    try:
        while b"set: " not in said or not said.endswith(b"\n"):
            assert time.monotonic() < end, said
            if not select.select([there], [], [], 0.5)[0]:
                continue
            said += os.read(there, 1024)
            if answer and b"\x1b[6n" in said:
                os.write(there, answer)
                answer = b""
    finally:
        process.wait(60)
        os.close(there)
    return said.rpartition(b"set: ")[2].decode().strip()


@pytest.mark.parametrize(
    ("answer", "locale", "glyphs"),
    [
        (b"\x1b[1;2R", "C.UTF-8", "unicode"),
        (b"\x1b[1;3R", "C.UTF-8", "narrow"),
        (b"", "C.UTF-8", "unicode"),
        (b"", "ja_JP.UTF-8", "narrow"),
        (b"\x1b[1;2R", "ja_JP.UTF-8", "unicode"),
    ],
)
def test_the_terminal_says_or_the_locale_does(tmp_path: Path, answer: bytes, locale: str, glyphs: str) -> None:
    assert chosen(tmp_path, answer, LANG=locale) == glyphs


def test_a_terminal_without_utf_8_gets_ascii(tmp_path: Path) -> None:
    assert chosen(tmp_path, b"", PYTHONIOENCODING="ascii") == "ascii"


def test_an_environment_that_is_not_known_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "portal.toml").write_text(
        "[console.environments.staging]\nserver = 'https://x:1'\norg_id = '00D000000000001AAA'\n"
    )
    ended = portal(tmp_path, "console", "--config", "portal.toml", "--env", "stagin")
    assert ended.code == 2
    assert "did you mean staging?" in ended.err


def test_an_environment_excludes_a_server(tmp_path: Path) -> None:
    ended = portal(tmp_path, "console", "--env", "a", "--server", "https://x:1")
    assert ended.code == 2
    assert "exclude each other" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stat:failed"], 'filter: there is no field "stat"; did you mean state? (at character 1)'),
        (["state:failed", 'cause:"no'], "filter: the quotation mark is not closed (at character 20)"),
    ],
)
def test_a_filter_that_cannot_be_read_is_told_before_the_screen_opens(
    tmp_path: Path, words: list[str], said: str
) -> None:
    ended = portal(tmp_path, "console", *words)
    assert ended.code == 2 and ended.err.strip() == said


@pytest.mark.parametrize(("verb", "instead"), [("console", "portal orders list"), ("demo", "portal demo --headless")])
def test_without_a_terminal_it_says_what_to_use_instead(tmp_path: Path, verb: str, instead: str) -> None:
    ended = portal(tmp_path, verb, env=environment(tmp_path))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("the console needs a terminal, and standard input") and instead in ended.err
