import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from console.settings import example_toml, format_duration, load_settings, parse_duration, render_settings
from console.settings.keys import Keys
from console.settings.model import Settings
from console.settings.toml_lines import key_lines


def test_every_value_is_shown_with_its_source_and_secrets_masked(tmp_path: Path) -> None:
    file = tmp_path / "portal.toml"
    file.write_text(
        "[whmcs]\nsecret = 'canary-1'\nlate_after = '20m'\nmarker_fields.11 = 7\nmanual_products = [1, 2]\n"
        "[daemon.users.1000]\nname = 'Aki'\nrole = 'viewer'\n"
    )
    rows = {row.key: (row.value, row.source) for row in render_settings(load_settings(file, {}))}
    assert rows["whmcs.secret"] == ("••••••••", "file portal.toml:2")
    assert rows["whmcs.access_key"] == ("", "default")
    assert rows["whmcs.late_after"] == ("20m", "file portal.toml:3")
    assert rows["whmcs.marker_fields.11"] == ("7", "file portal.toml:4")
    assert rows["whmcs.iccid_fields"] == ("", "default")
    assert rows["whmcs.manual_products"] == ("1, 2", "file portal.toml:5")
    assert rows["daemon.users.1000.role"] == ("viewer", "file portal.toml:8")
    assert rows["engine.parked_customer"] == ("14d", "default")
    assert rows["salesforce.events_enabled"] == ("true", "default")
    assert "canary-1" not in str(rows)


def test_example_is_valid_as_it_stands_and_with_every_key_uncommented(tmp_path: Path) -> None:
    text = example_toml()
    (tmp_path / "portal.toml").write_text(text)
    assert load_settings(tmp_path / "portal.toml", {}).settings == Settings()
    live = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert tomllib.loads(live)["engine"]["retry"]["base"] == "2s"
    (tmp_path / "portal.toml").write_text(live)
    loaded = load_settings(tmp_path / "portal.toml", {})
    assert loaded.settings.whmcs.late_after == Settings().whmcs.late_after
    assert loaded.settings.engine == Settings().engine


def test_example_names_every_key_and_every_key_is_described() -> None:
    live = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", example_toml(), flags=re.MULTILINE))
    for key in Keys(Settings).all:
        assert key.field.description, key.dotted
        branch = live
        for part in key.path:
            branch = branch[next(iter(branch)) if part == "*" else part]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("60s", 60), ("1h", 3600), ("90d", 7776000), ("250ms", 0.25), ("1.5h", 5400), ("7", 7)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "-1s", "1 week", "1h30", "inf", "１５m x"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(text)


def test_lines_of_keys_through_all_of_toml() -> None:
    text = '''\
# comment [not.a.table]
a = """
[fake]
b = 1
"""
[ "quoted.name" . x ] # note
list = [
  1, # y = 2
  2,
]
'single' = { inner = { deep = 1 }, z = 2 }
dotted . key = "a = b"
'''
    lines = key_lines(text)
    assert lines["a",] == 2
    assert lines["quoted.name", "x"] == 6
    assert lines["quoted.name", "x", "list"] == 7
    assert lines["quoted.name", "x", "single", "inner", "deep"] == 11
    assert lines["quoted.name", "x", "dotted", "key"] == 12
    assert ("fake",) not in lines
    assert ("quoted.name", "x", "y") not in lines


def test_import_is_light() -> None:
    code = (
        "import sys, console.settings;"
        "heavy = ('textual', 'fastapi', 'httpx', 'aiohttp', 'simple_salesforce', 'aiosmtplib');"
        "print([name for name in heavy if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
