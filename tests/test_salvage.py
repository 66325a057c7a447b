"""A batch with a value that cannot be written: all else of it is written, and nothing of it is lost."""

import json
import sqlite3
from contextlib import closing

import pytest
from msgspec.structs import replace

from monitor.alert.case import Message, Step
from monitor.alert.reply import Reply, ReplyKind
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.store import salvage
from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.model import Answer, Confidence, Fault, Usage
from tests.conftest import NOON, health, observation, target

GOOD, BAD = target("openai/good", "list"), target("openai/bad", "list")


@pytest.fixture
def db(tmp_path):
    with closing(open_writer(tmp_path / "monitor.db")) as opened:
        yield opened


def save(db, tmp_path, batch):
    return salvage.save_batch(Writer(db, "here"), batch, tmp_path / "aside.jsonl")


def told(tmp_path):
    return [json.loads(line) for line in (tmp_path / "aside.jsonl").read_text().splitlines()]


def looks(*pairs):
    healths = {one.target.id: health(one.fault, target=one.target) for one in pairs}
    return Batch(NOON, pairs, healths, dict.fromkeys(healths, NOON))


def opened(account, words):
    evidence = Evidence(f"{account}/list", NOON, Fault.INVALID_KEY, "a/b", words)
    about = read_subject(Scope.ACCOUNT, account)
    facts = (about, Fault.INVALID_KEY, Confidence.HIGH, NOON, (), (f"{account}/list",), (evidence,))
    return Change(open_incident(Diagnosis(*facts), NOON), ChangeKind.OPENED, NOON)


def test_a_sound_batch_is_written_as_a_whole(db, tmp_path):
    assert save(db, tmp_path, looks(observation(target=GOOD))) == []
    assert not (tmp_path / "aside.jsonl").exists()


@pytest.mark.parametrize(
    "bad",
    [
        observation(Fault.INVALID_KEY, target=BAD, answer=Answer("a/b", "\ud800")),
        observation(Fault.INVALID_KEY, target=BAD, request_id="\udcff"),
        observation(target=BAD, usage=Usage(2**63, 1)),
        observation(target=replace(BAD, model="\ud800")),
    ],
)
def test_what_is_sound_of_a_batch_is_written(db, tmp_path, bad):
    save(db, tmp_path, looks(bad, observation(Fault.INVALID_KEY, target=GOOD)))

    assert Reader(db, "here").resumption.resume().healths[GOOD.id].fault is Fault.INVALID_KEY


def test_a_value_that_can_be_made_sound_is_kept_so(db, tmp_path):
    refused = save(db, tmp_path, looks(observation(target=BAD, usage=Usage(2**63, 1))))

    assert refused == []
    assert BAD.id in Reader(db, "here").resumption.resume().healths


def test_what_cannot_be_written_at_all_is_set_aside_and_named(db, tmp_path):
    hopeless = observation(target=replace(BAD, model="\ud800"))
    (refusal,) = save(db, tmp_path, looks(hopeless, observation(target=GOOD)))

    (line,) = told(tmp_path)
    assert (refusal.error, line["error"]) == ("UnicodeEncodeError", "UnicodeEncodeError")
    assert "openai/bad" in line["part"]
    assert (tmp_path / "aside.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_alert_of_a_change_goes_out_although_its_proof_cannot_be_written(db, tmp_path):
    bad, good = opened("openai/bad", "\ud800"), opened("openai/good", "fine")
    messages = tuple(Message(one.id, "phone", Step.OPENED, 1) for one in (bad, good))
    save(db, tmp_path, Batch(NOON, changes=(bad, good), messages=messages))

    letters = Writer(db, "here").due_messages(NOON)
    heard = [item.change.incident.subject for letter in letters for item in letter.items]
    assert sorted(heard) == ["openai/bad", "openai/good"]
    assert len(Reader(db, "here").resumption.resume().incidents) == 2


def test_a_reply_that_names_what_cannot_be_written_keeps_no_other_from_counting(db, tmp_path):
    replies = tuple(Reply(ReplyKind.ACKNOWLEDGE, NOON, "me", subject, until=None) for subject in ("a", "\ud800", "c"))
    save(db, tmp_path, Batch(NOON, replies=replies))

    kept = [row["subject"] for row in db.execute("SELECT subject FROM reply ORDER BY subject")]
    assert kept == ["", "a", "c"]  # what names nothing any more holds nothing back


def test_what_is_set_aside_is_bounded(db, tmp_path, monkeypatch):
    monkeypatch.setattr(salvage, "LARGEST_BYTES", 2_000)
    for number in range(20):
        hopeless = observation(target=target(f"openai/{number}", "list", "\ud800"))
        save(db, tmp_path, looks(hopeless))

    kept = sorted(path.name for path in tmp_path.glob("aside*"))
    assert kept == ["aside.jsonl", "aside.jsonl.1"]
    assert sum((tmp_path / name).stat().st_size for name in kept) < 2 * (2_000 + salvage.MAX_PART_LENGTH)


def test_a_database_that_takes_nothing_is_no_fault_of_the_batch(db, tmp_path):
    with closing(sqlite3.connect(tmp_path / "monitor.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        db.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(sqlite3.OperationalError):
            save(db, tmp_path, looks(observation(target=GOOD)))
    assert not (tmp_path / "aside.jsonl").exists()


@pytest.mark.parametrize("text", ["", "{", "null", '"text"', "[1]"])
def test_what_was_kept_and_cannot_be_read_is_as_if_it_had_not_been_kept(db, tmp_path, text):
    save(db, tmp_path, replace(looks(observation(target=GOOD)), changes=(opened("openai/good", "fine"),)))
    (series,) = db.execute("SELECT id FROM series").fetchone()
    db.execute("INSERT INTO track VALUES (?, ?)", (series, text))
    db.execute("INSERT INTO pool VALUES ('here', 'openai list total', ?)", (text,))
    db.execute("INSERT INTO note VALUES ('here', 'openai/good', ?)", (text,))
    db.execute("INSERT INTO source VALUES ('here', 'openai/page', ?)", (text,))

    left = Reader(db, "here").resumption
    remembered = left.resume()
    assert (remembered.notes, remembered.sources, left.tracks(), left.pools()) == ({}, {}, {}, {})
    assert len(remembered.incidents) == 1
