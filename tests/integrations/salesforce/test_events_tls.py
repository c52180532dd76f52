"""The subscriber over https with a certificate authority of its own."""

import dataclasses
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.salesforce.events_rig import PATIENT, SqliteJournal, Subscriber, running
from tests.integrations.sandbox.salesforce.cometd_rig import Org, until


def throw_away_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, which is its own authority: (certificate, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "org")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "org.pem", folder / "org.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.mark.parametrize("trusted", [True, False])
async def test_https_with_a_ca_file(tmp_path: Path, trusted: bool) -> None:
    certificate, key = throw_away_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    org = Org(CometdOptions(poll_seconds=0.5), tls)
    await org.start()
    journal = SqliteJournal(tmp_path / "journal.db")
    config = dataclasses.replace(PATIENT, ca_file=certificate if trusted else None)
    sent = org.publish(2)
    try:
        async with running(Subscriber(org, journal, config=config)) as subscriber:
            if trusted:
                await until(lambda: subscriber.kept == sent)
                await org.kill()
                await org.start()
                sent += org.publish(2)
                await until(lambda: subscriber.kept == sent)
            else:
                await until(lambda: subscriber.state.failures >= 2)
                assert "CERTIFICATE_VERIFY_FAILED" in subscriber.state.last_error
                assert org.operations() == []
    finally:
        journal.close()
        await org.stop()


async def test_plain_http_is_refused_for_anything_but_loopback(tmp_path: Path) -> None:
    org = Org()
    journal = SqliteJournal(tmp_path / "journal.db")
    subscriber = Subscriber(org, journal)

    async def elsewhere() -> tuple[str, str]:
        return "token", "http://192.0.2.1"

    subscriber.tokens.token = elsewhere  # type: ignore[method-assign]
    async with running(subscriber):
        await until(lambda: subscriber.state.failures)
        assert "plain http is allowed only where" in subscriber.state.last_error
    journal.close()
    await org.stop()
