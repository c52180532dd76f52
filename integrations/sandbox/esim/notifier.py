"""Send notification points to the portal's call-back listener, in the dialects vendors are known to speak (§1.4)."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from integrations.sandbox.esim.certificates import Certificates

FUNCTION = "/gsma/rsp2/es2plus/handleDownloadProgressInfo"
CONSTANT_CALL_ID = "handleDownloadProgressInfo"


@dataclass(frozen=True)
class Point:
    """One thing to tell. ``pair`` is "" for a success, else "subject/reason" of a failure."""

    iccid: str
    eid: str
    profile_type: str
    point: int
    at: datetime
    pair: str = ""


@dataclass(frozen=True)
class Dialect:
    """How a vendor spells and delivers: each switch is a documented or expected deviation.

    ``copies`` sends every message that often; ``reverse`` sends the points of one event last first.
    """

    string_ids: bool = False
    epoch_times: bool = False
    constant_call_id: bool = False
    padded_iccid: bool = True
    without_eid: bool = False
    copies: int = 1
    reverse: bool = False


@dataclass(frozen=True)
class Sent:
    """One delivery: the HTTP status, or None and the reason where there was no answer."""

    point: int
    status: int | None
    problem: str = ""


@dataclass(frozen=True)
class Listener:
    """Where the portal listens: ``url`` is the base before the function's path, ``ca_file`` the anchor for it."""

    url: str
    ca_file: Path


class Notifier:
    """Posts over mutual TLS with the SM-DP+'s call-back certificate. Without a listener nothing is sent."""

    def __init__(self, cert_dir: Path, now: Callable[[], datetime]) -> None:
        self._cert_dir = cert_dir
        self._now = now
        self._number = 0
        self.listener: Listener | None = None
        self.dialect = Dialect()

    async def tell(self, points: Sequence[Point]) -> list[Sent]:
        """Deliver ``points`` in the dialect's order; a listener that is down is reported, not raised."""
        if self.listener is None or not points:
            return []
        dialect = self.dialect
        messages = [(point, self.message(point)) for point in points]
        ordered = messages[::-1] if dialect.reverse else messages
        connector = aiohttp.TCPConnector(ssl=self._context(self.listener))
        url = self.listener.url.rstrip("/") + FUNCTION
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:
            return [
                await self._post(session, url, point, message)
                for point, message in ordered
                for _ in range(dialect.copies)
            ]

    def message(self, point: Point) -> dict[str, Any]:
        """The body of one call-back, as the dialect spells it."""
        dialect = self.dialect
        self._number += 1
        called = CONSTANT_CALL_ID if dialect.constant_call_id else f"NTF-{self._now():%Y%m%d%H%M%S}-{self._number}"
        body: dict[str, Any] = {
            "header": {"functionRequesterIdentifier": "2.999.8801", "functionCallIdentifier": called},
            "eid": point.eid,
            "iccid": f"{point.iccid}F" if dialect.padded_iccid and len(point.iccid) == 19 else point.iccid,
            "profileType": point.profile_type,
            "timestamp": point.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "notificationPointId": str(point.point) if dialect.string_ids else point.point,
            "notificationPointStatus": _status(point.pair),
        }
        if dialect.epoch_times:
            del body["timestamp"]
            body["timeStamp"] = str(int(point.at.timestamp()))
        if dialect.without_eid:
            del body["eid"]
        return body

    async def _post(self, session: aiohttp.ClientSession, url: str, point: Point, message: dict[str, Any]) -> Sent:
        headers = {"X-Admin-Protocol": "gsma/rsp/v2.1.0", "User-Agent": "gsma-rsp-smdp"}
        try:
            async with session.post(url, json=message, headers=headers) as response:
                return Sent(point.point, response.status)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return Sent(point.point, None, f"{type(error).__name__}: {error}")

    def _context(self, listener: Listener) -> ssl.SSLContext:
        pair = Certificates.at(self._cert_dir).callback
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(listener.ca_file)
        context.load_cert_chain(pair.certificate, pair.key)
        return context


def _status(pair: str) -> dict[str, Any]:
    if not pair:
        return {"status": "Executed-Success"}
    subject, _, reason = pair.partition("/")
    codes = {"subjectCode": subject, "reasonCode": reason, "message": "reported by the sandbox"}
    return {"status": "Failed", "statusCodeData": codes}
