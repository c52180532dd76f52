"""Options of the whole suite."""

import gc

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept-screens", action="store_true", help="write the pictures in tests/screens anew")


def pytest_collection_finish() -> None:
    """Leave out of every later garbage collection what was imported so far: it never goes, and is most of all."""
    gc.collect()
    gc.freeze()
