"""Reading a filter: ``state:failed,retrying -kind:vpn age>2h cause:"no profile" owner:@me 田中`` → terms."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from console.client.query_words import FIELDS, UNITS, Field, Kind, QueryError, fold, nearest, plain

LONGEST = 1000
MOST_TERMS = 50
MOST_VALUES = 100
_OPERATORS = (">=", "<=", ">", "<", ":", "=")
_QUOTES = {'"': '"', "“": "”", "”": "”", "「": "」"}


@dataclass(frozen=True, slots=True)
class Value:
    """``text`` folded; ``number`` for numbers and durations (seconds)."""

    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """``field`` None: a free word. Values are alternatives, and so are ``group``s of terms."""

    field: Field | None
    operator: str
    values: tuple[Value, ...]
    negated: bool
    start: int
    end: int
    group: int = 0


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    start: int
    end: int


def parse_terms(text: str, fields: Mapping[str, Field] = FIELDS) -> tuple[Term, ...]:
    """``fields``: those of the list that is filtered. Raises QueryError at the first mistake."""
    if len(text) > LONGEST:
        raise QueryError(f"a filter has at most {LONGEST} characters, this one has {len(text):,}", LONGEST, len(text))
    reader = _Reader(text, fields)
    terms: list[Term] = []
    group, bar = 0, 0
    while reader.skip_space():
        if reader.bar():
            group, bar = group + 1, reader.at
            if not terms or terms[-1].group != group - 1:
                raise QueryError("nothing stands before the |", bar - 1, bar)
            continue
        terms.append(reader.term(group))
        if len(terms) > MOST_TERMS:
            raise QueryError(f"a filter has at most {MOST_TERMS} terms", terms[-1].start, len(text))
    if group and terms[-1].group != group:
        raise QueryError("nothing stands after the |", bar - 1, bar)
    if group and fields is not FIELDS:
        raise QueryError("this list takes no |", bar - 1, bar)
    return tuple(terms)


class _Reader:
    """Walks over the text; full-width signs count as their ASCII forms."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._text, self._fields = text, fields
        self._signs = signs(text)
        self._at = 0

    def skip_space(self) -> bool:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    @property
    def at(self) -> int:
        return self._at

    def bar(self) -> bool:
        """Step over a | that stands alone."""
        alone = self._signs[self._at] == "|" and (self._at + 1 == len(self._text) or self._text[self._at + 1].isspace())
        self._at += alone
        return alone

    def term(self, group: int) -> Term:
        start = self._at
        negated = self._signs[self._at] == "-"
        if negated:
            self._at += 1
            if self._ended():
                raise QueryError("nothing stands after the minus sign", start, self._at)
        name_start = self._at
        name, operator = self._field_name()
        if not operator:
            self._at = name_start
            piece = self._value(stop_at_comma=False)
            word = fold(piece.text)
            if not word:
                raise QueryError("the quotation marks are empty", piece.start, piece.end)
            return Term(None, ":", (Value(word),), negated, start, self._at, group)
        field = self._fields.get(name)
        if field is None:
            near = nearest(name, self._fields)
            raise QueryError(f"there is no field {_shown(name)}", name_start, name_start + len(name), near)
        values = tuple(self._values(field, operator))
        return Term(field, operator, values, negated, start, self._at, group)

    def _field_name(self) -> tuple[str, str]:
        """A name directly followed by an operator, or ("", "")."""
        at = self._at
        while at < len(self._signs) and (self._signs[at].isalpha() or self._signs[at] in "_-"):
            at += 1
        operator = next((sign for sign in _OPERATORS if self._signs.startswith(sign, at)), "")
        name = self._signs[self._at : at].casefold()
        if not name or not operator:
            return "", ""
        self._at = at + len(operator)
        return name, operator

    def _values(self, field: Field, operator: str) -> list[Value]:
        values: list[Value] = []
        while True:
            piece = self._value(stop_at_comma=True)
            values.append(_read(field, operator, piece))
            if len(values) > MOST_VALUES:
                raise QueryError(f"a field takes at most {MOST_VALUES} values", piece.start, piece.end)
            if self._at >= len(self._signs) or self._signs[self._at] != ",":
                return values
            self._at += 1

    def _value(self, *, stop_at_comma: bool) -> _Piece:
        """Quoted words (also 「…」), or everything up to a space (or comma)."""
        start = self._at
        closing = _QUOTES.get(self._signs[start]) if start < len(self._signs) else None
        if closing is not None:
            end = next((i for i in range(start + 1, len(self._signs)) if self._signs[i] == closing), None)
            if end is None:
                raise QueryError("the quotation mark is not closed", start, len(self._text))
            self._at = end + 1
            return _Piece(self._text[start + 1 : end], start, end + 1)
        while not self._ended() and not (stop_at_comma and self._signs[self._at] == ","):
            self._at += 1
        return _Piece(self._text[start : self._at], start, self._at)

    def _ended(self) -> bool:
        return self._at >= len(self._text) or self._text[self._at].isspace()


def signs(text: str) -> str:
    """``text`` with full-width signs in their ASCII forms, each character in its place."""
    return "".join(_sign(character) for character in text)


def _sign(character: str) -> str:
    plain_form = unicodedata.normalize("NFKC", character)
    return plain_form if len(plain_form) == 1 else character


def _shown(text: str) -> str:
    return f'"{text[:40]}{"…" if len(text) > 40 else ""}"'


def _read(field: Field, operator: str, piece: _Piece) -> Value:
    """A value of ``field``, checked. Raises QueryError at the value."""
    text = fold(piece.text)
    if not text:
        raise QueryError(f"{field.name} needs a value", piece.start, max(piece.end, piece.start + 1))
    compares = operator in (">", ">=", "<", "<=")
    kind = Kind.DURATION if field.name == "parked" and compares else field.kind
    match kind:
        case Kind.WORD | Kind.FLAG:
            _no_comparing(field, compares, piece)
            return Value(_known(field, text, piece))
        case Kind.NUMBER:
            return Value(text, _number(field, text, piece))
        case Kind.DURATION:
            if not compares:
                raise QueryError(
                    f"{field.name} is a time: write {field.name}>2h or {field.name}<2h", piece.start, piece.end
                )
            return Value(text, _duration(text, piece))
        case Kind.MOMENT:
            _no_comparing(field, compares, piece)
            return Value(text, None if _is_day(text) else _duration(text, piece))
    _no_comparing(field, compares, piece)
    return Value(text)


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text)) and len(text) == 10
    except ValueError:
        return False


def _no_comparing(field: Field, compares: bool, piece: _Piece) -> None:
    if compares:
        raise QueryError(f"{field.name} is not a number: write {field.name}:…", piece.start, piece.end)


def _known(field: Field, text: str, piece: _Piece) -> str:
    for name in field.values:
        if plain(name) == plain(text):
            return name
    near = nearest(text, field.values)
    said = f"{field.name} has no value {_shown(text)}"
    raise QueryError(said if near else f"{said}; known: {', '.join(field.values)}", piece.start, piece.end, near)


def _number(field: Field, text: str, piece: _Piece) -> float:
    digits = text.removeprefix("¥").removesuffix("円").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise QueryError(f"{field.name} is a whole number, not {_shown(text)}", piece.start, piece.end)
    return float(digits)


def _duration(text: str, piece: _Piece) -> float:
    number, unit = text[:-1], text[-1:]
    whole, _, part = number.partition(".")
    good = (
        whole.isascii() and whole.isdigit() and (not part or (part.isascii() and part.isdigit())) and len(number) <= 9
    )
    if unit not in UNITS or not good:
        raise QueryError(f"a time is written like 30s, 15m, 2h or 3d, not {_shown(text)}", piece.start, piece.end)
    return float(number) * UNITS[unit]
