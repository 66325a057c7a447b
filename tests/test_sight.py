"""Who led last tells once, without the shared store, that it is blind and what it knew; and once that it sees again."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

from monitor.alert.channel import Channel
from monitor.runtime.sight import Sight
from monitor.store.led_file import LedFile
from monitor.store.setting import StoreAddress
from monitor.words import title
from tests.builders_page import incident
from tests.conftest import NOON

LOST = incident()
BLIND, SEES = (
    "[MONITOR] fra-1 is blind: the shared store is away",
    "[MONITOR] fra-1 sees again: the shared store is back",
)


class Judge:
    """A judge whose seconds pass when told to, with what its channels got."""

    def __init__(self, folder):
        self.folder, self.second, self.got, self.refusal = folder, 0, [], None
        self.begin(sees=True)

    def begin(self, *, sees):
        """Start it, or start it anew."""
        edge = SimpleNamespace(
            timer=lambda: self.second, clock=lambda: NOON + timedelta(seconds=self.second), show=print
        )
        channels = (Channel("phone", "json://localhost"), Channel("mail", "json://localhost"))
        config = SimpleNamespace(channels=channels, templates=None, own_folders=())
        self.sight = Sight(
            "fra-1", lambda: config, LedFile(StoreAddress(self.folder / "monitor.db", "here")), edge, self.send
        )
        self.turns(sees=sees)

    def turns(self, *, sees):
        self.sight.sees = lambda: sees

    async def send(self, channel, text, severity, show):
        self.got += [] if self.refusal else [(self.second, channel.name, text)]
        return self.refusal

    def passes(self, seconds):
        for _ in range(seconds):
            self.second += 1
            asyncio.run(self.sight.look())

    def leads(self, seconds, *incidents):
        with self.sight.leading(lambda: incidents):
            self.passes(seconds)

    def told(self):
        return [(second, name, text.title) for second, name, text in self.got]


@pytest.fixture
def judge(tmp_path):
    return Judge(tmp_path)


def test_who_led_last_tells_each_channel_once_after_a_minute_and_once_when_it_sees_again(judge):
    judge.leads(100, LOST)
    judge.turns(sees=False)
    judge.passes(600)

    assert judge.told() == [(160, "phone", BLIND), (160, "mail", BLIND)]
    assert "12:01 UTC." in judge.got[0][2].body
    assert f"Open then: {title(LOST)}" in judge.got[0][2].body
    judge.turns(sees=True)
    judge.passes(100)
    assert judge.told()[2:] == [(710, "phone", SEES), (710, "mail", SEES)]
    judge.turns(sees=False)
    judge.passes(100)
    assert len(judge.told()) == 4


def test_one_that_never_led_and_one_that_another_has_followed_tell_nothing(judge):
    judge.passes(100)
    judge.turns(sees=False)
    judge.passes(100)
    judge.turns(sees=True)
    judge.leads(100)
    judge.passes(20)
    judge.turns(sees=False)
    judge.passes(100)

    assert judge.told() == []


def test_less_than_a_minute_is_not_told(judge):
    judge.leads(100)
    judge.turns(sees=False)
    judge.passes(59)
    judge.turns(sees=True)
    judge.leads(30)

    assert judge.told() == []


def test_a_restart_while_blind_tells_nothing_twice_and_still_that_it_sees_again(judge):
    judge.leads(100)
    judge.turns(sees=False)
    judge.passes(100)
    judge.begin(sees=False)
    judge.passes(100)
    judge.turns(sees=True)
    judge.passes(30)

    assert [what for _, _, what in judge.told()] == [BLIND, BLIND, SEES, SEES]


def test_one_that_was_started_while_it_was_blind_knows_that_it_led_last_and_what_was_open(judge):
    judge.leads(100, LOST)
    judge.begin(sees=False)
    judge.passes(100)

    assert [what for _, _, what in judge.told()] == [BLIND, BLIND]
    assert LOST.subject in judge.got[0][2].body


def test_one_that_led_long_ago_is_not_the_one_that_led_last(judge):
    judge.leads(100)
    judge.second += 4000
    judge.begin(sees=False)
    judge.passes(100)

    assert judge.told() == []


def test_what_a_channel_does_not_take_is_tried_again(judge):
    judge.leads(100)
    judge.turns(sees=False)
    judge.refusal = "refused"
    judge.passes(70)
    judge.refusal = None
    judge.passes(100)

    assert judge.told() == [(190, "phone", BLIND), (190, "mail", BLIND)]


def test_a_file_that_cannot_be_read_is_none(judge):
    (judge.folder / "led.json").write_text("{broken")
    judge.begin(sees=False)
    judge.passes(100)

    assert judge.told() == []
