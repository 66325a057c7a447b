"""What other settings would have told of the recorded past."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from monitor.detect.health import Thresholds
from monitor.detect.latency import pace
from monitor.store.connection import open_writer
from monitor.store.reader import history
from monitor.store.value import Batch
from monitor.store.writer import Writer
from monitor.tune import Trial, compare, replay, settings, slow_a_month, span
from probes.model import Confidence, Fault, Target
from tests.backstage import call
from tests.conftest import CHAT, NOON, USUAL, at, observation

DAY_MINUTES = 1440


def looks(*outages, minutes=2 * DAY_MINUTES, fault=Fault.SERVER_ERROR, target=CHAT):
    """A look a minute; `outages` are (first, last) minutes that fail."""
    bad = {minute for first, last in outages for minute in range(first, last + 1)}
    return [observation(fault if minute in bad else None, 60 * minute, target) for minute in range(minutes)]


def compared(*histories, now=USUAL):
    pasts = [replay(its[0].target.account, its, settings(now), pace(60)) for its in histories]
    return {(one.setting.failures, one.setting.blip_s): one for one in compare(pasts, now)}


def test_the_current_setting_stands_among_its_neighbours():
    tried = settings(Thresholds(failures=7, blip_s=90))

    assert {(one.failures, one.blip_s) for one in tried} == {
        *((number, 90) for number in (2, 3, 4, 5, 7)),
        *((7, seconds) for seconds in (0, 60, 90, 120, 300)),
    }
    assert len(settings(USUAL)) == 7


@pytest.mark.parametrize(
    ("failures", "blip_s", "delay_s"),
    [(2, 120, 120), (3, 120, 120), (4, 120, 180), (5, 120, 240), (3, 0, 120), (3, 300, 300)],
)
def test_a_setting_that_asks_for_more_tells_later(failures, blip_s, delay_s):
    one = compared(looks((100, 130), (900, 930)))[failures, blip_s]

    assert (one.alarms, one.delay_s, one.found, one.outages) == (2, delay_s, 2, 2)
    assert one.a_month == pytest.approx(30, abs=0.1)  # two in two days


def test_what_another_setting_would_have_missed_or_told_besides():
    found = compared(looks((100, 103), (500, 501), (900, 930)))

    assert {key: (one.alarms, one.found, one.outages) for key, one in found.items()} == {
        (2, 120): (2, 2, 2),
        (3, 120): (2, 2, 2),
        (4, 120): (2, 2, 2),
        (5, 120): (1, 1, 2),
        (3, 0): (2, 2, 2),
        (3, 60): (2, 2, 2),
        (3, 300): (1, 1, 2),
    }
    assert compared(looks((500, 501)), now=Thresholds(2, 2, 0))[2, 0].alarms == 1


def test_targets_of_one_account_that_fail_together_are_one_message():
    other = Target("openai/main", "openai", "list")
    elsewhere = Target("openai/backup", "openai", "list")
    trouble = ((100, 130),)

    assert compared(looks(*trouble), looks((105, 140), target=other))[3, 120].alarms == 1
    assert compared(looks(*trouble), looks((105, 140), target=elsewhere))[3, 120].alarms == 2


def test_an_outage_that_goes_on_counts():
    assert compared(looks((2800, 2879)))[3, 120].alarms == 1


def test_without_an_outage_there_is_no_delay():
    assert compared(looks())[3, 120] == Trial(USUAL, 0, 0.0, None, 0, 0)


def test_answers_that_got_slower_are_counted():
    its = [
        observation(seconds=60 * minute, target=CHAT) if minute < 600 else late(60 * minute)
        for minute in range(2 * DAY_MINUTES)
    ]
    count, a_month = slow_a_month([replay("a", its, [USUAL], pace(60))])

    assert (count, slow_a_month([replay("a", looks(), [USUAL], pace(60))])) == (1, (0, 0.0))
    assert a_month == pytest.approx(15, abs=0.1)


def late(seconds):
    return replace(observation(seconds=seconds), latency_s=2.0)


def test_no_looks_are_no_past():
    assert replay("a", [], [USUAL], pace(60)) is None
    assert span([]) == timedelta(0)


def test_the_store_gives_back_what_decides(tmp_path):
    kept = [observation(), observation(Fault.INVALID_KEY, 60), observation("no key", 120), observation(None, 180)]
    with closing(open_writer(tmp_path / "monitor.db")) as db:
        Writer(db, "here").save(Batch(at(200), tuple(kept)))
        Writer(db, "here").save(Batch(at(200), (observation(target=Target("x/y", "x", "chat")),)))
        Writer(db, "there").save(Batch(at(200), (observation(),)))
        found = list(history(db, "here", CHAT, NOON))
        later = list(history(db, "here", CHAT, at(100)))

    assert [(one.at, one.outcome, one.fault, one.latency_s) for one in found] == [
        (one.at, one.outcome, one.fault, one.latency_s) for one in kept
    ]
    assert (found[1].answer.rule, found[1].answer.confidence) == (kept[1].answer.rule, Confidence.HIGH)
    assert later == found[2:]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "monitor.toml").write_text(
        '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\ncanaries = ["list"]\n'
        '[[accounts]]\nname = "backup"\nprovider = "openai"\nkey = "env:OPENAI_BACKUP"\ncanaries = ["list"]\n'
    )
    return tmp_path


def recorded(folder, days, *outages):
    """Write a past that ends now: a look in ten minutes; outages are (days ago, minutes)."""
    now, target = datetime.now(UTC), Target("openai/main", "openai", "list")
    steps = [now - timedelta(minutes=10 * number) for number in range(int(days * 144), 0, -1)]
    hit = [(now - timedelta(days=ago), now - timedelta(days=ago) + timedelta(minutes=long)) for ago, long in outages]
    seen = (
        observation(
            Fault.SERVER_ERROR if any(first <= one <= last for first, last in hit) else None,
            (one - NOON).total_seconds(),
            target,
        )
        for one in steps
    )
    (folder / "state").mkdir()
    with closing(open_writer(folder / "state" / "monitor.db")) as db:
        Writer(db, "here").save(Batch(now, tuple(seen)))


def test_tune_prints_a_row_for_each_setting_and_how_much_it_knows(folder):
    recorded(folder, 6, (5, 100), (2, 100))
    code, out, err = call("tune", folder=folder)
    _, of_other, _ = call("tune", "backup", folder=folder)
    _, recent, _ = call("tune", "main", "--days", "3", folder=folder)

    assert (code, err) == (0, "")
    (row,) = re.findall(r"failures = 3, blip_s = 120 \(now\) +(\d+) +([\d.]+) +(\S+ min) +(.*?)\s*$", out, re.MULTILINE)
    assert row == ("2", "10.0", "20 min", "2 of 2")
    assert re.search(r"failures = 5, blip_s = 120 +2 +10\.0 +40 min", out)
    assert "864 looks at 1 target over 5 days 23 h" in out
    assert re.search(r"\(now\) +1 ", recent)
    assert "too little history" in of_other


def test_tune_lists_the_outages_and_which_settings_would_not_have_told_them(folder):
    recorded(folder, 6, (5, 100), (2, 30))
    _, out, _ = call("tune", folder=folder)
    now = datetime.now(UTC)

    rows = re.findall(r"openai/main +(\d\d \w{3}, \d\d:\d\d) +(.+?)  +(.+?)\s*$", out, re.MULTILINE)
    assert [began[:6] for began, _, _ in rows] == [f"{now - timedelta(days=ago):%d %b}" for ago in (2, 5)]
    assert [untold for _, _, untold in rows] == ["failures = 5", "-"]
    assert "below [probe]" in out


def test_tune_says_when_there_is_too_little_to_say(folder):
    recorded(folder, 0.5)
    code, out, _ = call("tune", folder=folder)

    assert code == 0
    assert out.startswith("too little history to say anything: 72 looks at 1 target over 11 h 50 min")
    assert "failures" not in out


@pytest.mark.parametrize("days", ["0", "-1", "many", "1.5"])
def test_tune_refuses_days_that_are_none(folder, days):
    code, _, err = call("tune", f"--days={days}", folder=folder)

    assert code == 2
    assert "give 1 to 3650" in err
