"""Failures of the store.

StorageError
├── SchemaTooNew      the file was written by a newer version
├── StoreInUse        another process holds the file; says who
├── StoreFull         the disk or the file is full; nothing of the batch was written
├── StoreDamaged      the file fails its integrity check
└── Stale             the row is not in the state the change was planned on
"""


class StorageError(Exception):
    """The store cannot do what was asked; the message says why and what to do."""


class SchemaTooNew(StorageError):
    """The file was written by a newer version of this program."""


class StoreInUse(StorageError):
    """Another process holds the file."""


class StoreFull(StorageError):
    """The disk (or the file's limit) is full; the change was not written."""


class StoreDamaged(StorageError):
    """The file is not a sound database."""


class Stale(StorageError):
    """A row changed since the caller read it; re-read and decide again."""
