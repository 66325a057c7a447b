"""What each family of channels does with severity, links and formats."""

import pytest

from monitor.alert.address import check_address, load_apprise
from monitor.alert.channel import Channel, Format
from monitor.alert.family import (
    FAMILIES,
    HOSTS,
    OTHER_SCHEMES,
    addressed,
    family_of,
    format_of,
    parameter,
    priority_of,
    scheme_of,
)
from monitor.diagnose.incident import Severity
from tests.rows import each_row

LOUD = {name: one.loudness for name, one in FAMILIES.items() if one.loudness}


@each_row("name", LOUD)
def test_a_down_is_louder_than_its_end_and_than_a_digest(name):
    channel, its = Channel("x", f"{name}://y"), LOUD[name]
    down, risk, news, end = (
        its.rank(priority_of(channel, one)) for one in (Severity.CRITICAL, Severity.WARNING, Severity.INFO, None)
    )

    assert down > end
    assert down >= risk >= news
    assert down >= len(its.levels) - 2, "the loudest, or the one below it that calls nobody back"


@each_row(
    ("url", "severity", "priority"),
    [
        ("ntfy://topic", Severity.CRITICAL, "max"),
        ("ntfy://topic", Severity.WARNING, "high"),
        ("ntfy://topic", None, "default"),
        ("ntfys://topic?priority=high", Severity.CRITICAL, "high"),
        ("ntfy://topic?priority=urgent", Severity.WARNING, "max"),
        ("ntfy://topic?priority=max", None, "default"),
        ("ntfy://topic?priority=min", None, "min"),
        ("pover://u@t?Priority=emergency", Severity.CRITICAL, "emergency"),
        ("pover://u@t?priority=emergency", None, "normal"),
        ("tgram://1:a/2", Severity.CRITICAL, "no"),
        ("tgram://1:a/2", None, "yes"),
        ("tgram://1:a/2?silent=yes", Severity.CRITICAL, "yes"),
        ("matrix://u:p@h/!r", None, "notice"),
        ("https://ntfy.sh/topic", Severity.CRITICAL, "max"),
        ("json://h", Severity.CRITICAL, ""),
    ],
)
def test_a_priority_follows_the_severity_unless_the_address_names_one_which_an_end_never_exceeds(
    url, severity, priority
):
    channel = Channel("x", url)

    assert priority_of(channel, severity) == priority
    its = family_of(url).loudness
    assert its is None or parameter(addressed(channel, severity, ""), its.key) == priority


@pytest.mark.parametrize(
    ("url", "what", "repair"),
    [
        (
            "ntfy://topic?priority=urgnt",
            'has priority = "urgnt", which ntfy does not know',
            "write one of min, low, default, high, max, or leave it out: then it follows the severity",
        ),
        (
            "bark://h/k?level=loud",
            'has level = "loud", which Bark does not know',
            "write one of passive, active, timesensitive, critical, or leave it out: then it follows the severity",
        ),
        (
            "opsgenie://key?priority=p9",
            'has priority = "p9", which Opsgenie does not know',
            "write one of p5, p4, p3, p2, p1, or leave it out: then it follows the severity",
        ),
        ("pagerduty://", "is no complete pagerduty:// address: the key is missing", "write pagerduty://KEY"),
        (
            "pagerduty://k?region=eu2",
            'has region = "eu2", which pagerduty does not have',
            "write region=us or region=eu",
        ),
        (
            "pagerduty://k?dedup=x",
            'has the parameter "dedup", which means nothing here',
            "only region, severity are known",
        ),
        ("opsgenie://k/ops", 'names "ops" without saying what it is', "write @user, #team, ^escalation or *schedule"),
        ("pagerduty:KEY", "is no complete pagerduty:// address: the // is missing", "write pagerduty://KEY"),
        ("opsgenie://k%0D%0Ax:y", "holds a key that opsgenie cannot have made", "copy the key again: opsgenie://KEY"),
        ("webhook:http://[::1", "is no complete webhook: address", "write webhook:https://host/path"),
        ("webhook:http://h:99999/", "is no complete webhook: address", "write webhook:https://host/path"),
        (
            "https://[::1",
            "does not begin with the name of a service that Apprise knows",
            "compare it with Apprise's page on that service",
        ),
        ("webhook:hook.example", "is no complete webhook: address", "write webhook:https://host/path"),
    ],
)
def test_a_wrong_address_is_refused_with_the_value_and_the_repair(url, what, repair):
    found = check_address(Channel("x", url))

    assert (found.key, found.what, found.repair) == ("url", what, repair)


@pytest.mark.parametrize(
    ("url", "secret", "what"),
    [
        ("webhook:https://h/x", "", "is missing: a webhook is signed"),
        ("webhook:https://h/x", "short", "has fewer than 16 characters"),
        ("webhook:https://h/x", "whsec_not base64 at all", "begins with whsec_, but the rest is not base64"),
        ("ntfy://topic", "a secret that signs nothing", "is of no use here"),
        ("webhook:https://h/x", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0", None),
        ("pagerduty://key@token/source?region=EU&severity=critical", "", None),
        ("opsgenie://key/@me/#ops/^late/*nights?region=eu&priority=P2", "", None),
    ],
)
def test_only_a_webhook_has_a_secret_and_it_has_one(url, secret, what):
    found = check_address(Channel("x", url, secret=secret))

    assert (found and (found.key, found.what)) == (what and ("secret", what))
    assert not (found and secret and secret in f"{found.what} {found.repair}")


@each_row(
    ("url", "wanted", "got"),
    [
        ("gchat://w/k/t", Format.TEXT, Format.MARKDOWN),
        ("workflows://h/w/s", Format.HTML, Format.MARKDOWN),
        ("https://discord.com/api/webhooks/1/2", Format.TEXT, Format.MARKDOWN),
        ("https://prod.westus.logic.azure.com/workflows/1/triggers/manual/paths/invoke", Format.TEXT, Format.MARKDOWN),
        ("tgram://1:a/2", Format.TEXT, Format.HTML),
        ("mailtos://u:p@h", Format.TEXT, Format.TEXT),
        ("mailtos://u:p@h", Format.MARKDOWN, Format.HTML),
        ("mailtos://u:p@h?format=html", Format.TEXT, Format.HTML),
        ("ntfy://t", Format.MARKDOWN, Format.MARKDOWN),
        ("sns://unknown", Format.MARKDOWN, Format.MARKDOWN),
        ("twilio://a:b@1", Format.HTML, Format.TEXT),
    ],
)
def test_a_service_gets_the_format_that_was_asked_for_if_it_can_show_that(url, wanted, got):
    assert format_of(Channel("x", url, format=wanted)) is got


def test_a_tap_opens_the_page_unless_the_address_says_where():
    channel = Channel("x", "ntfy://topic?click=https%3A%2F%2Fmine.example")

    assert parameter(addressed(channel, None, "https://s.example/1"), "click") == "https://mine.example"
    assert parameter(addressed(Channel("x", "ntfy://topic"), None, "https://s.example/1?a=b&c"), "click") == (
        "https://s.example/1?a=b&c"
    )
    assert "s.example" not in addressed(Channel("x", "json://h"), None, "https://s.example/1")


def test_each_service_of_apprise_that_takes_no_plain_text_is_known_here():
    load_apprise()
    from apprise.manager_plugins import NotificationManager

    plugins = NotificationManager()
    for scheme in plugins.schemas():
        form = plugins[scheme].notify_format
        takes = {one.value for one in (form if isinstance(form, tuple) else (form,))}
        if "text" not in takes:
            assert family_of(f"{scheme}://x").formats[0] in takes, f"{scheme} takes {takes}"


def test_each_name_leads_to_a_family():
    assert {*OTHER_SCHEMES.values(), *HOSTS.values()} <= FAMILIES.keys()
    assert {scheme_of(f"{name}s://x") for name in ("ntfy", "json", "mailto", "rocket")} == {
        "ntfy",
        "json",
        "mailto",
        "rocket",
    }
