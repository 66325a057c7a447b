from datetime import timedelta

import pytest

from monitor.publish.history_bar import LINES, CellState, add_hours, draw_hours, state_of_cell
from monitor.slo.indicator import Cell
from tests.builders_page import NOW, cells


@pytest.mark.parametrize(
    ("counts", "hour"),
    [
        ({}, CellState.NOTHING),
        ({"unknown": 3}, CellState.UNKNOWN),
        ({"ok": 60}, CellState.GOOD),
        ({"ok": 1, "unknown": 59}, CellState.GOOD),
        ({"ok": 59, "failed": 1}, CellState.MIXED),
        ({"ok": 59, "degraded": 1}, CellState.MIXED),
        ({"degraded": 60}, CellState.MIXED),
        ({"failed": 1}, CellState.DOWN),
        ({"failed": 1, "unknown": 59}, CellState.DOWN),
    ],
)
def test_an_hour_is_judged_by_what_was_seen_in_it(counts, hour):
    assert state_of_cell(Cell(NOW, **counts)) == hour


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (cells(), "Last 24 hours: 24 good"),
        (cells(bad=[23]), "Last 24 hours: 23 good; down in the last hour"),
        (cells(bad=[21, 22, 23]), "Last 24 hours: 21 good; down in the last 3 hours"),
        (cells(bad=[0, 1]), "Last 24 hours: 22 good; down 11:00 to 13:00 UTC"),
        (cells(bad=[4, 9, 10]), "Last 24 hours: 21 good; down in 3 hours"),
        (cells(bad=[4], gaps=[6]), "Last 24 hours: 22 good; down 15:00 to 16:00 UTC; no data 17:00 to 18:00 UTC"),
        (cells(gaps=range(24)), "Last 24 hours: 0 good; no data in the last 24 hours"),
        ((), "No data"),
    ],
)
def test_a_strip_tells_in_words_what_it_shows(hours, words):
    assert draw_hours(hours).words == words


def test_a_run_of_hours_is_one_stroke_and_each_kind_has_its_own():
    drawn = draw_hours(cells(bad=[3, 4], gaps=[10]))
    assert {stroke.kind: stroke.path for stroke in drawn.strokes} == {
        CellState.GOOD: "M0 11h3M5 11h5M11 11h13",
        CellState.DOWN: "M3 8h2",
        CellState.NOTHING: "M10 15h1",
    }
    assert drawn.width == 24


def test_every_kind_of_hour_can_be_drawn():
    assert set(LINES) == set(CellState)


def test_strips_add_up_hour_by_hour():
    early = Cell(NOW - timedelta(hours=1), ok=1)
    summed = add_hours([(early, Cell(NOW, ok=2, unknown=1)), (Cell(NOW, degraded=3, failed=4),)])
    assert summed == [early, Cell(NOW, ok=2, degraded=3, failed=4, unknown=1)]
