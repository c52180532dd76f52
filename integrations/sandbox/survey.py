"""Reads the four systems: what stands in them, what should, and the verdict over the two."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from integrations.sandbox.census import (
    ACTIVATION_MAIL,
    ORDER_MAIL,
    Bill,
    Census,
    CrmOrder,
    Invoice,
    Letter,
    OwnMail,
    ProfileRow,
    Service,
)
from integrations.sandbox.compare import Verdict, compare
from integrations.sandbox.counts import Acts
from integrations.sandbox.expected import Circumstances, Client, Expectation, Line, PlacedOrder, expect
from integrations.sandbox.faults import Faults
from integrations.sandbox.history import History
from integrations.sandbox.shop import expected_line
from integrations.sandbox.store import Document, Store
from integrations.sandbox.troubles import mail_troubles, troubles
from integrations.sandbox.world import World

ZONE = ZoneInfo("Asia/Tokyo")
EVER = datetime.min.replace(tzinfo=UTC)
OBSTACLES = {"card": "", "invoice": "", "none": "no_pay_method", "expired": "card_expired"}

Rows = Callable[[str], list[Document]]
"""The live rows of one Salesforce object."""


class Standing(Protocol):
    """One system's server, as far as counting needs it."""

    def world(self) -> dict[str, Any]: ...


class Survey:
    """``rows`` reads Salesforce, ``systems`` are the servers by name, ``start_at`` is the sandbox's first start.

    ``product`` is the Salesforce user that the product works as: what it cancels, people must be known to have wanted.
    """

    def __init__(
        self,
        store: Store,
        world: World,
        systems: Mapping[str, Standing],
        rows: Rows,
        faults: Faults,
        history: History,
        start_at: datetime,
        product: str,
    ) -> None:
        self._product = product
        self._world = world
        self._systems = systems
        self._rows = rows
        self._faults = faults
        self._history = history
        self._start_at = start_at
        self._store = store
        self._baseline = store.table("baseline")

    def remember_baseline(self) -> None:
        """On the first start: what stands now was there before any order. Later starts keep that."""
        if len(self._baseline):
            return
        whmcs = self._systems["whmcs"].world()
        with self._store.transaction():
            for kind in ("orders", "services", "invoices", "mails"):
                self._baseline.put(f"whmcs.{kind}", {"ids": [row["id"] for row in whmcs[kind]]})
            self._baseline.put("orders", {"ids": [row["Id"] for row in self._rows("Order")]})

    def world(self) -> dict[str, Any]:
        """What stands in each system."""
        return {name: system.world() for name, system in self._systems.items()}

    def expected(self) -> dict[str, Any]:
        """What should stand, as plain JSON."""
        return {"orders": [_expectation_json(expectation) for expectation in self.expectations(Acts())]}

    def compare(self, states: Mapping[str, str] | None, acts: Acts) -> Verdict:
        """The verdict over everything that stands now."""
        return compare(self.expectations(acts), self.census(), self._clients(), states=states, acts=acts)

    def expectations(self, acts: Acts) -> list[Expectation]:
        """Every placed order with the ends that are right for it."""
        hits = self._faults.hits()
        stock = Counter(row["profile_type"] for row in self._systems["esim"].world()["profiles"])
        circumstances = Circumstances(
            start_at=self._start_at,
            today=datetime.now(ZONE).date(),
            clients=self._clients(),
            stock=stock,
            troubles=tuple(troubles(hits, self._faults.all(), self._history.acts("switches"))),
            mail_troubles=mail_troubles(hits),
            started=acts.started,
            mended=acts.mended,
        )
        return expect(self._placed(acts), circumstances)

    def census(self) -> Census:
        """The rows that came to stand since the baseline."""
        whmcs = self._systems["whmcs"].world()
        new = {kind: self._since_baseline(f"whmcs.{kind}", rows) for kind, rows in whmcs.items() if kind != "counts"}
        return Census(
            orders=tuple(self._crm_orders()),
            bills=tuple(Bill(str(r["id"]), int(r["clientid"]), r["status"]) for r in new["orders"]),
            services=tuple(
                Service(
                    str(r["id"]), int(r["clientid"]), int(r["pid"]), int(r["qty"]), r["status"],
                    Decimal(r["firstpaymentamount"]),
                )
                for r in new["services"]
            ),
            invoices=tuple(Invoice(str(r["id"]), int(r["clientid"]), r["status"]) for r in new["invoices"]),
            profiles=tuple(
                ProfileRow(r["iccid"], r["profile_type"], r["state"]) for r in self._systems["esim"].world()["profiles"]
            ),
            letters=tuple(self._letters()),
            own_mails=tuple(OwnMail(int(r["clientid"]), r["template"], str(r["relid"])) for r in new["mails"]),
            manual_pids=frozenset(product.whmcs_pid for product in self._world.products if not product.module),
        )  # fmt: skip

    def _since_baseline(self, kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        before = set((self._baseline.get(kind) or {"ids": []})["ids"])
        return [row for row in rows if row.get("id") not in before]

    def _letters(self) -> list[Letter]:
        """One row for each recipient; a mail with a picture is the activation mail, for the QR code is one."""
        customers = {person.email.lower() for person in self._world.people}
        found = []
        for mail in self._systems["mail"].world()["mails"]:
            for recipient in mail["to"]:
                kind = ACTIVATION_MAIL if mail["inline"] else ORDER_MAIL
                found.append(Letter(mail["message_id"], recipient, kind if recipient.lower() in customers else ""))
        return found

    def _clients(self) -> dict[int, Client]:
        payable = {p.whmcs_client_id: [(EVER, OBSTACLES[p.pays_by])] for p in self._world.people}
        for act in self._history.acts("payment"):
            payable[act["client"]].append((datetime.fromisoformat(act["at"]), OBSTACLES[act["pay_method"]]))
        return {
            person.whmcs_client_id: Client(
                person.whmcs_client_id, person.email, person.status == "Active", tuple(payable[person.whmcs_client_id])
            )
            for person in self._world.people
        }

    def _new_orders(self) -> list[Document]:
        before = set((self._baseline.get("orders") or {"ids": []})["ids"])
        return [row for row in self._rows("Order") if row["Id"] not in before]

    def _items(self) -> dict[str, list[Document]]:
        items: dict[str, list[Document]] = defaultdict(list)
        for row in self._rows("OrderItem"):
            items[row["OrderId"]].append(row)
        return items

    def _placed(self, acts: Acts) -> list[PlacedOrder]:
        items = self._items()
        accounts = {row["Id"]: row for row in self._rows("Account")}
        products = {row["Id"]: row for row in self._rows("Product2")}
        return [
            self._placed_order(row, accounts[row["AccountId"]], items.get(row["Id"], []), products, acts)
            for row in self._new_orders()
        ]

    def _placed_order(
        self, row: Document, account: Document, items: list[Document], products: Mapping[str, Document], acts: Acts
    ) -> PlacedOrder:
        history = self._history.order(row["Id"])
        client = str(account.get("WHMCS_Client_ID__c") or "")
        return PlacedOrder(
            id=row["Id"],
            number=row["OrderNumber"],
            client_id=int(client) if client.isdecimal() else 0,
            lines=tuple(self._line(item, products[item["Product2Id"]]) for item in items),
            recipient=row.get("Portal_Recipient_Email__c") or "",
            effective=date.fromisoformat(row["EffectiveDate"]),
            approved_at=history.approved_at,
            approved_by_placer=history.approved_by_placer,
            cancelled=(history.ended and history.ended_by != self._product) or row["Id"] in acts.cancelled,
        )

    def _line(self, item: Document, product: Document) -> Line:
        quantity, price = int(item["Quantity"]), Decimal(str(item["UnitPrice"]))
        pid = int(product.get("WHMCS_Product_Id__c") or 0)
        for known in self._world.products:
            if known.whmcs_pid == pid:
                options = _options(item.get("ConfigOptions_JSON__c"))
                return expected_line(known, quantity, price, options)
        profile_type = product.get("ESIM_Profile_Type__c") or ""
        return Line(product.get("StockKeepingUnit") or product["Name"], pid, quantity, price, profile_type)

    def _crm_orders(self) -> list[CrmOrder]:
        items = self._items()
        return [
            CrmOrder(
                row["Id"],
                row["Status"],
                row.get("WHMCS_Order_ID__c") or "",
                row.get("WHMCS_Invoice_ID__c") or "",
                tuple(i["WHMCS_Service_ID__c"] for i in items[row["Id"]] if i.get("WHMCS_Service_ID__c")),
                tuple(i["ESIM_ICCID__c"] for i in items[row["Id"]] if i.get("ESIM_ICCID__c")),
            )
            for row in self._new_orders()
        ]


def _options(text: str | None) -> dict[str, str] | None:
    """OrderItem.ConfigOptions_JSON__c; None for what cannot be read."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else None


def _expectation_json(expectation: Expectation) -> dict[str, Any]:
    order, effects = expectation.order, expectation.effects()
    return {
        "id": order.id,
        "number": order.number,
        "client": order.client_id,
        "approved_at": order.approved_at.isoformat() if order.approved_at else None,
        "allowed": [
            {"state": outcome.state, "reason": outcome.reason, "statuses": sorted(outcome.statuses())}
            for outcome in expectation.outcomes
        ],
        "lines": [
            {"sku": line.sku, "product": line.whmcs_pid, "quantity": line.quantity, "unit_price": str(line.unit_price)}
            for line in order.lines
        ],
        "effects": {
            "whmcs_orders": _span(effects.billed),
            "profiles": {kind: _span(span) for kind, span in effects.profiles.items()},
            "order_mails": _span(effects.order_mails),
            "activation_mails": _span(effects.activation_mails),
        },
    }


def _span(span: Any) -> list[int]:
    return [span.least, span.most]
