"""What the API is given: made once by the daemon."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.engine.services import Engine
from console.observe.metrics import Metrics
from console.observe.redact import Redactor
from console.schema.service import Part

if TYPE_CHECKING:
    from console.engine.commanding.batches import BatchRunner
    from console.engine.commanding.commander import Commander
    from console.settings import LoadedSettings


def _nothing() -> None:
    return None


async def _no_parts() -> Sequence[Part]:
    return ()


@dataclass
class ApiServices:
    """``event_stream``: plain values that say how the subscriber stands (phase, last_event_at, last_error, …);
    ``poll``: the same of the poll. ``stopped``: why no order may come in now. ``establishing``: why the org is not
    known yet. ``parts``: how everything does, for deep health. ``loaded``: the settings with their sources. ``recheck``: stock was imported, parked runs may go on.
    """

    engine: Engine
    commander: "Commander"
    batches: "BatchRunner"
    redactor: Redactor
    metrics: Metrics
    event_stream: Callable[[], Mapping[str, Any]] = dict
    poll: Callable[[], Mapping[str, Any]] = dict
    stopped: Callable[[], str | None] = _nothing
    establishing: Callable[[], str | None] = _nothing
    parts: Callable[[], Awaitable[Sequence[Part]]] = _no_parts
    loaded: "LoadedSettings | None" = None
    recheck: Callable[[], None] = _nothing
    conditions: Callable[[], Mapping[str, tuple[float, str]]] = dict
