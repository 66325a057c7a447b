"""Who is told what, and when: a little machine of incidents, channels and a clock around the pure decision."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alert.case import KEPT, Step, with_changes, with_messages, without_old
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.routing import Scene, covers, decide, judge
from monitor.alert.rule import Channel, Escalation, Maintenance, Match, Patience, Route, Rules, like
from monitor.alert.window import Quiet, Window
from monitor.diagnose import FLAP, Diagnosis, Evidence, Scope
from monitor.incident import Change, ChangeKind, Severity, open_incident
from probes.model import Confidence, Fault
from tests.conftest import at

BERLIN = ZoneInfo("Europe/Berlin")
PHONE, MAIL = Channel("phone", "terminal:"), Channel("mail", "terminal:")
NIGHT = Quiet(time(22), time(7), BERLIN)


def incident(
    subject="openai/main", fault=Fault.ACCOUNT_SUSPENDED, scope=Scope.ACCOUNT, targets=None, seconds=0, **facts
):
    targets = (f"{subject}/chat",) if targets is None else targets
    cause = Diagnosis(scope, subject, fault, Confidence.HIGH, at(seconds), (), targets, ())
    return replace(open_incident(cause), **facts)


class Desk:
    """Incidents come and go, time passes, and each channel is told what is decided."""

    def __init__(self, *channels, seconds=0, **rules):
        self.channels, self.rules = channels or (PHONE,), Rules(**rules)
        self.cases, self.replies, self.now = {}, [], at(seconds)
        self.sent = []

    @property
    def scene(self):
        return Scene(self.cases, self.channels, self.rules, self.replies, self.now)

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
        return judge(self.cases[(one or incident()).id], channel or self.channels[0], self.scene).why


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

    assert without_old(desk.cases, at(0) + KEPT - timedelta(seconds=1)).keys() == desk.cases.keys()
    assert without_old(desk.cases, at(0) + KEPT).keys() == {incident("openai/b").id}


# Routes


@pytest.mark.parametrize(
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

    assert desk.close(outage) == ["phone resolved", "phone opened"]


ORGANIZATION = incident("openai", scope=Scope.ORGANIZATION, targets=())
OUTAGE = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, ("openai/main/chat", "openai/backup/chat"))


@pytest.mark.parametrize(
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
    desk = Desk(patience=Patience(storm=3, storm_for=timedelta(seconds=60)))
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


# What people answer


def test_reminders_of_what_is_critical_come_at_growing_intervals_and_the_last_repeats():
    desk = Desk(patience=Patience(remind=(timedelta(minutes=30), timedelta(hours=2))))
    desk.open()
    for _ in range(31 * 12):
        desk.wait(minutes=5)

    minutes = [round((when - at(0)).total_seconds() / 60) for when, _ in desk.sent]
    assert minutes[:4] == [0, 30, 150, 270]
    assert [message.number for _, message in desk.sent][:4] == [0, 1, 2, 3]


def test_nobody_is_reminded_of_a_warning_a_drill_or_without_pauses():
    for one, patience in (
        (incident(fault=Fault.RATE_LIMITED), Patience()),
        (incident(drill=True), Patience()),
        (incident(), Patience(remind=())),
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
    desk.reply(ReplyKind.SILENCE, match=like(silenced), until=at(3600), reason="known")

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


def test_a_drill_is_told_through_every_silence_and_window():
    window = Window(datetime.fromisoformat("2026-11-21 00:00"), timedelta(days=1), ZoneInfo("UTC"))
    desk = Desk(
        replace(PHONE, quiet=Quiet(time(0), time(23), BERLIN)), maintenance=(Maintenance("m", Match(), window),)
    )
    desk.reply(ReplyKind.SILENCE, match=Match(), until=at(3600))

    assert desk.open(incident(drill=True)) == ["phone opened"]


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
    desk = Desk(PHONE, boss, chief, routes=(Route(Match(), ("phone",), steps),), patience=Patience(remind=()))

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
    desk = Desk(patience=Patience(storm=1))
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
    desk, standing = Desk(*channels, patience=Patience(storm=100)), {}
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


def flap(subject="openai/main", fault=Fault.SERVER_ERROR, scope=Scope.ACCOUNT, accounts=("openai/main",)):
    words = "11 changes between up and down in 30 min"
    evidence = tuple(Evidence(f"{account}/chat", at(0), fault, FLAP, words) for account in accounts)
    return open_incident(Diagnosis(scope, subject, fault, Confidence.HIGH, at(0), (), (), evidence, signal=True))


def test_what_comes_and_goes_is_named_once_and_its_calm_once():
    desk, outages = Desk(), [incident(fault=Fault.SERVER_ERROR, seconds=number * 180) for number in range(20)]
    assert desk.open(outages[0]) + desk.close(outages[0]) == ["phone opened", "phone resolved"]

    assert desk.open(flap(), outages[1]) == ["phone opened"]
    assert [(message.incident_id, message.step) for _, message in desk.sent[2:]] == [(flap().id, Step.OPENED)]
    assert "held until it is calm" in desk.why(outages[1])
    for one, following in pairwise(outages[1:]):
        assert desk.close(one) + desk.wait(minutes=2) + desk.open(following) + desk.wait(minutes=2) == []
    assert desk.close(outages[-1]) + desk.wait(hours=20) == []
    assert "is told once" in desk.why(flap())
    assert desk.close(flap()) == ["phone resolved"]


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

    flickering = Desk()
    flickering.open(flap(fault=Fault.INVALID_KEY))
    assert flickering.open(incident(fault=Fault.ACCOUNT_SUSPENDED)) == []


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


TURNS = st.lists(
    st.tuples(st.sampled_from(["errors", "suspended", "flap", "calm", "stays", "wait"]), st.integers(1, 1200)),
    max_size=40,
)


@given(TURNS)
def test_however_it_comes_and_goes_each_row_is_named_once_and_what_stays_or_is_refused_is_told(turns):
    desk, standing, rows = Desk(PHONE, MAIL, patience=Patience(storm=1000, remind=())), {}, 0
    for what, seconds in turns:
        rows += turn(desk, standing, what)
        desk.wait(seconds=seconds)
    if sign := standing.pop("flap", None):
        desk.close(sign)
    desk.wait(seconds=1)

    steps = [(m.incident_id, m.channel, m.step) for _, m in desk.sent]
    assert len(steps) == len(set(steps))
    for channel in ("phone", "mail"):
        heard = [id for id, name, step in steps if (name, step) == (channel, Step.OPENED)]
        assert sum(desk.cases[id].incident.is_flap for id in heard) == rows
        refused = [id for id, case in desk.cases.items() if case.incident.fault is Fault.ACCOUNT_SUSPENDED]
        assert {*refused} | {one.id for one in standing.values()} <= {*heard}


def turn(desk, standing, what):
    """Let one thing happen, if it can; return 1 where a row of turns began."""
    begun = (desk.now - at(0)).total_seconds()
    if what == "flap" and what not in standing:
        standing[what] = replace(flap(), id=f"flap-{begun}")
        desk.open(standing[what])
        return 1
    if what in ("calm", "stays") and "flap" in standing:
        desk.close(standing.pop("flap"), kind=ChangeKind.RESOLVED if what == "calm" else ChangeKind.MERGED)
    elif what in ("errors", "suspended") and what in standing:
        desk.close(standing.pop(what))
    elif what in ("errors", "suspended"):
        fault = Fault.SERVER_ERROR if what == "errors" else Fault.ACCOUNT_SUSPENDED
        standing[what] = incident(fault=fault, seconds=begun, id=f"{what}-{begun}")
        desk.open(standing[what])
    return 0
