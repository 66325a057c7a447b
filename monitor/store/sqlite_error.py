"""Errors of SQLite and the system → a refusal: of the whole database, or only of the values written."""

import errno
import sqlite3

from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError

SAID = {
    sqlite3.SQLITE_FULL: RefusalKind.FULL,
    sqlite3.SQLITE_READONLY: RefusalKind.READ_ONLY,
    sqlite3.SQLITE_IOERR: RefusalKind.FAILING,
    sqlite3.SQLITE_CANTOPEN: RefusalKind.FAILING,
    sqlite3.SQLITE_PROTOCOL: RefusalKind.FAILING,
    sqlite3.SQLITE_NOMEM: RefusalKind.FAILING,
    sqlite3.SQLITE_BUSY: RefusalKind.LOCKED,
    sqlite3.SQLITE_LOCKED: RefusalKind.LOCKED,
    sqlite3.SQLITE_CORRUPT: RefusalKind.CORRUPT,
    sqlite3.SQLITE_NOTADB: RefusalKind.CORRUPT,
    sqlite3.SQLITE_PERM: RefusalKind.DENIED,
}
"""Refusals by the primary result code, the lower byte. Source: https://sqlite.org/rescode.html"""

MEANT = {
    errno.ENOSPC: RefusalKind.FULL,
    errno.EDQUOT: RefusalKind.FULL,
    errno.EROFS: RefusalKind.READ_ONLY,
    errno.EACCES: RefusalKind.DENIED,
    errno.EPERM: RefusalKind.DENIED,
}


def refusal_of(error: BaseException) -> StorageRefusal | None:
    """Return the refusal of the whole database; None if the error is about the statement, or unrelated."""
    if isinstance(error, StoreError):
        return error.refusal
    if isinstance(error, OSError):
        return StorageRefusal(MEANT.get(error.errno or 0, RefusalKind.FAILING), error.strerror or str(error))
    if isinstance(error, sqlite3.Error):
        kind = SAID.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        return StorageRefusal(kind, str(error)) if kind else None
    return None


ABOUT_VALUES = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
    sqlite3.ProgrammingError,
)
NOT_OURS = (sqlite3.SQLITE_CONSTRAINT_TRIGGER, sqlite3.SQLITE_CONSTRAINT_CHECK)
"""Error codes that only somebody else's additions to the database raise: we make no trigger and no CHECK."""


def is_about_values(error: BaseException) -> bool:
    """Whether a statement was refused for its values, so that another one may succeed."""
    return isinstance(error, ABOUT_VALUES) and getattr(error, "sqlite_errorcode", 0) not in NOT_OURS


def is_broken_file(error: BaseException) -> bool:
    """Whether an error, from any layer, says that the file is broken."""
    refusal = refusal_of(error)
    return refusal is not None and refusal.kind is RefusalKind.CORRUPT
