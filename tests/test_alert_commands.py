"""What people ask and answer about alerts at a terminal."""

import re
from argparse import ArgumentTypeError
from contextlib import closing
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from monitor.alert.case import Message, Step
from monitor.alert.channel import Channel
from monitor.alert.digest import Timing
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import LONGEST, Names, Reply, ReplyKind, active_replies, objection
from monitor.alert.rule import AlertLimits, Match
from monitor.alert.window import Quiet
from monitor.cli import build_parser, load_command, main
from monitor.commands import alerts, drill
from monitor.commands.incidents import add_note
from monitor.config.load import load_config
from monitor.console.argument import parse_duration
from monitor.console.preview import tell_preview
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, absence_change, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.stages.drill import Drill
from monitor.store.connection import open_reader, open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.document import DocumentError
from probes.model import Confidence, Fault
from tests.conftest import at, health, observation, target

FILE = """
[[accounts]]
name = "main"
provider = "openai"
key = "env:SET"
tags = ["eu"]
[[channels]]
name = "phone"
url = "terminal:"
[[channels]]
name = "mail"
url = "terminal:"
severity = "critical"
quiet = { start = "00:00", end = "00:00" }
[[maintenance]]
name = "upgrade"
start = "2026-11-21 22:00"
lasts_s = 7200
rrule = "FREQ=WEEKLY"
zone = "Europe/Berlin"
providers = ["openai"]
[[maintenance]]
name = "nightly"
cron = "0 3 1 * *"
lasts_s = 600
"""


def incident(subject="openai/main", fault=Fault.ACCOUNT_SUSPENDED):
    cause = Diagnosis(
        read_subject(Scope.ACCOUNT, subject), fault, Confidence.HIGH, at(0), (), ("openai/main/chat",), ()
    )
    return open_incident(cause)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "monitor.toml").write_text(FILE)
    made = load_config(tmp_path / "monitor.toml", {"SET": "sk-123456789"})
    made.store.database.parent.mkdir()
    opened = Change(incident(), ChangeKind.OPENED, at(20))
    with closing(open_writer(made.store.database)) as db:
        messages = (Message(opened.id, "phone", incident_id=opened.incident.id),)
        Writer(db, "here").save(Batch(at(20), changes=(opened,), messages=messages))
    return made


def ask(config, *words, now=None):
    """Call a command as its line says; return what it prints."""
    arguments, lines = build_parser(words).parse_args(words), []
    getattr(load_command(words[0]), words[0])(config, arguments, now or at(60), lines.append)
    return lines


def save(config, **facts):
    with closing(open_writer(config.store.database)) as db:
        Writer(db, "here").save(Batch(at(60), **facts))


def left(config):
    with closing(open_reader(config.store.database)) as db:
        return Reader(db, config.location).messages.replies()


def refused(config, *words):
    with pytest.raises(DocumentError) as caught:
        ask(config, *words)
    return str(caught.value)


def test_the_only_open_incident_is_meant_without_a_word(config):
    assert "acknowledged" in ask(config, "acknowledge", "--by", "Jo")[0]
    assert left(config) == [Reply(ReplyKind.ACKNOWLEDGE, at(60), "Jo", incident().id)]


def test_an_incident_may_be_named_by_a_part_of_its_id(config):
    ask(config, "snooze", "2h", incident().id[-4:], "--by", "Jo")

    assert left(config) == [Reply(ReplyKind.SNOOZE, at(60), "Jo", incident().id, until=at(7260))]


def test_an_incident_that_is_not_open_is_refused_with_those_that_are(config):
    told = f'command line: "nonsense" is no open incident; use one of: {incident().id}'
    assert refused(config, "acknowledge", "nonsense") == told
    save(config, changes=(Change(incident("openai/other"), ChangeKind.OPENED, at(30)),))
    assert "INCIDENT may be each open incident; use one of: " in refused(config, "acknowledge")


def test_a_second_acknowledgement_of_one_person_is_not_taken_and_the_command_says_so(config):
    ask(config, "acknowledge", "--by", "Jo")

    assert ask(config, "acknowledge", "--by", "Jo ", now=at(300)) == [
        f"{incident().id}: acknowledged already, by Jo at 2026-11-21 12:01 UTC; that stands"
    ]
    assert "no more reminders" in ask(config, "acknowledge", "--by", "Kim", now=at(300))[0]
    assert [(one.by, one.at) for one in left(config)] == [("Jo", at(60)), ("Kim", at(300))]


def test_a_shorter_snooze_ends_a_longer_one_also_after_a_restart(config):
    ask(config, "snooze", "1h", "--by", "Jo")
    ask(config, "snooze", "1m", "--by", "Kim", now=at(90))
    lines = []
    alerts.explain(config, None, at(91), lines.append)
    assert lines[-1] == "  mail: nothing now: snoozed until 2026-11-21 12:02 UTC by Kim"

    alerts.explain(config, None, at(151), lines.append)
    assert lines[-1] == "  mail: due: opened: it is open and was not told yet"


def noted(config, *words):
    arguments, lines = build_parser(["incidents"]).parse_args(["incidents", "note", *words]), []
    add_note(config, arguments, arguments.words[1:], at(60), lines.append)
    return lines


def notes_on(config):
    with closing(open_reader(config.store.database)) as db:
        return [one for its in Reader(db, config.location).incidents.notes().values() for one in its]


def test_a_note_may_be_added_to_an_incident_open_or_closed(config):
    noted(config, incident().id[-4:], "vendor ticket 7", "--by", "Jo")
    save(config, changes=(Change(replace(incident(), closed_at=at(50)), ChangeKind.RESOLVED, at(50)),))

    assert noted(config, incident().id, "it was", "the  bill", "--by", "Jo", "--public") == [
        f"{incident().id}: noted; the public site does not show it: "
        "no provider or service there was down because of this incident"
    ]
    assert notes_on(config) == [
        IncidentNote(incident().id, at(60), "Jo", "it was the bill", public=True),
        IncidentNote(incident().id, at(60), "Jo", "vendor ticket 7"),
    ]


SERVICE = """
[[services]]
name = "Chat"
accounts = ["openai/main"]
[alerts]
zone = "Asia/Kolkata"
"""


@pytest.mark.parametrize(
    ("closed", "place"),
    [
        ((), "since 21 Nov 2026, 17:30 IST, which is open"),
        ((at(50),), "since 21 Nov 2026, 17:30 IST to 17:30 IST"),
    ],
)
def test_a_note_for_the_public_is_told_where_it_will_stand(config, closed, place):
    """Of a service that may be an incident that has ended, about which nobody reads first."""
    config.file.write_text(FILE + SERVICE)
    for when in closed:
        save(config, changes=(Change(replace(incident(), closed_at=when), ChangeKind.RESOLVED, when),))

    its = load_config(config.file, {"SET": "sk-123456789"})
    assert noted(its, incident().id, "it was the bill", "--public") == [
        f"{incident().id}: noted; the next public page shows it with the incident of Chat {place}"
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nonsense", "x"], f'"nonsense" is no incident; use one of: {incident().id}'),
        ([incident().id], 'note lacks its words; write incidents INCIDENT, or incidents note INCIDENT "WORDS"'),
        ([], "note lacks an incident and its words; "),
        (["", "vendor ticket 7"], '"" is no incident; write its id, or a part of it'),
        ([" ", "vendor ticket 7"], '"" is no incident; write its id, or a part of it'),
        ([incident().id, " \u200b"], 'note is empty; write what others should know: "vendor ticket opened"'),
        ([incident().id, "x" * 2001], "note has 2,001 characters, and 2,000 is the most; shorten it"),
    ],
)
def test_a_note_that_cannot_be_meant_is_refused_in_words(config, words, told):
    with pytest.raises(DocumentError, match=re.escape(told)):
        noted(config, *words)
    assert notes_on(config) == []


@pytest.fixture
def run(config, monkeypatch):
    monkeypatch.setenv("SET", "sk-123456789")
    return lambda *words: main(["--config", str(config.file), "incidents", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("note", "--public", "ID", "it was", "the bill", "--by", "Jo"),
        ("note", "ID", "--by", "Jo", "it was", "--public", "the bill"),
        ("--public", "note", "ID", "--by", "Jo", "it was the bill"),
        ("note", "ID", "it was", "the bill", "--by", "Jo", "--public"),
    ],
)
def test_the_options_of_a_note_may_stand_in_any_place(config, run, words):
    assert run(*[incident().id if word == "ID" else word for word in words]) == 0

    (note,) = notes_on(config)
    assert (note.text, note.by, note.public) == ("it was the bill", "Jo", True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("note", "ID", "x", "--json"),
            "--json is for what is printed, and `incidents note` adds a note; leave it out",
        ),
        (("note", "ID", "x", "--csv"), "--csv is for what is printed"),
        (("note", "ID", "x", "--last", "0"), "--last is for what is printed"),
        (("ID", "--last", "3"), "--last is for the list of incidents; leave it out"),
        (("ID", "--public"), "--public is for `incidents note`; leave it out"),
        (("ID", "--by", "Jo"), "--by is for `incidents note`; leave it out"),
        (("note", "--json", "ID", "x", "--nonsense"), "unrecognized arguments: ID x --nonsense"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(config, run, capsys, words, told):
    try:
        code = run(*[incident().id if word == "ID" else word for word in words])
    except SystemExit as left:
        code = left.code

    assert (code, notes_on(config)) == (2, [])
    assert told.replace("ID", incident().id) in capsys.readouterr().err


@pytest.mark.parametrize("command", [["acknowledge"], ["snooze", "2h"]])
def test_an_empty_name_does_not_mean_the_only_incident(config, command):
    assert '"" is no open incident; write its id, or a part of it' in refused(config, *command, "")


def test_a_key_in_the_name_of_who_writes_is_redacted(config):
    noted(config, incident().id, "x", "--by", "sk-123456789")
    ask(config, "acknowledge", "--by", "sk-123456789")

    (note,) = notes_on(config)
    assert (note.by, left(config)[0].by) == ("[redacted]", "[redacted]")


def test_a_key_in_a_note_is_redacted_and_a_long_name_is_cut(config):
    noted(config, incident().id, "we use sk-123456789 and sk-proj-abcdefgh1234", "--by", "J" * 300)

    (note,) = notes_on(config)
    assert (note.text, note.by) == ("we use [redacted] and [redacted]", "J" * 100)


@pytest.mark.parametrize("bad", ["2", "h", "0h", "-1h", "2w", "99999h", "2h30m"])
def test_a_duration_is_minutes_hours_or_days(bad):
    with pytest.raises(ArgumentTypeError, match="is no duration; write 30m, 2h or 7d"):
        parse_duration(bad)
    assert [parse_duration(good) for good in ("30m", "2h", "7d")] == [
        timedelta(minutes=30), timedelta(hours=2), timedelta(days=7)
    ]  # fmt: skip


def test_a_silence_has_a_reason_and_an_end_is_listed_and_can_be_ended(config):
    words = ("silence", "2h", "--account", "openai/main", "--fault", "timeout", "--by", "Jo")
    assert "lacks --reason" in refused(config, *words)
    ask(config, *words, "--reason", "moving")

    (silence,) = left(config)
    assert silence.match == Match(accounts=("openai/main",), faults=(Fault.TIMEOUT,))
    assert ask(config, "silence") == [f"{silence.id}: until 2026-11-21 14:01 UTC, openai/main, timeout, by Jo: moving"]
    assert "is no active silence" in refused(config, "silence", "--end", "x")
    ask(config, "silence", "--end", silence.id)
    assert active_replies(left(config), at(61)) == []
    assert ask(config, "silence", now=at(9000)) == ['no silence is active; `silence 2h --reason "WORDS"` begins one']


def test_a_silence_without_an_end_that_was_once_taken_is_listed_and_can_be_ended(config):
    endless = Reply(ReplyKind.SILENCE, at(60), "Jo", match=Match(accounts=("openai/main",)), reason="moving")
    save(config, replies=(endless,))

    assert ask(config, "silence") == [f"{endless.id}: without an end, openai/main, by Jo: moving"]
    assert ask(config, "silence", "--end", endless.id) == [f"{endless.id}: ended"]


def test_what_a_person_types_is_one_line(config):
    ask(config, "silence", "2h", "--by", "Jo\nthe Great", "--reason", "a\n\x1b[2Jb")
    assert [(one.by, one.reason) for one in left(config)] == [("Jo the Great", "a b")]
    assert "lacks --reason" in refused(config, "silence", "2h", "--reason", "\u200b\n")


def test_the_longest_silence_is_taken(config):
    ask(config, "silence", "9999d", "--reason", "for good")
    assert [one.until for one in left(config)] == [at(60) + LONGEST]


def test_what_is_answered_while_no_process_runs_counts_at_once(config):
    ask(config, "silence", "2h", "--fault", "timeout", "--by", "Jo", "--reason", "moving")
    ask(config, "acknowledge", "--by", "Jo")

    (silence,) = [one for one in left(config) if one.kind is ReplyKind.SILENCE]
    assert ask(config, "silence") == [f"{silence.id}: until 2026-11-21 14:01 UTC, timeout, by Jo: moving"]
    lines = []
    alerts.explain(config, None, at(61), lines.append)
    assert "  phone: nothing now: acknowledged by Jo" in lines

    ask(config, "silence", "--end", silence.id)

    assert ask(config, "silence") == ['no silence is active; `silence 2h --reason "WORDS"` begins one']
    assert "there is none" in refused(config, "silence", "--end", silence.id)


def test_a_silence_of_what_is_not_watched_is_refused(config):
    for what, there in (("account", "openai/main"), ("provider", "openai"), ("tag", "eu")):
        assert f"is not watched; use one of: {there}" in refused(config, "silence", "2h", f"--{what}", "x")


def test_where_no_account_has_a_tag_the_next_step_is_said(config):
    bare = replace(config, accounts={id: replace(one, tags=()) for id, one in config.accounts.items()})

    said = refused(bare, "silence", "2h", "--tag", "x")
    assert "use one of" not in said
    assert 'write tags = ["NAME"] into its block' in said


def why_refused(kind, subject, number):
    about = Reply(kind, at(0), subject=subject)
    ids = [f"20261121-{one:05}" for one in range(number)]
    return objection(about, Names((), (), ()), ids, at(0)).repair


@pytest.mark.parametrize("number", [11, 1_000, 5_000])
def test_of_many_that_could_be_meant_ten_are_named_those_like_it_first(number):
    said = why_refused(ReplyKind.ACKNOWLEDGE, "21-00009", number)

    assert said.startswith("use one of: 20261121-00009, ")
    assert said.endswith(f", and {number - 10} more")
    assert said.count(",") == 10


def test_the_name_that_is_probably_meant_comes_first():
    assert why_refused(ReplyKind.ACKNOWLEDGE, "20261121-0999", 1_000).startswith("use one of: 20261121-00999, ")
    accounts = [f"openai/team-{one}" for one in range(50)]
    silence = Reply(ReplyKind.SILENCE, at(0), match=Match(accounts=("openai/taem-44",)), until=at(60), reason="x")
    said = objection(silence, Names(accounts, (), ()), (), at(0)).repair
    assert said.startswith("use one of: openai/team-44, ")
    assert said.endswith(", and 40 more")


def test_the_windows_of_the_next_days_are_listed_in_order(config):
    lines = ask(config, "maintenance")

    assert lines[0] == "2026-11-21 21:00 to 2026-11-21 23:00 UTC: upgrade (openai)"
    assert lines[2] == "2026-12-01 03:00 to 2026-12-01 03:10 UTC: nightly (everything)"
    assert len(lines) == 6
    there = replace(config, rules=replace(config.rules, zone=ZoneInfo("Asia/Dubai")))
    assert ask(there, "maintenance")[0] == (
        "2026-11-22 01:00 UTC+04 to 2026-11-22 03:00 UTC+04 (2026-11-21 21:00 to 2026-11-21 23:00 UTC): "
        "upgrade (openai)"
    )
    none = "no maintenance within 30 days; [[maintenance]] in monitor.toml plans one"
    assert ask(replace(config, rules=type(config.rules)()), "maintenance") == [none]


def test_the_calendar_keeps_the_rule_and_the_zone_and_lists_what_is_cron(config):
    from icalendar import Calendar

    made = Calendar.from_ical(ask(config, "maintenance", "--ical")[0])
    weekly, *nightly = made.events

    assert (weekly["summary"], weekly["rrule"]["FREQ"]) == ("Maintenance: upgrade", ["WEEKLY"])
    assert weekly["dtstart"].params["TZID"] == "Europe/Berlin"
    assert weekly["duration"].dt == timedelta(hours=2)
    assert [f"{one['dtstart'].dt:%m-%d %H:%M}" for one in nightly] == ["12-01 03:00", "01-01 03:00", "02-01 03:00"]
    assert [str(one["tzid"]) for one in made.timezones] == ["Europe/Berlin"]


def test_a_calendar_without_windows_holds_a_component_and_no_event(config):
    from icalendar import Calendar

    (text,) = ask(replace(config, rules=type(config.rules)()), "maintenance", "--ical")
    made = Calendar.from_ical(text)

    assert made.events == []
    assert [str(one["tzid"]) for one in made.timezones] == ["UTC"]
    assert {one.name for one in made.timezones[0].subcomponents} == {"STANDARD"}


def drilled(name):
    return Drill(f"openai/{name}", Fault.ACCOUNT_SUSPENDED, at(61)).incident


def test_a_drill_says_what_holds_a_real_message_now_and_goes_out_all_the_same(config):
    ask(config, "silence", "2h", "--account", "openai/main", "--reason", "new key")
    held = drill.holds_of_real(config, drilled("main"), ["phone", "mail"], at(61))

    said = f"silence {left(config)[0].id} until 2026-11-21 14:01 UTC: new key"
    assert held == {"phone": said, "mail": said}
    assert [*drill.warnings("openai/main", held)][0] == (
        f"phone: gets this drill, but no real message of this about openai/main now: {said}"
    )
    assert drill.holds_of_real(config, drilled("backup"), ["phone"], at(61)) == {}


def test_an_incident_is_explained_channel_by_channel(config):
    lines = []
    alerts.explain(config, None, at(61), lines.append)

    assert lines == [
        f"{incident().id}: openai/main: account suspended (critical, opened)",
        "  phone: opened at 2026-11-21 12:00:20 UTC",
        "  phone: nothing now: it was told; a reminder follows at 2026-11-21 12:30 UTC",
        "  mail: due: opened: it is open and was not told yet",
    ]


@pytest.mark.parametrize(
    ("url", "priority", "link", "sent"),
    [
        ("ntfys://Jo:Secr3tPass@ntfy.example/t?priority=high", "high", True, "[DOWN] openai/main: account suspended"),
        ("pagerduty://R0UT1NGKEY012", "critical", True, '"event_action": "trigger"'),
        ("slack://T0001ABCD/B0001ABCD/aaaaaaaaaaaaaaaaaaaaaaaa", None, True, "Acknowledge>"),
        ("mailtos://Jo:Secr3tPass@example.com", None, True, "What travels is not shown"),
        ("terminal:", None, True, "What travels is not shown"),
    ],
)
def test_a_preview_shows_what_a_channel_would_be_sent_without_its_keys(config, url, priority, link, sent):
    there = replace(config, channels=(Channel("phone", url),), site=replace(config.site, url="https://s.example"))
    lines = []
    (row,) = alerts.previews(there, None, None, at(61))
    tell_preview(row, lines.append)

    assert (row.priority, row.title) == (priority, "[DOWN] openai/main: account suspended")
    assert (row.link == f"https://s.example/incidents/{row.incident}.html") is link
    text = "\n".join(lines)
    assert sent in text
    assert text.endswith("Nothing was sent. Its links answer nothing, and keys are shown as ***")
    assert not [key for key in ("Secr3tPass", "R0UT1NGKEY012", "aaaaaaaaaaaaaaaaaaaaaaaa") if key in f"{text}{row}"]


def test_a_preview_of_an_unknown_channel_is_refused(config):
    with pytest.raises(DocumentError, match='"fone" is no channel'):
        alerts.previews(config, None, "fone", at(61))


def test_it_is_explained_that_a_reminder_waits_for_a_look_that_fails(config):
    lines, lost = [], health(*[Fault.ACCOUNT_SUSPENDED] * 3, None)
    seen = observation(None, 180, target())
    save(config, observations=(seen,), healths={seen.target.id: lost})
    alerts.explain(config, None, at(3600), lines.append)

    assert "phone: nothing now: its latest probe was good" in lines[2]


def test_history_says_what_was_sent_and_how_it_went(config):
    with closing(open_writer(config.store.database)) as db:
        writer = Writer(db, "here")
        (letter,) = writer.due_messages(at(21))
        writer.postponed(letter, "no answer", at(30))
    lines = []
    alerts.history(alerts.message_reports(config, 5), config.rules.zone, lines.append)

    what = f"openai/main: account suspended ({incident().id})"
    assert lines == [f"2026-11-21 12:00:30 UTC phone: opened: {what}: waiting, tries 1: no answer"]


def replayed(config, now, since=timedelta(days=7)):
    lines = []
    alerts.replay(config, since, now, lines.append)
    return lines


def test_a_replay_prints_what_todays_rules_would_have_sent_and_sends_and_writes_nothing(config):
    over = replace(incident(), closed_at=at(3600))
    save(config, changes=(Change(over, ChangeKind.RESOLVED, at(3600)),))
    before = everything_in(config.store.database.parent)

    assert replayed(config, at(4000)) == [
        "2026-11-21 12:00:20 UTC phone: opened: openai/main: account suspended (then waiting, tries 0)",
        "2026-11-21 12:00:20 UTC mail: opened: openai/main: account suspended",
        "2026-11-21 12:30:40 UTC phone: reminder: openai/main: account suspended",
        "2026-11-21 12:30:40 UTC mail: reminder: openai/main: account suspended",
        "2026-11-21 13:00:00 UTC phone: resolved: openai/main: account suspended",
        "2026-11-21 13:00:00 UTC mail: resolved: openai/main: account suspended",
        "6 messages in 7 days; nothing was sent now",
        "5 of them were not sent then; it is assumed that those are delivered",
    ]
    assert everything_in(config.store.database.parent) == before


def everything_in(folder):
    """The bytes of each file; SQLite's memory shared by readers is none of the database."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {path.name: path.read_bytes() for path in files if path.stat().st_size}


def test_an_acknowledgement_counts_in_a_replay_from_when_it_was_given(config):
    save(config, replies=(Reply(ReplyKind.ACKNOWLEDGE, at(60), "Jo", incident().id),))

    assert [line.split()[4] for line in replayed(config, at(9000))[:-2]] == ["opened:", "opened:"]


def test_a_replay_tells_how_each_message_went_and_what_a_failing_channel_led_to(config):
    with closing(open_writer(config.store.database)) as db:
        writer = Writer(db, "here")
        for seconds in (21, 30, 60):
            (letter,) = writer.due_messages(at(seconds))
            writer.postponed(letter, "HTTP 500", at(seconds))

    assert replayed(config, at(300))[:3] == [
        "2026-11-21 12:00:20 UTC phone: opened: openai/main: account suspended (then waiting, tries 3: HTTP 500)",
        "2026-11-21 12:00:20 UTC mail: opened: openai/main: account suspended",
        "2026-11-21 12:01:00 UTC mail: failing: phone: HTTP 500",
    ]


def test_a_replay_sends_digests_and_keeps_quiet_hours(config):
    night = Quiet(time(22), time(7), ZoneInfo("UTC"))
    phone = Channel("phone", "terminal:", digest="daily", quiet=night)
    milder = incident("openai/other", Fault.OVERLOADED)
    evening = at(11 * 3600)  # 23:00
    save(config, changes=(Change(milder, ChangeKind.OPENED, evening),))
    rules = replace(config.rules, patience=AlertLimits(remind=()))
    today = replace(config, channels=(phone,), rules=rules, digest=Timing(time(8)))

    assert [line[:37] for line in replayed(today, at(22 * 3600), timedelta(hours=24))[:-2]] == [
        "2026-11-21 12:00:20 UTC phone: opened",
        "2026-11-22 07:00:00 UTC phone: opened",
        "2026-11-22 08:00:00 UTC phone: digest",
    ]


def test_a_replay_says_what_comes_as_one_list_and_what_was_known_only_when_it_was_over(config):
    ones = [Change(incident(f"openai/{n}"), ChangeKind.OPENED, at(120)) for n in range(3)]
    save(config, changes=(*ones, absence_change(at(200), at(1000))))
    lines = replayed(config, at(1000))

    assert sum("phone: opened" in line and "in one list of 3" in line for line in lines) == 3
    assert "2026-11-21 12:16:40 UTC phone: missed: the monitor was not watching for 13 min" in lines


def test_replies_are_resumed_and_a_reply_counts_once(config):
    reply = Reply(ReplyKind.ACKNOWLEDGE, at(60), "Jo", incident().id)
    save(config, replies=(reply, reply))

    with closing(open_reader(config.store.database)) as db:
        told = Reader(db, "here").resumption.correspondence(at(61))
        assert told.replies == [reply]
        assert told.cases[incident().id].told["phone"][0].step is Step.OPENED
