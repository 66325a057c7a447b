"""What a source says, made into notices, and how far it is believed."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from probes.doubt import ComponentsLost, Defect, Defective, PollTooSlow, WentBack
from probes.feeds.consistency import PATIENCE, SourceMemory, check_consistency
from probes.feeds.merge import to_notices
from probes.feeds.poll_interval import next_poll_s
from probes.feeds.report import ParsedFeed, SourceReport
from probes.notice import Bulletin, ComponentState, Impact, Notice, NoticePhase, Trust, Validators
from tests.conftest import NOON, at
from tests.rows import each_row

HOUR, DAY = 3600, 86400
GOING_ON = [
    NoticePhase.INVESTIGATING,
    NoticePhase.IDENTIFIED,
    NoticePhase.MONITORING,
    NoticePhase.IN_PROGRESS,
    NoticePhase.UNKNOWN,
]


def report(id="1", phase=NoticePhase.INVESTIGATING, seconds=-HOUR, *parts, **facts):
    named = tuple(ComponentState(name, impact) for name, impact in parts)
    facts = {"updated_at": None if seconds is None else at(seconds), **facts}
    return SourceReport(id, "Something is wrong", None, phase, parts=named, **facts)


def folded(*reports, components=(), standings=()):
    return to_notices(ParsedFeed(reports, tuple(standings)), components, NOON)


def told(*reports, **options):
    return [(one.id, one.phase) for one in folded(*reports, **options)]


# Words ---------------------------------------------------------------------------------------------------


def test_impacts_are_ordered_by_how_bad_they_are_not_by_their_letters():
    assert [*sorted(Impact)] == [*Impact]
    assert max(Impact.MINOR, Impact.CRITICAL, Impact.UNKNOWN) is Impact.CRITICAL
    assert Impact.MINOR <= Impact.MINOR < Impact.MAJOR
    assert Impact.MAJOR >= Impact.MAJOR > Impact.UNKNOWN


def test_a_phase_nobody_named_counts_as_open_and_a_maintenance_to_come_does_not():
    assert [phase for phase in NoticePhase if phase.is_open] == [phase for phase in NoticePhase if phase in GOING_ON]


def test_a_bulletin_is_doubtful_exactly_when_it_says_why():
    with pytest.raises(ValueError, match="exactly when"):
        Bulletin("a/b", NOON, Trust.DOUBTFUL)
    with pytest.raises(ValueError, match="exactly when"):
        Bulletin("a/b", NOON, Trust.READ, "too slow")


# Folding -------------------------------------------------------------------------------------------------


def test_of_several_reports_of_one_incident_the_newest_counts_wherever_it_stands():
    first, last = report("1", NoticePhase.INVESTIGATING, -HOUR), report("1", NoticePhase.RESOLVED, -60)

    assert told(first, last) == told(last, first) == [("1", NoticePhase.RESOLVED)]


def test_of_two_reports_of_one_second_the_closing_one_counts():
    assert told(report("1", NoticePhase.RESOLVED, -60), report("1", NoticePhase.MONITORING, -60)) == [
        ("1", NoticePhase.RESOLVED)
    ]


def test_of_two_reports_without_a_time_the_first_counts():
    assert told(report("1", NoticePhase.IDENTIFIED, None), report("1", NoticePhase.INVESTIGATING, None)) == [
        ("1", NoticePhase.IDENTIFIED)
    ]


def test_a_notice_begins_with_its_first_report():
    (one,) = folded(report(seconds=-60, began_at=at(-60)), report(seconds=-HOUR, began_at=at(-HOUR)))

    assert (one.began_at, one.updated_at) == (at(-HOUR), at(-60))


@each_row(
    ("phase", "seconds", "kept"),
    [
        *((phase, -30 * DAY, True) for phase in GOING_ON if phase is not NoticePhase.UNKNOWN),
        (NoticePhase.INVESTIGATING, None, True),
        (NoticePhase.UNKNOWN, -6 * DAY, True),
        (NoticePhase.UNKNOWN, -8 * DAY, False),
        (NoticePhase.UNKNOWN, None, True),
        (NoticePhase.SCHEDULED, None, True),
        (NoticePhase.RESOLVED, -6 * DAY, True),
        (NoticePhase.RESOLVED, -8 * DAY, False),
        (NoticePhase.RESOLVED, None, False),
        (NoticePhase.SCHEDULED, -8 * DAY, False),
    ],
)
def test_what_is_long_over_or_never_said_its_phase_ages_out(phase, seconds, kept):
    assert bool(folded(report("1", phase, seconds))) == kept


def test_a_maintenance_announced_long_ago_is_kept_until_it_comes():
    planned = report("1", NoticePhase.SCHEDULED, -20 * DAY, began_at=at(2 * DAY), planned=True)

    assert folded(planned)[0].began_at == at(2 * DAY)


OURS = ["^API$", "chat completions"]


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ((), ()),
        (("API",), ("API",)),
        (("Chat Completions", "Website"), ("Chat Completions",)),
        (("Website",), None),
        (("API docs",), None),
    ],
)
def test_a_notice_that_names_only_other_components_is_dropped(named, kept):
    notices = folded(report("1", NoticePhase.IDENTIFIED, -60, *((one, Impact.MINOR) for one in named)), components=OURS)

    assert [one.components for one in notices] == ([] if kept is None else [kept])


def test_the_impact_is_the_worst_of_our_components_only():
    (one,) = folded(
        report("1", NoticePhase.IDENTIFIED, -60, ("API", Impact.MINOR), ("Website", Impact.CRITICAL)), components=OURS
    )

    assert one.impact is Impact.MINOR


@pytest.mark.parametrize(
    ("facts", "impact"),
    [
        ({"impact": Impact.MAJOR}, Impact.MAJOR),
        ({}, Impact.UNKNOWN),
        ({"planned": True}, Impact.MAINTENANCE),
        ({"phase": NoticePhase.RESOLVED, "parts": [("API", Impact.NONE)]}, Impact.UNKNOWN),
        ({"phase": NoticePhase.RESOLVED, "parts": [("API", Impact.NONE)], "impact": Impact.MAJOR}, Impact.MAJOR),
        ({"phase": NoticePhase.MONITORING, "parts": [("API", Impact.NONE)]}, Impact.NONE),
        ({"parts": [("API", Impact.UNKNOWN)], "impact": Impact.MINOR}, Impact.MINOR),
    ],
    ids=["told", "not told", "planned", "over", "over, and told", "watched", "ungraded component"],
)
def test_the_impact_is_what_is_known_of_it(facts, impact):
    facts = {"phase": NoticePhase.INVESTIGATING, "parts": []} | facts
    (one,) = folded(report("1", facts.pop("phase"), -60, *facts.pop("parts"), **facts))

    assert one.impact is impact


def test_a_critical_incident_that_names_nothing_while_all_stands_well_is_not_believed():
    alarm = report(impact=Impact.CRITICAL)

    assert folded(alarm, standings=[ComponentState("API", Impact.NONE)])[0].impact is Impact.UNKNOWN
    assert folded(alarm, standings=[ComponentState("API", Impact.MINOR)])[0].impact is Impact.CRITICAL


def test_a_date_of_2099_does_not_stay_the_newest_until_then():
    invented, real = report("1", NoticePhase.INVESTIGATING, 73 * 365 * DAY), report("1", NoticePhase.RESOLVED, -60)

    assert told(invented, real) == [("1", NoticePhase.RESOLVED)]
    assert folded(invented)[0].updated_at is None


def test_a_clock_that_is_some_minutes_ahead_is_believed():
    assert folded(report(seconds=600))[0].updated_at == at(600)


def test_an_end_that_lies_ahead_has_not_come():
    (one,) = folded(report("1", NoticePhase.RESOLVED, -60, ended_at=at(2 * HOUR), by_end=True))

    assert (one.phase, one.ended_at) == (NoticePhase.INVESTIGATING, None)


def test_an_end_in_2099_is_no_end_but_leaves_the_phase():
    (one,) = folded(report("1", NoticePhase.RESOLVED, -60, ended_at=at(73 * 365 * DAY)))

    assert (one.phase, one.ended_at) == (NoticePhase.RESOLVED, None)


def test_open_notices_stand_first_and_the_worst_of_them_before():
    reports = [
        report("over", NoticePhase.RESOLVED, -1),
        report("small", impact=Impact.MINOR),
        report("large", impact=Impact.MAJOR),
    ]

    assert [one.id for one in folded(*reports)] == ["large", "small", "over"]


EMPTY = Defective(Defect.EMPTY)

# Distrust ------------------------------------------------------------------------------------------------


def bulletin(*open_ids, components="", newest_s=0, trust=Trust.READ, **facts):
    notices = tuple(Notice(id, "Wrong", None, NoticePhase.IDENTIFIED, Impact.MINOR) for id in open_ids)
    standings = tuple(ComponentState(name, Impact.NONE) for name in components)
    newest_at = None if newest_s is None else at(newest_s)
    return Bulletin("a/b", NOON, trust, notices=notices, components=standings, newest_at=newest_at, **facts)


def doubted(*bulletins, seen=None):
    """What is doubted of each, in turn."""
    seen, problems = seen or SourceMemory(), []
    for one in bulletins:
        judged, seen = check_consistency(seen, one)
        problems.append(judged.problem)
    return problems


def test_a_source_that_goes_forward_is_believed():
    assert doubted(*(bulletin(*ids, newest_s=at_s) for at_s, ids in enumerate(["", "1", "12", "2", ""]))) == [None] * 5


def test_a_source_older_than_before_is_doubtful_and_says_so():
    before, older = bulletin(newest_s=0), bulletin("1", newest_s=-DAY, validators=Validators("etag"))

    judged, _ = check_consistency(check_consistency(SourceMemory(), before)[1], older)

    assert judged.trust is Trust.DOUBTFUL
    assert judged.problem == WentBack(at(-DAY))
    assert judged.notices == older.notices
    assert judged.validators == Validators()


def test_servers_some_minutes_apart_are_one_source():
    assert doubted(bulletin(newest_s=0), bulletin(newest_s=-240)) == [None, None]


def test_a_source_that_stays_as_it_is_now_is_believed_in_the_end():
    problems = doubted(bulletin(newest_s=0), *[bulletin(newest_s=-DAY)] * (PATIENCE + 2))

    assert [bool(one) for one in problems] == [False] + [True] * PATIENCE + [False] * 2


@pytest.mark.parametrize(
    ("now", "problem"),
    [
        ("abcd", None),
        ("abc", None),
        ("ab", None),
        ("a", ComponentsLost(3, 4)),
        ("", ComponentsLost(4, 4)),
        ("wxyz", ComponentsLost(4, 4)),
        ("abcdefgh", None),
    ],
)
def test_components_that_vanish_are_missed(now, problem):
    assert doubted(bulletin(components="abcd"), bulletin(components=now)) == [None, problem]


@pytest.mark.parametrize(
    ("states", "flips"),
    [
        ("ABAB", True),
        ("CABAB", True),
        ("ABA", False),
        ("ABBA", False),
        ("AAAA", False),
        ("ABCB", False),
        ("ABABB", False),
    ],
)
def test_a_source_that_says_one_thing_and_another_by_turns_is_doubtful(states, flips):
    problems = doubted(*(bulletin(state) for state in states))

    assert problems[-1] == (Defective(Defect.BY_TURNS) if flips else None)


def test_a_confirmed_state_breaks_the_turns():
    same = bulletin(trust=Trust.UNCHANGED)

    assert doubted(*map(bulletin, "ABA"), same, bulletin("B")) == [None] * 5


def test_what_could_not_be_read_is_not_remembered():
    _, seen = check_consistency(SourceMemory(), bulletin("1", components="abc"))
    blind = Bulletin("a/b", NOON, Trust.DOUBTFUL, PollTooSlow(30))

    assert check_consistency(seen, blind) == (blind, seen)


def test_what_is_remembered_can_be_kept_as_json():
    _, seen = check_consistency(SourceMemory(), bulletin("1", components="abc"))

    assert msgspec.json.decode(msgspec.json.encode(seen), type=SourceMemory) == seen
    assert json.loads(msgspec.json.encode(seen))["components"] == ["a", "b", "c"]


# Pace ----------------------------------------------------------------------------------------------------


@each_row(
    ("of", "failures", "quiet", "seconds"),
    [
        (bulletin(), 0, 0, 120),
        (bulletin(), 0, 5, 180),
        (bulletin(), 0, 15, 300),
        (bulletin(), 0, 10_000, 300),
        (bulletin("1"), 0, 0, 60),
        (bulletin("1", trust=Trust.UNCHANGED), 0, 0, 60),
        (bulletin(trust=Trust.DOUBTFUL, problem=EMPTY), 1, 0, 120),
        (bulletin(trust=Trust.DOUBTFUL, problem=EMPTY), 2, 0, 240),
        (bulletin(trust=Trust.DOUBTFUL, problem=EMPTY), 4, 0, 900),
        (bulletin("1", trust=Trust.DOUBTFUL, problem=EMPTY), 10_000, 0, 900),
    ],
)
def test_a_source_is_looked_at_faster_while_something_is_open_and_slower_when_quiet_or_blind(
    of, failures, quiet, seconds
):
    assert next_poll_s(of, failures, quiet, 0.0) == seconds


@given(some.integers(0, 100), some.integers(0, 1000), some.floats(0, 1, exclude_max=True), some.booleans())
def test_no_wait_is_shorter_than_most_of_a_minute_or_longer_than_fifteen(failures, quiet, chance, blind):
    one = replace(bulletin(), trust=Trust.DOUBTFUL, problem=EMPTY) if blind else bulletin()

    assert 54 <= next_poll_s(one, failures, quiet, chance) <= 900
