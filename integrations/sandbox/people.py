"""Everything that people do to the sandbox's world: customers order and pay, clerks approve and cancel, the warehouse
refills, an administrator changes the billing installation. Each act is kept: what should stand follows from it."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from integrations.esim.activation import activation_code
from integrations.sandbox.crm import PENDING, Crm, NotPossible
from integrations.sandbox.esim.phone import PhoneError
from integrations.sandbox.esim.server import EsimSandbox
from integrations.sandbox.folder import write_private
from integrations.sandbox.history import APPROVED, History
from integrations.sandbox.payments import set_pay_method
from integrations.sandbox.seed import new_eid, new_profiles, profiles_csv
from integrations.sandbox.shop import draw_cart
from integrations.sandbox.store import Store
from integrations.sandbox.whmcs import WhmcsSandbox
from integrations.sandbox.world import World

SMDP_ADDRESS = "smdp.sandbox.example.com"  # any: the phone finds its order by the matching id alone

__all__ = ["NotPossible", "People", "Placed"]


@dataclass(frozen=True)
class Placed:
    """One order as it was placed."""

    id: str
    number: str
    kind: str
    customer: str
    client: int
    skus: tuple[str, ...]


class People:
    """``folder`` gets the stock files of refills."""

    def __init__(
        self,
        store: Store,
        world: World,
        crm: Crm,
        whmcs: WhmcsSandbox,
        esim: EsimSandbox,
        history: History,
        folder: Path,
    ) -> None:
        self.world = world
        self._store = store
        self._crm = crm
        self._whmcs = whmcs
        self._esim = esim
        self._history = history
        self._folder = folder

    def place(
        self,
        count: int,
        *,
        kinds: Sequence[str] = (),
        customer: str = "",
        status: str = PENDING,
        days_ago: float = 0,
    ) -> list[Placed]:
        """``count`` orders, ``kinds`` drawn at random (default: good ones), of ``customer`` (default: anybody).

        ``status``: Draft, Pending Review or Approved. Approved ones may lie ``days_ago``. Equal calls on equal
        sandboxes place equal orders.
        """
        placed = []
        for _ in range(count):
            with self._store.transaction():
                number = self._store.next_number("shop")
                rng = random.Random(f"{self.world.seed} order {number}")
                cart = draw_cart(rng, self.world, rng.choice(list(kinds)) if kinds else "", customer)
                order_id, shown = self._crm.place(
                    cart, f"portal-{number:08d}", status="Draft" if status == "Draft" else PENDING
                )
                if status == APPROVED:
                    self._crm.approve(order_id)
                    if days_ago:
                        self._crm.date_back(order_id, self._history.now() - timedelta(days=days_ago))
            skus = tuple(line.product.sku for line in cart.lines)
            person = cart.person
            placed.append(Placed(order_id, shown, cart.kind, person.number, person.whmcs_client_id, skus))
        return placed

    def waiting(self, count: int | None = None) -> list[str]:
        """The ``count`` oldest orders that wait for an approval (default: all)."""
        return self._crm.waiting()[:count]

    def approve(self, ids: Sequence[str]) -> list[str]:
        """Approve each in Salesforce, all or none. Raises NotPossible."""
        with self._store.transaction():
            for order_id in ids:
                self._crm.approve(order_id)
        return list(ids)

    def cancel(self, order_id: str) -> None:
        """Cancel in Salesforce, past the console. Raises NotPossible."""
        self._crm.cancel(order_id)

    def refill(self, profile_type: str, count: int) -> tuple[Path, str]:
        """New profiles at the SM-DP+; the file and the text for ``portal esim import``."""
        with self._store.transaction():
            number = self._store.next_number("refill")
            rng = random.Random(f"{self.world.seed} refill {number}")
            taken = frozenset(row["iccid"] for row in self._esim.smdp.profiles())
            profiles = tuple(new_profiles(rng, {profile_type: count}, taken))
            self._esim.add_stock(profiles)
            self._history.note("stock", type=profile_type, count=count)
        text = profiles_csv(profiles, f"refill {number}")
        file = self._folder / f"esim-stock-{number}.csv"
        write_private(file, text)
        return file, text

    def set_pay_method(self, client: int, kind: str) -> None:
        """How a WHMCS client pays from now on: card, invoice, none or expired."""
        with self._store.transaction():
            set_pay_method(self._whmcs, client, kind)
            self._history.note("payment", client=client, pay_method=kind)

    async def use_phone(self, act: str, iccid: str, eid: str = "") -> dict[str, Any]:
        """A customer's phone: install, download (and break off), decline, enable, disable or delete a profile.

        ``eid`` defaults to the one that the profile is bound to, or any. The provider tells the portal's listener.
        Raises NotPossible when the phone has nothing to do this with.
        """
        profile = self._esim.smdp.profile(iccid)
        if profile is None or not profile["matching_id"]:
            raise NotPossible(f"no order has an activation code for {iccid[:30]!r}")
        phones = self._esim.phones
        code = activation_code(SMDP_ADDRESS, profile["matching_id"])
        phone = eid or profile["phone_eid"] or profile["eid"] or new_eid(random.Random(iccid))
        scans = {"install": phones.install, "download": phones.download, "decline": phones.decline}
        uses = {"enable": phones.enable, "disable": phones.disable, "delete": phones.delete}
        try:
            outcome = await (scans[act](code, phone) if act in scans else uses[act](iccid))
        except PhoneError as error:
            raise NotPossible(str(error)) from error
        return {**asdict(outcome), "eid": phone}

    def switch(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Change the WHMCS installation's switches, also for later starts. ``changes`` must be right."""
        self._whmcs.switch(**changes)
        switches = switches_json(self._whmcs)
        self._history.note("switches", **switches)
        return switches


def switches_json(whmcs: WhmcsSandbox) -> dict[str, Any]:
    """The installation's switches as plain JSON."""
    found = asdict(whmcs.switches)
    return {key: sorted(value) if isinstance(value, frozenset | tuple) else value for key, value in found.items()}
