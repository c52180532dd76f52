"""Where values come from: the TOML file, files of secrets, the environment."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.settings.keys import Key, KeyPath, Keys
from console.settings.problems import Problem
from console.settings.toml_lines import key_lines

PREFIX = "PORTAL_"
ALIASES = {"SF_EVENTS_ENABLED": ("salesforce", "events_enabled")}
# Read by the command line itself, and what Kubernetes sets for a service that happens to be called "portal".
NOT_SETTINGS = re.compile(
    r"PORTAL_(CONFIG|SERVER|TOKEN|TOKEN_FILE|SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d+_(TCP|UDP)\w*)"
)


@dataclass(frozen=True)
class Given:
    """One value as found. ``source`` is shown by `portal settings show`, ``place`` stands in front of a problem."""

    path: KeyPath
    value: Any
    source: str
    place: str
    base: Path  # what relative paths are relative to
    is_text: bool = False  # a variable's text, still to be read as the shape of its key

    @property
    def dotted(self) -> str:
        return ".".join(self.path)


def from_toml(file: Path, problems: list[Problem]) -> list[Given]:
    """The values of a TOML file."""
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        problems.append(Problem(str(file), "", f"cannot be read: {error.strerror or error}"))
    except UnicodeDecodeError:
        problems.append(Problem(str(file), "", "is not UTF-8 text"))
    except tomllib.TOMLDecodeError as error:
        told = re.search(r"at line (\d+)", str(error))
        line = int(told[1]) if told else len(text.splitlines()) or 1  # else "(at end of document)"
        problems.append(Problem(f"{file}:{line}", "", f"is not TOML: {error}"))
    else:
        lines = key_lines(text)
        base = file.resolve().parent
        return [_from_line(path, value, file, lines.get(path, 0), base) for path, value in leaves(content, ())]
    return []


def _from_line(path: KeyPath, value: Any, file: Path, line: int, base: Path) -> Given:
    return Given(path, value, f"file {file.name}:{line}", f"{file}:{line}", base)


def leaves(content: Mapping[str, Any], prefix: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """(path, value) of everything below ``content`` that is not itself a table."""
    for name, value in content.items():
        path = (*prefix, name)
        if isinstance(value, dict):
            yield from leaves(value, path)
        else:
            yield path, value


def from_environment(environ: Mapping[str, str], base: Path) -> list[Given]:
    """The values of PORTAL_SECTION__KEY variables; the full name wins over an alias."""
    found = [
        Given(path, environ[name], f"env {name}", name, base, is_text=True)
        for name, path in ALIASES.items()
        if name in environ
    ]
    for name, value in environ.items():
        upper = name.upper()
        if upper.startswith(PREFIX) and not NOT_SETTINGS.fullmatch(upper):
            path = tuple(name[len(PREFIX) :].lower().split("__"))
            found.append(Given(path, value, f"env {name}", name, base, is_text=True))
    return found


def decode_text(given: Given, key: Key) -> Any:
    """A variable's text as the shape of its key: lists as JSON or comma-separated, mappings as JSON.

    Raises ValueError for JSON that is none.
    """
    text = given.value.strip()
    if key.is_mapping and given.path == key.path:
        decoded = json.loads(text or "{}")
        if not isinstance(decoded, dict):
            raise ValueError("not a JSON object")
        return decoded
    if key.is_list:
        return json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    return text


def split_secret_files(found: list[Given], keys: Keys) -> tuple[list[Given], list[Given]]:
    """(plain values, secret files): ``x_file`` names a file wherever ``x`` is a secret."""
    plain: list[Given] = []
    files: list[Given] = []
    for given in found:
        stem = (*given.path[:-1], given.path[-1].removesuffix("_file"))
        secret = keys.find(stem) if stem != given.path else None
        (files if secret and secret.is_secret else plain).append(given)
    return plain, files


def read_secret(given: Given, problems: list[Problem]) -> Given | None:
    """The secret in the file that ``given`` names, without the line end; None for an empty name or after a problem."""
    path = (*given.path[:-1], given.path[-1].removesuffix("_file"))
    if given.value == "":
        return None
    if not isinstance(given.value, str):
        problems.append(Problem(given.place, given.dotted, "must be the path of a file"))
        return None
    file = given.base / Path(given.value).expanduser()
    try:
        secret = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        problems.append(Problem(given.place, given.dotted, f"cannot read {file}: {reason}"))
        return None
    if not secret:
        problems.append(Problem(given.place, given.dotted, f"{file} is empty"))
        return None
    return Given(path, secret, f"secret file {file} ({given.source})", given.place, given.base)
