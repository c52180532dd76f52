"""Certificates on both ends: what each kind of TLS trouble proves, and that nothing of the environment leaks in."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from integrations.errors import ErrorClass, IntegrationError, LoginFailed
from integrations.esim.tls import certificate_end, key_pin
from integrations.sandbox.esim.certificates import Certificates, Pair
from tests.integrations.esim.conftest import FIRST, Line, failure, utc_now


async def test_foreign_client_certificate_never_executes(line: Line) -> None:
    """This server breaks the connection instead of sending its alert: what broke after sending is unknown."""
    known = line.certificates
    provider = line.provider(client_cert=known.foreign.certificate, client_key=known.foreign.key)
    broken = await failure(provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert broken.code in ("connection_lost", "client_certificate")
    assert line.state() == "Available"
    assert line.traffic.since() == []


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_tls_alert_about_our_certificate_is_a_login_failure(line: Line, newest: ssl.TLSVersion) -> None:
    """With TLS 1.3 the alert arrives where the answer should be; it still proves that nothing was executed."""
    known = line.certificates
    with refusing_server(known, newest) as url:
        for _ in range(20):  # the reset that follows may overtake the alert
            provider = line.provider(url=url, client_cert=known.foreign.certificate, client_key=known.foreign.key)
            refused = await failure(provider.release(iccid=FIRST, call_id="c"))
            if isinstance(refused, LoginFailed):
                break
            assert refused.code in ("connection_lost", "unreachable")
    assert isinstance(refused, LoginFailed)
    assert (refused.code, refused.error_class) == ("client_certificate", ErrorClass.CONFIG)
    assert "unknown_ca" in refused.message


@contextmanager
def refusing_server(certificates: Certificates, newest: ssl.TLSVersion) -> Iterator[str]:
    """A TLS server that judges client certificates as a web server does: alert, then an orderly close."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.ca)
    context.load_cert_chain(certificates.server.certificate, certificates.server.key)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(_refuse_all, listener, context)
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            serving.result(60)


def _refuse_all(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        with socket.socket(fileno=accepted.detach()) as raw, suppress(OSError):
            raw.settimeout(15)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_side=True)
            _handshake(raw, tls, incoming, outgoing)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass


def _handshake(raw: socket.socket, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(16_384))
        except ssl.SSLError:
            raw.sendall(outgoing.read())  # the alert
            return
        else:
            raise AssertionError("this server refuses every client")


async def test_wrong_trust_anchor_is_config(line: Line) -> None:
    provider = line.provider(ca_file=line.certificates.foreign.certificate)
    refused = await failure(provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (refused.code, refused.error_class) == ("server_certificate", ErrorClass.CONFIG)


async def test_wrong_host_name_is_config(line: Line) -> None:
    """The certificate is for localhost and 127.0.0.1 only."""
    await line.sandbox.stop()
    await line.sandbox.start("127.0.0.2", 0)
    refused = await failure(line.provider().release(iccid=FIRST, call_id="c"))
    assert (refused.code, refused.error_class) == ("server_certificate", ErrorClass.CONFIG)


async def test_bad_settings_are_config_and_name_the_file(line: Line, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    cases = (
        ({"client_cert": tmp_path / "nowhere.pem"}, "file_missing"),
        ({"ca_file": garbage}, "bad_trust_file"),
        ({"client_cert": garbage}, "bad_certificate"),
        ({"client_key": line.certificates.foreign.key}, "bad_certificate"),
        ({"url": "http://127.0.0.1:1"}, "bad_address"),
        ({"url": "smdp.example.com"}, "bad_address"),
    )
    for changes, code in cases:
        refused = await failure(line.provider(**changes).release(iccid=FIRST, call_id="c"))
        assert (refused.code, refused.error_class) == (code, ErrorClass.CONFIG)
    assert "nowhere.pem" in str(
        await failure(line.provider(client_cert=tmp_path / "nowhere.pem").release(iccid=FIRST, call_id="c"))
    )


async def test_a_renewed_certificate_is_used_without_a_restart(line: Line, tmp_path: Path) -> None:
    known = line.certificates
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"

    def put(pair: Pair) -> None:
        certificate.write_bytes(pair.certificate.read_bytes())
        key.write_bytes(pair.key.read_bytes())

    put(known.stranger)
    provider = line.provider(client_cert=certificate, client_key=key)
    assert isinstance(await failure(provider.probe()), LoginFailed)
    put(known.operator)
    await provider.probe()
    key.write_text("half of a renewal")
    await provider.probe()
    put(known.stranger)
    assert isinstance(await failure(provider.probe()), LoginFailed)


async def test_environment_does_not_leak_in(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert await line.provider().download(iccid=FIRST, profile_type=None, eid=None, call_id="c") == FIRST


def test_end_of_a_certificate(certificates: Certificates, tmp_path: Path) -> None:
    assert certificate_end(certificates.operator.certificate) > utc_now() + timedelta(days=730)
    with pytest.raises(Exception, match="is not a certificate"):
        certificate_end(tmp_path / "nowhere.pem")


@pytest.mark.parametrize("day", ["1999-12-31", "2026-11-23", "2049-12-31", "2050-01-01", "9999-12-31"])
def test_the_end_of_a_certificate_is_read_as_cryptography_reads_it(tmp_path: Path, day: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
    long = [x509.NameAttribute(kind, "名" * 21) for kind in kinds]  # more than 127 octets: the long form of a length
    name, until = x509.Name(long), datetime.fromisoformat(f"{day}T23:59:59Z")
    began = datetime(1990, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), began, until)
    file = tmp_path / "one.pem"
    file.write_bytes(b"# ours\n" + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    assert certificate_end(file) == until
    file.write_bytes(b"\n".join([*file.read_bytes().splitlines()[:3], b"-----END CERTIFICATE-----"]))
    with pytest.raises(IntegrationError, match="is not a certificate"):
        certificate_end(file)


def test_pin_is_of_the_key_not_of_the_certificate(certificates: Certificates) -> None:
    def pin(path: Path) -> str:
        return key_pin(ssl.PEM_cert_to_DER_cert(path.read_text()))

    assert pin(certificates.callback.certificate) == pin(certificates.callback.certificate)
    assert pin(certificates.callback.certificate) != pin(certificates.operator.certificate)
