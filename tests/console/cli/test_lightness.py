"""``--help`` is quick because it loads nothing: counted in modules, not in time."""

import re
import subprocess
import sys

import pytest

HEAVY = {
    "textual", "fastapi", "starlette", "uvicorn", "httpx", "aiohttp", "requests", "simple_salesforce", "aiosfstream",
    "aiosmtplib", "aiosmtpd", "cryptography", "console.settings.model", "sqlite_utils", "structlog", "jinja2",
    "rich", "integrations.sandbox", "console.api", "console.app", "console.daemon", "console.engine", "console.client",
}  # fmt: skip
MOST = 500  # Python's own and, where options are converted, pydantic (typer's choice) included


NEVER_OF_A_DAEMON = {"rich", "pygments", "textual", "sqlite_utils", "zeep", "pydantic.v1", "fastapi.openapi.models"}


def loaded_by(*arguments: str) -> set[str]:
    """The modules that ``portal …`` imports, as Python itself tells them."""
    code = f"import sys; from console.__main__ import main; sys.exit(main({list(arguments)!r}))"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, encoding="utf-8", timeout=200
    )
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("--help",), ("daemon", "--help"), ("console", "--help"), ("settings", "show", "--help")],
)
def test_help_and_version_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    modules = loaded_by(*arguments)
    assert "console.cli.root" in modules
    assert ("console.cli.app" in modules) is (arguments[0] not in ("daemon", "console"))
    assert not {name for name in modules if name in HEAVY or name.split(".")[0] in HEAVY}
    assert len(modules) < MOST


def test_control_a_verb_that_works_loads_more() -> None:
    assert "console.settings.model" in loaded_by("settings", "example")


def test_a_daemon_loads_nothing_that_it_never_uses() -> None:
    """And still describes itself to whoever asks, with what it then loads."""
    code = """
import sys
from console.daemon.lean import names_only, without_the_unused
with without_the_unused():
    with names_only():
        import console.daemon.serve
    loaded = sorted(name for name, module in sys.modules.items() if module is not None)
    from fastapi import FastAPI
    from console.api.app import ROUTERS
    from console.api.contract import make_contract
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    contract = make_contract(app)
assert sys.modules.get("rich", 1) and len(contract["paths"]) > 20, contract
print(*loaded)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=200)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "fastapi.routing" in loaded and "structlog" in loaded
    assert not loaded & NEVER_OF_A_DAEMON
