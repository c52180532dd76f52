import io
import stat
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.observe.crash import EXIT_CRASH, KEPT, CrashReports, guarded
from console.observe.redact import Redactor
from console.observe.tracebacks import format_error

CANARY = "canary-77aa1"


def reports(folder: Path) -> CrashReports:
    ticks = iter(range(10_000))
    start = datetime(2026, 4, 1, tzinfo=UTC)
    return CrashReports(folder, Redactor([CANARY]), "9.9", lambda: start + timedelta(seconds=next(ticks)))


def crash() -> int:
    local = "canary-local"
    raise LookupError(f"no {CANARY} for hana@example.com {len(local)}")


def test_an_unexpected_error_is_one_sentence_and_a_private_file(tmp_path: Path) -> None:
    stderr = io.StringIO()
    code = guarded(crash, reports(tmp_path / "crashes"), argv=["portal", "--token=hidden-1", CANARY], stderr=stderr)
    assert code == EXIT_CRASH
    (file,) = (tmp_path / "crashes").iterdir()
    said = stderr.getvalue()
    assert said.count("\n") == 1
    assert said.startswith("portal stopped because of an error in itself: LookupError: no")
    assert str(file) in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    text = file.read_text()
    assert "Portal Console 9.9" in text
    assert "in crash" in text
    for secret in (CANARY, "canary-local", "hidden-1", "hana@"):
        assert secret not in text + said


def test_expected_ends(tmp_path: Path) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    def leaves() -> int:
        raise SystemExit(3)

    assert guarded(lambda: 4, reports(tmp_path), argv=[], stderr=io.StringIO()) == 4
    assert guarded(interrupted, reports(tmp_path), argv=[], stderr=io.StringIO()) == 130
    with pytest.raises(SystemExit):
        guarded(leaves, reports(tmp_path), argv=[], stderr=io.StringIO())
    assert list(tmp_path.iterdir()) == []


def test_only_the_newest_are_kept_and_an_unwritable_folder_is_no_second_crash(tmp_path: Path) -> None:
    here = reports(tmp_path / "crashes")
    for _ in range(KEPT + 3):
        newest = here.write(ValueError("x"))
    assert len(list((tmp_path / "crashes").iterdir())) == KEPT
    assert newest.exists()
    (tmp_path / "file").write_text("")
    elsewhere = reports(tmp_path / "file" / "below").write(ValueError("x"))
    assert elsewhere.exists()
    elsewhere.unlink()
    elsewhere.parent.rmdir()


def test_a_crash_that_can_be_written_nowhere_is_a_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    stderr = io.StringIO()
    with monkeypatch.context() as full:
        full.setattr(tempfile, "tempdir", str(tmp_path / "file" / "below"))
        assert guarded(crash, reports(tmp_path / "file" / "below"), argv=[], stderr=stderr) == EXIT_CRASH
    said = stderr.getvalue()
    assert said.startswith("portal stopped because of an error in itself: LookupError: no") and said.count("\n") == 1
    assert "The details could not be written anywhere: Not a directory" in said


def test_a_broken_socket_is_a_crash_but_a_reader_that_left_is_not(tmp_path: Path) -> None:
    def broken() -> int:
        raise BrokenPipeError("a socket")

    assert guarded(broken, reports(tmp_path), argv=[], stderr=io.StringIO()) == EXIT_CRASH
    script = (
        "import sys, pathlib\n"
        "from console.observe.crash import CrashReports, guarded\n"
        "from console.observe.redact import Redactor\n"
        "def main():\n"
        "    for _ in range(100000): print('line')\n"
        "    return 0\n"
        "reports = CrashReports(pathlib.Path(sys.argv[1]), Redactor(), '1')\n"
        "sys.exit(guarded(main, reports, argv=[], stderr=sys.stderr))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "none")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""
    assert not (tmp_path / "none").exists()


def test_groups_and_circular_causes_are_written_once() -> None:
    one = ValueError("one")
    two = RuntimeError("two")
    one.__cause__, two.__cause__ = two, one
    text = format_error(ExceptionGroup("many", [one, KeyError("three")]), Redactor())
    assert text.count("ValueError: one") == 1
    assert text.count("RuntimeError: two") == 1
    assert "KeyError: 'three'" in text
    assert "error 2 of the group" in text


def test_what_python_quotes_of_its_input_is_left_out() -> None:
    """Names and addresses look like nothing that a pattern could find."""
    for bad in (
        lambda: int("Taro Yamada"),
        lambda: float('O\'Brien "x" Shibuya'),
        lambda: dict[str, int]()["Yamada Taro"],
    ):
        with pytest.raises((ValueError, KeyError)) as caught:
            bad()
        text = format_error(caught.value, Redactor()).rpartition("\n    ")[2]
        said = text.splitlines()[-1]
        assert "'…'" in said
        assert not any(word in said for word in ("Taro", "Yamada", "Brien", "Shibuya"))


def test_import_is_light() -> None:
    code = (
        "import sys, console.observe.crash;"
        "print([name for name in ('pydantic', 'structlog', 'httpx', 'textual') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
