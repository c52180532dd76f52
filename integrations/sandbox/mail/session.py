"""One SMTP connection that obeys faults at each of its commands."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from typing import Any, AnyStr, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.mail.inbox import Inbox, message_facts
from integrations.sandbox.traffic import Entry, Traffic

SYSTEM = "mail"
# The names that the HTTP servers use, each as the nearest thing in SMTP.
REFUSALS = {
    "http_500": "451 4.3.0 Local error in processing",
    "http_503": "421 4.3.2 Service not available, closing transmission channel",
    "http_403": "550 5.7.1 Refused by policy",
    "http_429": "450 4.7.0 Too many messages, try again later",
}
GARBAGE = "<html>this is no SMTP reply</html>"
SMTP_KINDS = frozenset(REFUSALS) | {
    "timeout_before", "timeout_after", "hold", "late_effect", "slow", "reset", "truncate", "malformed", "html",
}  # fmt: skip


class Post(Protocol):
    """What a connection needs of its server."""

    faults: Faults
    traffic: Traffic
    inbox: Inbox

    def joined(self, session: "SmtpSession") -> None: ...
    def left(self, session: "SmtpSession") -> None: ...
    def login_is(self, username: bytes, password: bytes) -> bool: ...

    @property
    def needs_login(self) -> bool: ...


class Hooks:
    """aiosmtpd's handler: each command is asked for, may be spoilt, and has its effect in one place."""

    async def handle_MAIL(
        self, server: "SmtpSession", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        def effect() -> str:
            if server.post.needs_login and not session.authenticated:
                return "530 5.7.0 Authentication required"
            envelope.mail_from = address
            envelope.mail_options.extend(options)
            return "250 2.1.0 OK"

        return await server.answered("mail", {"from": address}, effect)

    async def handle_RCPT(
        self, server: "SmtpSession", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        def effect() -> str:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
            return "250 2.1.5 OK"

        return await server.answered("rcpt", {"to": address}, effect)

    async def handle_DATA(self, server: "SmtpSession", session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)

        def effect() -> str:
            server.post.inbox.keep(sender, recipients, content)
            return "250 2.0.0 OK"

        return await server.answered("message", message_facts(recipients, content), effect)


class SmtpSession(SMTP):
    """aiosmtpd's protocol with the operations connect, mail, rcpt, data and message."""

    def __init__(self, post: Post, *, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> None:
        self.post = post
        self._entry: Entry | None = None
        super().__init__(
            Hooks(),
            hostname="mail.sandbox.example",
            ident="Portal sandbox",
            tls_context=tls,
            require_starttls=tls is not None,
            auth_require_tls=False,
            authenticator=self._log_in,
            loop=loop,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.post.joined(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.post.left(self)

    def abort(self) -> None:
        """Break the connection without a word."""
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    async def answered(self, operation: str, facts: Mapping[str, str], effect: Callable[[], str]) -> str:
        """The reply to a command after making its effect, unless a fault is set for it."""
        self._entry = entry = self.post.traffic.asked(SYSTEM, operation, facts)
        fault = self.post.faults.take(SYSTEM, operation, facts, SMTP_KINDS)
        if fault is None:
            return effect()
        entry.fault = fault.kind
        return await self._spoilt(fault, effect)

    async def _spoilt(self, fault: Fault, effect: Callable[[], str]) -> str:
        """Without effect: timeout_before, reset, html (garbage) and the refusals; all others make it."""
        delay = float(fault.options.get("delay", 0))
        match fault.kind:
            case "timeout_before":
                await self.post.faults.hang()
            case "timeout_after" | "hold":
                effect()
                await self._hang(delay)
            case "late_effect":
                self.post.faults.later(delay or 1.0, effect)
                await self.post.faults.hang()
            case "truncate":
                self._writer.write(effect()[:2].encode())
            case "slow":
                await asyncio.sleep(delay or 1.0)
                return effect()
            case "malformed":
                effect()
                return GARBAGE
            case "html":
                return GARBAGE
            case kind if kind in REFUSALS:
                return REFUSALS[kind]
        if fault.kind == "truncate":
            self._writer.close()
        else:
            self.abort()
        raise ConnectionResetError(f"broken by fault {fault.id}")

    async def _hang(self, delay: float) -> None:
        await (self.post.faults.hang(delay) if delay else self.post.faults.hang())

    async def push(self, status: AnyStr) -> None:
        """Send a reply; 421 also ends the connection (RFC 5321 §3.8)."""
        await super().push(status)
        code = _reply_code(status)
        if self._entry is not None and self.transport is not None and not self.transport.is_closing():
            self._entry.answered = True
            self._entry.status = code
        self._entry = None
        if code == 421 and self.transport is not None:
            self.transport.close()

    async def _handle_client(self) -> None:
        with contextlib.suppress(ConnectionResetError):  # by the client, or by a fault
            greeting = await self.answered("connect", {}, lambda: "")
            if greeting:
                await self.push(greeting)
                self._writer.close()
            else:
                await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:
        if self.envelope and self.envelope.rcpt_tos:
            refused = await self.answered("data", {"to": ",".join(self.envelope.rcpt_tos)}, lambda: "")
            if refused:
                await self.push(refused)
                return
        await super().smtp_DATA(arg)

    def _log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and self.post.login_is(data.login, data.password)
        return AuthResult(success=known, handled=False)


def _reply_code(status: str | bytes) -> int | None:
    digits = status[:3]
    return int(digits) if digits.isdigit() else None
