"""A sandbox and a daemon as processes of their own, as `portal sandbox` and `portal daemon` start them."""

import json
import os
import socket
import sqlite3
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx

from integrations.sandbox.seed import make_world
from integrations.sandbox.world import Person
from storage.journal import connect
from tests.console.cli.processes import Running, environment, portal, running

PATIENCE = 600.0


@dataclass
class World:
    """A running sandbox, process ``pid``. ``config``: the settings it wrote; ``env`` for the daemon and every verb."""

    folder: Path
    config: Path
    env: dict[str, str]
    http: httpx.Client
    salesforce: httpx.Client
    people: tuple[Person, ...]
    pid: int

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).raise_for_status().json()

    def traffic(self, since: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/traffic", params={"since": since}).raise_for_status().json()
        return found

    def place(self, count: int) -> list[str]:
        """Orders of every good kind, of customers in turn who can pay; returns their ids."""
        paying = [p.number for p in self.people if p.status == "Active" and p.pays_by in ("card", "invoice")]
        chosen = islice(cycle(paying), count)
        return [self.post("/orders", count=1, customer=number)["ids"][0] for number in chosen]

    def portal(self, *arguments: str) -> str:
        """Run a verb; returns what it printed."""
        ended = portal(self.folder, *arguments, "--config", str(self.config), env=self.env)
        assert ended.code == 0, ended.out + ended.err
        return ended.out

    @property
    def journal(self) -> Path:
        data_dir = tomllib.loads(self.config.read_text(encoding="utf-8"))["daemon"]["data_dir"]
        return Path(data_dir) / "journal.db"

    def count(self, sql: str, *values: Any) -> int:
        with closing(connect(self.journal, read_only=True)) as db:
            return int(db.execute(sql, values).fetchone()[0])


@contextmanager
def sandbox(
    folder: Path, *, customers: int = 400, seed: int = 7, settings: Mapping[str, str] | None = None
) -> Iterator[World]:
    """``settings``: more PORTAL_… variables for the daemon, without the prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["sandbox", "--dir", str(folder), "--customers", str(customers), "--seed", str(seed)]
    with running(folder, "sandbox", arguments) as process:
        process.wait_for("sandbox ready")
        known = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
        env = environment(folder, **{f"PORTAL_{name}": value for name, value in (settings or {}).items()})
        with (
            httpx.Client(base_url=known["control_url"], timeout=PATIENCE, trust_env=False) as control,
            _clerk(known["salesforce"]) as salesforce,
        ):
            yield World(
                folder,
                folder / "portal.toml",
                env,
                control,
                salesforce,
                make_world(seed, customers).people,
                process.process.pid,
            )


@contextmanager
def _clerk(endpoint: dict[str, Any]) -> Iterator[httpx.Client]:
    """Somebody else's client of the org, logged in."""
    with httpx.Client(base_url=endpoint["login_url"], timeout=PATIENCE, trust_env=False) as client:
        fields = {"client_id": endpoint["client_id"], "client_secret": endpoint["client_secret"]}
        answer = client.post("/services/oauth2/token", data={"grant_type": "client_credentials", **fields})
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        yield client


@contextmanager
def daemon(world: World, name: str = "daemon", *, established: bool = True) -> Iterator[Running]:
    """Ready as systemd would be told, and (``established``) in possession of the org and listening."""
    with notified(world.folder / f"{name}.notify") as (env, ready):
        since = len(world.traffic())
        with running(world.folder, name, ["daemon", "--config", str(world.config)], {**world.env, **env}) as process:
            ready()
            if established:
                until(lambda: _listens(world, since), f"the daemon to listen: {process.said()[-2000:]}")
            yield process


def _listens(world: World, since: int) -> bool:
    asked = {entry["operation"] for entry in world.traffic(since) if entry["answered"]}
    return {"cometd.subscribe", "query"} <= asked


@contextmanager
def notified(path: Path) -> Iterator[tuple[dict[str, str], Callable[[], None]]]:
    """The environment that makes a daemon tell when it is ready, and how to wait for that."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as told:
        path.unlink(missing_ok=True)
        told.bind(os.path.relpath(path) if len(bytes(path)) > 100 else str(path))
        told.settimeout(PATIENCE)

        def ready() -> None:
            while b"READY=1" not in told.recv(4096):
                pass

        yield {"NOTIFY_SOCKET": str(path)}, ready


def until(true: Callable[[], bool], what: str, seconds: float = PATIENCE, every: float = 0.02) -> None:
    """Poll until it holds; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(every)


def settled(world: World, ids: Sequence[str]) -> bool:
    """Has every one of these orders been provisioned, or has it stopped?"""
    sql = (
        "SELECT COUNT(*) FROM runs WHERE workflow = 'provision_order' AND state IN ('done', 'failed', 'parked', 'held')"
        f" AND order_id IN ({', '.join('?' * len(ids))})"
    )
    try:
        return world.count(sql, *ids) == len(ids)
    except sqlite3.OperationalError:  # the daemon is just making the file
        return False
