"""Why the store as a whole cannot be written or read now, as one typed value, whichever layer refuses."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class RefusalKind(StrEnum):
    """GONE: the file was deleted, moved or replaced while we held it open. DENIED: this user may not write it."""

    FULL = "full"
    READ_ONLY = "read-only"
    FAILING = "failing"
    LOCKED = "locked"
    CORRUPT = "corrupt"
    GONE = "gone"
    DENIED = "denied"


class StorageRefusal(Struct, frozen=True):
    """A refusal in the words of the system or SQLite, and since when; None: just now."""

    kind: RefusalKind
    words: str
    since: datetime | None = None


class StoreError(Exception):
    """The database cannot be used; the text names the file, the reason and the repair.

    `refusal`: what the disk or SQLite refused; None if the file itself is not ours to use.
    """

    def __init__(self, words: str, refusal: StorageRefusal | None = None) -> None:
        super().__init__(words)
        self.refusal = refusal


def is_corrupt(error: BaseException) -> bool:
    """Whether an error says that the database is corrupt."""
    return isinstance(error, StoreError) and error.refusal is not None and error.refusal.kind is RefusalKind.CORRUPT
