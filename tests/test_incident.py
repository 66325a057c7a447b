"""What opens, goes on, changes and ends: an incident is one cause, and follows the facts as long as it is open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.detect.health import Health, State
from monitor.diagnose.announcement import announce
from monitor.diagnose.diagnosis import FLAP, Diagnosis, Evidence
from monitor.diagnose.incident import (
    SEVERITIES,
    Announcement,
    Change,
    ChangeKind,
    Severity,
    absence_change,
    date_at,
    open_incident,
)
from monitor.diagnose.lifecycle import UNWATCHED, advance_incidents, fading_incidents
from monitor.diagnose.reason import NeutralHosts
from monitor.diagnose.stage_failure import Stage, add_failure
from monitor.diagnose.subject import Scope, read_subject
from probes.model import Blame, Confidence, Fault
from tests.conftest import at

TARGETS = ("openai/main/chat", "openai/main/list")


def diagnosis(fault=Fault.ACCOUNT_SUSPENDED, scope=Scope.ACCOUNT, subject="openai/main", targets=TARGETS, **facts):
    return Diagnosis(read_subject(scope, subject), fault, Confidence.HIGH, at(0), ("why",), targets, (), **facts)


ILL = dict.fromkeys(TARGETS)


def changes_of(incidents, diagnoses, well_since=ILL, seconds=60):
    return advance_incidents(incidents, diagnoses, well_since, at(seconds)).changes


def kinds(incidents, diagnoses, well_since=ILL, seconds=60):
    changes = changes_of(incidents, diagnoses, well_since, seconds)
    return [(change.kind, change.incident.subject) for change in changes]


def play(*steps, well_since=ILL):
    """Let one trouble after the other come, each with its instant; return what changed and what is open then."""
    incidents, told = [], []
    for seconds, diagnoses, *well in steps:
        course = advance_incidents(incidents, diagnoses, well[0] if well else well_since, at(seconds))
        after = {one.id: one for one in (*incidents, *course.refreshed)}
        after |= {change.incident.id: change.incident for change in course.changes}
        incidents = [one for one in after.values() if one.closed_at is None]
        told += [(seconds, change.kind, change.incident) for change in course.changes]
    return told, incidents


ACCOUNT = diagnosis(Fault.SERVER_ERROR)
PROVIDER = diagnosis(Fault.SERVER_ERROR, Scope.PROVIDER, "openai", (*TARGETS, "openai/b/list"))
ALL_ILL = dict.fromkeys(PROVIDER.targets)


def test_what_turns_out_to_be_wider_is_the_same_incident_and_told_again():
    told, (one,) = play((60, [ACCOUNT]), (70, [PROVIDER]), well_since=ALL_ILL)

    assert [(kind, one.subject) for _, kind, one in told] == [
        (ChangeKind.OPENED, "openai/main"),
        (ChangeKind.CHANGED, "openai"),
    ]
    assert len({one.id for _, _, one in told}) == 1
    assert (one.scope, one.targets) == (Scope.PROVIDER, tuple(sorted(PROVIDER.targets)))


def test_what_joins_within_its_width_is_noted_and_told_nobody():
    fewer = replace(PROVIDER, targets=PROVIDER.targets[:2])
    told, (one,) = play((60, [fewer]), (70, [PROVIDER]), well_since=ALL_ILL)

    assert [kind for _, kind, _ in told] == [ChangeKind.OPENED, ChangeKind.UPDATED]
    assert set(one.targets) == set(PROVIDER.targets)


def test_reasons_are_those_of_now_and_make_no_row():
    again = replace(ACCOUNT, reasons=("other",))
    told, (one,) = play((60, [ACCOUNT]), (70, [again]))

    assert [kind for _, kind, _ in told] == [ChangeKind.OPENED]
    assert (one.reasons, one.reasoned_at) == (("other",), at(70))


def test_it_ends_when_nothing_that_it_ever_covered_fails():
    rest = diagnosis(Fault.SERVER_ERROR, Scope.ACCOUNT, "openai/b", ("openai/b/list",))
    half = {**dict.fromkeys(TARGETS, at(100)), "openai/b/list": None}
    told, left = play(
        *((60, [PROVIDER], ALL_ILL), (110, [rest], half), (200, [rest], half)),
        (300, [], dict.fromkeys(TARGETS, at(100)) | {"openai/b/list": at(290)}),
    )

    assert left == []
    assert [(at_, kind) for at_, kind, _ in told] == [
        (60, ChangeKind.OPENED),
        (110, ChangeKind.UPDATED),  # who failed then
        (200, ChangeKind.UPDATED),  # how narrow it is when the rest had time to follow
        (300, ChangeKind.RESOLVED),
    ]
    narrow, over = told[2][2], told[3][2]
    assert (narrow.scope, narrow.subject) == (Scope.ACCOUNT, "openai/b")
    assert (over.subject, over.opened_at, over.closed_at) == ("openai", at(0), at(290))
    assert set(over.targets) == set(PROVIDER.targets)


def test_what_fails_without_a_diagnosis_keeps_it_open():
    told, (one,) = play((60, [PROVIDER], ALL_ILL), (90, [], {**dict.fromkeys(TARGETS, at(80)), "openai/b/list": None}))

    assert [kind for _, kind, _ in told] == [ChangeKind.OPENED]
    assert one.closed_at is None


def test_what_remains_in_parts_opens_nothing_new():
    parts = [
        diagnosis(Fault.SERVER_ERROR, Scope.MODEL, "openai/main/chat", TARGETS[:1]),
        diagnosis(Fault.SERVER_ERROR, Scope.ACCOUNT, "openai/b", ("openai/b/list",)),
    ]
    told, _ = play((60, [PROVIDER]), (90, parts), (300, parts), well_since={**ALL_ILL, TARGETS[1]: at(80)})

    assert {kind for _, kind, _ in told} == {ChangeKind.OPENED, ChangeKind.UPDATED}
    assert len({one.id for _, _, one in told}) == 1


def test_a_suspension_during_an_outage_is_a_trouble_of_its_own():
    suspended = diagnosis(targets=("openai/b/list",), subject="openai/b")
    rest = replace(PROVIDER, targets=TARGETS)
    told, left = play((60, [PROVIDER]), (90, [rest, suspended]), well_since=ALL_ILL)

    assert [(kind, one.subject) for _, kind, one in told] == [
        (ChangeKind.OPENED, "openai"),
        (ChangeKind.OPENED, "openai/b"),
        (ChangeKind.UPDATED, "openai"),
    ]
    assert len(left) == 2


def test_an_account_that_was_lost_meanwhile_does_not_keep_its_providers_outage_open():
    suspended = diagnosis(targets=("openai/b/list",), subject="openai/b")
    rest, back = replace(PROVIDER, targets=TARGETS), {**dict.fromkeys(TARGETS, at(290)), "openai/b/list": None}
    told, (left,) = play((60, [PROVIDER], ALL_ILL), (90, [rest, suspended], ALL_ILL), (300, [suspended], back))

    (over,) = (one for _, kind, one in told if kind is ChangeKind.RESOLVED)
    assert (over.subject, over.closed_at) == ("openai", at(290))
    assert left.subject == "openai/b"


def test_an_outage_is_no_part_of_an_account_that_was_lost_meanwhile():
    """One of its targets was refused, and the other not asked since: that the outage ended is told all the same."""
    both = ("openai/b/chat/gpt-5", "openai/b/list")
    every = (*TARGETS, *both)
    suspended = diagnosis(targets=both[1:], subject="openai/b")
    outage, ill = replace(PROVIDER, targets=every), dict.fromkeys(every)
    back = {**dict.fromkeys(TARGETS, at(290)), **dict.fromkeys(both)}
    told, _ = play(
        (60, [outage], ill),
        (90, [outage, suspended], ill),
        (300, [suspended], back),
        (310, [replace(suspended, targets=both)], back),
    )

    its = [kind for _, kind, one in told if one.subject == "openai"]
    assert (its[0], its[-1]) == (ChangeKind.OPENED, ChangeKind.RESOLVED)
    assert ChangeKind.MERGED not in its


def test_an_outage_is_not_over_while_all_that_it_hit_is_lost_otherwise():
    """Nobody was seen to recover from it."""
    suspended = diagnosis(targets=PROVIDER.targets, subject="openai/main")
    told, _ = play((60, [PROVIDER]), (90, [suspended]), well_since=ALL_ILL)

    assert [kind for _, kind, _ in told] == [ChangeKind.OPENED, ChangeKind.MERGED, ChangeKind.OPENED]


def test_a_key_that_is_refused_first_and_suspended_then_is_told_as_suspended():
    told, (one,) = play((60, [diagnosis(Fault.INVALID_KEY)]), (90, [diagnosis(Fault.ACCOUNT_SUSPENDED)]))

    assert [kind for _, kind, _ in told] == [ChangeKind.OPENED, ChangeKind.CHANGED]
    assert one.fault is Fault.ACCOUNT_SUSPENDED


def test_whom_a_witness_clears_is_told_again():
    undecided = diagnosis(Fault.INVALID_KEY, Scope.PROVIDER, "openai", PROVIDER.targets, blamed=Blame.UNKNOWN)
    ours = diagnosis(Fault.INVALID_KEY)
    told, (one,) = play((60, [undecided]), (300, [ours]), well_since={**ALL_ILL, "openai/b/list": at(100)})

    assert [kind for _, kind, _ in told] == [ChangeKind.OPENED, ChangeKind.CHANGED]
    assert (one.scope, one.blame) == (Scope.ACCOUNT, Blame.ACCOUNT)


OFFLINE = diagnosis(
    Fault.CONNECTION_FAILED, Scope.MONITOR, "", ("openai/main/list", "groq/main/list"), blamed=Blame.UNKNOWN
)
NOTHING = dict.fromkeys(OFFLINE.targets)


def test_who_is_not_back_yet_when_the_road_is_back_is_not_blamed():
    rest = diagnosis(Fault.CONNECTION_FAILED, Scope.PROVIDER, "groq", ("groq/main/list",))
    back = {**NOTHING, "openai/main/list": at(100)}

    told, left = play((60, [OFFLINE], NOTHING), (105, [rest], back), (140, [], {**back, "groq/main/list": at(130)}))
    assert [(kind, one.scope, one.closed_at) for _, kind, one in told if kind is not ChangeKind.UPDATED] == [
        (ChangeKind.OPENED, Scope.MONITOR, None),
        (ChangeKind.RESOLVED, Scope.MONITOR, at(100)),
    ]
    assert left == []

    asked = replace(rest, evidence=(Evidence("groq/main/list", at(150), Fault.CONNECTION_FAILED, "road", ""),))
    told, left = play((60, [OFFLINE], NOTHING), (105, [rest], back), (200, [asked], back))
    assert [(kind, one.scope) for _, kind, one in told if kind is not ChangeKind.UPDATED] == [
        (ChangeKind.OPENED, Scope.MONITOR),
        (ChangeKind.RESOLVED, Scope.MONITOR),
        (ChangeKind.OPENED, Scope.PROVIDER),
    ]


def test_an_overload_that_went_on_meanwhile_does_not_become_the_road_that_is_not_back_yet():
    overload = diagnosis(Fault.OVERLOADED, Scope.PROVIDER, "groq", ("groq/main/list",))
    road = diagnosis(Fault.CONNECTION_FAILED, Scope.EGRESS, "", ("groq/main/list",), blamed=Blame.PATH)
    back = {**NOTHING, "openai/main/list": at(100)}

    told, left = play((60, [overload], NOTHING), (90, [OFFLINE], NOTHING), (105, [road], back), (150, [overload], back))
    assert [(kind, one.scope) for _, kind, one in told if kind is not ChangeKind.UPDATED] == [
        (ChangeKind.OPENED, Scope.PROVIDER),
        (ChangeKind.OPENED, Scope.MONITOR),
        (ChangeKind.RESOLVED, Scope.MONITOR),
    ]
    assert [(one.scope, one.fault, one.blame) for one in left] == [(Scope.PROVIDER, Fault.OVERLOADED, Blame.PROVIDER)]


def met(target, seconds, fault=Fault.CONNECTION_FAILED, status=None):
    return Evidence(target, at(seconds), fault, "rule", "words", status)


def test_a_refusal_is_an_answer_too_so_the_road_is_back():
    first, second = OFFLINE.targets
    offline = replace(OFFLINE, evidence=(met(first, 50), met(second, 50)))
    overloaded = diagnosis(Fault.OVERLOADED, Scope.PROVIDER, "openai", (first,))
    overloaded = replace(overloaded, evidence=(met(first, 100, Fault.OVERLOADED, 503),))
    late = replace(diagnosis(Fault.CONNECTION_FAILED, Scope.EGRESS, "", (second,)), evidence=(met(second, 90),))
    told, _ = play((60, [offline]), (105, [overloaded, late]), (150, [overloaded]), well_since=NOTHING)

    assert [(seconds, kind, one.scope) for seconds, kind, one in told] == [
        (60, ChangeKind.OPENED, Scope.MONITOR),
        (105, ChangeKind.OPENED, Scope.PROVIDER),
        (150, ChangeKind.RESOLVED, Scope.MONITOR),
    ]
    assert told[-1][2].closed_at == at(100)


def test_what_stays_out_of_reach_while_the_rest_of_the_world_is_not_is_the_road_after_all():
    def road(seconds):
        found = diagnosis(Fault.CONNECTION_FAILED, Scope.EGRESS, "", OFFLINE.targets)
        evidence = tuple(met(target, seconds) for target in OFFLINE.targets)
        return replace(found, reasons=(NeutralHosts(reached=True),), evidence=evidence)

    told, _ = play((60, [OFFLINE]), (80, [road(50)]), (104, [road(100)]), (105, [road(100)]), well_since=NOTHING)

    assert [(seconds, kind, one.scope) for seconds, kind, one in told] == [
        (60, ChangeKind.OPENED, Scope.MONITOR),
        (105, ChangeKind.RESOLVED, Scope.MONITOR),
        (105, ChangeKind.OPENED, Scope.EGRESS),
    ]
    assert told[1][2].closed_at == at(60)


def test_what_nobody_can_see_while_nothing_can_be_reached_is_no_news_when_it_is_seen_again():
    seen, back = replace(OFFLINE, evidence=(met(OFFLINE.targets[0], 80),)), {**NOTHING, OFFLINE.targets[1]: at(300)}
    limited = diagnosis(Fault.OVERLOADED, Scope.PROVIDER, "openai", OFFLINE.targets[:1])
    told, (left,) = play((60, [limited]), (90, [seen]), (310, [limited]), (360, [limited]), well_since=back)

    assert [(kind, one.scope) for _, kind, one in told] == [
        (ChangeKind.OPENED, Scope.PROVIDER),
        (ChangeKind.OPENED, Scope.MONITOR),
        (ChangeKind.RESOLVED, Scope.MONITOR),
    ]
    assert left.subject == "openai"


@pytest.mark.parametrize(
    ("other", "may_be_over"),
    [
        (Health(State.DOWN, failures=3, seen_at=at(100), fault=Fault.TIMEOUT), False),
        (Health(State.DOWN, successes=1, seen_at=at(90), fault=Fault.TIMEOUT), True),
        (Health(State.UP, successes=2, seen_at=at(90)), True),
        (Health(State.DOWN, failures=4, seen_at=at(90), fault=Fault.OVERLOADED, status=503), True),
    ],
)
def test_one_answer_shows_that_the_road_is_back(other, may_be_over):
    offline, first = open_incident(OFFLINE), Health(State.DOWN, failures=3, seen_at=at(100), fault=Fault.TIMEOUT)
    healths = dict(zip(OFFLINE.targets, (first, other), strict=True))

    assert (offline.id in fading_incidents([offline], healths)) is may_be_over


def test_a_suspended_account_stays_what_it_is_while_nothing_can_be_reached():
    told, left = play(
        (60, [diagnosis(targets=("groq/main/list",), subject="groq/main")], NOTHING), (90, [OFFLINE], NOTHING)
    )

    assert [(kind, one.subject) for _, kind, one in told] == [
        (ChangeKind.OPENED, "groq/main"),
        (ChangeKind.OPENED, ""),
    ]


def test_a_diagnosis_opens_an_incident_dated_when_it_began():
    (change,) = changes_of([], [diagnosis()])

    assert (change.kind, change.at, change.incident.opened_at) == (ChangeKind.OPENED, at(60), at(0))


def test_it_opens_once():
    assert kinds([open_incident(diagnosis())], [diagnosis()]) == []


def test_what_may_widen_does_not_open_yet():
    assert kinds([], [diagnosis(settled=False)]) == []


def test_but_it_keeps_open_what_is_open():
    assert kinds([open_incident(diagnosis())], [diagnosis(settled=False)]) == []


def test_it_is_resolved_when_the_diagnosis_is_gone():
    (change,) = changes_of([open_incident(diagnosis())], [], dict.fromkeys(TARGETS, at(45)))

    assert (change.kind, change.at, change.incident.closed_at) == (ChangeKind.RESOLVED, at(60), at(45))


def test_a_change_of_blame_is_told():
    standing = open_incident(diagnosis(Fault.TIMEOUT))

    assert kinds([standing], [diagnosis(Fault.ACCOUNT_SUSPENDED)]) == [(ChangeKind.CHANGED, "openai/main")]


def test_faults_of_one_outage_may_alternate():
    assert kinds([open_incident(diagnosis(Fault.TIMEOUT))], [diagnosis(Fault.SERVER_ERROR)]) == []


def test_an_account_that_is_no_longer_watched_is_not_called_resolved():
    (change,) = changes_of([open_incident(diagnosis())], [], {"openai/other/chat": None})

    assert (change.kind, change.incident.subject) == (ChangeKind.WITHDRAWN, "openai/main")
    assert change.incident.ending == UNWATCHED


SOURCE = diagnosis(Fault.INVALID_RESPONSE, Scope.SOURCE, "openai/page", (), signal=True)
OBJECTIVE = diagnosis(Fault.TIMEOUT, Scope.OBJECTIVE, "openai/main/answers", (), signal=True)


@pytest.mark.parametrize("sign", [SOURCE, OBJECTIVE])
@pytest.mark.parametrize(
    ("named", "kind", "ending"), [(True, ChangeKind.RESOLVED, None), (False, ChangeKind.WITHDRAWN, UNWATCHED)]
)
def test_a_status_source_or_an_objective_that_was_taken_out_is_no_longer_watched(sign, named, kind, ending):
    names = ["groq/page", sign.subject] if named else ["groq/page"]
    (change,) = advance_incidents([open_incident(sign)], [], ILL, at(60), named=names).changes

    assert (change.kind, change.incident.ending) == (kind, ending)


def test_nothing_lies_ahead_of_now_and_nothing_ends_before_it_began():
    one = replace(open_incident(diagnosis()), opened_at=at(100), detected_at=at(110), closed_at=at(90))
    change = date_at(Change(one, ChangeKind.RESOLVED, at(120)), at(60))

    assert change.at == at(60)
    assert (change.incident.opened_at, change.incident.closed_at, change.incident.detected_at) == (
        at(60),
        at(60),
        at(60),
    )
    told = Change(open_incident(diagnosis()), ChangeKind.OPENED, at(30))
    assert date_at(told, at(60)) is told


def test_drills_are_left_alone():
    assert kinds([open_incident(diagnosis(targets=()), drill=True)], []) == []


def test_a_drill_and_a_real_incident_do_not_share_an_id():
    assert open_incident(diagnosis()).id != open_incident(diagnosis(), drill=True).id


def test_ids_say_when_and_are_fit_for_an_address():
    assert open_incident(diagnosis()).id.startswith("20261121-120000-")


PLACES = st.text(max_size=9)


@given(PLACES, PLACES)
def test_what_two_places_see_at_one_instant_has_one_id_only_where_they_are_one(one, other):
    seen = [open_incident(diagnosis(), location=place).id for place in (one, other)]
    gaps = [absence_change(at(0), at(600), place).incident.id for place in (one, other)]
    failing = [add_failure(None, Stage.PROBE, "x", at(0)).incident(place).id for place in (one, other)]

    assert (seen[0] == seen[1]) == (gaps[0] == gaps[1]) == (failing[0] == failing[1]) == (one == other)


def test_the_incidents_that_open_are_of_the_place_that_they_are_seen_from():
    for cause in (diagnosis(), LOW):
        ids = {
            advance_incidents([], [cause], ILL, at(60), location=place).changes[0].incident.id
            for place in ("here", "there")
        }
        assert len(ids) == 2


def test_changes_of_one_incident_have_ids_of_their_own():
    (opened,) = changes_of([], [diagnosis()])
    closed = replace(opened, kind=ChangeKind.RESOLVED)

    assert opened.id != closed.id


def test_every_fault_has_a_severity():
    assert set(SEVERITIES) == set(Fault)


@pytest.mark.parametrize(
    ("cause", "severity"),
    [
        (diagnosis(Fault.ACCOUNT_SUSPENDED), Severity.CRITICAL),
        (diagnosis(Fault.INVALID_KEY), Severity.CRITICAL),  # leaked, and disabled for that
        (diagnosis(Fault.QUOTA_EXHAUSTED), Severity.CRITICAL),
        (diagnosis(Fault.LOW_BALANCE, targets=(), signal=True), Severity.WARNING),
        (diagnosis(Fault.TIMEOUT, Scope.SOURCE, "openai/page", ()), Severity.INFO),
        (diagnosis(Fault.TIMEOUT, Scope.OBJECTIVE, "answers", (), signal=True), Severity.WARNING),
    ],
)
def test_how_grave_it_is_comes_from_its_cause_and_scope(cause, severity):
    assert open_incident(cause).severity is severity


LOW = diagnosis(Fault.LOW_BALANCE, targets=(), signal=True)


def test_a_sign_opens_beside_another_trouble_of_its_account():
    standing = open_incident(diagnosis(Fault.RATE_LIMITED))

    assert kinds([standing], [diagnosis(Fault.RATE_LIMITED), LOW]) == [(ChangeKind.OPENED, "openai/main")]


def test_two_signs_of_one_account_are_two_incidents():
    ends = diagnosis(Fault.EXPIRES_SOON, targets=(), signal=True)

    changes = changes_of([], [LOW, ends])

    assert len({change.incident.id for change in changes}) == 2
    assert kinds([change.incident for change in changes], [LOW, ends]) == []


@pytest.mark.parametrize(
    ("diagnoses", "watched", "kind"),
    [
        ([], ILL, ChangeKind.RESOLVED),
        ([diagnosis(Fault.QUOTA_EXHAUSTED)], ILL, ChangeKind.MERGED),  # it has come
        ([diagnosis(targets=("openai/other/chat",), subject="openai/other")], ILL, ChangeKind.RESOLVED),
        ([], {"openai/other/chat": None}, ChangeKind.WITHDRAWN),
    ],
)
def test_a_sign_ends_when_it_is_seen_no_more(diagnoses, watched, kind):
    changes = changes_of([open_incident(LOW)], diagnoses, watched)

    assert [(change.kind, change.incident.closed_at) for change in changes if change.incident.signal] == [
        (kind, at(60))
    ]


def test_a_sign_keeps_no_ended_trouble_open():
    standing = open_incident(diagnosis(Fault.SERVER_ERROR))

    assert kinds([standing, open_incident(LOW)], [LOW], dict.fromkeys(TARGETS, at(59))) == [
        (ChangeKind.RESOLVED, "openai/main")
    ]


WIDE = diagnosis(Fault.SERVER_ERROR, Scope.PROVIDER, "openai", (*TARGETS, "openai/b/list"))
OTHER = diagnosis(Fault.SERVER_ERROR, Scope.ACCOUNT, "openai/b", ("openai/b/list",))


def merged():
    """Two accounts' incidents, of which one goes on as their provider's and the other is part of that."""
    narrow, other = open_incident(diagnosis(Fault.SERVER_ERROR)), open_incident(OTHER)
    child, whole = (change.incident for change in changes_of([narrow, other], [WIDE], ALL_ILL))
    return child, whole


def test_of_two_that_turn_out_to_be_one_the_larger_goes_on_and_the_other_is_part_of_it():
    narrow, other = open_incident(diagnosis(Fault.SERVER_ERROR)), open_incident(OTHER)

    assert kinds([narrow, other], [WIDE], ALL_ILL) == [(ChangeKind.MERGED, "openai/b"), (ChangeKind.CHANGED, "openai")]
    child, whole = merged()
    assert (child.parent, child.closed_at) == (whole.id, None)
    assert kinds([child, whole], [WIDE], ALL_ILL) == []


def test_a_width_that_is_not_settled_is_waited_for():
    assert kinds([open_incident(diagnosis(Fault.SERVER_ERROR))], [replace(WIDE, settled=False)], ALL_ILL) == [
        (ChangeKind.UPDATED, "openai/main")
    ]


def test_a_part_that_recovers_ends_while_the_whole_goes_on():
    child, whole = merged()
    well = {**ALL_ILL, "openai/b/list": at(70)}

    assert kinds([child, whole], [replace(WIDE, targets=TARGETS)], well, 80) == [
        (ChangeKind.RESOLVED, "openai/b"),
        (ChangeKind.UPDATED, "openai"),
    ]


def test_a_part_and_the_whole_end_together():
    child, whole = merged()
    well = dict.fromkeys(WIDE.targets, at(70))

    assert sorted(kinds([child, whole], [], well, 80)) == [
        (ChangeKind.RESOLVED, "openai"),
        (ChangeKind.RESOLVED, "openai/b"),
    ]


def test_what_was_back_when_it_became_part_of_a_wider_trouble_is_another_one_when_it_fails_again():
    """The part must lend it neither its begin nor its name, and is over when what failed on is back."""
    chat, others = "openai/b/chat", ("openai/b/list", "openai/b/embed")
    well = {**ALL_ILL, **dict.fromkeys(others), chat: at(60)}
    part = replace(open_incident(OTHER), targets=("openai/b/list",), covered=(*others, chat))
    child, whole = (
        change.incident for change in changes_of([part, open_incident(diagnosis(Fault.SERVER_ERROR))], [WIDE], well)
    )
    again = diagnosis(Fault.SERVER_ERROR, Scope.CAPABILITY, "openai/b/chat", (chat,))
    again = replace(again, since=at(3600))

    changes = changes_of([child, whole], [WIDE, again], {**well, chat: None}, 3700)
    assert [(one.kind, one.incident.subject, one.incident.opened_at) for one in changes] == [
        (ChangeKind.OPENED, "openai/b/chat", at(3600))
    ]
    ends = changes_of([child, whole], [replace(WIDE, targets=TARGETS)], {**well, chat: None, others[0]: at(70)}, 3700)
    assert [(one.kind, one.incident.subject, one.incident.closed_at) for one in ends][:1] == [
        (ChangeKind.RESOLVED, "openai/b", at(70))
    ]


def sign(subject, *targets, fault=Fault.TIMEOUT, rule=FLAP):
    seen = tuple(Evidence(target, at(0), fault, rule, "") for target in targets)
    scope = Scope.ACCOUNT if "/" in subject else Scope.PROVIDER
    return replace(diagnosis(fault, scope, subject, (), signal=True), evidence=seen)


def test_the_end_of_a_sign_of_all_that_answers_at_an_address_of_its_own_is_told():
    standing = open_incident(sign("openai@gateway.example.com", TARGETS[0]))

    assert kinds([standing], []) == [(ChangeKind.RESOLVED, "openai@gateway.example.com")]
    assert kinds([standing], [], {"openai/other/chat": None}) == [(ChangeKind.WITHDRAWN, "openai@gateway.example.com")]


AWAY = dict.fromkeys(("openai/main", "openai/b"), "gateway.example.com")


def ends(standing, diagnoses=(), well_since=ILL, hosts=AWAY):
    course = advance_incidents([standing], diagnoses, well_since, at(60), hosts=hosts)
    return [change.kind for change in course.changes if change.incident.id == standing.id]


@pytest.mark.parametrize(
    ("subject", "watched", "kind"),
    [
        ("openai@gateway.example.com", "openai/b/list", ChangeKind.RESOLVED),  # its neighbour is still there
        ("openai@gateway.example.com", "openai/other/list", ChangeKind.WITHDRAWN),
        ("openai", "openai/other/list", ChangeKind.RESOLVED),
        ("openai", "openai/b/list", ChangeKind.WITHDRAWN),
    ],
)
def test_a_sign_of_all_is_over_while_one_of_its_accounts_is_watched_and_else_withdrawn(subject, watched, kind):
    standing = open_incident(sign(subject, TARGETS[0], fault=Fault.SLOW, rule="latency/total/pool"))

    assert ends(standing, well_since={watched: None}) == [kind]


@pytest.mark.parametrize("scope", [Scope.PROVIDER, Scope.EGRESS])
def test_a_sign_of_all_at_an_address_is_not_over_when_its_accounts_fail(scope):
    standing = open_incident(
        sign("openai@gateway.example.com", TARGETS[0], fault=Fault.SLOW, rule="latency/total/pool")
    )
    subject = "openai@gateway.example.com" if scope is Scope.PROVIDER else ""
    cause = diagnosis(Fault.CONNECTION_FAILED, scope, subject, ("openai/b/list", "openai/main/list"))

    assert ends(standing, [cause]) == [ChangeKind.MERGED]
    assert ends(standing, [replace(cause, targets=("openai/other/list",))]) == [ChangeKind.RESOLVED]


def test_a_sign_is_withdrawn_with_its_last_account_though_the_providers_page_is_still_read():
    standing = open_incident(sign("openai", TARGETS[0], fault=Fault.SLOW, rule="latency/total/pool"))
    course = advance_incidents([standing], [], {"groq/main/list": None}, at(60), named={"openai/page"})

    assert [one.kind for one in course.changes] == [ChangeKind.WITHDRAWN]


def test_an_open_incident_of_before_goes_on_though_it_does_not_say_the_address():
    before = open_incident(diagnosis())
    now = replace(diagnosis(), about=replace(before.about, host="gateway.example.com"))

    assert changes_of([before], [now]) == ()
    old_sign, new_sign = (replace(one, signal=True, targets=()) for one in (diagnosis(), now))
    course = advance_incidents([open_incident(old_sign)], [new_sign], ILL, at(60))
    assert (course.changes, [one.about for one in course.refreshed]) == ((), [now.about])


def test_a_sign_that_widens_is_told_on_by_the_wider_one():
    narrow, wide = sign("openai/main", TARGETS[0]), sign("openai", *TARGETS)

    assert kinds([open_incident(narrow)], [wide]) == [(ChangeKind.MERGED, "openai/main"), (ChangeKind.OPENED, "openai")]
    other = sign("openai", *TARGETS, fault=Fault.SLOW, rule="latency")
    assert kinds([open_incident(narrow)], [other])[0] == (ChangeKind.RESOLVED, "openai/main")


def test_what_comes_and_goes_is_told_beside_another_sign_of_the_same():
    refusals, row = sign("openai/main", TARGETS[0], rule="flicker/refusals"), sign("openai/main", TARGETS[1])

    assert kinds([open_incident(refusals)], [refusals, row]) == [(ChangeKind.OPENED, "openai/main")]


def test_what_comes_and_goes_is_calm_when_all_of_it_is():
    both, rest = sign("openai", *TARGETS), sign("openai/main", TARGETS[0], fault=Fault.SERVER_ERROR)
    standing = open_incident(both)

    assert kinds([standing], [rest], seconds=10**5) == []
    assert kinds([standing], []) == [(ChangeKind.RESOLVED, "openai")]


def test_it_is_noted_when_we_were_sure():
    (change,) = changes_of([], [diagnosis()])

    assert change.incident.detected_at == at(60)


def said(seconds, title="Elevated errors"):
    return Announcement(at(seconds), title, "https://status.example.com/1", "openai/summary")


@pytest.mark.parametrize(
    ("announcements", "lead_s"),
    [
        ([said(720)], 660),  # we knew eleven minutes before the page
        ([said(-240)], -300),  # the page knew five minutes before us
        ([said(900), said(720), said(1000)], 660),
        ([said(-3 * 3600)], None),  # of another trouble
        ([said(-3 * 3600), said(720)], 660),
        ([], None),
    ],
)
def test_the_lead_is_counted_to_the_first_word_of_the_providers_page(announcements, lead_s):
    (opened,) = changes_of([], [WIDE])

    changes = announce([opened.incident], {"openai": announcements}, at(2000))

    leads = [change.incident.lead.total_seconds() for change in changes]
    assert leads == ([] if lead_s is None else [lead_s])


def test_a_page_speaks_of_its_provider_and_of_no_account():
    ours, other = open_incident(diagnosis()), open_incident(replace(WIDE, about=read_subject(Scope.PROVIDER, "groq")))

    assert announce([ours, other], {"openai": [said(60)]}, at(90)) == []


def test_what_was_announced_once_is_not_announced_again():
    (change,) = announce([open_incident(WIDE)], {"openai": [said(60)]}, at(90))

    assert change.kind is ChangeKind.ANNOUNCED
    assert announce([change.incident], {"openai": [said(60), said(30)]}, at(95)) == []
