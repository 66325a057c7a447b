"""The lock of the one process that writes, which lasts as long as its connection."""

from monitor.store.lock import UNKNOWN, Busy
from monitor.store.postgres.connection import OUR_NAME, PostgresDatabase

LEADING = 7_316_402_818_842_002
"""Its advisory lock."""


def lead(db: PostgresDatabase) -> None:
    """Take the lock, until the connection ends. Raises Busy."""
    if not db.tuples("SELECT pg_try_advisory_lock(?)", (LEADING,)).fetchone()[0]:
        raise Busy(db.name, holder_of(db) or UNKNOWN)


def holder_of(db: PostgresDatabase, key: int = LEADING) -> str | None:
    """Return who holds it in this database, by the name that its connection has; None: nobody."""
    query = """
        SELECT coalesce(application_name, '') FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = ?
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    row = db.tuples(query, (key,)).fetchone()
    return (str(row[0]).removeprefix(OUR_NAME) or UNKNOWN) if row else None
