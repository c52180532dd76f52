"""Files that leave the program."""

import subprocess
import sys
from pathlib import Path

import pytest

from console.written import write_private


def test_a_private_file_is_new_and_only_ours(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    write_private(file, "number\n10480\n")
    assert file.read_text() == "number\n10480\n" and file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_private(file, "other")
    assert file.read_text() == "number\n10480\n"


@pytest.mark.parametrize("size", [20_000, 40])
def test_nothing_stays_of_a_file_for_which_there_is_no_room(tmp_path: Path, size: int) -> None:
    """Half of an export would look like all of it."""
    file = tmp_path / "orders.csv"
    script = (
        "import pathlib, resource, sys\n"
        "from console.written import write_private\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size // 2}, {size // 2}))\n"
        "try:\n"
        f"    write_private(pathlib.Path(sys.argv[1]), 'x' * {size})\n"
        "except OSError:\n"
        "    print('told')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "told\n", done.stderr
    assert not file.exists()
