"""The listener for the eSIM provider's call-backs: stored before the 204; it moves a shown state and nothing else."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime

from console.engine.services import Engine
from console.settings.model import Settings
from integrations.errors import IntegrationError
from integrations.esim.progress import ProgressEvent, vendor_points
from integrations.esim.receiver import ProgressReceiver, ReceiverConfig
from storage import profiles

AGAIN = 5.0


async def receive(settings: Settings, engine: Engine) -> None:
    """Listen until cancelled. A port in use or an unusable certificate is an alarm and tried again: the call-backs only
    move a shown state, so the rest of the daemon works on.
    """
    while True:
        receiver = make_receiver(settings, engine)
        try:
            await receiver.start()
        except (OSError, IntegrationError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            place = f"{settings.esim.receiver.host}:{settings.esim.receiver.port}"
            await engine.alarms.raise_("receiver", f"nobody listens for eSIM call-backs at {place}: {said}")
            await asyncio.sleep(AGAIN)
            continue
        await engine.alarms.clear("receiver")
        try:
            await asyncio.Event().wait()
        finally:
            await receiver.stop()


def make_receiver(settings: Settings, engine: Engine) -> ProgressReceiver:
    """Own port, TLS context and pinned key (rules §12)."""
    chosen = settings.esim.receiver
    assert chosen.cert is not None and chosen.key is not None and chosen.ca is not None, "checked when settings load"
    config = ReceiverConfig(
        host=chosen.host, port=chosen.port, certificate=chosen.cert, key=chosen.key, client_ca=chosen.ca,
        sender=settings.esim.provider, pinned_key=chosen.pinned_key or None,
        points=vendor_points(settings.esim.notification_points), reply=chosen.reply,
        protocol_version=settings.esim.protocol_version.removeprefix("v"),
    )  # fmt: skip

    async def store(event: ProgressEvent) -> None:
        await engine.journal.write(lambda db: keep(db, event, engine.clock.now()))

    return ProgressReceiver(config, store, now=lambda: datetime.now(UTC))


def keep(db: sqlite3.Connection, event: ProgressEvent, now: float) -> bool:
    """Store one call-back and show the state it tells; False for a repeat."""
    body = {
        "sender": event.sender, "point": event.point_text, "meaning": event.meaning, "status": event.status,
        "subject": event.subject_code, "reason": event.reason_code, "eid_given": event.eid is not None,
    }  # fmt: skip
    at = event.at.timestamp()
    if not profiles.add_progress(
        db, event.dedupe_key, event.iccid, now, event.point, event.status, at, json.dumps(body)
    ):
        return False
    shown = f"{event.meaning}: {event.status}" if not event.succeeded else str(event.meaning)
    profiles.show_state(db, event.iccid, shown, at, now)
    return True
