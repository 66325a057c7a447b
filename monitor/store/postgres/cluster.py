"""The cluster as the shared store knows it: who leads, which nodes there are, and what each place has shipped."""

from datetime import datetime

from msgspec import Struct

from monitor.store.place_report import PlaceNews
from monitor.store.postgres.connection import OUR_NAME, PostgresDatabase
from monitor.store.postgres.leader import holder_of
from monitor.store.postgres.places import heard_of
from monitor.store.postgres.term import Term, newest_term


class PlaceShipments(Struct, frozen=True):
    """A place. `heard_at`: of its last report or shipment, by the server's clock. `waiting`: results not yet judged.
    `told`: what it said of itself; None: nothing yet.
    """

    name: str
    heard_at: datetime
    waiting: int
    told: PlaceNews | None = None


class ClusterView(Struct, frozen=True):
    """`now`: the server's time. `leader`: the newest term, if somebody leads.

    `processes`: how many of ours each machine has connected.
    """

    now: datetime
    leader: Term | None
    processes: tuple[tuple[str, int], ...]
    places: tuple[PlaceShipments, ...]


def view_cluster(db: PostgresDatabase) -> ClusterView:
    """Return what is known now. Raises StoreError."""
    (now,) = db.tuples("SELECT now()").fetchone()
    places = db.tuples(
        """
        SELECT place, max(received_at), sum((SELECT count(*) FROM inbox WHERE inbox.origin = origin.id))
        FROM origin GROUP BY place ORDER BY place
        """
    ).fetchall()
    told = {one.name: one for one in heard_of(db)}
    return ClusterView(
        now,
        _leader(db),
        _processes(db),
        tuple(_place(name, heard_at, int(waiting), told.get(name), now) for name, heard_at, waiting in places),
    )


def _place(name: str, heard_at: datetime, waiting: int, told: PlaceNews | None, now: datetime) -> PlaceShipments:
    return PlaceShipments(name, max(heard_at, now - told.silent) if told else heard_at, waiting, told)


def _leader(db: PostgresDatabase) -> Term | None:
    """Return the term of whoever holds the lock; None also while the next one is about to begin its own."""
    term, holder = newest_term(db), holder_of(db)
    return term if term and holder == f"{term.node.pid} on {term.node.host}" else None


def _processes(db: PostgresDatabase) -> tuple[tuple[str, int], ...]:
    query = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()"
    names = [name for (name,) in db.tuples(query) if name and name.startswith(OUR_NAME)]
    hosts = [name.rpartition(" on ")[2] for name in names]
    return tuple((host, hosts.count(host)) for host in sorted(set(hosts)))
