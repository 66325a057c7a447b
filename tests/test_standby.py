"""Who writes: the same is known in the end, wherever it had to be written meanwhile."""

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.alert.case import Message, Step, with_changes, with_messages
from monitor.alert.reply import Reply, ReplyKind
from monitor.detect.health import State
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.publish.collect import read_freshness
from monitor.storage_refusal import RefusalKind, StoreError
from monitor.store import salvage, standby, transfer
from monitor.store.aside import remove
from monitor.store.backup import is_broken, was_once_ours, why_foreign
from monitor.store.connection import open_reader, open_writer
from monitor.store.expected_schema import LAYOUT, MIGRATIONS_TABLE, VERSION, ForeignDatabase, schema_problem
from monitor.store.lock import Busy, Lock, lock_path
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.setting import Retention, WriterLimits
from monitor.store.standby import FailoverWriter, WritePlace
from monitor.store.standby_path import standby_file
from monitor.store.writer import Writer
from probes.model import Answer, Confidence, Fault, Limit
from tests.conftest import CHAT, at, health, observation
from tests.test_schema import lay

IMPATIENT = WriterLimits(wait_s=0, retry_wait_s=0)
AGAIN_S = IMPATIENT.again_s


class House:
    """A keeper, its clock, and who holds the database against it."""

    def __init__(self, folder, aside=True, **limits):
        self.limits = replace(IMPATIENT, **limits)
        self.path, self.now, self.lock = folder / "state" / "monitor.db", 0, Lock(folder / "state" / "monitor.db")
        self.aside = standby_file(self.path) if aside else None
        self.failover = self.opened()
        self.intruder = None

    def opened(self):
        made = FailoverWriter(
            self.path, "here", self.lock, lambda: at(self.now), lambda: self.now, self.aside, self.limits
        )
        made.open()
        return made

    def restart(self):
        self.failover.close()
        self.failover = self.opened()

    def hold(self):
        self.intruder = sqlite3.connect(self.path, isolation_level=None)
        self.intruder.execute("BEGIN IMMEDIATE")

    def let_go(self):
        if self.intruder:
            self.intruder.execute("ROLLBACK")
            self.intruder.close()
        self.intruder = None
        self.now += AGAIN_S

    def save(self, **facts):
        self.failover.do(Writer.save, Batch(at(self.now), **facts))

    def look(self, fault=None):
        self.save(observations=(observation(fault, self.now),), healths={CHAT.id: health(fault)})

    def end(self):
        self.let_go()
        self.failover.close()
        self.lock.release()


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.end()


def incident():
    cause = Diagnosis(
        read_subject(Scope.ACCOUNT, "openai/main"),
        Fault.ACCOUNT_SUSPENDED,
        Confidence.HIGH,
        at(0),
        ("why",),
        ("t",),
        (),
    )
    return open_incident(cause)


OPENED = Change(incident(), ChangeKind.OPENED, at(0))
TOLD = Message(OPENED.id, "phone", incident_id=OPENED.incident.id)


def seen(db):
    return [row["at"] for row in db.execute("SELECT at FROM observation ORDER BY at")]


def test_what_is_refused_is_kept_beside_and_written_when_that_is_possible_again(house):
    house.look()
    house.hold()
    house.now = 5
    house.look(Fault.TIMEOUT)
    house.save(changes=(OPENED,), messages=(TOLD,))
    assert (house.failover.place, house.failover.refusal.kind) == (WritePlace.RUNTIME, RefusalKind.LOCKED)
    (letter,) = house.failover.do(Writer.due_messages, at(6))
    house.failover.do(Writer.delivered, letter, at(6))
    assert house.failover.do(Writer.due_messages, at(7)) == []

    house.let_go()
    house.look()
    assert (house.failover.place, house.failover.refusal, house.aside.exists()) == (WritePlace.DISK, None, False)
    with closing(open_reader(house.path)) as db:
        assert len(seen(db)) == 3
        assert db.execute("SELECT state FROM outbox").fetchone()["state"] == "sent"
        assert Reader(db, "here").resumption.correspondence(at(20)).cases[OPENED.incident.id].told.keys() == {"phone"}


def test_a_message_that_waited_on_the_disk_is_sent_from_beside_it_and_noted_there(house):
    house.save(changes=(OPENED,), messages=(TOLD,))
    house.hold()
    house.look()
    (letter,) = house.failover.do(Writer.due_messages, at(6))
    house.failover.do(Writer.delivered, letter, at(6))

    house.let_go()
    assert house.failover.do(Writer.due_messages, at(99)) == []


def test_a_process_that_dies_meanwhile_leaves_what_it_knew_to_the_next(house):
    house.look()
    house.hold()
    house.look(Fault.TIMEOUT)
    house.save(changes=(OPENED,), messages=(TOLD,))
    house.restart()
    house.let_go()

    house.restart()
    assert Reader(house.failover.connection, "here").resumption.resume().incidents.keys() == {OPENED.incident.id}
    assert len(house.failover.do(Writer.due_messages, at(99))) == 1


def test_whoever_reads_meanwhile_reads_what_is_newest_and_that_it_is_not_written(house, tmp_path):
    house.look()
    house.hold()
    house.now = 60
    house.look(Fault.TIMEOUT)
    house.now = 90
    house.look()

    with closing(open_reader(house.path)) as db:
        assert seen(db)[-1] == seen(db)[0] + 30_000
        assert Reader(db, "here").marks.refusal().since == at(60)
    assert house.failover.refusal.since == at(60)


def test_where_nothing_can_be_written_memory_remembers(tmp_path):
    house = House(tmp_path, aside=False)
    house.look()
    house.hold()
    house.look(Fault.TIMEOUT)
    house.save(changes=(OPENED,), messages=(TOLD,))
    assert house.failover.place is WritePlace.MEMORY
    assert len(house.failover.do(Writer.due_messages, at(6))) == 1

    house.let_go()
    house.look()
    assert Reader(house.failover.connection, "here").resumption.resume().incidents.keys() == {OPENED.incident.id}
    house.end()


def test_a_stand_in_that_is_refused_too_gives_way_to_memory_with_all_it_held(house):
    house.hold()
    house.look()
    with closing(sqlite3.connect(house.aside, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        house.now = 1
        house.look()
        assert house.failover.place is WritePlace.MEMORY
        assert len(seen(house.failover.connection)) == 2
        other.execute("ROLLBACK")


def test_what_is_kept_beside_is_bounded_and_the_latest_stays(tmp_path):
    house = House(tmp_path, kept=20)
    house.hold()
    for _ in range(100):
        house.now += 0.01
        house.look(Fault.TIMEOUT)

    assert len(seen(house.failover.connection)) == 20
    assert Reader(house.failover.connection, "here").resumption.resume().healths[CHAT.id].fault is Fault.TIMEOUT
    house.end()


def test_housekeeping_waits_until_the_disk_takes_it(house):
    house.hold()
    house.look()

    assert house.failover.tidy(Writer.next_message_at) is None
    house.let_go()
    house.look()
    assert house.failover.tidy(lambda writer: writer.forget(Retention(1, 1, 1), at(9))) is False


def test_a_new_database_is_told_what_the_process_knows_itself(house):
    answer = Reply(ReplyKind.ACKNOWLEDGE, at(50), "Jo", OPENED.incident.id)
    cases = with_messages(with_changes({}, [OPENED]), [(TOLD, at(0))])
    late = with_messages(cases, [(replace(TOLD, step=Step.REMINDER, number=1), at(100))])
    house.failover.recall = lambda writer: writer.recall(late.values(), [answer], at(120))
    house.hold()
    house.look()

    told = Reader(house.failover.connection, "here").resumption.correspondence(at(120))
    assert told.replies == [answer]
    assert told.cases == late
    (letter,) = house.failover.do(Writer.due_messages, at(120))
    assert [item.step for item in letter.items] == [Step.REMINDER]


def test_an_error_in_what_is_asked_moves_nothing(house):
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        house.save(messages=(Message("no such change", "phone"),))

    assert house.failover.place is WritePlace.DISK


def test_of_a_broken_file_what_can_be_read_is_brought_over(tmp_path):
    with closing(open_writer(tmp_path / "old.db")) as old, closing(open_writer(tmp_path / "new.db")) as new:
        Writer(old, "here").save(Batch(at(0), (observation(),), {CHAT.id: health(None)}, changes=(OPENED,)))
        old.execute("PRAGMA foreign_keys = OFF")
        old.execute("DROP TABLE note")
        old.execute("DELETE FROM incident")

        assert not transfer.copy_rows(old, new, transfer.BELIEF_TABLES)
        transfer.copy_rows(old, new, transfer.ALERT_TABLES)
        assert Reader(new, "here").resumption.resume().healths[CHAT.id].state is State.UP
        assert new.execute("SELECT count(*) FROM change").fetchone()[0] == 0, "of no incident"
        assert new.execute("PRAGMA foreign_key_check").fetchall() == []


def test_rows_find_their_series_and_answer_whatever_their_numbers_are(tmp_path):
    other = replace(CHAT, account="openai/backup")
    with closing(open_writer(tmp_path / "old.db")) as old, closing(open_writer(tmp_path / "new.db")) as new:
        Writer(new, "here").save(Batch(at(0), (observation(Fault.TIMEOUT, target=other, answer=Answer("a", "b")),)))
        failed = observation(Fault.TIMEOUT, answer=Answer("x", "words"))
        Writer(old, "here").save(Batch(at(0), (failed,), {CHAT.id: health(Fault.TIMEOUT, answer=failed.answer)}))
        transfer.copy_rows(old, new, transfer.BELIEF_TABLES + transfer.OBSERVATION_TABLES)

        assert Reader(new, "here").resumption.resume().healths[CHAT.id].answer.words == "words"
        assert [one.answer.rule for one in Reader(new, "here").history.observations(CHAT, at(-1))] == ["x"]
        assert [one.answer.rule for one in Reader(new, "here").history.observations(other, at(-1))] == ["a"]


ACTS = some.lists(some.sampled_from(["look", "fail", "open", "close", "tell", "stay", "hold", "free"]), max_size=25)


@settings(max_examples=40)
@given(ACTS)
def test_in_the_end_the_database_holds_the_same_as_if_nothing_had_been_refused(tmp_path_factory, acts):
    refused, smooth = (played(tmp_path_factory.mktemp("house"), acts, holds) for holds in (True, False))

    assert refused == smooth


def played(folder, acts, holds):
    house, opened, number = House(folder), None, 0
    for act in acts:
        house.now += 7
        match act:
            case "look" | "fail":
                house.look(Fault.TIMEOUT if act == "fail" else None)
            case "open" if opened is None:
                opened = replace(incident(), id=f"incident-{number}")
                number += 1
                change = Change(opened, ChangeKind.OPENED, at(house.now))
                house.save(changes=(change,), messages=(Message(change.id, "phone", incident_id=opened.id),))
            case "close" if opened:
                change = Change(replace(opened, closed_at=at(house.now)), ChangeKind.RESOLVED, at(house.now))
                opened = None
                message = Message(change.id, "phone", Step.RESOLVED, incident_id=change.incident.id)
                house.save(changes=(change,), messages=(message,))
            case "tell" | "stay":
                for letter in house.failover.do(Writer.due_messages, at(house.now)):
                    if act == "tell":
                        house.failover.do(Writer.delivered, letter, at(house.now))
                    else:
                        house.failover.do(Writer.postponed, letter, "no answer", at(house.now) + timedelta(seconds=5))
            case "hold" if holds and not house.intruder:
                house.hold()
            case "free" if holds:
                house.let_go()
                house.now -= AGAIN_S
    house.let_go()
    house.now = 10_000
    house.look()
    db = house.failover.connection
    held = [
        sorted(tuple(row) for row in db.execute(query))
        for query in (
            "SELECT account, at, outcome, fault FROM observation JOIN series ON series.id = series_id",
            "SELECT account, evidence.at, rule FROM evidence JOIN series ON series.id = series_id JOIN answer "
            "ON answer.id = answer_id",
            "SELECT id, opened, closed, details FROM incident",
            "SELECT id, kind, at FROM change",
            "SELECT incident_id, change_id, channel, step, at, state, tries, next, done, error FROM outbox",
            "SELECT account, state, failures, fault FROM health JOIN series ON series.id = series_id",
        )
    ]
    assert house.failover.place is WritePlace.DISK
    house.end()
    return held


def test_a_pulse_is_not_steady_while_nothing_can_be_written(house, tmp_path):
    from monitor.config.load import load_config

    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:K"\n')
    config = load_config(tmp_path / "monitor.toml", {"K": "sk-sim-main-0123456789abcdef"})
    house.look()
    assert read_freshness(house.failover.reader.marks, config, at(1)).is_steady
    house.hold()
    house.look()

    told = read_freshness(house.failover.reader.marks, config, at(1))
    assert (told.is_steady, told.words) == (False, "results cannot be written to monitor.db: database is locked")


def test_what_limits_were_while_the_database_took_nothing_is_in_it_afterwards(house):
    house.hold()
    limited = observation(None, house.now, limits=(Limit("requests", 60.0, 500, 1),))
    house.save(observations=(limited,), healths={CHAT.id: health()})
    house.let_go()
    house.now += AGAIN_S
    house.look()

    assert house.failover.place is WritePlace.DISK
    assert [row["most"] for row in house.failover.connection.execute("SELECT most FROM daily_ceiling")] == [500]


def test_what_was_sent_since_is_not_sent_again_by_what_was_left_beside(house):
    house.save(changes=(OPENED,), messages=(TOLD,))
    house.hold()
    house.look()
    left = house.aside.read_bytes(), house.aside.with_name(f"{house.aside.name}-wal").read_bytes()
    house.let_go()
    (letter,) = house.failover.do(Writer.due_messages, at(6))
    house.failover.do(Writer.delivered, letter, at(6))
    house.aside.write_bytes(left[0])
    house.aside.with_name(f"{house.aside.name}-wal").write_bytes(left[1])

    house.restart()
    assert house.failover.do(Writer.due_messages, at(99)) == []


def spoil(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in range(2, pages):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


def test_a_broken_database_is_set_aside_and_what_it_does_not_hold_any_more_the_process_knows(house):
    house.save(changes=(OPENED,), messages=(TOLD,))
    cases = with_messages(with_changes({}, [OPENED]), [(TOLD, at(0))])
    house.failover.recall = lambda writer: writer.recall(cases.values(), [], at(200))
    spoil(house.path)
    house.look()

    assert house.failover.place is WritePlace.DISK
    (event,) = house.failover.events
    assert "monitor.db was broken and is set aside as monitor.db.corrupt-" in event.words
    assert Reader(house.failover.connection, "here").resumption.correspondence(at(200)).cases == cases


def test_a_broken_database_for_which_no_new_one_can_be_made_stays_and_is_stood_in_for(house, monkeypatch):
    house.look()
    spoil(house.path)

    def refused(*_):
        raise sqlite3.OperationalError("no room")

    monkeypatch.setattr(FailoverWriter, "_salvage", refused)
    house.look()
    assert (house.failover.place, house.failover.refusal.kind) == (WritePlace.RUNTIME, RefusalKind.CORRUPT)
    assert sorted(one.name for one in house.path.parent.glob("*corrupt*")) == []

    monkeypatch.undo()
    house.now += AGAIN_S
    house.look()
    assert (house.failover.place, house.failover.refusal, house.aside.exists()) == (WritePlace.DISK, None, False)
    assert len(house.failover.events) == 1
    assert len(seen(house.failover.connection)) == 2


def test_a_handle_that_was_lost_is_not_the_end(house):
    house.look()
    house.failover.connection.close()
    house.look()
    house.now += AGAIN_S
    house.look()

    assert house.failover.place is WritePlace.DISK
    assert Reader(house.failover.connection, "here").resumption.resume().healths[CHAT.id].state is State.UP


def meddle(house, *statements):
    """Let another program change the database."""
    with closing(sqlite3.connect(house.path)) as db:
        for one in statements:
            db.execute(one)
        db.commit()


FOREIGN_OUTBOX = "CREATE TABLE outbox (id INTEGER PRIMARY KEY, words TEXT)"


@pytest.mark.parametrize(
    "statements",
    [
        *(pytest.param([f"DROP TABLE {name}"], id=f"{name} is gone") for name in LAYOUT),
        pytest.param(["ALTER TABLE reply DROP COLUMN until"], id="a column is gone"),
        pytest.param(["ALTER TABLE observation ADD COLUMN mine"], id="a column more"),
        pytest.param(["DROP INDEX outbox_once"], id="what is unique is so no more"),
        pytest.param(["DROP TABLE outbox", FOREIGN_OUTBOX], id="another program's table"),
        pytest.param([f"DROP TABLE {name}" for name in LAYOUT], id="all tables are gone"),
        pytest.param(["PRAGMA user_version = 99"], id="a newer version"),
        pytest.param(["PRAGMA user_version = 5"], id="an older version"),
        pytest.param(["PRAGMA user_version = 0"], id="no version"),
        pytest.param(["PRAGMA user_version = -3"], id="a version that never was"),
    ],
)
def test_a_database_that_is_ours_no_more_is_set_aside_and_what_can_be_read_is_brought_over(house, statements):
    house.look()
    house.save(changes=(OPENED,), messages=(TOLD,))
    cases = with_messages(with_changes({}, [OPENED]), [(TOLD, at(0))])
    house.failover.recall = lambda writer: writer.recall(cases.values(), [], at(5))
    meddle(house, *statements)
    house.failover.doubt()
    house.look()

    assert (house.failover.place, schema_problem(house.failover.connection)) == (WritePlace.DISK, None)
    (event,) = house.failover.events
    assert "was ours no more (" in event.words
    assert "set aside as monitor.db.foreign-20261121T12" in event.words
    assert len(house.failover.do(Writer.due_messages, at(6))) == 1


@pytest.mark.parametrize("table", ["outbox", "health", "observation", "mark", "incident"])
def test_an_error_that_is_no_refusal_is_one_of_the_whole_database_if_a_second_connection_finds_so(house, table):
    meddle(house, f"DROP TABLE {table}")
    house.look(Fault.TIMEOUT)
    house.save(changes=(OPENED,), messages=(TOLD,))

    assert len(house.failover.do(Writer.due_messages, at(6))) == 1
    (event,) = house.failover.events
    assert f"of its tables {table} is missing" in event.words


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER no BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER no BEFORE INSERT ON outbox BEGIN INSERT INTO elsewhere VALUES (1); END",
    ],
)
def test_what_another_program_forbids_in_the_database_is_done_beside_it(house, tmp_path, statement):
    meddle(house, statement)
    batch = Batch(at(0), changes=(OPENED,), messages=(TOLD,))
    refused = house.failover.do(salvage.save_batch, batch, tmp_path / "aside.jsonl")

    assert (refused, house.failover.place) == ([], WritePlace.RUNTIME)
    assert len(house.failover.do(Writer.due_messages, at(6))) == 1
    meddle(house, "DROP TRIGGER no")
    house.let_go()
    house.look()
    assert (house.failover.place, house.failover.refusal) == (WritePlace.DISK, None)
    assert len(house.failover.do(Writer.due_messages, at(6))) == 1


def test_a_value_is_not_blamed_where_the_table_is_another_programs(house, tmp_path):
    (made,) = house.failover.connection.execute("SELECT sql FROM sqlite_master WHERE name = 'health'").fetchone()
    meddle(house, "DROP TABLE health", made.replace("fault TEXT", "fault TEXT NOT NULL"))
    batch = Batch(at(0), observations=(observation(),), healths={CHAT.id: health(None)})

    assert house.failover.do(salvage.save_batch, batch, tmp_path / "aside.jsonl") == []
    assert house.failover.place is WritePlace.DISK
    assert Reader(house.failover.connection, "here").resumption.resume().healths.keys() == {CHAT.id}
    (event,) = house.failover.events
    assert "of its tables health is another one" in event.words


@pytest.mark.parametrize("version", [0, 9, 99])
def test_another_programs_database_that_is_put_there_is_set_aside_untouched(house, tmp_path, version):
    house.look()
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as db:
        db.execute("CREATE TABLE bookmark (url TEXT)")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()
    theirs = (tmp_path / "theirs.db").read_bytes()
    (tmp_path / "theirs.db").rename(house.path)
    house.look()

    assert house.failover.place is WritePlace.DISK
    assert len(seen(house.failover.connection)) == 1, "of one instant, so that one replaced the other"
    (event,) = house.failover.events
    assert "nothing is lost" in event.words
    (aside,) = house.path.parent.glob("monitor.db.foreign-*")
    assert aside.read_bytes() == theirs


def test_a_database_that_this_process_never_worked_with_is_not_set_aside(house):
    house.look()
    house.failover.close()
    house.intruder = sqlite3.connect(house.path, isolation_level=None)
    house.intruder.execute("PRAGMA locking_mode = EXCLUSIVE")
    house.intruder.execute("BEGIN EXCLUSIVE")
    house.failover = house.opened()
    assert house.failover.place is WritePlace.RUNTIME
    house.let_go()
    meddle(house, "PRAGMA user_version = 99")
    house.look()

    assert house.failover.place is WritePlace.RUNTIME
    assert [*house.path.parent.glob("*.foreign-*")] == []


def test_a_lock_whose_file_is_deleted_is_taken_again(house):
    lock_path(house.path).unlink()
    house.look()

    with pytest.raises(Busy):
        Lock(house.path)
    assert house.failover.place is WritePlace.DISK


def test_whoever_took_the_place_of_a_deleted_lock_is_given_way_to_until_he_ends(house):
    house.look()
    lock_path(house.path).unlink()
    other = Lock(house.path)
    for _ in range(3):
        house.now += AGAIN_S
        house.look(Fault.TIMEOUT)
    assert (house.failover.place, house.failover.refusal.kind) == (WritePlace.RUNTIME, RefusalKind.LOCKED)
    assert "is at work on this database" in house.failover.refusal.words
    with closing(sqlite3.connect(house.path)) as db:
        assert db.execute("SELECT count(*) FROM observation").fetchone() == (1,)

    other.release()
    house.now += AGAIN_S
    house.look(Fault.TIMEOUT)
    assert (house.failover.place, house.failover.refusal) == (WritePlace.DISK, None)
    assert len(seen(house.failover.connection)) == 5
    with pytest.raises(Busy):
        Lock(house.path)


OLDER = ["PRAGMA user_version = 5", "DROP TABLE outbox", FOREIGN_OUTBOX]


@pytest.mark.parametrize(
    "statements",
    [
        *(pytest.param([f"DROP TABLE {name}"], id=f"{name} is gone") for name in LAYOUT),
        pytest.param(["ALTER TABLE observation ADD COLUMN mine"], id="a column more"),
        pytest.param(["DROP INDEX outbox_once"], id="what is unique is so no more"),
        pytest.param(["PRAGMA user_version = -3"], id="a version that never was"),
        pytest.param(["PRAGMA user_version = 0", f"DROP TABLE {MIGRATIONS_TABLE}"], id="no version and no steps"),
        pytest.param([f"DROP TABLE {name}" for name in LAYOUT], id="all tables are gone but the steps"),
        pytest.param(OLDER, id="an older version that cannot be taken over"),
    ],
)
def test_a_database_that_is_ours_no_more_at_the_start_is_set_aside_and_what_can_be_read_is_brought_over(
    house, statements
):
    house.look()
    house.save(changes=(OPENED,), messages=(TOLD,))
    meddle(house, *statements)
    house.restart()

    assert (house.failover.place, schema_problem(house.failover.connection)) == (WritePlace.DISK, None)
    (event,) = house.failover.events
    assert "set aside as monitor.db.foreign-20261121T12" in event.words
    kept = house.failover.connection.execute("SELECT count(*) FROM incident").fetchone()[0]
    assert kept == ("DROP TABLE incident" not in statements)


def test_one_for_which_no_new_one_can_be_made_at_the_start_stays_and_is_stood_in_for(house, monkeypatch):
    house.save(changes=(OPENED,), messages=(TOLD,))
    meddle(house, "DROP TABLE health")
    with monkeypatch.context() as short:
        short.setattr(standby, "set_aside", _no_room)
        house.restart()
        house.look(Fault.TIMEOUT)

    assert house.failover.place is WritePlace.RUNTIME
    assert len(house.failover.do(Writer.due_messages, at(6))) == 1
    house.now += AGAIN_S
    house.look(Fault.TIMEOUT)
    assert (house.failover.place, schema_problem(house.failover.connection)) == (WritePlace.DISK, None)


def _no_room(*_):
    raise OSError(28, "No space left on device")


THEIRS = "CREATE TABLE mark (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)"


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["CREATE TABLE bookmark (url TEXT)"], id="a table"),
        pytest.param([THEIRS], id="with a table that happens to look like one of ours"),
        pytest.param(
            [f"CREATE TABLE {MIGRATIONS_TABLE} (url)", f"INSERT INTO {MIGRATIONS_TABLE} VALUES (1)"],
            id="of other steps",
        ),
        pytest.param([f"CREATE TABLE {MIGRATIONS_TABLE} (migration_set)", THEIRS], id="made by the same library"),
    ],
)
@pytest.mark.parametrize("version", [0, 9, -1])
def test_another_programs_database_at_the_start_is_refused_untouched(tmp_path, statements, version):
    file = tmp_path / "theirs.db"
    with closing(sqlite3.connect(file)) as db:
        for one in (*statements, f"PRAGMA user_version = {version}"):
            db.execute(one)
        db.commit()
    before = file.read_bytes()

    with pytest.raises(ForeignDatabase):
        FailoverWriter(file, "here", Lock(file), lambda: at(0), lambda: 0, None).open()
    assert file.read_bytes() == before
    assert [*tmp_path.glob("*foreign*")] == []


def test_a_newer_one_at_the_start_is_refused_untouched(house):
    meddle(house, "DROP TABLE health", "PRAGMA user_version = 99")
    with pytest.raises(ForeignDatabase, match="newer than this program's"):
        house.restart()
    assert [*house.path.parent.glob("*foreign*")] == []


def test_a_disk_that_fails_while_the_tables_are_looked_at_sets_nothing_aside(house, monkeypatch):
    house.look()
    meddle(house, "DROP TABLE outbox")
    monkeypatch.setattr("monitor.store.standby.why_foreign", lambda _: None)
    house.save(changes=(OPENED,), messages=(TOLD,))

    assert house.failover.place is WritePlace.RUNTIME
    assert len(house.failover.do(Writer.due_messages, at(6))) == 1
    assert [*house.path.parent.glob("*.foreign-*")] == []


def test_a_database_that_was_moved_is_used_where_a_link_leads_and_its_log_is_not_left_behind(house, tmp_path):
    house.look()
    house.path.rename(tmp_path / "elsewhere.db")
    house.path.symlink_to("../elsewhere.db")
    house.now = 5
    house.look()

    assert (house.path.is_symlink(), house.failover.place) == (True, WritePlace.DISK)
    with closing(open_reader(house.path)) as db:
        assert len(seen(db)) == 2
    assert not house.path.with_name("monitor.db-wal").exists()
    (event,) = house.failover.events
    assert "where the link at its place leads to, nothing is lost" in event.words
    house.look()
    assert len(house.failover.events) == 1


def test_a_folder_that_was_moved_behind_a_link_is_the_same_database(house, tmp_path):
    house.look()
    house.path.parent.rename(tmp_path / "elsewhere")
    house.path.parent.symlink_to("elsewhere")
    house.look()

    assert house.failover.events == []


def test_a_database_behind_a_link_whose_log_is_deleted_is_written_anew_where_the_link_leads(house, tmp_path):
    house.failover.close()
    house.path.rename(tmp_path / "elsewhere.db")
    house.path.symlink_to("../elsewhere.db")
    house.failover = house.opened()
    house.look()
    (tmp_path / "elsewhere.db-wal").unlink()
    house.now = 5
    house.look()

    assert house.path.is_symlink()
    assert len(seen(house.failover.connection)) == 2
    assert len(house.failover.events) == 1


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_folder_that_is_gone_is_made_again_with_all_that_was_in_the_database(house, tmp_path, how):
    house.look()
    if how == "deleted":
        shutil.rmtree(house.path.parent)
    else:
        house.path.parent.rename(tmp_path / "elsewhere")
    house.now = 5
    house.look()

    assert house.failover.place is WritePlace.DISK
    assert house.path.parent.stat().st_mode & 0o777 == 0o700
    with closing(open_reader(house.path)) as db:
        assert len(seen(db)) == 2
    (event,) = house.failover.events
    assert "it was written anew, nothing is lost" in event.words


def test_a_folder_that_cannot_be_made_yet_is_made_later(house):
    house.look()
    shutil.rmtree(house.path.parent)
    house.path.parent.write_text("in the way")
    house.look()
    assert house.failover.place is WritePlace.RUNTIME

    house.path.parent.unlink()
    house.now += AGAIN_S
    house.look()
    assert house.failover.place is WritePlace.DISK


@pytest.mark.parametrize(("content", "is_told"), [(b"", True), (None, False)])
def test_an_empty_file_is_taken_as_new_and_the_log_says_so(house, caplog, content, is_told):
    house.failover.close()
    house.path.unlink()
    if content is not None:
        house.path.write_bytes(content)
    for _ in range(2):
        house.failover = house.opened()
        house.look()
        house.failover.close()

    told = [one for one in caplog.messages if "was an empty file: it is taken as new" in one]
    assert len(told) == (1 if is_told else 0)


def left_by(house, version):
    """Put a database there as an older version left it."""
    house.failover.close()
    remove(house.path)
    lay(version, house.path)


def break_page(path, table):
    """Overwrite the first bytes of a table's first page, as a bad sector does."""
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 300)


OLDER_ONES = range(1, VERSION)


def known_to(house):
    """Return what goes on: the open incidents, whom they were told to, the health, and what waits."""
    reader = house.failover.reader
    resumed = reader.resumption.resume()
    ((incident, case),) = reader.resumption.correspondence(at(61)).cases.items()
    waiting = [one.channel for one in house.failover.writer.due_messages(at(61))]
    return [*resumed.incidents], incident, {*case.told}, resumed.healths, waiting


@pytest.mark.parametrize("version", OLDER_ONES)
@pytest.mark.parametrize("table", ["observation", "evidence", "daily", MIGRATIONS_TABLE])
def test_a_broken_database_of_an_older_version_is_set_aside_and_what_can_be_read_is_brought_over(house, version, table):
    left_by(house, version)
    house.failover = house.opened()
    whole = known_to(house)
    left_by(house, version)
    break_page(house.path, table)
    house.failover = house.opened()

    assert (house.failover.place, known_to(house)) == (WritePlace.DISK, whole)
    (event,) = house.failover.events
    assert "monitor.db was broken and is set aside as monitor.db.corrupt-" in event.words


@pytest.mark.parametrize("version", OLDER_ONES)
def test_an_older_database_that_cannot_be_migrated_now_is_stood_in_for_with_all_that_goes_on(
    house, version, monkeypatch
):
    left_by(house, version)
    house.failover = house.opened()
    whole = known_to(house)
    left_by(house, version)
    with monkeypatch.context() as short:
        short.setattr("monitor.store.backup.keep_copy", _no_room)
        house.failover = house.opened()

    assert (house.failover.place, house.failover.refusal.kind) == (WritePlace.RUNTIME, RefusalKind.FULL)
    assert known_to(house) == whole
    house.now += AGAIN_S
    house.look()
    assert (house.failover.place, len(seen(house.failover.connection))) == (WritePlace.DISK, 2)


@pytest.mark.parametrize("version", OLDER_ONES)
def test_what_an_older_version_left_beside_is_written_into_the_database(house, version):
    house.failover.close()
    lay(version, house.aside)
    house.failover = house.opened()

    _, _, told, healths, waiting = known_to(house)
    assert (told, healths[CHAT.id].fault, waiting) == ({"phone"}, Fault.ACCOUNT_SUSPENDED, ["phone"])
    assert len(seen(house.failover.connection)) == 1
    assert not house.aside.exists()


def test_of_what_was_left_beside_and_cannot_be_read_nothing_is_thrown_away(house, caplog):
    house.failover.close()
    house.aside.write_bytes(b"\xa5" * 8192)
    house.failover = house.opened()

    (kept,) = house.aside.parent.glob(f"{house.aside.name}.corrupt-*")
    assert kept.stat().st_size == 8192
    assert f"a part of what was written beside monitor.db could not be read: {kept}" in caplog.text
    kept.unlink()


@pytest.mark.parametrize("version", OLDER_ONES)
def test_the_latest_good_answer_is_known_from_an_older_database_that_cannot_be_migrated_now(
    house, version, monkeypatch
):
    left_by(house, version)
    good = "'ok'" if version < 6 else "0"
    meddle(
        house,
        f"INSERT INTO observation (series_id, at, outcome) SELECT series_id, at - 5000, {good} FROM observation",
        *(["UPDATE health SET well = (SELECT min(at) FROM observation)"] if version >= 8 else []),
    )
    monkeypatch.setattr("monitor.store.backup.keep_copy", _no_room)
    house.failover = house.opened()

    (its,) = known_to(house)[3].values()
    assert its.well_at == at(-5)


def crash(house):
    """Let the database's files be as a killed process leaves them, all of its rows in the log."""
    for one in range(1, 40):
        house.now = one
        house.look()
    held = {side: Path(f"{house.path}{side}").read_bytes() for side in ("", "-wal")}
    house.failover.close()
    for side, content in held.items():
        Path(f"{house.path}{side}").write_bytes(content)


@pytest.mark.parametrize("command", ["", "looked at by a command before"])
def test_a_database_cut_to_nothing_is_set_aside_with_its_log_and_what_that_holds_is_brought_over(house, command):
    house.save(changes=(OPENED,), messages=(TOLD,))
    crash(house)
    house.path.write_bytes(b"")
    if command:
        for read in (open_reader, open_writer, is_broken, why_foreign, was_once_ours):
            with suppress(StoreError):
                read(house.path)
    house.failover = house.opened()

    assert house.failover.place is WritePlace.DISK
    assert len(house.failover.do(Writer.due_messages, at(60))) == 1
    assert Reader(house.failover.connection, "here").resumption.resume().healths[CHAT.id].state is State.UP
    (event,) = house.failover.events
    assert "monitor.db was cut to nothing and is set aside as monitor.db.corrupt-" in event.words


def test_a_log_that_does_not_begin_with_the_whole_database_is_kept_and_that_is_told(house):
    house.look()
    house.failover.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    crash(house)
    house.path.write_bytes(b"")
    house.failover = house.opened()

    assert house.failover.place is WritePlace.DISK
    (kept,) = house.path.parent.glob("monitor.db.corrupt-*-wal")
    assert kept.stat().st_size > 0
    (event,) = house.failover.events
    assert "a part of it could not be read" in event.words


def test_a_reader_of_a_database_cut_to_nothing_leaves_its_log_and_names_the_repair(house):
    crash(house)
    log = Path(f"{house.path}-wal").read_bytes()
    house.path.write_bytes(b"")
    with pytest.raises(StoreError, match="is empty, and its log is not; .*start `run` or `once`, which set it aside"):
        open_reader(house.path)

    assert Path(f"{house.path}-wal").read_bytes() == log
    house.path.unlink()
    Path(f"{house.path}-wal").unlink()
    house.failover = house.opened()


def test_a_log_without_its_database_is_set_aside_before_a_new_one_is_made(house, caplog):
    crash(house)
    log = Path(f"{house.path}-wal").read_bytes()
    house.path.unlink()
    house.failover = house.opened()

    assert seen(house.failover.connection) == []
    (kept,) = house.path.parent.glob("monitor.db.orphan-*-wal")
    assert kept.read_bytes() == log
    assert f"the log of a database that is gone is set aside as {kept.name}" in caplog.text


@pytest.mark.parametrize("version", OLDER_ONES)
def test_an_older_version_s_stand_in_is_gone_on_with_while_the_database_takes_nothing(house, version):
    house.failover.close()
    lay(version, house.aside)
    house.hold()
    house.failover = house.opened()

    assert house.failover.place is WritePlace.RUNTIME
    assert known_to(house)[-1] == ["phone"]
    house.let_go()
    house.look()
    assert (house.failover.place, len(seen(house.failover.connection))) == (WritePlace.DISK, 2)
    assert not [*house.aside.parent.glob(f"{house.aside.name}*")]
