"""Every command's act, one place each; the test holds this list to the table in both directions."""

from console.engine.commanding import (
    cancelling,
    deciding,
    deskwork,
    editing,
    modules,
    parking,
    resolving,
    retrying,
    seeing,
    stopping,
    systems,
)
from console.engine.commanding.act import Act, Hooks
from console.engine.commanding.reading import Reader
from console.engine.services import Engine

ACTS: tuple[type[Act], ...] = (
    deciding.Approve, deciding.Reject, deciding.Start,
    retrying.Retry, retrying.RetryStep, retrying.Skip, parking.Park, retrying.Unpark, cancelling.Cancel,
    resolving.ResolveIs, resolving.ResolveAbsent, editing.Edit, modules.ModuleCreate,
    deskwork.Take, deskwork.Untake, deskwork.Note, deskwork.MailResend,
    systems.Pause, systems.Resume, systems.ReleaseBrake, systems.EndRecovery, seeing.Seen, stopping.StopBatch,
)  # fmt: skip


def make_acts(engine: Engine, reader: Reader, hooks: Hooks) -> dict[str, Act]:
    return {kind.id: kind(engine, reader, hooks) for kind in ACTS}
