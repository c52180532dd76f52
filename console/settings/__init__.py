"""Settings: one model; a TOML file, PORTAL_… variables and files of secrets; every value knows where it came from."""

from console.settings.example import example_toml
from console.settings.loading import LoadedSettings, default_file, load_settings
from console.settings.model import Settings
from console.settings.problems import Problem, SettingsError
from console.settings.show import SettingRow, render_settings
from console.settings.values import Role, format_duration, parse_duration

__all__ = [
    "LoadedSettings",
    "Problem",
    "Role",
    "SettingRow",
    "Settings",
    "SettingsError",
    "default_file",
    "example_toml",
    "format_duration",
    "load_settings",
    "parse_duration",
    "render_settings",
]
