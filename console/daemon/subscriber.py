"""The event subscriber of one daemon."""

from datetime import UTC, datetime

from console.daemon.assembly import Parts
from console.engine.intake import JournalInbox
from console.settings.model import Settings
from integrations.salesforce.cometd_transport import CometdConfig, CometdTransport
from integrations.salesforce.events_supervisor import Phase, SubscriberState, Supervisor
from integrations.salesforce.events_tokens import ThreadedTokens


def make_supervisor(settings: Settings, parts: Parts) -> Supervisor:
    """Events go into the journal, then wake the intake; a lost session or a gap makes the poll hurry (rules §4.2)."""
    chosen = settings.salesforce
    transport = CometdTransport(
        CometdConfig(api_version=chosen.api_version, ca_file=chosen.ca_file, trust_env=chosen.trust_env),
        ThreadedTokens(parts.clients.salesforce.token()),
        now=lambda: datetime.now(UTC),
    )

    def changed(state: SubscriberState) -> None:
        if state.phase in (Phase.WAITING, Phase.LIMITED, Phase.JOURNAL_FAILED):
            parts.poll.hurry()

    return Supervisor(
        transport,
        JournalInbox(parts.engine, transport.name),
        [chosen.event_channel],
        on_batch=parts.intake.wake,
        now=lambda: datetime.now(UTC),
        on_gap=lambda channel, reason: parts.poll.hurry(),
        on_state=changed,
    )
