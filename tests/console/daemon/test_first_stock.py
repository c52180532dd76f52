"""``esim.first_stock`` fills an empty journal once, and a file with mistakes stops the start with nothing taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.daemon.first_stock import take_first_stock
from console.daemon.organisation import Refused
from storage import profiles
from storage.journal import Journal

GOOD = "iccid,type\n8981100000000000001,TRAVEL\n8981100000000000019,VOICE\n"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal.db")
    yield opened
    opened.close()


def stock_file(folder: Path, text: str) -> Path:
    file = folder / "stock.csv"
    file.write_text(text, "utf-8")
    return file


async def free(journal: Journal) -> int:
    return await journal.read(lambda db: sum(count for _, state, count in profiles.stock(db) if state == "free"))


async def test_an_empty_journal_takes_the_file_and_a_filled_one_does_not(journal: Journal, tmp_path: Path) -> None:
    file = stock_file(tmp_path, GOOD)
    assert await take_first_stock(journal, file, 1.0) == 2
    file.write_text(GOOD + "8981100000000000027,TRAVEL\n", "utf-8")
    assert await take_first_stock(journal, file, 2.0) == 0
    assert await free(journal) == 2


async def test_no_file_is_no_stock(journal: Journal) -> None:
    assert await take_first_stock(journal, None, 1.0) == 0


@pytest.mark.parametrize(
    ("text", "said"), [("iccid,type\n123,TRAVEL\n", "line 2"), ("", "mistakes"), ("nonsense\n", "mistakes")]
)
async def test_a_file_with_mistakes_refuses_the_start(journal: Journal, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        await take_first_stock(journal, stock_file(tmp_path, text), 1.0)
    assert await free(journal) == 0


async def test_a_missing_file_refuses_the_start(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file"):
        await take_first_stock(journal, tmp_path / "gone.csv", 1.0)
