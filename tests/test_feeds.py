"""Each platform's own form, read; and everything that a hostile or a broken source can send, refused."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from probes.feeds.parse import MARKS, OWN, READERS, parse_feed
from probes.feeds.poll import make_bulletin
from probes.feeds.report import MOST_REPORTS
from probes.feeds.syndication import MOST_ENTRIES
from probes.feeds.text import plain_text, read_name, read_time, safe_link
from probes.notice import Impact, NoticePhase, Trust
from probes.provider import Feed, Platform
from tests.conftest import NOON, why
from tests.rows import each_row

SAMPLES = Path(__file__).parent / "samples" / "feeds"
EACH_SAMPLE = [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in sorted(SAMPLES.glob("*/*"))]


def feed(form=Platform.FEED, components=()):
    url = "https://status.example.com"
    return Feed(id="main", form=Platform(form), url=url, page=url, components=list(components), source=url)


def read(data, form=Platform.FEED, components=(), now=NOON):
    return make_bulletin(parse_feed(Platform(form), data), feed(form, components), "example/main", now)


def read_sample(sample, *components):
    return read((SAMPLES / sample).read_bytes(), sample.partition("/")[0], components)


def rss(*items, head=""):
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{head}{"".join(items)}</channel></rss>'


def item(title="Answers fail", body="<b>Status: Investigating</b>", link="", guid="1", date="", more=""):
    told = f"<title><![CDATA[{title}]]></title><description><![CDATA[{body}]]></description><guid>{guid}</guid>"
    return f"<item>{told}<link>{link}</link>{f'<pubDate>{date}</pubDate>' if date else ''}{more}</item>"


def notices(*items, form=Platform.FEED):
    return read(rss(*items).encode(), form).notices


RECENT = "Sat, 21 Nov 2026 11:00:00 GMT"


# The forms ---------------------------------------------------------------------------------------------------


def test_every_platform_has_readers_and_a_sample_of_each_of_its_forms():
    assert set(READERS) == set(Platform)
    for platform, readers in READERS.items():
        firsts = {
            path.read_bytes().replace(b"\0", b"").lstrip(b"\xff\xfe")[:1] for path in (SAMPLES / platform).iterdir()
        }
        assert (b"<" in firsts) == (readers.feed is not None) or platform is Platform.GOOGLE_CLOUD
        assert bool(firsts & {b"{", b"["}) == (readers.json is not None), platform


def test_the_marks_of_platforms_are_of_platforms_that_are_known():
    assert set(OWN.values()) <= set(MARKS)


@each_row(
    ("sample", "components", "told"),
    [
        (
            *("statuspage/summary.json", ["API", "Batch"]),
            [("k3y1nc1d3nt", "identified", "major"), ("m41nt", "scheduled", "maintenance")],
        ),
        (
            *("statuspage/history.atom", []),
            [("k3y1nc1d3nt", "identified", "minor"), ("0ld1nc1d3nt", "resolved", "minor")],
        ),
        ("incident-io/summary.json", ["Responses"], [("01M1KWEDH417T2CF44YYHZDFCR", "monitoring", "minor")]),
        (
            *("incident-io/widget.json", []),
            [("01KX0NE", "identified", "critical"), ("01MPROG", "in_progress", "maintenance")],
        ),
        (
            *("incident-io/feed.rss", ["Responses", "Chat Completions", "Embeddings"]),
            [("01M1RESP0NSES", "investigating", "major"), ("01M0EMBEDD1NGS", "resolved", "unknown")],
        ),
        (
            *("instatus/summary.json", []),
            [("cl1abc", "identified", "minor"), ("cl2def", "scheduled", "maintenance")],
        ),
        ("instatus/history.rss", [], [("cl1abc", "identified", "minor"), ("cl0old", "resolved", "minor")]),
        (
            *("better-stack/index.json", ["model"]),
            [("901", "investigating", "major"), ("902", "in_progress", "maintenance")],
        ),
        (
            *("better-stack/feed.rss", []),
            [
                ("https://status.example.com/#cafe0001", "unknown", "major"),
                ("https://status.example.com/#f00dface", "resolved", "unknown"),
            ],
        ),
        ("checkly/feed.rss", ["API"], [("4f2b7c1a", "resolved", "minor")]),
        (
            *("online-or-not/incidents.rss", []),
            [("n8d-Ze48m14W", "investigating", "unknown"), ("l4Gmz6NbAW1o", "resolved", "minor")],
        ),
        ("datadog/config.json", ["/chat"], [("2a3d415a", "identified", "minor")]),
        ("flashduty/active.json", ["API"], [("7001", "investigating", "major")]),
        (
            *("flashduty/history.rss", ["API"]),
            [("7001", "investigating", "minor"), ("7002", "completed", "maintenance")],
        ),
        (
            *("google-cloud/incidents.json", ["^Vertex"]),
            [("AbCdEfGh123", "investigating", "major"), ("IjKlMnOp456", "resolved", "major")],
        ),
        (
            *("aws/events.json", ["^BEDROCK"]),
            [
                (
                    "arn:aws:health:us-east-1::event/BEDROCK/AWS_BEDROCK_OPERATIONAL_ISSUE/"
                    "AWS_BEDROCK_OPERATIONAL_ISSUE_1",
                    *("investigating", "major"),
                ),
                ("BEDROCK/eu-west-1/AWS_BEDROCK_OPERATIONAL_ISSUE/1795086000000", "resolved", "minor"),
            ],
        ),
        (
            *("aws/bedrock.rss", []),
            [("https://status.aws.amazon.com/#bedrock-us-east-1/Increased error rates", "resolved", "minor")],
        ),
        ("azure/feed.xml", ["OpenAI"], [("XYZ1-8K0", "unknown", "minor")]),
        ("xai/feed.xml", ["API"], [("INC25664c15", "investigating", "major")]),
        ("alibaba/events.json", ["Model Studio"], [("501", "investigating", "minor"), ("502", "resolved", "minor")]),
        (
            *("feed/feed.atom", []),
            [("urn:example:status:17", "unknown", "unknown"), ("urn:example:status:16", "resolved", "minor")],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_platform_is_read_in_its_own_form(sample, components, told):
    bulletin = read_sample(sample, *components)

    assert (bulletin.trust, bulletin.problem) == (Trust.READ, None)
    assert [(one.id, str(one.phase), str(one.impact)) for one in bulletin.notices] == told


@each_row("path", EACH_SAMPLE)
def test_what_is_read_is_plain_bounded_and_of_its_time(path):
    bulletin = read(path.read_bytes(), path.parent.name)

    assert bulletin.notices
    for one in bulletin.notices:
        assert one.title
        assert len(one.text) <= 500
        assert not re.search(r"<\w", one.title + one.text)
        assert re.match(r"https://status\.[^/]+(/(?!/)|$)", one.url)
        times = [time for time in (one.began_at, one.updated_at, one.ended_at) if time]
        assert times
        assert all(time.tzinfo is UTC and abs(time - NOON).days < 7 for time in times)


@each_row(
    ("sample", "components", "standings", "impact"),
    [
        ("statuspage/summary.json", ["API"], {"Example API (api.example.com)": "major"}, "major"),
        ("statuspage/summary.json", ["Batch"], {"Batch": "maintenance"}, "maintenance"),
        ("incident-io/summary.json", ["Embeddings"], {"Embeddings": "none"}, "minor"),
        ("incident-io/widget.json", [], {}, "critical"),
        ("better-stack/index.json", ["8b"], {"model-8b": "none"}, "major"),
        ("datadog/config.json", ["videos"], {"Video (/api/v1/videos)": "none"}, "none"),
        ("flashduty/active.json", ["API"], {"API服务 (API Service)": "major"}, "major"),
        ("flashduty/active.json", ["Chat"], {"对话服务 (Chat Service)": "none"}, "none"),
        ("instatus/summary.json", [], {}, "minor"),
        ("checkly/feed.rss", [], {}, None),
    ],
)
def test_a_page_says_how_our_components_stand(sample, components, standings, impact):
    bulletin = read_sample(sample, *components)

    assert {one.name: str(one.impact) for one in bulletin.components} == standings
    assert bulletin.impact == (impact and Impact(impact))


def test_a_maintenance_that_has_not_begun_is_planned_and_not_open():
    planned = read_sample("statuspage/summary.json", "Batch").notices[-1]

    assert (planned.planned, planned.is_open, planned.began_at) == (True, False, datetime(2026, 11, 23, 2, tzinfo=UTC))


def test_the_newest_update_is_the_text_and_an_update_keeps_the_phase_before_it():
    (one, *_) = read_sample("statuspage/history.atom").notices

    assert (one.phase, one.text) == (NoticePhase.IDENTIFIED, "An earlier incident was resolved; this one was not.")


def test_the_summary_and_the_feed_of_one_page_give_an_incident_one_id():
    summary, history = read_sample("statuspage/summary.json", "API"), read_sample("statuspage/history.atom")

    assert summary.notices[0].id == history.notices[0].id


def test_items_of_one_id_for_several_components_are_one_notice_open_while_one_is():
    (one,) = read_sample("xai/feed.xml", "API").notices

    assert (one.title, one.components) == ("Models outage", ("API (eu-west-1)", "API (us-east-1)"))
    assert (one.phase, one.ended_at) == (NoticePhase.INVESTIGATING, None)


def test_when_all_components_of_one_id_are_well_again_it_is_over():
    data = (SAMPLES / "xai/feed.xml").read_text().replace("ACTIVE", "RESOLVED").replace(">active<", ">resolved<")

    assert {one.phase for one in read(data.encode(), "xai").notices} == {NoticePhase.RESOLVED}


def test_components_that_all_have_other_names_now_are_missed():
    bulletin = read_sample("statuspage/summary.json", "^Inference$")

    assert (bulletin.trust, why(bulletin)) == (
        Trust.DOUBTFUL,
        "has 3 components, none of those we look for: it was rearranged",
    )


# State: from the form of the body ------------------------------------------------------------------------------


@each_row(
    ("title", "body", "phase"),
    [
        ("Degraded answers", "<b>Status: Resolved</b><br/>It is over.", "resolved"),
        ("Answers fail", "<b>Status: Identified</b><br/>The last one was resolved.", "identified"),
        ("Answers fail", "Status: In progress<br/>Work.", "in_progress"),
        ("Answers fail", "<strong>Status:</strong> monitoring<br/>Better.", "monitoring"),
        ("Answers fail", "<p><strong>VERIFYING</strong> - nearly.</p>", "in_progress"),
        ("Answers fail", "<p><strong>Postmortem</strong> - read on.</p>", "resolved"),
        ("Answers fail", "<p><strong>Update</strong> - still.</p>", "investigating"),
        ("Answers fail", "This was resolved, then came back. Our status: resolved is wrong.", "unknown"),
        ("Answers fail (resolved)", "<b>Status: Monitoring</b>", "monitoring"),
        ("[RESOLVED] Answers failed", "It is over.", "resolved"),
        ("model-8b recovered", "", "resolved"),
        ("How we recovered from it", "", "unknown"),
    ],
)
def test_the_state_is_read_from_the_form_of_the_body_before_the_title_and_never_from_prose(title, body, phase):
    assert [str(one.phase) for one in notices(item(title, body, date=RECENT))] == [phase]


@pytest.mark.parametrize(
    ("suffixes", "impact"),
    [
        (["Operational", "Degraded performance"], "minor"),
        (["Degraded performance", "Partial outage"], "major"),
        (["Full outage", "Degraded performance"], "critical"),
        (["Maintenance"], "maintenance"),
        (["Operational"], "none"),
    ],
)
def test_the_impact_is_the_worst_suffix_of_a_component(suffixes, impact):
    listed = "".join(f"<li>Chat (/v1/chat) {number} ({one})</li>" for number, one in enumerate(suffixes))
    (one,) = notices(item(body=f"<b>Status: Identified</b><b>Affected components</b>\n<ul>{listed}</ul>", date=RECENT))

    assert str(one.impact) == impact
    assert one.components[0] == "Chat (/v1/chat) 0"


# Hostile and broken --------------------------------------------------------------------------------------------

ENTITIES = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{of};" * 10}">' for name, of in zip("bcdefghij", "abcdefghi", strict=True)
)
BOMB = f'<?xml version="1.0"?>{ENTITIES}]><rss version="2.0"><channel><title>&j;</title></channel></rss>'
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    '<rss version="2.0"><channel><item><title>&f;</title></item></channel></rss>'
)
DOCTYPE = "declares a document type, which no feed needs and an attack does"
CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"
SHELL = (
    '<!doctype html><html><body><div id="root"></div><script src="https://assets.checklyhq.com/a.js"></script></html>'
)


@pytest.mark.parametrize(
    ("form", "data", "problem"),
    [
        ("feed", b"", "is empty"),
        ("feed", b" \r\n\t", "is empty"),
        ("feed", b"\xef\xbb\xbf", "is empty"),
        ("feed", BOMB.encode(), DOCTYPE),
        ("feed", BOMB.encode("utf-16"), DOCTYPE),
        ("feed", OUTSIDE.encode(), DOCTYPE),
        ("feed", b"<rss>" * 100_000, "is nested deeper than 64 elements"),
        ("feed", rss(item())[:-30].encode(), "is not well-formed XML (line 1)"),
        ("feed", b"<opml><body/></opml>", "is XML, but not a feed: it begins with <opml>"),
        ("feed", rss(item(date="1" * 100_000)).encode(), "has a date of more than 100 characters"),
        ("feed", rss("<x/>" * 20_000).encode(), "has more elements or attributes than any feed needs"),
        (
            *("feed", rss("<x " + " ".join(f"a{number}='1'" for number in range(60)) + "/>").encode()),
            "has more elements or attributes than any feed needs",
        ),
        ("feed", rss(item("a\n" * 2**20)).encode(), "is a feed of more than 2 MiB in its first items"),
        ("feed", b"not found", "is not in a form that feed sends"),
        ("feed", CHALLENGE.encode(), "is behind a challenge for browsers"),
        ("feed", b"\xef\xbb\xbf <!-- x --> <!DOCTYPE html><html></html>", "is a web page, not data"),
        ("feed", b"<!-- x -->" * 1000 + b"<x/>", "is XML, but not a feed: it begins with <x>"),
        ("statuspage", SHELL.encode(), "is a web page, not data; it seems to have moved to Checkly"),
        (
            *("statuspage", b"<html><head><meta name='generator' content='incident.io'></head></html>"),
            "is a web page, not data; it seems to have moved to incident.io",
        ),
        ("incident-io", b"<html>Powered by incident.io</html>", "is a web page, not data"),
        ("statuspage", b'{"x": ' + b"[" * 100_000, "is not readable JSON"),
        ("statuspage", b'{"page": {"id"', "is not readable JSON"),
        ("statuspage", b"[]", "is JSON, but not of the shape that Statuspage sends"),
        ("statuspage", b'{"page": {}}', "names neither components nor incidents"),
        ("statuspage", b'{"page": {}, "components": [], "incidents": null}', "names neither components nor incidents"),
        (
            *("statuspage", b'{"page": {"status": "UP"}, "activeIncidents": []}'),
            "names neither components nor incidents; it seems to have moved to Instatus",
        ),
        ("better-stack", b'{"data": {"type": "status_page"}}', "lacks the page's aggregate state"),
        ("datadog", b"<rss/>", "is not in a form that datadog sends"),
        ("datadog", b'{"name": "x"}', "is JSON, but not of the shape that Datadog Status Pages sends"),
        ("datadog", b'{"components": [], "incidents": []}', "names no component"),
        ("flashduty", b'{"data": {"page": {"components": []}, "active_changes": []}}', "names no component"),
        ("flashduty", b'{"data": {}}', "is JSON, but not of the shape that Flashduty sends"),
        ("google-cloud", b"[]", "is an empty history, where there has always been one"),
        ("alibaba", b'{"data": [], "success": false}', "says itself that it failed"),
    ],
)
def test_what_is_no_data_of_the_platform_is_doubtful_and_says_why(form, data, problem):
    bulletin = read(data, form)

    assert (bulletin.trust, why(bulletin)) == (Trust.DOUBTFUL, problem)
    assert (bulletin.notices, bulletin.impact) == ((), None)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("feed", rss().encode()),
        ("aws", rss().encode()),
        ("aws", b"[]"),
        ("azure", rss().encode()),
        ("alibaba", b'{"data": [], "success": true, "code": 200}'),
    ],
)
def test_a_list_without_items_is_read_but_says_nothing_of_how_things_stand(form, data):
    bulletin = read(data, form)

    assert (bulletin.trust, bulletin.notices, bulletin.impact) == (Trust.READ, (), None)


def test_of_ten_thousand_items_the_first_hundred_are_read():
    items = [item(f"Number {number}", guid=f"n{number}", date=RECENT) for number in range(10_000)]

    bulletin = read(rss(*items).encode())

    assert [one.id for one in bulletin.notices] == [f"n{number}" for number in range(MOST_REPORTS)]
    assert bulletin.unread == 10_000 - MOST_ENTRIES


def test_of_ten_thousand_incidents_in_json_the_first_hundred_are_read():
    incidents = [{"id": str(number), "name": "Wrong", "status": "identified"} for number in range(10_000)]
    data = json.dumps({"page": {}, "components": [], "incidents": incidents}).encode()

    assert len(read(data, "statuspage").notices) == MOST_REPORTS


def test_markup_in_a_title_is_taken_out_however_often_it_was_escaped():
    titles = [
        "<script>alert(1)</script>Answers fail",
        "&lt;script&gt;alert(1)&lt;/script&gt;Answers fail",
        "Answers <img src=x onerror=alert(1)>fail",
        "&amp;lt;b&amp;gt;Answers fail",
        "Answers fail<script>alert(1)",
        "Answers\x1b[31m fail\u202e".replace("\x1b", ""),
    ]
    found = notices(*(item(title, guid=str(number), date=RECENT) for number, title in enumerate(titles)))

    assert {one.title for one in found} == {"Answers fail", "Answers[31m fail"}


@each_row(
    ("address", "usable"),
    [
        ("https://status.example.com//incidents/1", "https://status.example.com/incidents/1"),
        ("status.example.com/incidents/1", "https://status.example.com/incidents/1"),
        ("http://status.example.com/1?a=b#c", "http://status.example.com/1?a=b#c"),
        ("javascript:alert(1)", None),
        ("JaVaScript://status.example.com/%0aalert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://user:word@status.example.com/", None),
        ('https://status.example.com/"onmouseover=alert(1)', None),
        ("https://status.example.com/a b", None),
        ("https://[::1", None),
        ("https://", None),
        ("/incidents/1", None),
        ("", None),
    ],
)
def test_only_an_address_that_may_stand_in_a_link_is_kept(address, usable):
    assert safe_link(address) == usable


def test_an_item_whose_link_may_not_be_followed_leads_to_the_page():
    assert notices(item(link="javascript:alert(1)", date=RECENT))[0].url == "https://status.example.com"


@pytest.mark.parametrize(
    ("told", "time"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Sat, 21 Nov 2099 11:00:00 GMT", None),
        ("", None),
        ("yesterday", None),
        ("Sat, 21 Nov 2026 25:61:00 GMT", None),
        ("Sat, 21 Nov 2026 12:20:00 GMT", datetime(2026, 11, 21, 12, 20, tzinfo=UTC)),
        ("Sat, 21 Nov 2026 13:00:00 +0200", datetime(2026, 11, 21, 11, tzinfo=UTC)),
        ("2026-11-21T11:00:00.123Z", datetime(2026, 11, 21, 11, 0, 0, 123000, tzinfo=UTC)),
    ],
)
def test_a_date_that_cannot_be_is_no_date(told, time):
    (one,) = notices(item(date=told))

    assert one.updated_at == time


@pytest.mark.parametrize("number", [0, -1, 1e300, float("nan"), float("inf"), True, 10**30])
def test_a_number_that_is_no_time_is_none(number):
    assert read_time(number) is None


def test_seconds_and_milliseconds_are_told_apart():
    assert read_time(1795258800) == read_time(1795258800000) == datetime(2026, 11, 21, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "data",
    [
        rss(item("Défaut", date=RECENT)).encode(),
        rss(item("Défaut", date=RECENT)).encode("utf-8-sig"),
        rss(item("Défaut", date=RECENT)).encode("utf-16"),
        rss(item("Défaut", date=RECENT)).replace("?>", ' encoding="UTF-16"?>', 1).encode("utf-16"),
        rss(item("Défaut", date=RECENT)).replace("?>", ' encoding="iso-8859-1"?>', 1).encode("latin-1"),
        rss(item("Défaut", date=RECENT)).replace("?>", ' encoding="punycode"?>', 1).encode(),
        rss(item("D&eacute;faut", date=RECENT)).encode(),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16 declared", "latin-1", "unknown", "html entity"],
)
def test_an_encoding_is_found_by_its_mark_or_declaration(data):
    assert [one.title for one in read(data).notices] == ["Défaut"]


def test_bytes_of_two_encodings_lose_no_letter():
    data = rss(item("Défaut", date=RECENT), item("故障", guid="2", date=RECENT)).encode()

    found = read(data.replace("é".encode(), b"\xe9", 1)).notices

    assert {one.title for one in found} == {"Défaut", "故障"}


def test_two_items_of_one_id_are_one_notice_and_those_without_an_id_are_told_apart():
    twice = [item("Same", date=RECENT), item("Same", date=RECENT)]
    nameless = [item("This", guid="", date=RECENT), item("That", guid="", date=RECENT)]

    assert sorted(one.title for one in notices(*twice, *nameless)) == ["Same", "That", "This"]


def test_an_id_of_a_megabyte_is_kept_short():
    assert len(notices(item(guid="x" * 1_000_000, date=RECENT))[0].id) <= 200


def test_what_looks_like_a_key_or_an_address_of_a_person_is_not_kept():
    assert plain_text("write to jane@example.com with sk-abcdefgh12345678") == "write to [redacted] with [redacted]"


def test_a_long_text_is_cut_and_shows_it():
    assert read_name("a" * 1000) == "a" * 119 + "…"


@pytest.mark.parametrize("form", Platform)
@given(data=some.binary(max_size=300))
def test_no_bytes_make_a_parser_raise(form, data):
    parse_feed(form, data)


@pytest.mark.parametrize("form", [one for one in Platform if READERS[one].feed])
@given(text=some.text(max_size=200), where=some.sampled_from(["title", "body", "guid", "date", "link"]))
def test_no_text_in_an_item_makes_a_parser_raise(form, text, where):
    wrapped = text if where in ("title", "body") else text.replace("&", "&amp;").replace("<", "&lt;")

    read(rss(item(**{where: wrapped})).encode("utf-8", "replace"), form)


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
)


def mangle(value, path, junk):
    """The value with something else in it, somewhere."""
    if not path or not isinstance(value, dict | list) or not value:
        return junk
    keys = sorted(value) if isinstance(value, dict) else range(len(value))
    key = keys[path[0] % len(keys)]
    copy = value.copy()
    copy[key] = mangle(value[key], path[1:], junk)
    return copy


@pytest.mark.parametrize("path", [one for one in EACH_SAMPLE if one.id.endswith(".json")])
@given(steps=some.lists(some.integers(0, 9), max_size=6), junk=JSON)
def test_nothing_inside_a_platforms_json_makes_its_parser_raise(path, steps, junk):
    sound = json.loads(path.read_bytes())

    read(json.dumps(mangle(sound, steps, junk)).encode(), path.parent.name)
