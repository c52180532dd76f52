"""What goes wrong is said in one sentence with the remedy, and what came from outside never steers the terminal."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from console.cli.output import Column, Form, Output, ago
from console.written import as_json, csv_cell, plain
from tests.console.cli.conftest import Here
from tests.console.cli.processes import environment, portal

EVIL = "\x1b[31mred\x07\u202e\u2066\x9b2J\r\nnext"


def test_unknown_verb_and_option_and_value_name_what_is_wrong(here: Here) -> None:
    for arguments, said in (
        (("ordres",), "ordres"),
        (("sandbox", "--sed", "1"), "--sed"),
        (("sandbox", "--dir", "x", "--seed", "abc"), "--seed"),
        (("restore",), "FILE"),
    ):
        ended = here(*arguments)
        assert ended.code == 2
        assert said in ended.err
        assert "try: portal" in ended.err
        assert "Traceback" not in ended.err
        assert ended.out == ""


def test_control_characters_in_arguments_do_not_reach_the_terminal(tmp_path: Path) -> None:
    for arguments in ((EVIL,), ("settings", "show", "--config", EVIL), ("backup", "x", "--" + EVIL)):
        ended = portal(tmp_path, *arguments)
        assert ended.code == 2, arguments
        assert not set(ended.err) & set("\x1b\x07\u202e\u2066\x9b\r")
        assert "red" in ended.err


def test_an_argument_of_ten_thousand_characters_is_cut(here: Here) -> None:
    ended = here("x" * 10_000)
    assert ended.code == 2
    assert len(ended.err) < 3000


def test_every_problem_of_the_settings_is_told_at_once(here: Here, tmp_path: Path) -> None:
    (tmp_path / "portal.toml").write_text(
        '[whmcs]\nurll = "https://x.example"\nlate_after = "soon"\n[salsforce]\na = 1\n'
    )
    ended = here("settings", "check", "--config", "portal.toml")
    assert ended.code == 2
    assert "portal.toml:2" in ended.err and "did you mean whmcs.url" in ended.err
    assert "portal.toml:3" in ended.err and "duration" in ended.err
    assert "salsforce" in ended.err
    assert "esim.requester_id: is not set" in ended.err
    assert "•" not in ended.err  # names of keys are no secrets


def test_a_settings_file_that_is_not_there(here: Here) -> None:
    ended = here("settings", "show", "--config", "none.toml")
    assert (ended.code, "none.toml" in ended.err) == (2, True)


def test_settings_show_masks_secrets_in_every_form(here: Here, tmp_path: Path) -> None:
    (tmp_path / "portal.toml").write_text('[whmcs]\nsecret = "canary-5231-secret"\nurl = "https://w.example"\n')
    for form in ((), ("--json",), ("--csv",)):
        ended = here("settings", "show", "whmcs", "--config", "portal.toml", *form)
        assert ended.code == 0
        assert "canary" not in ended.out
        assert "https://w.example" in ended.out
        assert "portal.toml:3" in ended.out
    assert here("settings", "show", "nothing.begins", "--config", "portal.toml").code == 1


def test_the_example_is_a_settings_file(here: Here, tmp_path: Path) -> None:
    example = here("settings", "example").out
    (tmp_path / "portal.toml").write_text(example)
    assert here("settings", "show", "--config", "portal.toml").code == 0


def test_json_and_csv_exclude_each_other(here: Here) -> None:
    assert here("settings", "show", "--json", "--csv").code == 2


def test_a_defect_ends_in_one_sentence_and_a_private_file(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import console.settings.example as e\ndef broken():\n    raise ZeroDivisionError('canary')\n"
        "import console.settings\nconsole.settings.example_toml = broken\n"
    )
    usual = environment(tmp_path)
    env = {**usual, "PYTHONPATH": f"{tmp_path}{os.pathsep}{usual['PYTHONPATH']}"}
    ended = portal(tmp_path, "settings", "example", env=env)
    assert ended.code == 70
    assert "Traceback" not in ended.err and len(ended.err.splitlines()) == 1
    reports = list((tmp_path / "state").rglob("crash-*.txt"))
    assert len(reports) == 1 and str(reports[0]) in ended.err
    assert reports[0].stat().st_mode & 0o777 == 0o600
    assert "ZeroDivisionError" in reports[0].read_text()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1"])
def test_no_csv_cell_is_a_formula(text: str) -> None:
    assert csv_cell(text).startswith("'")


def test_numbers_stay_numbers_in_csv() -> None:
    assert csv_cell(-5) == -5
    assert csv_cell("5") == "5"
    assert csv_cell(None) == ""


def rendered(form: Form) -> str:
    out = io.StringIO()
    columns = (Column("name", "Name"), Column("n", "N", right=True))
    Output(form, out, out).rows(
        columns, [{"name": f"田中 [red]{EVIL}", "n": 1}, {"name": '=HYPERLINK("x")', "n": None}]
    )
    return out.getvalue()


def test_rows_in_each_form_hold_no_control_characters() -> None:
    for form in Form:
        assert not set(rendered(form)) & set("\x1b\x07\u202e\u2066\x9b\r"), form
    assert "[red]" in rendered(Form.TABLE)
    assert json.loads(rendered(Form.JSON))[0]["name"] == f"田中 [red]{EVIL}"
    rows = list(csv.reader(io.StringIO(rendered(Form.CSV))))
    assert rows[0] == ["name", "n"]
    assert rows[2] == ['\'=HYPERLINK("x")', ""]


def test_plain_words_and_durations() -> None:
    assert plain(["a", 1, None, True]) == "a, 1, , yes"
    assert plain({"a": 1}) == "a 1"
    assert as_json({"a": "\u2028x"}) == '{"a": "\\u2028x"}' or as_json({"a": "\u2028x"}) == '{"a": "\u2028x"}'
    assert [ago(s) for s in (0.4, 59, 60, 7200, 172800)] == ["0s", "59s", "1m", "2h", "2d"]
