from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import IntegrationError
from integrations.esim.es2plus import Es2PlusConfig, Es2PlusProvider
from integrations.http import Timeouts
from integrations.sandbox.esim.certificates import Certificates, ensure_certificates
from integrations.sandbox.esim.server import EsimSandbox
from integrations.sandbox.faults import Faults
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.world import Profile

FIRST = "8981990402600000312"
SECOND = "8981990402600000320"
EID = "89999031415926535897932384626466"
OTHER_EID = "89999027182818284590452353602823"


def utc_now() -> datetime:
    return datetime.now(UTC)


async def failure(call: Awaitable[object]) -> IntegrationError:
    """What ``call`` fails with."""
    with pytest.raises(IntegrationError) as caught:
        await call
    return caught.value


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return ensure_certificates(tmp_path_factory.mktemp("esim") / "certs", utc_now)


class Line:
    """A sandbox and the providers that were made for it."""

    def __init__(self, certificates: Certificates, **options: Any) -> None:
        self.store = Store()
        self.faults = Faults(self.store)
        self.traffic = Traffic()
        self.certificates = certificates
        self.sandbox = EsimSandbox(self.store, self.faults, self.traffic, certificates.ca.parent, **options)
        self.sandbox.add_stock((Profile(FIRST, "DEMO-DATA"), Profile(SECOND, "DEMO-DATA")))
        self.warnings: list[tuple[str, str]] = []
        self._made: list[Es2PlusProvider] = []

    def config(self, **changes: Any) -> Es2PlusConfig:
        known = self.sandbox.endpoint()
        config = Es2PlusConfig(
            url=known["url"],
            requester_id=known["requester_id"],
            client_cert=Path(known["client_cert"]),
            client_key=Path(known["client_key"]),
            ca_file=Path(known["ca_file"]),
            fallback_smdp_address="smdp.example.com",
            timeouts=Timeouts(connect=60, read=1.0, total=1.5),
        )
        return replace(config, **changes)

    def provider(self, **changes: Any) -> Es2PlusProvider:
        made = Es2PlusProvider(
            self.config(**changes), on_warning=lambda function, code: self.warnings.append((function, code))
        )
        self._made.append(made)
        return made

    def state(self, iccid: str = FIRST) -> str:
        profile = self.sandbox.smdp.profile(iccid)
        assert profile
        return str(profile["state"])

    async def stop(self) -> None:
        for provider in self._made:
            await provider.close()
        self.faults.close()
        await self.sandbox.stop()
        self.store.close()


@pytest.fixture
async def line(certificates: Certificates) -> AsyncIterator[Line]:
    made = Line(certificates)
    await made.sandbox.start("127.0.0.1", 0)
    yield made
    await made.stop()
