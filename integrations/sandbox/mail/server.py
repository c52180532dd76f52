"""The SMTP server, on the sandbox's own event loop: store and faults are touched by one thread only."""

import asyncio
import hmac
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from integrations.sandbox.faults import Faults
from integrations.sandbox.mail.inbox import Inbox
from integrations.sandbox.mail.session import SmtpSession
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.world import World


@dataclass(frozen=True)
class MailOptions:
    """``username`` empty: no login asked for. With starttls or tls the server shows ``cert``; clients trust ``ca``."""

    security: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None


class MailSandbox:
    """Takes mail for everybody. ``faults`` of system "mail" are obeyed at connect, mail, rcpt, data and message."""

    def __init__(self, store: Store, faults: Faults, traffic: Traffic, options: MailOptions | None = None) -> None:
        self.faults = faults
        self.traffic = traffic
        self.inbox = Inbox(store)
        self._options = options or MailOptions()
        self._server: asyncio.Server | None = None
        self._sessions: set[SmtpSession] = set()
        self._all_left = asyncio.Event()
        self._address = ("", 0)

    def load(self, world: World) -> None:
        """Nothing stands in a mail server before its first mail."""

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the port is taken."""
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd writes every command there, logins included
        loop = asyncio.get_running_loop()
        tls = self._context()
        starttls, wrapped = (tls, None) if self._options.security == "starttls" else (None, tls)
        self._server = await loop.create_server(
            lambda: SmtpSession(self, tls=starttls, loop=loop), host, port, ssl=wrapped
        )
        bound = self._server.sockets[0].getsockname()
        self._address = (str(bound[0]), int(bound[1]))

    async def stop(self) -> None:
        """Close the listener and break every connection."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self._sessions):
            session.abort()
        if self._sessions:
            await self._all_left.wait()
        await self._server.wait_closed()
        self._server = None

    def endpoint(self) -> dict[str, Any]:
        host, port = self._address
        return {
            "host": host,
            "port": port,
            "security": self._options.security,
            "username": self._options.username,
            "password": self._options.password,
            "ca_file": str(self._options.ca) if self._options.ca else "",
        }

    def world(self) -> dict[str, Any]:
        """``mails``: a row for each accepted message, oldest first, without HTML."""
        return {"mails": [{key: value for key, value in row.items() if key != "html"} for row in self.inbox.rows()]}

    def joined(self, session: SmtpSession) -> None:
        self._sessions.add(session)
        self._all_left.clear()

    def left(self, session: SmtpSession) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._all_left.set()

    @property
    def needs_login(self) -> bool:
        return bool(self._options.username)

    def login_is(self, username: bytes, password: bytes) -> bool:
        expected = f"{self._options.username}\0{self._options.password}".encode()
        return hmac.compare_digest(username + b"\0" + password, expected)

    def _context(self) -> ssl.SSLContext | None:
        if self._options.security == "none":
            return None
        if not (self._options.cert and self._options.key):
            raise ValueError("a mail server with TLS needs a certificate and its key")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._options.cert, self._options.key)
        return context
