from pathlib import Path

import pytest

import console
from console.commands.tabled import documented

README = Path(console.__file__).parents[1] / "README.md"


def test_the_readme_lists_the_commands_of_today(request: pytest.FixtureRequest) -> None:
    """Written anew with ``--accept-screens``."""
    text = README.read_text(encoding="utf-8")
    if request.config.getoption("--accept-screens"):
        README.write_text(documented(text), encoding="utf-8")
        return
    assert documented(text) == text, "the commands changed: write the table anew with --accept-screens"


def test_a_text_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- commands -->"):
        documented("no table here")
