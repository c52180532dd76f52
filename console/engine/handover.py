"""What the door has just read of an order, for the run that it started: load need not ask for it again."""

from console.engine.clock import Clock
from integrations.salesforce.models import OrderBundle

KEPT_FOR = 10.0  # seconds; a run that waits longer for its turn reads anew
MOST = 500


class Handover:
    """Readings by order id, each given out once. None is kept whose later changes the claim could not notice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._read: dict[str, tuple[float, OrderBundle]] = {}

    def give(self, bundle: OrderBundle, began: float) -> None:
        """``began``: when the reading was asked for, by the monotonic clock."""
        if not bundle.at_rest:
            return
        self._read.pop(bundle.order.id, None)
        self._read[bundle.order.id] = (began, bundle)
        if len(self._read) > MOST:
            del self._read[next(iter(self._read))]

    def take(self, order_id: str) -> OrderBundle | None:
        began, bundle = self._read.pop(order_id, (0.0, None))
        return bundle if self._clock.monotonic() - began <= KEPT_FOR else None
