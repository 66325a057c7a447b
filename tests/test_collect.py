"""From configuration and database to what is shown."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from monitor.alert.case import Message
from monitor.config.config import Config
from monitor.config.document import ProbeSection, SiteSection
from monitor.config.public_page import PublicService
from monitor.detect import target_memory
from monitor.detect.account_memory import EMPTY, WarningSettings, advance
from monitor.detect.credit import CreditThreshold
from monitor.detect.health import Health, State
from monitor.detect.latency import TO_ARM, sensitivity_for
from monitor.detect.limits import Ceiling, CeilingMove, Limits
from monitor.detect.target_memory import NEW, DetectorSettings, TargetMemory
from monitor.diagnose.corroboration import AccountGroup, Level
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.reason import SourceStale
from monitor.diagnose.status_source import StatusSource, update_source
from monitor.diagnose.subject import Scope, Subject, read_subject
from monitor.publish.advice import advice_for, find_substitutes, needs_substitute
from monitor.publish.collect import build_snapshot, glance_of_beliefs
from monitor.publish.refresh_order import advance_rotation
from monitor.publish.snapshot import CROWD, DurationView
from monitor.publish.status import current_state
from monitor.publish.usable import assess_usability
from monitor.schedule import DailyBudget, Spending, Watch
from monitor.slo.indicator import Reading
from monitor.slo.objective import Objective
from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from monitor.words import title
from probes.advice import choose_advice
from probes.catalog import load_provider
from probes.model import Account, Answer, Confidence, Credit, Fault, Limit, Usage
from probes.notice import Bulletin, Trust
from probes.phrase import in_english
from probes.provider import Feed, Platform
from probes.proxy import DIRECT_EGRESS, Egress, Proxies, Proxy
from probes.target_id import answerer_id
from tests.conftest import NOON, at, health, observation, target

LIST, CHAT = target("openai/main", "list"), target("openai/main", "chat", "gpt")


@pytest.fixture
def db(tmp_path):
    with closing(open_writer(tmp_path / "monitor.db")) as connection:
        yield connection


@pytest.fixture
def writer(db):
    return Writer(db, "here")


def config(*targets, **facts):
    accounts = {one.account: Account(one.account.split("/")[1], one.provider, "k") for one in targets}
    settings = Config(
        file=None, store=StoreAddress(Path("monitor.db"), "here"), probe=ProbeSection(), site=SiteSection(),
        folder=None, providers={"openai": load_provider("openai")}, accounts=accounts,
        budgets={id: DailyBudget(1, 1) for id in accounts},
        watches={one.id: Watch(one, 60, free=True) for one in targets}, channels=(),
    )  # fmt: skip
    return replace(settings, **facts)


def remember(writer, one, now, plan=60, **more):
    writer.save(Batch(at(0), (observation(target=one, **more),), {one.id: now}, {one.id: at(plan)}))


def shown(db, settings, seconds=1):
    return build_snapshot(Reader(db, "here"), settings, at(seconds))


def account(snapshot):
    (provider,) = snapshot.providers
    return provider.accounts[0]


def test_what_was_never_looked_at_is_unknown(db):
    view = account(shown(db, config(LIST)))

    assert (view.state, view.targets[0].seen_at, view.targets[0].availability) == (State.UNKNOWN, None, None)


def test_an_account_is_as_bad_as_the_worst_of_its_targets(db, writer):
    remember(writer, LIST, health(None))
    remember(writer, CHAT, health(*[Fault.QUOTA_EXHAUSTED] * 3, target=CHAT))
    view = account(shown(db, config(LIST, CHAT)))

    assert (view.state, view.fault) == (State.DOWN, Fault.QUOTA_EXHAUSTED)
    assert "Billing is at https://" in in_english(view.advice)


PHONE = "Please verify your phone number."


def test_the_advice_of_an_account_names_what_its_answers_want(db, writer):
    remember(writer, LIST, health(None))
    answer = Answer("openai/verification", PHONE)
    ill = health(*[Fault.VERIFICATION_REQUIRED] * 3, target=CHAT, answer=answer)
    remember(writer, CHAT, ill, fault=Fault.VERIFICATION_REQUIRED, answer=answer)

    assert account(shown(db, config(LIST, CHAT))).advice == choose_advice(
        Fault.VERIFICATION_REQUIRED, load_provider("openai"), [PHONE]
    )


def test_the_advice_of_an_incident_is_that_of_its_answers():
    evidence = (
        Evidence("openai/main/list", at(0), Fault.TIMEOUT, "timeout", "verify your age"),
        Evidence("openai/main/chat", at(0), Fault.VERIFICATION_REQUIRED, "openai/verification", PHONE),
    )
    cause = Diagnosis(
        read_subject(Scope.ACCOUNT, "openai/main"),
        Fault.VERIFICATION_REQUIRED,
        Confidence.HIGH,
        at(0),
        (),
        (CHAT.id,),
        evidence,
    )
    text = in_english(advice_for(open_incident(cause), config(CHAT)))

    assert text == in_english(choose_advice(Fault.VERIFICATION_REQUIRED, load_provider("openai"), [PHONE]))
    assert "a phone number verified:" in text


def test_an_account_that_was_not_seen_shows_no_fault_of_before(db, writer):
    remember(writer, LIST, health(None, Fault.TIMEOUT))
    remember(writer, LIST, health(None, Fault.TIMEOUT, "the budget is spent"))
    view = account(shown(db, config(LIST))).targets[0]

    assert (view.state, view.fault, view.reason) == (State.UNKNOWN, None, "the budget is spent")


def test_a_look_that_is_overdue_is_no_longer_believed(db, writer):
    remember(writer, LIST, health(None), plan=60)

    for seconds in (100, 151, 179):
        assert account(shown(db, config(LIST), seconds=seconds)).state is State.UP
    late = account(shown(db, config(LIST), seconds=181)).targets[0]
    assert (late.state, late.reason) == (State.UNKNOWN, "the monitor was not watching")


@pytest.mark.parametrize("plan", [45, 60, 75])
def test_when_nobody_looks_any_more_an_account_is_usable_for_as_long_as_was_said(db, writer, plan):
    def said(seconds):
        shot = shown(db, config(LIST), seconds=seconds)
        (one,) = assess_usability(shot, current_state(shot))
        return one

    remember(writer, LIST, health(None), plan=plan)
    until = said(1).valid_until

    for seconds in range(1, 400, 7):
        assert said(seconds).usable is (True if at(seconds) <= until else None)


def test_what_was_down_when_the_monitor_stopped_is_down_until_it_is_seen_to_work(db, writer):
    remember(writer, LIST, health(None, *[Fault.PERMISSION_DENIED] * 3), plan=60)
    late = account(shown(db, config(LIST), seconds=3600)).targets[0]

    assert (late.state, late.fault, late.reason) == (
        State.DOWN,
        Fault.PERMISSION_DENIED,
        "the monitor was not watching",
    )


@pytest.mark.parametrize(("status", "confirmed"), [(503, True), (None, False)])
def test_a_third_failure_that_may_pass_is_sure_where_there_was_an_answer(db, writer, status, confirmed):
    blip = health(None, *[Fault.TIMEOUT] * 3, every_s=10, status=status)
    remember(writer, LIST, blip)
    one = account(shown(db, config(LIST), 30)).targets[0]

    assert (one.state, one.confirmed, one.well_at) == (State.SUSPECTED, confirmed, at(0))
    late = account(shown(db, config(LIST), 3600)).targets[0]
    assert late.state is (State.DOWN if confirmed else State.UNKNOWN)


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_recheck_is_dated_by_its_own_begin_and_not_by_the_state_before(db, writer, failures):
    remember(writer, LIST, health(None, None, *[Fault.TIMEOUT] * failures, every_s=10, status=503))
    one = account(shown(db, config(LIST), 20 + 10 * failures))

    assert (one.state, one.since) == (State.SUSPECTED, at(20))


def test_the_strip_has_a_cell_for_each_of_twenty_four_hours(db, writer):
    for hours in (0, 1, 5):
        writer.save(Batch(at(0), (observation(seconds=hours * 3600, target=LIST),)))
    writer.save(Batch(at(0), (observation(Fault.TIMEOUT, 5 * 3600 + 60, LIST),)))
    view = account(shown(db, config(LIST), seconds=5 * 3600 + 120)).targets[0]

    assert [(cell.ok, cell.failed) for cell in view.cells[-6:]] == [(1, 0), (1, 0), (0, 0), (0, 0), (0, 0), (1, 1)]
    assert len(view.cells) == 24
    assert view.availability == 0.75


def test_not_having_looked_is_in_no_availability(db, writer):
    writer.save(Batch(at(0), (observation(target=LIST), observation("no budget", 60, LIST))))

    assert account(shown(db, config(LIST), seconds=120)).targets[0].availability == 1


def test_now_is_set_against_the_usual(db, writer):
    for number in range(100):
        latency_s = 0.5 if number < 90 else 2.0
        one = replace(observation(seconds=number * 10, target=CHAT), latency_s=latency_s, ttft_s=latency_s / 2)
        writer.save(Batch(at(0), (one,)))
    view = account(shown(db, config(CHAT), seconds=1000)).targets[0]

    assert (view.latency.now_s, view.latency.usual_s) == (pytest.approx(2, rel=0.05), pytest.approx(0.5, rel=0.05))
    assert (view.ttft.now_s, view.ttft.usual_s) == (pytest.approx(1, rel=0.05), pytest.approx(0.25, rel=0.05))


@pytest.mark.parametrize("answers", [6, TO_ARM - 1, TO_ARM])
def test_how_far_it_usually_spreads_is_known_once_the_detector_of_slow_answers_could_tell(db, writer, answers):
    its = [replace(observation(seconds=number * 60, target=CHAT), latency_s=0.5) for number in range(answers)]
    writer.save(Batch(at(0), tuple(its)))
    latency = account(shown(db, config(CHAT), seconds=answers * 60)).targets[0].latency

    assert latency.usual_s == pytest.approx(0.5, rel=0.05)
    assert [one is not None for one in (latency.quick_s, latency.slow_s)] == [answers == TO_ARM] * 2


@pytest.mark.parametrize("tokens", [100, 4])
def test_how_fast_streams_go_on_is_shown_as_the_detectors_follow_it(db, writer, tokens):
    now = NEW
    for number in range(60):
        step_s = 0.02 if number < 55 else 0.08
        one = replace(observation(seconds=60 * number, target=CHAT), ttft_s=0.2, latency_s=0.2 + (tokens - 1) * step_s)
        one = replace(one, usage=Usage(9, tokens))
        now = target_memory.advance(now, one, Health(), Health(), DetectorSettings(sensitivity_for(60)), held=False)
        writer.save(Batch(at(0), (one,), tracks={CHAT.id: now}))
    token = account(shown(db, config(CHAT), seconds=3600)).targets[0].token

    usual = (pytest.approx(0.08, rel=0.01), pytest.approx(0.02, rel=0.1))
    assert (token.now_s, token.usual_s) == (usual if tokens == 100 else (None, None))


def test_limits_and_spending_of_today_are_shown(db, writer):
    limits = (Limit("requests", 60, 500, 499),)
    writer.save(
        Batch(
            at(0),
            (observation(target=CHAT, limits=limits, usage=Usage(1, 1)),),
            spendings={"openai/main": Spending(NOON.date(), 2, 0.5)},
        )
    )
    view = account(shown(db, config(CHAT)))

    assert (view.spent_usd, view.targets[0].limits) == (0.5, limits)
    assert account(shown(db, config(CHAT), seconds=86400)).spent_usd == 0


def roll_up(db, now):
    while due := Reader(db, "here").next_roll_up(now):
        Writer(db, "here").save_roll_up(due)


@pytest.mark.parametrize("rolled", [False, True])
def test_ninety_days_are_shown_whether_they_are_rolled_up_or_not(db, writer, rolled):
    day = 86_400
    for days, fault in ((0, None), (1, Fault.TIMEOUT), (3, None)):
        writer.save(Batch(at(0), (observation(fault, seconds=days * day, target=LIST),)))
    if rolled:
        roll_up(db, at(3 * day + 60))
    view = account(shown(db, config(LIST), seconds=3 * day + 60)).targets[0]

    assert [(cell.ok, cell.failed) for cell in view.days[-5:]] == [(0, 0), (1, 0), (0, 1), (0, 0), (1, 0)]
    assert len(view.days) == 90
    assert [len(view.latency_days), len(view.ttft_days)] == ([2, 0] if rolled else [0, 0])


def test_the_durations_of_a_day_are_read_of_the_target_that_stands_for_its_account(db, writer):
    for number in range(3 * 24):
        one = replace(observation(seconds=number * 1200, target=CHAT), latency_s=1.0, ttft_s=0.2)
        writer.save(Batch(at(0), (one, observation(seconds=number * 1200, target=LIST))))
    listed, chat = account(shown(db, config(LIST, CHAT), seconds=24 * 3600 - 60)).targets

    assert (chat.ttfts, chat.latencies) == ((0.2,) * 72, (1.0,) * 72)
    assert (listed.ttfts, listed.latencies) == ((), ())


def test_where_nothing_streams_the_whole_answers_of_a_day_are_read(db, writer):
    writer.save(Batch(at(0), (observation(target=LIST),)))
    view = account(shown(db, config(LIST), seconds=60)).targets[0]

    assert (view.latencies, view.ttfts) == ((*[None] * 71, 0.5), (None,) * 72)


def test_a_ceiling_is_shown_by_day_before_it_became_what_it_is_and_then_until_it_was_last_told(db, writer):
    day = 86_400
    for days, most in ((0, 9.0), (1, 9.0), (2, 5.0), (4, 5.0)):
        limits = (Limit("requests", 60, most, 1),)
        writer.save(Batch(at(0), (observation(seconds=days * day, target=CHAT, limits=limits),)))
    view = account(shown(db, config(CHAT), seconds=5 * day)).targets[0]

    midnight = NOON.replace(hour=0)
    assert view.ceilings == (
        (
            *(Reading(midnight + timedelta(days=days), 9.0) for days in (0, 1)),
            Reading(at(2 * day), 5.0),
            Reading(at(4 * day), 5.0),
        ),
    )


@pytest.mark.parametrize(("seconds", "known"), [(40 * 86_400, 0), (28 * 86_400, 2), (0, 2)])
def test_a_ceiling_not_told_for_a_month_is_not_shown_as_if_it_was(db, writer, seconds, known):
    writer.save(Batch(at(0), (observation(target=CHAT, limits=(Limit("requests", 60, 9.0, 1),)),)))
    (readings,) = account(shown(db, config(CHAT), seconds=seconds)).targets[0].ceilings

    assert len(readings) == known


def test_credit_is_shown_by_day_and_then_as_it_is_remembered(db, writer):
    day, floor = 86_400, WarningSettings(CreditThreshold({"USD": 20.0}))
    note = EMPTY
    for days, left in ((0, 50.0), (1, 45.0), (8, 30.0), (9, 28.0)):
        one = observation(seconds=days * day, target=CHAT, credits=(Credit("USD", left),))
        note = advance(note, one, floor)
        writer.save(Batch(at(0), (one,), notes={CHAT.account: note}))
    (view,) = account(shown(db, config(CHAT, attentions={CHAT.account: floor}), seconds=9 * day)).credits

    midnight = NOON.replace(hour=0)
    assert view.readings == (
        Reading(midnight + timedelta(days=1), 50.0),
        Reading(midnight + timedelta(days=2), 45.0),
        Reading(at(8 * day), 30.0),
        Reading(at(9 * day), 28.0),
    )
    assert (view.floor, view.told_by) == (20.0, CHAT.id)


def test_since_when_an_account_is_watched_is_known_to_the_second(db, writer):
    writer.save(Batch(NOON, (observation("no budget", 0, LIST), observation(None, 95, LIST))))
    (provider,) = build_snapshot(Reader(db, "here"), config(LIST, public_folder=Path("public")), at(200)).providers
    assert provider.accounts[0].targets[0].watched_since == at(95)
    assert provider.watched_since == at(95)


def test_the_usual_duration_is_the_same_before_and_after_the_roll_up(db, writer):
    for number in range(200):
        one = replace(observation(seconds=number * 600, target=CHAT), latency_s=0.5 + number % 10 / 10)
        writer.save(Batch(at(0), (one,)))
    before = account(shown(db, config(CHAT), seconds=200 * 600)).targets[0].latency
    roll_up(db, at(200 * 600))

    assert account(shown(db, config(CHAT), seconds=200 * 600)).targets[0].latency == before
    assert before.slow_s == pytest.approx(1.4, rel=0.05)


def test_the_manner_and_all_ids_of_incidents_are_in_the_snapshot(db, writer):
    opened = Change(open_incident(CAUSE), ChangeKind.OPENED, at(1))
    writer.save(Batch(at(1), changes=(opened,)))
    snapshot = shown(db, config(LIST, site=SiteSection(slo=0.9, language="de", url="https://x.example")))

    assert (snapshot.manner.slo, snapshot.manner.language, snapshot.manner.url) == (0.9, "de", "https://x.example")
    assert snapshot.incident_ids == {opened.incident.id}


def test_what_is_asked_at_an_address_of_its_own_is_marked(db):
    own = {LIST.account: Account("main", "openai", "k", base="https://gateway.example.com/v1")}

    assert not account(shown(db, config(LIST))).own_host
    assert account(shown(db, config(LIST, accounts=own))).own_host
    assert shown(db, config(LIST)).providers[0].shipped


@pytest.mark.parametrize("host", [None, "gateway.example.com"])
def test_who_answers_an_account_is_shown(db, host):
    assert account(shown(db, config(replace(LIST, host=host)))).answerer == answerer_id("openai", host)


CAUSE = Diagnosis(
    read_subject(Scope.ACCOUNT, "openai/main"), Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, at(0), (), (LIST.id,), ()
)


@pytest.mark.parametrize(
    ("model", "free", "spent"), [("gpt-5-nano", False, 0.0), ("gpt", False, None), ("gpt", True, 0.0)]
)
def test_what_a_paid_canary_without_a_known_price_costs_is_not_known(model, free, spent, db):
    one = target("openai/main", "chat", model)
    settings = config(one, watches={one.id: Watch(one, 60, free)})

    assert account(shown(db, settings)).spent_usd == account(shown(db, settings)).spent_month_usd == spent


@pytest.mark.parametrize(
    ("covered", "began"),
    [
        ((LIST.id, CHAT.id), 0),
        ((LIST.id, "openai/backup/list"), 400),
        ((), 300),
    ],
    ids=["its own incident, whose first target is well by now", "an incident of several", "no incident yet"],
)
def test_an_account_is_down_since_the_incident_about_it_alone_began(covered, began, db, writer):
    since = {CHAT: at(400), target("openai/main", "embed"): at(300)} if not covered else {CHAT: at(400)}
    for one, begun in since.items():
        ill = replace(health(*[Fault.TIMEOUT] * 3, target=one), since=begun)
        remember(writer, one, ill, fault=Fault.TIMEOUT)
    if covered:
        opened = Change(open_incident(replace(CAUSE, targets=(*covered, CHAT.id))), ChangeKind.OPENED, at(1))
        writer.save(Batch(at(1), changes=(opened,)))

    assert account(shown(db, config(*since), seconds=401)).since == at(began)


def test_incidents_are_shown_with_what_was_told(db, writer):
    opened = Change(open_incident(CAUSE), ChangeKind.OPENED, at(1))
    writer.save(Batch(at(1), changes=(opened,), messages=(Message(opened.id, "phone"),)))
    snapshot = shown(db, config(LIST))

    (view,) = snapshot.open_incidents
    assert (title(view.incident), view.told[0].channel) == ("openai/main: account suspended", "phone")
    closed = Change(replace(opened.incident, closed_at=at(60)), ChangeKind.RESOLVED, at(60))
    writer.save(Batch(at(60), changes=(closed,)))
    snapshot = shown(db, config(LIST))
    assert (snapshot.open_incidents, len(snapshot.past_incidents)) == ((), 1)


@pytest.mark.parametrize(
    ("fault", "well", "instead"),
    [
        (Fault.ACCOUNT_SUSPENDED, True, ("openai/spare",)),
        (Fault.ACCOUNT_SUSPENDED, False, ()),
        (Fault.OVERLOADED, True, ("openai/spare",)),
        (Fault.OVERLOADED, False, None),
    ],
)
def test_of_an_open_incident_is_shown_who_works_instead_and_of_one_that_is_over_nobody(
    db, writer, fault, well, instead
):
    spare = target("openai/spare", "list")
    seen = replace(health(None, target=spare), seen_at=at(1), well_at=at(1))
    remember(writer, LIST, health(fault, fault, fault, target=LIST))
    if well:
        remember(writer, spare, seen)
    opened = Change(open_incident(replace(CAUSE, fault=fault)), ChangeKind.OPENED, at(1))
    writer.save(Batch(at(1), changes=(opened,)))

    (view,) = shown(db, config(LIST, spare)).open_incidents
    assert (view.instead and tuple(one.account for one in view.instead)) == instead
    assert {one.seen_at for one in view.instead or ()} <= {at(1)}
    closed = Change(replace(opened.incident, closed_at=at(2)), ChangeKind.RESOLVED, at(2))
    writer.save(Batch(at(2), changes=(closed,)))
    (view,) = shown(db, config(LIST, spare), 3).past_incidents
    assert view.instead is None


def test_what_failed_just_now_is_named_with_that_and_with_its_last_good_answer(db, writer):
    spare = target("openai/spare", "list")
    remember(writer, LIST, health(*[Fault.QUOTA_EXHAUSTED] * 3, target=LIST))
    remember(writer, spare, health(None, Fault.TIMEOUT, target=spare))
    cause = replace(CAUSE, fault=Fault.QUOTA_EXHAUSTED)
    writer.save(Batch(at(1), changes=(Change(open_incident(cause), ChangeKind.OPENED, at(1)),)))

    views = shown(db, config(LIST, spare), 61).open_incidents
    for one in (one for view in views for one in view.instead or ()):
        assert (one.seen_at, str(one.caution)) == (at(0), "it failed just now and is being rechecked")
    assert [one.account for view in views for one in view.instead or ()] == ["openai/spare"]


def test_warnings_are_ours_and_the_channels(db, writer):
    opened = Change(open_incident(CAUSE), ChangeKind.OPENED, at(1))
    writer.save(Batch(at(1), changes=(opened,), messages=(Message(opened.id, "phone"),)))
    writer.postponed(writer.due_messages(at(9))[0], "no answer within 20 s", at(60))

    assert build_snapshot(Reader(db, "here"), config(LIST), at(9), ["disk full"]).warnings == (
        "disk full",
        "messages to phone are not getting through: no answer within 20 s",
    )


def test_what_an_objective_promises_is_shown_with_what_is_left(db, writer):
    looks = tuple(observation(None if second else Fault.TIMEOUT, second, LIST) for second in range(10))
    writer.save(Batch(at(9), looks))
    promise = Objective("answers", "openai/main", frozenset({LIST.id}), availability=0.8)
    silent = Objective("chats", "openai/main", frozenset({CHAT.id}), availability=0.8)

    first, second = shown(db, config(LIST, objectives=(promise, silent)), 60).objectives
    (reserve,) = first.reserves
    used = 0.5 * 60 / (28 * 86_400)  # a tenth failed of the minute that was watched, a fifth may of 28 days
    assert (reserve.kept, reserve.left) == (pytest.approx(0.9), pytest.approx(1 - used))
    assert (second.objective, second.reserves) == (silent, ())


def test_a_ceiling_that_moved_for_good_is_shown_beside_its_limit(db, writer):
    moved = CeilingMove(at(5), before=60, after=30)
    moves = {"requests": moved, "tokens": None}
    told = (Limit("requests", 60, 30, 12), Limit("tokens", 60, 1000, 900))
    ceilings = {unit: Ceiling(unit, 60.0, at(5), (30.0,), at(5), moved=one) for unit, one in moves.items()}
    tracks = {LIST.id: TargetMemory(limits=Limits(ceilings))}
    writer.save(Batch(at(9), (observation(None, 9, LIST, limits=told),), tracks=tracks))

    assert account(shown(db, config(LIST))).targets[0].moves == (moved, None)


def test_usable_instead_is_another_account_of_which_all_is_up():
    targets = [target(f"openai/{name}", canary) for name in ("main", "a", "b", "c") for canary in ("list", "chat")]
    healths = {one.id: health(None, target=one) for one in targets if "/b/" not in one.id}
    healths["openai/c/chat"] = health(Fault.TIMEOUT)

    assert works(CAUSE, config(*targets), healths) == ["openai/a"]


def test_instead_of_a_suspended_account_others_of_other_providers_come_first_and_its_own_are_not_offered():
    targets = [
        *(target(f"openai/{name}", canary) for name in ("main", "a", "b") for canary in ("list", "chat")),
        *(target("groq/full", canary) for canary in ("list", "chat")),
        target("groq/lists-only", "list"),
    ]
    jo = (AccountGroup(Level.LOGIN, "jo"),)
    providers = {id: load_provider(id) for id in ("openai", "groq")}
    settings = config(*targets, groups={"openai/main": jo, "openai/b": jo}, providers=providers)
    settings = replace(settings, watches={id: replace(one, free="/list" in id) for id, one in settings.watches.items()})
    healths = {one.id: health(None, target=one) for one in targets}
    lost = replace(CAUSE, targets=(LIST.id, "openai/main/chat"))
    found = find_substitutes(open_incident(lost), settings, glance_of_beliefs(settings, healths, [], at(10)))

    assert [one.account for one in found] == ["groq/full", "openai/a"]
    assert [one.caution and str(one.caution.words).partition(" is")[0] for one in found] == [None, "openai/main"]
    assert works(replace(lost, fault=Fault.QUOTA_EXHAUSTED), settings, healths) == ["openai/a", "openai/b"]


ASKED = {
    "anthropic/main": ("list", "count", "chat"),
    "anthropic/team": ("list", "count", "chat"),
    "mistral/writes": ("list", "chat"),
    "new-api/embeds": ("list", "embed"),
    "codex/sub": ("command",),
    "openai/lists": ("list",),
}
"""What each account is asked for; of the first only what is free has failed so far."""
FREE = {"list", "count"}


@pytest.mark.parametrize(
    ("fault", "asked", "named"),
    [
        (Fault.ACCOUNT_SUSPENDED, ASKED, ["mistral/writes", "codex/sub", "anthropic/team"]),
        (Fault.QUOTA_EXHAUSTED, ASKED, ["anthropic/team"]),
        (Fault.QUOTA_EXHAUSTED, {**ASKED, "anthropic/team": ()}, ["mistral/writes", "codex/sub"]),
        (Fault.ACCOUNT_SUSPENDED, {**ASKED, "anthropic/main": ("list", "chat", "embed")}, None),  # part of it is enough
        (Fault.INVALID_KEY, {"new-api/main": ("list", "embed"), **ASKED}, ["new-api/embeds"]),
        (Fault.ACCOUNT_SUSPENDED, {"anthropic/main": ("list",), "mistral/x": ("list", "chat")}, ["mistral/x"]),
        (Fault.ACCOUNT_SUSPENDED, {"anthropic/main": ("list", "chat"), "openai/lists": ("list",)}, []),
    ],
)
def test_who_does_the_work_of_a_lost_account_is_named_also_where_only_what_is_free_has_failed_so_far(
    fault, asked, named
):
    targets = [target(id, canary, "m") for id, canaries in asked.items() for canary in canaries]
    providers = {one.provider: load_provider(one.provider) for one in targets}
    settings = config(*targets, providers=providers)
    watches = {id: replace(one, free=one.target.canary in FREE) for id, one in settings.watches.items()}
    settings, lost = replace(settings, watches=watches), next(iter(asked))
    healths = {one.id: health(None, target=one) for one in targets}
    failing = tuple(one.id for one in targets if one.account == lost and one.canary in FREE)
    cause = Diagnosis(read_subject(Scope.ACCOUNT, lost), fault, Confidence.HIGH, at(0), (), failing, ())
    expected = ["mistral/writes", "new-api/embeds", "codex/sub", "anthropic/team"] if named is None else named

    assert sorted(works(cause, settings, healths)) == sorted(expected)
    if fault is Fault.ACCOUNT_SUSPENDED and "anthropic/team" in expected:
        assert works(cause, settings, healths)[-1] == "anthropic/team"


@pytest.mark.parametrize(
    ("scope", "fault", "told"),
    [
        (Scope.ACCOUNT, Fault.ACCOUNT_SUSPENDED, True),
        (Scope.PROVIDER, Fault.INVALID_KEY, True),
        (Scope.TARGET, Fault.RATE_LIMITED, False),
        (Scope.PROVIDER, Fault.OVERLOADED, False),  # its advice says it
        (Scope.REMINDER, Fault.EXPIRES_SOON, False),
    ],
)
def test_that_nobody_is_known_to_work_is_told_where_an_account_is_lost(scope, fault, told):
    assert needs_substitute(open_incident(replace(CAUSE, about=replace(CAUSE.about, scope=scope), fault=fault))) is told


def works(cause, settings, healths, seconds=10):
    one = open_incident(cause)
    return [
        it.account for it in find_substitutes(one, settings, glance_of_beliefs(settings, healths, [one], at(seconds)))
    ]


GROQ = target("groq/a", "chat", "llama")


def among(
    accounts,
    *,
    hit=("openai/main",),
    fault=Fault.OVERLOADED,
    scope=Scope.ACCOUNT,
    subject="openai/main",
    base=None,
    way=None,
):
    """The advice, and who works instead, of what is lost since 60 s, where `accounts` were seen well so long ago."""
    targets = {id: target(id, "chat", "gpt") for id in (*hit, *accounts)}
    settings = config(*targets.values(), providers={id: load_provider(id) for id in ("openai", "groq")})
    settings = replace(
        settings,
        accounts={
            id: replace(one, base=(base or {}).get(id), way=(way or {}).get(id, DIRECT_EGRESS))
            for id, one in settings.accounts.items()
        },
    )
    healths = {targets[id].id: health(fault, fault, fault, target=targets[id]) for id in hit}
    healths |= {
        targets[id].id: replace(health(None, target=targets[id]), seen_at=at(-ago), well_at=at(-ago))
        for id, ago in accounts.items()
    }
    lost = tuple(targets[id].id for id in hit)
    one = open_incident(Diagnosis(read_subject(scope, subject), fault, Confidence.HIGH, at(-60), (), lost, ()))
    seen = glance_of_beliefs(settings, healths, [one], at(0))
    return in_english(advice_for(one, settings, seen)), [it.account for it in find_substitutes(one, settings, seen)]


BY_PROXY = Egress(Proxies(https=Proxy("http", "proxy.example", 3128)))


@pytest.mark.parametrize("other", [BY_PROXY, Egress(ca_file="/ours.pem")])
def test_nobody_waits_for_a_road_that_is_open_to_those_who_go_another(other):
    same, apart = (
        among({"openai/b": -5}, fault=Fault.CONNECTION_FAILED, way={"openai/main": other, "openai/b": its})[0]
        for its in (other, DIRECT_EGRESS)
    )

    assert "while the same address answers others from here" in same
    assert "check DNS, firewall and certificates" in apart


def test_where_a_provider_fails_that_of_another_is_named_which_works_as_pick_says():
    text, works = among(
        {"groq/a": 20, "groq/b": 5}, hit=("openai/a", "openai/b"), scope=Scope.PROVIDER, subject="openai"
    )

    assert text.endswith("wait, or switch to groq/a, which works now.")
    assert works == ["groq/a", "groq/b"]  # both are as good, and in the order of the file


@pytest.mark.parametrize("accounts", [{}, {"groq/a": 1000}])
def test_nobody_is_sent_to_what_is_not_known_to_work(accounts):
    text, works = among(accounts, hit=("openai/a", "openai/b"), scope=Scope.PROVIDER, subject="openai")

    assert text.endswith("wait; nothing else watched here is known to work now.")
    assert works == []


def test_of_a_providers_trouble_a_sibling_is_no_way_out_nor_one_that_was_not_seen_since():
    assert among({"openai/b": 5}, scope=Scope.PROVIDER, subject="openai")[1] == []
    assert among({"openai/b": 90})[1] == []
    assert among({"openai/b": 5})[1] == ["openai/b"]
    assert among({"openai/b": 90}, fault=Fault.QUOTA_EXHAUSTED)[1] == ["openai/b"]  # each has its own


@pytest.mark.parametrize(
    ("well_s", "said"),
    [(10, "wait, or switch to the model gpt-b, which works now."), (-10, "wait; nothing else watched here is")],
)
def test_of_an_account_that_lost_one_model_another_that_was_answered_since_is_named(well_s, said):
    lost, other = (target("openai/main", "chat", name) for name in ("gpt-a", "gpt-b"))
    well = replace(health(None, target=other), seen_at=at(well_s), well_at=at(well_s))
    healths = {lost.id: health(*[Fault.OVERLOADED] * 3, target=lost), other.id: well}
    cause = Diagnosis(read_subject(Scope.MODEL, lost.id), Fault.OVERLOADED, Confidence.HIGH, at(0), (), (lost.id,), ())
    one, settings = open_incident(cause), config(lost, other)

    assert said in in_english(advice_for(one, settings, glance_of_beliefs(settings, healths, [one], at(30))))


def slow(one):
    seen = Evidence(one.id, at(0), Fault.SLOW, "latency/total", "usual 1.1 s, now 5.1 s since 12:00 UTC")
    subject = f"{one.account}/{one.model}"
    return open_incident(
        Diagnosis(
            read_subject(Scope.MODEL, subject), Fault.SLOW, Confidence.HIGH, at(-60), (), (), (seen,), signal=True
        )
    )


@pytest.mark.parametrize(
    ("also_slow", "said", "works"),
    [
        ([], "wait, or switch to groq/a, which works now.", ["groq/a", "groq/b"]),
        (["groq/a"], "wait, or switch to groq/b, which works now.", ["groq/b"]),
        (["groq/a", "groq/b"], "wait, or switch to another model or provider that works.", []),
    ],
)
def test_whose_answers_are_slow_is_sent_to_nothing_that_is_slow_too(also_slow, said, works):
    targets = {id: target(id, "chat", "gpt") for id in ("openai/main", "groq/a", "groq/b")}
    settings = config(*targets.values(), providers={id: load_provider(id) for id in ("openai", "groq")})
    healths = {one.id: replace(health(None, target=one), seen_at=at(-5), well_at=at(-5)) for one in targets.values()}
    ours, others = slow(targets["openai/main"]), [slow(targets[id]) for id in also_slow]
    seen = glance_of_beliefs(settings, healths, [ours, *others], at(0))

    assert in_english(advice_for(ours, settings, seen)).endswith(said)
    assert [one.account for one in find_substitutes(ours, settings, seen)] == works


@pytest.mark.parametrize(
    ("accounts", "base", "doubted"),
    [
        ({}, {"openai/main": "https://gate/v1"}, True),
        ({}, {}, False),
        ({"openai/b": 5}, dict.fromkeys(("openai/main", "openai/b"), "https://gate/v1"), False),
        ({"openai/b": 90}, dict.fromkeys(("openai/main", "openai/b"), "https://gate/v1"), True),  # not seen since
        ({"openai/b": 5}, {"openai/main": "https://gate/v1"}, True),
    ],
)
def test_a_base_address_is_not_doubted_beside_those_that_use_it_and_work(accounts, base, doubted):
    text, _ = among(accounts, base=base, fault=Fault.INVALID_RESPONSE)

    assert ("check the base address" in text) is doubted


@pytest.mark.parametrize(("hit", "replaced"), [(("openai/a",), True), (("openai/a", "openai/b"), False)])
def test_keys_that_are_rejected_at_once_are_not_to_be_replaced_one_by_one(hit, replaced):
    text, _ = among({}, hit=hit, scope=Scope.ORGANIZATION, subject="openai", fault=Fault.INVALID_KEY)

    assert ("put a working one in its place" in text) is replaced


def test_the_page_of_an_account_that_no_incident_explains_yet_names_what_works_too(db, writer):
    remember(writer, CHAT, health(*[Fault.SERVER_ERROR] * 3, target=CHAT), fault=Fault.SERVER_ERROR)
    remember(writer, GROQ, health(None, target=GROQ))
    settings = config(CHAT, GROQ, providers={id: load_provider(id) for id in ("openai", "groq")})
    view = next(one for it in shown(db, settings).providers for one in it.accounts if one.id == "openai/main")

    assert in_english(view.advice).endswith("wait, or switch to groq/a, which works now.")


def test_when_the_monitor_is_offline_the_advice_is_for_this_machine():
    offline = open_incident(replace(CAUSE, about=Subject(Scope.MONITOR), fault=Fault.CONNECTION_FAILED))

    assert "this machine's network" in in_english(advice_for(offline, config(LIST)))


def test_a_closed_road_out_has_an_advice_although_it_names_no_provider():
    cut = Diagnosis(read_subject(Scope.EGRESS, ""), Fault.CONNECTION_FAILED, Confidence.HIGH, at(0), (), (LIST.id,), ())

    assert "the way out from here" in in_english(advice_for(open_incident(cut), config(LIST)))


def test_a_page_is_stale_after_two_intervals_but_not_before_two_minutes(db):
    slow = {LIST.id: Watch(LIST, 600, free=True)}

    assert shown(db, config(LIST)).fresh_s == 120
    assert shown(db, config(LIST, watches=slow)).fresh_s == 1200


def fleet():
    return [target(f"openai/a{number:02}") for number in range(CROWD + 1)]


def remember_all(writer, many, seconds, fault=None):
    seen = tuple(observation(fault, seconds, one) for one in many)
    now = health(*[fault] * 3 if fault else [None], every_s=0)
    now = replace(now, since=at(0), seen_at=at(seconds))
    healths, plans = {one.id: now for one in many}, {one.id: at(seconds + 60) for one in many}
    writer.save(Batch(at(seconds), seen, healths, plans))


def test_of_who_rests_by_the_rota_only_what_is_now_is_read_and_the_rest_is_as_it_was(db, writer):
    many = fleet()
    remember_all(writer, many, 0)
    settings = config(*many)
    first = build_snapshot(Reader(db, "here"), settings, at(1))
    remember_all(writer, many, 60)
    second = build_snapshot(
        Reader(db, "here"), settings, at(61), rotation=advance_rotation({}, first, current_state(first))
    )
    whole = {one.id: one for one in build_snapshot(Reader(db, "here"), settings, at(61)).providers[0].accounts}
    made = [one for one in second.providers[0].accounts if not one.stands]
    assert made == [whole[one.id] for one in made]
    resting = second.providers[0].accounts[-1]
    assert resting.stands
    assert resting.targets[0].cells == resting.targets[0].days == ()
    assert resting.targets[0].seen_at == at(60)
    assert resting.targets[0].latency == first.providers[0].accounts[-1].targets[0].latency != DurationView()
    assert resting.targets[0].availability == 1.0


def test_who_fails_is_read_at_length_at_once(db, writer):
    many = fleet()
    remember_all(writer, many, 0)
    first = build_snapshot(Reader(db, "here"), config(*many), at(1))
    rotation = advance_rotation({}, first, current_state(first))
    remember_all(writer, many[-1:], 60, Fault.INVALID_KEY)
    ill = build_snapshot(Reader(db, "here"), config(*many), at(61), rotation=rotation).providers[0].accounts[-1]
    assert (ill.stands, ill.targets[0].cells[-1].failed) == (False, 1)


def test_for_a_public_site_all_that_is_asked_at_the_providers_own_address_is_added_up(db, writer, tmp_path):
    mine, theirs = LIST, target("openai/own", "list")
    remember_all(writer, [mine, theirs, CHAT], 0)
    settings = config(mine, theirs, CHAT, public_folder=tmp_path)
    settings.accounts["openai/own"] = replace(settings.accounts["openai/own"], base="https://own.example")
    (provider,) = shown(db, settings).providers
    assert (provider.cells[-1].ok, provider.days[-1].ok, len(provider.cells), len(provider.days)) == (2, 2, 24, 90)
    roll_up(db, at(26 * 3600))
    assert build_snapshot(Reader(db, "here"), settings, at(1)).providers == shown(db, settings).providers
    assert shown(db, replace(settings, public_folder=None)).providers[0].cells == ()


def test_the_past_of_any_number_of_services_is_read_at_once(db, writer, tmp_path):
    many = fleet()
    remember_all(writer, many, 95)
    services = tuple(PublicService(one.account, None, "", frozenset({one.id, many[0].id}), 1) for one in many)
    reads, views = [], []
    for number in (1, len(many)):
        asked = []
        db.set_trace_callback(asked.append)
        views.append(shown(db, config(*many, public_folder=tmp_path, services=services[:number]), 200).services)
        db.set_trace_callback(None)
        reads.append(len(asked))
    assert reads[0] == reads[1]
    assert [one.watched_since for one in views[1]] == [at(95)] * len(many)
    assert [one.cells[-1].ok for one in views[1]] == [1] + [2] * (len(many) - 1)
    assert views[0][0] == views[1][0]


def test_a_problem_is_told_of_a_status_source_only_while_it_cannot_be_read(db, writer):
    page = Feed(id="page", form=Platform.FEED, url="https://a.example", page="https://a.example", source="a test")
    source = update_source(StatusSource("openai/page"), Bulletin("openai/page", at(0), Trust.READ))
    writer.save_source(source)
    told = [shown(db, config(LIST, feeds={source.id: page}), seconds).sources[0] for seconds in (60, 1800)]

    assert [(one.readable, one.problem) for one in told] == [(True, None), (False, SourceStale())]
