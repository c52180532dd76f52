"""Sending by SMTP.

Until the first byte of the message's body is written nothing can have been sent: whatever fails before is a refusal.
From then on the server may deliver as soon as it has seen the final dot, whether or not its answer reaches us: only a
reply code tells then, and everything else is an unknown outcome. (RFC 5321 §4.2.5: a 4yz or 5yz after the final dot
says that the server has not taken responsibility.)
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed, System
from integrations.mail.service import OutgoingMail, build_message, envelope_address, parse_sender

_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")
_LOGIN_CODES = frozenset({530, 534, 535, 538})


@dataclass(frozen=True)
class SmtpConfig:
    """``timeout`` in seconds is for connecting and for each command, ``answer_timeout`` for the answer to the message.

    RFC 5321 §4.5.3.2.6 asks for ten minutes there, because giving up too early makes an unknown outcome.
    """

    host: str
    port: int = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout: float = 30.0
    answer_timeout: float = 120.0


class SmtpTransport:
    """A MailTransport with one connection for each mail."""

    def __init__(self, config: SmtpConfig, *, now: Callable[[], datetime]) -> None:
        self._config = config
        self._now = now
        self._own_name: str | None = None
        self._tls: ssl.SSLContext | None = None

    async def send(self, mail: OutgoingMail) -> None:
        """See MailTransport. Refusals: transient for 4yz and no connection; data for a refused recipient or message;
        config for a refused login, TLS that is not to be had, or a refused sender."""
        message = build_message(mail, self._now())
        sender, recipient = parse_sender(mail.sender).addr_spec, envelope_address(mail.to)
        async with self._session() as client:
            with _refusals("mail"):
                await client.mail(sender)
            with _refusals("rcpt"):
                await client.rcpt(recipient)
            with _refusals("data"):
                await _open_data(client)
            await self._deliver(client, message.as_bytes())

    async def probe(self) -> None:
        """Connect, secure the connection, log in, leave."""
        async with self._session():
            pass

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = await self._connected()
        try:
            yield client
            with contextlib.suppress(SMTPException, OSError):  # taken over already: a failing goodbye changes nothing
                await client.quit()
        finally:
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        config = self._config
        if config.security == "none":
            await self._require_loopback()
        client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            local_hostname=await self._name(),
            use_tls=config.security == "tls",
            start_tls=False,
            tls_context=None if config.security == "none" else await self._context(),
            timeout=config.timeout,
        )
        try:
            with _refusals("connect"):
                await client.connect()
                if config.security == "starttls":
                    await _secured(client)
            if config.username:
                await self._log_in(client)
        except BaseException:
            client.close()
            raise
        return client

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        with _refusals("connect"):
            await client.ehlo()
            if not client.supports_extension("auth"):
                raise _config("auth_not_offered", "the server offers no login on this connection")
            try:
                await client.login(self._config.username, self._config.password)
            except aiosmtplib.SMTPAuthenticationError as error:
                if 400 <= error.code < 500:
                    raise
                raise LoginFailed(System.MAIL, _code(error), _said(error)) from error

    async def _deliver(self, client: aiosmtplib.SMTP, message: bytes) -> None:
        protocol = client.protocol
        if protocol is None or not protocol.is_connected:
            raise _transient("data", "connection_lost", "the connection was closed before the message")
        stuffed = re.sub(rb"(?m)^\.", b"..", message.removesuffix(b"\r\n"))
        try:
            protocol.write(stuffed + b"\r\n.\r\n")
            answer = await protocol.read_response(timeout=self._config.answer_timeout)
        except (SMTPException, OSError, ValueError) as error:
            raise _unknown(error) from error
        if 200 <= answer.code < 300:
            return
        if not 400 <= answer.code < 600:
            raise _unknown(SMTPException(f"an answer of code {answer.code}"))
        raise _refusal("message", SMTPResponseException(answer.code, answer.message))

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            ca_file = str(self._config.ca_file) if self._config.ca_file else None
            try:
                self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=ca_file)
            except OSError as error:
                raise _config("ca_file", f"the file of certificate authorities cannot be used: {error}") from error
        return self._tls

    async def _name(self) -> str:
        """Our name for EHLO, asked for once: looking it up may go to a name server."""
        if self._own_name is None:
            name = await asyncio.to_thread(socket.getfqdn)
            self._own_name = name if re.fullmatch(r"[A-Za-z0-9.-]+", name) else "localhost"
        return self._own_name

    async def _require_loopback(self) -> None:
        """Rules §12: without TLS only where every resolved address is loopback."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self._config.host, None)
        except OSError as error:
            raise _transient("connect", "unreachable", f"the name of the server is not known: {error}") from error
        if not all(ipaddress.ip_address(str(entry[4][0]).split("%")[0]).is_loopback for entry in found):
            raise _config("tls_required", "security none is allowed only to a loopback address")


async def _secured(client: aiosmtplib.SMTP) -> None:
    await client.ehlo()
    if not client.supports_extension("starttls"):
        raise _config("starttls_not_offered", "the server does not offer STARTTLS")
    await client.starttls()


async def _open_data(client: aiosmtplib.SMTP) -> None:
    answer = await client.execute_command(b"DATA")
    if answer.code != 354:
        raise SMTPResponseException(answer.code, answer.message)


@contextlib.contextmanager
def _refusals(operation: str) -> Iterator[None]:
    """Everything that goes wrong inside happened before the body: nothing was sent."""
    try:
        yield
    except SMTPResponseException as error:
        raise _refusal(operation, error) from error
    except (SMTPException, OSError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise _config("certificate", f"the server's certificate is not trusted: {cause.verify_message}") from error
        code = "timeout" if isinstance(error, TimeoutError) else "unreachable"
        raise _transient(operation, code, str(error) or type(error).__name__) from error


def _refusal(operation: str, error: SMTPResponseException) -> IntegrationError:
    """The class of a reply code: what the sender set up wrongly is config, what this one mail has wrong is data."""
    permanent = 500 <= error.code < 600
    if not permanent:
        kind = ErrorClass.TRANSIENT
    elif (
        error.code in _LOGIN_CODES
        or operation in ("connect", "mail")
        or (operation == "rcpt" and "relay" in error.message.lower())
    ):
        kind = ErrorClass.CONFIG
    else:
        kind = ErrorClass.DATA
    return CallFailed(System.MAIL, operation, kind, _code(error), _said(error))


def _code(error: SMTPResponseException) -> str:
    """ "550/5.1.1", or "550" where the server gives no enhanced code (RFC 3463)."""
    enhanced = _ENHANCED.search(error.message)
    return f"{error.code}/{enhanced[0]}" if enhanced else str(error.code)


def _said(error: SMTPResponseException) -> str:
    """The server's words without addresses, which are personal data."""
    return f"the server answered {error.code}: {_ADDRESS.sub('(address)', error.message)}"


def _unknown(error: Exception) -> CallFailed:
    code = "timeout" if isinstance(error, TimeoutError) else "connection_lost"
    said = f"no answer to the message, it may have been sent: {error}"
    return CallFailed(System.MAIL, "message", ErrorClass.OUTCOME_UNKNOWN, code, said)


def _transient(operation: str, code: str, message: str) -> CallFailed:
    return CallFailed(System.MAIL, operation, ErrorClass.TRANSIENT, code, message)


def _config(code: str, message: str) -> CallFailed:
    return CallFailed(System.MAIL, "connect", ErrorClass.CONFIG, code, message)
