"""What other settings would have told of the recorded past."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import Match
from monitor.config.load import load_config
from monitor.detect.health import Thresholds
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, absence_change, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.replay.observations import replay_observations
from monitor.replay.tuning import ObservationCount, compare, neighbouring_settings, outages
from monitor.stages.drill import Drill
from monitor.store.connection import open_reader, open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.model import Confidence, Fault, Target
from tests.backstage import call
from tests.conftest import CHAT, NOON, USUAL, at, observation

DAY_MINUTES = 1440
MAIN, BACKUP, OTHER = (
    Target("openai/main", "openai", "list"),
    Target("openai/backup", "openai", "list"),
    Target("groq/llama", "groq", "list"),
)
ACCOUNT = (
    '[[accounts]]\nname = "{0}"\nprovider = "{1}"\nkey = "env:KEY"\ncanaries = ["list"]\ninterval_s = {{ list = 60 }}\n'
)
FILE = "".join(ACCOUNT.format(one.account.partition("/")[2], one.provider) for one in (MAIN, BACKUP, OTHER))


@pytest.fixture
def make(tmp_path):
    """Write a configuration, and what is on record; return the configuration."""

    def made(*histories, more="", **batch):
        (tmp_path / "monitor.toml").write_text(more + FILE)
        config = load_config(tmp_path / "monitor.toml", {"KEY": "sk-Wq8ZtL5vXn2RjP7mTb4K"})
        config.store.database.parent.mkdir()
        with closing(open_writer(config.store.database)) as db:
            seen = tuple(one for its in histories for one in its)
            Writer(db, config.location).save(Batch(max(one.at for one in seen), seen, **batch))
        return config

    return made


def looks(*outages, minutes=DAY_MINUTES, fault=Fault.SERVER_ERROR, target=MAIN):
    """A look a minute; `outages` are (first, last) minutes that fail."""
    bad = {minute for first, last in outages for minute in range(first, last + 1)}
    return [observation(fault if minute in bad else None, 60 * minute, target) for minute in range(minutes)]


def told(config, accounts=(), since=NOON, tried=None):
    """What each setting, or those `tried`, would have told by the end of what is on record."""
    tally = ObservationCount(frozenset(accounts or config.accounts), since)
    with closing(open_reader(config.store.database)) as db:
        return replay_observations(
            Reader(db, "here"),
            config,
            tried or neighbouring_settings(config.thresholds),
            tally,
            at(2 * DAY_MINUTES * 60),
            lambda _: None,
        )


def compared(config, **facts):
    trials = compare(told(config, **facts), config.thresholds)
    return {(one.setting.failures, one.setting.blip_s): one for one in trials}


def now(config, **facts):
    return told(config, tried=[config.thresholds], **facts)[config.thresholds]


def test_the_current_setting_stands_among_its_neighbours():
    tried = neighbouring_settings(Thresholds(failures=7, blip_s=90))

    assert {(one.failures, one.blip_s) for one in tried} == {
        *((number, 90) for number in (2, 3, 4, 5, 7)),
        *((7, seconds) for seconds in (0, 60, 90, 120, 300)),
    }
    assert len(neighbouring_settings(USUAL)) == 7


def test_a_setting_that_asks_for_more_tells_later(make):
    found = compared(make(looks((100, 120), (900, 920))))

    assert {key: (one.alarms, one.messages, one.found, one.outages) for key, one in found.items()} == dict.fromkeys(
        [(2, 120), (3, 120), (4, 120), (5, 120), (3, 0), (3, 60), (3, 300)], (2, 4, 2, 2)
    )
    assert {key: round(one.delay_s / 60) for key, one in found.items()} == {
        (2, 120): 2, (3, 120): 2, (4, 120): 3, (5, 120): 4, (3, 0): 2, (3, 60): 2, (3, 300): 5
    }  # fmt: skip


def test_what_another_setting_would_have_missed_or_told_besides(make):
    config = make(looks((100, 103), (500, 501), (900, 930)))
    found = compared(config)

    assert {key: (one.alarms, one.found, one.outages) for key, one in found.items()} == {
        (2, 120): (2, 2, 2),
        (3, 120): (2, 2, 2),
        (4, 120): (2, 2, 2),
        (5, 120): (1, 1, 2),
        (3, 0): (2, 2, 2),
        (3, 60): (2, 2, 2),
        (3, 300): (1, 1, 2),
    }
    its = told(config)
    assert [[(one.failures, one.blip_s) for one in outage.untold] for outage in outages(its, USUAL)] == [
        [],
        [(5, 120), (3, 300)],
    ]


def test_an_outage_elsewhere_at_the_same_time_is_another_one(make):
    found = compared(make(looks((100, 130)), looks((110, 113), target=OTHER)))

    assert (found[3, 120].found, found[5, 120].found, found[5, 120].outages) == (2, 1, 2)


def test_a_setting_that_asks_for_less_tells_of_blips(make):
    config = make(looks((500, 501)), more="[probe]\nfailures = 2\nblip_s = 0\n")
    found = compared(config)

    assert (found[2, 0].alarms, found[3, 0].alarms, found[2, 120].alarms) == (1, 0, 0)


def test_accounts_of_one_provider_that_fail_together_are_one_incident(make):
    config = make(looks((100, 130)), looks((100, 130), target=BACKUP), looks((100, 130), target=OTHER))
    its = now(config).alarms

    assert sorted(one.incident.subject for one in its) == ["groq", "openai"]


def test_an_outage_that_goes_on_counts(make):
    assert compared(make(looks((1360, 1439))))[3, 120].alarms == 1


def test_without_an_outage_there_is_no_delay(make):
    one = compared(make(looks()))[3, 120]

    assert (one.alarms, one.messages, one.delay_s, one.found, one.outages) == (0, 0, None, 0, 0)


def slower(target):
    """Both the first piece and the whole answer take four times as long after 12 hours."""
    for number, one in enumerate(looks(target=target)):
        wavy = 1 + 0.2 * ((number * 7919) % 13 - 6) / 6
        latency_s = wavy * (2.0 if 720 <= number < 1020 else 0.5)
        yield replace(one, latency_s=latency_s, ttft_s=latency_s / 2)


def test_slow_answers_of_one_cause_are_one_incident(make):
    config = make(slower(MAIN), slower(BACKUP), looks(target=OTHER))
    its = told(config)

    assert [one.incident.subject for one in its[USUAL].slow.alarms] == ["openai"]
    assert {one.slow.messages for one in its.values()} == {2}


CHANNELS = '[[channels]]\nname = "phone"\nurl = "terminal:"\n[[channels]]\nname = "mail"\nurl = "terminal:"\n'
ROUTE = '[[routes]]\nproviders = ["openai"]\nchannels = ["phone"]\n'
QUIET = 'quiet = { start = "00:00", end = "00:00", zone = "UTC" }\n'
DIGEST = 'digest = "daily"\n'


@pytest.mark.parametrize(
    ("more", "messages"),
    [("", 2), (CHANNELS, 4), (CHANNELS + ROUTE, 2), (CHANNELS + DIGEST, 6)],
    ids=["the terminal", "two channels", "a route", "a digest"],
)
def test_messages_are_counted_as_todays_rules_have_them(make, more, messages):
    assert now(make(looks((100, 110)), more=more)).messages == messages


def test_what_people_answered_counts(make):
    replies = (Reply(ReplyKind.SILENCE, at(0), "Jo", match=Match(("openai/main",)), until=at(DAY_MINUTES * 60)),)

    assert now(make(looks((100, 110)), replies=replies)).messages == 0


def test_a_critical_outage_that_lasts_is_told_again(make):
    assert now(make(looks((100, 400)))).messages == 4  # after half an hour and two hours, too


def test_of_an_account_only_what_concerns_it_is_counted(make):
    config = make(looks((100, 120)), looks((600, 620), (900, 920), target=OTHER), more=CHANNELS + DIGEST)

    assert len(now(config).alarms) == 3
    its = now(config, accounts=["openai/main"])
    assert ([one.incident.subject for one in its.alarms], its.messages) == (["openai"], 4)


def test_what_is_no_look_is_told_with_each_setting_as_it_is_on_record(make):
    low = Diagnosis(
        read_subject(Scope.ACCOUNT, "openai/main"), Fault.LOW_BALANCE, Confidence.HIGH, at(600), (), (), (), signal=True
    )
    changes = (
        Change(open_incident(low), ChangeKind.OPENED, at(660)),
        Change(Drill("openai/main", Fault.INVALID_KEY, at(700)).incident, ChangeKind.OPENED, at(700)),
    )
    its = told(make(looks((100, 130)), changes=changes))

    assert {len(one.alarms) for one in its.values()} == {3}
    assert {len(one.outages) for one in its.values()} == {1}


def test_what_is_on_record_of_looks_is_not_counted_twice(make):
    config = make(looks((100, 130)))
    once = now(config)
    save(config, *(Change(one.incident, ChangeKind.OPENED, one.at) for one in once.alarms))

    assert now(config).messages == once.messages


def test_what_was_answered_counts_also_where_ids_were_made_otherwise_then(make):
    config = make(looks((100, 400)))
    once = now(config)
    (alarm,) = once.alarms
    recorded = replace(alarm.incident, id="20261121-134000-before")
    reply = Reply(ReplyKind.ACKNOWLEDGE, alarm.at, "Jo", recorded.id)
    with closing(open_writer(config.store.database)) as db:
        opened = Change(recorded, ChangeKind.OPENED, alarm.at)
        Writer(db, config.location).save(Batch(at(0), changes=(opened,), replies=(reply,)))

    assert once.messages - now(config).messages == 2  # the two reminders


def test_what_was_open_before_the_first_look_is_not_new(make):
    config = make(looks((0, 60), (900, 930)))
    assert len(now(config).alarms) == 2
    began = Diagnosis(
        read_subject(Scope.ACCOUNT, MAIN.account), Fault.TIMEOUT, Confidence.HIGH, at(-9000), (), (MAIN.id,), ()
    )
    before = open_incident(began)
    over = replace(before, closed_at=at(61 * 60))
    save(config, Change(before, ChangeKind.OPENED, at(-8000)), Change(over, ChangeKind.RESOLVED, at(62 * 60)))
    assert [one.incident.opened_at for one in now(config).alarms] == [at(900 * 60)]


def save(config, *changes):
    with closing(open_writer(config.store.database)) as db:
        Writer(db, config.location).save(Batch(at(0), changes=changes))


def test_of_the_day_before_only_what_was_open_and_usual_is_taken(make):
    config = make(looks((100, 130), (1500, 1700), (2000, 2030), minutes=2 * DAY_MINUTES))
    since = at(1600 * 60)

    assert [one.incident.opened_at for one in now(config, since=since).alarms] == [at(2000 * 60)]


@pytest.mark.parametrize(("watched", "told_after"), [(True, 102), (False, 600)])
def test_nothing_was_concluded_while_nobody_was_watching(make, watched, told_after):
    """A first failure elsewhere has everybody wait for half a minute; the monitor ended within it."""
    its = [
        *looks((100, 102)),
        *(replace(one, at=one.at - timedelta(seconds=5)) for one in looks((102, 102), target=BACKUP)),
    ]
    seen = [one for one in its if not at(102 * 60) < one.at < at(599 * 60)]
    gap = absence_change(at(102 * 60 + 2), at(598 * 60))
    (alarm,) = now(make(seen, changes=() if watched else (gap,))).outages

    assert at(told_after * 60 - 180) < alarm.at < at(told_after * 60 + 60)


def test_time_goes_on_after_the_last_look_until_the_monitor_was_last_known_to_watch(make):
    others = (replace(one, at=one.at - timedelta(seconds=5)) for one in looks((102, 102), target=BACKUP, minutes=103))
    config = make([*looks((100, 102), minutes=103), *others])
    assert not now(config).outages
    with closing(open_writer(config.store.database)) as db:
        Writer(db, config.location).save(Batch(at(104 * 60)))

    assert len(now(config).outages) == 1


def test_no_looks_are_no_past(make):
    config = make(looks(minutes=1))
    tally = ObservationCount(frozenset(config.accounts), at(3600))
    with closing(open_reader(config.store.database)) as db:
        its = replay_observations(Reader(db, "here"), config, [USUAL], tally, at(7200), lambda _: None)

    assert (tally.looks, tally.span, its[USUAL].messages) == (0, timedelta(0), 0)


def test_how_far_it_is_is_told(make):
    config, told_of = make(looks(minutes=2 * DAY_MINUTES)), list[str]()
    tally = ObservationCount(frozenset(config.accounts), NOON)
    with closing(open_reader(config.store.database)) as db:
        replay_observations(Reader(db, "here"), config, [USUAL], tally, at(DAY_MINUTES * 60), told_of.append)

    assert told_of == ["21 Nov, 12:00", "22 Nov, 21:20", "telling with setting 1 of 1"]


def test_the_store_gives_back_what_decides(tmp_path):
    kept = [observation(), observation(Fault.INVALID_KEY, 60), observation("no key", 120), observation(None, 180)]
    with closing(open_writer(tmp_path / "monitor.db")) as db:
        Writer(db, "here").save(Batch(at(200), tuple(kept)))
        Writer(db, "here").save(Batch(at(200), (observation(target=Target("x/y", "x", "chat")),)))
        Writer(db, "there").save(Batch(at(200), (observation(),)))
        found = list(Reader(db, "here").history.observations(CHAT, NOON))
        later = list(Reader(db, "here").history.observations(CHAT, at(100)))

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
    row = re.search(
        r"failures = 3, blip_s = 120 \(now\) +(\d+) +([\d.]+) +(\d+) +([\d.]+) +(\S+ min) +(.*?)\s*$", out, re.MULTILINE
    )
    assert row.groups() == ("2", "10.0", "6", "30.0", "20 min", "2 of 2")
    assert re.search(r"failures = 5, blip_s = 120 +2 +10\.0 +6 +30\.0 +40 min", out)
    assert re.search(r"slower than usual \(now\) +0 +0\.0 +0 ", out)
    assert "864 probes of 1 target over 5 days 23 h" in out
    assert re.search(r"\(now\) +1 ", recent)
    assert "too little history" in of_other


def test_tune_lists_the_outages_and_which_settings_would_not_have_told_them(folder):
    recorded(folder, 6, (5, 100), (2, 30))
    _, out, _ = call("tune", folder=folder)
    now = datetime.now(UTC)

    rows = re.findall(
        r"openai: server errors +(\d\d \w{3}, \d\d:\d\d UTC) +(.+?)  +(\d+) +(.+?)\s*$", out, re.MULTILINE
    )
    assert [began[:6] for began, *_ in rows] == [f"{now - timedelta(days=ago):%d %b}" for ago in (2, 5)]
    assert [untold for *_, untold in rows] == ["failures = 5", "-"]
    assert "below [probe]" in out


def test_tune_says_when_there_is_too_little_to_say(folder):
    recorded(folder, 0.5)
    code, out, _ = call("tune", folder=folder)

    assert code == 0
    assert out.startswith("too little history to say anything: 72 probes of 1 target over 11 h 50 min")
    assert "failures" not in out


@pytest.mark.parametrize("days", ["0", "-1", "many", "1.5"])
def test_tune_refuses_days_that_are_none(folder, days):
    code, _, err = call("tune", f"--days={days}", folder=folder)

    assert code == 2
    assert "give 1 to 3650" in err
