"""Why what is remembered can, as a whole, not be written or read now: one typed value, whoever refuses."""

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
    """What is refused to us, in the words of who refuses, and since when; None: just now."""

    kind: RefusalKind
    words: str
    since: datetime | None = None


class StoreError(Exception):
    """The database cannot be used; the text names the file, the reason and the repair.

    `refusal` is what the disk or SQLite refused; None where the file itself is not for us.
    """

    def __init__(self, words: str, refusal: StorageRefusal | None = None) -> None:
        super().__init__(words)
        self.refusal = refusal


def is_corrupt(error: BaseException) -> bool:
    """Whether an error says that the database is broken."""
    return isinstance(error, StoreError) and error.refusal is not None and error.refusal.kind is RefusalKind.CORRUPT
