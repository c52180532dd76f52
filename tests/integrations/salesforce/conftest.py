from collections.abc import AsyncIterator

import pytest

from integrations.salesforce.client import SalesforceClient
from tests.integrations.salesforce.scripted import ScriptedOrg, client_for


@pytest.fixture
async def org() -> AsyncIterator[ScriptedOrg]:
    async with ScriptedOrg() as running:
        yield running


@pytest.fixture
async def client(org: ScriptedOrg) -> AsyncIterator[SalesforceClient]:
    made = client_for(org.url)
    yield made
    await made.close()
