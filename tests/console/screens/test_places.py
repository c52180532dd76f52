"""What may be typed after ``:``, pure."""

import pytest

from console.screens.places import Kind, NoPlace, Place, place_of


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("10480", Place(Kind.ORDER, "10480")),
        ("１０４８０", Place(Kind.ORDER, "10480")),
        ("ord 00010480", Place(Kind.ORDER, "00010480")),
        ("8015h0000010480AAA", Place(Kind.ORDER, "8015h0000010480AAA")),
        ("find 田中　花子", Place(Kind.FIND, "田中 花子")),
        ("cust C-00417", Place(Kind.FIND, "C-00417")),
        ("09012345635", Place(Kind.FIND, "09012345635")),
        ("approvals", Place(Kind.SECTION, "approvals")),
        ("ａｐｐ", Place(Kind.SECTION, "approvals")),
        ("needs a person", Place(Kind.SECTION, "needs")),
        ("state:failed age>2h", Place(Kind.FILTER, "state:failed age>2h")),
        ("filter 田中", Place(Kind.FILTER, "田中")),
        ("log", Place(Kind.ACTION, "log_console")),
        ("find", Place(Kind.ACTION, "find")),
    ],
)
def test_what_leads_somewhere(typed: str, place: Place) -> None:
    assert place_of(typed) == place


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("aprovals", "Did you mean approvals?"),
        ("田中", "`find 田中` looks for it"),
        ("env staging", "chosen at the start only: portal console --env NAME"),
        ("x" * 10_000, "At most 200 characters can be typed here, this text has 10,000."),
    ],
)
def test_what_leads_nowhere_says_what_would(typed: str, said: str) -> None:
    with pytest.raises(NoPlace) as error:
        place_of(typed)
    assert said in str(error.value)
