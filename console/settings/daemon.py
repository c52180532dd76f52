"""[daemon]: where it keeps its data and who may talk to it."""

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field

from console.settings.values import Port, Role, Seconds, Section, needed


class SocketSettings(Section):
    path: Path | None = Field(default=None, description="Unix socket; empty: run/portal.sock in data_dir")
    group_mode: bool = Field(
        default=False, description="Let the group in (0750 directory, 0660 socket), not only the owner"
    )


class TcpSettings(Section):
    """An additional listener; anywhere but on loopback it needs a certificate."""

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: Port | None = Field(default=None, description="Port to listen on (0: a free one); empty: no TCP")
    cert: Path | None = Field(default=None, description="Certificate (PEM)")
    key: Path | None = Field(default=None, description="Its private key (PEM)")

    def missing(self) -> list[tuple[str, str]]:
        loopback = self.host in ("localhost", "::1") or self.host.startswith("127.")
        if self.port is None or (loopback and not (self.cert or self.key)):
            return []
        return needed(self, dict.fromkeys(("cert", "key"), "TCP beyond loopback is served with TLS only"))


class UserSettings(Section):
    name: str = Field(description="Name shown in the audit log")
    role: Role = Field(description="viewer, operator, supervisor or admin")


def _default_data_dir() -> Path:
    return user_data_path("portal")


class DaemonSettings(Section):
    data_dir: Path = Field(
        default_factory=_default_data_dir, description="Folder of the journal and everything durable"
    )
    environment: str = Field(
        default="sandbox",
        pattern=r"^\w[\w -]*$",
        description="Label of this install; a production org needs the label production",
    )
    socket: SocketSettings = Field(default_factory=SocketSettings)
    tcp: TcpSettings = Field(default_factory=TcpSettings)
    users: dict[int, UserSettings] = Field(
        default_factory=dict,
        description="Unix user id → name and role at the socket; not named: refused (own id: admin)",
    )
    token_life: Seconds = Field(default=7776000.0, description="How long a staff token is valid")
    drain: Seconds = Field(default=8.0, description="How long a stopping daemon waits for calls in flight")

    @property
    def socket_path(self) -> Path:
        return self.socket.path or self.data_dir / "run" / "portal.sock"
