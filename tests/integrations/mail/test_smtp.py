import asyncio
import socket
import ssl
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed
from integrations.mail.service import OutgoingMail
from integrations.mail.smtp import SmtpConfig, SmtpTransport
from integrations.sandbox.faults import Faults
from integrations.sandbox.mail import MailOptions, MailSandbox
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from tests.integrations.mail.certificates import Files, make_certificates
from tests.integrations.mail.scripted import DROP, EHLO, SILENCE, Scripted, serving

MAIL = OutgoingMail(
    "<order-1@shop.example>",
    "店 <no-reply@shop.example>",
    "hana@home.example",
    "ご注文",
    ".dot\n本文\n..\n",
    "<p>本文</p>",
)
LOST = [("greeting", "connect"), ("EHLO", "mail"), ("MAIL", "mail"), ("RCPT", "rcpt"), ("DATA", "data")]


def transport(port: int, **changes: Any) -> SmtpTransport:
    values: dict[str, Any] = {"security": "none", "timeout": 60, "answer_timeout": 60} | changes
    return SmtpTransport(SmtpConfig("127.0.0.1", port, **values), now=lambda: datetime(2026, 4, 1, tzinfo=UTC))


async def failing(script: Scripted, **changes: Any) -> IntegrationError:
    if SILENCE in script.replies.values():
        changes = {"timeout": 0.3, "answer_timeout": 0.3} | changes
    async with serving(script):
        with pytest.raises(IntegrationError) as caught:
            await transport(script.port, **changes).send(MAIL)
    return caught.value


async def test_a_mail_arrives_whole() -> None:
    async with serving(Scripted()) as script:
        await transport(script.port).send(MAIL)
    assert script.commands[1:] == ["MAIL FROM:<no-reply@shop.example>", "RCPT TO:<hana@home.example>", "DATA", "QUIT"]
    (body,) = script.bodies
    assert body.isascii()
    message = message_from_bytes(body.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n."), policy=policy.default)
    assert message["Message-ID"] == MAIL.message_id
    assert message["From"] == "店 <no-reply@shop.example>"
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == [".dot", "本文", ".."]


@pytest.mark.parametrize(("at", "operation"), LOST)
@pytest.mark.parametrize("how", [DROP, SILENCE])
async def test_lost_before_the_body_is_a_refusal(at: str, operation: str, how: str) -> None:
    script = Scripted({at: how})
    error = await failing(script)
    assert error.error_class is ErrorClass.TRANSIENT
    assert error.operation == operation
    assert error.code in ("timeout", "unreachable")
    assert script.bodies == []


@pytest.mark.parametrize(("how", "code"), [(DROP, "connection_lost"), (SILENCE, "timeout")])
async def test_lost_after_the_body_is_unknown(how: str, code: str) -> None:
    error = await failing(script := Scripted({"message": how}))
    assert (error.error_class, error.operation, error.code) == (ErrorClass.OUTCOME_UNKNOWN, "message", code)
    assert len(script.bodies) == 1


async def test_lost_inside_the_body_is_unknown() -> None:
    error = await failing(Scripted(drop_in_body=True))
    assert error.error_class is ErrorClass.OUTCOME_UNKNOWN


@pytest.mark.parametrize("reply", ["hello", "354 more", "150 soon", "<html>", "999 what"])
async def test_an_answer_to_the_message_that_says_nothing_is_unknown(reply: str) -> None:
    assert (await failing(Scripted({"message": reply}))).error_class is ErrorClass.OUTCOME_UNKNOWN


REPLIES = [
    ("greeting", "421 4.3.2 later", ErrorClass.TRANSIENT, "421/4.3.2"),
    ("greeting", "554 5.7.1 go away", ErrorClass.CONFIG, "554/5.7.1"),
    ("MAIL", "451 4.3.0 busy", ErrorClass.TRANSIENT, "451/4.3.0"),
    ("MAIL", "421 closing", ErrorClass.TRANSIENT, "421"),
    ("MAIL", "530 5.7.0 Authentication required", ErrorClass.CONFIG, "530/5.7.0"),
    ("MAIL", "553 sender refused", ErrorClass.CONFIG, "553"),
    ("RCPT", "450 4.2.0 greylisted", ErrorClass.TRANSIENT, "450/4.2.0"),
    ("RCPT", "550 5.1.1 <hana@home.example> unknown", ErrorClass.DATA, "550/5.1.1"),
    ("RCPT", "554 5.7.1 Relay access denied", ErrorClass.CONFIG, "554/5.7.1"),
    ("DATA", "451 4.7.1 try later", ErrorClass.TRANSIENT, "451/4.7.1"),
    ("DATA", "554 5.5.1 no valid recipients", ErrorClass.DATA, "554/5.5.1"),
    ("DATA", "250 strange", ErrorClass.TRANSIENT, "250"),
    ("message", "451 4.3.0 disk full", ErrorClass.TRANSIENT, "451/4.3.0"),
    ("message", "421 4.3.2 shutting down", ErrorClass.TRANSIENT, "421/4.3.2"),
    ("message", "554 5.7.1 spam", ErrorClass.DATA, "554/5.7.1"),
]


@pytest.mark.parametrize(("at", "reply", "kind", "code"), REPLIES)
async def test_reply_codes(at: str, reply: str, kind: ErrorClass, code: str) -> None:
    error = await failing(Scripted({at: reply}))
    assert (error.error_class, error.code) == (kind, code)
    assert "home.example" not in str(error)


async def test_no_answer_to_the_goodbye_changes_nothing() -> None:
    for how in (DROP, "500 what"):
        async with serving(Scripted({"QUIT": how})) as script:
            await transport(script.port).send(MAIL)


async def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(CallFailed) as caught:
            await transport(held.getsockname()[1]).send(MAIL)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.TRANSIENT, "unreachable")


async def test_cancelling_leaves_no_connection() -> None:
    async with serving(Scripted({"message": SILENCE})) as script:
        sending = asyncio.create_task(transport(script.port, answer_timeout=30).send(MAIL))
        async with asyncio.timeout(60):
            while not script.bodies:  # noqa: ASYNC110 - the script has no event
                await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_login() -> None:
    offered = {"EHLO": "250-scripted\r\n250 AUTH PLAIN"}
    wrong = await failing(Scripted(offered | {"AUTH": "535 5.7.8 wrong"}), username="me", password="canary-9")
    assert isinstance(wrong, LoginFailed)
    assert wrong.code == "535/5.7.8"
    assert "canary" not in f"{wrong!r} {wrong.__cause__!r}"
    busy = await failing(Scripted(offered | {"AUTH": "454 4.7.0 later"}), username="me", password="x")
    assert busy.error_class is ErrorClass.TRANSIENT
    missing = await failing(Scripted(), username="me", password="x")
    assert (missing.error_class, missing.code) == (ErrorClass.CONFIG, "auth_not_offered")
    assert "canary" not in repr(SmtpConfig("h", password="canary-9"))


async def test_starttls_is_not_optional(tmp_path: Path) -> None:
    error = await failing(Scripted(), security="starttls")
    assert (error.error_class, error.code) == (ErrorClass.CONFIG, "starttls_not_offered")
    busy = await failing(
        Scripted({"EHLO": EHLO.replace("8BITMIME", "STARTTLS"), "STARTTLS": "454 later"}), security="starttls"
    )
    assert (busy.error_class, busy.code) == (ErrorClass.TRANSIENT, "454")


async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    script = Scripted({"EHLO": "250-scripted\r\n250 STARTTLS"}, tls=_server_side(files))
    error = await failing(script, security="starttls")
    assert (error.error_class, error.code) == (ErrorClass.CONFIG, "certificate")
    assert not any(command.startswith("MAIL") for command in script.commands)
    async with serving(Scripted(), wrapped=_server_side(files)) as script:
        with pytest.raises(IntegrationError) as caught:
            await transport(script.port, security="tls").send(MAIL)
    assert caught.value.code == "certificate"


def _server_side(files: Files) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.cert, files.key)
    return context


async def test_a_missing_file_of_authorities_is_config(tmp_path: Path) -> None:
    error = await failing(Scripted(), security="tls", ca_file=tmp_path / "none.pem")
    assert (error.error_class, error.code) == (ErrorClass.CONFIG, "ca_file")


async def test_plain_smtp_goes_to_loopback_only() -> None:
    config = SmtpConfig("192.0.2.7", 25, security="none")
    with pytest.raises(IntegrationError) as caught:
        await SmtpTransport(config, now=lambda: datetime.now(UTC)).send(MAIL)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "tls_required")


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_against_the_sandbox(tmp_path: Path, security: Any) -> None:
    files = make_certificates(tmp_path)
    options = MailOptions(security, "portal", "open sesame", files.cert, files.key, files.ca)
    store = Store()
    sandbox = MailSandbox(store, Faults(), Traffic(), options)
    await sandbox.start("127.0.0.1", 0)
    try:
        told = sandbox.endpoint()
        client = transport(
            told["port"],
            security=told["security"],
            username=told["username"],
            password=told["password"],
            ca_file=Path(told["ca_file"]),
        )
        await client.probe()
        assert sandbox.world()["mails"] == []
        await client.send(MAIL)
        (row,) = sandbox.world()["mails"]
        assert (row["message_id"], row["subject"]) == (MAIL.message_id, "ご注文")
    finally:
        await sandbox.stop()
        store.close()
