import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.observe.patterns import is_secret_name
from console.observe.redact import Redactor

MASK = "••••••••"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcDEF123456.~+/=", f"Authorization: Bearer {MASK}"),
        ("sent with Basic dXNlcjpwYXNz", f"sent with Basic {MASK}"),
        ("access_token=00Dxx!AQ12&instance_url=https://a", f"access_token={MASK}&instance_url=https://a"),
        ('{"access_token": "abc", "id": 7}', f'{{"access_token": "{MASK}", "id": 7}}'),
        ("{'matchingId': 'QX-1', 'iccid': None}", f"{{'matchingId': '{MASK}', 'iccid': None}}"),
        ('{"password":"a\\"b c","n":1}', f'{{"password":"{MASK}","n":1}}'),
        ("client_secret=s3cr3t grant_type=x", f"client_secret={MASK} grant_type=x"),
        ("password: hunter2, user: me", f"password: {MASK}, user: me"),
        ("session 00D5g000004XyZaEAK!AQ0AQFx.yz_1 used", f"session 00D5g000004XyZaEAK!{MASK} used"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln", MASK),
        ("https://user:hunter2@a.example/x", f"https://user:{MASK}@a.example/x"),
        ("code LPA:1$smdp.example.com$QX-1-ABC end", f"code LPA:1$smdp.example.com${MASK} end"),
        ("1$smdp.example.com$QX-1-ABC$1.3.6$1", f"1$smdp.example.com${MASK}$1.3.6$1"),
        ("carddata=LPA%3A1%24smdp.example.com%24QX-1-ABC", f"carddata=LPA%3A1%24smdp.example.com%24{MASK}"),
        ("ICCID 8981040000000000398.", "ICCID 8981•••••••••••0398."),
        ("iccid8981040000000000398F", "iccid8981••••••••••••398F"),
        ("EID 89049032123451234512345678901235", f"EID 8904{'•' * 24}1235"),
        ("card 4111 1111 1111 1111 ok", "card ••••••••••••1111 ok"),
        ("カード5555555555554444です", "カード••••••••••••4444です"),
        ("378282246310005", "•••••••••••0005"),
        ("not a card 4111111111111112", "not a card 4111111111111112"),
        ("hanako.kobayashi@example.com", "h••@exa…"),
        ("<a@b.example>", "<a••@b…>"),
        ("電話090-1234-5678まで", "電話090••••••••78まで"),
        ("tel 09012345678", "tel 090••••••78"),
        ("+81 90 1234 5678", "+81•••••••••••78"),
        ("03-1234-5678", "03-•••••••78"),
    ],
)
def test_secrets_and_personal_data_are_masked(redactor: Redactor, text: str, shown: str) -> None:
    assert redactor.text(text) == shown
    assert redactor.text(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "order 00010473 took 0.6s",
        "801000000000001AAA and 8010000000000001AAA",
        "2026-04-01T09:00:00.123456+09:00",
        "2026-04-01 09:00:00 +0900",
        "p1:00Dxx0000001gPL:801xx0000000001AAA",
        "ES2+ 8.2.1/3.3 at try 3",
        "connect to 127.0.0.1:8443 failed",
        "7f1d2c3b-0a9e-4f6d-9c3e-123456789abc",
        "C-004417 小林 恵",
        "token_life is 90d; 3 tokens expired",
        "elapsed 0.1234567890123456",
        "price ¥2,480 for 10 items",
    ],
)
def test_what_operators_need_stays(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


def test_known_secrets_in_every_spelling() -> None:
    secret = 'p@ss "w&rd"\\ é'
    key = "-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n-----END X-----\n"
    redactor = Redactor([secret, key])
    redactor.register("token-issued-later")
    for spelled in (secret, json.dumps(secret), repr(secret), quote(secret, safe=""), quote(secret)):
        shown = redactor.text(f"got {spelled} there")
        assert "w&rd" not in shown
        assert "w%26rd" not in shown
    assert "MIIEvQ" not in redactor.text(f"line MIIEvQIBADANBgkqhkiG9w0BAQEF alone {key!r}")
    assert redactor.text("x token-issued-later y") == f"x {MASK} y"
    assert "issued" not in redactor.text("x token-iss\u200bued-later y")


def test_short_secrets_do_not_wreck_every_word() -> None:
    assert Redactor(["a", "ok"]).text("a cat is ok") == "a cat is ok"


def test_control_and_bidi_characters_go() -> None:
    redactor = Redactor()
    text = "a\x1b[31mb\u202ec\u2066d\x00e\nf\tg\u200bh\u2028i"
    assert redactor.text(text) == "a[31mbcde f gh i"
    assert redactor.text("a\nb\r\nc", lines=True) == "a\nb \nc"


def test_values_are_redacted_by_name_and_by_look() -> None:
    redactor = Redactor(["canary-secret"])
    value = {
        "clientSecret": "x",
        "whmcs.accesskey": "x",
        "matching_id": 7,
        "token_id": "tk_1",
        "count": 3,
        "card": 4111111111111111,
        "ratio": 0.5,
        "ok": True,
        "none": None,
        "raw": b"secret",
        "list": ["canary-secret", {"mail": "hana@example.com"}],
        "error": ValueError("canary-secret"),
        4: "four",
    }
    assert redactor.value(value) == {
        "clientSecret": MASK,
        "whmcs.accesskey": MASK,
        "matching_id": MASK,
        "token_id": "tk_1",
        "count": 3,
        "card": "••••••••••••1111",
        "ratio": 0.5,
        "ok": True,
        "none": None,
        "raw": "(6 bytes)",
        "list": [MASK, {"mail": "h••@exa…"}],
        "error": MASK,
        "4": "four",
    }


def test_secret_names() -> None:
    for name in ("password", "clientSecret", "ACCESS_TOKEN", "matchingId", "x.activation_code", "smtp-password", "sid"):
        assert is_secret_name(name), name
    for name in ("token_id", "passwords_checked", "identifier", "order", "secret_file", "inside", "state"):
        assert not is_secret_name(name), name


@given(st.text(max_size=200))
def test_any_text_can_be_redacted_and_comes_out_printable(text: str) -> None:
    shown = Redactor().text(text)
    assert "\n" not in shown
    assert shown.isprintable() or all(character.isprintable() or character == " " for character in shown)


@given(
    st.text(alphabet=st.characters(categories=["L", "N"]), min_size=8, max_size=30),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_a_known_secret_never_comes_through(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret]).text(f"{before} {secret} {after}")


@pytest.mark.parametrize(
    "text", ["a" * 20_000, "1" * 20_000, "a@" * 10_000, "password" * 3_000, "0-" * 10_000, "LPA:1$" * 4_000]
)
def test_long_texts_take_no_long_time(redactor: Redactor, text: str) -> None:
    started = time.process_time()
    redactor.text(text)
    assert time.process_time() - started < 2
