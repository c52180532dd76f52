"""Options of the whole suite."""

import gc

import hypothesis
import pytest

# The same examples every time: what landed once does not fail the next time by chance.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept-screens", action="store_true", help="write the pictures in tests/screens anew")


def pytest_collection_finish() -> None:
    """Leave out of every later garbage collection what was imported so far: it never goes, and is most of all."""
    gc.collect()
    gc.freeze()
