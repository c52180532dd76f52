"""Kana in Latin letters (Hepburn), squeezed so that さとう, Satou, Satoh and Sato are one spelling.

Salesforce and WHMCS keep no reading of a Japanese name; its letters stand in many e-mail addresses.
"""

import re
import unicodedata

_ROWS = {
    "": "アイウエオ", "k": "カキクケコ", "s": "サ_スセソ", "t": "タ__テト", "n": "ナニヌネノ", "h": "ハヒ_ヘホ", "m": "マミムメモ",
    "y": "ヤ_ユ_ヨ", "r": "ラリルレロ", "w": "ワ____", "g": "ガギグゲゴ", "z": "ザ_ズゼゾ", "d": "ダ__デド", "b": "バビブベボ",
    "p": "パピプペポ",
}  # fmt: skip
_SINGLE = {
    "シ": "shi",
    "チ": "chi",
    "ツ": "tsu",
    "フ": "fu",
    "ジ": "ji",
    "ヂ": "ji",
    "ヅ": "zu",
    "ヲ": "o",
    "ン": "n",
    "ヴ": "vu",
}
_SINGLE |= {kana: start + "aiueo"[i] for start, row in _ROWS.items() for i, kana in enumerate(row) if kana != "_"}
_SMALL = {"ャ": "a", "ュ": "u", "ョ": "o"}
_SMALL_VOWELS = {"ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o"}
_LONG = re.compile(r"o[ou]|oh(?![aiueo])|uu|aa|ii|ee")


def spelled(text: str) -> tuple[str, ...]:
    """The words of a name in squeezed Latin letters; empty when it is neither kana nor Latin."""
    words = [_word(word) for word in unicodedata.normalize("NFKC", text).split()]
    return tuple(words) if words and all(words) else ()


def squeezed(word: str) -> str:
    """Long vowels short, accents off, small letters."""
    plain = unicodedata.normalize("NFKD", word.casefold()).encode("ascii", "ignore").decode()
    while (shorter := _LONG.sub(lambda match: match.group()[0], plain)) != plain:
        plain = shorter
    return plain


def _word(word: str) -> str:
    if all(unicodedata.name(c, "").startswith("LATIN") for c in word):
        return squeezed(word) if len(word) > 1 else ""
    katakana = "".join(chr(ord(c) + 0x60) if 0x3041 <= ord(c) <= 0x3096 else c for c in word)
    letters, double = "", False
    for kana in katakana:
        if kana == "ッ":
            double = True
            continue
        if kana == "ー":
            continue
        letters, found = _joined(letters, kana)
        if found is None:
            return ""
        letters += (found[:1] if double else "") + found
        double = False
    return squeezed(letters)


def _joined(letters: str, kana: str) -> tuple[str, str | None]:
    """``letters`` so far without what a small kana takes the place of, and what this kana adds; None: no kana."""
    if kana in _SMALL and letters.endswith("i"):
        before = letters[:-1]
        return before, _SMALL[kana] if before.endswith(("sh", "ch", "j")) else "y" + _SMALL[kana]
    if kana in _SMALL_VOWELS and letters:
        return letters[:-1], _SMALL_VOWELS[kana]
    return letters, _SINGLE.get(kana)
