"""The database: one writer, what a restart resumes, roll-ups, and what it does when it cannot."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.alert.case import Message, Step
from monitor.alert.reply import Reply, ReplyKind
from monitor.backend import open_store
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.storage_refusal import StoreError
from monitor.store.connection import open_reader, open_writer
from monitor.store.expected_schema import VERSION
from monitor.store.lock import Busy, Lock
from monitor.store.reader import Reader
from monitor.store.rollup import DELETE, delete_answers, delete_before
from monitor.store.row import OUTCOMES, Batch, from_ms, to_json, to_ms
from monitor.store.schema import MIGRATIONS
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from probes.model import Answer, Confidence, Fault, Outcome, Phase
from tests.backstage import public_folder
from tests.conftest import CHAT, at, health, observation, target


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "monitor.db"


@pytest.fixture
def db(path):
    lock = Lock(path)
    with closing(open_writer(path)) as connection:
        yield connection
    lock.release()


@pytest.fixture
def writer(db):
    return Writer(db, "here")


def incident(**facts):
    cause = Diagnosis(
        read_subject(Scope.ACCOUNT, "openai/main"),
        Fault.ACCOUNT_SUSPENDED,
        Confidence.HIGH,
        at(0),
        ("why",),
        ("t",),
        (),
    )
    return open_incident(cause, **facts)


ACKNOWLEDGED = Reply(ReplyKind.ACKNOWLEDGE, at(50), "Jo", incident().id)


def count(db, table):
    return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_new_database_is_for_its_owner_only(db, path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.with_name("monitor.db-wal").stat().st_mode & 0o777 == 0o600


def test_it_is_a_wal_database_that_syncs_each_commit(db):
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_the_schema_version_is_the_number_of_steps(db):
    assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION == len(MIGRATIONS._migrations)


def test_a_second_writer_is_told_who_is_first(path):
    lock = Lock(path)
    with pytest.raises(Busy, match=f"process {os.getpid()}"):
        Lock(path)
    lock.release()
    Lock(path).release()


def test_the_lock_of_a_killed_process_is_free(path):
    code = f"import os, pathlib, monitor.store.lock as c; c.Lock(pathlib.Path({str(path)!r})); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], check=False)

    Lock(path).release()


def test_a_newer_database_is_refused_untouched(path):
    lock = Lock(path)
    with closing(open_writer(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"of schema 99, newer than this program's \d+; update provider-monitor"):
        open_writer(path)
    with pytest.raises(StoreError, match="schema 99"):
        open_reader(path)
    lock.release()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only here it is seen which files are open")
def test_a_database_that_is_refused_is_not_held_open(path):
    lock = Lock(path)
    for version in (1, 99):
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {version}")
        with pytest.raises(StoreError) as refused:  # which holds what its functions held
            open_reader(path)
        assert str(path) not in [os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.exists()], refused
    lock.release()


def test_what_sqlite_refuses_is_told_as_the_stores_own_to_who_reads(path, db):
    def read_what_is_lost():
        with open_store(StoreAddress(path, "here")).reading() as stored:
            db.execute("DROP TABLE mark")
            stored.marks.last_beat()

    with pytest.raises(StoreError, match=rf"^{path}: no such table: mark$"):
        read_what_is_lost()


def test_what_sqlite_refuses_is_told_as_the_stores_own_to_who_writes(path):
    def read_what_is_lost():
        with open_store(StoreAddress(path, "here")).writing(lambda: at(0), time.monotonic) as held:
            held.connection.execute("DROP TABLE mark")
            held.reader.marks.last_beat()

    with pytest.raises(StoreError, match=rf"^{path}: no such table: mark$"):
        read_what_is_lost()
    Lock(path).release()


def test_what_is_no_database_is_refused_and_kept(tmp_path):
    path = tmp_path / "monitor.db"
    path.write_text("my shopping list, " * 100)

    with pytest.raises(StoreError, match="file is not a database; move it away"):
        open_writer(path)
    assert path.read_text().startswith("my shopping list")


def test_a_locked_database_is_said_to_be_locked(path):
    lock = Lock(path)
    open_writer(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA user_version = 0")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="database is locked; close the program that holds it open"):
            open_writer(path, 0.1)
    lock.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize(
    ("where", "repair"),
    [
        ("monitor.db", "make {0}/monitor.db writable for this user"),
        ("state/monitor.db", "make the folder {0}/state and give it to this user"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named(where, repair):
    """Root ignores file modes, so the attempt is made by nobody."""
    with public_folder() as folder:
        code = (
            f"import os; from pathlib import Path; from monitor.store.lock import *\n"
            f"from monitor.store.connection import *\n"
            f"os.setuid(65534)\n"
            f"try: Lock(Path('{folder}/{where}'))\n"
            f"except StoreError as error: print(error)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=os.getcwd()
        )

    if "Permission denied" not in done.stdout and "ModuleNotFound" in done.stderr:
        pytest.skip("nobody cannot read this checkout")
    assert f"Permission denied; {repair.format(folder)}" in done.stdout


def test_no_database_yet_is_said_with_the_way_to_one(path):
    with pytest.raises(StoreError, match="does not exist; start `run`"):
        open_reader(path)


def test_a_reader_cannot_write(db, path):
    with closing(open_reader(path)) as other, pytest.raises(sqlite3.OperationalError, match="readonly"):
        other.execute("INSERT INTO mark (location, name, value) VALUES ('here', 'x', 'y')")


def test_answers_that_differ_in_ids_and_times_only_are_kept_once(db, writer):
    for number in range(20):
        words = f"Rate limit reached, used {number}. (request id: 20261121{number:012d}ab) at 12:0{number % 10}"
        one = observation(Fault.RATE_LIMITED, number, answer=Answer("x", words), request_id=f"req_{number}")
        writer.save(Batch(at(number), (one,)))

    assert (count(db, "answer"), count(db, "evidence")) == (1, 20)


def test_answers_that_say_something_else_are_kept_apart(db, writer):
    for number, words in enumerate(["account suspended", "credit is used up"]):
        writer.save(Batch(at(number), (observation(Fault.TIMEOUT, number, answer=Answer("x", words)),)))

    assert count(db, "answer") == 2


def test_the_same_words_about_another_part_of_the_road_are_another_answer(db, writer):
    for number, phase in enumerate(Phase):
        writer.save(Batch(at(number), (observation(Fault.TIMEOUT, number, answer=Answer("x", "y", phase=phase)),)))

    assert count(db, "answer") == len(Phase)


def write_hours(writer, hours, every_s=600, fault=None):
    for number in range(hours * 3600 // every_s):
        seconds = number * every_s
        writer.save(Batch(at(seconds), (observation(fault if number % 2 else None, seconds),)))


def roll_up(db, now):
    while due := Reader(db, "here").next_roll_up(now):
        Writer(db, "here").save_roll_up(due)


def test_closed_hours_are_rolled_up_once_and_the_open_one_is_not(db, writer):
    write_hours(writer, 3, fault=Fault.TIMEOUT)
    roll_up(db, at(2 * 3600 + 300))

    assert [tuple(row)[2:6] for row in db.execute("SELECT * FROM hourly ORDER BY at")] == [(3, 0, 3, 0), (3, 0, 3, 0)]
    assert Reader(db, "here").next_roll_up(at(2 * 3600 + 300)) is None


def test_a_look_that_was_under_way_when_its_hour_ended_is_in_its_roll_up(db, writer):
    write_hours(writer, 1)
    roll_up(db, at(3600 + 100))
    writer.save(Batch(at(3600 + 110), (observation(seconds=3599),)))
    roll_up(db, at(3600 + 300))

    (row,) = db.execute("SELECT * FROM hourly").fetchall()
    assert row["ok"] == 7


def test_a_closed_day_is_rolled_up_from_its_hours(db, writer):
    write_hours(writer, 14)
    roll_up(db, at(14 * 3600))

    (row,) = db.execute("SELECT * FROM daily").fetchall()
    assert row["ok"] == 12 * 6


def test_forgetting_takes_what_is_older_and_only_a_bite_at_a_time(db, writer, monkeypatch):
    monkeypatch.setattr("monitor.store.rollup.ROWS_AT_ONCE", 4)
    write_hours(writer, 2)

    assert delete_before(db, "observation", at(3600)) == 4
    assert delete_before(db, "observation", at(3600)) == 2
    assert delete_before(db, "observation", at(3600)) == 0
    assert count(db, "observation") == 6


def test_everything_that_grows_can_be_forgotten():
    assert set(DELETE) == {"observation", "evidence", "ceiling", "hourly", "daily", "daily_ceiling", "daily_credit"}


def test_an_answer_goes_when_nothing_refers_to_it_any_more(db, writer):
    one = observation(Fault.TIMEOUT, answer=Answer("x", "words"))
    writer.save(Batch(at(0), (one,), {CHAT.id: health(Fault.TIMEOUT, answer=one.answer)}))
    delete_before(db, "evidence", at(3600))

    assert delete_answers(db, at(3600)) == 0  # the current belief rests on it
    writer.save(Batch(at(60), (observation(seconds=60),), {CHAT.id: health(Fault.TIMEOUT, None)}))
    assert delete_answers(db, at(3600)) == 1


def letter(writer, change, *channels, seconds=0):
    writer.save(Batch(at(seconds), changes=(change,), messages=tuple(Message(change.id, name) for name in channels)))


KNOWN = ("phone", "mail", "mail: ops")


@pytest.mark.parametrize(
    ("note", "about_channel", "reason"),
    [
        ("mail: no answer", "mail", "no answer"),
        ("mail: ops: no answer", "mail: ops", "no answer"),
        ("hook: error: 401", "hook", "error: 401"),
        ("phone: x", "phone", "x"),
        ("without a name", "", "without a name"),
    ],
)
def test_a_failing_channel_of_before_is_read_from_the_text_by_the_names_that_are_known(
    path, note, about_channel, reason
):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        MIGRATIONS.apply(Database(old), stop_before="m010_about_channel")
        columns = "channel, step, number, note, at, state, tries, next"
        for number, name in enumerate(KNOWN):
            old.execute(f"INSERT INTO outbox ({columns}) VALUES (?, 'digest', ?, 'd', 5, 'sent', 1, 5)", (name, number))
        old.execute(f"INSERT INTO outbox ({columns}) VALUES ('chat', 'failing', 5, ?, 5, 'waiting', 0, 5)", (note,))
        old.execute("PRAGMA user_version = 9")

    with closing(open_writer(path)) as new:
        (due,) = Writer(new, "here").due_messages(at(0))
        assert [(one.about_channel, one.note) for one in due.items] == [(about_channel, reason)]
        (_, words, _), *_ = Reader(new, "here").messages.latest(1)
        assert words == note


def test_an_outbox_of_before_the_steps_is_taken_over(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        MIGRATIONS.apply(Database(old), stop_before="m005_step")
        details = to_json(incident())
        facts = ("i", "account", "openai/main", "account_suspended", "critical", "high", 5, None, False, details)
        old.execute("INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", facts)
        old.execute("INSERT INTO change VALUES ('c', 'i', 'opened', 5, ?)", (details,))
        old.execute("INSERT INTO outbox VALUES (7, 'c', 'phone', 'waiting', 2, 9, NULL, 'no answer')")
        old.execute("PRAGMA user_version = 4")

    with closing(open_writer(path)) as new:
        query = "SELECT id, incident_id, change_id, channel, step, at, state, tries, next, error FROM outbox"
        rows = [tuple(row) for row in new.execute(query)]
        assert rows == [(7, "i", "c", "phone", "opened", 5, "waiting", 2, 9, "no answer")]
        (due,) = Writer(new, "here").due_messages(at(0))
        assert (due.channel, due.tries) == ("phone", 2)


def test_rows_of_before_are_of_the_location_that_looked_last(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        MIGRATIONS.apply(Database(old), stop_before="m011_location")
        for series, (location, seen) in enumerate((("attic", 9), ("office", 20), ("cellar", None)), 1):
            old.execute("INSERT INTO series VALUES (?, ?, 'openai', 'openai/main', 'chat', '')", (series, location))
            facts = "INSERT INTO health (series_id, state, failures, successes, seen) VALUES (?, 'up', 0, 0, ?)"
            old.execute(facts, (series, seen))
        details = to_json(incident())
        facts = ("i", "account", "openai/main", "account_suspended", "critical", "high", 5, None, False, details)
        old.execute("INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", facts)
        old.execute("INSERT INTO change VALUES ('c', 'i', 'opened', 5, ?)", (details,))
        columns = "incident_id, change_id, channel, step, number, note, at, state, tries, next"
        old.execute(f"INSERT INTO outbox ({columns}) VALUES ('i', 'c', 'phone', 'opened', 0, '', 5, 'waiting', 1, 9)")
        old.execute("INSERT INTO spending VALUES ('openai/main', '2026-11-21', 5, 0.25)")
        old.execute("INSERT INTO reply VALUES (?, 'acknowledge', 'i', 5, NULL, ?)", ("r", to_json(ACKNOWLEDGED)))
        old.execute("INSERT INTO mark VALUES ('beat', '5')")
        old.execute("PRAGMA user_version = 10")

    with closing(open_writer(path)) as new:
        office, attic = Reader(new, "office"), Reader(new, "attic")
        assert office.resumption.resume().incidents.keys() == {"i"}
        assert office.resumption.resume().spendings["openai/main"].tokens == 5
        assert office.messages.replies() == [ACKNOWLEDGED]
        assert office.marks.last_beat() == from_ms(5)
        assert [one.channel for one in Writer(new, "office").due_messages(at(0))] == ["phone"]
        assert (attic.incidents.ids(), attic.messages.replies(), attic.marks.last_beat()) == ([], [], None)
        assert Writer(new, "attic").due_messages(at(0)) == []


@pytest.mark.parametrize(
    ("rows", "location"),
    [
        ("INSERT INTO source VALUES ('attic', 'openai', '{}')", "attic"),
        ("INSERT INTO note VALUES ('attic', 'openai/main', '{}')", "attic"),
        ("INSERT INTO pool VALUES ('attic', 'x', '{}')", "attic"),
        ("", "here"),
    ],
)
def test_rows_of_before_any_look_are_of_the_location_that_is_known(path, rows, location):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        MIGRATIONS.apply(Database(old), stop_before="m011_location")
        old.executescript(rows)
        old.execute("INSERT INTO mark VALUES ('beat', '5')")
        old.execute("PRAGMA user_version = 10")

    with closing(open_writer(path)) as new:
        assert Reader(new, location).marks.last_beat() == from_ms(5)


def test_outcomes_that_were_kept_as_words_are_taken_over(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        MIGRATIONS.apply(Database(old), stop_before="m006_outcome")
        old.execute("INSERT INTO series VALUES (1, 'here', 'openai', 'openai/main', 'list', '')")
        for number, outcome in enumerate(Outcome):
            facts = (to_ms(at(number)), outcome)
            old.execute("INSERT INTO observation (series_id, at, outcome) VALUES (1, ?, ?)", facts)
        old.execute("PRAGMA user_version = 5")

    with closing(open_writer(path)) as new:
        kept = [outcome for (outcome,) in new.execute("SELECT outcome FROM observation ORDER BY at")]
        assert [OUTCOMES[place] for place in kept] == list(Outcome)


def test_a_message_of_before_that_said_it_comes_and_goes_is_taken_over(db, path):
    db.execute("PRAGMA user_version = 6")
    db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_flapping'")
    Writer(db, "here").save(Batch(at(0), changes=(Change(incident(), ChangeKind.OPENED, at(0)),)))
    (change_id,) = db.execute("SELECT id FROM change").fetchone()
    for step in ("opened", "flapping"):
        facts = (incident().id, change_id, "phone", step, to_ms(at(0)))
        columns = "location, incident_id, change_id, channel, step, at, number, note, state, tries, next"
        db.execute(f"INSERT INTO outbox ({columns}) VALUES ('here', ?, ?, ?, ?, ?, 0, '', 'sent', 1, 0)", facts)

    with closing(open_writer(path)) as new:
        told = Reader(new, "here").resumption.correspondence(at(5)).cases[incident().id].told["phone"]
        assert [one.step for one in told] == [Step.OPENED, Step.CHANGED]


def test_the_latest_good_answer_of_before_is_found_among_the_looks(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        MIGRATIONS.apply(Database(old), stop_before="m008_well")
        for series, canary in ((1, "list"), (2, "chat")):
            old.execute("INSERT INTO series VALUES (?, 'here', 'openai', 'openai/main', ?, '')", (series, canary))
            old.execute(
                "INSERT INTO health (series_id, state, failures, successes) VALUES (?, 'down', 3, 0)", (series,)
            )
        for seconds, outcome in ((0, Outcome.OK), (60, Outcome.OK), (120, Outcome.FAILED)):
            facts = (to_ms(at(seconds)), OUTCOMES.index(outcome))
            old.execute("INSERT INTO observation (series_id, at, outcome) VALUES (1, ?, ?)", facts)
        old.execute("PRAGMA user_version = 7")

    with closing(open_writer(path)) as new:
        healths = Reader(new, "here").resumption.resume().healths
        assert (healths["openai/main/list"].well_at, healths["openai/main/chat"].well_at) == (at(60), None)


def test_a_row_is_small(db, writer):
    """Ten thousand good looks at ten targets; the goal for a row with its index is 32 bytes."""
    names = [target(f"openai/{number}", "list") for number in range(10)]
    for minute in range(1000):
        seen = tuple(observation(seconds=60 * minute + number * 0.1, target=one) for number, one in enumerate(names))
        writer.save(Batch(at(60 * minute), seen))
    db.execute("VACUUM")
    query = "SELECT sum(pgsize) FROM dbstat WHERE name = 'observation'"

    assert db.execute(query).fetchone()[0] / 10_000 < 32


def test_a_database_whose_tables_are_not_made_yet_is_not_ready(path):
    path.parent.mkdir()
    sqlite3.connect(path).close()
    path.touch()

    with pytest.raises(StoreError, match="is not ready yet; start"):
        open_reader(path)


TURNS = {
    "nobody before": ({}, []),
    "only we": ({"here": 0}, []),
    "another until now": ({"there": 0}, ["there"]),
    "two in turns": ({"here": 0, "there": 60}, []),
    "another since an hour and more": ({"here": 0, "there": 3601}, ["there"]),
    "another before us": ({"there": 0, "here": 7200}, []),
}


@pytest.mark.parametrize(("beats", "former"), TURNS.values(), ids=TURNS)
def test_a_location_is_a_former_one_if_it_wrote_while_we_did_not(path, beats, former):
    path.parent.mkdir()
    with closing(open_writer(path)) as db:
        for location, second in beats.items():
            Writer(db, location).save(Batch(at(second)))
        assert [one.name for one in Reader(db, "here").former_locations(at(9000))] == former
