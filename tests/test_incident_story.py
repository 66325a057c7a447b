"""`incidents INCIDENT`: the story of one incident, with the values of its page."""

import argparse
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.alert.case import Delivery, OutboxState, Step
from monitor.commands.incidents import add_arguments
from monitor.console.incident_story import story_lines
from monitor.console.selection import select_one
from monitor.diagnose.diagnosis import Evidence
from monitor.diagnose.incident import Announcement
from monitor.publish.incident_text import build_story
from monitor.publish.snapshot import Substitute
from monitor.sentence.translation import ENGLISH, PageLanguage
from probes.document import DocumentError
from probes.model import Fault
from probes.phrase import Phrase
from tests.builders_page import BEGAN, NOW, incident, shown


def told(view, most=None, speech=ENGLISH):
    return "\n".join(story_lines(build_story(view, NOW, speech), most))


def test_it_tells_what_the_page_tells():
    view = shown(
        incident(announcement=Announcement(BEGAN + timedelta(minutes=9), "Errors on the API", None, "openai/page")),
        instead=(Substitute("anthropic/main", NOW, Phrase("a caution")),),
    )
    text, page = told(view), build_story(view, NOW)

    values = [page.row.title, page.row.blame, page.blame_at_length, page.scope, page.severity, page.row.lasted]
    values += [event.words for event in page.events] + [event.at.words for event in page.events]
    values += [one.words for one in page.proofs] + list(page.row.reasons) + ["anthropic/main", "a caution"]
    values += [page.proofs[0].request_id, page.proofs[0].status]
    assert [value for value in values if value not in text] == []
    assert "The provider's page says: Errors on the API" in text


def test_an_undelivered_message_says_why():
    late = Delivery("phone", Step.OPENED, OutboxState.FAILED, BEGAN, 3, error="no such number")

    assert "First message to phone: failed after 3 tries: no such number" in told(shown(told=(late,)))


def test_evidence_is_kept_apart_by_account():
    its = [Evidence(f"openai/{name}/chat", BEGAN, Fault.TIMEOUT, "rule", "words") for name in ("a", "b", "a")]
    text = told(shown(incident(evidence=tuple(its))))

    assert text.count("What came back to openai/a") == 1
    assert text.count("What came back to openai/b") == 1


def test_an_ended_incident_says_when_and_offers_nothing_instead():
    text = told(shown(incident(closed_at=NOW)))

    assert "ended after 23 min" in text
    assert "What there was to do" in text
    assert "Working instead" not in text


def test_where_no_substitute_is_known_that_is_said():
    assert "No substitute is known." in told(shown(instead=()))


@pytest.mark.parametrize("most", [60, 80, 120])
def test_it_is_as_wide_as_the_terminal(most):
    assert all(len(line) <= most or len(line.split()) == 1 for line in told(shown(), most).splitlines())


KNOWN = ["20261121-101100-aaaa", "20261121-111100-abab", "20261122-101100-2026112111"]


@pytest.mark.parametrize(
    ("wanted", "found"), [("aaaa", 0), ("20261122", 2), ("20261121-11", 1), ("20261121-101100-aaaa", 0)]
)
def test_a_part_of_an_id_is_enough_where_it_is_that_of_one_alone(wanted, found):
    assert select_one(KNOWN, wanted, "incident") == KNOWN[found]


def test_the_beginning_of_one_id_goes_before_a_part_of_another():
    assert select_one(["1-2", "2-3"], "2", "incident") == "2-3"


@pytest.mark.parametrize(("wanted", "said"), [("2026", "may be each incident"), ("zz", "is no incident")])
def test_a_part_that_fits_several_or_none_names_a_few(wanted, said):
    with pytest.raises(DocumentError) as error:
        select_one([f"{one}-{number}" for number in range(50) for one in KNOWN], wanted, "incident")

    assert said in str(error.value)
    assert len(str(error.value)) < 600


def test_without_an_incident_the_list_is_asked_for():
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert parser.parse_args([]).words == []


def test_its_clock_is_that_of_the_zone_and_a_day_ends_at_its_midnight():
    began = NOW.replace(hour=18, minute=20)
    view = shown(incident(opened_at=began, closed_at=began + timedelta(minutes=20)))

    text = told(view, speech=PageLanguage(zone=ZoneInfo("Asia/Kolkata")))
    assert "From 21 Nov 2026, 23:50 IST to 22 Nov 2026, 00:10 IST" in text
    assert re.search(r"23:50:00 +First failure seen", text)
    assert re.search(r"22 Nov, 00:10:00 +Ended", text)
