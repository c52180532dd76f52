"""Filters come through the shell and the option parser whole."""

import pytest

from console.cli.filters import joined, protected
from console.client.query import parse


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (None, ""),
        (["state:failed"], "state:failed"),
        (["state:failed age>2h"], "state:failed age>2h"),
        (["state:failed", "age>2h"], "state:failed age>2h"),
        (["state:failed", "cause:no profile"], 'state:failed cause:"no profile"'),
        (["plan:eSIM Travel", "-kind:vpn"], 'plan:"eSIM Travel" -kind:vpn'),
        (["a", "two words"], 'a "two words"'),
        (["a", 'cause:"no profile"'], 'a cause:"no profile"'),
    ],
)
def test_words_become_one_filter(words: list[str] | None, text: str) -> None:
    assert joined(protected(words or [])) == text
    parse(text)


def test_only_negated_terms_are_protected_from_the_option_parser() -> None:
    for option in ("-n", "-n5", "-c", "--limit", "--filter=-kind:vpn", "-", "--", "-r", "-y"):
        assert protected([option]) == [option]
    for term in ("-kind:vpn", "-amount>500", "-state=failed", "-田中"):
        (kept,) = protected([term])
        assert not kept.startswith("-")
        assert joined([kept, "x"]) == f"{term} x"
