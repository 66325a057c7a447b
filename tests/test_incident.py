import pytest
from msgspec.structs import replace

from monitor.diagnose import FLAP, Diagnosis, Evidence, Scope
from monitor.incident import (
    SEVERITIES,
    Announcement,
    Change,
    ChangeKind,
    Severity,
    advance,
    announce,
    as_of,
    open_incident,
)
from probes.model import Confidence, Fault
from tests.conftest import at

TARGETS = ("openai/main/chat", "openai/main/list")


def diagnosis(fault=Fault.ACCOUNT_SUSPENDED, scope=Scope.ACCOUNT, subject="openai/main", targets=TARGETS, **facts):
    return Diagnosis(scope, subject, fault, Confidence.HIGH, at(0), ("why",), targets, (), **facts)


ILL = dict.fromkeys(TARGETS)


def kinds(incidents, diagnoses, well_since=ILL, seconds=60):
    return [(change.kind, change.incident.subject) for change in advance(incidents, diagnoses, well_since, at(seconds))]


def test_what_spread_to_more_of_its_accounts_meanwhile_is_a_part_of_it_too():
    outage = diagnosis(Fault.SERVER_ERROR, Scope.PROVIDER, "openai", ("openai/main/list", "openai/b/list"))
    rest = diagnosis(Fault.SERVER_ERROR, Scope.ACCOUNT, "openai/b", ("openai/b/list", "openai/b/chat"))
    well = {"openai/main/list": at(50), "openai/b/list": None, "openai/b/chat": None}

    assert kinds([open_incident(outage)], [rest], well, seconds=60) == []
    assert kinds([open_incident(outage)], [rest], well, seconds=96) == [
        (ChangeKind.RESOLVED, "openai"),
        (ChangeKind.OPENED, "openai/b"),
    ]


def test_a_diagnosis_opens_an_incident_dated_when_it_began():
    (change,) = advance([], [diagnosis()], ILL, at(60))

    assert (change.kind, change.at, change.incident.opened_at) == (ChangeKind.OPENED, at(60), at(0))


def test_it_opens_once():
    assert kinds([open_incident(diagnosis())], [diagnosis()]) == []


def test_what_may_widen_does_not_open_yet():
    assert kinds([], [diagnosis(settled=False)]) == []


def test_but_it_keeps_open_what_is_open():
    assert kinds([open_incident(diagnosis())], [diagnosis(settled=False)]) == []


def test_it_is_resolved_when_the_diagnosis_is_gone():
    (change,) = advance([open_incident(diagnosis())], [], dict.fromkeys(TARGETS, at(45)), at(60))

    assert (change.kind, change.at, change.incident.closed_at) == (ChangeKind.RESOLVED, at(60), at(45))


def test_while_part_of_it_has_just_recovered_it_neither_ends_nor_shrinks():
    standing, rest = (
        open_incident(diagnosis(Fault.SERVER_ERROR)),
        diagnosis(Fault.SERVER_ERROR, Scope.CAPABILITY, "openai/main/chat", TARGETS[:1]),
    )
    half = {TARGETS[0]: None, TARGETS[1]: at(50)}

    assert kinds([standing], [rest], half, seconds=60) == []
    assert kinds([standing], [rest], half, seconds=96) == [
        (ChangeKind.RESOLVED, "openai/main"),
        (ChangeKind.OPENED, "openai/main/chat"),
    ]


def test_a_change_of_blame_is_told():
    standing = open_incident(diagnosis(Fault.TIMEOUT))

    assert kinds([standing], [diagnosis(Fault.ACCOUNT_SUSPENDED)]) == [(ChangeKind.CHANGED, "openai/main")]


def test_faults_of_one_outage_may_alternate():
    assert kinds([open_incident(diagnosis(Fault.TIMEOUT))], [diagnosis(Fault.SERVER_ERROR)]) == []


def test_a_narrow_incident_is_merged_into_the_wider_one_and_not_called_resolved():
    narrow = open_incident(diagnosis(Fault.SERVER_ERROR))
    wide = diagnosis(Fault.SERVER_ERROR, Scope.PROVIDER, "openai", (*TARGETS, "openai/b/list"))

    assert kinds([narrow], [wide]) == [(ChangeKind.MERGED, "openai/main"), (ChangeKind.OPENED, "openai")]


def test_an_account_that_is_no_longer_watched_is_not_called_resolved():
    (change,) = advance([open_incident(diagnosis())], [], {"openai/other/chat": None}, at(60))

    assert (change.kind, change.incident.subject) == (ChangeKind.WITHDRAWN, "openai/main")
    assert "no longer watched" in change.incident.ending


def test_nothing_lies_ahead_of_now_and_nothing_ends_before_it_began():
    one = replace(open_incident(diagnosis()), opened_at=at(100), detected_at=at(110), closed_at=at(90))
    change = as_of(Change(one, ChangeKind.RESOLVED, at(120)), at(60))

    assert change.at == at(60)
    assert (change.incident.opened_at, change.incident.closed_at, change.incident.detected_at) == (
        at(60),
        at(60),
        at(60),
    )
    told = Change(open_incident(diagnosis()), ChangeKind.OPENED, at(30))
    assert as_of(told, at(60)) is told


def test_drills_are_left_alone():
    assert kinds([open_incident(diagnosis(targets=()), drill=True)], []) == []


def test_a_drill_and_a_real_incident_do_not_share_an_id():
    assert open_incident(diagnosis()).id != open_incident(diagnosis(), drill=True).id


def test_ids_say_when_and_are_fit_for_an_address():
    assert open_incident(diagnosis()).id.startswith("20261121-120000-")


def test_changes_of_one_incident_have_ids_of_their_own():
    (opened,) = advance([], [diagnosis()], ILL, at(60))
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

    changes = advance([], [LOW, ends], ILL, at(60))

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
    changes = advance([open_incident(LOW)], diagnoses, watched, at(60))

    assert [(change.kind, change.incident.closed_at) for change in changes if change.incident.signal] == [
        (kind, at(60))
    ]


def test_a_sign_keeps_no_ended_trouble_open():
    standing = open_incident(diagnosis(Fault.SERVER_ERROR))

    assert kinds([standing, open_incident(LOW)], [LOW], dict.fromkeys(TARGETS, at(59))) == [
        (ChangeKind.RESOLVED, "openai/main")
    ]


WIDE = diagnosis(Fault.SERVER_ERROR, Scope.PROVIDER, "openai", (*TARGETS, "openai/b/list"))


def merged():
    """An account's incident that became part of its provider's, and that one."""
    narrow = open_incident(diagnosis(Fault.SERVER_ERROR))
    child, whole = (change.incident for change in advance([narrow], [WIDE], ILL, at(60)))
    return child, whole


def test_a_part_stays_open_under_the_whole():
    child, whole = merged()

    assert (child.parent, child.closed_at) == (whole.id, None)
    assert kinds([child, whole], [WIDE]) == []


def test_a_part_waits_until_the_whole_is_settled():
    assert kinds([open_incident(diagnosis(Fault.SERVER_ERROR))], [replace(WIDE, settled=False)]) == []


def test_a_part_that_recovers_ends_while_the_whole_goes_on():
    child, whole = merged()

    assert kinds([child, whole], [WIDE], dict.fromkeys(TARGETS, at(70)), 80) == [(ChangeKind.RESOLVED, "openai/main")]


def test_a_part_and_the_whole_end_together():
    child, whole = merged()
    well = dict.fromkeys(WIDE.targets, at(70))

    assert sorted(kinds([child, whole], [], well, 80)) == [
        (ChangeKind.RESOLVED, "openai"),
        (ChangeKind.RESOLVED, "openai/main"),
    ]


def test_a_part_that_outlasts_the_whole_stands_on_its_own_again():
    child, whole = merged()
    well = {**dict.fromkeys(TARGETS), "openai/b/list": at(70)}

    changes = advance([child, whole], [diagnosis(Fault.SERVER_ERROR)], well, at(200))

    assert [(change.kind, change.incident.subject, change.incident.parent) for change in changes] == [
        (ChangeKind.RESOLVED, "openai", None),
        (ChangeKind.CHANGED, "openai/main", None),
    ]


def sign(subject, *targets, fault=Fault.TIMEOUT, rule=FLAP):
    seen = tuple(Evidence(target, at(0), fault, rule, "") for target in targets)
    return replace(diagnosis(fault, Scope.PROVIDER, subject, (), signal=True), evidence=seen)


def test_the_end_of_a_sign_of_all_that_answers_at_an_address_of_its_own_is_told():
    standing = open_incident(sign("openai@gateway.example.com", TARGETS[0]))

    assert kinds([standing], []) == [(ChangeKind.RESOLVED, "openai@gateway.example.com")]
    assert kinds([standing], [], {"openai/other/chat": None}) == [(ChangeKind.WITHDRAWN, "openai@gateway.example.com")]


def test_a_sign_that_widens_is_told_on_by_the_wider_one():
    narrow, wide = sign("openai/main", TARGETS[0]), sign("openai", *TARGETS)

    assert kinds([open_incident(narrow)], [wide]) == [(ChangeKind.MERGED, "openai/main"), (ChangeKind.OPENED, "openai")]
    other = sign("openai", *TARGETS, fault=Fault.SLOW, rule="latency")
    assert kinds([open_incident(narrow)], [other])[0] == (ChangeKind.RESOLVED, "openai/main")


def test_what_comes_and_goes_is_calm_when_all_of_it_is():
    both, rest = sign("openai", *TARGETS), sign("openai/main", TARGETS[0], fault=Fault.SERVER_ERROR)
    standing = open_incident(both)

    assert kinds([standing], [rest], seconds=10**5) == []
    assert kinds([standing], []) == [(ChangeKind.RESOLVED, "openai")]


def test_it_is_noted_when_we_were_sure():
    (change,) = advance([], [diagnosis()], ILL, at(60))

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
    (opened,) = advance([], [WIDE], ILL, at(60))

    changes = announce([opened.incident], {"openai": announcements}, at(2000))

    leads = [change.incident.lead.total_seconds() for change in changes]
    assert leads == ([] if lead_s is None else [lead_s])


def test_a_page_speaks_of_its_provider_and_of_no_account():
    ours, other = open_incident(diagnosis()), open_incident(replace(WIDE, subject="groq"))

    assert announce([ours, other], {"openai": [said(60)]}, at(90)) == []


def test_what_was_announced_once_is_not_announced_again():
    (change,) = announce([open_incident(WIDE)], {"openai": [said(60)]}, at(90))

    assert change.kind is ChangeKind.ANNOUNCED
    assert announce([change.incident], {"openai": [said(60), said(30)]}, at(95)) == []
