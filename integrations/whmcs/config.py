"""Where WHMCS is and who we are there."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from integrations.errors import ErrorClass, IntegrationError, System
from integrations.http import Timeouts, check_address

API_PATH = "/includes/api.php"
READ_TIMEOUTS = Timeouts(connect=5.0, read=10.0, write=10.0, pool=5.0, total=10.0)
# AddOrder, AcceptOrder and ModuleCreate send mail and provision inside the request.
WRITE_TIMEOUTS = Timeouts(connect=5.0, read=60.0, write=10.0, pool=5.0, total=60.0)


@dataclass(frozen=True)
class WhmcsConfig:
    """``url`` is WHMCS's base address (sub-folder included) or the address of its api.php.

    ``identifier`` and ``secret`` are an API credential (WHMCS 7.2 and later); ``access_key`` is the install's
    ``$api_access_key``, which lifts the IP allow-list. ``ca_file`` replaces the public certificate authorities.
    """

    url: str
    identifier: str
    secret: str = field(repr=False)
    access_key: str | None = field(default=None, repr=False)
    read_timeouts: Timeouts = READ_TIMEOUTS
    write_timeouts: Timeouts = WRITE_TIMEOUTS
    ca_file: Path | None = None
    trust_env: bool = False

    def endpoint(self) -> str:
        """The address of api.php; raises a config error for one that may not be used (rules §12)."""
        return check_address(_base(self.url), System.WHMCS) + API_PATH


def _base(url: str) -> str:
    """The install's own address. A doubled api.php path makes WHMCS answer "An admin user is required"."""
    if "?" in url or "#" in url:
        raise IntegrationError(
            System.WHMCS,
            "configure",
            ErrorClass.CONFIG,
            "bad_address",
            "the address must not carry a query or fragment",
        )
    return re.sub(r"(/+includes(/+api\.php)?)*/*$", "", url.strip())
