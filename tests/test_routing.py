"""Who is told what, and when: a little machine of incidents, channels and a clock around the pure decision."""

from datetime import UTC, datetime, time, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alert.case import KEEP_FOR, Step, with_changes, with_messages, without_old
from monitor.alert.channel import Channel
from monitor.alert.grouping import covers
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.routing import RoutingInput, decide, decide_for, explain_for, past_incidents, why_not_real
from monitor.alert.rule import AlertLimits, Escalation, Maintenance, Match, Route, Rules, match_for
from monitor.alert.window import Quiet, Window
from monitor.diagnose.diagnosis import FLAP, Diagnosis, Evidence
from monitor.diagnose.incident import Change, ChangeKind, Severity, open_incident
from monitor.diagnose.subject import Scope, Subject, read_subject
from probes.model import Blame, Confidence, Fault
from tests.conftest import at
from tests.rows import each_row

BERLIN = ZoneInfo("Europe/Berlin")
PHONE, MAIL = Channel("phone", "terminal:"), Channel("mail", "terminal:")
NIGHT = Quiet(time(22), time(7), BERLIN)


def incident(
    subject="openai/main", fault=Fault.ACCOUNT_SUSPENDED, scope=Scope.ACCOUNT, targets=None, seconds=0, **facts
):
    targets = (f"{subject}/chat",) if targets is None else targets
    cause = Diagnosis(read_subject(scope, subject), fault, Confidence.HIGH, at(seconds), (), targets, ())
    return replace(open_incident(cause), **facts)


class Desk:
    """Incidents come and go, time passes, and each channel is told what is decided."""

    def __init__(self, *channels, seconds=0, **rules):
        self.channels, self.rules = channels or (PHONE,), Rules(**rules)
        self.cases, self.replies, self.now = {}, [], at(seconds)
        self.sent, self.fading = [], ()

    @property
    def latest(self):
        return [case.incident for case in self.cases.values() if not case.incident.signal][-1]

    @property
    def scene(self):
        return RoutingInput(self.cases, self.channels, self.rules, self.replies, self.now, self.fading)

    def change(self, one, kind):
        self.cases = with_changes(self.cases, [Change(one, kind, self.now)])

    def open(self, *ones):
        for one in ones or (incident(),):
            self.change(one, ChangeKind.OPENED)
        return self.tell()

    def close(self, *ones, kind=ChangeKind.RESOLVED):
        for one in ones or (incident(),):
            self.change(replace(one, closed_at=self.now), kind)
        return self.tell()

    def tell(self):
        messages = decide(self.scene)
        self.cases = with_messages(self.cases, [(message, self.now) for message in messages])
        self.sent += [(self.now, message) for message in messages]
        return [f"{message.channel} {message.step}" for message in messages]

    def wait(self, **span):
        self.now += timedelta(**span)
        return self.tell()

    def reply(self, kind, one=None, **facts):
        self.replies.append(Reply(kind, self.now, "Jo", one.id if one else "", **facts))

    def why(self, one=None, channel=None):
        return decide_for(self.cases[(one or incident()).id], channel or self.channels[0], self.scene).why

    def explain(self):
        return explain_for(self.cases[incident().id], self.channels[0], self.scene).why


def test_an_opening_is_told_once_to_every_channel():
    desk = Desk(PHONE, MAIL)

    assert desk.open() == ["phone opened", "mail opened"]
    assert desk.wait(seconds=60) == []


def test_an_end_is_told_once_to_whoever_heard_of_the_beginning():
    loud = replace(PHONE, severity=Severity.CRITICAL)
    desk, slow = Desk(loud, MAIL), incident(fault=Fault.RATE_LIMITED)

    assert desk.open(slow) == ["mail opened"]
    assert desk.close(slow) == ["mail resolved"]
    assert desk.wait(seconds=60) == []
    assert "its opening was not told" in desk.why(slow)


def test_one_cause_has_one_end():
    """A part of a wider trouble ends with it, whichever of the two is seen to be over first."""
    whole = incident("openai", fault=Fault.OVERLOADED, scope=Scope.PROVIDER)
    part = incident("openai/b", fault=Fault.OVERLOADED)
    for ends in ((whole, part), (part, whole)):
        desk = Desk()
        desk.open(part)
        desk.open(whole)
        desk.change(replace(part, parent=whole.id), ChangeKind.MERGED)

        told = [desk.close(replace(one, parent=whole.id) if one is part else one) for one in ends]
        assert sum(told, []) == ["phone resolved"]
        assert desk.wait(hours=47) + desk.wait(hours=2) == []


def test_a_part_whose_wider_trouble_is_told_to_nobody_has_an_end_of_its_own():
    loud = replace(PHONE, severity=Severity.CRITICAL)
    whole = incident("openai", fault=Fault.OVERLOADED, scope=Scope.PROVIDER)
    part = incident("openai/b", parent=whole.id)
    desk = Desk(loud)

    assert desk.open(whole, part) == ["phone opened"]
    assert desk.close(part) == ["phone resolved"]


def test_a_change_of_cause_is_told_to_whoever_heard_and_as_an_opening_to_whom_it_now_concerns():
    desk = Desk(replace(PHONE, severity=Severity.CRITICAL), MAIL)
    slow = incident(fault=Fault.RATE_LIMITED)
    desk.open(slow)
    desk.change(replace(slow, severity=Severity.CRITICAL, fault=Fault.ACCOUNT_SUSPENDED), ChangeKind.CHANGED)

    assert desk.tell() == ["phone opened", "mail changed"]
    assert desk.wait(seconds=1) == []


def test_what_was_only_merged_is_told_to_nobody():
    desk = Desk()
    desk.open()

    assert desk.close(kind=ChangeKind.MERGED) == []


def test_that_it_is_no_longer_watched_is_told_once_to_whoever_heard_of_it():
    desk = Desk(PHONE, replace(MAIL, severity=Severity.CRITICAL))
    slow = incident(fault=Fault.RATE_LIMITED)
    assert desk.open(slow) == ["phone opened"]

    assert desk.close(slow, kind=ChangeKind.WITHDRAWN) == ["phone resolved"]
    assert desk.wait(hours=1) == []
    assert "no longer watched, and its opening was not told" in desk.why(slow, desk.channels[1])


def test_what_came_and_was_taken_out_in_quiet_hours_is_told_to_nobody():
    desk = Desk(replace(PHONE, quiet=NIGHT), seconds=11 * 3600)
    slow = incident(fault=Fault.RATE_LIMITED, seconds=11 * 3600)
    assert desk.open(slow) == []
    assert desk.close(slow, kind=ChangeKind.WITHDRAWN) == []

    assert desk.wait(hours=12) == []


def test_a_date_that_somebody_moved_is_told_to_nobody():
    desk, card = Desk(), incident("card", scope=Scope.REMINDER, targets=(), signal=True)
    desk.open(card)

    assert desk.close(card, kind=ChangeKind.WITHDRAWN) == []


def test_what_is_over_for_long_is_forgotten_and_what_is_open_never():
    desk = Desk()
    desk.open(incident(), incident("openai/b"))
    desk.close(incident())

    assert without_old(desk.cases, at(0) + KEEP_FOR - timedelta(seconds=1)).keys() == desk.cases.keys()
    assert without_old(desk.cases, at(0) + KEEP_FOR).keys() == {incident("openai/b").id}


# Routes


@each_row(
    ("match", "hears"),
    [
        (Match(), True),
        (Match(accounts=("openai/main",)), True),
        (Match(accounts=("openai/backup",)), False),
        (Match(providers=("openai",)), True),
        (Match(providers=("cohere",)), False),
        (Match(tags=("eu",)), True),
        (Match(tags=("us",)), False),
        (Match(scopes=(Scope.ACCOUNT,)), True),
        (Match(scopes=(Scope.PROVIDER,)), False),
        (Match(faults=(Fault.ACCOUNT_SUSPENDED,)), True),
        (Match(faults=(Fault.TIMEOUT,)), False),
        (Match(severity=Severity.CRITICAL), True),
    ],
)
def test_a_route_asks_for_account_provider_tag_scope_cause_and_severity(match, hears):
    routes = (Route(match, ("phone",)), Route(Match(), ("mail",)))
    desk = Desk(PHONE, MAIL, routes=routes, tags={"openai/main": ("eu",)})

    assert ("phone opened" in desk.open()) is hears


def test_a_warning_does_not_take_a_route_for_what_is_critical():
    routes = (Route(Match(severity=Severity.CRITICAL), ("phone",)), Route(Match(), ("mail",)))

    assert Desk(PHONE, MAIL, routes=routes).open(incident(fault=Fault.RATE_LIMITED)) == ["mail opened"]


def test_a_route_leads_to_channels_by_name_or_tag():
    mail = replace(MAIL, tags=("team-eu",))

    assert Desk(PHONE, mail, routes=(Route(Match(), ("team-eu",)),)).open() == ["mail opened"]


def test_what_no_route_fits_is_told_to_everybody():
    desk = Desk(PHONE, MAIL, routes=(Route(Match(providers=("cohere",)), ("mail",)),))

    assert desk.open() == ["phone opened", "mail opened"]


def test_a_route_without_channels_keeps_what_fits_from_everybody():
    desk = Desk(PHONE, routes=(Route(Match(faults=(Fault.SLOW,)), ()),))

    assert desk.open(incident(fault=Fault.SLOW)) == []
    assert desk.why(incident(fault=Fault.SLOW)) == "no route that fits leads to this channel"


def test_a_route_fits_an_incident_of_which_it_concerns_a_part():
    outage = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, ("openai/main/chat", "openai/backup/chat"))
    routes = (Route(Match(accounts=("openai/main",)), ("phone",)), Route(Match(), ("mail",)))

    assert Desk(PHONE, MAIL, routes=routes).open(outage) == ["phone opened", "mail opened"]


# One cause, one message


def test_what_is_part_of_a_wider_trouble_is_told_with_it():
    desk = Desk()
    outage = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, ("openai/main/chat", "openai/backup/chat"))
    part = incident(fault=Fault.SERVER_ERROR)

    assert desk.open(outage, part) == ["phone opened"]
    assert desk.why(part) == f"it is part of {outage.id} (provider openai)"
    assert desk.close(outage, part) == ["phone resolved"]


def test_what_outlasts_the_wider_trouble_is_told_then():
    desk = Desk()
    outage = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, ("openai/main/chat", "openai/backup/chat"))
    part = incident(fault=Fault.SERVER_ERROR)
    desk.open(outage, part)

    assert desk.close(outage) == ["phone resolved"]
    assert desk.wait(seconds=59) == []
    assert "yet recover with it" in desk.why(part)
    assert desk.wait(seconds=1) == ["phone opened"]


def test_nothing_is_told_of_a_part_that_ends_soon_after_the_whole_also_where_it_joined_late():
    desk, part, late = Desk(), incident(fault=Fault.SERVER_ERROR), broken(Desk(), canary="list")
    desk.open(OUTAGE, part)
    desk.wait(minutes=5)
    ends = [Change(replace(OUTAGE, closed_at=desk.now), ChangeKind.RESOLVED, desk.now)]
    desk.cases = with_changes(desk.cases, [*ends, Change(late, ChangeKind.OPENED, desk.now)])

    assert desk.tell() + desk.wait(seconds=30) == ["phone resolved"]
    assert desk.close(part, late) + desk.wait(minutes=5) == []


def test_what_has_another_blame_is_no_rest_of_the_whole():
    desk = Desk()
    desk.open(OUTAGE)
    desk.wait(minutes=5)
    desk.change(replace(OUTAGE, closed_at=desk.now), ChangeKind.RESOLVED)

    assert desk.open(incident(fault=Fault.PERMISSION_DENIED)) == ["phone resolved", "phone opened"]


def test_what_begins_when_the_whole_is_over_is_told_at_once():
    desk = Desk()
    desk.open(OUTAGE)
    desk.wait(minutes=2)
    desk.close(OUTAGE)
    desk.wait(seconds=1)

    assert desk.open(incident(fault=Fault.SERVER_ERROR, seconds=121)) == ["phone opened"]


def test_an_account_that_is_lost_for_good_is_told_as_soon_as_the_whole_is_over():
    desk = Desk()
    desk.open(OUTAGE, incident())

    assert desk.close(OUTAGE) == ["phone resolved", "phone opened"]


ORGANIZATION = incident("openai", scope=Scope.ORGANIZATION, targets=())
OUTAGE = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, ("openai/main/chat", "openai/backup/chat"))


@each_row(
    ("wider", "narrower", "covered"),
    [
        (OUTAGE, incident(), True),
        (OUTAGE, incident("cohere/main"), False),
        (OUTAGE, incident("openai/other"), False),
        (OUTAGE, OUTAGE, False),
        (incident("", Fault.CONNECTION_FAILED, Scope.MONITOR), incident("cohere/main"), True),
        (incident("", Fault.CONNECTION_FAILED, Scope.EGRESS, OUTAGE.targets), OUTAGE, True),
        (incident(), incident("openai/main/chat", Fault.TIMEOUT, Scope.CAPABILITY, ("openai/main/chat",)), True),
        (incident(), incident("openai/main", Fault.LOW_BALANCE, Scope.CAPABILITY, (), signal=True), True),
        (OUTAGE, incident("openai/main", Fault.LOW_BALANCE, Scope.ACCOUNT, (), signal=True), False),
        (ORGANIZATION, incident(parent=ORGANIZATION.id), True),
    ],
)  # fmt: skip
def test_monitor_egress_provider_organization_and_account_hold_down_what_is_within(wider, narrower, covered):
    assert covers(wider, narrower) is covered

    desk = Desk()
    assert desk.open(wider, narrower)[1:] == ([] if covered or wider is narrower else ["phone opened"])


def test_an_end_is_told_also_while_something_wider_goes_on():
    desk, part = Desk(), incident(fault=Fault.SERVER_ERROR)
    desk.open(part)
    desk.open(OUTAGE)

    assert desk.close(part) == ["phone resolved"]


def test_a_parent_that_the_diagnosis_names_holds_its_child():
    parent = incident("openai/org", scope=Scope.ORGANIZATION, targets=("openai/other/chat",))
    desk = Desk()

    assert desk.open(parent, incident(parent=parent.id)) == ["phone opened"]


def test_a_wider_trouble_that_is_less_grave_or_not_told_here_holds_nothing():
    busy = replace(OUTAGE, fault=Fault.OVERLOADED, severity=Severity.WARNING)
    assert Desk().open(busy, incident()) == ["phone opened", "phone opened"]

    elsewhere = (Route(Match(scopes=(Scope.PROVIDER,)), ("mail",)), Route(Match(scopes=(Scope.ACCOUNT,)), ("phone",)))
    assert Desk(PHONE, MAIL, routes=elsewhere).open(OUTAGE, incident()) == ["phone opened", "mail opened"]


def test_a_storm_becomes_one_list_after_the_first_few():
    desk = Desk(patience=AlertLimits(storm=3, storm_for=timedelta(seconds=60)))
    for number in range(10):
        desk.open(incident(f"p{number}/a"))
        desk.wait(seconds=1)

    assert len(desk.sent) == 3
    assert desk.why(incident("p9/a")) == "3 messages in 60 s: the next one is a list of all since"
    assert len(desk.wait(seconds=60)) == 7
    assert len({when for when, _ in desk.sent}) == 4


def test_ten_thousand_changes_at_once_are_decided_at_one_instant():
    desk = Desk(PHONE, MAIL)
    desk.open(*(incident(f"openai/a{number}") for number in range(10_000)))

    assert len(desk.sent) == 20_000
    assert len({(when, message.channel) for when, message in desk.sent}) == 2


# Nothing can be reached

OFFLINE = {"subject": "", "scope": Scope.MONITOR, "fault": Fault.CONNECTION_FAILED, "blamed": Blame.UNKNOWN}
EVERYTHING = ("openai/main/chat", "groq/a/chat")


def offline(seconds=0, targets=EVERYTHING):
    return incident(**OFFLINE, targets=targets, seconds=seconds)


def test_that_nothing_can_be_reached_is_told_once_when_it_is_over():
    desk, part = Desk(PHONE, MAIL), incident("openai/main", Fault.CONNECTION_FAILED)

    assert desk.open(offline(), part) == []
    assert "told when that is over, or has lasted 15 min" in desk.why(offline())
    assert desk.wait(minutes=8) == []
    assert desk.close(part, offline()) == ["phone missed", "mail missed"]
    assert desk.wait(hours=1) == []


def test_what_is_down_still_when_the_road_is_back_is_told_then():
    desk, left = Desk(), incident("openai/main", Fault.INVALID_KEY)
    desk.open(offline(), left)
    desk.wait(minutes=8)

    assert desk.close(offline()) == ["phone missed", "phone opened"]
    assert desk.wait(hours=1) == ["phone reminder"]


def test_what_was_answered_since_nothing_could_be_reached_is_told_at_once():
    desk = Desk()
    desk.open(replace(offline(), detected_at=at(120)))
    desk.wait(minutes=8)

    assert desk.open(incident("groq/a", Fault.CONNECTION_FAILED, detected_at=at(480))) == []
    assert desk.open(incident("openai/main", Fault.INVALID_KEY, detected_at=at(480))) == ["phone opened"]


def test_nobody_is_reminded_of_what_nobody_can_see():
    desk, lost = Desk(), incident("openai/main", Fault.INVALID_KEY, detected_at=at(60))
    desk.open(lost)
    desk.wait(minutes=10)
    desk.open(replace(offline(600), detected_at=at(720)))

    assert desk.wait(minutes=14) == []
    assert desk.wait(minutes=30) == ["phone opened"]
    assert sorted(desk.close(replace(offline(600), detected_at=at(720)))) == ["phone reminder", "phone resolved"]


def test_a_monitor_that_is_blind_for_a_quarter_of_an_hour_says_so_and_when_it_sees_again():
    desk = Desk(PHONE, MAIL)
    desk.open(offline())

    assert desk.wait(minutes=14, seconds=59) == []
    assert desk.wait(seconds=1) == ["phone opened", "mail opened"]
    assert desk.wait(minutes=10) == []
    assert desk.close(offline()) == ["phone resolved", "mail resolved"]


def test_nobody_is_called_for_what_nobody_was_told_yet():
    routes = (Route(Match(), ("phone",), (Escalation(timedelta(minutes=5), ("mail",)),)),)
    desk = Desk(PHONE, MAIL, routes=routes)
    desk.open(offline())

    assert desk.wait(minutes=10) == []
    assert desk.wait(minutes=5) == ["phone opened"]
    assert desk.wait(minutes=5) == ["mail escalated"]


def test_who_was_told_of_a_provider_hears_at_once_that_it_is_nobodys():
    desk, one = Desk(), incident("openai", Fault.CONNECTION_FAILED, Scope.PROVIDER)
    assert desk.open(one) == ["phone opened"]
    desk.wait(minutes=1)
    desk.change(replace(one, about=Subject(Scope.MONITOR), blamed=Blame.UNKNOWN), ChangeKind.CHANGED)

    assert desk.tell() == ["phone changed"]


def test_that_the_road_was_cut_wakes_nobody_when_it_is_back():
    """Of what is critical and goes on quiet hours keep nothing."""
    desk = Desk(replace(PHONE, quiet=NIGHT), seconds=11 * 3600)
    desk.open(offline(11 * 3600))
    desk.wait(minutes=8)

    assert desk.close(offline(11 * 3600)) == []
    assert desk.wait(hours=8) == ["phone missed"]


def test_that_the_road_is_cut_is_told_at_night_when_it_lasts():
    desk = Desk(replace(PHONE, quiet=NIGHT), seconds=11 * 3600)
    desk.open(offline(11 * 3600))

    assert desk.wait(minutes=15) == ["phone opened"]


@pytest.mark.parametrize(("until_s", "told"), [(300, ["phone missed"]), (1800, [])])
def test_that_the_road_was_cut_is_never_told_where_that_was_silenced_when_it_was_back(until_s, told):
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=Match(scopes=(Scope.MONITOR,)), until=at(until_s), reason="a new router")
    desk.open(offline())
    desk.wait(minutes=8)

    assert desk.close(offline()) + desk.wait(hours=1) == told


# What people answer


def test_reminders_of_what_is_critical_come_at_growing_intervals_and_the_last_repeats():
    desk = Desk(patience=AlertLimits(remind=(timedelta(minutes=30), timedelta(hours=2))))
    desk.open()
    for _ in range(31 * 12):
        desk.wait(minutes=5)

    minutes = [round((when - at(0)).total_seconds() / 60) for when, _ in desk.sent]
    assert minutes[:4] == [0, 30, 150, 270]
    assert [message.number for _, message in desk.sent][:4] == [0, 1, 2, 3]


def test_nobody_is_reminded_of_what_may_be_over_before_it_fails_again():
    boss = Channel("boss", "terminal:")
    steps = (Escalation(timedelta(minutes=20), ("boss",)),)
    desk = Desk(PHONE, boss, routes=(Route(Match(), ("phone",), steps),))
    desk.open()
    desk.fading = (incident().id,)

    assert desk.wait(minutes=31) == []
    assert "its latest probe was good" in desk.why()
    desk.fading = ()
    assert desk.wait(seconds=5) == ["phone reminder", "boss escalated"]


def test_an_opening_that_was_held_is_not_told_while_it_may_be_over_but_an_end_is():
    desk = Desk()
    desk.reply(ReplyKind.SNOOZE, incident(), until=at(600))
    assert desk.open() == []
    desk.fading = (incident().id,)
    assert desk.wait(seconds=601) == []
    desk.fading = ()

    assert desk.wait(seconds=5) == ["phone opened"]
    desk.fading = (incident().id,)
    assert desk.close() == ["phone resolved"]


def test_nobody_is_reminded_of_a_warning_a_drill_or_without_pauses():
    for one, patience in (
        (incident(fault=Fault.RATE_LIMITED), AlertLimits()),
        (incident(drill=True), AlertLimits()),
        (incident(), AlertLimits(remind=())),
    ):
        desk = Desk(patience=patience)
        desk.open(one)
        assert desk.wait(days=2) == []


def test_an_acknowledgement_ends_reminders_and_escalation_but_the_end_is_told():
    desk = Desk(PHONE, MAIL, routes=(Route(Match(), ("phone",), (Escalation(timedelta(minutes=15), ("mail",)),)),))
    desk.open()
    desk.reply(ReplyKind.ACKNOWLEDGE, incident())

    assert desk.wait(hours=9) == []
    assert desk.why() == "acknowledged by Jo"
    assert desk.close() == ["phone resolved"]


def test_a_snooze_holds_all_but_the_end_for_a_while():
    desk = Desk()
    desk.open()
    desk.reply(ReplyKind.SNOOZE, incident(), until=at(4 * 3600))

    assert desk.wait(hours=3) == []
    assert desk.why().startswith("snoozed until 2026-11-21 16:00 UTC by Jo")
    assert desk.wait(hours=2) == ["phone reminder"]

    desk.reply(ReplyKind.SNOOZE, incident(), until=at(30 * 3600))
    assert desk.close() == ["phone resolved"]


def test_the_latest_snooze_replaces_those_before_be_it_shorter_longer_or_over():
    for first, second, held in ((240, 31, 31), (31, 240, 240)):
        desk = Desk()
        desk.open()
        desk.reply(ReplyKind.SNOOZE, incident(), until=at(first * 60))
        desk.wait(seconds=5)
        desk.reply(ReplyKind.SNOOZE, incident(), until=at(second * 60))

        assert f"{at(held * 60):%H:%M} UTC by Jo" in desk.why()
        assert desk.wait(minutes=held - 1) == []
        assert desk.wait(minutes=1) == ["phone reminder"]


def test_a_snooze_of_one_incident_leaves_that_of_another():
    desk, other = Desk(), incident("openai/backup")
    desk.open(incident(), other)
    desk.reply(ReplyKind.SNOOZE, incident(), until=at(4 * 3600))
    desk.reply(ReplyKind.SNOOZE, other, until=at(60))

    assert [message.incident_id for message in (desk.wait(hours=1), desk.sent[-1][1])[1:]] == [other.id]
    assert desk.why().startswith("snoozed until 2026-11-21 16:00 UTC")


MOVING = {"match": Match(accounts=("openai/main",)), "reason": "moving"}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([], "it was told; a reminder follows at 2026-11-21 12:30 UTC"),
        ([(ReplyKind.SNOOZE, {"until": at(20 * 60)})], "it was told; a reminder follows at 2026-11-21 12:30 UTC"),
        (
            [(ReplyKind.SNOOZE, {"until": at(7200)})],
            "it was told; only its end can come before 2026-11-21 14:00 UTC: snoozed until 2026-11-21 14:00 UTC by Jo",
        ),
        (
            [(ReplyKind.SNOOZE, {"until": at(7200)}), (ReplyKind.SILENCE, {**MOVING, "until": at(10800)})],
            "it was told; only its end can come before 2026-11-21 15:00 UTC: silence ID until 2026-11-21 15:00 UTC: "
            "moving",
        ),
        (
            [(ReplyKind.SNOOZE, {"until": at(7200)}), (ReplyKind.SILENCE, MOVING)],
            "it was told; only its end can come while this lasts: silence ID: moving",
        ),
    ],
)
def test_a_reminder_is_promised_for_no_time_at_which_a_reply_holds_it(held, said):
    desk = Desk()
    desk.open()
    for kind, facts in held:
        desk.reply(kind, None if kind is ReplyKind.SILENCE else incident(), **facts)

    assert desk.why() == said.replace("ID", desk.replies[-1].id if held else "")


def test_a_reminder_is_not_promised_during_the_maintenance_of_now():
    window = Window(datetime.fromisoformat("2026-11-21 12:00"), timedelta(hours=2), ZoneInfo("UTC"))
    desk = Desk()
    desk.open()
    desk.rules = Rules(maintenance=(Maintenance("upgrade", Match(), window),))

    assert "only its end can come before 2026-11-21 14:00 UTC: maintenance upgrade" in desk.why()


def test_a_silence_holds_what_fits_and_what_is_still_open_after_it_is_told():
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=Match(accounts=("openai/main",)), until=at(3600), reason="moving house")

    assert desk.open() == []
    assert desk.why().endswith("until 2026-11-21 13:00 UTC: moving house")
    assert desk.wait(hours=1) == ["phone opened"]


@pytest.mark.parametrize(
    ("silenced", "other", "held"),
    [
        (incident(fault=Fault.RATE_LIMITED), incident(fault=Fault.RATE_LIMITED, seconds=60), True),
        (incident(fault=Fault.RATE_LIMITED), incident(fault=Fault.ACCOUNT_SUSPENDED), False),
        (incident(fault=Fault.RATE_LIMITED), incident("openai/backup", Fault.RATE_LIMITED), False),
        (OUTAGE, replace(OUTAGE, id="x", fault=Fault.TIMEOUT), True),
        (OUTAGE, incident(fault=Fault.ACCOUNT_SUSPENDED), False),
        (incident("openai", Fault.SLOW, Scope.PROVIDER, ()), incident("cohere", Fault.SLOW, Scope.PROVIDER, ()), False),
    ],
)
def test_a_silence_of_what_is_like_one_holds_the_same_cause_at_the_same_place_only(silenced, other, held):
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=match_for(silenced), until=at(3600), reason="known")

    assert desk.open(other) == ([] if held else ["phone opened"])


def test_what_came_and_went_in_a_silence_is_never_told():
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600))
    desk.open()
    desk.close()

    assert desk.wait(hours=2) == []


def test_a_silence_that_is_lifted_counts_no_more():
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600))
    desk.open()
    desk.replies.append(Reply(ReplyKind.LIFT, desk.now, subject=desk.replies[0].id))

    assert desk.tell() == ["phone opened"]


def test_a_silence_of_one_account_does_not_hide_a_trouble_of_more():
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=Match(accounts=("openai/main",)), until=at(3600))

    assert desk.open(OUTAGE) == ["phone opened"]


@pytest.mark.parametrize(
    ("match", "held"),
    [
        (Match(providers=("openai",)), False),
        (Match(providers=("openai", "cohere")), True),
        (Match(tags=("eu",)), False),
        (Match(tags=("eu", "us")), True),
    ],
)
def test_a_silence_of_a_provider_or_a_tag_does_not_hide_what_goes_beyond(match, held):
    both = incident("", Fault.REGION_BLOCKED, Scope.EGRESS, ("openai/main/chat", "cohere/main/chat"))
    desk = Desk(tags={"openai/main": ("eu",), "cohere/main": ("us",)})
    desk.reply(ReplyKind.SILENCE, match=match, until=at(3600))

    assert desk.open(both) == ([] if held else ["phone opened"])


def test_an_end_is_told_in_spite_of_a_silence_to_whoever_heard_of_the_beginning():
    desk = Desk()
    desk.open()
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600))

    assert desk.close() == ["phone resolved"]


def test_an_end_that_no_hold_keeps_is_explained_by_the_opening_that_went_out_before():
    desk = Desk()
    desk.open()
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600), reason="moving house")
    desk.change(replace(incident(), closed_at=desk.now), ChangeKind.RESOLVED)

    said = f"silence {desk.replies[0].id} until 2026-11-21 13:00 UTC: moving house"
    assert desk.explain() == f"it is over, and its opening was told, so this does not hold it: {said}"


def test_an_end_that_nobody_hears_of_is_explained_by_what_held_the_opening():
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600), reason="moving house")
    desk.open()
    desk.close()

    assert desk.explain().startswith("its opening was not told, so its end is not; until it was over this held it: sil")


def test_what_holds_is_told_in_the_zone_that_is_configured():
    desk = Desk(zone=BERLIN)
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600), reason="x")
    desk.open()

    assert "until 2026-11-21 14:00 CET" in desk.why()


@pytest.mark.parametrize(
    ("fault", "match", "quiet", "why"),
    [
        (Fault.ACCOUNT_SUSPENDED, Match(accounts=("openai/main",)), None, "silence ID until 2026-11-21 13:00 UTC: x"),
        (Fault.ACCOUNT_SUSPENDED, Match(accounts=("openai/b",)), Quiet(time(0), time(23), BERLIN), None),
        (Fault.RATE_LIMITED, None, Quiet(time(0), time(23), BERLIN), "quiet hours until 2026-11-21 22:00 UTC"),
        (Fault.RATE_LIMITED, None, None, None),
    ],
)
def test_of_a_drill_it_is_known_what_would_hold_a_real_message(fault, match, quiet, why):
    desk = Desk(replace(PHONE, quiet=quiet))
    if match:
        desk.reply(ReplyKind.SILENCE, match=match, until=at(3600), reason="x")

    said = why and why.replace("ID", desk.replies[0].id if match else "")
    assert why_not_real(incident(fault=fault, drill=True), desk.channels[0], desk.scene) == said


def test_a_drill_is_told_through_every_silence_and_window():
    window = Window(datetime.fromisoformat("2026-11-21 00:00"), timedelta(days=1), ZoneInfo("UTC"))
    desk = Desk(
        replace(PHONE, quiet=Quiet(time(0), time(23), BERLIN)), maintenance=(Maintenance("m", Match(), window),)
    )
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600))

    assert desk.open(incident(drill=True)) == ["phone opened"]


@pytest.mark.parametrize(("drill", "times"), [(False, 3), (True, 1)])
def test_the_times_of_a_trouble_are_counted_and_those_of_a_drill_are_not(drill, times):
    desk = Desk()
    for number in range(3):
        one = incident(id=f"{number}", drill=drill, opened_at=desk.now)
        desk.open(one)
        desk.wait(hours=1)
        desk.close(one)
        desk.wait(hours=1)

    assert len(past_incidents(desk.cases["2"], desk.scene)) == times


def test_maintenance_holds_what_fits_until_it_ends():
    window = Window(datetime.fromisoformat("2026-11-21 13:00"), timedelta(hours=2), BERLIN)  # 12:00 to 14:00 UTC
    desk = Desk(maintenance=(Maintenance("upgrade", Match(providers=("openai",)), window),))

    assert desk.open() == []
    assert desk.why() == "maintenance upgrade until 2026-11-21 14:00 UTC"
    assert desk.open(incident("cohere/main")) == ["phone opened"]
    assert desk.wait(hours=2)[:1] == ["phone opened"]


def test_escalation_reaches_further_channels_step_by_step_while_nobody_acknowledges():
    boss, chief = Channel("boss", "terminal:"), Channel("chief", "terminal:")
    steps = (Escalation(timedelta(minutes=15), ("boss",)), Escalation(timedelta(minutes=45), ("chief", "phone")))
    desk = Desk(PHONE, boss, chief, routes=(Route(Match(), ("phone",), steps),), patience=AlertLimits(remind=()))

    assert desk.open() == ["phone opened"]
    assert desk.wait(minutes=14) == []
    assert desk.wait(minutes=1) == ["boss escalated"]
    assert desk.wait(minutes=29) == []
    assert desk.wait(minutes=1) == ["phone escalated", "chief escalated"]
    assert desk.wait(hours=9) == []
    assert desk.close() == ["phone resolved", "boss resolved", "chief resolved"]


def test_escalation_does_not_reach_a_channel_that_wants_only_what_is_graver():
    boss = Channel("boss", "terminal:", severity=Severity.CRITICAL)
    steps = (Escalation(timedelta(minutes=15), ("boss",)),)
    desk = Desk(PHONE, boss, routes=(Route(Match(), ("phone",), steps),))
    desk.open(incident(fault=Fault.RATE_LIMITED))

    assert desk.wait(minutes=15) == []


def test_escalation_counts_from_when_anybody_was_told_and_from_the_opening_where_nobody_is_told_first():
    later = (Escalation(timedelta(minutes=15), ("mail",)),)
    desk = Desk(PHONE, MAIL, routes=(Route(Match(), ("phone",), later),))
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600))
    desk.open()
    assert desk.wait(hours=1) == ["phone opened"]
    assert desk.wait(minutes=15) == ["mail escalated"]

    lasting = Desk(MAIL, routes=(Route(Match(), (), later),))
    assert lasting.open() == []
    assert lasting.wait(minutes=15) == ["mail escalated"]


# Quiet hours


def night(hours):
    """So many hours after 22:00 in Berlin, as seconds after noon UTC."""
    return (9 + hours) * 3600


def test_quiet_hours_are_broken_only_by_what_is_critical():
    desk = Desk(replace(PHONE, quiet=NIGHT), seconds=night(1))

    assert desk.open(incident("openai/b", Fault.RATE_LIMITED)) == []
    assert desk.why(incident("openai/b", Fault.RATE_LIMITED)) == "quiet hours until 2026-11-22 06:00 UTC"
    assert desk.open(incident()) == ["phone opened"]


def test_after_quiet_hours_one_list_tells_what_is_open_and_what_came_and_went():
    desk = Desk(replace(PHONE, quiet=NIGHT), seconds=night(1))
    still, over = (incident(name, Fault.RATE_LIMITED) for name in ("openai/a", "openai/b"))
    desk.open(still, over)
    desk.wait(hours=1)
    desk.close(over)
    assert desk.wait(hours=6) == []

    assert desk.wait(hours=1) == ["phone opened", "phone missed"]
    assert len({when for when, _ in desk.sent}) == 1
    assert desk.wait(hours=1) == []


def test_nobody_hears_in_the_morning_of_what_did_not_concern_them():
    desk = Desk(replace(PHONE, quiet=NIGHT), MAIL, routes=(Route(Match(), ("mail",)),), seconds=night(1))
    slow = incident(fault=Fault.RATE_LIMITED)
    desk.open(slow)
    desk.close(slow)

    assert desk.wait(hours=8) == []


def test_good_news_of_a_warning_waits_for_the_morning():
    desk = Desk(replace(PHONE, quiet=NIGHT), seconds=night(-1))
    one = incident(fault=Fault.RATE_LIMITED)
    assert desk.open(one) == ["phone opened"]
    desk.wait(hours=2)

    assert desk.close(one) == []
    assert desk.wait(hours=8) == ["phone resolved"]


# The clock


def test_a_clock_that_is_set_back_an_hour_repeats_nothing_and_holds_nothing_up():
    desk = Desk(patience=AlertLimits(storm=1))
    desk.open()
    desk.now -= timedelta(hours=1)

    assert desk.tell() == []
    assert desk.open(incident("cohere/main")) == ["phone opened"]
    assert desk.wait(minutes=2) == []
    assert desk.close() == ["phone resolved"]


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2026, 3, 28, tzinfo=UTC), 8), (datetime(2026, 10, 24, tzinfo=UTC), 10)]
)
def test_the_two_nights_of_the_year_are_quiet_by_the_clock_on_the_wall(day, hours):
    spans = [span for span in NIGHT.spans(day + timedelta(hours=30)) if span.start.date() == day.date()]

    assert [span.end - span.start for span in spans] == [timedelta(hours=hours)]


# All histories


EVENTS = st.lists(
    st.tuples(st.sampled_from(["open", "close", "wait", "acknowledge"]), st.integers(0, 3), st.integers(1, 4000)),
    max_size=40,
)
SUBJECTS = (
    ("openai/a", Fault.ACCOUNT_SUSPENDED),
    ("openai/b", Fault.RATE_LIMITED),
    ("cohere/a", Fault.TIMEOUT),
    ("groq/a", Fault.OVERLOADED),
)


@given(EVENTS)
def test_whatever_happens_nothing_is_missed_doubled_or_ended_without_a_beginning(events):
    channels = (PHONE, replace(MAIL, severity=Severity.CRITICAL), Channel("night", "terminal:", quiet=NIGHT))
    desk, standing = Desk(*channels, patience=AlertLimits(storm=100)), {}
    for what, which, seconds in events:
        live(desk, standing, what, which)
        desk.wait(seconds=seconds)

    sent = [(m.change_id, m.channel, m.step, m.number) for _, m in desk.sent]
    assert len(sent) == len(set(sent))
    for id, case in desk.cases.items():
        for channel in channels:
            steps = [m.step for _, m in desk.sent if (m.incident_id, m.channel) == (id, channel.name)]
            assert steps[:1] == [Step.OPENED] or case.incident.severity is not Severity.CRITICAL
            assert Step.RESOLVED not in steps or steps[0] is Step.OPENED
            assert steps.count(Step.OPENED) <= 1
            assert steps.count(Step.RESOLVED) <= 1
    by_night = [m for when, m in desk.sent if m.channel == "night" and NIGHT.is_on(when)]
    assert all(desk.cases[m.incident_id].incident.severity is Severity.CRITICAL for m in by_night)


def live(desk, standing, what, which):
    """Let one thing happen to one trouble, if it can."""
    subject, fault = SUBJECTS[which]
    if what == "open" and which not in standing:
        standing[which] = incident(subject, fault, seconds=(desk.now - at(0)).total_seconds())
        desk.open(standing[which])
    elif what == "close" and which in standing:
        desk.close(standing.pop(which))
    elif what == "acknowledge" and which in standing:
        desk.reply(ReplyKind.ACKNOWLEDGE, standing[which])


# Flapping


def flap(
    subject="openai/main", fault=Fault.SERVER_ERROR, scope=Scope.ACCOUNT, accounts=("openai/main",), turned_s=86400
):
    """What comes and goes; its latest turn is later than all that is told of it, where `turned_s` is not given."""
    words = "11 changes between up and down in 30 min"
    evidence = tuple(Evidence(f"{account}/chat", at(turned_s), fault, FLAP, words) for account in accounts)
    return open_incident(
        Diagnosis(read_subject(scope, subject), fault, Confidence.HIGH, at(0), (), (), evidence, signal=True)
    )


def broken(desk, account="openai/main", canary="chat", fault=Fault.SERVER_ERROR, scope=Scope.CAPABILITY, **facts):
    """An outage that begins now."""
    seconds, targets = (desk.now - at(0)).total_seconds(), (f"{account}/{canary}",)
    return incident(f"{account}/{canary}", fault, scope, targets, seconds, id=f"{fault}-{account}-{seconds}", **facts)


def test_what_comes_and_goes_is_named_once_and_its_calm_once():
    desk, first = Desk(), incident(fault=Fault.SERVER_ERROR)
    assert desk.open(first) + desk.close(first) == ["phone opened", "phone resolved"]
    desk.wait(minutes=2)

    assert desk.open(flap(), broken(desk)) == ["phone opened"] * 2
    assert len({when for when, _ in desk.sent[2:]}) == 1
    for _ in range(20):
        assert desk.wait(minutes=2) + desk.close(desk.latest) + desk.wait(minutes=2) + desk.open(broken(desk)) == []
    assert desk.close(desk.latest) + desk.wait(minutes=30) == []
    assert "is told once" in desk.why(flap())
    assert desk.close(flap()) == ["phone resolved"]
    assert desk.wait(hours=3) == []


def test_what_comes_and_goes_within_an_outage_of_more_is_told_with_that():
    targets = ("openai/main/chat", "openai/other/chat")
    outage = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, targets)
    desk = Desk()

    assert desk.open(outage, flap()) == ["phone opened"]
    assert "it is part of" in desk.why(flap())
    assert sorted(desk.close(outage)) == ["phone opened", "phone resolved"]


def test_an_outage_of_a_provider_that_comes_and_goes_with_all_its_accounts_is_held():
    accounts = ("openai/main", "openai/other")
    outage = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, [f"{one}/chat" for one in accounts])
    desk = Desk()
    desk.open(flap("openai", scope=Scope.PROVIDER, accounts=accounts))

    assert desk.open(outage) == []
    assert desk.close(outage) == []


def test_another_target_is_told_as_ever_while_one_comes_and_goes():
    desk = Desk()
    desk.open(flap())

    assert desk.open(incident("openai/other")) == ["phone opened"]


def test_a_suspension_is_told_although_the_providers_errors_come_and_go():
    desk = Desk()
    desk.open(flap())

    assert desk.open(incident(fault=Fault.ACCOUNT_SUSPENDED)) == ["phone opened"]


def test_a_channel_that_does_not_hear_that_it_comes_and_goes_hears_each_time():
    routes = (Route(Match(scopes=(Scope.PROVIDER,)), ()), Route(Match(scopes=(Scope.ACCOUNT,)), ("phone",)))
    desk = Desk(routes=routes)
    assert desk.open(flap("openai", scope=Scope.PROVIDER)) == []

    assert desk.open(incident(fault=Fault.SERVER_ERROR)) == ["phone opened"]


def test_an_outage_that_outlasts_its_flapping_is_told():
    desk, outage = Desk(), incident(fault=Fault.SERVER_ERROR)
    desk.open(flap())
    desk.open(outage)

    assert desk.close(flap(), kind=ChangeKind.MERGED) == ["phone opened"]


BOTH = ("openai/main", "openai/other")


@each_row(
    ("named", "facts", "told"),
    [
        (flap(), {"canary": "list"}, False),
        (flap(), {"canary": "models", "fault": Fault.TIMEOUT}, False),
        (flap(), {"account": "openai/other"}, True),
        (flap("openai", scope=Scope.PROVIDER, accounts=BOTH), {"account": "openai/other"}, False),
        (flap("openai", scope=Scope.PROVIDER, accounts=BOTH), {"account": "openai/third"}, False),
        (flap("openai", scope=Scope.PROVIDER, accounts=BOTH), {"account": "openai2/main"}, True),
        (flap("openai", scope=Scope.PROVIDER, accounts=BOTH), {"account": "groq/main"}, True),
        (flap(), {"fault": Fault.INVALID_KEY}, True),
        (flap(), {"blamed": Blame.ACCOUNT}, True),
        (flap(fault=Fault.INVALID_KEY), {"fault": Fault.INVALID_KEY, "canary": "models"}, False),
        (flap(fault=Fault.INVALID_KEY), {"fault": Fault.INVALID_KEY, "blamed": Blame.PROVIDER}, False),
        (flap(fault=Fault.INVALID_KEY), {"fault": Fault.ACCOUNT_SUSPENDED}, True),
        (flap(fault=Fault.INVALID_KEY), {"fault": Fault.SERVER_ERROR}, True),
        (
            flap("openai", Fault.INVALID_KEY, Scope.PROVIDER, BOTH),
            {"account": "openai/third", "fault": Fault.INVALID_KEY},
            True,
        ),
        (flap(fault=Fault.INVALID_KEY), {"fault": Fault.INVALID_KEY, "signal": True}, False),
        (flap(fault=Fault.SERVER_ERROR), {"fault": Fault.SLOW, "signal": True}, True),
    ],
)
def test_each_time_is_held_whatever_shows_it_and_what_has_another_cause_is_told(named, facts, told):
    desk = Desk()
    desk.open(named)
    one = broken(desk, **facts)

    assert desk.open(one) == (["phone opened"] if told else [])
    assert desk.close(one) == (["phone resolved"] if told else [])


@pytest.mark.parametrize(
    ("row", "host", "told"),
    [
        ("openai@gateway.example.com", "gateway.example.com", False),
        ("openai@gateway.example.com", None, True),
        ("openai", "gateway.example.com", True),
        ("openai", None, False),
    ],
)
def test_a_flapping_of_all_at_an_address_holds_back_the_outages_of_every_account_there(row, host, told):
    desk = Desk()
    desk.open(flap(row, scope=Scope.PROVIDER, accounts=BOTH))
    one = broken(desk, account="openai/third")
    there = replace(one, about=replace(one.about, host=host))

    assert desk.open(there) == (["phone opened"] if told else [])


def test_a_wider_outage_than_was_said_is_told():
    desk = Desk()
    desk.open(flap())

    assert desk.open(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, [f"{one}/chat" for one in BOTH])) == [
        "phone opened"
    ]


def test_an_outage_that_lasts_ten_minutes_is_told_also_while_others_come_and_go():
    desk = Desk()
    desk.open(flap())
    lasting = broken(desk)
    desk.open(lasting)

    assert desk.wait(minutes=9, seconds=59) == []
    assert desk.wait(seconds=1) == ["phone opened"]
    assert desk.open(broken(desk, canary="list")) == []
    assert desk.close(lasting) == ["phone resolved"]


def test_the_end_of_the_outage_that_made_a_row_is_told_if_it_stayed_and_else_is_that_of_all():
    stays, ends = Desk(patience=AlertLimits(remind=())), Desk()
    for desk in (stays, ends):
        outage = incident(fault=Fault.SERVER_ERROR)
        assert desk.open(outage, flap()) == ["phone opened"] * 2

    assert stays.wait(minutes=11) == []
    assert stays.close(incident(fault=Fault.SERVER_ERROR)) == ["phone resolved"]
    assert ends.wait(minutes=2) + ends.close(incident(fault=Fault.SERVER_ERROR)) + ends.wait(minutes=40) == []
    assert "its calm ends both" in ends.why(incident(fault=Fault.SERVER_ERROR))
    assert ends.close(flap()) + ends.wait(minutes=5) == ["phone resolved"]


def test_the_end_of_what_stays_is_told_also_where_more_comes_and_goes():
    desk = Desk(patience=AlertLimits(remind=()))
    desk.open(incident(fault=Fault.SERVER_ERROR))
    desk.wait(minutes=2)
    desk.open(flap("openai", scope=Scope.PROVIDER, accounts=BOTH))

    assert desk.wait(minutes=10) == []
    assert desk.close(incident(fault=Fault.SERVER_ERROR)) == ["phone resolved"]


def test_calm_is_told_only_where_it_turned_since_it_was_said_to_be_up():
    quiet, restless = Desk(patience=AlertLimits(remind=())), Desk(patience=AlertLimits(remind=()))
    for desk, turned_s in ((quiet, 900), (restless, 1500)):
        desk.open(incident(fault=Fault.SERVER_ERROR), flap(turned_s=900))
        desk.wait(minutes=15)
        assert desk.close(incident(fault=Fault.SERVER_ERROR)) == ["phone resolved"]
        desk.wait(minutes=40)
        assert desk.close(flap(turned_s=turned_s)) == (["phone resolved"] if desk is restless else [])
    assert "has not turned since" in quiet.why(flap())


def test_what_hits_two_providers_alike_is_held_where_both_are_said_to_come_and_go():
    groq = flap("groq", scope=Scope.PROVIDER, accounts=("groq/main",))
    road = incident("", Fault.CONNECTION_FAILED, Scope.EGRESS, ("openai/main/chat", "groq/main/chat"))
    desk = Desk()
    assert desk.open(road) == ["phone opened"]
    desk.wait(minutes=2)

    assert desk.open(flap("openai", scope=Scope.PROVIDER), groq) == ["phone opened"] * 2
    assert desk.close(road) + desk.wait(minutes=5) == []
    again = replace(road, id="again", opened_at=desk.now)
    assert desk.open(again) + desk.close(again) == []
    alone = Desk()
    alone.open(groq)
    assert alone.open(road) == ["phone opened"]


def test_who_acknowledged_an_outage_is_not_told_that_it_stays():
    desk, outage = Desk(), incident(fault=Fault.SERVER_ERROR)
    desk.open(outage)
    desk.wait(minutes=2)
    desk.open(flap())
    desk.reply(ReplyKind.ACKNOWLEDGE, outage)

    assert desk.wait(minutes=30) == []
    assert desk.close(outage) == ["phone resolved"]


def test_calm_is_told_when_half_an_hour_was_calm_also_of_what_was_not_named():
    desk = Desk()
    desk.open(flap())
    desk.wait(minutes=20)
    other = broken(desk, canary="models")
    desk.open(other)
    desk.wait(minutes=5)
    desk.close(other)
    desk.wait(minutes=5)

    assert desk.close(flap()) == []
    assert desk.why(flap()) == f"{other.id} is a part of it: it is calm after 30 min without an outage"
    assert desk.wait(minutes=24) == []
    again = broken(desk)
    assert desk.open(again) + desk.close(again) + desk.wait(minutes=29) == []
    assert desk.wait(minutes=1) == ["phone resolved"]


def test_it_is_told_how_it_ended_also_where_another_trouble_was_there_then():
    desk = Desk()
    desk.open(flap())
    desk.open(incident(fault=Fault.ACCOUNT_SUSPENDED))
    desk.wait(hours=1)

    assert desk.close(flap(), kind=ChangeKind.MERGED) + desk.wait(minutes=29) == []
    assert "nobody counts its turns any more" in desk.why(flap())
    assert desk.wait(minutes=1) == ["phone resolved"]
    assert desk.wait(minutes=30) == []


@pytest.mark.parametrize("last", [Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY])
def test_a_loss_for_good_is_the_end_of_refusals_that_came_and_went(last):
    desk = Desk(patience=AlertLimits(remind=()))
    desk.open(flap(fault=Fault.INVALID_KEY))
    desk.wait(minutes=5)
    lost = broken(desk, fault=last)
    desk.change(replace(flap(fault=Fault.INVALID_KEY), closed_at=desk.now), ChangeKind.MERGED)

    assert desk.open(lost) == ["phone opened"]
    assert desk.wait(hours=2) == []
    assert desk.close(lost) + desk.wait(minutes=5) == ["phone resolved"]
    assert desk.open(broken(desk, fault=Fault.INVALID_KEY)) == ["phone opened"]


def test_the_end_is_told_of_what_was_told_while_it_came_and_went():
    desk = Desk()
    desk.open(flap())
    desk.wait(minutes=1)
    graver = broken(desk, blamed=Blame.ACCOUNT)

    assert desk.open(graver) == ["phone opened"]
    desk.wait(minutes=1)
    desk.change(replace(graver, blamed=None), ChangeKind.CHANGED)
    assert desk.tell() == ["phone changed"]
    assert desk.close(replace(graver, blamed=None)) == ["phone resolved"]


def test_two_rows_of_one_account_that_begin_at_once_do_not_hold_each_other():
    assert "phone opened" in Desk().open(flap(), replace(flap("openai/main/gpt", scope=Scope.MODEL), id="row"))


def test_a_wider_row_that_begins_before_it_is_calm_has_the_one_end_of_both():
    desk, wide, time = Desk(), flap("openai", scope=Scope.PROVIDER, accounts=BOTH), broken(Desk())
    desk.open(flap())
    assert desk.open(time) + desk.close(time) + desk.close(flap()) + desk.wait(minutes=5) == []

    wide = replace(wide, opened_at=desk.now)
    assert desk.open(wide) == ["phone opened"]
    assert desk.wait(minutes=60) + desk.close(wide) + desk.wait(minutes=5) == ["phone resolved"]
    assert desk.sent[-1][1].incident_id == wide.id


def test_a_row_that_widens_is_told_on_by_the_wider_one_and_its_calm_once():
    desk, wide = Desk(), flap("openai", scope=Scope.PROVIDER, accounts=BOTH)
    desk.open(flap())
    desk.wait(minutes=5)
    desk.change(replace(flap(), closed_at=desk.now), ChangeKind.MERGED)

    assert desk.open(wide) == ["phone opened"]
    assert desk.wait(minutes=40) == []
    assert desk.close(wide) + desk.wait(hours=1) == ["phone resolved"]


@pytest.mark.parametrize("broken_then", [False, True])
def test_a_row_that_another_canary_of_the_account_joins_is_not_named_again(broken_then):
    desk = Desk()
    narrow = replace(flap("openai/main/gpt", scope=Scope.MODEL), id="narrow")
    row = replace(flap(), id="row", opened_at=at(300))
    desk.open(narrow)
    desk.wait(minutes=20)
    if broken_then:
        desk.open(broken(desk))
    desk.change(replace(narrow, closed_at=desk.now), ChangeKind.MERGED)

    assert desk.open(row) + desk.wait(minutes=5) == []
    if broken_then:
        desk.close(desk.latest)
    assert desk.wait(minutes=60) + desk.close(row) == ["phone resolved"]
    assert desk.sent[-1][1].incident_id == "narrow"


def test_what_is_silenced_as_coming_and_going_is_told_each_time():
    desk = Desk()
    desk.reply(ReplyKind.SILENCE, match=Match(faults=(Fault.OVERLOADED,)), until=at(3600))
    desk.open(flap(fault=Fault.OVERLOADED))

    assert desk.open(broken(desk)) == ["phone opened"]


def test_in_the_morning_what_came_and_went_is_told_once_with_its_parts_and_times():
    wide = incident("openai", Fault.OVERLOADED, Scope.PROVIDER, [f"{one}/chat" for one in BOTH], seconds=night(1))
    for whole in (wide, flap("openai", Fault.OVERLOADED, Scope.PROVIDER, BOTH)):
        desk = Desk(replace(PHONE, quiet=NIGHT), seconds=night(1))
        part = broken(desk, fault=Fault.OVERLOADED)
        desk.open(whole, part)
        desk.wait(minutes=2)
        desk.close(part)
        desk.wait(minutes=31)
        desk.close(whole)

        assert desk.wait(hours=8) == ["phone missed"]
        assert desk.sent[-1][1].incident_id == whole.id


# Signs of one thing


def sign(subject, scope, fault=Fault.SLOW, seconds=0, host=None):
    seen = (Evidence("openai/main/chat", at(seconds), fault, "rule", "words"),)
    about = read_subject(scope, subject)
    about = replace(about, host=host) if host else about
    return open_incident(Diagnosis(about, fault, Confidence.HIGH, at(seconds), (), (), seen, signal=True))


ACCOUNT, MODEL, ALL = (Scope.ACCOUNT, "openai/main"), (Scope.MODEL, "openai/main/gpt"), (Scope.PROVIDER, "openai")


@pytest.mark.parametrize(
    ("first", "second", "facts", "told"),
    [
        (MODEL, ACCOUNT, {}, False),
        (ACCOUNT, MODEL, {}, False),
        (MODEL, (Scope.MODEL, "openai/main/o9"), {}, False),
        (MODEL, (Scope.MODEL, "openai/other/gpt"), {}, True),
        (MODEL, ACCOUNT, {"fault": Fault.LIMIT_COLLAPSE}, True),
        (MODEL, ACCOUNT, {"seconds": 601}, True),
        (ACCOUNT, MODEL, {"seconds": 601}, False),
        (ACCOUNT, ALL, {}, True),
        (ALL, ACCOUNT, {}, False),
    ],
)
def test_a_sign_that_an_accounts_canaries_share_is_told_once(first, second, facts, told):
    desk = Desk()
    one, other = sign(first[1], first[0]), sign(second[1], second[0], **facts)
    desk.open(one)

    assert desk.open(other) == (["phone opened"] if told else [])


HOST = "gateway.example.com"


@pytest.mark.parametrize(
    ("whole", "host", "told"),
    [
        (f"openai@{HOST}", HOST, False),
        (f"openai@{HOST}", None, True),
        ("openai", HOST, True),
        ("openai", None, False),
        (f"openai@{HOST}", "other.example.com", True),
    ],
)
def test_a_sign_of_all_that_answers_at_an_address_speaks_for_the_accounts_there(whole, host, told):
    desk = Desk()
    desk.open(sign(whole, Scope.PROVIDER))

    assert desk.open(sign("openai/b", Scope.ACCOUNT, host=host)) == (["phone opened"] if told else [])


@each_row("ones", list(permutations([MODEL, ACCOUNT, (Scope.MODEL, "openai/main/o9"), ALL])))
def test_of_signs_that_come_at_once_the_widest_is_told(ones):
    desk = Desk()
    desk.open(*(sign(subject, scope) for scope, subject in ones))

    assert [m.incident_id for _, m in desk.sent] == [sign("openai", Scope.PROVIDER).id]


@pytest.mark.parametrize("fault", [Fault.LOW_BALANCE, Fault.MODEL_RETIRING])
def test_two_balances_and_two_models_that_leave_are_two_signs(fault):
    assert len(Desk().open(sign("openai/main/a", Scope.MODEL, fault), sign("openai/main/b", Scope.MODEL, fault))) == 2


def test_a_sign_that_several_share_is_over_with_the_last_of_them():
    desk, one, other = Desk(), sign("openai/main/gpt", Scope.MODEL), sign("openai/main", Scope.ACCOUNT)
    desk.open(one)
    desk.open(other)

    assert desk.close(one) + desk.wait(minutes=5) == []
    assert desk.close(other) + desk.wait(minutes=5) == ["phone resolved"]


@pytest.mark.parametrize("kind", [ChangeKind.RESOLVED, ChangeKind.MERGED])
def test_a_sign_that_comes_when_the_one_that_was_told_is_over_is_told(kind):
    desk, one, other = Desk(), sign("openai/main/gpt", Scope.MODEL), sign("openai/main", Scope.ACCOUNT, seconds=300)
    desk.open(one)
    desk.close(one, kind=kind)

    assert desk.open(other) == ["phone opened"]


def test_a_sign_that_turns_out_to_be_wider_is_not_called_over():
    desk, one, wider = Desk(), sign("openai/main", Scope.ACCOUNT), sign("openai", Scope.PROVIDER)
    desk.open(one)
    desk.open(wider)

    assert desk.close(one) + desk.wait(minutes=5) == []
    assert desk.close(wider) + desk.wait(minutes=5) == ["phone resolved"]


# All ways to come and go


TIMES = ("main chat", "main models", "other chat")
TURNS = st.lists(
    st.tuples(st.sampled_from([*TIMES, "suspended", "flap", "wide flap", "calm", "stays"]), st.integers(1, 1200)),
    max_size=40,
)


WIDENED = (("main chat", 1), ("main chat", 1), ("flap", 1), ("flap", 1), ("main chat", 1), ("wide flap", 1))


@given(TURNS)
@example([*WIDENED])
@example([*WIDENED, ("stays", 1)])
def test_who_was_told_that_it_comes_and_goes_hears_of_it_only_what_lasts_and_how_it_ended(turns):
    desk, standing = Desk(PHONE, MAIL, patience=AlertLimits(storm=1000, remind=())), {}
    for what, seconds in turns:
        turn(desk, standing, what)
        for _ in range(seconds // 60):
            desk.wait(seconds=60)
        desk.wait(seconds=seconds % 60)
    for what in [*standing]:
        turn(desk, standing, "calm" if "flap" in what else what)
    for _ in range(32):
        desk.wait(minutes=1)

    for channel in ("phone", "mail"):
        sent = [(when, m) for when, m in desk.sent if m.channel == channel]
        assert len(sent) == len({(m.incident_id, m.step, m.number) for _, m in sent})
        assert all(is_promise_kept(desk, flap, sent) for flap in desk.scene.flaps)
        opened = {m.incident_id for _, m in sent if m.step is Step.OPENED}
        assert {m.incident_id for _, m in sent} == opened
        assert {id for id, case in desk.cases.items() if case.incident.fault is Fault.ACCOUNT_SUSPENDED} <= opened


def test_an_outage_of_a_known_row_is_not_told_with_the_wider_row_that_it_becomes_part_of():
    desk, standing = Desk(), {}
    for what, seconds in WIDENED:
        turn(desk, standing, what)
        desk.wait(seconds=seconds)

    assert [(m.incident_id, m.step) for _, m in desk.sent] == [
        ("main chat-0.0", Step.OPENED),
        ("main chat-0.0", Step.RESOLVED),
        ("flap-2.0", Step.OPENED),
        ("wide flap-5.0", Step.OPENED),
    ]


def is_promise_kept(desk, flap, sent):
    """Whether, after it was told, nothing short was told of its cause until its end was."""
    told = [(when, m) for when, m in sent if m.incident_id == flap.incident.id]
    if not told:  # then another one said so, and was not over
        return any(is_wide(flap.incident) <= is_wide(one.incident) for one in desk.scene.flaps if one is not flap)
    since, _ = told[0]
    later = [(when, desk.cases[m.incident_id].incident, m.step) for when, m in sent if when > since]
    ends = [when for when, one, step in later if is_end(flap.incident, one, step)]
    until = min(ends, default=None)
    return until is not None and not any(is_short(one, flap.incident) for when, one, _ in later if when < until)


def is_end(flap, one, step):
    if one.is_flap:
        return step is Step.RESOLVED or is_wide(one) > is_wide(flap)
    return one.fault is not Fault.ACCOUNT_SUSPENDED and one.opened_at <= flap.closed_at <= (one.closed_at or at(10**9))


def is_wide(flap):
    return len(flap.evidence)


def is_short(one, flap):
    short = one.closed_at and one.closed_at - one.opened_at < timedelta(minutes=10)
    ours = any(one.subject.startswith(seen.target.removesuffix("/chat")) for seen in flap.evidence)
    return short and ours and not one.signal and one.fault is Fault.SERVER_ERROR


def turn(desk, standing, what):
    """Let one thing happen, if it can."""
    begun = (desk.now - at(0)).total_seconds()
    if what in ("calm", "stays"):
        kind = ChangeKind.RESOLVED if what == "calm" else ChangeKind.MERGED
        for name in [name for name in standing if "flap" in name]:
            desk.close(standing.pop(name), kind=kind)
    elif what in standing:
        desk.close(standing.pop(what))
    elif "flap" in what:
        scope, subject = (Scope.PROVIDER, "openai") if "wide" in what else (Scope.ACCOUNT, "openai/main")
        accounts = BOTH if "wide" in what else BOTH[:1]
        standing[what] = replace(
            flap(subject, scope=scope, accounts=accounts), id=f"{what}-{begun}", opened_at=desk.now
        )
        desk.open(standing[what])
    elif what == "suspended":
        standing[what] = broken(desk, fault=Fault.ACCOUNT_SUSPENDED)
        desk.open(standing[what])
    else:
        account, canary = what.split()
        standing[what] = replace(broken(desk, f"openai/{account}", canary), id=f"{what}-{begun}")
        desk.open(standing[what])
