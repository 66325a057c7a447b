"""What arrives: each kind of message, as each family of channels really sends it to a real receiver."""

import asyncio
import json
import re

import msgspec
import pytest
from msgspec.structs import replace

from monitor.alert.address import secrets_of
from monitor.alert.channel import Channel
from monitor.alert.deliver import send
from monitor.alert.family import FAMILIES, family_of
from monitor.alert.rehearsal import can_rehearse, rehearse
from monitor.alert.request import Outgoing
from tests.conftest import at
from tests.payload import (
    ACKNOWLEDGE,
    ADDRESSES,
    ALL_KINDS,
    FOLDER,
    GUIDE,
    PAGE,
    SECRET,
    channel_of,
    guide,
    receiver,
    recorded,
    severity,
    steady,
    style_of,
    written,
)
from tests.rows import each_row

SAMPLES = {family: json.loads((FOLDER / f"{family}.json").read_text()) for family in ADDRESSES}
PAGERS = ("pagerduty", "opsgenie")


def texts(value):
    """Yield all that a person may see in a payload: its texts."""
    match value:
        case str():
            yield value
        case list():
            for one in value:
                yield from texts(one)
        case dict():
            for one in value.values():
                yield from texts(one)


def said(family, kind):
    return "\n".join(texts([one.get("body", one) for one in SAMPLES[family][kind]])).replace("&amp;", "&")


def test_what_each_family_sends_of_each_kind_is_what_was_recorded():
    """`python -m tests.payload` writes it anew; read what changed: a person sees that."""

    async def play():
        async with receiver() as it:
            return {family: {kind: await recorded(it, family, kind) for kind in ALL_KINDS} for family in ADDRESSES}

    sent = asyncio.run(play())
    assert sent.keys() == {path.stem for path in FOLDER.iterdir()}
    for family, kinds in sent.items():
        assert kinds == SAMPLES[family], family


def test_the_guide_says_what_each_family_does():
    assert GUIDE.read_text() == guide()


def test_at_least_25_families_of_use_are_recorded():
    assert len(ADDRESSES.keys() & FAMILIES.keys()) >= 25


@each_row("family", ADDRESSES)
def test_each_kind_says_what_it_is_and_where_to_read_on(family):
    for kind, head in zip(ALL_KINDS, ("DOWN", "CHANGED", "AT RISK", "RESOLVED", "2 DOWN", "DIGEST"), strict=True):
        if kind != "resolved" or family not in PAGERS:
            assert head in said(family, kind) or family in PAGERS, kind
            assert PAGE in said(family, kind), kind


@each_row(
    ("family", "key", "down", "at_risk", "resolved", "digest"),
    [
        ("bark", "level", "critical", "timeSensitive", "active", "passive"),
        ("gotify", "priority", 10, 8, 5, 3),
        ("matrix", "msgtype", "m.text", "m.text", "m.notice", "m.notice"),
        ("nctalk", "silent", None, None, True, True),
        ("ntfy", "X-Priority", "max", "high", None, "low"),
        ("opsgenie", "priority", "P1", "P3", None, "P5"),
        ("pover", "priority", "1", "0", "0", "-1"),
        ("prowl", "priority", "2", "1", "0", "-1"),
        ("psafer", "pr", "2", "1", "0", "-1"),
        ("tgram", "disable_notification", False, False, True, True),
    ],
)
def test_what_is_really_sent_breaks_through_silence_for_a_down_only(family, key, down, at_risk, resolved, digest):
    found = []
    for kind in ("down", "at_risk", "resolved", "digest"):
        (*_, request) = [one for one in SAMPLES[family][kind] if "/close" not in one["url"]] or [
            {"body": {}, "headers": {}}
        ]
        found.append({**request["headers"], **request["body"]}.get(key))

    assert found == [down, at_risk, resolved, digest]


@each_row("family", ADDRESSES)
def test_the_acknowledge_link_arrives_whole(family):
    assert re.search(re.escape(ACKNOWLEDGE) + r"(?![\w.-])", said(family, "down"))


@each_row("family", [one for one in ADDRESSES if "markdown" in family_of(f"{one}://x").formats[:1]])
def test_in_a_chat_of_markdown_foreign_words_are_code_and_our_links_are_links(family):
    text = said(family, "down")
    bare = re.sub("`[^`]*`", "", text)

    assert re.search(rf"\[Acknowledge\]\({re.escape(ACKNOWLEDGE)}\)|<{re.escape(ACKNOWLEDGE)}\|Acknowledge>", bare)
    assert "[here](" not in bare
    assert "*account*" not in bare
    assert "<b>" not in bare
    assert "\\" not in text
    if family != "workflows":
        assert "@channel" not in bare
    else:
        assert "`" not in text


@pytest.mark.parametrize("family", [one for one in ADDRESSES if "html" in family_of(f"{one}://x").formats[:1]])
def test_in_html_foreign_words_are_no_markup_and_ours_has_no_backticks(family):
    text = "\n".join(texts(SAMPLES[family]["down"]))

    assert "<b>now</b>" not in text or family == "mailto"
    assert "`" not in text.replace("`closed`", "")
    assert "&nbsp;" not in text


@each_row("family", ADDRESSES)
def test_no_key_is_in_what_was_recorded(family):
    text = (FOLDER / f"{family}.json").read_text()
    channel = Channel("x", ADDRESSES[family].format(port=1), secret=SECRET)
    harmless = {"me@example.com", "m@example.com", "ops@example.com", "example.com", "monitor", "12315544"}

    assert not [one for one in secrets_of(channel) if len(one) > 11 and one in text and one not in harmless]
    assert "0123456789abcdef" not in text.replace("U0123456789abcdef0123456789abcdef", "")
    assert "Secr3tPass" not in text


@each_row("family", [one for one in ADDRESSES if can_rehearse(ADDRESSES[one])])
def test_a_preview_shows_what_is_really_sent(family):
    channel = Channel("x", ADDRESSES[family], secret=SECRET if family == "webhook" else "")
    out = Outgoing(channel, written("down", style_of(channel)), severity("down"), at(0))
    shown = steady([msgspec.to_builtins(one) for one in rehearse(out)])

    assert [one["body"] for one in shown] == [one["body"] for one in SAMPLES[family]["down"]]


@pytest.mark.parametrize(("family", "most"), [("twilio", 459), ("pover", 1024), ("discord", 2000), ("ntfy", 4096)])
def test_what_is_too_long_loses_its_evidence_and_keeps_its_links(family, most):
    async def play():
        async with receiver() as it:
            channel = channel_of(family, it)
            text = written("down", style_of(channel))
            long = replace(text, body=text.body.replace("came back", "came back " + "word " * 2000))
            assert await send(channel, long, severity("down"), print) is None
            return "\n".join(texts(msgspec.json.decode(msgspec.json.encode(steady(it.described(channel))))))

    sent = asyncio.run(play())
    assert "word word" not in sent
    assert ACKNOWLEDGE in sent
    assert f"{PAGE}/incidents/" in sent


def test_a_message_that_a_service_refuses_is_told_so_without_any_key():
    async def play():
        async with receiver() as it:
            it.status = 503
            failed = {}
            for family in (*PAGERS, "webhook", "slack", "gotify"):
                channel = channel_of(family, it)
                failed[family] = (
                    await send(channel, written("down", style_of(channel)), severity("down"), print),
                    channel,
                )
            return failed

    for family, (error, channel) in asyncio.run(play()).items():
        assert error, family
        assert not [one for one in secrets_of(channel) if one in error], family
