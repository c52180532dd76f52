import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest

from integrations.sandbox.faults import Faults
from integrations.sandbox.mail import MailOptions, MailSandbox
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from tests.integrations.mail.certificates import make_certificates


@asynccontextmanager
async def running(options: MailOptions | None = None, path: Path | None = None) -> AsyncIterator[MailSandbox]:
    store = Store(path)
    sandbox = MailSandbox(store, Faults(), Traffic(), options)
    await sandbox.start("127.0.0.1", 0)
    try:
        yield sandbox
    finally:
        await sandbox.stop()
        store.close()


def letter(subject: str = "件名") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@shop.example", "b@home.example", subject
    message["Message-ID"] = "<one@shop.example>"
    message.set_content("こんにちは\n.dot\n")
    return message


def post(sandbox: MailSandbox, *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> None:
    """A client that is not ours: the standard library's."""
    endpoint = sandbox.endpoint()
    wrapped = endpoint["security"] == "tls"
    address = (endpoint["host"], endpoint["port"])
    with (
        smtplib.SMTP_SSL(*address, timeout=60, context=tls) if wrapped else smtplib.SMTP(*address, timeout=60) as client
    ):
        if tls and not wrapped:
            client.starttls(context=tls)
        if login:
            client.login(*login)
        client.send_message(letter())


async def test_keeps_what_it_received_and_logs_every_command() -> None:
    async with running() as sandbox:
        await asyncio.to_thread(post, sandbox)
        (row,) = sandbox.world()["mails"]
        assert row["to"] == ["b@home.example"]
        assert row["from"] == "a@shop.example"
        assert (row["subject"], row["message_id"]) == ("件名", "<one@shop.example>")
        assert row["text"].splitlines() == ["こんにちは", ".dot"]
        seen = sandbox.traffic.since()
        assert [entry["operation"] for entry in seen] == ["connect", "mail", "rcpt", "data", "message"]
        assert all(entry["answered"] for entry in seen)
        assert [entry["status"] for entry in seen] == [220, 250, 250, 354, 250]
        assert seen[4]["facts"] == {"to": "b@home.example", "message_id": "<one@shop.example>"}


async def test_mails_survive_a_restart_and_are_kept_twice_when_accepted_twice(tmp_path: Path) -> None:
    async with running(path=tmp_path / "state.db") as sandbox:
        await asyncio.to_thread(post, sandbox)
    async with running(path=tmp_path / "state.db") as sandbox:
        await asyncio.to_thread(post, sandbox)
        assert [row["n"] for row in sandbox.world()["mails"]] == [1, 2]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_tls_and_login(tmp_path: Path, security: Literal["starttls", "tls"]) -> None:
    files = make_certificates(tmp_path)
    context = ssl.create_default_context(cafile=str(files.ca))
    async with running(MailOptions(security, "portal", "open", files.cert, files.key, files.ca)) as sandbox:
        await asyncio.to_thread(post, sandbox, tls=context, login=("portal", "open"))
        assert len(sandbox.world()["mails"]) == 1
        with pytest.raises(smtplib.SMTPAuthenticationError):
            await asyncio.to_thread(post, sandbox, tls=context, login=("portal", "shut"))
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            await asyncio.to_thread(post, sandbox, tls=context)
        assert len(sandbox.world()["mails"]) == 1


async def test_without_starttls_nothing_is_taken(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    async with running(MailOptions("starttls", cert=files.cert, key=files.key, ca=files.ca)) as sandbox:
        with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
            await asyncio.to_thread(post, sandbox)


async def test_stop_breaks_open_connections() -> None:
    async with running() as sandbox:
        endpoint = sandbox.endpoint()
        reader, writer = await asyncio.open_connection(endpoint["host"], endpoint["port"])
        assert (await reader.readline()).startswith(b"220")
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()


FAULTS = [
    ("timeout_before", 0),
    ("timeout_after", 1),
    ("hold", 1),
    ("late_effect", 1),
    ("reset", 0),
    ("truncate", 1),
    ("malformed", 1),
    ("html", 0),
    ("http_500", 0),
    ("http_503", 0),
    ("http_403", 0),
    ("http_429", 0),
]


@pytest.mark.parametrize(("kind", "kept"), FAULTS)
async def test_a_fault_at_the_message_fails_the_client_and_keeps_the_mail_or_not(kind: str, kept: int) -> None:
    async with running() as sandbox:
        sandbox.faults.add(system="mail", operation="message", kind=kind, options={"delay": 0.05})
        sending = asyncio.create_task(asyncio.to_thread(post, sandbox))
        async with asyncio.timeout(60):
            while not (sandbox.faults.hits() and len(sandbox.world()["mails"]) == kept):  # noqa: ASYNC110 - no events
                await asyncio.sleep(0.01)
        sandbox.faults.clear()
        with pytest.raises((smtplib.SMTPException, OSError)):
            await sending
        assert len(sandbox.world()["mails"]) == kept
        assert sandbox.traffic.since()[-1]["fault"] == kind
        await asyncio.to_thread(post, sandbox)
        assert len(sandbox.world()["mails"]) == kept + 1


@pytest.mark.parametrize("operation", ["connect", "mail", "rcpt", "data"])
@pytest.mark.parametrize("kind", ["timeout_after", "http_503", "reset", "truncate", "malformed"])
async def test_a_fault_before_the_message_keeps_nothing(operation: str, kind: str) -> None:
    async with running() as sandbox:
        sandbox.faults.add(system="mail", operation=operation, kind=kind, options={"delay": 0.05})
        with pytest.raises((smtplib.SMTPException, OSError)):
            await asyncio.to_thread(post, sandbox)
        assert sandbox.world()["mails"] == []
        assert sandbox.traffic.since()[-1]["operation"] == operation


async def test_slow_is_only_slow_and_where_chooses_the_mail() -> None:
    async with running() as sandbox:
        sandbox.faults.add(system="mail", operation="rcpt", kind="slow", options={"delay": 0.1})
        sandbox.faults.add(system="mail", operation="message", kind="reset", where={"to": "other@home.example"})
        await asyncio.to_thread(post, sandbox)
        assert len(sandbox.world()["mails"]) == 1
        assert [hit.operation for hit in sandbox.faults.hits()] == ["rcpt"]
