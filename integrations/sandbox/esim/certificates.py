"""The sandbox's certificates, made on its first start (published test certificates run out: none are shipped).

One authority signs the SM-DP+'s server certificate, the operator's client certificate, the SM-DP+'s own client
certificate for call-backs and the server certificate of the portal's call-back listener. Two strangers exist for the
refusal tests: one of the same authority that no operator is mapped to (answered 1.1/1.2), one of a foreign authority
(refused by TLS).
"""

import ipaddress
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=5 * 365)
RENEW_BEFORE = timedelta(days=60)
_CLIENT, _SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True)
class Pair:
    """A certificate file and its key file (PEM)."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """Where everything is. ``ca`` is the anchor for both directions; ``foreign_ca`` signed ``foreign`` only."""

    ca: Path
    server: Pair
    operator: Pair
    stranger: Pair
    foreign: Pair
    callback: Pair
    receiver: Pair

    @classmethod
    def at(cls, directory: Path) -> "Certificates":
        def pair(name: str) -> Pair:
            return Pair(directory / f"{name}.pem", directory / f"{name}.key")

        named = {name: pair(name) for name in ("server", "operator", "stranger", "foreign", "callback", "receiver")}
        return cls(ca=directory / "ca.pem", **named)

    def files(self) -> tuple[Path, ...]:
        pairs = (self.server, self.operator, self.stranger, self.foreign, self.callback, self.receiver)
        return (self.ca, *(path for pair in pairs for path in (pair.certificate, pair.key)))


def ensure_certificates(directory: Path, now: Callable[[], datetime]) -> Certificates:
    """Return the certificates in ``directory``, made anew (all of them) when one is missing or soon runs out.

    They are written beside it and moved in as one, so that a kill in between leaves no half set. Files are 0600.
    """
    found = Certificates.at(directory)
    if all(path.is_file() for path in found.files()) and _ends(found.server.certificate) > now() + RENEW_BEFORE:
        return found
    fresh = directory.with_name(directory.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    _make_all(Certificates.at(fresh), now())
    shutil.rmtree(directory, ignore_errors=True)
    fresh.rename(directory)
    return found


def _ends(path: Path) -> datetime:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def _make_all(files: Certificates, now: datetime) -> None:
    authority, foreign = _Authority("Portal Sandbox CA", now), _Authority("Foreign CA", now)
    _write(files.ca, authority.certificate.public_bytes(serialization.Encoding.PEM))
    authority.issue(files.server, "smdp.sandbox", _SERVER)
    authority.issue(files.operator, "operator.sandbox", _CLIENT)
    authority.issue(files.stranger, "stranger.sandbox", _CLIENT)
    authority.issue(files.callback, "smdp-callback.sandbox", _CLIENT)
    authority.issue(files.receiver, "portal-receiver.sandbox", _SERVER)
    foreign.issue(files.foreign, "operator.sandbox", _CLIENT)


class _Authority:
    def __init__(self, name: str, now: datetime) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        usage = _usage(sign=False, certify=True)
        self.certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, files: Pair, name: str, purpose: x509.ObjectIdentifier) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            self._builder(_named(name), key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=True, certify=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier), critical=False
            )
        )
        if purpose is _SERVER:
            local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(local), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        _write(
            files.key,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=1))
            .not_valid_after(self._now + VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, sign: bool, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign, key_cert_sign=certify, crl_sign=certify, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
