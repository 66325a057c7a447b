"""What `python -m benchmarks.endure` and `benchmarks.kills` play for long, played for a while."""

import random
import sqlite3
from contextlib import closing

import pytest

from benchmarks import endure, kills
from probes.model import Fault


@pytest.mark.slow
def test_two_simulated_days_are_counted_exactly_and_leave_nothing_behind():
    result = endure.play(days=2, accounts=5, every_s=300, seed=7)

    assert result.wrong == []
    assert result.losses == result.incidents == result.opened == result.resolved > 5
    assert result.stored == result.looks
    assert result.looks["failed"] > result.blips > 0


LOST = endure.Loss("openai/a00", Fault.INVALID_KEY, 1000.0, 3000.0)
BEGUN_MS = int(endure.BEGIN.timestamp() * 1000)


def incident(account="openai/a00", opened_s=1060, closed_s=3060):
    return account, "invalid_key", BEGUN_MS + opened_s * 1000, closed_s and BEGUN_MS + closed_s * 1000


@pytest.mark.parametrize(
    ("incidents", "wrong"),
    [
        ([incident()], 0),
        ([], 1),
        ([incident("openai/a05")], 2),
        ([incident(opened_s=900)], 2),
        ([incident(), incident(opened_s=2000)], 1),
        ([incident(closed_s=2000)], 1),
        ([incident(closed_s=None)], 1),
    ],
    ids=["one each", "none", "another account's", "before it", "two of one", "closed before its end", "never closed"],
)
def test_each_loss_has_one_incident_of_its_own(incidents, wrong):
    assert len(list(endure.unlike([LOST], incidents))) == wrong


def test_growth_is_measured_once_the_first_looks_were_forgotten():
    steep = [50.0 + 10 * day for day in range(endure.RAW_DAYS + 1)]

    assert endure.slope([*steep, 100.0, 100.0, 100.0, 100.0]) == 0
    assert endure.slope([*steep, 100.0, 101.0, 102.0, 103.0]) == pytest.approx(1)


@pytest.mark.slow
def test_no_kill_loses_a_row_or_an_alert(tmp_path):
    tally = kills.play(tmp_path, 10, random.Random(7))

    assert tally.wrong == []
    assert (tally.kills, tally.lost) == (10, 0)
    assert tally.observations > 0


def judged(folder, letters, copies, killed_at=(), ill=((0, 100),)):
    """Hold an incident of one account against what the webhook received."""
    (folder / "state").mkdir()
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        db.execute("CREATE TABLE incident (id, subject, opened, closed)")
        db.execute("CREATE TABLE change (incident_id, kind)")
        db.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, incident_id, step, state)")
        db.execute("CREATE TABLE observation (at)")
        db.execute("INSERT INTO incident VALUES ('i', 'openai/a00', 50000, 60000)")
        db.executemany("INSERT INTO change VALUES ('i', ?)", [("opened",), ("resolved",)])
        db.executemany("INSERT INTO outbox (incident_id, step, state) VALUES ('i', ?, ?)", letters)
        db.commit()
    with kills.other_side(random.Random(1)) as side:
        side.copies = [kills.Copy(f"i {step}", at, at + 0.1) for step, at in copies]
        side.episodes = [kills.Episode("a00", *span) for span in ill]
        tally = kills.Tally()
        kills._judge(folder, side, killed_at, tally)
    return tally


BOTH = [("opened", "sent"), ("resolved", "sent")]


def test_what_was_received_as_it_was_noted_is_right(tmp_path):
    tally = judged(tmp_path, BOTH, [("opened", 51), ("resolved", 61)])

    assert (tally.wrong, tally.lost, tally.incidents, tally.ended_received) == ([], 0, 1, 1)


@pytest.mark.parametrize(
    ("letters", "copies"),
    [
        (BOTH, [("opened", 51)]),
        ([], []),
        ([("opened", "sent"), ("resolved", "failed")], [("opened", 51)]),
        ([("opened", "sent"), ("changed", "replaced")], [("opened", 51)]),
    ],
    ids=["noted, not received", "nothing noted", "given up", "no end"],
)
def test_a_message_that_did_not_arrive_is_lost(tmp_path, letters, copies):
    assert judged(tmp_path, letters, copies).lost == 1


def test_a_refused_message_may_give_way_to_the_end(tmp_path):
    tally = judged(tmp_path, [("opened", "replaced"), ("resolved", "sent")], [("resolved", 61)])

    assert (tally.lost, tally.given_way) == (0, 1)


@pytest.mark.parametrize(("killed_at", "wrong"), [((51.2,), 0), ((), 1), ((53,), 1), ((50,), 1)])
def test_twice_is_right_only_where_a_kill_fell_before_the_note_of_it(tmp_path, killed_at, wrong):
    tally = judged(tmp_path, BOTH, [("opened", 51), ("opened", 55), ("resolved", 61)], killed_at)

    assert len(tally.wrong) == wrong


def test_an_incident_of_nobody_ill_is_wrong(tmp_path):
    assert len(judged(tmp_path, BOTH, [("opened", 51), ("resolved", 61)], ill=((0, 20),)).wrong) == 1
