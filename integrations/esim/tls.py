"""TLS with client certificates on both ends of ES2+ (facts/esim.md §1.1).

A context of our own, never the platform's: the trust file holds the other side's anchor and nothing else, because
OpenSSL adds an issuer found there to the chain we send, and because no public authority may speak for an SM-DP+.
"""

import hashlib
import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from integrations.errors import ErrorClass, IntegrationError, System


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
    key = x509.load_der_x509_certificate(certificate).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def certificate_end(path: Path) -> datetime:
    """The end of validity (aware UTC) of the first certificate in a PEM file; for the alert before it runs out.

    Raises IntegrationError (config) when the file cannot be read as a certificate.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise _unusable("bad_certificate", f"{path} is not a certificate: {error}") from error
