import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from integrations.sandbox.folder import PORTS, SandboxError, keep_ports, locked, write_json
from integrations.sandbox.store import Store

HOLDER = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from integrations.sandbox.folder import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_folder_belongs_to_one_process_until_it_dies(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with pytest.raises(SandboxError, match=f"runs already .process {holder.pid}"), locked(folder):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with locked(folder):
            assert (folder / "sandbox.lock").read_text() == str(os.getpid())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="file"), locked(tmp_path / "file" / "box"):
        pass


def test_files_are_private_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    path.touch(mode=0o644)
    write_json(path, {"name": "青空"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8") == '{\n  "name": "青空"\n}\n'
    assert [entry.name for entry in tmp_path.iterdir()] == ["sandbox.json"]


def test_ports_stay_over_a_restart_and_differ(tmp_path: Path) -> None:
    store = Store(tmp_path / "box.db")
    first = keep_ports(store, ("salesforce", "whmcs", "esim"), "127.0.0.1", {})
    assert len(set(first.values())) == 3 and set(first.values()) < set(PORTS)
    store.close()
    again = Store(tmp_path / "box.db")
    assert keep_ports(again, ("salesforce", "whmcs", "esim"), "127.0.0.1", {}) == first
    wanted = keep_ports(Store(), ("other",), "127.0.0.1", {})["other"]
    assert keep_ports(again, ("whmcs",), "127.0.0.1", {"whmcs": wanted}) == {"whmcs": wanted}
    assert keep_ports(again, ("whmcs",), "127.0.0.1", {}) == {"whmcs": wanted}, "a wish is kept, too"
    again.close()


async def test_a_chosen_port_is_nobody_elses_before_its_server_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sandboxes that start at the same moment, on a busy machine, had the same one now and then."""
    with ExitStack() as reserved:
        (port,) = keep_ports(Store(), ("esim",), "127.0.0.1", {}, until=reserved).values()
        monkeypatch.setattr("integrations.sandbox.folder.PORTS", range(port, port + 1))
        monkeypatch.setattr("integrations.sandbox.folder.TRIES", 1)
        with pytest.raises(SandboxError, match="no port is free for esim"):
            keep_ports(Store(), ("esim",), "127.0.0.1", {})
        with pytest.raises(SandboxError, match="another server of this sandbox has it"):
            keep_ports(Store(), ("esim", "mail"), "127.0.0.1", {"esim": port, "mail": port}, ("esim",))
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
        server.close()
        await server.wait_closed()


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert keep_ports(Store(), ("receiver",), "127.0.0.1", {"receiver": port}, ("receiver",)) == {"receiver": port}
        with pytest.raises(SandboxError, match=f"port {port} for whmcs is not free"):
            keep_ports(Store(), ("whmcs",), "127.0.0.1", {"whmcs": port})
