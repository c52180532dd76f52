"""The OpenAPI document is what the API does: fuzzed over a real socket for a limited time."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from console.schema.base import PREFIX
from console.schema.problem import MEDIA_TYPE
from tests.console.api.rig import Desk, open_desk
from tests.console.client.journal_rows import put_order

ENDLESS = f"{PREFIX}/feed"
WRITES_FILES = f"{PREFIX}/store/backup"
EXAMPLES = 3
CHECKS = [response_schema_conformance, status_code_conformance, content_type_conformance]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk in a thread with its own loop, so that a synchronous client can ask it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(100)

    desk = run(open_desk(tmp_path_factory.mktemp("contract")))
    try:
        run(desk.journal.write(lambda db: [put_order(db, n, {}, {"state": "failed"}) for n in range(1, 6)]))
        yield desk
    finally:
        run(desk.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_every_operation_answers_as_the_contract_says(served: Desk) -> None:
    schema = schemathesis.openapi.from_dict(served.app.openapi())
    schema.config.update(base_url=served.url)
    headers = {"Authorization": f"Bearer {served.tokens['admin']}"}
    asked = 0
    for found in schema.exclude(path=[ENDLESS, WRITES_FILES]).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers_well(case: Any) -> None:
            nonlocal asked
            asked += 1
            response = case.call(headers=headers)
            assert response.status_code != 500, response.text  # 503: the outside systems are down here
            case.validate_response(response, checks=CHECKS)

        answers_well()
    assert asked > 60


async def test_the_contract_is_served_and_every_route_names_its_problems(desk: Desk) -> None:
    document = (await desk.ask("GET", "/openapi.json", role="viewer")).json()
    assert len(document["paths"]) >= 33
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["security"], path
            assert MEDIA_TYPE in operation["responses"]["422"]["content"]
