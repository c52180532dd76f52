import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.engine.alarms import Alarms
from console.observe.alerting import Alerting, Channel, Telling, Undelivered
from console.observe.channels import AlertMail, Webhook
from console.observe.deadman import DeadMan
from console.observe.redact import Redactor
from integrations.errors import CallFailed, ErrorClass, System
from integrations.mail.service import OutgoingMail
from storage import alerts
from storage.journal import Journal
from tests.console.api.rig import until
from tests.console.observe.receiving import HandClock, Receiver, receiver

CANARY = "canary-5f2b9-secret"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = Journal.open(tmp_path / "journal.db")
    yield opened
    opened.close()


class Desk:
    """One journal's alarms and how they are told; ``again`` is what a restart makes of it."""

    def __init__(self, journal: Journal, *channels: Channel, settled_after: float = 60.0) -> None:
        self.clock = HandClock()
        self.journal = journal
        self.channels = channels
        self.settled_after = settled_after
        self.alarms = Alarms(journal, self.clock)
        self.alerting = self.again()

    def again(self) -> Alerting:
        self.alerting = Alerting(
            self.journal, self.channels, Redactor([CANARY]), environment="production", now=self.clock.now,
            monotonic=self.clock.monotonic, settled_after=self.settled_after,
        )  # fmt: skip
        self.alarms.told = self.alerting.wake
        return self.alerting

    async def close(self) -> None:
        for channel in self.channels:
            await channel.close()


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


async def test_a_cause_is_told_once_and_once_more_when_it_is_over(journal: Journal, hook: Receiver) -> None:
    desk = Desk(journal, Webhook(hook.url))
    await desk.alarms.raise_("failed:3fa9", "order 00000104: failed at billing", severity="critical", order_id="801A")
    assert await desk.alerting.once() == 1
    for _ in range(3):
        desk.clock.passes(30)
        await desk.alarms.raise_("failed:3fa9", "order 00000105: failed at billing", severity="critical")
        assert await desk.alerting.once() == 0
    (first,) = hook.got
    assert first["text"] == "[production] critical: order 00000104: failed at billing"
    assert (first["state"], first["count"], first["order_id"]) == ("open", 1, "801A")

    await desk.alarms.clear("failed:3fa9")
    assert await desk.alerting.once() == 0, "it may come back within a minute"
    desk.clock.passes(61)
    assert await desk.alerting.once() == 1
    desk.clock.passes(600)
    assert await desk.alerting.once() == 0
    assert hook.told() == [("failed:3fa9", "open"), ("failed:3fa9", "cleared")]
    assert (hook.got[1]["count"], hook.got[1]["text"]) == (
        4,
        "[production] over after 90 s: order 00000105: failed at billing",
    )
    assert first["id"] != hook.got[1]["id"]
    await desk.close()


async def test_a_cause_that_flutters_is_told_once(journal: Journal, hook: Receiver) -> None:
    desk = Desk(journal, Webhook(hook.url))
    for _ in range(5):
        await desk.alarms.raise_("disk", "9 % of the disk is free")
        await desk.alerting.once()
        desk.clock.passes(20)
        await desk.alarms.clear("disk")
        await desk.alerting.once()
        desk.clock.passes(20)
    desk.clock.passes(60)
    await desk.alerting.once()
    assert hook.told() == [("disk", "open"), ("disk", "cleared")]
    await desk.alarms.raise_("disk", "8 % of the disk is free")
    await desk.alerting.once()
    assert hook.told()[2:] == [("disk", "open")], "after the news of its end it is news again"
    await desk.close()


async def test_what_nobody_could_be_told_in_time_is_told_afterwards(journal: Journal, hook: Receiver) -> None:
    desk = Desk(journal, Webhook(hook.url))
    hook.status = 503
    await desk.alarms.raise_("gap", "events may have been missed", severity="critical")
    await desk.alerting.once()
    desk.clock.passes(12)
    await desk.alarms.clear("gap")
    hook.status = 200
    desk.clock.passes(400)
    await desk.alerting.once()
    assert hook.told() == [("gap", "cleared")]
    assert "over after 12 s" in hook.got[0]["text"]
    await desk.close()


async def test_an_address_that_is_down_is_tried_ever_less_often_and_nothing_is_lost_over_a_restart(
    journal: Journal, hook: Receiver
) -> None:
    desk = Desk(journal, Webhook(hook.url))
    hook.status = 503
    for cause in ("a", "b", "c"):
        await desk.alarms.raise_(cause, f"alarm {cause}")
    for _ in range(600):
        desk.clock.passes(1)
        await desk.alerting.once()
    assert 7 <= hook.calls <= 12, "2, 4, 8 … 300 s, and one message a try, not three"
    (state,) = desk.alerting.states
    assert state.failures == hook.calls
    assert state.waiting == 3
    assert "503" in str(state.last_error)
    assert "hooks/T0" not in str(state.last_error), "the address is a secret"
    hook.status = 200
    desk.again()
    assert await desk.alerting.once() == 3
    desk.again()
    assert await desk.alerting.once() == 0
    assert [cause for cause, _ in hook.told()] == ["a", "b", "c"]
    await desk.close()


async def test_retry_after_is_kept(journal: Journal, hook: Receiver) -> None:
    desk = Desk(journal, Webhook(hook.url))
    hook.status, hook.headers = 429, {"Retry-After": "120"}
    await desk.alarms.raise_("a", "alarm")
    for _ in range(119):
        await desk.alerting.once()
        desk.clock.passes(1)
    assert hook.calls == 1
    hook.status = 200
    desk.clock.passes(2)
    assert await desk.alerting.once() == 1
    await desk.close()


async def test_one_message_that_is_refused_does_not_hold_up_the_others(journal: Journal, hook: Receiver) -> None:
    desk = Desk(journal, Webhook(hook.url))
    hook.refuses.add("odd")
    await desk.alarms.raise_("odd", "a message the other side does not like")
    await desk.alarms.raise_("disk", "9 % of the disk is free")
    assert await desk.alerting.once() == 1
    assert hook.told() == [("disk", "open")]
    calls = hook.calls
    await desk.alerting.once()
    assert hook.calls == calls, "a refusal is not repeated at once"
    hook.refuses.clear()
    desk.clock.passes(3)
    assert await desk.alerting.once() == 1
    await desk.close()


class Postbox:
    """A mail transport that keeps what it was given, or fails as told."""

    def __init__(self) -> None:
        self.mails: list[OutgoingMail] = []
        self.failure: Exception | None = None

    async def send(self, mail: OutgoingMail) -> None:
        self.mails.append(mail)
        if self.failure is not None:
            raise self.failure

    async def probe(self) -> None:
        return None


async def test_webhook_and_mails_are_told_apart(journal: Journal, hook: Receiver) -> None:
    post = Postbox()
    desk = Desk(
        journal, Webhook(hook.url), AlertMail(post, "Portal <portal@example.jp>", "ops@example.jp"),
        AlertMail(post, "Portal <portal@example.jp>", "Aki <aki@example.jp>"),
    )  # fmt: skip
    unknown = CallFailed(System.MAIL, "message", ErrorClass.OUTCOME_UNKNOWN, "connection_lost", "lost after DATA")
    post.failure = unknown
    await desk.alarms.raise_("disk", "9 % of the disk is free")
    assert await desk.alerting.once() == 1
    assert hook.told() == [("disk", "open")]
    post.failure = None
    desk.clock.passes(3)
    assert await desk.alerting.once() == 2
    assert len(hook.got) == 1
    assert [mail.to for mail in post.mails] == ["ops@example.jp", "aki@example.jp"] * 2
    first, _, again, other = post.mails
    assert first.message_id == again.message_id, "the reader's mail program shows a repeat once"
    assert again.message_id != other.message_id
    assert again.subject == "[production] warning: 9 % of the disk is free"
    assert "cause: disk" in again.text
    await desk.close()


async def test_secrets_and_control_characters_do_not_leave(journal: Journal, hook: Receiver) -> None:
    post = Postbox()
    desk = Desk(journal, Webhook(hook.url), AlertMail(post, "Portal <portal@example.jp>", "ops@example.jp"))
    message = (
        f"order 1: refused: token={CANARY} by hana@example.com\r\nBcc: x@example.com \x1b[2J card 4111 1111 1111 1111"
    )
    await desk.alarms.raise_("failed:1", message)
    await desk.alerting.once()
    sent = str(hook.got) + "".join(mail.subject + mail.text for mail in post.mails)
    for secret in (CANARY, "hana@example.com", "4111 1111 1111", "\x1b", "\r"):
        assert secret not in sent
    assert "\n" not in post.mails[0].subject
    await desk.close()


async def test_a_channel_that_hangs_or_breaks_costs_the_others_nothing(journal: Journal, hook: Receiver) -> None:
    class Broken:
        key, name = "broken", "a broken channel"

        async def send(self, telling: Telling) -> None:
            raise RuntimeError("a defect of ours")

        async def close(self) -> None:
            return None

    async with receiver() as silent:
        silent.hangs = True
        desk = Desk(journal, Broken(), Webhook(silent.url), Webhook(hook.url))
        task = asyncio.create_task(desk.alerting.run())
        await desk.alarms.raise_("disk", "9 % of the disk is free")
        await until(lambda: hook.got and silent.calls and desk.alerting.states[0].failures)
        assert hook.told() == [("disk", "open")]
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_only_https_or_loopback_and_no_redirects(journal: Journal, hook: Receiver) -> None:
    outside = Webhook("http://192.0.2.7/hook")
    with pytest.raises(Undelivered, match="must be https"):
        await outside.send(telling())
    hook.status, hook.headers = 307, {"Location": hook.url + "/elsewhere"}
    redirected = Webhook(hook.url)
    with pytest.raises(Undelivered, match="answered 307"):
        await redirected.send(telling())
    assert hook.calls == 1
    for channel in (outside, redirected):
        await channel.close()


def telling(**values: Any) -> Telling:
    now = datetime.now(UTC)
    known: dict[str, Any] = {
        "id": "x", "phase": "open", "cause": "disk", "severity": "critical", "message": "m", "environment": "e",
        "order_id": None, "count": 1, "first_at": now, "last_at": now, "cleared_at": None,
    }  # fmt: skip
    return Telling(**known | values)


async def test_a_new_channel_hears_what_is_open_and_not_the_past(journal: Journal, hook: Receiver) -> None:
    desk = Desk(journal)
    await desk.alarms.raise_("old", "long over")
    await desk.alarms.clear("old")
    desk.clock.passes(2 * 86_400)
    await desk.alarms.raise_("open", "stands now")
    desk.channels = (Webhook(hook.url),)
    desk.again()
    assert await desk.alerting.once() == 1
    assert hook.told() == [("open", "open")]
    await journal.write(lambda db: alerts.forget(db, desk.clock.now()))
    assert journal.peek(lambda db: [a.cause for a in alerts.open_alerts(db)]) == ["open"]
    await desk.close()


async def test_the_dead_man_is_called_only_while_all_is_well(hook: Receiver) -> None:
    trouble: list[str | None] = [None]

    async def why() -> str | None:
        return trouble[0]

    clock = HandClock()
    switch = DeadMan(hook.url, 0.01, why, now=clock.now)
    assert await switch.once()
    assert (hook.calls, switch.last_ok_at) == (1, clock.now())
    trouble[0] = "the journal cannot be written: full"
    assert not await switch.once()
    assert (hook.calls, switch.silent_because) == (1, "the journal cannot be written: full")
    trouble[0], hook.status = None, 500
    assert not await switch.once()
    assert "500" in str(switch.last_error)
    hook.status = 200
    task = asyncio.create_task(switch.run())
    await until(lambda: hook.calls >= 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert switch.last_error is None
