"""portal.toml: complete for the product's own settings, silent about the control API."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from console.settings import load_settings
from integrations.sandbox.config_writer import as_toml, portal_settings
from integrations.sandbox.seed import make_world
from tests.integrations.sandbox.rig import running


async def test_the_product_loads_it_as_complete(tmp_path: Path) -> None:
    async with running(tmp_path / "box") as (sandbox, _):
        loaded = load_settings(sandbox.configuration, {}, complete=True).settings
        assert loaded.salesforce.org_id == sandbox.world.org_id
        assert loaded.salesforce.login_url == sandbox.salesforce.endpoint()["login_url"]
        assert loaded.intake.start_at == sandbox.start_at
        assert loaded.whmcs.marker_fields == {p.whmcs_pid: p.marker_field_id for p in sandbox.world.products}
        assert loaded.whmcs.manual_products == (103, 204, 303)
        assert loaded.whmcs.tax.rate == Decimal("0.10")
        assert max(loaded.whmcs.late_after, loaded.esim.late_after, loaded.engine.salesforce_late_after) <= 15
        assert loaded.engine.look_apart <= 5 and loaded.intake.poll_every <= 5
        assert loaded.daemon.data_dir == tmp_path / "box" / "daemon"
        for path in (loaded.esim.client_cert, loaded.esim.client_key, loaded.esim.ca_file, loaded.esim.receiver.cert):
            assert path and path.is_absolute() and path.is_file()


async def test_the_product_is_not_told_the_control_address(tmp_path: Path) -> None:
    async with running(tmp_path / "box") as (sandbox, _):
        text = sandbox.configuration.read_text("utf-8")
        assert "control" not in text and str(sandbox.ports["control"]) not in text


def test_a_long_folder_gets_a_short_socket() -> None:
    world, systems = make_world(1, 1), _systems()
    start = datetime(2026, 4, 1, tzinfo=UTC)
    far = Path("/x" * 60)
    settings = portal_settings(far, world, start, systems, 1)
    assert len(str(settings["daemon"]["socket"]["path"])) < 100
    other = portal_settings(Path("/y" * 60), world, start, systems, 1)
    assert other["daemon"]["socket"]["path"] != settings["daemon"]["socket"]["path"]
    assert "socket" not in portal_settings(Path("/srv/box"), world, start, systems, 1)["daemon"]


def test_toml_is_what_was_meant() -> None:
    start = datetime(2026, 4, 1, 9, tzinfo=UTC)
    meant = {"a": {"text": 'q"uo\\te 青空\n\x7f', "n": 3, "f": 0.3, "no": False, "at": start, "list": ["x", 1]}}
    nested = {**meant, "b": {"c": {101: 7}, "price": Decimal("0.10"), "path": Path("/x")}}
    assert tomllib.loads(as_toml(nested)) == {**meant, "b": {"c": {"101": 7}, "price": "0.10", "path": "/x"}}
    with pytest.raises(TypeError, match="no TOML"):
        as_toml({"a": {"b": None}})


def _systems() -> dict[str, dict[str, object]]:
    """Endpoints with every key and no value."""
    keys = {
        "salesforce": ("login_url", "client_id", "client_secret"),
        "whmcs": ("url", "identifier", "secret", "access_key", "manual_gateways", "default_gateway"),
        "esim": (
            "url", "requester_id", "client_cert", "client_key", "ca_file", "fallback_smdp_address", "receiver_cert",
            "receiver_key", "receiver_client_ca", "callback_pin",
        ),
        "mail": ("host", "port", "security", "username", "password", "ca_file"),
    }  # fmt: skip
    return {system: dict.fromkeys(names, "") for system, names in keys.items()}
