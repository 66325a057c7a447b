"""Who leads: one of several nodes, whatever happens to it, to the others, to the server and to the roads between."""

import os
import signal
import threading
import time
from base64 import b64encode
from contextlib import closing, contextmanager, suppress
from queue import Empty, Queue
from urllib.parse import quote

import pytest

from monitor.storage_refusal import RefusalKind, StoreError
from monitor.store.postgres.connection import connect
from monitor.store.postgres.leadership import BELIEVE_S, POLL_S, REST_S, Leadership, since_boot
from monitor.store.postgres.session import IDLE_S, NameTaken
from monitor.store.postgres.term import ClusterNode, Deposed, begin_term, check_epoch, former_term, limit_stalls, terms
from tests.election import election
from tests.pooler import pooler
from tests.postgres import postgres
from tests.test_web_server import free_port

pytestmark = pytest.mark.cluster

SPARE_S = 1.5
"""What a busy machine may need besides."""


class Voter(Leadership):
    """A node whose news are kept."""

    def __init__(self, url, name="anna", cluster="test", timer=since_boot):
        self.news = Queue()
        super().__init__(url, ClusterNode(cluster, name, "here", 1), self.news.put, timer)

    def hears(self, limit_s=10):
        return self.news.get(timeout=limit_s)


@contextmanager
def opened(*voters):
    try:
        for one in voters:
            one.open()
        yield voters
    finally:
        for one in voters:
            one.close()


def refusal(url, name="anna", **facts):
    """Return why a node cannot lead."""
    with pytest.raises(StoreError) as error, opened(Voter(url, name, **facts)):
        pass
    return error.value


# Nodes of one process


@pytest.fixture
def two(postgres_database):
    """Anna, who leads, and Bert, who stands by."""
    anna, bert = Voter(postgres_database), Voter(postgres_database, "bert")
    with opened(anna):
        until(anna.is_leading)
        with opened(bert):
            yield anna, bert


def test_one_leads_and_the_others_stand_by(two):
    anna, bert = two
    term = anna.hears()
    time.sleep(3 * POLL_S)

    assert (anna.is_leading(), bert.is_leading()) == (True, False)
    assert anna.term == term
    assert term.node.name == "anna"
    assert bert.news.empty()


def test_who_hands_over_is_followed_at_once(two, postgres_database):
    anna, bert = two
    first = anna.hears()
    began_s = since_boot()
    anna.release()
    second = bert.hears()
    took_s = since_boot() - began_s

    assert anna.hears() is None
    assert took_s < 0.3 + SPARE_S
    assert second.epoch > first.epoch
    assert not anna.is_leading()
    with closing(connect(postgres_database)) as db:
        assert [(one.node.name, one.ended is None) for one in terms(db)] == [("bert", True), ("anna", False)]


def test_who_hands_over_leads_again_if_nobody_else_does(postgres_database):
    rested_s = 0
    with opened(anna := Voter(postgres_database, timer=lambda: since_boot() + rested_s)):
        anna.hears()
        anna.release()
        assert anna.hears() is None
        with pytest.raises(Empty):
            anna.hears(2 * POLL_S)
        rested_s = REST_S

        assert anna.hears().node.name == "anna"


def test_who_closes_leads_no_more_and_says_so(postgres_database):
    with opened(anna := Voter(postgres_database)):
        anna.hears()

    assert not anna.is_leading()
    assert anna.hears() is None


def test_a_lead_is_believed_no_longer_than_it_is_sure_also_after_a_sleep_of_the_machine(postgres_database):
    slept_s = 0
    with opened(anna := Voter(postgres_database, timer=lambda: since_boot() + slept_s)):
        anna.hears()
        assert anna.is_leading()
        slept_s = BELIEVE_S

        assert not anna.is_leading()
        assert anna.hears() is None


def test_a_listener_that_fails_does_not_end_the_election(postgres_database, caplog):
    def fail(_):
        raise RuntimeError("no ears")

    anna = Leadership(postgres_database, ClusterNode("test", "anna", "here", 1), fail)
    with opened(anna):
        until(anna.is_leading)

    assert "no ears" in caplog.text


def until(check, limit_s=10):
    ends_s = since_boot() + limit_s
    while not check():
        assert since_boot() < ends_s, f"not within {limit_s} s"
        time.sleep(0.01)


# What a former leader writes


@pytest.fixture
def ready_database(postgres_database):
    """A database with the tables of terms, of which the first has ended."""
    with opened(anna := Voter(postgres_database)):
        anna.hears()
    return postgres_database


BERT = ClusterNode("test", "bert", "there", 2)


def test_what_a_former_leader_writes_is_refused_and_it_hears_who_leads(ready_database):
    with closing(connect(ready_database)) as db, closing(connect(ready_database)) as writer:
        old = begin_term(db, BERT)
        new = begin_term(db, BERT)

        with pytest.raises(Deposed, match="bert on there leads now") as error, writer.transaction():
            check_epoch(writer, old.epoch)
        with writer.transaction():
            check_epoch(writer, new.epoch)
        assert error.value.newest == new


def test_a_new_leader_waits_for_what_an_earlier_one_commits(ready_database):
    with closing(connect(ready_database)) as db, closing(connect(ready_database)) as writer:
        old = begin_term(db, BERT)
        writer.execute("BEGIN")
        check_epoch(writer, old.epoch)
        (at,) = writer.tuples("SELECT clock_timestamp()").fetchone()
        later = threading.Timer(0.2, writer.execute, ("COMMIT",))
        later.start()
        new = begin_term(db, BERT)
        later.join()

        assert (new.began - at).total_seconds() > 0.15


def test_a_transaction_that_hangs_holds_up_the_next_leader_for_a_moment_and_changes_nothing(ready_database):
    with closing(connect(ready_database)) as db, closing(connect(ready_database)) as writer:
        old = begin_term(db, BERT)
        db.execute("CREATE TABLE written (epoch bigint)")
        db.execute("SET lock_timeout = 200")
        writer.execute("BEGIN")
        check_epoch(writer, old.epoch)
        writer.execute("INSERT INTO written VALUES (?)", (old.epoch,))
        new = begin_term(db, BERT)

        assert new.epoch > old.epoch
        with pytest.raises(StoreError):
            writer.execute("COMMIT")
        assert db.tuples("SELECT count(*) FROM written").fetchone()[0] == 0


def test_the_server_ends_a_transaction_of_a_leader_that_stalls(ready_database):
    with closing(connect(ready_database)) as writer:
        limit_stalls(writer)

        assert writer.tuples("SHOW idle_in_transaction_session_timeout").fetchone() == ("2s",)
        assert writer.tuples("SHOW lock_timeout").fetchone() == ("2s",)


def test_a_database_that_lost_its_last_terms_gives_none_of_their_numbers_again(ready_database):
    with closing(connect(ready_database)) as db:
        lost = begin_term(db, BERT)
        db.execute("DELETE FROM term")
        db.execute("UPDATE epoch SET number = 1")

        assert begin_term(db, BERT).epoch > lost.epoch


def test_a_server_of_which_a_process_crashes_has_forgotten_its_locks(own_server):
    with opened(Voter(own_server.url())):
        until(lambda: former(own_server) == (False, True))
        with own_server.connect() as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
        until(lambda: former(own_server) == (False, False))


@pytest.fixture
def own_server():
    with postgres() as server:
        yield server


def former(server):
    """Return whether the newest term was given up, and is of this server; None: not known now."""
    with suppress(StoreError), closing(connect(server.url())) as db:
        term = former_term(db)
        return term and (term.was_given_up, term.is_of_this_server)
    return None


# Where nobody can lead


def test_a_second_node_of_a_name_is_refused_and_hears_who_has_it(postgres_database):
    with opened(Voter(postgres_database)):
        error = refusal(postgres_database, timer=lambda: 20 * since_boot())

    assert isinstance(error, NameTaken)
    assert "another node of cluster 'test' is named 'anna' (process 1 on here)" in str(error)


def test_a_second_cluster_on_a_database_is_refused_while_the_first_is_at_work(postgres_database):
    with opened(anna := Voter(postgres_database)):
        anna.hears()
        error = refusal(postgres_database, "bert", cluster="other")
    with opened(bert := Voter(postgres_database, "bert", "other")):
        assert bert.hears()

    assert "cluster 'test' is at work here (its leader is process 1 on here)" in str(error)


def test_a_database_that_takes_no_writes_is_refused(postgres_server, postgres_database):
    with closing(connect(postgres_database)) as db:
        db.execute(f"ALTER DATABASE {db.name.partition('@')[0]} SET default_transaction_read_only = on")
    error = refusal(postgres_database)

    assert "default_transaction_read_only is on" in str(error)
    assert error.refusal.kind is RefusalKind.READ_ONLY


def test_a_replica_is_refused_and_passed_over_where_others_are_named(postgres_server, postgres_database):
    with postgres() as replica:
        replica.stop()
        (replica.folder / "data" / "standby.signal").touch()
        replica.start()
        hosts = f"127.0.0.1:{replica.port},127.0.0.1:{postgres_server.port}"
        with opened(anna := Voter(f"postgresql://owner@{hosts}/{postgres_database.rpartition('/')[2]}")):
            assert anna.hears()
        told = str(refusal(replica.url()))
        told_late = str(refusal(f"{replica.url()}?target_session_attrs=read-write"))

    assert "is a replica, which takes no writes; name the server that takes writes" in told
    assert "session is read-only; name the server that takes writes" in told_late


def test_a_dead_server_is_passed_over(postgres_server, postgres_database):
    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{postgres_server.port}"
    url = f"postgresql://owner@{hosts}/{postgres_database.rpartition('/')[2]}?target_session_attrs=read-write"
    with opened(anna := Voter(url)):
        assert anna.hears()


def test_a_pooler_that_gives_each_transaction_another_session_is_refused(postgres_server, postgres_database):
    with pooler(postgres_server.port) as its:
        error = refusal(postgres_server.url(postgres_database.rpartition("/")[2], port=its.port))

    assert "pool_mode=transaction" in str(error)


def test_a_pooler_that_keeps_a_session_for_each_client_will_do(postgres_server, postgres_database):
    with (
        pooler(postgres_server.port, by_transaction=False) as its,
        opened(anna := Voter(postgres_server.url(postgres_database.rpartition("/")[2], port=its.port))),
    ):
        assert anna.hears()


def test_a_server_that_ends_no_idle_session_is_refused(postgres_server):
    with pooler(postgres_server.port, version="13.9") as its:
        assert "PostgreSQL 13 ends no idle session" in str(refusal(postgres_server.url(port=its.port)))


SECRET = "pa@ss/wo:rd 1%"
FORMS = (
    SECRET,
    quote(SECRET, safe=""),
    quote(SECRET),
    b64encode(SECRET.encode()).decode(),
    "wo:rd",
    "wo%3Ard",
    "ss/wo",
)


@pytest.fixture
def locked_server(postgres_server):
    """A server that asks the user `locked` for a password."""
    rules = postgres_server.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all locked 127.0.0.1/32 scram-sha-256\n{before}")
    with postgres_server.connect() as connection:
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'other'")
        connection.execute("SELECT pg_reload_conf()")
    yield postgres_server
    rules.write_text(before)
    with postgres_server.connect() as connection:
        connection.execute("DROP ROLE locked")
        connection.execute("SELECT pg_reload_conf()")


def test_a_refused_password_is_told_without_it(locked_server):
    url = locked_server.url(user=f"locked:{quote(SECRET, safe='')}")
    until(lambda: "password" in str(refusal(url)))
    error = refusal(url)

    assert f"postgres@127.0.0.1:{locked_server.port}: " in str(error)
    assert 'failed for user "locked"; correct the user and password of [store] url' in str(error)
    assert not [form for form in FORMS if form in str(error)]


def url_to(server, database="postgres", more=""):
    user = f"owner:{quote(SECRET, safe='')}"
    return server.url(database, user) + more


@pytest.mark.parametrize(
    ("database", "more", "told"),
    [
        ("nowhere", "", 'database "nowhere" does not exist; make it with `createdb`'),
        ("postgres", "?sslmode=require", "server does not support SSL, but SSL was required; correct sslmode"),
        ("postgres", "?sslmode=verify-full&sslrootcert=/nowhere.pem", "correct sslmode and sslrootcert"),
    ],
)
def test_what_is_wrong_with_an_address_is_told_with_the_repair_and_without_the_password(
    postgres_server, database, more, told
):
    error = refusal(url_to(postgres_server, database, more))

    assert told in str(error)
    assert not [form for form in FORMS if form in str(error)]


def test_a_server_that_is_not_there_is_told(postgres_server):
    error = refusal(f"postgresql://owner:{quote(SECRET, safe='')}@127.0.0.1:{free_port()}/postgres")

    assert "refused; look whether that server runs and can be reached from here" in str(error)
    assert not [form for form in FORMS if form in str(error)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://owner:hidden@more@127.0.0.1/postgres",
        "postgresql://owner:hidden/more@127.0.0.1/postgres",
        "postgresql://owner:hidden more@127.0.0.1/postgres",
        "postgresql://owner:hidden%zz@127.0.0.1/postgres",
        "postgresql//owner:hidden@127.0.0.1/postgres",
        "postgres://127.0.0.1/postgres?pasword=hidden",
        "hidden",
    ],
)
def test_a_slip_in_an_address_shows_nothing_of_it(url):
    told = str(refusal(url))

    assert "write postgresql://USER:PASSWORD@HOST:5432/DATABASE" in told
    assert not [piece for piece in ("hidden", "more") if piece in told]


# Judges in processes of their own, which are struck


@pytest.fixture(scope="module")
def judges(tmp_path_factory, request):
    from tests.postgres import program

    if program("postgres") is None:
        pytest.skip("needs the programs of PostgreSQL")
    with election(tmp_path_factory.mktemp("election")) as its:
        its.restore()
        yield its


@pytest.fixture
def leader(judges):
    """The epoch and the name of the judge that leads; in the end there were never two."""
    yield judges.newest()
    judges.restore()

    assert judges.overlaps() == []
    assert judges.late_rows() == []


def test_a_slow_server_changes_no_leader(judges, leader):
    epoch, _ = leader
    for road in judges.roads.values():
        road.delay_s = 1.0
    time.sleep(4)
    judges.look()

    assert max(judges.led) == epoch
    assert since_boot() - judges.led[epoch][2] < 0.5


def test_when_the_leader_is_killed_the_next_one_leads_within_a_second(judges, leader):
    epoch, name = leader
    judges.grow_up()
    at_s = since_boot()
    judges.kill(name)
    _, other, began_s = judges.leader(epoch)

    assert other != name
    assert began_s - at_s < 1 + SPARE_S


def test_a_leader_that_is_stopped_believes_no_more_when_it_goes_on(judges, leader):
    epoch, name = leader
    at_s = since_boot()
    judges.signal(name, signal.SIGSTOP)
    _, other, began_s = judges.leader(epoch)
    judges.signal(name, signal.SIGCONT)
    time.sleep(0.3)

    assert other != name
    assert began_s - at_s < 4 + SPARE_S


def test_a_leader_that_is_cut_off_believes_no_more_before_the_next_one_leads(judges, leader):
    epoch, name = leader
    at_s = since_boot()
    judges.roads[name].cut()
    _, other, began_s = judges.leader(epoch)

    assert other != name
    assert began_s - at_s < 4 + SPARE_S
    assert judges.led[epoch][2] - at_s < BELIEVE_S < IDLE_S


def test_a_server_that_begins_anew_is_led_only_after_a_leader_that_is_cut_off_from_it_has_given_up(judges, leader):
    epoch, name = leader
    judges.roads[name].cut()
    judges.restart_server()
    at_s = since_boot()
    began_s = judges.leader(epoch)[2]

    assert began_s - at_s < 4 + SPARE_S
