"""A subscriber as a process of its own, to be killed: ``python -m … <journal file> <instance url> <access token>``."""

import asyncio
import sys
from pathlib import Path

from integrations.salesforce.cometd_transport import CometdConfig, CometdTransport
from integrations.salesforce.events_supervisor import Supervisor
from tests.integrations.salesforce.events_rig import QUICK, SqliteJournal, now
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL


class GivenToken:
    """Tokens with the one token of the command line."""

    def __init__(self, access_token: str, instance_url: str) -> None:
        self._given = access_token, instance_url

    async def token(self) -> tuple[str, str]:
        return self._given

    async def invalidate(self, access_token: str) -> None:
        """There is no other."""


async def main(path: str, instance_url: str, access_token: str) -> None:
    transport = CometdTransport(CometdConfig(), GivenToken(access_token, instance_url), now=now)
    journal = SqliteJournal(Path(path))
    await Supervisor(transport, journal, [CHANNEL], on_batch=lambda: None, now=now, backoff=QUICK).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
