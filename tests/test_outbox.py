"""Decision, database and delivery together: random histories of changes, crashes and channels that fail."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alert.case import Step, with_changes, with_messages
from monitor.alert.routing import Scene, decide
from monitor.alert.rule import Channel, Patience, Rules
from monitor.diagnose import Diagnosis, Scope
from monitor.incident import Change, ChangeKind, open_incident
from monitor.store import reader
from monitor.store.schema import migrate
from monitor.store.value import Batch
from monitor.store.writer import Writer
from probes.model import Confidence, Fault
from tests.conftest import at

CHANNELS = (Channel("phone", "terminal:"), Channel("mail", "terminal:"))
RULES = Rules(patience=Patience(storm=1000, flaps=1000, remind=(timedelta(hours=1),)))
CRASH = ["", "", "", "before commit", "after commit"]


class House:
    """A monitor's telling, with a real database, that can die between any two steps."""

    def __init__(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        migrate(self.db)
        self.now, self.received, self.refuses = at(0), [], {channel.name: False for channel in CHANNELS}
        self.open, self.count = {}, 0
        self.restart()

    def restart(self):
        """All that was only in memory is gone."""
        self.writer = Writer(self.db, "here")
        self.cases = reader.correspondence(self.db, self.now).cases

    def beat(self, *changes, crash=""):
        cases = with_changes(self.cases, changes)
        messages = decide(Scene(cases, CHANNELS, RULES, (), self.now))
        if crash == "before commit":
            self.restart()
            return False
        self.writer.save(Batch(self.now, changes=changes, messages=tuple(messages)))
        self.cases = with_messages(cases, [(message, self.now) for message in messages])
        if crash == "after commit":
            self.restart()
        return True

    def carry(self, crash=False):
        for letter in self.writer.letters(self.now):
            if self.refuses[letter.channel]:
                self.writer.postponed(letter, "refused", self.now + timedelta(seconds=5))
                continue
            for item in letter.items:
                self.received.append((letter.channel, item.change.incident.id, item.step, item.number, item.first))
            if crash:  # sent, and not noted
                self.restart()
                return
            self.writer.delivered(letter, self.now)

    def begin(self, which, crash=""):
        cause = Diagnosis(
            Scope.ACCOUNT, f"openai/{which}", Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, self.now, (), ("t",), ()
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
        return [(step, first) for name, id, step, _, first in self.received if (name, id) == (channel, incident)]


STEPS = st.one_of(
    st.tuples(st.sampled_from(["begin", "end"]), st.integers(0, 2), st.sampled_from(CRASH)),
    st.tuples(st.just("carry"), st.booleans()),
    st.tuples(st.just("refuse"), st.sampled_from(["phone", "mail"]), st.booleans()),
    st.tuples(st.just("restart")),
    st.tuples(st.just("beat")),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(STEPS, st.integers(1, 900)), max_size=40))
def test_every_opening_reaches_every_channel_and_no_end_comes_without_it(history):
    house = House()
    with closing(house.db):
        crashes = play(house, history)
        for _ in range(3):  # in the end all channels work
            house.refuses = dict.fromkeys(house.refuses, False)
            house.now += timedelta(seconds=2)
            house.beat()
            house.carry()
        incidents = [row["id"] for row in house.db.execute("SELECT id FROM incident")]
        for channel in house.refuses:
            for incident in incidents:
                check(house.heard(channel, incident), incident in {one.id for one in house.open.values()})
        clear = [one[:4] for one in house.received]
        assert len(clear) - len(set(clear)) <= crashes * len(incidents)


def play(house, history):
    crashes = 0
    for (what, *how), seconds in history:
        match what:
            case "refuse":
                house.refuses[how[0]] = how[1]
            case "carry":
                crashes += how[0]
                house.carry(crash=how[0])
            case _:
                getattr(house, what)(*how)
        house.now += timedelta(seconds=seconds)
    return crashes


def check(heard, is_open):
    """The first that is heard says that nothing was heard before; an end comes last, and only when it is over."""
    assert heard, "never told"
    assert heard[0][1], "the first message does not know that it is the first"
    steps = [step for step, _ in heard]
    assert (Step.RESOLVED in steps) is not is_open


@pytest.mark.parametrize("crash", ["before commit", "after commit"])
def test_a_crash_between_decision_and_delivery_loses_nothing_and_repeats_nothing(crash):
    house = House()
    with closing(house.db):
        house.begin(0, crash)
        house.begin(0)
        house.carry()
        house.carry()

        assert sorted(one[0] for one in house.received) == ["mail", "phone"]


def test_a_backlog_collapses_to_what_is_true_now():
    house = House()
    with closing(house.db):
        house.refuses["mail"] = True
        house.begin(0)
        for _ in range(40):
            house.now += timedelta(hours=0.5)
            house.beat()
            house.carry()
        house.end(0)
        house.carry()
        house.refuses["mail"] = False
        house.now += timedelta(seconds=10)
        house.carry()

        assert [(step, first) for name, _, step, _, first in house.received if name == "mail"] == [
            (Step.RESOLVED, True)
        ]


def test_ten_thousand_changes_at_once_are_one_letter_per_channel():
    house = House()
    causes = [
        Diagnosis(Scope.ACCOUNT, f"openai/{n}", Fault.TIMEOUT, Confidence.HIGH, house.now, (), (f"t{n}",), ())
        for n in range(10_000)
    ]
    with closing(house.db):
        house.beat(*(Change(open_incident(cause), ChangeKind.OPENED, house.now) for cause in causes))
        letters = house.writer.letters(house.now)

        assert [len(letter.items) for letter in letters] == [10_000, 10_000]
        for letter in letters:
            house.writer.delivered(letter, house.now)
        assert house.writer.letters(house.now) == []
