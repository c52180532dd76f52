"""TLS with client certificates on both ends of ES2+ (facts/esim.md §1.1).

A context of our own, never the platform's: the trust file holds the other side's anchor and nothing else, because
OpenSSL adds an issuer found there to the chain we send, and because no public authority may speak for an SM-DP+.
"""

import hashlib
import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

from integrations.errors import ErrorClass, IntegrationError, System

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18


def client_context(ca_file: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """The context of our calls. Raises IntegrationError (config) naming the file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _load(context, ca_file, certificate, key)


def server_context(ca_file: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """The context of the call-back listener: a client certificate of ``ca_file`` or no connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    return _load(context, ca_file, certificate, key)


def _load(context: ssl.SSLContext, ca_file: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (ca_file, certificate, key):
        if not path.is_file():
            raise _unusable("file_missing", f"{path} does not exist or is not a file")
    try:
        context.load_verify_locations(cafile=ca_file)
    except (ssl.SSLError, OSError) as error:
        raise _unusable("bad_trust_file", f"{ca_file} holds no usable certificate: {error}") from error
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        said = f"{certificate} and {key} are not a certificate and its key: {error}"
        raise _unusable("bad_certificate", said) from error
    return context


def _no_password() -> str:
    """An encrypted key must fail, not make OpenSSL ask on the terminal."""
    raise ValueError("the key is encrypted")


def _unusable(code: str, said: str) -> IntegrationError:
    return IntegrationError(System.ESIM, "configure", ErrorClass.CONFIG, code, said)


def key_pin(certificate: bytes) -> str:
    """SHA-256 (hex) over the public key (SubjectPublicKeyInfo) of a DER certificate: survives its renewal."""
    from cryptography import x509  # 10 MB, for the call-back listener alone
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_der_x509_certificate(certificate).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def certificate_end(path: Path) -> datetime:
    """The end of validity (aware UTC) of the first certificate in a PEM file; for the alert before it runs out.

    Raises IntegrationError (config) when the file cannot be read as a certificate.
    """
    try:
        first = _PEM.search(path.read_text(encoding="ascii"))
        if first is None:
            raise ValueError("it holds no certificate")
        return _not_after(ssl.PEM_cert_to_DER_cert(first[0]))
    except (OSError, ValueError, IndexError) as error:
        raise _unusable("bad_certificate", f"{path} is not a certificate: {error}") from error


def _not_after(der: bytes) -> datetime:
    """``Certificate.tbsCertificate.validity.notAfter`` (RFC 5280 §4.1), read without a library: every daemon needs it."""
    at = _value(der, _value(der, 0)[0])[0]  # into the certificate, into what is signed of it
    if der[at] == _VERSION:
        at = _value(der, at)[1]
    for _ in ("serial number", "signature", "issuer"):
        at = _value(der, at)[1]
    validity = _value(der, at)[0]
    after = _value(der, validity)[1]
    start, end = _value(der, after)
    text = der[start:end].decode("ascii")
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}.get(der[after])
    if form is None:
        raise ValueError("it names no end")
    found = datetime.strptime(text, form).replace(tzinfo=UTC)
    # two digits: 50 to 99 are of the last century (RFC 5280 §4.1.2.5.1), strptime turns at 69
    return found.replace(year=found.year - 100) if der[after] == _UTC_TIME and found.year >= 2050 else found


def _value(der: bytes, at: int) -> tuple[int, int]:
    """Where the value of the DER element at ``at`` begins and ends. Raises IndexError, ValueError outside of the data."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    if start + length > len(der):
        raise ValueError("it ends too early")
    return start, start + length
