import stat
from pathlib import Path

import pytest

from console.client.query import parse, parse_sort
from console.client.views import BUILT_IN, ViewError, Views


@pytest.fixture
def views(tmp_path: Path) -> Views:
    return Views(tmp_path / "state" / "views.json")


def test_what_comes_with_the_program_can_be_read_and_not_changed(views: Views) -> None:
    assert [view.name for view in views.all()] == [view.name for view in BUILT_IN]
    for view in BUILT_IN:
        parse(view.filter, me="mira")
        parse_sort(view.sort)
    assert views.get("hand-OVER").filter == "owner:@me | noted<12h | state:parked until<12h"
    for change in (lambda: views.save("Hand-Over", "state:failed", "number"), lambda: views.remove("hand-over")):
        with pytest.raises(ViewError, match="comes with the program"):
            change()
    assert not views.file.exists()


def test_an_own_view_is_kept_in_a_private_file_and_replaced_by_its_name(views: Views) -> None:
    views.save(" 夜勤  の確認 ", "state:failed 田中", "-amount")
    views.save("夜勤 の確認", "state:parked", "number")
    views.save("ＶＰＮ", "kind:vpn", "-updated")
    again = Views(views.file)
    assert [(view.name, view.filter, view.sort) for view in again.all()][len(BUILT_IN) :] == [
        ("ＶＰＮ", "kind:vpn", "-updated"), ("夜勤 の確認", "state:parked", "number"),
    ]  # fmt: skip
    assert again.get("vpn").filter == "kind:vpn"
    assert stat.S_IMODE(views.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(views.file.parent.stat().st_mode) == 0o700
    again.remove("VPN")
    with pytest.raises(ViewError, match="did you mean 夜勤 の確認"):
        views.get("夜勤")
    with pytest.raises(ViewError, match="known are All orders"):
        views.get("zzzz")


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "bell\x07"])
def test_a_name_that_cannot_be_one_is_refused(views: Views, name: str) -> None:
    with pytest.raises(ViewError, match="printable characters"):
        views.save(name, "", "number")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"views": [{"name": "x"}]}', '{"views": [{"name": "x", "filter": "stat:x"}]}', "\ufffd"]
)
def test_a_file_that_is_none_is_told_and_never_written_over(views: Views, text: str) -> None:
    views.file.parent.mkdir()
    views.file.write_text(text)
    for reach in (views.all, lambda: views.get("Hand-over"), lambda: views.save("mine", "", "number")):
        with pytest.raises(ViewError, match="not a file of views"):
            reach()
    assert views.file.read_text() == text


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ViewError, match="cannot be"):
        Views(tmp_path / "file" / "views.json").save("mine", "", "number")
