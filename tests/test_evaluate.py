"""Where the detectors meet: hours of looks in a moment, with a real store and no network."""

import time
from contextlib import asynccontextmanager, closing
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from benchmarks.virtual import promptly
from monitor.alert.rule import AlertLimits
from monitor.detect.health import Health, State
from monitor.diagnose.corroboration import AccountGroup, Level
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import ChangeKind, open_incident
from monitor.diagnose.subject import Scope, subject_of_answerer
from monitor.schedule import ProbePauses, Watch
from monitor.sentence.reason import describe_ending
from monitor.stages.beat import beat
from monitor.stages.notify import write_due_messages
from monitor.state.belief import ControlResult
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.connection import open_reader
from monitor.store.reader import Reader
from probes.catalog import load_provider
from probes.model import Answer, Blame, Confidence, Fault, Limit, Observation, Outcome, Target
from tests.conftest import NOON, sentences
from tests.parts import run_stage, spare_the_disk
from tests.test_run import config

FAILING = {"fault": Fault.SERVER_ERROR, "status": 500}
IDS = ("openai/main", "openai/backup", "groq/llama")


class Clockwork:
    """A monitor whose looks are told to it, one a minute at each target."""

    def __init__(self, state, clock):
        self.state, self.clock = state, clock
        self.told = []

    async def minutes(self, count, looks):
        """Let so many minutes pass; `looks(target)` gives the facts of each look."""
        for _ in range(count):
            self.clock.now += timedelta(minutes=1)
            seen = [(watch.target, looks(watch.target)) for watch in self.state.belief.config.watches.values()]
            before = dict(self.state.belief.incidents)
            looked = [look(one, self.clock.now, facts) for one, facts in seen]
            await beat(self.state, looked, self.clock.now)
            await run_stage(write_due_messages, self.state)
            self.told += [one for id, one in self.state.belief.incidents.items() if id not in before]

    async def quarter_of_a_minute(self, accounts, slow):
        """Look at these accounts, of which the slow ones take four times as long as the others."""
        self.clock.now += timedelta(seconds=15)
        targets = [
            watch.target for watch in self.state.belief.config.watches.values() if watch.target.account in accounts
        ]
        facts = [(one, {"latency_s": 2.0 if one.account in slow else 0.5}) for one in targets]
        await beat(self.state, [look(one, self.clock.now, its) for one, its in facts], self.clock.now)

    async def run_for(self, span, looks):
        """Let the agenda decide when to look, to the second."""
        end = self.clock.now + span
        self.state.planned.plan_probes(self.state.belief.config.watches, self.state.services.edge.clock(), 5)
        while self.clock.now < end:
            now, watches = self.clock.now, self.state.belief.config.watches
            targets = [watches[id].target for id in self.state.planned.probes.take_due(now)]
            await beat(self.state, [look(one, now, looks(one)) for one in targets], now)
            await run_stage(write_due_messages, self.state)
            soon = min(self.state.planned.probes.next_at() or end, now + timedelta(seconds=20))
            self.clock.now = max(soon, now + timedelta(seconds=1))

    def letters(self):
        """What the terminal was to be told, in order: of whom, and which step."""
        query = (
            "SELECT incident.subject, step FROM outbox JOIN incident ON incident.id = incident_id ORDER BY outbox.id"
        )
        return [tuple(row) for row in self.state.services.storage.failover.connection.execute(query)]

    def told_of(self):
        """What the terminal was to be told, in order: when, of what, and which step."""
        cases = self.state.told.cases.values()
        told = [(one.at, case.incident, one.step) for case in cases for one in case.told.get("terminal", ())]
        return sorted(told, key=lambda one: one[0])

    def open(self):
        return sorted((one.subject, one.fault, one.signal) for one in self.state.belief.incidents.values())


class Clock:
    now = NOON


def look(target, at, facts):
    facts = {"latency_s": 0.5, "status": 200} | facts
    fault = facts.pop("fault", None)
    if fault is None:
        return Observation(target, at, Outcome.OK, **facts)
    return Observation(target, at, Outcome.FAILED, fault=fault, answer=Answer(f"x/{fault}", "words"), **facts)


@asynccontextmanager
async def clockwork(folder, clock, ids=IDS):
    settings = config(folder, Nowhere(), ids=ids)
    chats = (watch.target for watch in settings.watches.values() if watch.target.canary == "chat")
    watches = {target.id: Watch(target, 60, True) for target in chats}
    edge = Edge(lambda: clock.now, time.monotonic, lambda: 0.5, lambda _: None)
    async with open_state(replace(settings, watches=watches), edge) as made:
        yield Clockwork(spare_the_disk(made), clock)


class Nowhere:
    def base(self, provider):
        return "http://127.0.0.1:9"


def wavy(number, base=0.5):
    """A time that varies a little, the same in every run."""
    return base * (1 + 0.2 * ((number * 7919) % 13 - 6) / 6)


def steady(seconds_of):
    counter = iter(range(10**9))
    return lambda target: {"latency_s": wavy(next(counter), seconds_of(target))}


def test_a_first_failure_has_the_sibling_asked_at_once_and_the_suspect_after_its_pause(tmp_path):
    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            await it.minutes(3, lambda _: {})
            clock.now += timedelta(seconds=30)
            suspect = next(w.target for w in it.state.belief.config.watches.values() if w.target.account == IDS[0])
            await beat(it.state, [look(suspect, clock.now, FAILING)], clock.now)
            at_once = it.state.planned.probes.take_due(clock.now)
            return at_once, it.state.planned.probes.take_due(clock.now + timedelta(seconds=ProbePauses().confirm_s[0]))

    at_once, soon = promptly(play())
    assert [[target.rsplit("/", 2)[0] for target in due] for due in (at_once, soon)] == [[IDS[1]], [IDS[0]]]


@pytest.mark.parametrize(("wait_s", "asked"), [(None, 1), (600, 0)])
def test_whoever_asked_for_patience_is_not_asked_when_another_one_fails(tmp_path, wait_s, asked):
    async def play():
        clock, patience = Clock(), Answer("x", "slow down", retry_after_s=wait_s)
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            first, other = (watch.target for watch in it.state.belief.config.watches.values())
            await it.minutes(2, lambda _: {})
            for _ in range(4):
                clock.now += timedelta(minutes=1)
                limited = Observation(other, clock.now, Outcome.FAILED, fault=Fault.RATE_LIMITED, answer=patience)
                await beat(it.state, [limited], clock.now)
            it.state.planned.probes.set(other.id, clock.now + timedelta(hours=1))
            clock.now += timedelta(seconds=5)
            await beat(it.state, [look(first, clock.now, FAILING)], clock.now)
            return [id for id in it.state.planned.probes.take_due(clock.now) if id == other.id]

    assert len(promptly(play())) == asked


@pytest.mark.parametrize(("fault", "asked"), [(Fault.INVALID_KEY, 1), (Fault.ACCOUNT_SUSPENDED, 0)])
def test_when_a_key_is_refused_for_good_some_other_there_is_asked_once_more(tmp_path, fault, asked):
    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock, IDS) as it:
            await it.minutes(3, lambda _: {})
            suspect = next(w.target for w in it.state.belief.config.watches.values() if w.target.account == IDS[0])
            sibling = next(w.target for w in it.state.belief.config.watches.values() if w.target.account == IDS[1])
            for pause_s in (30, 15):
                it.state.planned.probes.set(sibling.id, clock.now + timedelta(hours=1))
                clock.now += timedelta(seconds=pause_s)
                refused = {"fault": fault, "status": 401}
                await beat(it.state, [look(suspect, clock.now, refused)], clock.now)
            return [id for id in it.state.planned.probes.take_due(clock.now) if id == sibling.id]

    assert len(promptly(play())) == asked


def test_the_first_that_has_recovered_has_the_rest_of_its_incident_asked_at_once_and_once(tmp_path):
    """One good answer among many tells nothing, and an hourly canary would say for an hour that it fails."""

    async def play():
        clock, plans = Clock(), []
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            await it.minutes(2, lambda _: {})
            for number in range(12):
                await it.minutes(1, lambda _, failing=number % 3 > 0: FAILING if failing else {})
            (incident,) = it.state.belief.incidents.values()
            first, other = sorted(incident.members)
            back, now = it.state.belief.config.watches[first].target, clock.now
            for number in range(8):
                clock.now = now + timedelta(seconds=2 * number + 2)
                await beat(it.state, [look(back, clock.now, {})], clock.now)
                plans.append(
                    (it.state.belief.healths[first].state, it.state.planned.probes.first_of([other]) <= clock.now)
                )
                it.state.planned.probes.set(other, now + timedelta(hours=1))
        return plans

    plans = promptly(play())
    recovered = [state for state, _ in plans].index(State.UP)
    assert [number for number, (_, asked) in enumerate(plans) if asked] == [recovered]


def test_a_canary_that_was_only_suspected_has_the_one_that_is_down_asked_when_it_recovers(tmp_path):
    """Of an account that was suspended for a moment an hourly canary alone may have been confirmed."""
    lost = {"fault": Fault.ACCOUNT_SUSPENDED, "status": 401}

    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            it.state.belief.config = watched_in_full(it.state.belief.config)
            await it.minutes(3, lambda _: {})
            its = [one.target for one in it.state.belief.config.watches.values() if one.target.account == IDS[0]]
            quick, hourly = (one for one in its if one.canary in ("list", "chat"))
            for _ in range(4):
                clock.now += timedelta(seconds=20)
                await beat(it.state, [look(hourly, clock.now, dict(lost))], clock.now)
            await beat(it.state, [look(quick, clock.now, dict(lost))], clock.now)
            states = it.state.belief.healths[quick.id].state, it.state.belief.healths[hourly.id].state
            it.state.planned.probes.set(hourly.id, clock.now + timedelta(hours=1))
            clock.now += timedelta(seconds=5)
            await beat(it.state, [look(quick, clock.now, {})], clock.now)
            return states, it.state.planned.probes.first_of([hourly.id]) <= clock.now

    states, asked = promptly(play())
    assert (states, asked) == ((State.SUSPECTED, State.DOWN), True)


@pytest.mark.parametrize("state", [State.UP, State.UNKNOWN])
def test_what_lies_beside_the_work_is_asked_in_a_doubt_only_if_it_was_seen_before(tmp_path, state):
    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            await it.minutes(3, lambda _: {})
            (suspect,) = [w.target for w in it.state.belief.config.watches.values() if w.target.account == IDS[0]]
            beside = Watch(replace(suspect, canary="models", model=None), 3600, True, aside=True)
            watches = it.state.belief.config.watches | {beside.target.id: beside}
            it.state.belief.config = replace(it.state.belief.config, watches=watches)
            it.state.belief.healths[beside.target.id] = Health(state, clock.now)
            it.state.planned.probes.set(beside.target.id, clock.now + timedelta(hours=1))
            clock.now += timedelta(seconds=30)
            await beat(it.state, [look(suspect, clock.now, FAILING)], clock.now)
            return beside.target.id in it.state.planned.probes.take_due(clock.now)

    assert promptly(play()) is (state is State.UP)


def product_of(company, settings):
    """The same configuration, as if Groq were a product of that company."""
    groq = replace(settings.providers["groq"], company=company)
    jo = (AccountGroup(Level.LOGIN, "jo"),)
    return replace(
        settings, providers={**settings.providers, "groq": groq}, groups={"openai/main": jo, "groq/llama": jo}
    )


@pytest.mark.parametrize(("company", "asked"), [("openai", [["groq"], []]), (None, [[], []])])
@pytest.mark.parametrize("free", [True, False])
def test_who_shares_a_login_with_a_suspended_account_is_asked_at_once_and_once(tmp_path, company, asked, free):
    async def play():
        clock, found = Clock(), []
        async with clockwork(tmp_path, clock) as it:
            it.state.belief.config = product_of(company, it.state.belief.config)
            await it.minutes(3, lambda _: {})
            watches = it.state.belief.config.watches
            suspect = next(one.target for one in watches.values() if one.target.account == IDS[0])
            it.state.belief.config = replace(
                it.state.belief.config, watches={id: replace(one, free=free) for id, one in watches.items()}
            )
            lost = {"fault": Fault.ACCOUNT_SUSPENDED, "status": 403}
            for pause_s in (2, 15, 5):
                clock.now += timedelta(seconds=pause_s)
                await beat(it.state, [look(suspect, clock.now, lost)], clock.now)
                found.append(
                    [id.partition("/")[0] for id in it.state.planned.probes.take_due(clock.now) if "groq" in id]
                )
        return found

    assert promptly(play()) == [[], *asked]


def test_answers_that_take_much_longer_are_a_sign_while_the_account_stays_up(tmp_path):
    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock) as it:
            await it.minutes(300, steady(lambda _: 0.5))
            assert it.open() == []
            slow = steady(lambda target: 2.0 if target.account == "groq/llama" else 0.5)
            await it.minutes(15, slow)
            first = it.open()
            states = {health.state for health in it.state.belief.healths.values()}
        async with clockwork(tmp_path, clock) as it:  # in the middle of an alarm
            await it.minutes(5, slow)
            again, told = it.open(), it.told
            await it.minutes(120, steady(lambda _: 0.5))
            return first, states, again, told, it.open()

    first, states, again, told, last = promptly(play())
    (subject, fault, signal) = first[0]
    assert (len(first), fault, signal, subject.startswith("groq/llama")) == (1, Fault.SLOW, True, True)
    assert states == {State.UP}
    assert (again, told) == (first, [])
    assert last == []


def test_a_rise_that_all_accounts_of_a_provider_share_is_one_sign_and_the_providers(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock()) as it:
            await it.minutes(300, steady(lambda _: 0.5))
            await it.minutes(15, steady(lambda target: 1.6 if target.provider == "openai" else 0.5))
            return it.open()

    assert [(subject, fault) for subject, fault, _ in promptly(play())] == [("openai", Fault.SLOW)]


PAIR = IDS[:2]


SEVERAL = ("openai/main", "groq/llama", "anthropic/team")


@pytest.mark.parametrize(
    ("slow", "scopes", "steps"),
    [
        (SEVERAL, [Scope.EGRESS], ["opened", "resolved"]),
        (SEVERAL[:2], [Scope.MODEL, Scope.MODEL], ["opened", "opened", "resolved", "resolved"]),
    ],
    ids=["all", "two of three"],
)
def test_whoever_is_slow_at_once_with_all_others_is_so_by_the_road(tmp_path, slow, scopes, steps):
    async def play():
        async with clockwork(tmp_path, Clock(), SEVERAL) as it:
            await it.minutes(300, steady(lambda _: 0.5))
            await it.minutes(20, steady(lambda target: 2.5 if target.account in slow else 0.5))
            await it.minutes(20, steady(lambda _: 0.5))
            return it.told, it.letters(), it.open()

    told, letters, left = promptly(play())
    assert [one.scope for one in told] == scopes
    assert {one.blame for one in told} == ({Blame.PATH} if slow == SEVERAL else {Blame.UNKNOWN})
    assert ([step for _, step in letters], left) == (steps, [])


def test_who_stays_slow_when_the_road_is_quick_again_is_told_by_itself(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), SEVERAL) as it:
            await it.minutes(300, steady(lambda _: 0.5))
            await it.minutes(20, steady(lambda _: 2.5))
            await it.minutes(20, steady(lambda target: 2.5 if target.account == SEVERAL[0] else 0.5))
            return it.told, it.open()

    told, left = promptly(play())
    assert [(one.scope, one.blame) for one in told] == [(Scope.EGRESS, Blame.PATH), (Scope.MODEL, Blame.UNKNOWN)]
    assert [subject.partition("/")[0] for subject, _, _ in left] == ["openai"]


@pytest.mark.parametrize(("slow", "early"), [(PAIR[:1], [Blame.ACCOUNT]), (PAIR, [])], ids=["one", "both"])
def test_one_account_is_told_slow_by_itself_only_while_others_are_seen_at_their_usual_pace(tmp_path, slow, early):
    """The others' answers since are late, too, long before there are enough of them to be called slow."""

    async def play():
        async with clockwork(tmp_path, Clock(), PAIR) as it:
            await it.minutes(300, steady(lambda _: 0.5))
            for number in range(9):
                await it.quarter_of_a_minute(PAIR if number == 0 else PAIR[:1], slow)
            first = [one.blame for one in it.state.belief.incidents.values()]
            await it.minutes(6, steady(lambda target: 2.0 if target.account == PAIR[0] else 0.5))
            return first, [one.blame for one in it.told]

    first, later = promptly(play())
    assert first == early
    assert first + later == [Blame.ACCOUNT]


@pytest.mark.parametrize(("ceiling", "found"), [(500, []), (450, []), (50, [Fault.LIMIT_COLLAPSE])])
def test_a_ceiling_that_falls_is_a_sign(tmp_path, ceiling, found):
    def limits(most):
        return lambda target: {"limits": (Limit("requests", 60.0, float(most), float(most) * 0.9),)}

    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            await it.minutes(120, limits(500))
            await it.minutes(8, limits(ceiling))
            return [fault for _, fault, _ in it.open()]

    assert promptly(play()) == found


def test_what_ends_without_being_mended_says_how(tmp_path):
    """A day of answers three times as slow; the limits fell at the same time and were never told again."""

    async def play():
        counter, ends = iter(range(10**9)), []

        def answer(seconds, *limits):
            return lambda _: {"latency_s": wavy(next(counter), seconds), "limits": limits or None}

        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            await it.minutes(300, answer(0.5, Limit("requests", 60.0, 500.0, 450.0)))
            await it.minutes(8, answer(1.5, Limit("requests", 60.0, 50.0, 45.0)))
            for _ in range(1450):
                before = dict(it.state.belief.incidents)
                await it.minutes(1, answer(1.5))
                ends += before.keys() - it.state.belief.incidents.keys()
            with closing(open_reader(it.state.belief.config.store.database)) as db:
                return [one for one in Reader(db, "here").incidents.closed(9) if one.id in ends]

    ended = {one.fault: describe_ending(one) for one in promptly(play())}
    assert "s instead of 0.5" in ended[Fault.SLOW]
    assert "the new baseline" in ended[Fault.SLOW]
    assert "50 instead of 500; not given since" in ended[Fault.LIMIT_COLLAPSE]


def at_gateway(settings):
    """The same accounts, asked at an address of their own."""
    there = {
        id: replace(one, target=replace(one.target, host="gateway.example.com")) for id, one in settings.watches.items()
    }
    return replace(settings, watches=there)


@pytest.mark.parametrize(("other", "blamed"), [("codex", {Scope.PROVIDER}), ("groq", {Scope.MONITOR})])
def test_two_products_of_one_company_that_cannot_be_reached_do_not_show_that_the_road_is_cut(tmp_path, other, blamed):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            settings = it.state.belief.config
            more = Watch(Target(f"{other}/mine", other, "chat", "m"), 60, True)
            it.state.belief.config = replace(
                settings,
                watches=settings.watches | {more.target.id: more},
                providers=settings.providers | {other: load_provider(other)},
            )
            await it.minutes(8, lambda _: {})
            await it.minutes(8, lambda _: {"fault": Fault.CONNECTION_FAILED, "status": None})
            return {one.scope for one in it.told}

    assert promptly(play()) == blamed


def slow_sign(target, about):
    seen = (Evidence(target.id, NOON, Fault.SLOW, "latency/total/pool", ""),)
    return open_incident(Diagnosis(about, Fault.SLOW, Confidence.HIGH, NOON, (), (), seen, signal=True))


def test_a_sign_of_all_at_an_address_goes_on_in_what_its_accounts_suffer_there(tmp_path):
    """The account that showed it is no longer watched; its neighbour at the same address fails instead."""

    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:2]) as it:
            belief = it.state.belief
            belief.config = at_gateway(belief.config)
            kept, gone = (watch.target for watch in belief.config.watches.values())
            belief.config = replace(belief.config, watches={kept.id: belief.config.watches[kept.id]})
            await it.minutes(5, lambda _: FAILING)
            sign = slow_sign(gone, subject_of_answerer(Scope.PROVIDER, kept))
            belief.incidents[sign.id], belief.pending.stirred = sign, True
            await it.minutes(1, lambda _: FAILING)
            with closing(open_reader(belief.config.store.database)) as db:
                changes = Reader(db, "here").incidents.changes_since(NOON)
                return [one.kind for one in changes if one.incident.id == sign.id]

    assert promptly(play()) == [ChangeKind.MERGED]


def test_an_account_that_flaps_at_an_address_of_its_own_is_told_to_be_there(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            it.state.belief.config = at_gateway(it.state.belief.config)
            for _ in range(10):
                await it.minutes(3, lambda _: FAILING)
                await it.minutes(3, lambda _: {})
            return {(one.is_flap, one.about.answerer) for one in it.told}

    assert promptly(play()) == {(True, "openai@gateway.example.com"), (False, "openai@gateway.example.com")}


@pytest.mark.parametrize(
    ("ids", "subject"),
    [(IDS[:1], "openai/main/gpt-4.1-nano"), (IDS[:2], "openai"), (IDS, "openai")],
)
def test_an_hour_of_flapping_is_named_once_and_so_is_its_calm(tmp_path, ids, subject):
    """Three minutes up and three down: the first outage, the second with the row that it makes, the calm."""

    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock, ids) as it:
            await it.minutes(30, lambda _: {"latency_s": 0.5})
            for _ in range(10):
                await it.minutes(3, lambda target: FAILING if target.provider == "openai" else {})
                await it.minutes(3, lambda _: {})
            during = it.letters()
            await it.minutes(40, lambda _: {})
            return during, it.letters()[len(during) :], [sentences(one.reasons)[0] for one in it.told if one.signal]

    during, after, reasons = promptly(play())
    assert [step for _, step in during] == ["opened", "resolved", "opened", "opened"]
    assert (during[-1], after) == ((subject, "opened"), [(subject, "resolved")])
    assert reasons == ["3 changes in 6 min, down now; further changes are held until it is calm"]


REFUSED = {"fault": Fault.INVALID_KEY, "status": 401}


def watched_in_full(settings):
    """Each account with a quick free canary, a paid one, and one each hour of which nothing is learnt of turns."""
    targets = {watch.target.account: watch.target for watch in settings.watches.values() if watch.target.model}
    watches = [
        Watch(replace(target, canary=canary, model=model), every_s, canary != "chat", aside=canary == "models")
        for target in targets.values()
        for canary, model, every_s in (("list", None, 20), ("chat", target.model, 30), ("models", None, 3600))
    ]
    probe = replace(settings.probe, blip_s=120)
    return replace(settings, watches={one.target.id: one for one in watches}, probe=probe)


@pytest.mark.parametrize(
    ("facts", "ids", "down", "up", "subject"),
    [
        (REFUSED, IDS[:1], 2, 2, "openai/main"),
        (REFUSED, IDS[:1], 4, 5, "openai/main"),
        (FAILING, IDS[:2], 4, 4, "openai"),
        (FAILING, IDS[:2], 3, 25, "openai"),
    ],
)
def test_who_was_told_that_it_comes_and_goes_hears_no_more_until_it_is_calm(tmp_path, facts, ids, down, up, subject):
    """Two hours by the real schedule, whichever canaries meet it, then an hour and a half of calm."""

    def is_hit(target):
        """Of a server error nothing is concluded where the account's work is not what is asked."""
        return target.account in ids and (facts is REFUSED or target.canary != "models")

    async def play():
        async with clockwork(tmp_path, Clock(), (*ids, "groq/llama")) as it:
            it.state.belief.config = watched_in_full(it.state.belief.config)
            await it.run_for(timedelta(minutes=10), lambda _: {})
            for _ in range(120 // (down + up)):
                await it.run_for(timedelta(minutes=down), lambda one: facts if is_hit(one) else {})
                await it.run_for(timedelta(minutes=up), lambda _: {})
            ended = it.clock.now
            await it.run_for(timedelta(minutes=90), lambda _: {})
            return ended, it.told_of()

    ended, told = promptly(play())
    rows = [number for number, (_, one, _) in enumerate(told) if one.is_flap]
    (_, opened, _), (calm_at, calm, step) = told[rows[0]], told[rows[-1]]
    assert (rows[0], rows[-1]) == (2, len(told) - 1)
    assert len({at for at, *_ in told}) == 4, "the first outage, its end, the second with the row, the calm"
    assert (opened.subject, calm.id, step) == (subject, opened.id, "resolved")
    assert timedelta(minutes=30) - timedelta(minutes=up) <= calm_at - ended <= timedelta(minutes=33)
    before = [step for _, one, step in told[: rows[0]]]
    assert before == ["opened", "resolved"]


@pytest.mark.parametrize(
    ("facts", "ids"), [(REFUSED, IDS[:1]), (FAILING, IDS[:2])], ids=["an account's", "a provider's"]
)
@pytest.mark.parametrize(
    ("spells", "rows"),
    [
        ([(4, 20), (4, 70)], 1),
        ([(4, 20), (15, 70)], 1),
        ([(15, 20), (4, 70)], 0),
        ([(4, 20), (4, 20), (15, 70)], 1),
        ([(4, 20), (4, 20), (4, 120), (15, 20), (4, 20), (4, 70)], 2),
        ([(15, 20)] * 6, 0),
        ([(12, 30), (25, 90), (18, 20), (12, 70)], 0),
        ([(4, 5), (15, 6), (20, 40), (4, 30), (4, 55), (15, 20), (4, 18), (20, 40)], None),
    ],
)
def test_outages_that_come_again_are_never_told_in_more_messages_than_each_by_itself(
    tmp_path, facts, ids, spells, rows
):
    """Minutes down and up, by turns: two messages for each outage is what three failures in a row would send.

    How many `rows` are named hangs on the schedule where it is None: a refused account is asked less often.
    """

    async def play():
        async with clockwork(tmp_path, Clock(), (*ids, "groq/llama")) as it:
            rules = replace(it.state.belief.config.rules, patience=AlertLimits(remind=()))
            it.state.belief.config = replace(it.state.belief.config, rules=rules)
            await it.run_for(timedelta(minutes=30), lambda _: {})
            for down, up in spells:
                await it.run_for(timedelta(minutes=down), lambda one: facts if one.account in ids else {})
                await it.run_for(timedelta(minutes=up), lambda _: {})
            return it.told_of()

    told = promptly(play())
    assert len({at for at, *_ in told}) <= 2 * len(spells)
    assert rows in (None, sum(one.is_flap and step == "opened" for _, one, step in told))
    assert told[-1][2] == "resolved"


def test_nobody_is_said_to_come_and_go_where_it_is_we_who_are_cut_off(tmp_path):
    cut_off = {"fault": Fault.CONNECTION_FAILED, "status": None}

    async def play():
        async with clockwork(tmp_path, Clock()) as it:
            await it.minutes(10, lambda _: {})
            for _ in range(5):
                await it.minutes(4, lambda _: cut_off)
                await it.minutes(4, lambda _: {})
            await it.minutes(40, lambda _: {})
            return {(one.scope, one.is_flap) for _, one, _ in it.told_of()}

    assert promptly(play()) == {(Scope.MONITOR, False)}


@pytest.mark.parametrize(
    ("spells", "told"),
    [
        ("pr", [("groq", "opened"), ("groq", "resolved"), ("", "opened"), ("", "resolved")]),
        ("rp", [("", "opened"), ("", "resolved"), ("groq", "opened"), ("groq", "resolved")]),
    ],
)
def test_a_cut_road_and_a_providers_outage_are_no_coming_and_going(tmp_path, spells, told):
    cut_off, overloaded = {"fault": Fault.CONNECTION_FAILED, "status": None}, {"fault": Fault.OVERLOADED, "status": 503}
    looks = {"r": lambda _: cut_off, "p": lambda one: overloaded if one.provider == "groq" else {}}

    async def play():
        async with clockwork(tmp_path, Clock(), IDS) as it:
            it.state.belief.control = ControlResult(online=True)
            await it.run_for(timedelta(minutes=10), lambda _: {})
            for one in spells:
                await it.run_for(timedelta(minutes=4), looks[one])
                await it.run_for(timedelta(minutes=5), lambda _: {})
            await it.run_for(timedelta(minutes=40), lambda _: {})
            return [(one.subject, step) for _, one, step in it.told_of()]

    assert promptly(play()) == told


@pytest.mark.parametrize(
    ("rate", "usual_s", "first"), [(1.06, 0.3, 0), (1.1, 0.8, 5), (1.02, 0.8, 9)], ids=["some", "quickly", "slowly"]
)
def test_slow_answers_before_an_outage_are_one_sign_and_none_after_it(tmp_path, rate, usual_s, first):
    """All accounts grow slower over 40 minutes, fail for ten, and are as quick as ever afterwards.

    One of them shows it earlier than the others, or one canary of it does.
    """

    async def play():
        numbers = iter(range(first, 10**9))

        def takes(times):
            return lambda one: {"latency_s": wavy(next(numbers), usual_s * (times if one.provider == "openai" else 1))}

        async with clockwork(tmp_path, Clock(), IDS) as it:
            it.state.belief.config = watched_in_full(it.state.belief.config)
            await it.run_for(timedelta(minutes=90), takes(1))
            for minute in range(40):
                await it.run_for(timedelta(minutes=1), takes(rate**minute))
            await it.run_for(timedelta(minutes=10), lambda _: FAILING)
            await it.run_for(timedelta(minutes=30), takes(1))
            changes = [change for case in it.state.told.cases.values() for change in case.changes]
            return [one.incident.subject for one in changes if one.kind == "opened" and one.incident.signal]

    assert promptly(play()) == ["openai"]


def test_one_accounts_other_canary_is_told_slow_beside_its_provider_only_when_it_stays_alone(tmp_path):
    """The chats of both accounts are slow, and two minutes later the lists of one are."""

    async def play():
        numbers = iter(range(10**9))

        def takes(*slow):
            return lambda one: {"latency_s": wavy(next(numbers), 1.5 if one.id.startswith(slow) else 0.5)}

        chats = ("openai/main/chat", "openai/backup/chat")
        async with clockwork(tmp_path, Clock(), PAIR) as it:
            it.state.belief.config = watched_in_full(it.state.belief.config)
            await it.run_for(timedelta(minutes=90), takes("none"))
            await it.run_for(timedelta(minutes=2), takes(*chats))
            await it.run_for(timedelta(minutes=4), takes(*chats, "openai/main/list"))
            soon = [subject for subject, _, _ in it.open()]
            await it.run_for(timedelta(minutes=6), takes(*chats, "openai/main/list"))
            return soon, [subject for subject, _, _ in it.open()]

    assert promptly(play()) == (["openai"], ["openai", "openai/main"])


def test_what_comes_and_goes_at_several_is_calm_when_the_last_of_them_is(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:2]) as it:
            await it.minutes(30, lambda _: {"latency_s": 0.5})
            for number in range(4):
                failing = IDS[:2] if number < 2 else IDS[:1]
                await it.minutes(3, lambda target, those=failing: FAILING if target.account in those else {})
                await it.minutes(3, lambda _: {})
            before = len(it.letters())
            await it.minutes(50, lambda _: {})
            return it.letters()[:before], it.letters()[before:]

    before, after = promptly(play())
    assert before == [("openai", step) for step in ("opened", "resolved", "opened", "opened")]
    assert after == [("openai", "resolved")]


def test_an_outage_that_stays_ends_its_flapping_and_is_told(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:2]) as it:
            await it.minutes(30, lambda _: {"latency_s": 0.5})
            for _ in range(3):
                await it.minutes(3, lambda _: FAILING)
                await it.minutes(3, lambda _: {})
            before = len(it.letters())
            await it.minutes(15, lambda _: FAILING)
            return before, it.letters()

    before, letters = promptly(play())
    assert before == 4
    assert letters[4:] == [("openai", "opened")]


def test_refusals_among_good_answers_are_a_sign_and_no_loss(tmp_path):
    async def play():
        counter = iter(range(10**6))
        denied = {"fault": Fault.PERMISSION_DENIED, "status": 403}
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            await it.minutes(60, lambda _: {"latency_s": 0.5})
            await it.minutes(40, lambda _: denied if next(counter) % 12 == 0 else {})
            return it.open()

    assert [(fault, signal) for _, fault, signal in promptly(play())] == [(Fault.PERMISSION_DENIED, True)]


def test_refusals_of_an_outage_are_no_sign_at_another_target_that_met_it_once(tmp_path):
    """The list finds each of three short losses; the chat meets a single refusal in each."""

    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            it.state.belief.config = watched_in_full(it.state.belief.config)
            await it.run_for(timedelta(minutes=30), lambda _: {})
            for _ in range(3):
                met = []

                def lost(target, met=met):
                    once = target.canary == "chat" and not met
                    met.extend([target] if once else [])
                    return REFUSED if once or target.canary == "list" else {}

                await it.run_for(timedelta(minutes=2), lost)
                await it.run_for(timedelta(minutes=8), lambda _: {})
            return [case.incident for case in it.state.told.cases.values()]

    incidents = promptly(play())
    assert [one for one in incidents if one.signal and not one.is_flap] == []
    assert [one for one in incidents if not one.signal]


def test_a_blip_changes_the_page_and_nothing_else(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            probe = msgspec.structs.replace(it.state.belief.config.probe, blip_s=120)
            it.state.belief.config = replace(it.state.belief.config, probe=probe)
            await it.minutes(10, lambda _: {})
            await it.minutes(1, lambda _: FAILING)
            state = next(iter(it.state.belief.healths.values())).state
            await it.minutes(10, lambda _: {})
            return state, it.told

    assert promptly(play()) == (State.SUSPECTED, [])


def test_a_wide_trouble_soon_after_a_narrow_one_is_one_incident_with_a_date_of_its_own(tmp_path):
    """Looks each 10 s: one account fails twice; 70 s later both fail, it a look before the other."""

    async def play():
        clock, told = Clock(), []
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            for second in range(0, 240, 10):
                clock.now = NOON + timedelta(seconds=second)
                failing = IDS[:2] if second >= 120 else IDS[:1] if second in (20, 30, 110) else ()
                targets = [watch.target for watch in it.state.belief.config.watches.values()]
                seen = [look(one, clock.now, FAILING if one.account in failing else {}) for one in targets]
                before = set(it.state.belief.incidents)
                await beat(it.state, seen, clock.now)
                told += [one for id, one in it.state.belief.incidents.items() if id not in before]
        return [(one.subject, one.opened_at - NOON, one.detected_at - NOON) for one in told]

    ((subject, began, told_after),) = promptly(play())
    assert (subject, began) == ("openai", timedelta(seconds=110))
    assert told_after <= timedelta(seconds=150)


def test_what_is_asked_aside_has_no_detectors(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            target = Target("openai/main", "openai", "balance")
            watches = {**it.state.belief.config.watches, target.id: Watch(target, 900, True, aside=True)}
            it.state.belief.config = replace(it.state.belief.config, watches=watches)
            await it.minutes(3, lambda _: {})
            return target.id in it.state.belief.healths, target.id in it.state.belief.tracks

    assert promptly(play()) == (True, False)
