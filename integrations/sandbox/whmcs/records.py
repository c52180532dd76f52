"""What a WHMCS installation has on record, by client: JSON documents in the sandbox's store."""

from collections import defaultdict
from collections.abc import Iterable

from integrations.sandbox.store import Document, Store, Table

FIRST_NUMBER = {"client": 5001, "order": 1201, "service": 3401, "invoice": 7701, "item": 15001, "user": 601}


class Shelf:
    """One kind of record, found by its number or by its client.

    The index only ever gains entries, so that a rolled-back transaction cannot leave a hole in it; what no longer
    stands is passed over when it is read.
    """

    def __init__(self, table: Table, owner: str) -> None:
        self._table = table
        self._owner = owner
        self._by_owner: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for key, document in table.items():
            self._by_owner[str(document.get(owner, ""))][key] = None

    def __len__(self) -> int:
        return len(self._table)

    def get(self, number: int) -> Document | None:
        return self._table.get(str(number))

    def put(self, document: Document) -> None:
        """Store ``document`` under its ``id``."""
        key = str(document["id"])
        self._table.put(key, document)
        self._by_owner[str(document.get(self._owner, ""))][key] = None

    def change(self, document: Document, **values: object) -> Document:
        changed = {**document, **values}
        self.put(changed)
        return changed

    def delete(self, number: int) -> None:
        self._table.delete(str(number))

    def all(self) -> list[Document]:
        return self._table.values()

    def of(self, owner: int | str) -> list[Document]:
        """The records of one client (or of one order, for what belongs to orders), oldest first."""
        wanted = str(owner)
        found = (self._table.get(key) for key in self._by_owner.get(wanted, ()))
        return [document for document in found if document and str(document.get(self._owner, "")) == wanted]


class Records:
    """All shelves of one installation. Every change happens inside ``store.transaction()``."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.setup = store.table("whmcs.setup")
        self.clients = self._shelf("clients", "email")
        self.products = self._shelf("products", "id")
        self.pay_methods = self._shelf("pay_methods", "clientid")
        self.orders = self._shelf("orders", "userid")
        self.services = self._shelf("services", "clientid")
        self.invoices = self._shelf("invoices", "userid")
        self.transactions = self._shelf("transactions", "userid")
        self.mails = self._shelf("mails", "clientid")
        self.module_runs = self._shelf("module_runs", "serviceid")
        self.billable_items = self._shelf("billable_items", "userid")
        self.tokens = store.table("whmcs.tokens")

    def _shelf(self, name: str, owner: str) -> Shelf:
        return Shelf(self.store.table(f"whmcs.{name}"), owner)

    @property
    def tax_percent(self) -> str:
        """The tax rate as WHMCS writes it: "10.000"."""
        return str((self.setup.get("tax") or {"percent": "0.000"})["percent"])

    def number(self, series: str) -> int:
        """The next id of a series; each series starts elsewhere, so that a mixed-up id finds nothing."""
        return self.store.next_number(f"whmcs.{series}", FIRST_NUMBER.get(series, 1))

    def client_by_email(self, email: str) -> Document | None:
        return next(iter(self.clients.of(email.strip().lower())), None)

    def services_of(self, order: Document) -> list[Document]:
        """An order's services, in the order of its lines."""
        return present(self.services.get(number) for number in order["services"])

    def mail(self, template: str, clientid: int, relid: int, by: str) -> None:
        """Count one mail that WHMCS itself sent; ``relid`` is the order, service or invoice it is about."""
        self.mails.put(
            {"id": self.number("mail"), "template": template, "clientid": clientid, "relid": relid, "by": by}
        )


def present(documents: Iterable[Document | None]) -> list[Document]:
    return [document for document in documents if document is not None]
