"""The interface to whoever makes eSIM profiles ready for a phone, and what a provider may be able to do.

A new provider is one module with one class of this shape; the engine asks ``capabilities`` and never the name.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Capability(StrEnum):
    """What a provider can do; a flag that is missing means: never call that.

    ORDER_BY_ICCID    the portal owns the stock and names the profile: a repeat proves the first call (refusable)
    ORDER_BY_TYPE     the vendor owns the stock and picks the profile: a repeat takes another one (guarded)
    CANCEL            an order that no phone has taken yet can be undone
    RELEASE_SEPARATE  ``confirm`` leaves the profile closed until ``release``
    """

    ORDER_BY_ICCID = "order_by_iccid"
    ORDER_BY_TYPE = "order_by_type"
    CANCEL = "cancel"
    RELEASE_SEPARATE = "release_separate"


@dataclass(frozen=True)
class Confirmed:
    """What the activation code is made of. ``smdp_address`` None: neither reply nor settings name a host."""

    matching_id: str
    smdp_address: str | None


class EsimProvider(Protocol):
    """Every method makes at most one effect and raises ``CallFailed`` by the law of ``integrations.errors``.

    ``iccid`` and ``eid`` are digits only. ``call_id`` names the call in the provider's logs; it stays the same when
    the call is sent again and is not a key that protects from a second effect.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    async def download(self, *, iccid: str | None, profile_type: str | None, eid: str | None, call_id: str) -> str:
        """Take a profile out of the stock, optionally for one phone; return its ICCID (digits only)."""
        ...

    async def confirm(self, *, iccid: str, matching_id: str, eid: str | None, call_id: str) -> Confirmed:
        """Bind our matching id, the profile still closed. ``eid`` is the one given to ``download``, always."""
        ...

    async def release(self, *, iccid: str, call_id: str) -> None:
        """Open the profile for a phone. A repeat succeeds."""
        ...

    async def cancel(self, *, iccid: str, eid: str | None, matching_id: str | None, call_id: str) -> None:
        """Undo the order and put the profile back into the stock. Refused once a phone has taken it."""
        ...

    async def probe(self) -> None:
        """Return when the provider answers and knows us; raise CallFailed or LoginFailed otherwise. No effect."""
        ...

    async def close(self) -> None: ...
