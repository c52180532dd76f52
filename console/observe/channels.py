"""The ways an alert takes: an HTTP address that gets JSON, and a mail to each of the staff who asked for it."""

import asyncio
import hashlib
from email.utils import parseaddr
from urllib.parse import urlsplit

import aiohttp
import httpx

from console.observe.alerting import Telling, Undelivered
from integrations.errors import IntegrationError, System
from integrations.http import Timeouts, check_address, make_client, transport_failure
from integrations.mail.service import MailTransport, OutgoingMail, new_message_id

TIMEOUTS = Timeouts(connect=5.0, read=10.0, write=10.0, pool=5.0, total=15.0)
SUBJECT_LIMIT = 150
LONGEST_RETRY_AFTER = 900.0
_KNOWN_BY_SYSTEM = System.MAIL  # the error tree names outside systems; the address of alerts is none of them


class Address:
    """One outside address under the policy of rules §12: https or loopback, no redirects, every phase bounded.

    The address itself is a secret: only its host is ever shown.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: httpx.AsyncClient | None = None
        self.host = urlsplit(url).hostname or ""

    async def call(self, method: str, body: object = None) -> None:
        """Return on a 2xx answer. Raises Undelivered."""
        try:
            await asyncio.to_thread(check_address, self._url, _KNOWN_BY_SYSTEM)  # may resolve a name
        except IntegrationError as error:
            raise Undelivered(error.message, refused=False) from error
        client = self._client or make_client(timeouts=TIMEOUTS, max_connections=2)
        self._client = client
        try:
            async with asyncio.timeout(TIMEOUTS.total):
                response = await client.request(method, self._url, json=body)
        except (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError) as error:
            said = transport_failure(error, _KNOWN_BY_SYSTEM, "alert", write=True)
            raise Undelivered(f"{self.host}: {said.code}", refused=False) from error
        if not response.is_success:
            busy = response.status_code == 429 or response.status_code >= 500
            wait = _retry_after(response) if busy else None
            raise Undelivered(f"{self.host} answered {response.status_code}", refused=not busy, retry_after=wait)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class Webhook:
    """POSTs each telling as JSON; at least once, so the receiver may tell repeats by ``id``."""

    def __init__(self, url: str) -> None:
        self._address = Address(url)
        self.key = f"webhook:{_short(url)}"
        self.name = f"the webhook at {self._address.host}"

    async def send(self, telling: Telling) -> None:
        await self._address.call("POST", telling.as_json())

    async def close(self) -> None:
        await self._address.close()


class AlertMail:
    """Mails each telling to one address, through the daemon's own transport but past its gate: a paused or broken
    mail integration is itself an alarm. A repeat has the same Message-ID.
    """

    def __init__(self, transport: MailTransport, sender: str, to: str) -> None:
        self._transport = transport
        self._sender = sender
        self._to = to
        self.key = f"mail:{_short(to.casefold())}"
        self.name = f"mail to {to}"

    async def send(self, telling: Telling) -> None:
        try:
            await self._transport.send(self._mail(telling))
        except IntegrationError as error:
            raise Undelivered(f"mail: {error.code}", refused=False, retry_after=error.retry_after) from error

    def _mail(self, telling: Telling) -> OutgoingMail:
        token = f"alert.{telling.id}.{_short(self._to)}"
        subject = telling.line if len(telling.line) <= SUBJECT_LIMIT else telling.line[: SUBJECT_LIMIT - 1] + "…"
        rows = [f"{name}: {value}" for name, value in telling.as_json().items() if value is not None and name != "text"]
        return OutgoingMail(
            message_id=new_message_id(token, self._sender), sender=self._sender, to=parseaddr(self._to)[1] or self._to,
            subject=subject, text=f"{telling.line}\n\n" + "\n".join(rows) + "\n",
        )  # fmt: skip

    async def close(self) -> None:
        """The transport is the daemon's."""


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _retry_after(response: httpx.Response) -> float | None:
    told = response.headers.get("retry-after", "")
    return min(float(told), LONGEST_RETRY_AFTER) if told.isdecimal() else None
