"""What a text typed into *find* may mean: every reading, the most exact first."""

import contextlib
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from console.api.access import ORDER_PREFIX
from console.api.romaji import spelled
from integrations.salesforce.ids import norm_id
from storage import orders

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE_SIGNS = "+-() ./ー−‐‑‒–—―"
_LABEL = re.compile(
    r"^(?:ご?注文番号|お?客様番号|お?電話番号|電話|whmcs(?: (?:order|client))?(?: id| no\.?| number)?|order(?: no\.?| number)?|no\.|tel\.?|phone"
    r"|iccid|#)\s*[:#]?\s*(?=[+\d(c])"
)
_HONORIFIC = re.compile(r"\s*(?:様|さま|さん|殿|御中)$")
_AROUND = "<>[]「」『』“”‘’\"'、。,;:"  # what stands around something that is copied out of a text
_HYPHEN = re.compile(
    r"(?<=[a-z\d])[−ー‐‑‒–—―](?=[a-z\d])"
)  # as a Japanese keyboard writes one between letters and digits
_UNHYPHENED = re.compile(r"([a-z]{1,3})(\d{3,})")
_VARIANTS = (  # of one character, as names are written; keyboards and systems have now this one, now that
    "高髙", "崎﨑嵜", "斎斉齋齊", "辺邊邉", "浜濱濵", "沢澤", "島嶋嶌", "広廣", "桜櫻", "国國", "竜龍", "恵惠", "吉𠮷", "館舘", "富冨",
    "真眞", "栄榮", "渕淵", "滝瀧", "条條", "峰峯", "実實", "関關", "徳德", "桧檜", "槙槇", "柳栁", "黒黑",
)  # fmt: skip
_VARIANTS_OF = {char: variants for variants in _VARIANTS for char in variants}
_MOST_VARIANTS = 8  # ways to write one name: each is asked for
_COMPANIES = {"株式会社": "(株)", "有限会社": "(有)", "合同会社": "(同)"}


@dataclass(frozen=True)
class Reading:
    """``name`` for people; ``kind`` and ``value`` as the journal's keys have them."""

    name: str
    kind: str
    value: str


def readings(given: str) -> list[Reading]:
    """Empty for a text with nothing in it. What stands before a number ("order no.") and after a name (様) is left off."""
    text = _LABEL.sub("", _HYPHEN.sub("-", orders.fold(given).strip(_AROUND).removeprefix("mailto:")).strip())
    plain = _HONORIFIC.sub("", text) or text
    digits = "".join(c for c in plain if c.isdigit())
    joined = "".join(c for c in plain if c not in " -")
    found: list[Reading] = []
    with contextlib.suppress(ValueError):
        whole = norm_id(unicodedata.normalize("NFKC", given).strip(), ORDER_PREFIX)
        found.append(Reading("Salesforce order id", "id", whole))
    if plain.isascii() and plain.isdigit() and len(plain) <= 12:
        number = plain.lstrip("0") or "0"
        found.append(Reading("order number", "number", number))
        if number == plain != "0":  # WHMCS writes no leading zeros
            found.append(Reading("WHMCS order", "whmcs", number))
            found.append(Reading("WHMCS client", "client", number))
    if joined.rstrip("f") == digits and digits.startswith("89") and 18 <= len(digits) <= 20:
        found.append(Reading("ICCID", "iccid", digits))
    if plain:
        found.append(Reading("customer number", "customer", plain))
    if letters := _UNHYPHENED.fullmatch(plain):
        found.append(Reading("customer number", "customer", "-".join(letters.groups())))
    phone = orders.digits(text)
    if 9 <= len(phone) <= 13 and all(c.isdigit() or c in _PHONE_SIGNS for c in plain):
        found.append(Reading("phone", "phone", phone))
    if _EMAIL.fullmatch(plain):
        found.append(Reading("e-mail", "email", plain))
    if plain and joined != digits:
        found.extend(Reading("name", "name", form) for form in name_forms(plain))
        if words := spelled(plain.replace(",", " ")):
            found.append(Reading("reading", "spelling", " ".join(words)))
    if not {"phone", "iccid"} & {reading.kind for reading in found}:
        found.extend(_within(plain))
    return found


def _within(plain: str) -> Iterator[Reading]:
    """What stands out of a longer text, as it is pasted from a mail: order numbers, telephones, addresses."""
    words = plain.split()
    for word in words if len(words) > 1 else ():
        bare = word.strip("()[]<>「」、。,.;:")
        if _EMAIL.fullmatch(bare):
            yield Reading("e-mail", "email", bare)
        elif (
            bare.isascii()
            and bare.isdigit()
            and 5 <= len(bare) <= 10
            and not (len(bare) == 10 and bare.startswith("0"))
        ):
            yield Reading("order number", "number", bare.lstrip("0") or "0")
        elif 9 <= len(phone := orders.digits(bare)) <= 11 and all(c.isdigit() or c in _PHONE_SIGNS for c in bare):
            yield Reading("phone", "phone", phone)


def name_forms(plain: str) -> list[str]:
    """As typed, and in the other kana: たなか and タナカ are one name. (株) is 株式会社, a comma stands
    between names, and 髙橋 is 高橋."""
    forms = [
        " ".join(plain.replace(",", " ").split()),
        plain,
        _kana(plain, 0x3041, 0x3096, 0x60),
        _kana(plain, 0x30A1, 0x30F6, -0x60),
    ]
    for long, short in _COMPANIES.items():
        forms += [plain.replace(long, short), plain.replace(short, long)]
    return list(dict.fromkeys([*forms, *_variants(forms[0])]))


def _variants(name: str) -> Iterator[str]:
    """斎藤 as 斉藤, 齋藤 and 齊藤 too: who names it on the phone does not say how it is written."""
    choices = [_VARIANTS_OF.get(char, char) for char in name]
    return itertools.islice(map("".join, itertools.product(*choices)), _MOST_VARIANTS)


def _kana(text: str, first: int, last: int, shift: int) -> str:
    return "".join(chr(ord(c) + shift) if first <= ord(c) <= last else c for c in text)


def phone_spellings(digits: str) -> list[str]:
    """The usual ways to write a Japanese number, for systems that compare text."""
    cuts = {11: ((3, 7),), 10: ((2, 6), (3, 6), (4, 6))}.get(len(digits), ())
    parts = [(digits[:a], digits[a:b], digits[b:]) for a, b in cuts]
    found = [
        digits,
        *("-".join(p) for p in parts),
        *(" ".join(p) for p in parts),
        *(f"({p[0]}) {p[1]}-{p[2]}" for p in parts),
    ]
    if digits.startswith("0"):
        abroad = digits[1:]
        found += [f"+81{abroad}", *(f"+81-{p[0][1:]}-{p[1]}-{p[2]}" for p in parts)]
        found += [f"+81 {p[0][1:]} {p[1]} {p[2]}" for p in parts] + [f"+81 {p[0][1:]}-{p[1]}-{p[2]}" for p in parts]
    return found
