"""A whole daemon beside a sandbox in one loop: who is told, what comes back, what health says."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from console.client.address import Address
from console.client.api import ApiClient
from console.daemon.service import Service
from console.observe.redact import Redactor
from console.schema.service import DeepHealth, Part
from console.settings.loading import load_settings
from integrations.errors import System
from integrations.sandbox.server import Sandbox
from tests.console.cli.processes import PATIENT
from tests.console.observe.receiving import Receiver, receiver

PATIENCE = 60.0
MEGABYTE = 1024**2
QUICK = {
    "PORTAL_INTAKE__POLL_EVERY": "0.5", "PORTAL_ENGINE__RETRY__BASE": "0.1", "PORTAL_DAEMON__DRAIN": "2", **PATIENT,
}  # fmt: skip


async def until(true: Callable[[], Any], what: Callable[[], Any] = lambda: "") -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what()
        await asyncio.sleep(0.02)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    (tmp_path / "sandbox").mkdir()
    made = Sandbox(tmp_path / "sandbox", seed=1, customers=12)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


@asynccontextmanager
async def daemon(sandbox: Sandbox, **environ: str) -> AsyncIterator[tuple[Service, ApiClient]]:
    settings = load_settings(sandbox.configuration, QUICK | environ).settings
    service = Service(settings, Redactor())
    await service.start()
    client = ApiClient(Address(socket=settings.daemon.socket_path))
    try:
        yield service, client
    finally:
        await client.close()
        await service.stop()


def parts(found: DeepHealth) -> dict[str, Part]:
    return {part.name: part for part in found.parts}


async def healthy(api: ApiClient, true: Callable[[DeepHealth], Any]) -> DeepHealth:
    """The first deep health of which ``true`` holds."""
    end = time.monotonic() + PATIENCE
    while not true(found := await api.health_deep()):
        assert time.monotonic() < end, found
        await asyncio.sleep(0.05)
    return found


async def test_people_are_told_by_webhook_and_mail_when_an_order_fails(sandbox: Sandbox, hook: Receiver) -> None:
    person = next(p for p in sandbox.world.people if p.pays_by == "card" and p.status == "Active")
    records = sandbox.whmcs.records
    client = records.clients.get(person.whmcs_client_id)
    assert client is not None
    with sandbox.whmcs._store.transaction():
        records.clients.change(client, status="Closed")
    told = {
        "PORTAL_ALERTS__WEBHOOK_URL": hook.url, "PORTAL_ALERTS__MAIL_TO": '["ops@example.jp"]',
        "PORTAL_ALERTS__DEAD_MAN_URL": hook.url, "PORTAL_ALERTS__DEAD_MAN_EVERY": "0.1",
    }  # fmt: skip
    async with daemon(sandbox, **told) as (_, api):
        (placed,) = sandbox.people.place(1, kinds=["vpn"], customer=person.number)
        sandbox.people.approve([placed.id])
        await until(lambda: any(row["cause"].startswith("failed:") for row in hook.got), lambda: hook.got)
        (row,) = [row for row in hook.got if row["cause"].startswith("failed:")]
        assert row["order_id"] == placed.id
        assert person.name not in json.dumps(hook.got, ensure_ascii=False)

        def mails() -> list[Any]:
            return [mail for mail in sandbox.mail.world()["mails"] if mail["subject"] == row["text"]]

        await until(mails, sandbox.mail.world)
        (mail,) = mails()
        assert mail["to"] == ["ops@example.jp"]
        found = await healthy(
            api, lambda found: parts(found)["dead man"].state == "ok" and parts(found)["alerts 1"].values["sent"]
        )
        assert row["cause"] in [alert.cause for alert in found.alerts]


async def test_a_heartbeat_goes_out_and_comes_back_and_starts_no_run(sandbox: Sandbox) -> None:
    async with daemon(sandbox, PORTAL_INTAKE__HEARTBEAT_EVERY="0.5") as (service, api):
        journal = service.daemon.journal
        query = "SELECT COUNT(*) FROM inbox WHERE state = 'heartbeat'"
        await until(lambda: journal.peek(lambda db: db.execute(query).fetchone()[0]) >= 2)
        health = parts(await healthy(api, lambda found: parts(found)["heartbeat"].state == "ok"))
        assert health["runs"].values["working_on"] == 0
        assert journal.peek(lambda db: db.execute("SELECT COUNT(*) FROM runs").fetchone()[0]) == 0


async def test_health_is_of_process_and_journal_and_deep_health_of_everything(sandbox: Sandbox) -> None:
    async with daemon(sandbox) as (service, api):
        poll = service.daemon.parts.poll
        await until(lambda: poll.last_ok_at and service.daemon.housekeeping.last_at)
        await until(lambda: service.daemon.supervisor and service.daemon.supervisor.state.phase == "listening")
        expected = {
            "process", "runs", "journal", "disk", "backup", "ownership", "intake", "poll", "events", "heartbeat",
            "salesforce", "quota", "whmcs", "esim", "mail", "clock", "outbox", "mail queue",
            "certificate esim.client_cert", "alerts",
        }  # fmt: skip

        def all_well(found: DeepHealth) -> bool:
            known = parts(found)
            bad = [part for part in found.parts if part.state == "bad"]
            return expected <= set(known) and not bad and known["events"].values["phase"] == "listening"

        found = parts(await healthy(api, all_well))
        assert found["events"].values["listening_age"] >= 0
        assert found["quota"].values["total"] > 0
        assert found["ownership"].values["generation"] == 1
        assert found["salesforce"].values["in_flight"] >= 0

        await sandbox.salesforce.stop()
        gate = service.daemon.parts.engine.gates[System.SALESFORCE]
        await until(lambda: gate.state == "broken", lambda: gate.last_error)
        brief = await api.health()
        assert brief.ok, "an outside system that is down is no reason to restart us"
        others = {"salesforce": "bad", "journal": "ok", "whmcs": "ok"}
        await healthy(api, lambda found: {name: parts(found)[name].state for name in others} == others)


async def test_a_full_disk_is_said_in_health_and_work_resumes_by_itself(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.engine.housekeeping.EVERY", 0.1)
    monkeypatch.setattr("console.engine.housekeeping.EVERY_IN_TROUBLE", 0.1)
    free = [100 * MEGABYTE]
    async with daemon(sandbox) as (service, api):
        journal = service.daemon.journal

        def count(query: str) -> int:
            return int(journal.peek(lambda db: db.execute(f"SELECT COUNT(*) FROM {query}").fetchone()[0]))

        await until(lambda: service.daemon.supervisor and service.daemon.supervisor.state.phase == "listening")
        service.daemon.housekeeping._disk_usage = lambda _: (10**12, 0, free[0])
        await until(lambda: service.daemon.parts.blocked)
        sandbox.people.approve([placed.id for placed in sandbox.people.place(1, kinds=["vpn"])])
        await until(lambda: count("inbox") == 1)
        await asyncio.sleep(1.0)
        assert count("inbox WHERE state = 'new'") == 1, "it is journaled and waits"
        assert count("runs") == 0
        found = parts(await healthy(api, lambda found: parts(found)["intake"].state == "bad"))
        assert "only 100 MB" in found["intake"].detail
        assert found["hold disk"].state == "bad"
        assert (await api.health()).ok, "the journal still takes writes"
        assert "only 100 MB" in (await api.health()).note
        free[0] = 10**11
        await until(lambda: count("runs WHERE workflow = 'provision_order' AND state = 'done'") == 1)
        await healthy(api, lambda found: parts(found)["intake"].state == "ok")
