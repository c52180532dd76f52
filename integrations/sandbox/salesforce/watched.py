"""A table of the store that tells its owner about every change, undone ones included: what indexes are built on."""

from integrations.sandbox.store import Document, Store, Table


class WatchedTable(Table):
    """Like a table of the store, with ``changed`` called after each change, also when a transaction rolls back.

    It takes over the rows that the store read from its file. Use one instance per name: the store's own table of that
    name does not follow.
    """

    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store, name)
        for key, document in store.table(name).items():
            self.load(key, document)

    def changed(self, key: str, before: Document | None, after: Document | None) -> None:
        """React to one change; None stands for a row that was not, or is no more."""
        raise NotImplementedError

    def put(self, key: str, document: Document) -> None:
        before = self.get(key)
        super().put(key, document)
        self.changed(key, before, document)

    def delete(self, key: str) -> None:
        before = self.get(key)
        super().delete(key)
        if before is not None:
            self.changed(key, before, None)

    def restore(self, key: str, before: Document | None) -> None:
        now = self.get(key)
        super().restore(key, before)
        self.changed(key, now, before)

    def load(self, key: str, document: Document) -> None:
        super().load(key, document)
        self.changed(key, None, document)
