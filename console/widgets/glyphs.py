"""The signs of the console. State is always sign + word; colour comes third.

Three sets: ``unicode``; ``narrow`` without characters of East Asian ambiguous width (for terminals that draw those
two cells wide); ``ascii``, in which yen are written ``Y2,480``, masks ``*`` and marks of state as letters and ASCII signs.
Text from outside keeps its characters in all three, but what is ambiguous is painted by its nearest (``spelling.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

STATE_WORDS = {
    "queued": "queued",
    "running": "running",
    "retrying": "retrying",
    "parked": "parked",
    "held": "held",
    "failed": "failed",
    "done": "done",
    "cancelled": "cancelled",
    "review": "review",
    "requested": "requested",
    "none": "no run",
}
# What a run waits for (rules §3, §7), as the filter has it: ``wait:making_sure``.
WAIT_WORDS = {
    "person": "waits for a person",
    "making_sure": "makes sure what an unknown call came to",
    "condition": "waits for a condition",
    "lock": "waits for the customer's other order",
    "retry": "waits for its next try",
}


@dataclass(frozen=True)
class Glyphs:
    """``states``: state → sign. ``waits``: what a run waits for → sign. ``strip``: letter of the feed's step strip → sign."""

    name: str
    states: Mapping[str, str]
    waits: Mapping[str, str]
    strip: Mapping[str, str]
    cursor: str
    mark: str
    left: str
    live: str
    lost: str
    logo: str
    star: str
    sort_up: str
    sort_down: str
    folded: str
    unfolded: str
    ok: str
    bad: str
    warn: str
    differs: str
    sep: str
    vline: str
    hline: str
    ellipsis: str
    arrow_up: str
    into: str
    bar: str
    mask: str
    yen: str
    enter: str

    def state(self, state: str, wait: str | None = None) -> str:
        """Sign and word of a state; an unknown one is shown as it came. A wait that is more than its state has a sign of
        its own: for a person, and making sure.
        """
        own = self.waits.get(wait) if wait in ("person", "making_sure") and state in ("parked", "retrying") else None
        return f"{own or self.states.get(state, '?')} {STATE_WORDS.get(state, state)}"

    def steps(self, strip: str) -> str:
        """The step strip in this set's signs."""
        return "".join(self.strip.get(letter, letter) for letter in strip)

    @property
    def own(self) -> Mapping[str, str]:
        """Signs that are no text from outside wherever they stand, and the one of this set for each, one for one."""
        return _OWN if self.name == "ascii" else {}

    def plain(self, text: str) -> str:
        """Outside or fixed text with this set's characters in place of typographic ones."""
        if self.name == "unicode":
            return text
        return text.translate(_REPLACED[self.name])


_REPLACED = {
    "narrow": str.maketrans({"·": "-", "…": "..", "•": "*", "“": '"', "”": '"', "–": "-", "—": "-", "→": "->", "←": "<-", "≠": "!=", "×": "x", "↑": "^", "↓": "v", "█": "#", "─": "-", "│": "|", "≥": ">=", "≤": "<=", "’": "'", "‘": "'", "‖": "=", "●": "*", "◆": "#", "★": "*"}),
    "ascii": str.maketrans({"·": "-", "…": "..", "•": "*", "“": '"', "”": '"', "–": "-", "—": "-", "→": "->", "←": "<-", "≠": "!=", "×": "x", "↑": "^", "↓": "v", "█": "#", "─": "-", "│": "|", "¥": "Y", "▸": ">", "▾": "v", "⏎": "enter", "’": "'", "≥": ">=", "≤": "<=", "✓": "+", "✗": "x", "↻": "~", "⊘": "/", "◷": "o", "◴": "@", "⚑": "!", "‖": "="}),
}  # fmt: skip

_OWN = {
    "▸": ">", "▹": ">", "▾": "v", "▴": "^", "⏎": "<", "✓": "+", "✗": "x", "↻": "~", "⊘": "/", "⊟": "#", "⊄": "!",
    "◷": "o", "◴": "@", "⚑": "!", "¥": "Y",
}  # fmt: skip

UNICODE = Glyphs(
    name="unicode",
    states={
        "queued": "◷", "running": "▸", "retrying": "↻", "parked": "‖", "held": "⊟", "failed": "✗", "done": "✓",
        "cancelled": "⊘", "review": "⚑", "requested": "▹", "none": "·",
    },
    waits={"person": "?", "making_sure": "◴", "condition": "‖", "lock": "◷", "retry": "↻"},
    strip={".": "·", ">": "▸", "~": "↻", "v": "✓", "x": "✗", "s": "⊘", "-": "-", "|": "‖"},
    cursor="▌", mark="●", left="⊄", live="●", lost="✗", logo="◆", star="★", sort_up="▴", sort_down="▾", folded="▸", unfolded="▾",
    ok="✓", bad="✗", warn="!", differs="≠", sep="·", vline="│", hline="─", ellipsis="…", arrow_up="↑", into="▸", bar="█",
    mask="•", yen="¥", enter="⏎",
)  # fmt: skip

NARROW = Glyphs(
    name="narrow",
    states={**UNICODE.states, "parked": "=", "none": "-"},
    waits={**UNICODE.waits, "condition": "="},
    strip={**UNICODE.strip, ".": ".", "|": "="},
    cursor=">", mark="*", left="⊄", live="*", lost="✗", logo="#", star="*", sort_up="▴", sort_down="▾", folded="▸", unfolded="▾",
    ok="✓", bad="✗", warn="!", differs="!=", sep="-", vline="|", hline="-", ellipsis="..", arrow_up="^", into="▸", bar="#",
    mask="*", yen="¥", enter="⏎",
)  # fmt: skip

ASCII = Glyphs(
    name="ascii",
    states={
        "queued": "o", "running": ">", "retrying": "~", "parked": "=", "held": "#", "failed": "x", "done": "+",
        "cancelled": "/", "review": "!", "requested": ">", "none": ".",
    },
    waits={"person": "?", "making_sure": "@", "condition": "=", "lock": "o", "retry": "~"},
    strip={".": ".", ">": ">", "~": "~", "v": "+", "x": "x", "s": "/", "-": "-", "|": "="},
    cursor=">", mark="*", left="!", live="*", lost="x", logo="#", star="*", sort_up="^", sort_down="v", folded=">", unfolded="v",
    ok="+", bad="x", warn="!", differs="!=", sep="-", vline="|", hline="-", ellipsis="..", arrow_up="^", into=">", bar="#",
    mask="*", yen="Y", enter="enter",
)  # fmt: skip

SETS: Mapping[str, Glyphs] = {"unicode": UNICODE, "narrow": NARROW, "ascii": ASCII}
