"""What may import what, proved in processes of their own; and every SQL statement stands in storage (architecture §3)."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LISTING = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(json.dumps(sorted(sys.modules)))"
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


def loaded_by(*names: str) -> set[str]:
    """Everything that a fresh interpreter has loaded after importing ``names``."""
    ran = subprocess.run(
        [sys.executable, "-c", LISTING, *names], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout))


def below(loaded: set[str], *packages: str) -> set[str]:
    return {name for name in loaded for package in packages if name == package or name.startswith(package + ".")}


def test_nothing_behind_the_screens_loads_textual() -> None:
    assert below(loaded_by(*modules_of(*NO_SCREEN)), "textual") == set()


def test_the_engine_knows_no_api() -> None:
    assert below(loaded_by(*modules_of("console/engine", "storage", "integrations")), "fastapi", "console.api") == set()


@pytest.mark.parametrize("folder", ["integrations", "storage"])
def test_the_ground_floor_knows_nobody_above(folder: str) -> None:
    other = {"integrations": "storage", "storage": "integrations"}[folder]
    assert below(loaded_by(*modules_of(folder)), "console", other) == set()


def test_the_products_clients_never_load_the_sandbox() -> None:
    names = [name for name in modules_of("integrations") if not name.startswith("integrations.sandbox")]
    assert below(loaded_by(*names), "integrations.sandbox") == set()


def test_screens_know_the_client_only() -> None:
    names = modules_of(*(folder for folder in SCREENS if (ROOT / folder).exists()))
    names += ["console.app"] if (ROOT / "console/app.py").exists() else []
    assert below(loaded_by(*names), "storage", "integrations", "console.engine", "console.api") == set()


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(asked: str) -> None:
    code = (
        "import sys, json\nfrom console.__main__ import main\nsys.argv = ['portal', sys.argv[1]]\n"
        "try: main()\nexcept SystemExit: pass\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, asked], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
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
