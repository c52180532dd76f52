"""Who is told about alarms, and whether all is well: put together from the settings."""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from console.engine.housekeeping import DAMAGED
from console.engine.ownership import Ownership
from console.engine.services import Engine
from console.observe.alerting import Alerting, Channel
from console.observe.redact import Redactor
from storage import meta
from storage.errors import StorageError

if TYPE_CHECKING:
    from console.observe.deadman import DeadMan

log = logging.getLogger(__name__)


def make_alerting(engine: Engine, redactor: Redactor) -> Alerting:
    """The webhook and a mail to each address of ``alerts.mail_to``; mail needs the server and sender of [mail]."""
    chosen, mail = engine.settings.alerts, engine.settings.mail
    channels: list[Channel] = []
    if url := chosen.webhook_url.get_secret_value():
        from console.observe.channels import Webhook  # an HTTP client, loaded only where there is an address

        channels.append(Webhook(url))
    if chosen.mail_to and not (mail.host and mail.sender):
        log.error("alerts.mail_to is set, but nothing can be mailed without mail.host and mail.sender")
    elif chosen.mail_to:
        from console.observe.channels import AlertMail

        channels += [AlertMail(engine.mail, mail.sender, to) for to in dict.fromkeys(chosen.mail_to)]
    alerting = Alerting(
        engine.journal, channels, redactor, environment=engine.settings.daemon.environment, now=engine.clock.now,
        monotonic=engine.clock.monotonic,
    )  # fmt: skip
    engine.alarms.told = alerting.wake
    return alerting


def make_dead_man(engine: Engine, trouble: Callable[[], Awaitable[str | None]]) -> "DeadMan | None":
    """None where no address is set."""
    url = engine.settings.alerts.dead_man_url.get_secret_value()
    if not url:
        return None
    from console.observe.deadman import DeadMan  # an HTTP client, loaded only where there is an address

    return DeadMan(url, engine.settings.alerts.dead_man_every, trouble, now=engine.clock.now)


async def not_well(engine: Engine, ownership: Ownership, quick_check: str) -> str | None:
    """Why nobody should believe that orders are served here: journal, then ownership. The outside does not count.

    ``quick_check`` names the hold of a journal that is being checked or was found damaged.
    """
    holds = engine.holds.reasons()
    for name in (DAMAGED, quick_check):
        if name in holds:
            return holds[name]
    now = engine.clock.now()
    try:
        await engine.journal.write(lambda db: meta.put(db, "alive_at", str(now)))
    except StorageError as error:
        return f"the journal cannot be written: {error}"
    if engine.observe:
        return None
    if ownership.lost_to is not None:
        return ownership.lost_to
    return None if ownership.owned is not None else "this journal does not own the org yet"
