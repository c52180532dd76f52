"""The listener for handleDownloadProgressInfo: TLS with a required client certificate, one path, store before 204.

Rules §12: its own port and TLS context, a pinned key, 64 kB of body, nothing answered before the event is stored. What
the event means for anybody is decided later, elsewhere.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from aiohttp import web

from integrations.esim.notification import read_notification
from integrations.esim.progress import STANDARD_POINTS, Meaning, ProgressEvent
from integrations.esim.tls import key_pin, server_context

FUNCTION_PATH = "/gsma/rsp2/es2plus/handleDownloadProgressInfo"
BODY_LIMIT = 64 * 1024
BODY_SECONDS = 10.0


@dataclass(frozen=True)
class ReceiverConfig:
    """One SM-DP+ that may call us.

    ``client_ca`` is the authority of its client certificate; ``pinned_key`` (``tls.key_pin``) narrows it to one key.
    ``base_path`` stands before the function's path. ``points`` maps the vendor's own point ids and may re-map 1–4.
    ``reply`` "200" answers with a success header in JSON, as one vendor documents, instead of 204.
    """

    host: str
    port: int
    certificate: Path
    key: Path
    client_ca: Path
    sender: str
    pinned_key: str | None = None
    base_path: str = ""
    points: Mapping[int, Meaning] = field(default_factory=dict)
    reply: Literal["204", "200"] = "204"
    protocol_version: str = "2.5.0"


class ProgressReceiver:
    """``store`` gets every readable event, repeats included (``dedupe_key`` tells them apart).

    An exception out of ``store`` becomes a 500, so that the sender comes again.
    """

    def __init__(
        self,
        config: ReceiverConfig,
        store: Callable[[ProgressEvent], Awaitable[None]],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._store = store
        self._now = now
        self._points = {**STANDARD_POINTS, **config.points}
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port in use (useful when the configured one is 0). Raises RuntimeError before ``start``."""
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("the receiver is not started")
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Listen. Raises IntegrationError (config) for unusable certificates, OSError for a port in use."""
        config = self._config
        context = server_context(config.client_ca, config.certificate, config.key)
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post(config.base_path.rstrip("/") + FUNCTION_PATH, self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, config.host, config.port, ssl_context=context).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner

    async def stop(self) -> None:
        """Answer what is in hand, then close the port."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.Response(status=403, text="this certificate is not the one we know\n")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        try:
            event = read_notification(body, sender=self._config.sender, points=self._points, received_at=self._now())
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        await self._store(event)
        return self._accepted()

    def _knows(self, request: web.Request) -> bool:
        tls: ssl.SSLObject | None = request.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        if not certificate:
            return False
        pinned = self._config.pinned_key
        return not pinned or key_pin(certificate) == pinned.replace(":", "").lower()

    def _accepted(self) -> web.Response:
        protocol = {"X-Admin-Protocol": f"gsma/rsp/v{self._config.protocol_version}"}
        if self._config.reply == "204":
            return web.Response(status=204, headers=protocol)
        executed = {"header": {"functionExecutionStatus": {"status": "Executed-Success"}}}
        return web.json_response(executed, headers=protocol)
