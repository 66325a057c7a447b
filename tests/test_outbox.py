"""Decision, database and delivery together: random histories of changes, crashes and channels that fail."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from benchmarks.virtual import VirtualLoop
from monitor.alert.case import Message, Step, with_changes, with_messages
from monitor.alert.channel import Channel
from monitor.alert.deliver import would_disturb
from monitor.alert.routing import RoutingInput, decide
from monitor.alert.rule import AlertLimits, Match, Route, Rules
from monitor.alert.window import Quiet
from monitor.config.load import load_config
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, Incident, Severity, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.stages.deliver import deliver, deliver_due
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.database import SqliteDatabase
from monitor.store.reader import Reader
from monitor.store.row import Batch, from_json
from monitor.store.schema import migrate
from monitor.store.writer import Writer
from probes.model import Confidence, Fault
from tests.conftest import at
from tests.parts import run_stage

CHANNELS = (Channel("phone", "terminal:"), Channel("mail", "terminal:"))
LUNCH = Quiet(time(12, 30), time(13, 30), ZoneInfo("UTC"))
RESTING = Channel("resting", "terminal:", quiet=LUNCH)
GRAVE = Channel("grave", "terminal:", severity=Severity.CRITICAL)
ELSEWHERE = Channel("elsewhere", "terminal:")
PATIENCE = AlertLimits(storm=1000, remind=(timedelta(hours=1),))
RULES = Rules(patience=PATIENCE)
ROUTED = Rules(patience=PATIENCE, routes=(Route(Match(providers=("openai",)), ("phone", "resting", "grave")),))
FAULTS = (Fault.ACCOUNT_SUSPENDED, Fault.OVERLOADED, Fault.INVALID_KEY)
CRASH = ["", "", "", "before commit", "after commit"]


class House:
    """A monitor's telling, with a real database, that can die between any two steps."""

    def __init__(self, channels=CHANNELS, rules=RULES):
        self.channels, self.rules = channels, rules
        self.db = sqlite3.connect(":memory:", isolation_level=None, factory=SqliteDatabase)
        self.db.row_factory = sqlite3.Row
        migrate(self.db)
        self.now, self.received, self.refuses = at(0), [], {channel.name: "" for channel in channels}
        self.unclear = Counter()
        self.open = {}
        self.restart()

    def restart(self):
        """All that was only in memory is gone."""
        self.writer = Writer(self.db, "here")
        self.cases = Reader(self.db, "here").resumption.correspondence(self.now).cases

    def beat(self, *changes, crash=""):
        cases = with_changes(self.cases, changes)
        messages = decide(RoutingInput(cases, self.channels, self.rules, (), self.now))
        if crash == "before commit":
            self.restart()
            return False
        self.writer.save(Batch(self.now, changes=changes, messages=tuple(messages)))
        self.cases = with_messages(cases, [(message, self.now) for message in messages])
        if crash == "after commit":
            self.restart()
        return True

    def carry(self, crash=False):
        """Send what is due. A channel may refuse, take a message and not say so in time, or die with us."""
        for message in self.writer.due_messages(self.now):
            how, channel = self.refuses[message.channel], self.channel(message.channel)
            if would_disturb(message, channel, self.now):
                continue
            if how != "refuse":
                for item in message.items:
                    self.received.append(Receipt(self.now, message.channel, item))
                    self.unclear[message.channel, item.id] += how == "hang" or crash
            if crash:  # sent, or not, and not noted
                self.restart()
                return
            if how:
                self.writer.postponed(message, how, self.now + timedelta(seconds=5))
            else:
                self.writer.delivered(message, self.now)

    def channel(self, name):
        return next(one for one in self.channels if one.name == name)

    def begin(self, which, crash=""):
        cause = Diagnosis(
            read_subject(Scope.ACCOUNT, f"openai/{which}"), FAULTS[which], Confidence.HIGH, self.now, (), ("t",), ()
        )
        one = open_incident(cause)
        if which not in self.open and self.beat(Change(one, ChangeKind.OPENED, self.now), crash=crash):
            self.open[which] = one

    def end(self, which, crash=""):
        if which in self.open:
            over = replace(self.open[which], closed_at=self.now)
            if self.beat(Change(over, ChangeKind.RESOLVED, self.now), crash=crash):
                del self.open[which]

    def heard(self, channel, incident):
        its = [one for one in self.received if (one.channel, one.item.change.incident.id) == (channel, incident.id)]
        return [(one.item.step, one.item.first) for one in its]

    def incidents(self):
        return [from_json(row["details"], Incident) for row in self.db.execute("SELECT details FROM incident")]


@dataclass(frozen=True)
class Receipt:
    """That a message reached its channel, whatever the channel answered."""

    at: object
    channel: str
    item: object


STEPS = st.one_of(
    st.tuples(st.sampled_from(["begin", "end"]), st.integers(0, 2), st.sampled_from(CRASH)),
    st.tuples(st.just("carry"), st.booleans()),
    st.tuples(
        st.just("refuse"), st.sampled_from(["phone", "resting", "grave"]), st.sampled_from(["", "refuse", "hang"])
    ),
    st.tuples(st.just("restart")),
    st.tuples(st.just("beat")),
)


@settings(max_examples=3 * settings.default.max_examples)
@given(st.lists(st.tuples(STEPS, st.integers(1, 900)), max_size=40))
def test_nothing_is_lost_or_repeated_whatever_happens_to_us_and_to_the_channels(history):
    house = House((Channel("phone", "terminal:"), RESTING, GRAVE, ELSEWHERE), ROUTED)
    with closing(house.db):
        play(house, history)
        house.refuses = dict.fromkeys(house.refuses, "")
        for _ in range(6):  # in the end all channels work, and quiet hours pass
            house.now += timedelta(minutes=20)
            house.beat()
            house.carry()
        assert house.writer.due_messages(house.now) == []
        check_each_message(house)
        for incident in house.incidents():
            check_incident(house, incident)


def play(house, history):
    for (what, *how), seconds in history:
        if what == "refuse":
            house.refuses[how[0]] = how[1]
        else:
            getattr(house, what)(*how)
        house.now += timedelta(seconds=seconds)


def check_each_message(house):
    """It came once, and again only where nobody could know that it had come; to no wrong channel, at no wrong hour."""
    received = Counter((one.channel, one.item.id) for one in house.received)
    for key, times in received.items():
        assert times <= 1 + house.unclear[key]
    for one in house.received:
        severity = one.item.change.incident.severity
        assert one.channel != "elsewhere"
        assert one.channel != "grave" or severity is Severity.CRITICAL
        assert one.channel != "resting" or severity is Severity.CRITICAL or not LUNCH.is_on(one.at)


def check_incident(house, incident):
    """Whoever it concerns heard of it; the first word says that it is the first, and its end comes only at its end."""
    hearers = ["phone", "resting", "grave"] if incident.severity is Severity.CRITICAL else ["phone"]
    for channel in hearers:
        heard = house.heard(channel, incident)
        assert heard, "never told"
        assert heard[0][1], "the first message does not know that it is the first"
        assert (Step.RESOLVED in [step for step, _ in heard]) is (incident.closed_at is not None)


@pytest.mark.parametrize("crash", ["before commit", "after commit"])
def test_a_crash_between_decision_and_delivery_loses_nothing_and_repeats_nothing(crash):
    house = House()
    with closing(house.db):
        house.begin(0, crash)
        house.begin(0)
        house.carry()
        house.carry()

        assert sorted(one.channel for one in house.received) == ["mail", "phone"]


def test_a_backlog_collapses_to_what_is_true_now():
    house = House()
    with closing(house.db):
        house.refuses["mail"] = "refuse"
        house.begin(0)
        for _ in range(40):
            house.now += timedelta(hours=0.5)
            house.beat()
            house.carry()
        house.end(0)
        house.carry()
        house.refuses["mail"] = ""
        house.now += timedelta(seconds=10)
        house.carry()

        (incident,) = house.incidents()
        assert house.heard("mail", incident) == [(Step.RESOLVED, True)]


def test_ten_thousand_changes_at_once_are_one_letter_per_channel():
    house = House()
    causes = [
        Diagnosis(
            read_subject(Scope.ACCOUNT, f"openai/{n}"), Fault.TIMEOUT, Confidence.HIGH, house.now, (), (f"t{n}",), ()
        )
        for n in range(10_000)
    ]
    with closing(house.db):
        house.beat(*(Change(open_incident(cause), ChangeKind.OPENED, house.now) for cause in causes))
        messages = house.writer.due_messages(house.now)

        assert [len(message.items) for message in messages] == [10_000, 10_000]
        for message in messages:
            house.writer.delivered(message, house.now)
        assert house.writer.due_messages(house.now) == []


def two_channels(folder):
    blocks = [f'[[channels]]\nname = "{one}"\nurl = "terminal:"\n' for one in ("phone", "mail")]
    blocks.append('[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:KEY"\n')
    (folder / "monitor.toml").write_text("\n".join(blocks))
    return load_config(folder / "monitor.toml", {"KEY": "sk-sim-0123456789abcdef"})


def news(now):
    """A lost account, and a message about it to each channel."""
    facts = (read_subject(Scope.ACCOUNT, "openai/main"), Fault.INVALID_KEY, Confidence.HIGH, now, (), (), ())
    opened = Change(open_incident(Diagnosis(*facts)), ChangeKind.OPENED, now)
    messages = tuple(Message(opened.id, one, incident_id=opened.incident.id) for one in ("phone", "mail"))
    return Batch(now, changes=(opened,), messages=messages)


@pytest.mark.parametrize("lost", [("phone",), ("phone", "mail")], ids=["of one channel", "of both"])
def test_what_this_process_has_sent_it_does_not_send_again_where_the_note_of_it_is_lost(tmp_path, lost):
    shown = []

    async def play():
        edge = Edge(lambda: at(60), lambda: 0.0, lambda: 0.5, shown.append)
        async with open_state(two_channels(tmp_path), edge) as state:
            await state.services.storage.save(news(at(0)))
            await run_stage(deliver_due, state)
            db = state.services.storage.failover.connection
            db.executemany("UPDATE outbox SET state = 'waiting' WHERE channel = ?", [(one,) for one in lost])
            await run_stage(deliver_due, state)
            return db.execute("SELECT state, tries FROM outbox").fetchall()

    rows = asyncio.run(play())
    assert len(shown) == 2
    assert {row["state"] for row in rows} == {"sent"}


@pytest.mark.parametrize(("is_told", "within_s"), [(True, 0.1), (False, 5.1)])
def test_an_idle_outbox_is_seldom_looked_into_and_what_is_queued_leaves_at_once(tmp_path, is_told, within_s):
    shown, asked = [], []

    async def play():
        loop = asyncio.get_running_loop()
        edge = Edge(lambda: at(loop.now_s), loop.time, lambda: 0.5, lambda _: shown.append(loop.now_s), loop.time)
        async with open_state(two_channels(tmp_path), edge) as state:
            state.services.storage.failover.connection.set_trace_callback(asked.append)
            stage = asyncio.create_task(run_stage(deliver, state))
            await asyncio.sleep(60.5)
            idle = sum("outbox" in query for query in asked)
            await state.services.storage.save(news(edge.clock()))
            if is_told:
                state.signals.outbox.set()
            await asyncio.sleep(10)
            stage.cancel()
            await asyncio.gather(stage, return_exceptions=True)
            return idle

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        idle = runner.run(play())
    assert idle <= 3 * 13
    assert len(shown) == 2
    assert max(shown) <= 60.5 + within_s
