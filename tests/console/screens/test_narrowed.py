"""An act on one cause under a filter with alternatives."""

import pytest

from console.client.query_parse import parse_terms
from console.screens.failures import narrowed


@pytest.mark.parametrize(
    ("filter_", "meant"),
    [
        ("state:failed", "state:failed cause:57c9"),
        ("state:failed -kind:vpn | wait:person", "state:failed -kind:vpn cause:57c9 | wait:person cause:57c9"),
        ('cause:"no | profile" | 田中', 'cause:"no | profile" cause:57c9 | 田中 cause:57c9'),
    ],
)
def test_a_cause_narrows_every_alternative_of_the_filter(filter_: str, meant: str) -> None:
    """Behind the last | alone, an act on one cause would have been one on every failed order."""
    assert narrowed(filter_, "cause:57c9") == meant
    assert [term.group for term in parse_terms(meant) if term.values[0].text == "57c9"] == list(
        range(meant.count("57c9"))
    )
