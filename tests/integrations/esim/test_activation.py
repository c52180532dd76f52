import json
from pathlib import Path
from typing import Any

import pytest

from integrations.esim.activation import (
    activation_code,
    install_links,
    lpa_text,
    new_matching_id,
    parse_activation_code,
    qr_png,
    qr_svg,
)
from integrations.esim.checkdigits import (
    eid_check,
    eid_ok,
    iccid_ok,
    luhn_digit,
    normalise_eid,
    normalise_iccid,
)

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "samples" / "cases.json").read_text())


@pytest.mark.parametrize("case", CASES["activation_codes"])
def test_codes(case: dict[str, Any]) -> None:
    oid, flag = case.get("oid"), case.get("cc_required", False)
    assert activation_code(case["smdp"], case["matchingId"], oid, flag) == case["ac"]
    assert lpa_text(case["ac"]) == case["qr"]
    assert lpa_text(case["qr"]) == case["qr"]
    for text in (case["ac"], case["qr"], f" {case['qr'].replace('LPA', 'lpa')}\n"):
        read = parse_activation_code(text)
        assert (read.smdp, read.matching_id, read.oid) == (case["smdp"], case["matchingId"], oid)
        assert read.confirmation_required is flag
        assert read.well_formed


@pytest.mark.parametrize("case", CASES["invalid_activation_codes"])
def test_invalid_codes(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_activation_code(case["in"])


def test_a_token_of_a_provider_is_read_and_marked() -> None:
    read = parse_activation_code("1$smdp.example.com$abc_1", provider_data=True)
    assert (read.matching_id, read.well_formed) == ("abc_1", False)


@pytest.mark.parametrize(
    "text",
    ["", "LPA:", "1$", "1$a b$X", "1$smdp.example.com$X$1.2$2", "1$smdp.example.com$X$Y", "1$h$X$1.2$1$", "1$-h$X"],
)
def test_more_invalid_codes(text: str) -> None:
    for provider_data in (False, True):
        with pytest.raises(ValueError, match=r"\w"):
            parse_activation_code(text, provider_data=provider_data)


@pytest.mark.parametrize(
    ("smdp", "token", "oid"),
    [("", "X", None), ("a$b", "X", None), ("a", "X$Y", None), ("a", "X Y", None), ("a", "X", "1$")],
)
def test_a_code_that_would_mean_something_else_is_not_made(smdp: str, token: str, oid: str | None) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        activation_code(smdp, token, oid)


def test_links() -> None:
    links = install_links(CASES["activation_codes"][0]["ac"])
    assert (links.ios, links.android) == (CASES["links"]["ios"], CASES["links"]["android"])


def test_matching_ids_are_long_random_and_within_the_alphabet() -> None:
    made = {new_matching_id() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {32}
    assert set("".join(made)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert new_matching_id(bytes) == "A" * 32


def test_pictures() -> None:
    text = lpa_text(CASES["activation_codes"][0]["ac"])
    png, svg = qr_png(text), qr_svg(text)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width = int.from_bytes(png[16:20], "big")
    assert width == (29 + 2 * 4) * 6  # version 3: 29 modules, quiet zone 4, six pixels each
    assert svg.startswith("<svg")
    assert svg.rstrip().endswith("</svg>")
    assert text not in svg
    assert qr_png(text) == png


def test_luhn() -> None:
    luhn = CASES["luhn"]
    assert luhn_digit(luhn["body"]) == luhn["check"]
    assert normalise_iccid(luhn["padded"]) == luhn["body"] + luhn["check"]
    assert iccid_ok(luhn["padded"])
    assert luhn_digit("896588081210001114") == "6"
    assert all(iccid_ok(each) for each in [*luhn["valid_iccids"], "8944474600000109251", "89852245280000942210"])
    invalid = [*luhn["invalid_iccids"], "8900000000000000001", "8997250230000292199", "89852000263413436720"]
    assert not any(iccid_ok(each) for each in invalid)
    assert not iccid_ok("text")


def test_mod_97() -> None:
    eid = CASES["eid"]
    valid = [*eid["valid"], "89049032123451234512345678901235", "89001012012341234012345678901224"]
    assert all(eid_ok(each) for each in valid)
    assert not eid_ok(eid["invalid"][0])
    assert eid_check(eid["invalid"][0][:30]) == eid["check_for_invalid"]
    assert eid_check("89049032000000000000000000000101"[:30]) == "63"
    assert not eid_ok("890")


def test_spelling() -> None:
    assert normalise_iccid(" 8981-9904 0260 0004 173f ") == "8981990402600004173"
    full_width = "8981990402600004173".translate({ord("0") + n: ord("０") + n for n in range(10)})
    assert normalise_iccid(full_width) == "8981990402600004173"
    assert normalise_eid("8904 9032 1234 5123 4512 3456 7890 1235") == "89049032123451234512345678901235"
    for bad in ("", "F", "8981990402600004173FF", "898199040260000417A", "1" * 17, "1" * 21, "٨" * 19):
        with pytest.raises(ValueError, match="18 to 20 digits"):
            normalise_iccid(bad)
    with pytest.raises(ValueError, match="32 digits"):
        normalise_eid("8904")
