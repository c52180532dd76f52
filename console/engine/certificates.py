"""Certificates of our own and when they run out (rules §13: an alarm 21 days before)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from console.settings.model import Settings
from integrations.errors import IntegrationError
from integrations.esim.tls import certificate_end

DAY = 86_400.0


@dataclass(frozen=True)
class Certificate:
    """``setting`` names where it is configured; ``problem`` says why its end could not be read."""

    setting: str
    ends: datetime | None
    problem: str = ""

    def warning(self, now: float, before: float) -> str | None:
        """What is wrong with it, when it ends within ``before`` seconds or cannot be read."""
        if self.ends is None:
            return f"the certificate {self.setting} cannot be read: {self.problem}"
        left = self.ends.timestamp() - now
        if left >= before:
            return None
        when = self.ends.isoformat(timespec="minutes")
        if left < 0:
            return f"the certificate {self.setting} ran out at {when}"
        return f"the certificate {self.setting} runs out in {left / DAY:.0f} days, at {when}"


def read_certificates(settings: Settings) -> tuple[Certificate, ...]:
    """Every certificate we show to others, read anew: a renewed file counts at once."""
    return tuple(_read(setting, path) for setting, path in _configured(settings))


def _configured(settings: Settings) -> Iterator[tuple[str, Path]]:
    if settings.esim.client_cert is not None:
        yield "esim.client_cert", settings.esim.client_cert
    if settings.esim.receiver.enabled and settings.esim.receiver.cert is not None:
        yield "esim.receiver.cert", settings.esim.receiver.cert
    if settings.daemon.tcp.port is not None and settings.daemon.tcp.cert is not None:
        yield "daemon.tcp.cert", settings.daemon.tcp.cert


def _read(setting: str, path: Path) -> Certificate:
    try:
        return Certificate(setting, certificate_end(path))
    except IntegrationError as error:
        return Certificate(setting, None, error.message)
