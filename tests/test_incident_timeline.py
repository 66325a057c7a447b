"""The lines of an incident's story: what happened, who was told, what people said."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind
from monitor.diagnose.incident import Announcement, ChangeKind, Severity
from monitor.diagnose.incident_step import IncidentState, IncidentStep
from monitor.diagnose.subject import Scope, read_subject
from monitor.publish.incident_text import build_story
from monitor.publish.incident_timeline import build_timeline, standing_replies
from monitor.sentence.translation import ENGLISH
from probes.model import Blame, Confidence, Fault
from tests.builders_page import BEGAN, NOW, incident, shown

MINUTE = timedelta(minutes=1)


def quiet(it=None, **facts):
    """An incident of which nobody was told."""
    return shown(it, told=(), **facts)


def state(*accounts, scope=Scope.ACCOUNT, **changes):
    first = IncidentState(
        fault=Fault.OVERLOADED,
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        about=read_subject(scope, "openai" if scope is Scope.PROVIDER else "openai/a"),
        targets=tuple(f"openai/{one}/chat" for one in accounts),
    )
    return replace(first, **changes)


def told_of(*steps):
    """Return what the story tells of these steps, a minute apart, after the begin."""
    its = tuple(IncidentStep(kind, BEGAN + number * MINUTE, one) for number, (kind, one) in enumerate(steps, 1))
    return [(row.at.words, row.words) for row in build_timeline(quiet(steps=its), ENGLISH)[1:]]


OPENED = (ChangeKind.OPENED, state("a"))


def test_who_joined_and_who_recovered_is_told_with_its_time():
    assert told_of(OPENED, (ChangeKind.UPDATED, state("a", "b", "c")), (ChangeKind.UPDATED, state("c"))) == [
        ("10:12:00", "Confirmed at openai/a"),
        ("10:13:00", "2 accounts joined: openai/b, openai/c"),
        ("10:14:00", "2 accounts recovered: openai/a, openai/b"),
    ]


def test_of_many_accounts_some_are_named_and_the_rest_is_counted():
    ((_, said),) = told_of((ChangeKind.OPENED, state(*"abcdefgh")))

    assert said == "Confirmed at 8 accounts: openai/a, openai/b, openai/c, openai/d, openai/e, and 3 more"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            state("a", scope=Scope.PROVIDER, blamed=Blame.ACCOUNT),
            "Whose fault: first the provider, then your account; "
            "What is affected: first the whole account, then the provider, across accounts",
        ),
        (state("a", fault=Fault.TIMEOUT), "What is wrong: first overloaded, then no answer in time"),
        (state("a", confidence=Confidence.LOW), "How sure: first sure, then a guess"),
        (state("a", about=None), None),
    ],
)
def test_what_changed_in_the_diagnosis_is_told(after, said):
    assert [one for _, one in told_of(OPENED, (ChangeKind.CHANGED, after))][1:] == ([said] if said else [])


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([OPENED, (ChangeKind.MERGED, state("a", parent="i-9"))], ["Became part of a wider incident: i-9"]),
        (
            [(ChangeKind.MERGED, state("a", parent="i-9")), (ChangeKind.CHANGED, state("a"))],
            ["It outlasts the wider incident that it was part of"],
        ),
        ([OPENED, (ChangeKind.REDATED, state("a"))], ["The clock was set, and these times with it"]),
        ([OPENED, (ChangeKind.WITHDRAWN, state("a"))], ["No longer watched"]),
        ([OPENED, (ChangeKind.RESOLVED, state("a", "b"))], []),
        ([(ChangeKind.OPENED, state()), (ChangeKind.UPDATED, state("a"))], ["openai/a joined"]),
    ],
)
def test_every_other_step_is_told_or_is_no_news(steps, said):
    assert [one for _, one in told_of(*steps) if not one.startswith("Confirmed")][-1:] == said


def test_what_the_providers_page_said_is_told_with_how_old_it_was_when_we_read_it():
    said_at = BEGAN + 5 * MINUTE
    one = incident(announcement=Announcement(said_at, "Errors on the API", None, "openai/page"))
    read = (IncidentStep(ChangeKind.ANNOUNCED, said_at + 3 * MINUTE, state("a")),)

    assert [
        (row.at.words, row.words) for row in build_timeline(quiet(one, steps=read), ENGLISH) if "Errors" in row.words
    ] == [("10:16:00", "The provider's page says: Errors on the API (3 min old when we read it)")]


ACKNOWLEDGED = Reply(ReplyKind.ACKNOWLEDGE, BEGAN + 2 * MINUTE, "Jo", "i")
SNOOZED = Reply(ReplyKind.SNOOZE, BEGAN + 3 * MINUTE, "Kim", "i", until=NOW + 60 * MINUTE)
SILENCED = Reply(ReplyKind.SILENCE, BEGAN - MINUTE, "Lee", until=NOW + 90 * MINUTE, reason="moving")
LIFTED = Reply(ReplyKind.LIFT, NOW - MINUTE, "", SILENCED.id)


def test_who_answered_is_told_with_its_time_and_a_silence_of_before_from_the_begin_on():
    rows = build_timeline(quiet(replies=(SILENCED, ACKNOWLEDGED, SNOOZED, LIFTED)), ENGLISH)

    assert [(row.at.words, row.words) for row in rows][1:] == [
        ("10:11:00", "Silenced by Lee until 12:04 UTC: moving"),
        ("10:13:00", "Acknowledged by Jo"),
        ("10:14:00", "Snoozed by Kim until 11:34 UTC"),
        ("10:33:00", "Silence ended by somebody"),
    ]


SHORTENED = replace(SNOOZED, at=BEGAN + 4 * MINUTE, by="Jo", until=NOW + 5 * MINUTE)
AGAIN = replace(ACKNOWLEDGED, at=BEGAN + 6 * MINUTE)


def test_a_snooze_during_another_is_told_as_its_change_and_an_acknowledgement_once_per_person():
    kim = replace(ACKNOWLEDGED, at=BEGAN + 7 * MINUTE, by="Kim")
    rows = build_timeline(quiet(replies=(ACKNOWLEDGED, SNOOZED, SHORTENED, AGAIN, kim)), ENGLISH)

    assert [(row.at.words, row.words) for row in rows][1:] == [
        ("10:13:00", "Acknowledged by Jo"),
        ("10:14:00", "Snoozed by Kim until 11:34 UTC"),
        ("10:15:00", "Snooze changed by Jo: until 10:39 UTC"),
        ("10:18:00", "Acknowledged by Kim"),
    ]


def test_a_snooze_after_the_end_of_another_is_a_new_one():
    over = replace(SNOOZED, until=BEGAN + 4 * MINUTE)
    rows = build_timeline(quiet(replies=(over, SHORTENED)), ENGLISH)

    assert rows[-1].words == "Snoozed by Jo until 10:39 UTC"


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ((SNOOZED, SHORTENED), ("Snoozed by Jo until 10:39 UTC",)),
        ((SHORTENED, SNOOZED), ("Snoozed by Jo until 10:39 UTC",)),
        ((SNOOZED, replace(SHORTENED, until=NOW - MINUTE)), ()),
        ((AGAIN, ACKNOWLEDGED), ("Acknowledged by Jo at 10:13 UTC",)),
        ((ACKNOWLEDGED, SNOOZED), ("Acknowledged by Jo at 10:13 UTC", "Snoozed by Kim until 11:34 UTC")),
        ((SILENCED,), ("Silenced by Lee until 12:04 UTC: moving",)),
        ((SILENCED, LIFTED), ()),
        ((replace(SNOOZED, until=NOW - MINUTE),), ()),
    ],
)
def test_only_the_replies_in_effect_stand_beside_the_incident(replies, said):
    assert standing_replies(quiet(replies=replies), NOW, ENGLISH) == said
    assert build_story(quiet(replies=replies), NOW).row.replies == said
    assert standing_replies(quiet(incident(closed_at=NOW), replies=replies), NOW, ENGLISH) == ()


def test_what_people_wrote_is_told_with_who_it_was_also_after_the_end():
    notes = (
        IncidentNote("i", BEGAN + MINUTE, "Jo", "ticket 7"),
        IncidentNote("i", NOW + MINUTE, "", "it was the bill", public=True),
    )
    rows = build_timeline(quiet(incident(closed_at=NOW), notes=notes), ENGLISH)

    assert [(row.at.words, row.words) for row in rows][1:] == [
        ("10:12:00", "Jo: ticket 7"),
        ("10:34:00", "Ended"),
        ("10:35:00", "somebody, also in public: it was the bill"),
    ]


def test_evidence_is_folded_by_account():
    its = incident().evidence
    other = replace(its[0], target="openai/z/chat")

    assert [(one.account, one.words) for one in build_story(quiet(incident(evidence=(*its, other))), NOW).answers] == [
        ("openai/team-b", "2 answers"),
        ("openai/z", "1 answer"),
    ]
