"""``portal daemon`` and ``portal sandbox`` as processes: ready, one at a time, stopped in time, killed without loss."""

import json
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.console.cli.conftest import Here, SandboxProcess
from tests.console.cli.processes import environment, running

LEAVES = 55.0  # ten seconds of its own, the rest for a machine that is busy; what hangs here would hang for hours


def own_config(sandbox: SandboxProcess, folder: Path, left_out: str = "") -> Path:
    """The sandbox's settings with a data folder of their own and no listener for call-backs, without ``left_out``."""
    changed = {"data_dir": f'data_dir = "{folder / "data"}"', "enabled": "enabled = false"}
    lines = [(line.split(" = ")[0], line) for line in sandbox.config_text().splitlines()]
    text = "\n".join(changed.get(key, line) for key, line in lines if key != left_out)
    file = folder / "portal.toml"
    file.write_text(text + "\n")
    file.chmod(0o600)
    return file


def test_sandbox_is_ready_when_it_says_so_and_stops_on_sigterm(tmp_path: Path, here: Here) -> None:
    arguments = ("sandbox", "--dir", str(tmp_path / "s"), "--customers", "3", "--seed", "9")
    with running(tmp_path, "sandbox", arguments) as process:
        process.wait_for("sandbox ready")
        assert process.out.read_text() == f"sandbox ready {tmp_path / 's' / 'portal.toml'}\n"
        assert "control_url" in json.loads((tmp_path / "s" / "sandbox.json").read_text())
        assert here("settings", "check", "--config", str(tmp_path / "s" / "portal.toml")).code == 0
        second = here(*arguments)
        assert second.code == 1 and "in use by a sandbox" in second.err
        code, seconds = process.stop()
        assert code == 0 and seconds < LEAVES


def test_daemon_is_alone_on_its_journal_and_keeps_it_private(
    sandbox: SandboxProcess, tmp_path: Path, here: Here
) -> None:
    config = own_config(sandbox, tmp_path)
    with running(tmp_path, "daemon", ("daemon", "--observe", "--config", str(config))) as process:
        process.wait_for("is ready")
        second = here("daemon", "--observe", "--config", str(config))
        assert second.code == 5
        assert str(process.process.pid) in second.err and "in use by" in second.err
        assert here("restore", str(config), "--yes", "--config", str(config)).code in (1, 5)
        data = tmp_path / "data"
        private = [data, *data.glob("journal.db*"), *data.rglob("*.sock")]
        assert len(private) >= 4
        assert [path for path in private if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
        copy = here("backup", "copy.db", "--config", str(config))
        assert copy.code == 0, copy
        assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
        busy = here("restore", "copy.db", "--yes", "--config", str(config))
        assert busy.code == 5 and "in use by" in busy.err
        code, seconds = process.stop()
        assert code == 0 and seconds < LEAVES
    assert "SIGTERM" in process.err.read_text() and "stopped" in process.err.read_text()
    assert not list((tmp_path / "data").rglob("*.sock"))
    restored = here("restore", "copy.db", "--yes", "--config", str(config))
    assert restored.code == 0, restored
    assert list((tmp_path / "data").glob("journal.db.replaced-*"))


def test_daemon_leaves_within_ten_seconds_though_salesforce_hangs(sandbox: SandboxProcess, tmp_path: Path) -> None:
    config = own_config(sandbox, tmp_path)
    fault = {"system": "salesforce", "operation": "*", "kind": "timeout_before", "count": 1000}
    sandbox.control("POST", "/faults", fault)
    try:
        env = environment(tmp_path, PORTAL_SALESFORCE__TIMEOUT="3600")
        with running(tmp_path, "daemon", ("daemon", "--observe", "--config", str(config)), env) as process:
            process.wait_for("is ready")
            code, seconds = process.stop()
    finally:
        sandbox.control("DELETE", "/faults")
    assert (code, seconds < LEAVES) == (0, True), process.said()


def test_daemon_is_ready_with_every_outside_system_down(sandbox: SandboxProcess, tmp_path: Path, here: Here) -> None:
    config = own_config(sandbox, tmp_path)
    down = {
        "PORTAL_SALESFORCE__LOGIN_URL": "http://127.0.0.1:9", "PORTAL_WHMCS__URL": "http://127.0.0.1:9",
        "PORTAL_ESIM__URL": "https://127.0.0.1:9", "PORTAL_MAIL__PORT": "9",
    }  # fmt: skip
    with running(tmp_path, "daemon", ("daemon", "--config", str(config)), environment(tmp_path, **down)) as process:
        process.wait_for("is ready")
        health = here("health", "--quick", "--json", "--config", str(config))
        assert health.code == 0, health
        assert json.loads(health.out)["ok"] is True
        assert process.stop()[0] == 0


def test_settings_that_do_not_do_are_told_before_anything_starts(tmp_path: Path, here: Here) -> None:
    ended = here("daemon")
    assert ended.code == 2
    assert "salesforce.login_url: is not set" in ended.err
    assert "--config" in ended.err


def test_a_new_journal_without_start_at_is_refused(sandbox: SandboxProcess, tmp_path: Path, here: Here) -> None:
    config = own_config(sandbox, tmp_path, "start_at")
    ended = here("daemon", "--config", str(config))
    assert ended.code == 4
    assert "intake.start_at" in ended.err and len(ended.err.strip().splitlines()) == 1


def test_another_org_than_the_one_pinned_is_refused(
    sandbox: SandboxProcess, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = own_config(sandbox, tmp_path)
    monkeypatch.setenv("PORTAL_SALESFORCE__ORG_ID", "00D000000000001AAA")
    ended = here("daemon", "--observe", "--config", str(config))
    assert ended.code == 4, ended
    assert "00D000000000001AAA" in ended.err.splitlines()[-1]


def test_a_data_folder_that_cannot_be_written(
    sandbox: SandboxProcess, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = own_config(sandbox, tmp_path)
    monkeypatch.setenv("PORTAL_DAEMON__DATA_DIR", "/proc/portal")
    ended = here("daemon", "--config", str(config))
    assert ended.code == 1 and "/proc/portal" in ended.err


def test_a_second_signal_ends_it_at_once(sandbox: SandboxProcess, tmp_path: Path) -> None:
    config = own_config(sandbox, tmp_path)
    with running(tmp_path, "daemon", ("daemon", "--observe", "--config", str(config))) as process:
        process.wait_for("is ready")
        process.process.send_signal(signal.SIGINT)
        code, seconds = process.stop(signal.SIGINT)
        assert code == 0 and seconds < LEAVES


def test_a_port_in_use_for_call_backs_is_an_alarm_and_nothing_more(sandbox: SandboxProcess, tmp_path: Path) -> None:
    config = own_config(sandbox, tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = environment(tmp_path, PORTAL_ESIM__RECEIVER__ENABLED="true", PORTAL_ESIM__RECEIVER__PORT=port)
        with running(tmp_path, "daemon", ("daemon", "--observe", "--config", str(config)), env) as process:
            process.wait_for(f"nobody listens for eSIM call-backs at 127.0.0.1:{port}")
            assert process.stop()[0] == 0
