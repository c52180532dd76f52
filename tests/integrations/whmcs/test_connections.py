"""Which socket a call takes, what a firewall's 403 and a time-out do, TLS, and closing."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.correlation import correlation_id
from integrations.errors import CallFailed, ErrorClass, IntegrationError
from integrations.whmcs.client import WhmcsClient, WhmcsConfig
from tests.integrations.whmcs.scripted import (
    IDENTIFIER,
    PAGE_403,
    QUICK,
    SECRET,
    Asked,
    Reply,
    Scripted,
    serving,
    success,
    talking,
)
from tests.integrations.whmcs.test_reading import INVOICE


async def test_reads_share_a_connection_and_every_write_has_its_own() -> None:
    server = Scripted()
    server.on("GetInvoice", success(**INVOICE))
    server.on("AcceptOrder", success())
    async with talking(server) as client:
        for _ in range(3):
            await client.get_invoice("3")
            await client.accept_order("9")
    reads = {asked.connection for asked in server.of("GetInvoice")}
    writes = [asked.connection for asked in server.of("AcceptOrder")]
    assert len(reads) == 1
    assert len(set(writes)) == 3
    assert not reads & set(writes)


async def test_a_firewalls_403_on_a_read_is_tried_once_more_on_a_fresh_connection() -> None:
    server = Scripted()
    server.on("GetInvoice", success(**INVOICE), PAGE_403, success(**INVOICE))
    async with talking(server) as client:
        for _ in range(3):
            await client.get_invoice("3")
    sockets = [asked.connection for asked in server.asked]
    assert len(sockets) == 4
    assert sockets[0] == sockets[1]
    assert len(set(sockets)) == 3  # the pool, the fresh one, the new pool


async def test_a_firewall_tied_to_a_socket_costs_one_extra_read() -> None:
    server = Scripted()
    blocked: set[int] = set()

    def answer(asked: Asked) -> Reply:
        blocked.add(server.asked[0].connection)
        return PAGE_403 if asked.connection in blocked else success(**INVOICE)

    server.on("GetInvoice", answer)
    async with talking(server) as client:
        for _ in range(3):
            await client.get_invoice("3")
    assert len(server.asked) == 4


async def test_a_firewall_that_stays_is_transient_after_two_tries() -> None:
    server = Scripted()
    server.on("GetInvoice", PAGE_403)
    async with talking(server) as client:
        with pytest.raises(CallFailed) as raised:
            await client.get_invoice("3")
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.TRANSIENT, "http_403")
    assert len(server.asked) == 2


async def test_a_firewalls_403_on_a_write_is_unknown_and_not_repeated() -> None:
    server = Scripted()
    server.on("AcceptOrder", PAGE_403)
    async with talking(server) as client:
        with pytest.raises(CallFailed) as raised:
            await client.accept_order("9")
    assert raised.value.error_class is ErrorClass.OUTCOME_UNKNOWN
    assert len(server.asked) == 1


async def test_reads_in_flight_survive_the_dropped_pool() -> None:
    server = Scripted()
    first = success(**INVOICE)

    def answer(asked: Asked) -> Reply:
        if asked.form["invoiceid"] == "3":
            return Reply(first.body, delay=0.15)
        return PAGE_403

    server.on("GetInvoice", answer)
    async with talking(server) as client:
        slow = asyncio.create_task(client.get_invoice("3"))
        await server.arrived.wait()
        with pytest.raises(CallFailed):
            await client.get_invoice("4")
        assert (await slow).id == "3"
    assert len(server.of("GetInvoice")) == 3


async def test_the_read_timeout_and_the_write_timeout_are_their_own() -> None:
    server = Scripted()
    server.on("GetInvoice", Reply({"result": "success"}, delay=3600))
    server.on("AcceptOrder", Reply({"result": "success"}, delay=0.5))
    async with talking(server, read_timeouts=QUICK) as client:
        with pytest.raises(CallFailed) as raised:
            await client.get_invoice("3")
        await client.accept_order("9")
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.TRANSIENT, "timeout")


def test_the_documented_timeouts_are_the_defaults() -> None:
    config = WhmcsConfig("https://billing.example.com", IDENTIFIER, SECRET)
    assert (config.read_timeouts.read, config.read_timeouts.total) == (10.0, 10.0)
    assert (config.write_timeouts.read, config.write_timeouts.total) == (60.0, 60.0)
    assert SECRET not in repr(config)


async def test_cookies_are_not_sent_back() -> None:
    server = Scripted()
    server.on("GetInvoice", Reply({"result": "success"} | INVOICE, headers={"Set-Cookie": "WHMCSabc=1; path=/"}))
    async with talking(server) as client:
        await client.get_invoice("3")
        await client.get_invoice("3")
    assert all("Cookie" not in asked.headers for asked in server.asked)


async def test_the_correlation_id_goes_along() -> None:
    server = Scripted()
    server.on("AcceptOrder", success())
    token = correlation_id.set("run-17")
    try:
        async with talking(server) as client:
            await client.accept_order("9")
    finally:
        correlation_id.reset(token)
    assert server.asked[0].headers["X-Correlation-Id"] == "run-17"


async def test_a_closed_client_sends_nothing() -> None:
    server = Scripted()
    server.on("GetInvoice", success(**INVOICE))
    async with talking(server) as client:
        await client.get_invoice("3")
        await client.close()
        with pytest.raises(RuntimeError, match="closed"):
            await client.get_invoice("3")
        with pytest.raises(RuntimeError, match="closed"):
            await client.accept_order("9")
    assert len(server.asked) == 1


async def test_a_cancelled_write_leaves_no_connection_behind() -> None:
    server = Scripted()
    server.on("AcceptOrder", Reply({"result": "success"}, delay=3600))
    async with talking(server) as client:
        call = asyncio.create_task(client.accept_order("9"))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


Certificate = Callable[[str], tuple[ssl.SSLContext, Path]]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """Makes a self-signed certificate for an address: the server's context and the file that trusts it."""

    def make(name: str) -> tuple[ssl.SSLContext, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        today = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        file, key_file = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        file.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, key_file)
        return context, file

    return make


def _alternative(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)


async def test_tls_with_an_own_authority(certificate: Certificate) -> None:
    context, file = certificate("127.0.0.1")
    server = Scripted()
    server.on("AcceptOrder", success())
    server.on("GetInvoice", success(**INVOICE))
    async with serving(server, context) as url:
        client = WhmcsClient(WhmcsConfig(url, IDENTIFIER, SECRET, ca_file=file))
        try:
            await client.accept_order("9")
            await client.get_invoice("3")
        finally:
            await client.close()
    assert len(server.asked) == 2


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", False), ("billing.example.com", True)])
async def test_a_tls_failure_proves_that_nothing_was_sent(certificate: Certificate, name: str, trusted: bool) -> None:
    context, file = certificate(name)
    server = Scripted()
    async with serving(server, context) as url:
        client = WhmcsClient(WhmcsConfig(url, IDENTIFIER, SECRET, ca_file=file if trusted else None))
        try:
            with pytest.raises(CallFailed) as raised:
                await client.accept_order("9")
        finally:
            await client.close()
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.TRANSIENT, "unreachable")
    assert server.asked == []


async def test_a_bad_authority_file_is_a_config_error(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.pem", tmp_path):
        client = WhmcsClient(WhmcsConfig("https://127.0.0.1:9/", IDENTIFIER, SECRET, ca_file=file))
        with pytest.raises(IntegrationError) as raised:
            await client.accept_order("9")
        await client.close()
        assert (raised.value.error_class, raised.value.code) == (ErrorClass.CONFIG, "bad_ca_file")
