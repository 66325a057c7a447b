"""The session by which a node leads or stands by: whatever hangs in it is cut off in time."""

import os
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from threading import Timer as Alarm
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError
from monitor.store.postgres.connection import (
    OUR_NAME,
    REPAIRS,
    SCHEMA,
    PostgresDatabase,
    address_parts,
    in_words,
    whole_address,
)
from monitor.store.postgres.leader import holder_of
from monitor.store.postgres.term import ClusterNode, make_term_tables, newest_term
from monitor.store.setting import shared_name

if TYPE_CHECKING:
    from probes.model import Timer

P = ParamSpec("P")
T = TypeVar("T")

CHANNEL = "monitor_leader"
"""Where a leader that hands over says so: a hint only, as a connection may be half open."""
OPEN_S = 5.0
"""Seconds for the checks of a new session."""
IDLE_S = 3.0
"""Seconds after which the server ends a session that asks nothing, and gives its locks to others."""
OLDEST_VERSION = 14
"""The first PostgreSQL that does so."""
SETTINGS = {
    "search_path": SCHEMA,  # again: a pooler may drop what is said at the start
    "idle_session_timeout": f"{1000 * IDLE_S:.0f}",
    "idle_in_transaction_session_timeout": f"{1000 * IDLE_S:.0f}",
    "lock_timeout": "500",
    "synchronous_commit": "on",  # a term that a crash forgot would be followed at once, as if there had been none
    # A server that gave up a silent road earlier than IDLE_S would free the lock while its holder still believes.
    "tcp_keepalives_idle": "10",
    "tcp_user_timeout": "10000",
}
"""Times are in milliseconds, but tcp_keepalives_idle, which is in seconds."""
USUAL = {"connect_timeout": 2, "tcp_user_timeout": 3000}
"""What differs from other connections, unless the URL says so: to take over counts more than to wait."""
TRIES = 3
"""How often a pooler is asked who serves us."""


class NameTaken(StoreError):
    """Another node of this cluster has our name. `holder`: its process and host."""

    def __init__(self, where: str, node: ClusterNode, holder: str) -> None:
        self.holder = holder
        at_work = f"{where}: another node of cluster {node.cluster!r} is named {node.name!r} (process {holder})"
        super().__init__(f"{at_work}; give each node a name of its own")


class Unanswered(StoreError):
    """The server did not answer in time, so that the road to it was cut."""


class Session:
    """An open session. Used by one thread, while any thread may `wake` it.

    `opened_s`: when it began, by the timer; `answered_s`: when the last statement that was answered was sent.
    `server_pid`: the process that serves it; `version`: of the server.
    """

    def __init__(self, connection: psycopg.Connection[Any], name: str, timer: "Timer") -> None:
        self._connection, self._timer, self.name = connection, timer, name
        self._db = PostgresDatabase(connection, name)
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))  # ours, so that no other file is ever cut
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self.opened_s = self.answered_s = timer()
        self.server_pid, self.version = connection.info.backend_pid, connection.info.server_version // 10_000

    def run(
        self, limit_s: float, work: Callable[Concatenate[PostgresDatabase, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """Run `work`; cut the road to the server if that takes longer. Raises StoreError, such as Unanswered."""
        sent_s = self._timer()
        with self._cut_after(limit_s):
            done = work(self._db, *args, **named)
        self.answered_s = sent_s
        return done

    def ask(self, limit_s: float, statement: str, *values: object) -> Any:
        """Return the only row that a statement answers. Raises StoreError."""
        return self.run(limit_s, _only_row, statement, values)

    @contextmanager
    def _cut_after(self, limit_s: float) -> Iterator[None]:
        """Shut the socket down when time is up, whoever waits for it: to cancel would wait for the server again."""
        began_s = self._timer()
        alarm = Alarm(max(0, limit_s), self.cut)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        except StoreError as error:
            if self._timer() - began_s < limit_s:
                raise
            raise Unanswered(
                f"{self.name}: no answer within {limit_s:.1f} s; look at that server and the road to it", error.refusal
            ) from None
        finally:
            alarm.cancel()

    def cut(self) -> None:
        with suppress(OSError):  # the other side has done so
            self._socket.shutdown(socket.SHUT_RDWR)

    def wait(self, limit_s: float, wake: socket.socket) -> None:
        """Wait until the server says something, its end included, or `wake` is sent something."""
        with _listening(self._selector, wake):
            said = self._selector.select(max(0, limit_s))
        if any(key.fileobj is wake for key, _ in said):
            wake.recv(4096)

    def close(self) -> None:
        self._selector.close()
        self._db.close()
        self._socket.close()


@contextmanager
def _listening(selector: selectors.BaseSelector, other: socket.socket) -> Iterator[None]:
    selector.register(other, selectors.EVENT_READ)
    try:
        yield
    finally:
        selector.unregister(other)


def _only_row(db: PostgresDatabase, statement: str, values: tuple[object, ...]) -> Any:
    return db.tuples(statement, values).fetchone()


def open_session(url: str, node: ClusterNode, timer: "Timer") -> Session:
    """Connect, look whether one can lead here, and take the name of the node.

    Raises StoreError, such as NameTaken, never with the password.
    """
    address = _address(url, node)
    session = _connected(address, shared_name(url), timer)
    try:
        _check_server(session)
        _check_pooler(session, lambda: _connected(address, session.name, timer))
        session.run(OPEN_S, _prepare, node)
    except BaseException:
        session.close()
        raise
    return session


def _connected(address: str, name: str, timer: "Timer") -> Session:
    with in_words(name):
        connection = psycopg.connect(address, autocommit=True, prepare_threshold=None)
    return Session(connection, name, timer)


def _address(url: str, node: ClusterNode) -> str:
    several = "," in address_parts(url).get("host", "")
    wanted = {"target_session_attrs": "read-write"} if several else {}
    address = whole_address(url, {}, **USUAL, **wanted)
    return make_conninfo(address, application_name=f"{OUR_NAME}{node.pid} on {node.host}")


def _check_server(session: Session) -> None:
    """Refuse a server on which nobody can lead, and say why."""
    if session.version < OLDEST_VERSION:
        raise StoreError(
            f"{session.name}: PostgreSQL {session.version} ends no idle session, so that nobody could take over from a "
            f"node that is cut off; use {OLDEST_VERSION} or newer"
        )
    copies, is_read_only = session.ask(
        OPEN_S, "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean"
    )
    if copies or is_read_only:
        why = (
            "is a replica, which takes no writes" if copies else "takes no writes (default_transaction_read_only is on)"
        )
        words = f"{session.name}: {why}; {REPAIRS['25006']}"
        raise StoreError(words, StorageRefusal(RefusalKind.READ_ONLY, why))


def _check_pooler(session: Session, connect: Callable[[], Session]) -> None:
    """Refuse a pooler that gives each transaction another session: the lock would be anybody's.

    It numbers sessions itself, so that the server's own number differs from the one told at the start. One that keeps
    a session for each of us gives no other one the same; one that does not takes the first that is free, or ours next.
    """
    told, session.server_pid = session.server_pid, _server_pid(session)
    if told == session.server_pid:
        return
    for _ in range(TRIES):
        other = connect()
        try:
            other.run(OPEN_S, _begin)
            if _server_pid(other) == session.server_pid or _server_pid(session) != session.server_pid:
                raise pooled(session.name)
        finally:
            other.close()


def _begin(db: PostgresDatabase) -> None:
    db.execute("BEGIN")


def _server_pid(session: Session) -> int:
    return int(session.ask(OPEN_S, "SELECT pg_backend_pid()")[0])


def pooled(name: str) -> StoreError:
    return StoreError(
        f"{name}: a pooler gives each transaction another session of the server (pool_mode=transaction), so that no "
        "lock holds; name the server itself in [store] url, or a pool with pool_mode=session"
    )


def _prepare(db: PostgresDatabase, node: ClusterNode) -> None:
    for name, value in SETTINGS.items():
        db.tuples("SELECT set_config(?, ?, false)", (name, value)).fetchall()
    _take_name(db, node)
    make_term_tables(db)
    _check_cluster(db, node)
    db.execute(f"LISTEN {CHANNEL}")


def _take_name(db: PostgresDatabase, node: ClusterNode) -> None:
    key = name_key(node)
    if not db.tuples("SELECT pg_try_advisory_lock(?)", (key,)).fetchone()[0]:
        raise NameTaken(db.name, node, holder_of(db, key) or "that has just ended")


def name_key(node: ClusterNode) -> int:
    """Return the advisory lock of a node's name, the same in each process."""
    return int.from_bytes(sha256(f"{node.cluster}\0{node.name}".encode()).digest()[:8], "big", signed=True)


def _check_cluster(db: PostgresDatabase, node: ClusterNode) -> None:
    """Refuse a database that another cluster is using: one of the two would lead both."""
    newest = newest_term(db)
    if newest is None or newest.node.cluster == node.cluster:
        return
    if holder := holder_of(db):
        raise StoreError(
            f"{db.name}: cluster {newest.node.cluster!r} is at work here (its leader is process {holder}), and this "
            f"node is of cluster {node.cluster!r}; name the same cluster, or another database in [store] url"
        )
