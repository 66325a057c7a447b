"""Rounds that were left out because another process was at work."""

from datetime import timedelta

from monitor.store.overlap import Overlap, add_skipped_rounds, note_skipped_round, take_skipped_rounds
from tests.conftest import NOON, at

DAY = timedelta(days=1)


def test_what_was_left_out_is_taken_once(tmp_path):
    database = tmp_path / "monitor.db"
    for seconds in (0, 60):
        note_skipped_round(database, at(seconds))

    assert take_skipped_rounds(database) == [at(0), at(60)]
    assert take_skipped_rounds(database) == []


def test_a_folder_that_cannot_be_written_disturbs_nobody(tmp_path):
    note_skipped_round(tmp_path / "nowhere" / "monitor.db", NOON)

    assert take_skipped_rounds(tmp_path / "nowhere" / "monitor.db") == []


def test_what_is_no_time_is_thrown_away(tmp_path):
    database = tmp_path / "monitor.db"
    note_skipped_round(database, NOON)
    with (tmp_path / "monitor.db.overlaps").open("a") as file:
        file.write("nonsense\n1e300\n")

    assert take_skipped_rounds(database) == [NOON]


def test_rounds_are_counted_until_there_was_none_for_a_day():
    first = add_skipped_rounds(None, [at(0), at(60)])

    assert first == Overlap(2, at(0), at(60))
    assert add_skipped_rounds(first, [at(120)]) == Overlap(3, at(0), at(120))
    assert add_skipped_rounds(first, [at(60) + DAY]) == Overlap(1, at(60) + DAY, at(60) + DAY)
    assert add_skipped_rounds(first, []) == first


def test_what_was_a_day_ago_is_told_no_more():
    assert Overlap(1, NOON, NOON).is_recent(NOON + DAY / 2)
    assert not Overlap(1, NOON, NOON).is_recent(NOON + DAY)
