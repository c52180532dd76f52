"""Daemons as processes of their own, started by the zygote and killed by pid."""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STARTING = 60.0


class Zygote:
    """One forking process for all tests of a worker."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.zygote"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True, env={k: v for k, v in os.environ.items() if k != "PYTHONTRACEMALLOC"},
        )  # fmt: skip
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._ended: dict[int, int] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, config: Path, log: Path, **options: Any) -> "DaemonProcess":
        """Fork a daemon. ``options``: change, observe, take_over."""
        assert self._process.stdin is not None
        order = {"config": str(config), "log": str(log), **options}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return DaemonProcess(self, self._answers.get(timeout=STARTING)["pid"], log)

    def status(self, pid: int) -> int | None:
        """The exit code of a child that ended (negative: the signal), else None."""
        return self._ended.get(pid)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._reader.join(60)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "ended" in message:
                self._ended[message["ended"]] = message["status"]
            else:
                self._ended.pop(message["pid"], None)  # the system gives out a number again
                self._answers.put(message)


class DaemonProcess:
    """One daemon. Every way to end it waits until it is gone."""

    def __init__(self, zygote: Zygote, pid: int, log: Path) -> None:
        self._zygote = zygote
        self.pid = pid
        self._log = log

    @property
    def code(self) -> int | None:
        return self._zygote.status(self.pid)

    @property
    def alive(self) -> bool:
        return self.code is None

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self.pid, number)

    async def kill(self) -> None:
        """SIGKILL from outside."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, seconds: float = 60.0) -> int:
        end = time.monotonic() + seconds
        while (code := self.code) is None:
            assert time.monotonic() < end, f"process {self.pid} does not end: {self.log()[-2000:]}"
            await asyncio.sleep(0.005)
        return code

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
