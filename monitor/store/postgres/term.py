"""Who led when: the terms of all leaders, and the number that keeps a former one from writing."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from monitor.storage_refusal import RefusalKind, StoreError
from monitor.store.postgres.connection import SCHEMA, PostgresDatabase

MAKING = 7_316_402_818_842_003
"""The advisory lock of whoever makes the tables of terms."""
KEPT = "90 days"
"""How long it is known who led."""
STALLED_MS = 2000
"""Milliseconds for which a leader's transaction may wait for its next statement, or for a lock."""

TABLES = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    "CREATE TABLE IF NOT EXISTS epoch (one boolean PRIMARY KEY DEFAULT true CHECK (one), number bigint NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS term (
        epoch bigint PRIMARY KEY, cluster text NOT NULL, node text NOT NULL, host text NOT NULL, pid integer NOT NULL,
        server text NOT NULL, began timestamptz NOT NULL, ended timestamptz
    )
    """,
    "INSERT INTO epoch (number) VALUES (0) ON CONFLICT DO NOTHING",
)
"""`epoch`: the number of the newest term. `server`: see SERVER. `ended`: when a leader gave up on purpose; NULL for all
others."""
SERVER = """
    SELECT extract(epoch FROM pg_postmaster_start_time()) || ' ' || extract(epoch FROM stats_reset)
    FROM pg_stat_bgwriter
"""
"""What differs once a server has forgotten its locks: it was started again, another one took its place, or all its
processes were ended by a crash of one, after which it counts from nothing.
"""


class ClusterNode(Struct, frozen=True):
    """One process of a cluster. `name` is its own among all nodes of the cluster; `host` is where it runs."""

    cluster: str
    name: str
    host: str
    pid: int


class Term(Struct, frozen=True):
    """The time for which a node leads. `epoch`: greater than that of each earlier term, also where a copy of the
    database was restored meanwhile. `ended`: when it was handed over; None: it goes on, or its leader died."""

    epoch: int
    node: ClusterNode
    began: datetime
    ended: datetime | None = None


class FormerTerm(Struct, frozen=True):
    """What a new leader has to know of the newest term. `is_of_this_server`: the lock of its leader, if it is free, was
    not forgotten by the server, which has ended that one's session and told it so."""

    epoch: int
    was_given_up: bool
    is_of_this_server: bool


class Deposed(StoreError):
    """Another node has led since, so that nothing of this one may be written."""

    def __init__(self, where: str, epoch: int, newest: Term | None) -> None:
        self.newest = newest
        who = f"{newest.node.name} on {newest.node.host}" if newest else "nobody"
        words = f"{where}: {who} leads now, so that this node (epoch {epoch}) writes nothing"
        super().__init__(f"{words}; it stands by, and nothing is to be done")


def make_term_tables(db: PostgresDatabase) -> None:
    """Make the tables if they are missing. Raises StoreError."""
    if db.tuples("SELECT to_regclass(?)", (f"{SCHEMA}.term",)).fetchone()[0] is not None:
        return
    with db.transaction():
        db.tuples("SELECT pg_advisory_xact_lock(?)", (MAKING,))
        for statement in TABLES:
            db.execute(statement)


def begin_term(db: PostgresDatabase, node: ClusterNode) -> Term:
    """Begin a term of a node that holds the lock of leaders: from now on no transaction of an earlier one commits.

    What an earlier leader has begun to write holds the number; it is let finish for as long as this session waits for
    locks, and ended then. Raises StoreError.
    """
    try:
        return _begin_term(db, node)
    except StoreError as error:
        if error.refusal is None or error.refusal.kind is not RefusalKind.LOCKED:
            raise
    _end_writers(db)
    return _begin_term(db, node)


def _begin_term(db: PostgresDatabase, node: ClusterNode) -> Term:
    """Number by the clock, so that a database that lost its last terms gives none of their numbers again."""
    statement = f"""
        WITH next AS (
            UPDATE epoch SET number = greatest(number + 1, (1000 * extract(epoch FROM clock_timestamp()))::bigint)
            RETURNING number
        ), old AS (DELETE FROM term WHERE began < now() - interval '{KEPT}')
        INSERT INTO term (epoch, cluster, node, host, pid, server, began)
        SELECT number, ?, ?, ?, ?, ({SERVER}), clock_timestamp() FROM next RETURNING epoch, began
    """
    row = db.tuples(statement, (node.cluster, node.name, node.host, node.pid)).fetchone()
    if row is None:
        raise StoreError(
            f"{db.name}: the row of table epoch is gone; drop the tables epoch and term, which are made anew"
        )
    return Term(row[0], node, row[1])


def _end_writers(db: PostgresDatabase) -> None:
    """End the sessions that hold the number in a transaction."""
    db.tuples(
        """
        SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'relation' AND relation = 'epoch'::regclass AND mode = 'RowShareLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
        """
    ).fetchall()


def end_term(db: PostgresDatabase, term: Term) -> None:
    """Note that a leader gives up on purpose: the next one need not wait for the end of its belief."""
    db.execute("UPDATE term SET ended = clock_timestamp() WHERE epoch = ?", (term.epoch,))


def former_term(db: PostgresDatabase) -> FormerTerm | None:
    """Return the newest term as who follows sees it; None: nobody has ever led."""
    query = f"SELECT epoch, ended IS NOT NULL, server = ({SERVER}) FROM term ORDER BY epoch DESC LIMIT 1"
    row = db.tuples(query).fetchone()
    return FormerTerm(*row) if row else None


def newest_term(db: PostgresDatabase) -> Term | None:
    """Return the newest term; None: nobody has ever led."""
    return next(iter(terms(db, 1)), None)


def terms(db: PostgresDatabase, most: int = 100) -> Sequence[Term]:
    """Return the newest terms, the newest first. Raises StoreError."""
    query = "SELECT epoch, cluster, node, host, pid, began, ended FROM term ORDER BY epoch DESC LIMIT ?"
    rows = db.tuples(query, (most,)).fetchall()
    return [Term(epoch, ClusterNode(*node), began, ended) for epoch, *node, began, ended in rows]


def check_epoch(db: PostgresDatabase, epoch: int) -> None:
    """Hold the number of a leader's term until the transaction ends in which it writes: a new leader waits for that.

    A transaction that begins later finds the new number. Raises Deposed.
    """
    row = db.tuples("SELECT number FROM epoch FOR SHARE").fetchone()
    if row is None or row[0] != epoch:
        raise Deposed(db.name, epoch, newest_term(db))


def limit_stalls(db: PostgresDatabase) -> None:
    """Have the server end a transaction of this connection whose process stalls within: it would hold up the next
    leader. For each connection that writes as leader."""
    names = ("idle_in_transaction_session_timeout", "lock_timeout")
    for name in names:
        db.tuples("SELECT set_config(?, ?, false)", (name, str(STALLED_MS))).fetchall()
