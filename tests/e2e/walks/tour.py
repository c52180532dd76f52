"""``python -m tests.e2e.walks.tour``: walks the three walks and draws them: pictures, and the section *A tour* of README.

Nothing is made up: what stands under a picture is what was pressed to come to it.
"""

import asyncio
import tempfile
from pathlib import Path

from tests.e2e.walks import walks
from tests.e2e.walks.office import open_office
from tests.e2e.walks.pictures import svg
from tests.e2e.walks.walker import Walker

ROOT = Path(__file__).resolve().parents[3]
PICTURES = ROOT / "tests" / "screens" / "tour"
BEGIN, END = "<!-- tour -->", "<!-- /tour -->"
TITLES = {
    "1": "### From a phone number to the sentence for the customer",
    "3": "### An outcome that nobody knows",
    "8": "### Two people, one order; and one beyond the limit",
}


class Album:
    """Keeps a picture and its caption each time it is shown something."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, walker: Walker, name: str, caption: str) -> None:
        (PICTURES / f"{name}.svg").write_text(svg(walker.terminal.settled(), "portal console"), encoding="utf-8")
        title = TITLES.get(name.partition("-")[0])
        self.lines += [*([title, ""] if title else []), caption, "", f"![{name}](tests/screens/tour/{name}.svg)", ""]


def main() -> None:
    """Writes ``PICTURES`` and the README's section anew."""
    album = Album()
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        old.unlink()
    with tempfile.TemporaryDirectory(prefix="tour-") as folder, open_office(Path(folder)) as office:
        walks.clerk(office, album.show)
        walks.unknown(office, album.show)
        asyncio.run(walks.approvals(office, album.show))
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text("\n".join([before + BEGIN, "", *album.lines]) + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
