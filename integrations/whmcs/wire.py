"""How values travel to WHMCS: PHP form encoding, and base64 of PHP's serialize() inside single fields.

Measured against PHP 8.2 (facts/whmcs.md §3 and §4): arrays need brackets, a repeated plain key keeps its last value
only, every non-empty text but "0" is true ("false" too), and a serialised map needs int keys and byte lengths.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from urllib.parse import urlencode

import phpserialize

Scalar = str | int | bool | Decimal | None
FormValue = Scalar | Sequence[Scalar] | Mapping[int, Scalar] | Mapping[str, Scalar]
PhpValue = str | int | Mapping[str, str | int]

# PHP's max_input_vars: it drops what comes after without telling anybody but its error log.
MAX_VARIABLES = 1000

# PHP rewrites other characters in names ("a.b" arrives as "a_b").
_NAME = re.compile(r"[A-Za-z0-9_]+")


def encode_form(params: Mapping[str, FormValue]) -> bytes:
    """Encode ``params`` as PHP reads them back: lists as ``key[0]=…``, mappings as ``key[name]=…``.

    True is ``1``; False and None are left out, and become the filler ``''`` inside a list, whose positions count.
    Raises ValueError for text that is not UTF-8, a name that PHP would rewrite, or more variables than PHP takes;
    TypeError for values that have no exact text (floats).
    """
    pairs = list(_pairs(params))
    if len(pairs) > MAX_VARIABLES:
        raise ValueError(f"{len(pairs)} form variables: PHP reads {MAX_VARIABLES} and drops the rest silently")
    return urlencode(pairs, encoding="utf-8", errors="strict").encode("ascii")


def _pairs(params: Mapping[str, FormValue]) -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        _check_name(key)
        if isinstance(value, Mapping):
            for name, item in value.items():
                _check_name(str(name))
                if (text := _text(item)) is not None:
                    yield f"{key}[{name}]", text
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for index, item in enumerate(value):
                yield f"{key}[{index}]", _text(item) or ""
        elif (text := _text(value)) is not None:
            yield key, text


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"PHP would rewrite the form name {name!r}")


def _text(value: Scalar) -> str | None:
    """The text of one value, or None for one that must be absent."""
    if value is None or value is False:
        return None
    if value is True:
        return "1"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"a form value must be text, int, bool or Decimal, not {type(value).__name__}")


def php_map(values: Mapping[int, PhpValue]) -> str:
    """base64(serialize(``values``)) for customfields and configoptions: keys are field or option ids.

    Raises TypeError for anything but int keys and text, int or one level of text-keyed values (bool and float have
    other meanings in PHP), ValueError for text that is not UTF-8.
    """
    for key, value in values.items():
        if type(key) is not int:
            raise TypeError(f"ids are ints, not {type(key).__name__}")
        for part in value.values() if isinstance(value, Mapping) else (value,):
            if type(part) not in (str, int):
                raise TypeError(f"field {key} holds {type(part).__name__}; only text and int are exact in PHP")
    plain = {key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()}
    # errors="strict": the library's own default writes lone surrogates as raw bytes
    serialised: bytes = phpserialize.dumps(plain, errors="strict")
    return base64.b64encode(serialised).decode("ascii")
