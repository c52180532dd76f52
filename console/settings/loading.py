"""From sources to settings: PORTAL_… environment > secret files > TOML file > default."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path
from pydantic import BaseModel, SecretStr

from console.settings.checking import missing, validate
from console.settings.keys import Keys
from console.settings.merging import merge
from console.settings.model import Settings
from console.settings.problems import Problem, SettingsError
from console.settings.sources import from_environment, from_toml, read_secret, split_secret_files

DEFAULT = "default"


@dataclass(frozen=True)
class LoadedSettings:
    """The settings, and for each dotted key where its value came from; ``file`` is the TOML file that was read."""

    settings: Settings
    provenance: Mapping[str, str]
    file: Path | None

    def source(self, dotted: str) -> str:
        return self.provenance.get(dotted, DEFAULT)

    def secrets(self) -> frozenset[str]:
        """Every secret value, for the redactor."""
        return frozenset(_secrets(self.settings))


def default_file() -> Path:
    """Where the settings are looked for without --config."""
    return user_config_path("portal") / "portal.toml"


def load_settings(
    config: Path | None, environ: Mapping[str, str], *, complete: bool = False, base: Path | None = None
) -> LoadedSettings:
    """Read all sources. ``complete``: what a daemon needs and is not set is a problem, too.

    ``config`` None reads the default file if there is one. Relative paths in the file are relative to its folder, those
    in variables to ``base`` (default: the working folder). Raises SettingsError with every problem there is.
    """
    problems: list[Problem] = []
    keys = Keys(Settings)
    file = config or (default_file() if default_file().is_file() else None)
    from_file = from_toml(file, problems) if file else []
    from_env = from_environment(environ, base or Path.cwd())
    plain_file, secret_file = split_secret_files(from_file, keys)
    plain_env, secret_env = split_secret_files(from_env, keys)
    read = [found for given in (*secret_file, *secret_env) if (found := read_secret(given, problems))]
    merged = merge([*plain_file, *read, *plain_env], keys, problems)
    settings = validate(merged, problems)
    if complete:
        problems += missing(merged, file, {problem.key for problem in problems})
    if problems or settings is None:
        raise SettingsError(problems)
    return LoadedSettings(settings, {given.dotted: given.source for given in merged.values()}, file)


def _secrets(model: BaseModel) -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _secrets(value)
        elif isinstance(value, SecretStr) and value.get_secret_value():
            yield value.get_secret_value()
