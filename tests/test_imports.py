"""What may import what, proved in processes of their own; and every SQL statement stands in storage (architecture §3)."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What stands in one interpreter after the first of the given groups of modules, after the second too, and so on.
LISTING = """
import importlib, json, sys
for group in json.loads(sys.argv[1]):
    for name in group:
        importlib.import_module(name)
    print(json.dumps(sorted(sys.modules)))
"""
NO_SCREEN = (
    "console/engine",
    "console/api",
    "console/client",
    "console/commands",
    "console/cli",
    "integrations",
    "storage",
)
SCREENS = ("console/screens", "console/widgets")
SQL = re.compile(
    r"""\.execute(?:many|script)?\(\s*f?["']+\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|WITH)\b""", re.I
)


def modules_of(*folders: str) -> list[str]:
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files)
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def loaded_by(*groups: list[str]) -> list[set[str]]:
    """Everything that a fresh interpreter has loaded after importing each group in turn."""
    ran = subprocess.run(
        [sys.executable, "-c", LISTING, json.dumps(groups)], capture_output=True, text=True, check=False, cwd=ROOT,
        timeout=110,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return [set(json.loads(line)) for line in ran.stdout.splitlines()]


def below(loaded: set[str], *packages: str) -> set[str]:
    return {name for name in loaded for package in packages if name == package or name.startswith(package + ".")}


def test_no_floor_loads_what_stands_above_it() -> None:
    """One interpreter climbs: what a lower floor has loaded is loaded on the next one too."""
    integrations = modules_of("integrations")
    clients = [name for name in integrations if not name.startswith("integrations.sandbox")]
    after_clients, after_integrations, after_engine, behind_screens = loaded_by(
        clients, integrations, modules_of("console/engine", "storage"), modules_of(*NO_SCREEN)
    )
    assert "integrations.sandbox.server" in after_integrations and "console.api.app" in behind_screens
    assert below(after_clients, "integrations.sandbox") == set(), "the product's clients never load the sandbox"
    assert below(after_integrations, "console", "storage") == set(), "the ground floor knows nobody above"
    assert below(after_engine, "fastapi", "console.api") == set(), "the engine knows no API"
    assert below(behind_screens, "textual") == set(), "nothing behind the screens loads Textual"


def test_storage_knows_nobody() -> None:
    [loaded] = loaded_by(modules_of("storage"))
    assert below(loaded, "console", "integrations") == set()


def test_screens_know_the_client_only() -> None:
    names = modules_of(*(folder for folder in SCREENS if (ROOT / folder).exists()))
    names += ["console.app"] if (ROOT / "console/app.py").exists() else []
    [loaded] = loaded_by(names)
    assert below(loaded, "storage", "integrations", "console.engine", "console.api") == set()


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(asked: str) -> None:
    code = (
        "import sys, json\nfrom console.__main__ import main\nsys.argv = ['portal', sys.argv[1]]\n"
        "try: main()\nexcept SystemExit: pass\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, asked], capture_output=True, text=True, check=False, cwd=ROOT, timeout=110
    )
    loaded = set(json.loads(ran.stderr.splitlines()[-1]))
    assert ran.stdout
    assert below(loaded, "textual", "fastapi", "httpx", "simple_salesforce") == set()


def statements(path: Path) -> list[str]:
    return SQL.findall(path.read_text(encoding="utf-8"))


def test_every_sql_statement_stands_in_storage() -> None:
    """The sandbox is another program with a file of its own."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("console", "integrations", "styles")
        for path in (ROOT / folder).rglob("*.py")
        if "sandbox" not in path.parts and statements(path)
    }
    assert found == set()


def test_that_search_finds_statements() -> None:
    assert statements(ROOT / "storage" / "runs.py")
