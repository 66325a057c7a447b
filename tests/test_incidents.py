"""`incidents`: at a terminal two lines each that break neither id nor date, in a pipe one."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from monitor.commands.incidents import incident_lines, incident_table
from monitor.console.table import lay_out
from monitor.sentence.translation import ENGLISH, PageLanguage
from probes.model import Fault
from tests.builders_page import BEGAN, NOW, incident, shown

LONG = "openai-compatible/reseller-of-the-team-in-europe"
OLD = timedelta(days=400)
OVER = replace(incident(LONG), opened_at=BEGAN - OLD, closed_at=BEGAN - OLD + timedelta(hours=2))
VIEWS = [shown(incident("openai/main", Fault.INVALID_KEY)), shown(OVER)]


@pytest.mark.parametrize("most", [80, 100, 120])
def test_no_id_date_or_duration_is_broken(most):
    lines = list(lay_out(incident_table(VIEWS, NOW, ENGLISH), most))

    text = "\n".join(lines)
    assert all(view.incident.id in text for view in VIEWS)
    assert re.search(r"open +\d\d:\d\d UTC +23 min +openai/main: key", text), text
    assert re.search(r"ended +\d+ Oct 2025, \d\d:\d\d UTC +2 h\b", text), text
    assert "your account; told: ops-mail: sent" in " ".join(text.split())
    assert all(len(line) <= most for line in lines)


def test_what_does_not_fit_side_by_side_is_written_below_with_its_dates_whole():
    text = "\n".join(lay_out(incident_table(VIEWS, NOW, ENGLISH), 34))

    assert re.search(r"began: \d\d:\d\d UTC;", text), text
    assert re.search(r"\d+ Oct 2025, \d\d:\d\d UTC", text), text


def test_a_pipe_gets_one_line_for_each():
    _, *lines = lay_out(incident_lines(VIEWS, ENGLISH), None)

    assert [line.split()[0] for line in lines] == [view.incident.id for view in VIEWS]


def test_both_tell_times_in_the_zone_of_the_reader():
    here = PageLanguage(zone=ZoneInfo("Asia/Kolkata"))

    assert re.search(r"open +15:41 IST +23 min", "\n".join(lay_out(incident_table(VIEWS, NOW, here), 80)))
    assert "21 Nov 2026, 15:41 IST" in "\n".join(lay_out(incident_lines(VIEWS, here), None))
