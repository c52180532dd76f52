"""How secrets and personal data look in free text, and what is shown in their place.

Every rule errs on the side of masking: a number hidden in a log can be looked up by the run's id, a number shown
cannot be taken back.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MASK = "••••••••"

# Not \b: Japanese letters count as word characters, and text may stand right beside a number.
_BEFORE = r"(?<![A-Za-z0-9_])"
_AFTER = r"(?![A-Za-z0-9_])"

FIELD_NAMES = (
    "access_?token|refresh_?token|id_?token|session_?id|client_?secret|consumer_?secret|private_?key|pass_?word|passwd"
    "|passphrase|secret|api_?key|access_?key|authorization|cookie|assertion|signature|credential|token|sid"
    "|matching_?id|activation_?code|confirmation_?code|sso_?(?:url|link)|remote_?token|cvv2?|cvc2?|card_?num(?:ber)?"
)
_NAME = re.compile(rf"(?:.*[_\-.])?(?:{FIELD_NAMES})s?", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """True for a field whose value is a secret whatever it looks like: ``client_secret``, ``whmcs.accesskey``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_NAME.fullmatch(spaced))


@dataclass(frozen=True)
class Pattern:
    """Whatever ``form`` finds is replaced by what ``shown`` makes of it."""

    form: re.Pattern[str]
    shown: Callable[[re.Match[str]], str]


def middle_masked(text: str, left: int = 4, right: int = 4) -> str:
    """8981••••••••••0398"""
    return f"{text[:left]}{'•' * max(len(text) - left - right, 4)}{text[-right:]}"


def luhn_ok(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(n // 10 + n % 10 for n in doubled) % 10 == 0


def _card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    if not 13 <= len(digits) <= 19 or digits.startswith("89") or not luhn_ok(digits):
        return found[0]
    return f"{'•' * (len(digits) - 4)}{digits[-4:]}"


_CARD = re.compile(rf"(?<![A-Za-z0-9_.])\d(?:[ -]?\d){{12,18}}{_AFTER}")


def cards_masked(text: str) -> str:
    """Card numbers show their last four digits, whoever reads."""
    return _CARD.sub(_card, text)


def _phone(found: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in found[0])
    return middle_masked(found[0], 3, 2) if 9 <= digits <= 15 else found[0]


def _kept_first(found: re.Match[str]) -> str:
    return f"{found[1]}{MASK}"


def text_patterns() -> Iterator[Pattern]:
    """In the order they are applied: what holds other patterns inside comes first."""
    yield from _secrets()
    yield from _personal_data()


def _secrets() -> Iterator[Pattern]:
    whole = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
    yield Pattern(whole, lambda _: f"(private key {MASK})")
    yield Pattern(re.compile(rf"{_BEFORE}((?:Bearer|Basic|OAuth)\s+)[A-Za-z0-9+/=._~!-]{{8,}}", re.I), _kept_first)
    yield Pattern(re.compile(r"(ptl_[0-9a-f]{12}_)[A-Za-z0-9_-]{43}"), _kept_first)  # staff token of our own API
    yield Pattern(re.compile(rf"{_BEFORE}eyJ[\w-]{{8,}}\.[\w-]+\.[\w-]*"), lambda _: MASK)
    yield Pattern(re.compile(rf"{_BEFORE}(00D[A-Za-z0-9]{{12,15}}!)[A-Za-z0-9._]+"), _kept_first)  # Salesforce session
    yield Pattern(re.compile(r"(://[^\s/:@]{0,100}:)[^\s/@]{1,200}(?=@)"), _kept_first)
    # LPA:1$host$matching id, the same url-encoded, and without LPA:
    dollar = r"(?:\$|%24)"
    lpa = rf"{_BEFORE}((?:LPA(?::|%3A))?1{dollar}[A-Za-z0-9.:-]{{1,260}}{dollar})[!-#%-~]*?(?={dollar}|[\s\"'<>&]|$)"
    yield Pattern(re.compile(lpa, re.I), _kept_first)
    named = rf"""({_BEFORE}(?:[A-Za-z]{{1,20}}[_-]?)?(?:{FIELD_NAMES})["']?\s*(?:=>|=|:|%3D)\s*)"""
    yield Pattern(re.compile(rf"""{named}(["'])(?:\\.|(?!\2).)*\2?""", re.I), lambda m: f"{m[1]}{m[2]}{MASK}{m[2]}")
    bare = rf"""{named}(?!["'•(\[{{])(?!(?:Bearer|Basic|OAuth)\b)[^\s&,;"'}}\])]+"""
    yield Pattern(re.compile(bare, re.I), _kept_first)


def _personal_data() -> Iterator[Pattern]:
    local = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]"
    email = rf"({local}){local}{{0,63}}@([A-Za-z0-9-]{{1,3}})[A-Za-z0-9.-]{{0,253}}"
    yield Pattern(re.compile(email), lambda m: f"{m[1]}••@{m[2]}…")
    yield Pattern(re.compile(r"(?<!\d)89\d{30}(?!\d)"), lambda m: middle_masked(m[0]))  # EID
    yield Pattern(re.compile(r"(?<!\d)89\d{16,20}(?:[Ff](?![A-Za-z]))?(?!\d)"), lambda m: middle_masked(m[0]))  # ICCID
    yield Pattern(_CARD, _card)
    yield Pattern(re.compile(rf"(?<![A-Za-z0-9_.+-])\+\d{{1,3}}(?:[ .-]?\(?\d{{1,4}}\)?){{2,5}}{_AFTER}"), _phone)
    yield Pattern(re.compile(r"(?<![A-Za-z0-9_.-])0\d{1,4}-\d{1,4}-\d{3,4}(?![A-Za-z0-9_-])"), _phone)
    yield Pattern(re.compile(rf"(?<![A-Za-z0-9_.-])0(?:[5789]0\d{{8}}|[1-9]\d{{8}}){_AFTER}"), _phone)
