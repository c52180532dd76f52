"""The project as a stranger gets it: the wheel is whole, the pins are plain, the documents name what exists."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from console.cli.app import make_app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")
# Spelled so that this file does not hold what it looks for.
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted",
    "npm" + "js",
    "deb." + "debian",
    "/opt/" + "wheels",
    "/opt/" + "pypi",
)
MACHINE = re.compile(r"(?<![\w.])/(?:work|root)/\w")
SOURCES = ("console", "integrations", "storage", "styles")
pins_python = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11) or sys.platform != "linux",
    reason="the pins are made with Python 3.11 on Linux: elsewhere packages need others",
)


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _files() -> list[Path]:
    """Everything under version control that is text."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files belong to the project cannot be told")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


# The wheel ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make wheel` does, from a copy, so that the checkout stays as it is."""
    source = tmp_path_factory.mktemp("source")
    for name in (*SOURCES, "pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        here, there = ROOT / name, source / name
        if here.is_dir():
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, there)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (source / "dist").glob("*.whl")
    return built


def test_the_wheel_carries_everything_that_is_not_code(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    beside_code = [
        path.relative_to(ROOT).as_posix()
        for room in SOURCES
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    for kind in (".tcss", ".j2", ".sql", "-meta.xml", ".service", "sfdx-project.json"):
        assert any(name.endswith(kind) for name in beside_code), f"the sources have no {kind}"
    assert sorted(set(beside_code) - names) == []


def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(SOURCES)


def test_the_wheel_works_from_any_directory(wheel: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import console, styles, storage.migrate\n"
        "from importlib.resources import files\n"
        "from integrations.salesforce.package import load_package\n"
        "from integrations.mail import templates\n"
        "assert console.__file__.startswith(sys.argv[1])\n"
        "assert storage.migrate.migration_names() and load_package().objects\n"
        "assert any(f.name.endswith('.tcss') for f in files('styles').iterdir())\n"
        "from console.cli.main import main\n"
        "sys.exit(main(['--version']))\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-P", "-c", script, str(unpacked)]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("portal ")


def test_the_script_is_called_portal(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "portal = console.__main__:main" in archive.read(entry_points).decode()


# Pins -----------------------------------------------------------------------------------------------------------------


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines)


def test_every_pin_is_a_name_and_a_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wrong = [line for line in lines if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*==[0-9][0-9a-z.+]*", line)]
    assert wrong == []
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(set(names))


def _required() -> Iterator[str]:
    """Names of all that the project's dependencies and extras pull in, here."""
    project = _pyproject()["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    wanted += [Requirement(text) for extra in project["optional-dependencies"].values() for text in extra]
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        one = wanted.pop()
        extras = frozenset(one.extras)
        if one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        name = canonicalize_name(one.name)
        if (name, extras) in seen or name == "pip":
            continue
        seen.add((name, extras))
        yield name
        for text in distribution(name).requires or []:
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                wanted.append(Requirement(text.split(";")[0]))


@pins_python
def test_everything_that_is_needed_is_pinned_and_nothing_else() -> None:
    pins, required = _pins(), set(_required())
    assert sorted(required - set(pins)) == []
    assert sorted(set(pins) - required) == []


@pins_python
def test_the_pins_are_what_the_tests_run_with() -> None:
    other = {name: (pinned, version(name)) for name, pinned in _pins().items() if version(name) != pinned}
    assert other == {}


def test_the_pins_fit_the_project() -> None:
    project = _pyproject()["project"]
    wanted = [
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
    ]
    pins = _pins()
    outside = [
        text for text in wanted if not Requirement(text).specifier.contains(pins[canonicalize_name(Requirement(text).name)])
    ]  # fmt: skip
    assert outside == []


# What must not stand in any file --------------------------------------------------------------------------------------


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in _files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if not any(name in text for name in REGISTRIES) and not MACHINE.search(text):
            continue  # most files: reading them line by line takes long
        for number, line in enumerate(text.splitlines(), 1):
            if any(name in line for name in REGISTRIES) or MACHINE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


# The documents --------------------------------------------------------------------------------------------------------


def _commands() -> list[tuple[str, list[str]]]:
    """Every `portal …` of the documents' code blocks: where, and its words."""
    found = []
    for name in DOCUMENTS:
        blocks = re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
        for line in "".join(blocks).splitlines():
            if line.startswith("portal "):
                found.append((f"{name}: {line}", shlex.split(line, comments=True)[1:]))
    return found


@pytest.mark.parametrize(("where", "words"), _commands())
def test_every_command_of_the_documents_exists(where: str, words: list[str]) -> None:
    command: Any = typer.main.get_command(make_app())
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{where}: there is no verb {words[0]}"
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    assert unknown == [], where


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_readme_begins_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^ {4}(make \w+)$", text, re.MULTILINE)
    assert blocks[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("name", [*DOCUMENTS, ".ci/run"])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^ *)make (\w+)", text, re.MULTILINE))
    assert named
    assert named <= _targets()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    rooms = ("console", "integrations", "storage", "styles", "tests", ".ci")
    paths = [word for word in re.findall(r"`([\w./-]+)`", text) if word.partition("/")[0] in rooms]
    made = ("tests/screens",)
    assert [path for path in (*links, *paths) if not (ROOT / path).exists() and path not in made] == []


def test_ci_calls_the_checks_and_the_readmes_test_command() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert re.findall(r"^ *(?:if ! )?make (\w+)", text, re.MULTILINE) == ["venv", "ready", "check", "test", "failed"]
    assert script.stat().st_mode & 0o111


def test_the_changelog_has_this_version_or_unreleased_changes() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings
    assert headings[0] in ("Unreleased", version("portal-console"))
