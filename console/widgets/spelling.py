"""Characters that a terminal may draw two cells wide, spelled by one that is always one cell.

Names, notes and errors come from outside and may hold anything: ``é``, ``±``, ``①``, Cyrillic. East Asian Width calls
them *ambiguous*: a terminal in a Japanese set-up draws two cells where one was measured, and everything behind them on the
line is shifted. In the sets ``narrow`` and ``ascii`` each is painted as the nearest character that is not ambiguous, one
for one, so that every measure holds in either kind of terminal. Only the painting is spelled so: copies, exports and what
is typed keep every character.
"""

import unicodedata

from rich.cells import cell_len

UNKNOWN = "?"
MANY = "#"  # a number in a circle that has more than one digit


def _pairs(text: str) -> dict[str, str]:
    return {pair[0]: pair[1] for pair in text.split()}


_SIGNS = _pairs(
    "·- …. ‥. •* “\" ”\" ‘' ’' –- —- ―- ‐- ‾- ←< →> ↑^ ↓v ⇒> ⇔= ±~ ×x ÷/ §S ¶P ®R ¡! ¿? ¤$ €E ℃C ℉F №N ℡T ™T ℓl ※* ○o ◎o ●* "
    "■# □# ◆* ◇* ▲^ △^ ▼v ▽v ▶> ▷> ◀< ◁< ★* ☆* ♪* ≠! ≥> ≤< ≧> ≦< ≒~ ≡= ≈~ ∞8 √v ∥| ‖| †+ ‡+ °o ´' ¨\" ¯- ªa ºo ¸, ′' ″\" ∴: ∵: ˙. ˚o \u00ad-"
)
_LETTERS = _pairs(
    "ÆA ÐD ØO ÞT ßs æa ðd øo þt đd ħh Ħh ıi ĸk łl ŁL ŀl ĿL ŉn ŋn ŊN œo ŒO ŧt ŦT ɑa ɡg ĳi ĲI "
    "ΑA ΒB ΓG ΔD ΕE ΖZ ΗI ΘT ΙI ΚK ΛL ΜM ΝN ΞX ΟO ΠP ΡR ΣS ΤT ΥY ΦF ΧH ΨP ΩO "
    "АA БB ВV ГG ДD ЕE ЖZ ЗZ ИI ЙI КK ЛL МM НN ОO ПP РR СS ТT УU ФF ХH ЦC ЧC ШS ЩS Ъ' ЫY Ь' ЭE ЮU ЯA"
)


class Spelling(dict[int, str | None]):
    """For ``str.translate``: every character → itself, or the one that is painted for it. Filled as it is asked."""

    def __missing__(self, code: int) -> str | None:
        self[code] = spelled = narrow(chr(code))
        return spelled


def ambiguous(char: str) -> bool:
    return unicodedata.east_asian_width(char) == "A"


def narrow(char: str) -> str | None:
    """One that is no wider than was measured, whatever the terminal; None where nothing was measured (a mark on the
    letter before it)."""
    if not ambiguous(char):
        return char
    cells = cell_len(char)
    return None if not cells else (_nearest(char) * cells)


def _nearest(char: str) -> str:
    if (known := _SIGNS.get(char) or _letter(char)) is not None:
        return known
    if (name := unicodedata.name(char, "")).startswith("BOX DRAWINGS"):
        return _frame(name)
    if "BLOCK" in name or "SHADE" in name:
        return MANY
    number = unicodedata.numeric(char, None)
    if number is not None:
        return str(int(number)) if number in range(10) else MANY
    plain = unicodedata.normalize("NFKD", char)
    kept = [one for one in plain if one.isalnum() and not ambiguous(one)]
    return kept[0] if kept else _letter(plain[0]) or UNKNOWN


def _letter(char: str) -> str | None:
    if char in _LETTERS:
        return _LETTERS[char]
    upper = _LETTERS.get(char.upper())
    return upper.lower() if upper is not None else None


def _frame(name: str) -> str:
    """A line of a frame by its name."""
    if name.endswith("HORIZONTAL"):
        return "-"
    return "|" if name.endswith("VERTICAL") and "AND" not in name else "+"
