"""Which org this is, and whether this install may work on it (rules §12 addresses, §4.3 first contact)."""

import sqlite3

from console.engine.services import Engine
from integrations.errors import System
from integrations.salesforce.models import OrgInfo
from storage import meta

PRODUCTION = "production"


class Refused(Exception):
    """This daemon may not run as it is configured; the message says why and what to do."""


async def identify(engine: Engine) -> OrgInfo:
    """Read the org and check it. Raises Refused, or IntegrationError when it cannot be read."""
    gate = engine.gates[System.SALESFORCE]
    async with gate.enter():
        org = await engine.salesforce.org()
    check_org(org, engine)
    engine.org_id = org.id
    engine.integration_user = engine.salesforce.user_id

    def write(db: sqlite3.Connection) -> None:
        meta.put(db, "org_id", org.id)
        meta.put(db, "org_name", org.name)
        meta.put(db, "org_is_sandbox", str(int(org.is_sandbox)))

    await engine.journal.write(write)
    return org


def check_org(org: OrgInfo, engine: Engine) -> None:
    """The environment badge comes from the org: a production org under another label, or unpinned, is refused."""
    label = engine.settings.daemon.environment
    known = engine.journal.peek(lambda db: meta.get(db, "org_id"))
    if known is not None and known != org.id:
        raise Refused(f"this journal belongs to org {known}, Salesforce answers as org {org.id}: use another data_dir")
    if not org.is_sandbox and label != PRODUCTION:
        raise Refused(f"org {org.id} is a production org, but daemon.environment is {label!r}: label it {PRODUCTION!r}")
    if org.is_sandbox and label == PRODUCTION:
        raise Refused(f"org {org.id} is a sandbox org, but daemon.environment is {PRODUCTION!r}")
    if not org.is_sandbox and not engine.settings.salesforce.org_id:
        raise Refused(f"org {org.id} is a production org: pin it with salesforce.org_id")


def check_first_contact(engine: Engine) -> None:
    """A new journal must be told from when on orders are its own (rules §4.3). Raises Refused."""
    new = engine.journal.peek(lambda db: meta.get(db, "first_poll_at")) is None
    if new and engine.settings.intake.start_at is None:
        raise Refused(
            "this journal is new: set intake.start_at (for example 2026-04-01T09:00:00+09:00); orders approved before"
            " it are held for a person, later ones are provisioned"
        )
