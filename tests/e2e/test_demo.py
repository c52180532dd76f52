"""``portal demo --headless`` as its users start it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from console.demo.plan import STOPPERS, STRIKES
from console.demo.processes import Child
from integrations.sandbox.fault_kinds import fault_kinds

KEYS = ["orders", "done", "parked", "failed", "held", "lost", "duplicates", "kills", "seconds"]


def demo(folder: Path, *arguments: str, seconds: float) -> tuple[int, dict[str, float]]:
    command = [sys.executable, "-m", "console", "demo", "--headless", "--json", "--dir", str(folder), *arguments]
    ended = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    assert ended.stdout, ended.stderr.decode()[-2000:]
    found: dict[str, float] = json.loads(ended.stdout)
    return ended.returncode, found


def test_every_kind_of_fault_is_struck_once() -> None:
    kinds = fault_kinds(("Order", "OrderItem", "Portal_Journal__c"))
    there = {kind for operations in kinds.values() for listed in operations.values() for kind in listed}
    assert {strike.kind for strike in (*STRIKES, *STOPPERS)} == there
    for strike in (*STRIKES, *STOPPERS):
        assert strike.kind in kinds[strike.system][strike.operation], strike


@pytest.mark.slow
def test_a_calm_demo(tmp_path: Path) -> None:
    code, found = demo(tmp_path / "demo", "--orders", "5", "--calm", seconds=110)
    assert list(found) == KEYS
    assert (code, found["orders"], found["lost"], found["duplicates"], found["kills"]) == (0, 5, 0, 0, 0)


@pytest.mark.matrix
@pytest.mark.timeout(900)
def test_a_demo_with_everything(tmp_path: Path) -> None:
    code, found = demo(tmp_path / "demo", "--orders", "50", seconds=880)
    assert (code, found["orders"], found["lost"], found["duplicates"]) == (0, 50, 0, 0)
    assert found["kills"] >= 3


def test_a_process_that_somebody_else_ended_is_no_obstacle_to_leaving(tmp_path: Path) -> None:
    """While the console has the terminal the demo's own loop stands still and hears nothing of it."""
    with closing(asyncio.new_event_loop()) as loop:
        starting = asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
        child = Child(loop.run_until_complete(starting), tmp_path / "log")
        os.kill(child.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        with pytest.raises(ProcessLookupError):
            while time.monotonic() < deadline:
                os.kill(child.pid, 0)
                time.sleep(0.01)
        assert child.alive, "as far as it was told"
        loop.run_until_complete(child.stop())
        assert not child.alive
