import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from integrations.sandbox.esim.certificates import Certificates, ensure_certificates

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def made(directory: Path, now: datetime = NOW) -> Certificates:
    return ensure_certificates(directory, lambda: now)


def contents(found: Certificates) -> list[bytes]:
    return [path.read_bytes() for path in found.files()]


def test_they_last_for_years_and_only_we_can_read_them(tmp_path: Path) -> None:
    found = made(tmp_path / "deep" / "certs")
    for path in found.files():
        assert path.stat().st_mode & 0o777 == 0o600
        if path.suffix == ".pem":
            assert x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc > NOW + timedelta(days=730)
    assert (tmp_path / "deep" / "certs").stat().st_mode & 0o777 == 0o700


def test_a_second_start_keeps_them(tmp_path: Path) -> None:
    before = contents(made(tmp_path / "certs"))
    assert contents(made(tmp_path / "certs", NOW + timedelta(days=365))) == before


def test_they_are_made_anew_before_they_run_out(tmp_path: Path) -> None:
    before = contents(made(tmp_path / "certs"))
    late = NOW + timedelta(days=5 * 365 - 30)
    after = made(tmp_path / "certs", late)
    assert contents(after) != before
    assert x509.load_pem_x509_certificate(after.ca.read_bytes()).not_valid_after_utc > late + timedelta(days=730)


def test_half_a_set_is_made_anew(tmp_path: Path) -> None:
    found = made(tmp_path / "certs")
    before = contents(found)
    found.callback.key.unlink()
    (tmp_path / "certs.new").mkdir()
    (tmp_path / "certs.new" / "ca.pem").write_text("left by a kill")
    assert contents(made(tmp_path / "certs")) != before
    assert not (tmp_path / "certs.new").exists()


def test_strict_verification_accepts_the_chain(tmp_path: Path) -> None:
    """Python 3.13 verifies strictly by default: key identifiers and key usage have to be there."""
    found = made(tmp_path / "certs", datetime.now(UTC))
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.verify_mode = ssl.CERT_REQUIRED
    for context, pair in ((client, found.operator), (server, found.server)):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(found.ca)
        context.load_cert_chain(pair.certificate, pair.key)
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(a, b, server_hostname="localhost"), server.wrap_bio(b, a, server_side=True)]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ends[0].getpeercert()
    assert ends[1].getpeercert()


@pytest.mark.parametrize("name", ["operator", "stranger", "callback", "foreign"])
def test_each_role_has_its_own_key(tmp_path: Path, name: str) -> None:
    found = made(tmp_path / "certs")
    keys = [path.read_bytes() for path in found.files() if path.suffix == ".key"]
    assert keys.count(getattr(found, name).key.read_bytes()) == 1
