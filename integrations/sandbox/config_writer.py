"""``DIR/portal.toml``: the complete settings of console and daemon for one sandbox.

The keys are those of the product's settings, which this package may not import; a test loads the file with them. The
control API is left out on purpose: the product must not know that it talks to a sandbox (design/rules.md §14).
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from integrations.sandbox.world import World

HEAD = """\
# Settings for the sandbox beside this file, written anew at each of its starts: copy it before you change it.
# Waits that take minutes in production are set to seconds here, so that a demonstration sees them pass.
"""
STOCK = "esim-stock.csv"  # the profiles of a new world, as for `portal esim import`
LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 108

# The waits of rules §3.3 and what goes with them, in seconds. Production has minutes, see the settings' defaults.
WAITS: dict[str, dict[str, Any]] = {
    "salesforce": {"timeout": 5},
    "whmcs": {"late_after": 8, "read_timeout": 4, "write_timeout": 5},
    "esim": {"late_after": 8, "timeout": 5},
    "mail": {"timeout": 5, "answer_timeout": 5},
    "intake": {
        "poll_every": 2, "poll_fast_every": 1, "poll_fast_for": 20, "sweep_every": 60, "deaf_after": 15,
        "max_new_per_hour": 5000,
    },
    "engine": {
        "look_apart": 1, "salesforce_late_after": 8, "recheck_every": 2,
        "retry": {"base": 0.3, "max": 5}, "breaker": {"cool_down": 2},
    },
}  # fmt: skip


def portal_settings(
    folder: Path,
    world: World,
    start_at: datetime,
    systems: Mapping[str, Mapping[str, Any]],
    receiver_port: int,
) -> dict[str, Any]:
    """The settings as nested tables. ``systems``: what each server's ``endpoint()`` says, by system name."""
    settings: dict[str, Any] = {
        "salesforce": _salesforce(world, systems["salesforce"]),
        "whmcs": _whmcs(world, systems["whmcs"]),
        "esim": {**_esim(systems["esim"], receiver_port), "first_stock": folder / STOCK},
        "mail": _mail(systems["mail"]),
        "intake": {"start_at": start_at},
        "engine": {},
        "daemon": {"data_dir": folder / "daemon", "environment": "sandbox", **_socket(folder / "daemon")},
    }
    for section, waits in WAITS.items():
        settings[section] = {**settings[section], **waits}
    return settings


def _salesforce(world: World, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "login_url": endpoint["login_url"],
        "org_id": world.org_id,
        "client_id": endpoint["client_id"],
        "client_secret": endpoint["client_secret"],
    }


def _whmcs(world: World, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    products = world.products
    return {
        "url": endpoint["url"],
        "identifier": endpoint["identifier"],
        "secret": endpoint["secret"],
        "access_key": endpoint["access_key"],
        "customer_number_field_id": world.customer_number_field_id,
        "manual_products": [product.whmcs_pid for product in products if not product.module],
        "manual_gateways": endpoint["manual_gateways"],
        "default_gateway": endpoint["default_gateway"],
        "marker_fields": {product.whmcs_pid: product.marker_field_id for product in products},
        "iccid_fields": {product.whmcs_pid: product.iccid_field_id for product in products if product.iccid_field_id},
        "tax": {"rule": "exclusive", "rate": world.tax_rate},
    }


def _esim(endpoint: Mapping[str, Any], receiver_port: int) -> dict[str, Any]:
    return {
        "url": endpoint["url"],
        "requester_id": endpoint["requester_id"],
        "client_cert": endpoint["client_cert"],
        "client_key": endpoint["client_key"],
        "ca_file": endpoint["ca_file"],
        "fallback_smdp_address": endpoint["fallback_smdp_address"],
        "receiver": {
            "enabled": True,
            "host": "127.0.0.1",
            "port": receiver_port,
            "cert": endpoint["receiver_cert"],
            "key": endpoint["receiver_key"],
            "ca": endpoint["receiver_client_ca"],
            "pinned_key": endpoint["callback_pin"],
        },
    }


def _mail(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    settings = {
        "host": endpoint["host"],
        "port": endpoint["port"],
        "security": endpoint["security"],
        "sender": "Aozora Telecom <no-reply@telecom.example.jp>",
        "brand": "Aozora Telecom",
        "support": "support@telecom.example.jp",
    }
    optional = {key: endpoint[key] for key in ("username", "password", "ca_file") if endpoint[key]}
    return {**settings, **optional}


def _socket(data_dir: Path) -> dict[str, Any]:
    """A short path for the Unix socket where the folder's own would be too long for the system."""
    if len(bytes(data_dir / "run" / "portal.sock")) <= LONGEST_SOCKET_PATH:
        return {}
    name = hashlib.sha256(bytes(data_dir)).hexdigest()[:16]
    return {"socket": {"path": Path(tempfile.gettempdir()) / f"portal-{name}" / "portal.sock"}}


def as_toml(settings: Mapping[str, Any]) -> str:
    """Nested tables as TOML. Values: text, paths, numbers, booleans, aware datetimes and lists of them."""
    return HEAD + "\n".join(_table(settings, ())) + "\n"


def _table(table: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if plain and path:
        yield ""
        yield f"[{'.'.join(path)}]"
    for key, value in plain.items():
        yield f"{key} = {_value(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _table(value, (*path, str(key)))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, str | Path | Decimal):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"no TOML for {value!r}")
