"""How the daemon's parts stand, as plain values for the API: times in seconds since 1970."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.engine.poll import Poll

if TYPE_CHECKING:
    from integrations.salesforce.events_supervisor import Supervisor


def event_stream(supervisor: "Supervisor | None", *, enabled: bool) -> Mapping[str, Any]:
    """The subscriber: phase, session, what came in, what failed."""
    if supervisor is None:
        return {"enabled": enabled, "phase": "starting" if enabled else "off"}
    state = supervisor.state
    session, intake = state.session, state.intake
    return {
        "enabled": True, "phase": str(state.phase), "listening_since": _at(session.listening_since),
        "last_poll_at": _at(session.last_poll_at), "sessions": state.sessions, "failures": state.failures,
        "failures_in_a_row": state.failures_in_a_row, "last_error": state.last_error,
        "last_error_at": _at(state.last_error_at), "retry_at": _at(state.retry_at), "events": intake.events,
        "duplicates": intake.duplicates, "gaps": intake.gaps, "last_event_at": _at(intake.last_event_at),
        "last_gap_at": _at(intake.last_gap_at), "journal_error": intake.journal_error, "cursors": intake.cursors,
    }  # fmt: skip


def poll(part: Poll) -> Mapping[str, Any]:
    """The reconciling poll."""
    return {"last_ok_at": part.last_ok_at, "last_error": part.last_error}


def _at(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None
