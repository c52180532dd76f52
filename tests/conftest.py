"""Options of the whole suite."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from tests.patient_loop import PatientLoop

# Where client and server share the test's loop. Elsewhere other processes take part, and time is everybody's.
IN_ONE_LOOP = Path(__file__).parent / "integrations"

# The same examples every time: what landed once does not fail the next time by chance.
hypothesis.settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept-screens", action="store_true", help="write the pictures in tests/screens anew")


def pytest_collection_finish() -> None:
    """Leave out of every later garbage collection what was imported so far: it never goes, and is most of all."""
    gc.collect()
    gc.freeze()


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"loop": PatientLoop if item.path.is_relative_to(IN_ONE_LOOP) else asyncio.new_event_loop}
