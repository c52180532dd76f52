"""Binding the daemon's doors (rules §12): the Unix socket is made by us, closed to others from its first moment."""

import errno
import os
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from console.settings.daemon import DaemonSettings

LONGEST_PATH = 100  # bytes; Linux allows 107, other systems 103


class CannotListen(Exception):
    """A door cannot be opened; the message says why and what to do."""


@dataclass(frozen=True)
class Door:
    """A bound, listening socket. ``path`` for a Unix socket; ``tls`` for TCP beyond loopback."""

    socket: socket.socket
    address: str
    path: Path | None = None
    tls: ssl.SSLContext | None = None

    def close(self) -> None:
        self.socket.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def open_doors(settings: DaemonSettings) -> list[Door]:
    """The Unix socket and, if set, TCP. Raises CannotListen; then none is left open."""
    doors = [bind_unix(settings.socket_path, group=settings.socket.group_mode)]
    try:
        if settings.tcp.port is not None:
            doors.append(bind_tcp(settings.tcp.host, settings.tcp.port, settings.tcp.cert, settings.tcp.key))
    except CannotListen:
        doors[0].close()
        raise
    return doors


def bind_unix(path: Path, *, group: bool = False) -> Door:
    """0600 in a 0700 directory, or with ``group`` 0660 in 0750. A socket that nobody serves is replaced.

    Raises CannotListen: path too long, in use, not a socket, directory not ours or open to others.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise CannotListen(
            f"the socket's path has {len(os.fsencode(path))} bytes, at most {LONGEST_PATH} are possible:"
            " set daemon.socket.path to a shorter one"
        )
    _prepare(path.parent, 0o750 if group else 0o700)
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old_mask = os.umask(0o177)
    try:
        listening.bind(str(path))
        if group:
            path.chmod(0o660)
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise CannotListen(f"cannot listen at {path}: {error.strerror}") from error
    finally:
        os.umask(old_mask)
    listening.setblocking(False)
    return Door(listening, f"unix:{path}", path=path)


def _prepare(folder: Path, mode: int) -> None:
    """Make the directory, or close an existing one of ours to others."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid():
            raise CannotListen(f"{folder} belongs to another user: set daemon.socket.path to a directory of your own")
        if stat.S_IMODE(found.st_mode) != mode:
            if stat.S_IMODE(found.st_mode) & 0o1000:
                raise CannotListen(f"{folder} is open to everybody: set daemon.socket.path to a directory of its own")
            folder.chmod(mode)
    except OSError as error:
        raise CannotListen(f"cannot use the directory {folder}: {error.strerror}") from error


def _clear(path: Path) -> None:
    """Remove what an earlier daemon left."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CannotListen(f"cannot look at {path}: {error.strerror}") from error
    if not stat.S_ISSOCK(found.st_mode):
        raise CannotListen(f"{path} is not a socket: remove it, or set daemon.socket.path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except TimeoutError as error:
            raise CannotListen(f"another process listens at {path}") from error
        except OSError as error:
            if error.errno not in (errno.ECONNREFUSED, errno.ENOENT):
                raise CannotListen(f"cannot look at {path}: {error.strerror}") from error
        else:
            raise CannotListen(f"another process listens at {path}")
    path.unlink(missing_ok=True)


def bind_tcp(host: str, port: int, cert: Path | None, key: Path | None) -> Door:
    """Port 0 takes a free one. Beyond loopback a certificate is needed. Raises CannotListen."""
    tls = _tls(cert, key)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}: {error.strerror or error}") from error
    if tls is None and not str(address[0]).startswith("127.") and address[0] != "::1":
        listening.close()
        raise CannotListen(f"{host} is not loopback: set daemon.tcp.cert and daemon.tcp.key")
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listening.setblocking(False)
    shown = f"[{address[0]}]" if family is socket.AF_INET6 else str(address[0])
    scheme = "https" if tls is not None else "http"
    return Door(listening, f"{scheme}://{shown}:{listening.getsockname()[1]}", tls=tls)


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise CannotListen(f"the certificate {cert} or its key cannot be used: {error}") from error
    return context
