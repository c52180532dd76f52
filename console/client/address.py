"""Where a daemon listens: a Unix socket, or https with a token (plain http to this machine only)."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Address:
    """Where a daemon listens: exactly one of ``socket`` and ``url``; ``token`` for a URL."""

    socket: Path | None = None
    url: str = ""
    token: str = field(default="", repr=False)
    ca_file: Path | None = None

    @property
    def shown(self) -> str:
        return str(self.socket) if self.socket is not None else self.url


def parse_address(text: str, *, token: str = "", ca_file: Path | None = None) -> Address:
    """``unix:/path``, a path, or an https URL. Raises ValueError in words."""
    if text.startswith("unix:") or text.startswith(("/", "./", "~")):
        return Address(socket=Path(text.removeprefix("unix:").removeprefix("//")).expanduser())
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"{text[:80]!r} is no address: write https://host:port or unix:/path/to/portal.sock")
    if parts.username or parts.password:
        raise ValueError("an address must not carry a user name or password: the token goes in a file")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise ValueError(f"http://{parts.hostname} is not this machine: use https")
    return Address(url=text.rstrip("/"), token=token, ca_file=ca_file)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
