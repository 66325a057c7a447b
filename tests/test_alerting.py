"""What monitor.toml says of telling, and what it may not say."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.alert.channel import Channel, Detail, Format
from monitor.alert.digest import Timing
from monitor.alert.rule import AlertLimits, Escalation, Match
from monitor.alert.text import MessageTemplates
from monitor.alert.window import Quiet, Window
from monitor.config.load import load_config
from monitor.diagnose.incident import Severity
from monitor.diagnose.subject import Scope
from monitor.stages.deliver import message_style
from probes.document import DocumentError
from probes.model import Fault

ACCOUNT = '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:SET"\ntags = ["eu"]\n'
PHONE = '[[channels]]\nname = "phone"\nurl = "ntfy://topic"\ntags = ["oncall"]\n'


def loaded(folder, text, head=""):
    (folder / "monitor.toml").write_text(head + ACCOUNT + PHONE + text)
    return load_config(folder / "monitor.toml", {"SET": "sk-123456789"})


def problems(folder, text, head=""):
    with pytest.raises(DocumentError) as caught:
        loaded(folder, text, head)
    return [str(problem) for problem in caught.value.problems]


def test_a_channel_has_a_least_severity_a_detail_a_form_a_limit_quiet_hours_and_a_digest(tmp_path):
    text = """
    severity = "critical"
    detail = "short"
    format = "markdown"
    limit_s = 5
    quiet = { start = "22:00", end = "07:00", zone = "Europe/Berlin" }
    digest = "weekly"
    """
    quiet = Quiet(time(22), time(7), ZoneInfo("Europe/Berlin"))
    whole = Channel(
        *("phone", "ntfy://topic", ("oncall",), Severity.CRITICAL, Detail.SHORT, Format.MARKDOWN, 5, quiet, "weekly")
    )

    assert loaded(tmp_path, text).channels == (whole,)
    assert loaded(tmp_path, "").channels == (Channel("phone", "ntfy://topic", ("oncall",)),)


@pytest.mark.parametrize(
    ("head", "own", "language"),
    [
        ("", "", "en"),
        ('[alerts]\nlanguage = "de"\n', "", "de"),
        ('[alerts]\nlanguage = "de"\n', 'language = "zh-Hans"', "zh-Hans"),
        ("", 'language = "he"', "he"),
        ('[site]\nlanguage = "de"\n', "", "en"),
    ],
)
def test_a_channel_speaks_its_own_language_or_that_of_all_messages(tmp_path, head, own, language):
    assert [one.language for one in loaded(tmp_path, own, head).channels] == [language]


def test_the_terminal_speaks_the_language_of_all_messages(tmp_path):
    (tmp_path / "monitor.toml").write_text('[alerts]\nlanguage = "de"\n')
    assert [
        one.language for one in load_config(tmp_path / "monitor.toml", {"OPENAI_API_KEY": "sk-123456789"}).channels
    ] == ["de"]


@pytest.mark.parametrize(
    ("head", "own", "told"),
    [
        ('[alerts]\nlanguage = "dd"\n', "", 'alerts.language = "dd": no such language; use one of: de, en, he'),
        ("", 'language = "hr"', 'channels.phone.language = "hr": no such language; use one of: de, en, he'),
        ("", 'language = "German"', "give a language: en, de, he or zh-Hans"),
    ],
)
def test_a_language_that_there_is_not_is_named_with_those_that_there_are(tmp_path, head, own, told):
    (problem,) = problems(tmp_path, own, head)
    assert told in problem


@pytest.mark.parametrize("section", ["site", "alerts"])
def test_a_language_of_ones_own_may_be_beside_the_templates_of_pages_or_of_messages(tmp_path, section):
    (tmp_path / "mine" / "language").mkdir(parents=True)
    (tmp_path / "mine" / "language" / "fr.toml").write_text('[phrases]\n"DOWN" = "EN PANNE"\n')
    config = loaded(tmp_path, 'language = "fr"', f'[{section}]\ntemplates = "mine"\n')

    style = message_style(config.channels[0], MessageTemplates(config.templates), config)
    assert style.language.say("DOWN") == "EN PANNE"


def test_a_route_names_what_fits_and_who_hears_and_steps_stand_in_order(tmp_path):
    text = """
    [[routes]]
    accounts = ["openai/main"]
    providers = ["openai"]
    tags = ["eu"]
    scopes = ["account"]
    faults = ["account_suspended"]
    severity = "warning"
    channels = ["oncall"]
    escalate = [{ after_s = 1800, channels = ["phone"] }, { after_s = 900, channels = ["oncall"] }]
    """
    (route,) = loaded(tmp_path, text).rules.routes

    facts = (("openai/main",), ("openai",), ("eu",), (Scope.ACCOUNT,), (Fault.ACCOUNT_SUSPENDED,), Severity.WARNING)
    assert route.match == Match(*facts)
    assert route.channels == ("oncall",)
    steps = ((900, "oncall"), (1800, "phone"))
    assert route.escalate == tuple(Escalation(timedelta(seconds=s), (name,)) for s, name in steps)
    assert loaded(tmp_path, "").rules.tags == {"openai/main": ("eu",)}


@pytest.mark.parametrize(
    ("own", "alerts", "zone"),
    [
        ("", "", "UTC"),
        ("", 'zone = "Europe/Berlin"', "Europe/Berlin"),
        ('zone = "Asia/Dubai"', 'zone = "Europe/Berlin"', "Asia/Dubai"),
    ],
)
def test_a_channel_tells_times_in_its_own_zone_else_in_that_of_all(own, alerts, zone, tmp_path):
    text = f'quiet = {{ start = "22:00", end = "07:00" }}\n{own}\n'
    (channel,) = loaded(tmp_path, text, f"[alerts]\n{alerts}\n").channels

    assert (str(channel.zone), str(channel.quiet.zone)) == (zone, zone)


@pytest.mark.parametrize("alerts", ["", 'zone = "Europe/Berlin"', 'language = "de"'])
def test_the_terminal_is_no_secret_whatever_its_language_and_zone(alerts, tmp_path):
    (tmp_path / "monitor.toml").write_text(f"[alerts]\n{alerts}\n")

    assert load_config(tmp_path / "monitor.toml", {}).secrets == []


def test_maintenance_is_once_or_recurs_in_the_zone_of_all_or_its_own(tmp_path):
    text = """
    [[maintenance]]
    name = "upgrade"
    start = "2026-11-28 22:00"
    lasts_s = 7200
    [[maintenance]]
    name = "nightly"
    cron = "0 3 * * *"
    lasts_s = 600
    zone = "UTC"
    providers = ["openai"]
    """
    once, nightly = loaded(tmp_path, text, '[alerts]\nzone = "Europe/Berlin"\n').rules.maintenance

    start = datetime.fromisoformat("2026-11-28 22:00")
    assert once.window == Window(start, timedelta(hours=2), ZoneInfo("Europe/Berlin"))
    assert nightly.window == Window(None, timedelta(minutes=10), UTC, cron="0 3 * * *")
    assert (once.match, nightly.match) == (Match(), Match(providers=("openai",)))


def test_patience_and_digests_are_a_matter_of_taste(tmp_path):
    head = """
    [alerts]
    remind_s = [60, 120]
    storm = 7
    storm_s = 30
    failing_tries = 4
    zone = "Europe/Berlin"
    digest_at = "07:30"
    digest_weekday = "friday"
    templates = "words"
    """
    (tmp_path / "words").mkdir()
    config = loaded(tmp_path, "", head)

    remind = (timedelta(minutes=1), timedelta(minutes=2))
    assert config.rules.patience == AlertLimits(remind, 7, timedelta(seconds=30), 4)
    assert config.digest == Timing(time(7, 30), 4, ZoneInfo("Europe/Berlin"))
    assert config.templates == tmp_path / "words"
    assert loaded(tmp_path, "").rules.patience == AlertLimits()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[[routes]]\nchannels = ["fone"]',
            'routes[1].channels = "fone": no channel has this name or tag; did you mean "phone"?',
        ),
        (
            '[[routes]]\nchannels = []\nescalate = [{ after_s = 60, channels = ["boss"] }]',
            'routes[1].channels = "boss": no channel has this name or tag; use one of: oncall, phone',
        ),
        (
            '[[routes]]\nchannels = []\ntags = ["us"]',
            'routes[1].tags = "us": no account is of it; use one of: eu',
        ),
        (
            '[[routes]]\nchannels = []\naccounts = ["openai/mian"]',
            'routes[1].accounts = "openai/mian": no account is of it; did you mean "openai/main"?',
        ),
        (
            '[[maintenance]]\nname = "m"\nlasts_s = 60',
            "maintenance.m needs either `start` or `cron`; "
            'give start = "2026-11-28 22:00", with rrule = "FREQ=WEEKLY" if it recurs, or cron = "0 22 * * 6"',
        ),
        (
            '[[maintenance]]\nname = "m"\nlasts_s = 60\nstart = "2026-02-30 22:00"',
            'maintenance.m has start = "2026-02-30 22:00": there is no such day; '
            'give start = "2026-11-28 22:00", with rrule = "FREQ=WEEKLY" if it recurs, or cron = "0 22 * * 6"',
        ),
        (
            'quiet = { start = "22:00", end = "07:00", zone = "Europe/Berlni" }',
            'channels.phone.quiet.zone = "Europe/Berlni": no such time zone; write one like Europe/Berlin, or UTC',
        ),
        (
            '[alerts]\nzone = "../../etc/passwd"',
            'alerts.zone = "../../etc/passwd": no such time zone; write one like Europe/Berlin, or UTC',
        ),
        (
            'zone = "Berlin"',
            'channels.phone.zone = "Berlin": no such time zone; write one like Europe/Berlin, or UTC',
        ),
    ],
)
def test_what_cannot_be_is_named_with_its_repair(tmp_path, text, told):
    assert problems(tmp_path, text) == [f"monitor.toml: {told}"]


def test_a_folder_of_templates_that_is_not_there_is_named(tmp_path):
    told = problems(tmp_path, '[alerts]\ntemplates = "words"')

    assert told == [f'monitor.toml: alerts.templates = "words" is no folder; create {tmp_path}/words or leave it out']


def test_two_windows_of_one_name_are_refused(tmp_path):
    window = '[[maintenance]]\nname = "m"\nstart = "2026-11-28 22:00"\nlasts_s = 60\n'

    assert problems(tmp_path, window * 2) == [
        'monitor.toml: maintenance holds "m" 2 times; give each a name of its own'
    ]
