from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from console.settings import LoadedSettings, SettingsError, load_settings


def load(tmp_path: Path, text: str, environ: dict[str, str] | None = None, *, complete: bool = False) -> LoadedSettings:
    file = tmp_path / "portal.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, environ or {}, complete=complete, base=tmp_path)


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None, *, complete: bool = False) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text, environ, complete=complete)
    return str(caught.value).replace(f"{tmp_path}/", "").splitlines()


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    loaded = load_settings(None, {})
    assert loaded.file is None
    assert loaded.settings.whmcs.late_after == 900
    assert loaded.settings.intake.start_at is None
    assert loaded.settings.daemon.socket_path == loaded.settings.daemon.data_dir / "run" / "portal.sock"
    assert loaded.source("whmcs.late_after") == "default"


def test_default_file_is_found_in_the_config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal" / "portal.toml").write_text("[log]\nlevel = 'debug'\n")
    assert load_settings(None, {}).settings.log.level == "debug"


def test_types_of_values(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [whmcs]
        marker_fields = { 11 = 7, 12 = 9 }
        manual_products = [3]
        late_after = "2.5s"
        tax.rate = "0.08"
        [intake]
        start_at = 2026-04-01T09:00:00+09:00
        poll_every = 15
        [approve.limit_yen]
        operator = 50_000
        [daemon.users.1000]
        name = "Aki"
        role = "operator"
        """,
    ).settings
    assert settings.whmcs.marker_fields == {11: 7, 12: 9}
    assert settings.whmcs.manual_products == (3,)
    assert settings.whmcs.late_after == 2.5
    assert settings.whmcs.tax.rate == Decimal("0.08")
    assert settings.intake.start_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert settings.intake.poll_every == 15
    assert settings.approve.limit_yen == {"operator": 50_000}
    assert settings.daemon.users[1000].role == "operator"


def test_precedence_and_provenance(tmp_path: Path) -> None:
    for name in ("from_toml_file", "from_env_file"):
        (tmp_path / name).write_text(f"{name}\n")
    text = """
[whmcs]
secret = "in the clear"
secret_file = "from_toml_file"
access_key = "clear"
[mail]
password_file = "from_toml_file"
host = "a.example"
"""
    loaded = load(tmp_path, text, {"PORTAL_MAIL__PASSWORD_FILE": "from_env_file", "PORTAL_MAIL__HOST": "b.example"})
    assert loaded.settings.whmcs.secret.get_secret_value() == "from_toml_file"
    assert loaded.source("whmcs.secret") == f"secret file {tmp_path / 'from_toml_file'} (file portal.toml:4)"
    assert loaded.settings.whmcs.access_key.get_secret_value() == "clear"
    assert loaded.source("whmcs.access_key") == "file portal.toml:5"
    assert loaded.settings.mail.password.get_secret_value() == "from_env_file"
    assert "env PORTAL_MAIL__PASSWORD_FILE" in loaded.source("mail.password")
    assert loaded.settings.mail.host == "b.example"
    assert loaded.source("mail.host") == "env PORTAL_MAIL__HOST"
    loaded = load(tmp_path, text, {"PORTAL_MAIL__PASSWORD": "now", "PORTAL_MAIL__PASSWORD_FILE": "from_env_file"})
    assert loaded.settings.mail.password.get_secret_value() == "now"
    assert loaded.secrets() == {"from_toml_file", "clear", "now"}


def test_relative_paths_belong_to_the_file_and_variables_to_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    loaded = load_settings(
        _written(tmp_path / "etc" / "portal.toml", "[esim]\nclient_cert = 'tls/me.pem'\nca_file = ''\n"),
        {"PORTAL_ESIM__CLIENT_KEY": "me.key"},
        base=tmp_path / "here",
    )
    assert loaded.settings.esim.client_cert == tmp_path / "etc" / "tls" / "me.pem"
    assert loaded.settings.esim.client_key == tmp_path / "here" / "me.key"
    assert loaded.settings.esim.ca_file is None


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def test_variables_of_every_shape(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        "[whmcs.marker_fields]\n11 = 7\n12 = 8\n",
        {
            "PORTAL_WHMCS__MARKER_FIELDS__12": "9",
            "PORTAL_WHMCS__ICCID_FIELDS": '{"11": 4}',
            "PORTAL_WHMCS__MANUAL_GATEWAYS": "banktransfer, mailin",
            "PORTAL_WHMCS__MANUAL_PRODUCTS": "[1, 2]",
            "PORTAL_DAEMON__USERS": '{"0": {"name": "Root", "role": "admin"}}',
            "PORTAL_ENGINE__LOOK_APART": "1s",
            "PORTAL_DAEMON__SOCKET__GROUP_MODE": "true",
            "SF_EVENTS_ENABLED": "false",
            "PORTAL_SERVICE_HOST": "10.0.0.1",
            "UNRELATED": "1",
        },
    )
    settings = loaded.settings
    assert settings.whmcs.marker_fields == {11: 7, 12: 9}
    assert settings.whmcs.iccid_fields == {11: 4}
    assert settings.whmcs.manual_gateways == ("banktransfer", "mailin")
    assert settings.whmcs.manual_products == (1, 2)
    assert settings.daemon.users[0].name == "Root"
    assert settings.engine.look_apart == 1
    assert settings.daemon.socket.group_mode
    assert not settings.salesforce.events_enabled
    assert loaded.source("salesforce.events_enabled") == "env SF_EVENTS_ENABLED"


def test_a_whole_mapping_in_a_variable_replaces_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, "[whmcs.marker_fields]\n11 = 7\n", {"PORTAL_WHMCS__MARKER_FIELDS": '{"12": 8}'})
    assert loaded.settings.whmcs.marker_fields == {12: 8}


def test_full_name_wins_over_the_alias(tmp_path: Path) -> None:
    environ = {"PORTAL_SALESFORCE__EVENTS_ENABLED": "true", "SF_EVENTS_ENABLED": "false"}
    assert load(tmp_path, "", environ).settings.salesforce.events_enabled


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """\
[whmcs]
urll = "https://a.example"
late_after = "soon"
time_zone = "Mars/Base"
[whmcs.marker_fields]
eleven = 7
[intake]
start_at = 2026-04-01
max_new_per_hour = 0
[log]
format = "xml"
[mail]
port = true
password_file = "nowhere"
[sales_force]
login_url = "x"
""",
        {"PORTAL_ENGINE__LOK_APART": "1s", "PORTAL_WHMCS__ICCID_FIELDS": "{", "PORTAL_DAEMON__TCP__PORT": "99999"},
    )
    assert found == [
        f"portal.toml:14: mail.password_file: cannot read {tmp_path / 'nowhere'}: No such file or directory".replace(
            f"{tmp_path}/", ""
        ),
        "portal.toml:2: whmcs.urll: unknown key (did you mean whmcs.url?)",
        "portal.toml:13: mail.port: must not be true or false",
        "portal.toml:16: sales_force.login_url: unknown key (did you mean salesforce.login_url?)",
        "PORTAL_ENGINE__LOK_APART: engine.lok_apart: unknown key (did you mean engine.look_apart?)",
        "PORTAL_WHMCS__ICCID_FIELDS: whmcs.iccid_fields: is not valid JSON",
        "portal.toml:6: whmcs.marker_fields.eleven: must be a valid integer, unable to parse string as an integer",
        "portal.toml:4: whmcs.time_zone: 'Mars/Base' is not a known time zone, such as Asia/Tokyo",
        'portal.toml:3: whmcs.late_after: must be a duration such as "30s", "15m", "24h", "14d" or a number of seconds',
        "portal.toml:8: intake.start_at: must have timezone info",
        "portal.toml:9: intake.max_new_per_hour: must be greater than or equal to 1",
        "PORTAL_DAEMON__TCP__PORT: daemon.tcp.port: must be less than or equal to 65535",
        "portal.toml:11: log.format: must be 'json' or 'console'",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("whmcs = 3", "portal.toml:1: whmcs: is a section, not a value: write [whmcs]"),
        ("[whmcs]\nmarker_fields = 3", "portal.toml:2: whmcs.marker_fields: must be a table: [whmcs.marker_fields]"),
        ("[whmcs.url]\nx = 1", "portal.toml:2: whmcs.url.x: unknown key"),
        ("[daemon.users.7]\nname = 'A'", "portal.toml:2: daemon.users.7.role: is required"),
        ("[whmcs]\nidentifier = 'a'\nidentifier = 'b'", "portal.toml:3: is not TOML: Cannot overwrite a value"),
        ("[esim]\nlow_water.travel = 'few'", "portal.toml:2: esim.low_water.travel: must be a valid integer"),
        ("[whmcs]\nhost = 'a'", "portal.toml:2: whmcs.host: unknown key (did you mean mail.host?)"),
        ("url = 'a'", "portal.toml:1: url: unknown key"),
        ("[mail]\npasword = 'canary-1'", "portal.toml:2: mail.pasword: unknown key (did you mean mail.password?)"),
        ("[whmcs]\nurl = 'billing.example'", "portal.toml:2: whmcs.url: must be an address such as https://"),
        ("[esim]\nurl = 'https://a:canary@b.example'", "portal.toml:2: esim.url: must not carry a user name"),
        ("[esim]\nurl = 'https://[::1'", "portal.toml:2: esim.url: "),
        ("[alerts]\nwebhook_url = 'canary'", "portal.toml:2: alerts.webhook_url: must be an address"),
        ("[mail]\nsender = 'Acme'", "portal.toml:2: mail.sender: must be an address, with or without a name"),
        ('[mail]\nsender = "A <a@b.example>\\nBcc: c@d.example"', "portal.toml:2: mail.sender: must be an address"),
        ("[engine.retry]\nbase = -1", "portal.toml:2: engine.retry.base: must be greater than or equal to 0"),
        ("[intake]\npoll_every = 0", "portal.toml:2: intake.poll_every: must be greater than 0"),
        ("[engine]\nlook_apart = nan", "portal.toml:2: engine.look_apart: must be"),
    ],
)
def test_one_problem(tmp_path: Path, text: str, said: str) -> None:
    found = problems(tmp_path, text)
    assert found[0].startswith(said)
    assert "canary" not in "".join(found)


def test_a_missing_and_an_unreadable_file_are_problems(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent.toml: cannot be read: No such file"):
        load_settings(tmp_path / "absent.toml", {})
    (tmp_path / "latin.toml").write_bytes(b"[whmcs]\nurl = '\xff'\n")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(tmp_path / "latin.toml", {})


def test_a_bad_file_does_not_hide_a_bad_variable(tmp_path: Path) -> None:
    found = problems(tmp_path, "[whmcs", {"PORTAL_LOG__FORMAT": "xml"})
    assert len(found) == 2
    assert found[1].startswith("PORTAL_LOG__FORMAT")


def test_what_a_daemon_needs_is_asked_for_only_when_complete(tmp_path: Path) -> None:
    text = (
        "[whmcs]\nsecret_file = 'nowhere'\nlate_after = 'x'\n[mail]\nusername = 'me'\n[esim.receiver]\nenabled = true\n"
    )
    found = problems(tmp_path, text, complete=True)
    asked = {line.split(": ")[1] for line in found if "is not set" in line}
    assert {"salesforce.login_url", "salesforce.client_secret", "esim.url", "esim.receiver.cert"} <= asked
    assert {"mail.host", "mail.password"} <= asked
    assert "whmcs.secret" not in asked
    assert any("whmcs.secret_file" in line for line in found)
    assert load(tmp_path, "").settings.whmcs.url == ""


def test_tcp_beyond_loopback_needs_a_certificate(tmp_path: Path) -> None:
    found = problems(tmp_path, "[daemon.tcp]\nhost = '0.0.0.0'\nport = 8440\n", complete=True)
    assert any("daemon.tcp.cert" in line for line in found)
    found = problems(tmp_path, "[daemon.tcp]\nhost = '127.0.0.1'\nport = 8440\n", complete=True)
    assert not any("daemon.tcp" in line for line in found)


def test_a_secret_never_shows_in_errors_or_repr(tmp_path: Path) -> None:
    text = "[salesforce]\nclient_secret = ['canary-7731']\nprivate_key = 'canary-7732'\n"
    assert "canary" not in "\n".join(problems(tmp_path, text))
    assert "canary" not in repr(load(tmp_path, "[salesforce]\nclient_secret = 'canary-7731'\n"))
