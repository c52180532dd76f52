"""``--help`` is quick because it loads nothing: counted in modules, not in time."""

import re
import subprocess
import sys

import pytest

HEAVY = {
    "textual", "fastapi", "starlette", "uvicorn", "httpx", "aiohttp", "requests", "simple_salesforce", "aiosfstream",
    "aiosmtplib", "aiosmtpd", "cryptography", "pydantic_settings", "sqlite_utils", "structlog", "jinja2",
    "rich", "integrations.sandbox", "console.api", "console.app", "console.daemon", "console.engine", "console.client",
}  # fmt: skip
MOST = 500  # Python's own and, where options are converted, pydantic (typer's choice) included


def loaded_by(*arguments: str) -> set[str]:
    """The modules that ``portal …`` imports, as Python itself tells them."""
    code = f"import sys; from console.__main__ import main; sys.exit(main({list(arguments)!r}))"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("daemon", "--help"), ("settings", "show", "--help")]
)
def test_help_and_version_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    modules = loaded_by(*arguments)
    assert "console.cli.app" in modules
    assert not {name for name in modules if name in HEAVY or name.split(".")[0] in HEAVY}
    assert len(modules) < MOST


def test_control_a_verb_that_works_loads_more() -> None:
    assert "pydantic_settings" in loaded_by("settings", "example")
