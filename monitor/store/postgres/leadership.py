"""The election of the one node that leads, among several on one PostgreSQL."""

import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from msgspec import Struct

from monitor.storage_refusal import StoreError
from monitor.store.postgres.leader import LEADING
from monitor.store.postgres.session import CHANNEL, IDLE_S, NameTaken, Session, Unanswered, open_session, pooled
from monitor.store.postgres.term import ClusterNode, Term, begin_term, end_term, former_term

if TYPE_CHECKING:
    from probes.model import Timer

log = logging.getLogger("monitor")

PING_S = 0.5
"""Seconds between two questions of a leader to the server, from the start of the one to that of the next."""
BELIEVE_S = 2.5
"""Seconds after the start of the last answered one for which a leader believes to be it: two answers of 1.2 s fit in,
and half a second before the server would end the session (IDLE_S) it believes no more."""
POLL_S = 0.2
"""Seconds between two tries of a node that stands by."""
SLOW_S = 1.0
"""Seconds for an answer, above which a node does not begin to lead: it would soon lose the lead again."""
COURTESY_S = 0.25
"""Seconds from seeing that the leader's session has ended to leading: should its process live, it sees that, too."""
DOUBT_S = IDLE_S - 0.2
"""Seconds to wait where the former leader's session may have ended without its knowledge: BELIEVE_S, and some."""
REST_S = 3.0
"""Seconds that a node that handed over waits for another one to lead."""
RETRY_S, MOST_RETRY_S = 0.2, 1.0
"""Seconds between two tries to reach a server: after a session that lasted for STEADY_S, and in the end."""
STEADY_S = 10.0
GHOST_S = IDLE_S + 1
"""Seconds after which a session of an earlier run of ours has ended, however that run ended."""
HAND_OVER_S = 2.0
"""Seconds that `release` and `close` wait for a server."""

Changed = Callable[[Term | None], None]


def since_boot() -> float:
    """Return the seconds since some instant, also those for which the machine was suspended: the server's clock, by
    which a session ends, goes on meanwhile."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class _Held(Struct, frozen=True):
    """A term, and until when it is believed, by our timer."""

    term: Term
    until_s: float


class Leadership:
    """A node that stands by or leads, in a thread of its own, until it is closed.

    Who leads holds an advisory lock in a session that the server ends after IDLE_S without a question, and believes in
    it no longer than BELIEVE_S after it sent the last question that was answered. So where nothing passes any more, it
    has ceased to believe before another one can begin. What it writes, it writes in transactions that begin with
    `check_epoch`: one that was held up any longer then changes nothing.

    `changed`: called with the term when it begins, with None when it is over; in that thread, so it returns at once.
    An event loop is told by `loop.call_soon_threadsafe`.
    """

    def __init__(
        self, url: str, node: ClusterNode, changed: Changed = lambda _: None, timer: "Timer" = since_boot
    ) -> None:
        self._url, self._node, self._changed, self._timer = url, node, changed, timer
        self._held: _Held | None = None
        self._problem: StoreError | None = None
        self._resigned, self._closed, self._free = Event(), Event(), Event()
        self._rests_until_s, self._left_epoch = timer(), 0
        self._waker, self._wake = socket.socketpair()
        self._waker.setblocking(False)
        self._thread: Thread | None = None

    # For any thread

    @property
    def term(self) -> Term | None:
        """The term of this node; None while it does not lead. Asks nobody."""
        held = self._held
        if held is None or self._resigned.is_set() or self._closed.is_set() or self._timer() >= held.until_s:
            return None
        return held.term

    def is_leading(self) -> bool:
        """Whether this node leads now. Asks nobody."""
        return self.term is not None

    @property
    def problem(self) -> StoreError | None:
        """Why this node can neither lead nor stand by now; None: it can."""
        return self._problem

    def open(self) -> None:
        """Connect, and begin to stand by. Raises StoreError where nobody could lead, such as NameTaken."""
        session = self._named_session()
        self._thread = Thread(target=self._run, args=(session,), daemon=True, name="leadership")
        self._thread.start()

    def release(self) -> None:
        """Hand over to another node, if there is one; return once it may begin, or after HAND_OVER_S."""
        if self._held is not None:
            self._free.clear()
            self._resigned.set()
            self._rouse()
            self._free.wait(HAND_OVER_S)

    def close(self) -> None:
        """Hand over, and end; what hangs is left behind after HAND_OVER_S."""
        self._closed.set()
        self._rouse()
        if self._thread:
            self._thread.join(HAND_OVER_S)
        if self._thread is None or not self._thread.is_alive():
            self._waker.close()
            self._wake.close()

    def _rouse(self) -> None:
        with suppress(BlockingIOError):  # it was roused often
            self._waker.send(b".")

    # In the thread

    def _named_session(self) -> Session:
        """Wait for the end of a session that an earlier run of this node left behind."""
        ends_s = self._timer() + GHOST_S
        while True:
            try:
                return open_session(self._url, self._node, self._timer)
            except NameTaken:
                if self._timer() >= ends_s or self._closed.is_set():
                    raise
            self._closed.wait(RETRY_S)

    def _run(self, session: Session | None) -> None:
        pause_s = RETRY_S
        while not self._closed.is_set():
            began_s = self._timer()
            try:
                session = session or self._named_session()
                self._note(None)
                self._stand_by(session)
            except StoreError as error:
                self._note(error)
            except Exception:
                log.exception("the election failed; it goes on")
            finally:
                if session:
                    session.close()
                self._free.set()
            session = None
            pause_s = RETRY_S if self._timer() - began_s > STEADY_S else min(2 * pause_s, MOST_RETRY_S)
            self._closed.wait(pause_s)

    def _note(self, problem: StoreError | None) -> None:
        if problem and str(problem) != str(self._problem):
            log.warning("cannot lead: %s", problem)
        self._problem = problem

    def _stand_by(self, session: Session) -> None:
        """Lead whenever nobody does, until the session or we end."""
        while not self._closed.is_set():
            if self._may_try(session):
                self._try(session)
            else:
                self._ping(session, BELIEVE_S)
            session.wait(POLL_S, self._wake)

    def _may_try(self, session: Session) -> bool:
        """Return False while another node should be given the lock, which may begin at once."""
        is_young = self._timer() < session.opened_s + DOUBT_S
        rests = self._timer() < self._rests_until_s
        if not is_young and not rests:
            return True
        former = session.run(BELIEVE_S, former_term)
        if former is None:
            return True
        if rests and former.epoch == self._left_epoch:
            return False
        return not is_young or former.was_given_up or former.is_of_this_server

    def _try(self, session: Session) -> None:
        asked_s = self._timer()
        if not session.ask(BELIEVE_S, "SELECT pg_try_advisory_lock(?)", LEADING)[0]:
            return
        if self._timer() - asked_s < SLOW_S:
            self._succeed(session)
        else:
            self._unlock(session)

    def _succeed(self, session: Session) -> None:
        """Lead, after whoever did so before has ceased to believe in it."""
        ends_s = self._doubtful_until_s(session)
        while (left_s := ends_s - self._timer()) > 0 and not self._closed.is_set():
            session.wait(min(left_s, PING_S), self._wake)
            self._ping(session, BELIEVE_S)
        if not self._closed.is_set():
            self._lead(session, session.run(BELIEVE_S, begin_term, self._node))

    def _doubtful_until_s(self, session: Session) -> float:
        """Return until when the former leader may still believe.

        Where the lock is free the server has ended its session and told it so. But a server that has begun anew, or is
        another one, tells nothing to who is cut off: that belief ends while our session with this server is young.
        """
        former = session.run(BELIEVE_S, former_term)
        if former is None or former.was_given_up:
            return 0
        told_s = self._timer() + COURTESY_S
        return told_s if former.is_of_this_server else max(told_s, session.opened_s + DOUBT_S)

    def _lead(self, session: Session, term: Term) -> None:
        self._resigned.clear()
        self._held = _Held(term, session.answered_s + BELIEVE_S)
        try:
            self._tell(term)
            self._hold(session, self._held)
        finally:
            self._held = None
            self._tell(None)
        self._hand_over(session, term)

    def _hold(self, session: Session, held: _Held) -> None:
        """Hold the lead until it is given up. Raises StoreError when it is lost."""
        while not (self._closed.is_set() or self._resigned.is_set()):
            session.wait(session.answered_s + PING_S - self._timer(), self._wake)
            if (left_s := held.until_s - self._timer()) > 0:
                self._ping(session, left_s)
            if self._timer() >= held.until_s:
                raise Unanswered(
                    f"{session.name}: this node stood still for too long to go on leading; look what holds it up"
                )
            held = self._held = _Held(held.term, session.answered_s + BELIEVE_S)

    def _ping(self, session: Session, limit_s: float) -> None:
        if session.ask(limit_s, "SELECT pg_backend_pid()")[0] != session.server_pid:
            raise pooled(session.name)

    def _hand_over(self, session: Session, term: Term) -> None:
        self._rests_until_s, self._left_epoch = self._timer() + REST_S, term.epoch
        try:
            session.run(HAND_OVER_S, end_term, term)
            self._unlock(session)
        finally:
            self._resigned.clear()
            self._free.set()

    def _unlock(self, session: Session) -> None:
        """Free the lock, and rouse who waits for it."""
        session.ask(HAND_OVER_S, "SELECT pg_advisory_unlock(?), pg_notify(?, '')", LEADING, CHANNEL)

    def _tell(self, term: Term | None) -> None:
        try:
            self._changed(term)
        except Exception:  # the election goes on, whatever its listener does
            log.exception("who is told of a new leader failed")
