"""One row of the database that cannot be read hides no other, and is told."""

from contextlib import closing

import pytest

from monitor.alert.case import Message, Step
from monitor.diagnose import Diagnosis, Scope
from monitor.incident import Change, ChangeKind, open_incident
from monitor.store import reader
from monitor.store.connection import open_in_memory
from monitor.store.value import Batch
from monitor.store.writer import Writer
from probes.model import Confidence, Fault
from tests.conftest import at


@pytest.fixture
def writer():
    """A database in which two incidents are told to one channel, the one a second after the other."""
    with closing(open_in_memory()) as db:
        made = Writer(db, "here")
        for second, account in enumerate(("openai/main", "openai/backup")):
            cause = Diagnosis(Scope.ACCOUNT, account, Fault.INVALID_KEY, Confidence.HIGH, at(0), (), (), ())
            change = Change(open_incident(cause), ChangeKind.OPENED, at(second))
            message = Message(change.id, "hook", Step.OPENED, 0, change.incident.id)
            made.save(Batch(at(second), changes=(change,), messages=(message,)))
        yield made


def broken(writer, table, column, text="{"):
    writer._db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = 1", (text,))


@pytest.mark.parametrize("text", ["{", "[]", '{"id": 7}', "\\ud800", ""])
def test_a_message_that_cannot_be_read_is_given_up_and_the_others_go_out(writer, text, caplog):
    broken(writer, "change", "incident", text)

    (letter,) = writer.letters(at(5))
    assert letter.items[0].change.incident.subject == "openai/backup"
    assert reader.failing_channels(writer._db) == [("hook", "what it was to tell cannot be read any more")]
    assert [one.id for one in writer.letters(at(6))] == [letter.id]
    assert len(caplog.records) == 1


def test_a_change_that_cannot_be_read_hides_no_other_case(writer, caplog):
    broken(writer, "change", "incident")

    cases = reader.correspondence(writer._db, at(5)).cases
    assert [one.incident.subject for one in cases.values()] == ["openai/backup"]
    assert "cannot be read" in caplog.text


def test_neither_the_past_nor_what_people_answered_is_lost_by_a_row(writer):
    for number in (1, 2):
        writer._db.execute("INSERT INTO reply VALUES (?, 'silence', '', ?, NULL, '{')", (str(number), number))
    writer._db.execute("INSERT INTO mark VALUES ('failing', '{'), ('clock', '['), ('overlap', 'x')")
    broken(writer, "incident", "details")

    assert [one.subject for one in reader.incidents_between(writer._db, at(-1), at(9))] == ["openai/backup"]
    assert len(reader.latest_deliveries(writer._db, 9)) == 2
    assert reader.all_replies(writer._db) == []
    assert reader.correspondence(writer._db, at(5)).replies == []
    assert (reader.failing(writer._db), reader.trace(writer._db), reader.overlap(writer._db)) == ([], None, None)
