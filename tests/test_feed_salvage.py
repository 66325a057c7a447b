"""What stands in a status page is told: ours among much else, what is undated, and what is left when some is broken."""

import json
import re
import time
from datetime import UTC, datetime
from functools import cache
from itertools import cycle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.diagnose.status_source import BELIEVED, StatusSource, read_status_page, update_source
from probes.doubt import Defect, Defective
from probes.feeds.charset import MULTIPLE, SINGLE, decode_bytes
from probes.feeds.merge import KEPT
from probes.feeds.parse import READERS, parse_feed
from probes.feeds.poll import make_bulletin
from probes.feeds.report import MOST_REPORTS
from probes.feeds.syndication import MOST_ENTRIES
from probes.feeds.text import is_same_site, read_time
from probes.notice import Impact, NoticePhase, Trust
from probes.provider import Platform
from tests.conftest import NOON, at
from tests.rows import each_row
from tests.test_feeds import EACH_SAMPLE, JSON, RECENT, feed, item, notices, read, rss

SOON, AGO = "2026-11-21T11:30:00Z", "2026-11-21T11:00:00Z"
OURS = "^Inference API$"


def told(form, document, *components):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read(data, form, components)


def summary(components=(), incidents=(), **more):
    return {"page": {"updated_at": SOON}, "components": list(components), "incidents": list(incidents)} | more


def component(name, status="operational", **more):
    return {"name": name, "status": status} | more


def incident(id="1", name="Answers fail", status="identified", impact="major", **more):
    return {"id": id, "name": name, "status": status, "impact": impact, "updated_at": AGO} | more


def many(number, **more):
    return [component(f"Product {index}", **more) for index in range(number)]


def states(bulletin):
    return {one.name: str(one.impact) for one in bulletin.components}


BY_ID = (
    ("statuspage", "components", "incidents", "name", "components"),
    ("instatus", "components", "activeIncidents", "name", "components"),
    ("datadog", "components", "incidents", "title", "componentsAffected"),
)


@pytest.mark.parametrize(("form", "components", "incidents", "title", "affected"), BY_ID)
def test_an_incident_that_names_ours_by_its_id_only_is_told(form, components, incidents, title, affected):
    one = {title: "Answers fail", "id": "1", "status": "identified", affected: ["k2"]}
    document = {components: [component("Batch", id="k1"), component("API", id="k2")], incidents: [one]}

    assert [one.components for one in told(form, document, "^API$").notices] == [("API",)]
    assert told(form, document, "^Batch$").notices == ()


def test_a_group_lists_its_components_by_their_ids():
    parts = [
        component("APIs", id="g", group=True, components=["a", "b"]),
        component("Chat", "major_outage", id="a", group_id="g"),
        component("Embeddings", id="b", group_id="g"),
    ]
    bulletin = told("statuspage", summary(parts))

    assert (states(bulletin), bulletin.unread) == ({"Chat": "critical", "Embeddings": "none"}, 0)
    whole = told("statuspage", summary(parts, [incident(components=["g"])]), "^Embeddings$")
    assert [one.components for one in whole.notices] == [("APIs",)]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (r"cut \ud83d", "cut \ufffd"),
        (r"\udd25 cut", "\ufffd cut"),
        (r"whole \ud83d\udd25", "whole \U0001f525"),
        (r"\ud83d\ud83d\udd25", "\ufffd\U0001f525"),
        ("two\nlines", "two lines"),
        ("a\tb", "a b"),
    ],
)
def test_a_broken_letter_in_one_string_refuses_no_page(said, meant):
    whole = json.dumps(summary([component("API", "major_outage")], [incident(name="CUT")])).replace("CUT", said)

    assert meant in {one.title for one in told("statuspage", whole.encode()).notices}


# Ours among much else ------------------------------------------------------------------------------------------

OTHERS = 400
LONG_OVER = 500

OURS_LAST = {
    "statuspage": lambda: summary([*many(OTHERS), component("Inference API", "major_outage")]),
    "incident-io": lambda: summary([*many(OTHERS), component("Inference API", "full_outage")]),
    "instatus": lambda: {
        "page": {"status": "HASISSUES"},
        "components": [*many(OTHERS), component("Inference API", "MAJOROUTAGE")],
    },
    "better-stack": lambda: {
        "data": {"type": "status_page", "attributes": {"aggregate_state": "downtime"}},
        "included": [
            *(
                {"type": "status_page_resource", "attributes": {"public_name": f"{index}", "status": "operational"}}
                for index in range(OTHERS)
            ),
            {"type": "status_page_resource", "attributes": {"public_name": "Inference API", "status": "downtime"}},
        ],
    },
    "datadog": lambda: {
        "components": [{"name": "All", "components": [*many(OTHERS), component("Inference API", "outage")]}]
    },
    "flashduty": lambda: {
        "data": {
            "page": {"components": [*many(OTHERS), {"name": "Inference API"}]},
            "active_changes": [
                *({"change_id": n, "title": "x", "affected_components": many(1)} for n in range(OTHERS)),
                {"change_id": "a", "title": "x", "affected_components": [component("Inference API", "full_outage")]},
            ],
        }
    },
}


@pytest.mark.parametrize("form", OURS_LAST)
def test_an_outage_of_ours_is_found_behind_hundreds_that_are_not(form):
    bulletin = told(form, OURS_LAST[form](), OURS)

    assert (bulletin.trust, bulletin.impact >= Impact.MAJOR) == (Trust.READ, True)
    assert [one.name for one in bulletin.components] == ["Inference API"]
    assert [one.components for one in bulletin.notices if one.is_open] == [("Inference API",)]


def test_where_all_are_ours_the_worst_are_kept():
    bulletin = told("statuspage", summary([*many(3000), component("Last", "major_outage")]))

    assert bulletin.impact is Impact.CRITICAL
    assert "Last" in states(bulletin)


OPEN_LAST = {
    "statuspage": lambda: summary(
        [component("Inference API")],
        [*(incident(f"{n}", status="resolved") for n in range(LONG_OVER)), incident("open")],
    ),
    "instatus": lambda: {
        "page": {"status": "UP"},
        "activeIncidents": [
            *({"id": f"{n}", "name": "x", "status": "RESOLVED", "updatedAt": AGO} for n in range(LONG_OVER)),
            {"id": "open", "name": "x", "status": "INVESTIGATING"},
        ],
    },
    "better-stack": lambda: {
        "included": [
            *(
                {"id": n, "type": "status_report", "attributes": {"title": "x", "aggregate_state": "resolved"}}
                for n in range(LONG_OVER)
            ),
            {"id": "open", "type": "status_report", "attributes": {"title": "x", "aggregate_state": "downtime"}},
        ],
    },
    "datadog": lambda: {
        "components": [component("Inference API")],
        "incidents": [
            *({"id": f"{n}", "title": "x", "currentStatus": "resolved"} for n in range(LONG_OVER)),
            {"id": "open", "title": "x", "currentStatus": "identified"},
        ],
    },
    "flashduty": lambda: {
        "data": {
            "page": {"components": [component("Inference API")]},
            "active_changes": [
                *({"change_id": n, "title": "x", "status": "resolved"} for n in range(LONG_OVER)),
                {"change_id": "open", "title": "x", "status": "investigating"},
            ],
        }
    },
    "google-cloud": lambda: [
        *({"id": f"{n}", "begin": AGO, "end": SOON, "service_name": "Inference API"} for n in range(LONG_OVER)),
        {"id": "open", "begin": AGO, "service_name": "Inference API"},
    ],
    "aws": lambda: [
        *({"arn": f"{n}", "service": "EC2", "startTime": 1795258800000} for n in range(LONG_OVER)),
        {"arn": "open", "service": "Inference API", "startTime": 1795258800000},
    ],
    "alibaba": lambda: {
        "success": True,
        "data": [
            *({"id": n, "title": "x", "endTime": 1795258800000} for n in range(LONG_OVER)),
            {"id": "open", "title": "x"},
        ],
    },
}


@pytest.mark.parametrize("form", OPEN_LAST)
def test_what_is_open_is_found_behind_hundreds_that_are_over(form):
    bulletin = told(form, OPEN_LAST[form](), *([OURS] if form not in ("alibaba", "instatus", "better-stack") else []))

    assert (bulletin.trust, [one.id for one in bulletin.notices if one.is_open]) == (Trust.READ, ["open"])


FEEDS = [one for one in Platform if READERS[one].feed]
READ_ALIKE = {Platform.INCIDENT_IO, Platform.BETTER_STACK, Platform.CHECKLY, Platform.ONLINE_OR_NOT} | {
    Platform.FLASHDUTY,
    Platform.GOOGLE_CLOUD,
}
"""Whose feeds are read as Statuspage's: they are cut to the same entries."""


@pytest.mark.parametrize(
    ("form", "number"),
    [(form, MOST_REPORTS + 1) for form in FEEDS]
    + [(form, MOST_ENTRIES + 1) for form in FEEDS if form not in READ_ALIKE],
)
def test_in_a_feed_what_is_open_is_found_behind_what_is_over(form, number):
    over = [item(body="<b>Status: Resolved</b>", guid=f"n{index}", date=RECENT) for index in range(number)]
    last = item("[Inference API] Fails", "<b>Status: Investigating</b>", guid="open", date=RECENT)

    bulletin = told(form, rss(*over, last).encode())

    assert bulletin.trust is Trust.READ
    assert [one.title.endswith("Fails") for one in bulletin.notices if one.is_open] == [True]


def test_ours_is_found_behind_hundreds_of_categories_and_of_affected_components():
    categories = "".join(f"<category>Region {number}</category>" for number in range(300))
    listed = "".join(f"<li>Product {number}</li>" for number in range(300)) + "<li>Inference API (Full outage)</li>"
    azure = rss(item(date=RECENT, more=f"{categories}<category>Inference API</category>"))
    other = rss(item(body=f"<b>Status: Identified</b><b>Affected components</b><ul>{listed}</ul>", date=RECENT))

    assert [one.components for one in told("azure", azure.encode(), OURS).notices] == [("Inference API",)]
    assert [str(one.impact) for one in told("incident-io", other.encode(), OURS).notices] == ["critical"]


HUGE = {
    "statuspage": lambda: summary(many(1_000_000)),
    "google-cloud": lambda: [{"id": 1}] * 1_000_000,
    "alibaba": lambda: {"success": True, "data": [{"title": "a"}] * 900_000},
    "datadog": lambda: {"components": [{"name": "a", "components": [{"name": "b"}] * 30_000}]},
}


@pytest.mark.parametrize("form", HUGE)
def test_a_hostile_list_is_refused_soon(form):
    data = msgspec.json.encode(HUGE[form]())[: 8 * 1024 * 1024]
    data = data if data.endswith((b"]", b"}")) else data[: data.rindex(b",")] + b"]}"
    started = time.process_time()

    bulletin = told(form, data, OURS)

    assert bulletin.trust is Trust.DOUBTFUL
    assert time.process_time() - started < 3


# Groups and names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "components",
    [
        [{"name": "G", "components": [{"name": "H", "components": [component("Inference API", "major_outage")]}]}],
        [{"name": "G", "group": True, "children": [component("Inference API", "major_outage")]}],
        [{"title": "Inference API", "state": "major_outage"}],
        [{"display_name": "Inference API", "current_status": "MAJOR OUTAGE"}],
        [{"name": {"en": "Inference API"}, "status": "Major Outage"}],
        {"c1": component("Website"), "c2": component("Inference API", "major_outage")},
    ],
    ids=["nested", "children", "title", "display name", "by language", "by id"],
)
def test_a_component_is_found_in_groups_and_under_other_names(components):
    bulletin = told("statuspage", summary() | {"components": components}, OURS)

    assert (states(bulletin), bulletin.impact) == ({"Inference API": "critical"}, Impact.CRITICAL)


def test_components_in_groups_of_their_own_are_found():
    groups = [{"name": "G", "components": [component("Inference API", "partial_outage")]}]

    assert states(told("statuspage", {"page": {}, "groups": groups}, OURS)) == {"Inference API": "major"}


def test_a_group_that_is_named_as_ours_stands_for_what_is_in_it():
    named = {"name": "Inference API", "components": [component("east"), component("west", "partial_outage")]}
    flat = [{"id": "g", "name": "Inference API", "group": True}, component("east", "partial_outage", group_id="g")]

    for components in ([named], flat):
        assert states(told("statuspage", summary(components), OURS)) == {"Inference API": "major"}


def test_an_incident_of_a_group_is_one_of_what_is_in_it():
    group = {"name": "APIs", "components": [component("Inference API"), component("Batch")]}
    other = {"name": "Sites", "components": [component("Website")]}
    incidents = [incident(components=[component("APIs", "partial_outage")]), incident("2", components=[other])]

    bulletin = told("statuspage", summary([group, other], incidents), OURS)

    assert [(one.id, one.components) for one in bulletin.notices] == [("1", ("APIs",))]


def test_an_incident_of_ours_is_believed_though_no_component_is_listed_under_our_name():
    bulletin = told(
        "statuspage", summary([component("Website")], [incident(components=[component("Inference API")])]), OURS
    )

    assert (bulletin.trust, [one.id for one in bulletin.notices]) == (Trust.READ, ["1"])


# Without a date ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 21 Nov 2099 11:00:00 GMT"])
def test_an_undated_notice_is_kept_and_said_to_be_undated(date):
    (one,) = read(rss(item(body="Answers fail", date=date)).encode()).notices

    assert (one.is_open, one.stage) == (True, ("unknown", "undated"))


def test_an_undated_notice_that_says_it_is_over_is_over():
    assert read(rss(item(body="<b>Status: Resolved</b>")).encode()).notices == ()


def undated(seconds, body="Answers fail", trust=None, number=1):
    items = [item(f"Trouble {index}", body, guid=f"g{index}") for index in range(number)]
    bulletin = make_bulletin(parse_feed(Platform.FEED, rss(*items).encode()), feed(), "example/main", at(seconds))
    return replace(bulletin, trust=trust, notices=()) if trust else bulletin


def followed(*bulletins):
    source = StatusSource("example/main")
    for one in bulletins:
        source = update_source(source, one)
    return source


def test_a_feed_without_dates_opens_no_outage_for_ever():
    day = BELIEVED.total_seconds()
    polls = [undated(0, number=20), undated(day - 1, number=20), undated(day, number=20), undated(2 * day, number=20)]

    assert [len(followed(*polls[:end]).notices) for end in range(1, 5)] == [20, 20, 0, 0]


def test_what_is_new_in_a_feed_without_dates_is_told_by_itself():
    day = BELIEVED.total_seconds()

    source = followed(undated(0, number=1), undated(day, number=2))

    assert [one.id for one in source.notices] == ["g1"]
    assert source.published["g1"] == at(day)


def test_an_undated_notice_that_says_it_is_open_is_believed_as_long_as_what_is_dated():
    polls = [undated(seconds, "<b>Status: Identified</b>") for seconds in (0, 2 * 86400, KEPT.total_seconds())]

    assert [len(followed(*polls[:end]).notices) for end in (1, 2, 3)] == [1, 1, 0]


def test_an_unchanged_answer_makes_no_old_notice_new():
    day = BELIEVED.total_seconds()
    same = undated(day + 60, trust=Trust.UNCHANGED)

    source = followed(undated(0), undated(day), same, undated(day + 120))

    assert source.notices == ()
    assert followed(undated(0), replace(same, at=at(day))).notices == ()


def test_an_undated_notice_that_is_gone_is_forgotten():
    day = BELIEVED.total_seconds()

    source = followed(undated(0), undated(60, number=0), undated(day))

    assert [one.id for one in source.notices] == ["g0"]


@each_row(
    "value",
    [
        *(1795258800, 1795258800.0, 1795258800000, 1795258800000000, "1795258800", "1795258800000"),
        *("2026-11-21T11:00:00Z", "2026-11-21 11:00:00", "2026-11-21T11:00:00.000", "2026-11-21 11:00:00 UTC"),
        *("2026-11-21T19:00:00+08:00", "2026-11-21 19:00:00 +0800", "2026/11/21 11:00:00", "2026年11月21日 11:00"),
        *("Sat, 21 Nov 2026 11:00:00 GMT", "21 Nov 2026 03:00:00 PST"),
    ],
)
def test_a_time_is_read_however_it_is_told(value):
    assert read_time(value) == datetime(2026, 11, 21, 11, tzinfo=UTC)


# What stands elsewhere -----------------------------------------------------------------------------------------


def is_fine(bulletin):
    """Whether a reader may take it that nothing is wrong."""
    trouble = any(one.is_open for one in bulletin.notices) or (bulletin.impact or Impact.NONE) > Impact.NONE
    return bulletin.trust is Trust.READ and not bulletin.unread and not trouble


def native(ongoing=(), affected=(), components=("API",), **more):
    """incident.io's document as its own page asks for it."""
    listed = [{"id": f"k{at}", "name": name} for at, name in enumerate(components)]
    lists = {"components": listed, "affected_components": list(affected), "ongoing_incidents": list(ongoing)}
    return {"summary": {"name": "Example", **lists, "structure": {"items": []}} | more}


OUTAGE = {"component_id": "k0", "status": "full_outage"}
ELEVATED = {"id": "1", "name": "Elevated errors", "status": "investigating", "component_impacts": [OUTAGE]}


@pytest.mark.parametrize(
    ("document", "components", "notices", "states_"),
    [
        (native([ELEVATED], [OUTAGE]), ["API"], [("Elevated errors", "critical")], {"API": "critical"}),
        (native([ELEVATED], []), ["API"], [("Elevated errors", "critical")], {"API": "none"}),
        (native([], [OUTAGE]), ["API"], [("API: full outage", "critical")], {"API": "critical"}),
        (native([ELEVATED], [OUTAGE], ("Batch", "API")), ["API"], [], {"API": "none"}),
        (native([ELEVATED], [OUTAGE], ("Batch", "API")), [], [("Elevated errors", "critical")], None),
        (
            native([{"id": "1", "name": "Bad", "status": "investigating"}]),
            ["API"],
            [("Bad", "unknown")],
            {"API": "none"},
        ),
        (native(), ["API"], [], {"API": "none"}),
    ],
)
def test_incident_ios_own_document_is_read(document, components, notices, states_):
    bulletin = told("incident-io", document, *components)

    assert (bulletin.trust, bulletin.unread) == (Trust.READ, 0)
    assert [(one.title, str(one.impact)) for one in bulletin.notices] == notices
    assert states_ is None or states(bulletin) == states_


ELSEWHERE = {"component_id": "gone", "status": "full_outage"}


@each_row(
    "document",
    [
        native([], [ELSEWHERE]),
        native([ELEVATED | {"component_impacts": [ELSEWHERE]}]),
        native([ELEVATED | {"component_impacts": [], "affected_components": [ELSEWHERE]}]),
        {"summary": {"components": [{"id": "k0", "name": "API"}], "affected_components": []}},
        {"summary": {"components": [{"id": "k0", "name": "API"}], "ongoing_incidents": []}},
        {"summary": {"in_progress_maintenances": []}},
        {"in_progress_maintenances": [], "scheduled_maintenances": []},
        {"ongoing_incidents": [], "summary": {"ongoing_incidents": [ELEVATED]}},
        {"ongoing_incidents": [], "page": {"ongoing_incidents": [ELEVATED]}},
        {"ongoing_incidents": [], "incidents": [incident()]},
        {"status_page": native([ELEVATED], [OUTAGE])},
        native([], [], more={"incidents": [incident()]}),
    ],
)
def test_what_of_incident_ios_document_is_not_where_it_is_read_is_no_good_news(document):
    assert not is_fine(told("incident-io", document, "API"))


WELL = {
    "statuspage": summary([component("API")]),
    "incident-io": native(),
    "instatus": {"page": {"status": "UP"}, "activeIncidents": []},
    "better-stack": {"data": {"type": "status_page", "attributes": {"aggregate_state": "operational"}}, "included": []},
    "datadog": {"components": [component("API")], "incidents": []},
    "flashduty": {"data": {"active_changes": [], "page": {"components": [{"name": "API"}]}}},
    "alibaba": {"success": True, "data": []},
}
SAYING = {
    "incidents": [incident()],
    "ongoing_incidents": [ELEVATED],
    "activeIncidents": [{"id": "1", "name": "Answers fail"}],
    "unresolved": [{"id": "1", "title": "Answers fail"}],
    "outages": [{"title": "API", "state": "identified"}],
    "active_changes": [{"change_id": 1, "title": "Answers fail", "status": "investigating"}],
    "components": [component("API", "major_outage")],
    "services": [{"title": "API", "state": "down"}],
    "affected_components": [OUTAGE],
    "affectedResources": [{"id": "x"}],
    "status": {"indicator": "critical"},
}
SILENT = {
    "past_incidents": [incident(status="resolved")],
    "incidents": [{"name": "Over", "resolved_at": AGO}],
    "incident_history": [],
    "components": [component("API")],
    "services": [{"title": "API", "state": "active"}],
    "scheduled_events": [{"name": "Work", "status": "scheduled", "impact": "maintenance"}],
    "languages": [{"status": "down"}],
    "status": {"indicator": "none"},
}
PLACES = (
    lambda key, value: {"summary_of_all": {key: value}},
    lambda key, value: {"x": {"y": {"z": [{key: value}]}}},
    lambda key, value: {"attributes": [{"pages": {key: value}}]},
)


@each_row("place", PLACES)
@each_row("form", WELL)
@each_row(("key", "value"), SAYING.items(), ids=SAYING)
def test_trouble_that_stands_where_nobody_reads_it_is_no_good_news(form, key, value, place):
    assert is_fine(told(form, WELL[form]))
    assert not is_fine(told(form, WELL[form] | place(key, value)))


@each_row("place", PLACES)
@each_row("form", WELL)
@each_row(("key", "value"), SILENT.items(), ids=SILENT)
def test_what_else_a_page_holds_takes_nothing_from_good_news(form, key, value, place):
    assert is_fine(told(form, WELL[form] | place(key, value)))


@each_row("wrapped", [lambda it: {"data": it}, lambda it: {"result": {"page": it}}, lambda it: [it]])
@each_row("form", WELL)
@each_row("trouble", ["incidents", "components", "activeIncidents"])
def test_a_document_inside_another_is_no_good_news(form, trouble, wrapped):
    assert not is_fine(told(form, wrapped(WELL[form] | {trouble: SAYING[trouble]})))


# What is broken ------------------------------------------------------------------------------------------------

BAD = [None, 5, "text", [], {}, {"id": None}, True]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_one_bad_item_is_left_out_and_counted(bad):
    bulletin = told("statuspage", summary([component("API")], [bad, incident("open")]))

    assert (bulletin.trust, [one.id for one in bulletin.notices], bulletin.unread) == (Trust.READ, ["open"], 1)


@pytest.mark.parametrize("bad", [None, 5, [], {}, True], ids=repr)
def test_a_bad_component_does_not_hide_the_others_and_is_no_good_news(bad):
    bulletin = told("statuspage", summary([bad, component("API")]))

    assert (states(bulletin), bulletin.unread, bulletin.impact) == ({"API": "none"}, 1, Impact.UNKNOWN)


@each_row(
    ("form", "document"),
    [
        ("statuspage", {"page": {}, "incidents": [None, 5]}),
        ("incident-io", {"ongoing_incidents": "none"}),
        ("instatus", {"page": {"status": "UP"}, "activeIncidents": ["x", "y"]}),
        ("better-stack", {"data": {"type": "p", "attributes": {"aggregate_state": "operational"}}, "included": [5]}),
        ("datadog", {"components": [], "incidents": [5]}),
        ("google-cloud", {"error": "down"}),
        ("google-cloud", [{"service": "EC2"}]),
        ("google-cloud", {"id": "3bd0", "name": "another platform's page"}),
        ("aws", {"service": "a page"}),
        ("instatus", summary([component("API")])),
        ("datadog", summary([component("API")], [incident(incident_updates=[])])),
        ("aws", {"message": "login"}),
        ("aws", [{"id": 1}]),
        ("alibaba", {"success": True, "data": "x"}),
        ("alibaba", {"success": True, "data": None}),
    ],
)
def test_where_nothing_can_be_read_the_source_is_doubtful_and_never_fine(form, document):
    bulletin = told(form, document)

    assert (bulletin.trust, bulletin.impact) == (Trust.DOUBTFUL, None)
    assert not update_source(StatusSource("example/main"), bulletin).is_readable(NOON)


def test_what_is_read_in_part_is_not_said_to_be_silent():
    half = told("statuspage", summary([component("API")], [None]))
    sound = told("statuspage", summary([component("API")]))

    whole = [
        read_status_page([update_source(StatusSource("example/main"), one)], NOON).is_whole for one in (half, sound)
    ]

    assert whole == [False, True]


BROKEN_ITEMS = ["<item><title>Ham <b>eggs</title></item>", "<item><title>half", "<item><x:y>1</x:y></item>"]


@pytest.mark.parametrize("broken", BROKEN_ITEMS)
@pytest.mark.parametrize("form", ["feed", "incident-io"])
def test_a_broken_item_of_a_feed_does_not_hide_the_others(broken, form):
    bulletin = read(rss(item(date=RECENT, guid="1"), broken, item(date=RECENT, guid="2")).encode(), form)

    assert (bulletin.trust, {one.id for one in bulletin.notices}, bulletin.unread) == (Trust.READ, {"1", "2"}, 1)


@pytest.mark.parametrize(
    ("told", "title"),
    [("Chat & files", "Chat & files"), ("D&eacute;faut", "Défaut"), ("A&nbsp;&lt; B &amp; C &#233;", "A < B & C é")],
)
def test_a_bare_ampersand_or_an_entity_of_html_spoils_no_item(told, title):
    bulletin = read(rss(f"<item><title>{told}</title><guid>1</guid></item>", item(guid="2")).encode())

    assert (title in {one.title for one in bulletin.notices}, bulletin.unread) == (True, 0)


def test_what_may_be_open_is_not_passed_over_in_silence():
    body = "<b>Status: Investigating</b> - the last trouble was resolved"
    items = [item(body=body, guid=f"n{number}", date=RECENT) for number in range(MOST_ENTRIES + 7)]

    assert read(rss(*items).encode()).unread == 7


def test_an_atom_feed_that_breaks_off_keeps_what_came():
    entry = "<entry><id>urn:{0}</id><title>Answers fail</title><updated>{1}</updated><summary>x</summary></entry>"
    data = '<feed xmlns="http://www.w3.org/2005/Atom">' + entry.format(1, AGO) + entry.format(2, AGO)[:60]

    bulletin = read(data.encode())

    assert ([one.id for one in bulletin.notices], bulletin.unread) == (["urn:1"], 1)


@each_row(
    ("document", "ids"),
    [
        ({"scheduled_maintenances": [incident("m", status="scheduled")]}, ["m"]),
        ({"page": {}, "scheduled_maintenances": [incident("m", status="in_progress")]}, ["m"]),
        ({"components": [component("API", "partial_outage")]}, ["component/API"]),
        ({"incidents": [incident("i")]}, ["i"]),
        ({"page": "x", "status": 5, "incidents": [incident("i")]}, ["i"]),
    ],
)
@each_row("form", ["statuspage", "incident-io"])
def test_part_of_a_summary_is_read(form, document, ids):
    bulletin = told(form, document)

    assert (bulletin.trust, [one.id for one in bulletin.notices]) == (Trust.READ, ids)


@pytest.mark.parametrize(
    ("form", "document", "ids"),
    [
        ("incident-io", {"in_progress_maintenances": [{"id": "m", "name": "Work"}]}, ["m"]),
        ("instatus", {"activeMaintenances": [{"id": "m", "name": "Work"}]}, ["m"]),
        (
            "better-stack",
            {"included": [{"id": "r", "type": "status_report", "attributes": {"title": "Fails"}}]},
            ["r"],
        ),
        ("datadog", {"maintenances": [{"id": "m", "title": "Work", "currentStatus": "scheduled"}]}, ["m"]),
        ("flashduty", {"data": {"active_changes": [{"change_id": 7, "title": "Fails"}]}}, ["7"]),
    ],
)
def test_part_of_any_platforms_document_is_read(form, document, ids):
    bulletin = told(form, document)

    assert (bulletin.trust, [one.id for one in bulletin.notices]) == (Trust.READ, ids)


# Words ---------------------------------------------------------------------------------------------------------


@each_row(
    ("body", "phase"),
    [
        ("<![CDATA[<strong>Resolved</strong> - over]]>", "resolved"),
        ("&lt;strong&gt;Resolved&lt;/strong&gt; - over", "resolved"),
        ("&amp;lt;strong&amp;gt;Resolved&amp;lt;/strong&amp;gt; - over", "resolved"),
        ("&amp;amp;lt;strong&amp;amp;gt;Resolved&amp;amp;lt;/strong&amp;amp;gt;", "resolved"),
        ("<![CDATA[&lt;b&gt;Resolved&lt;/b&gt; - over]]>", "resolved"),
        ("<![CDATA[&amp;lt;h3 class=x&amp;gt;Resolved&amp;lt;/h3&amp;gt;]]>", "resolved"),
        ("<![CDATA[&lt;b&gt;Status: Resolved&lt;/b&gt;]]>", "resolved"),
        ("<![CDATA[<small>Nov 21</small><b>Status: Resolved</b>]]>", "resolved"),
        ("<![CDATA[<strong>已解决</strong> - 服务恢复]]>", "resolved"),
        ("<![CDATA[<b>状态：调查中</b>]]>", "investigating"),
        ("<![CDATA[状态: 已恢复<br/>]]>", "resolved"),
        ("<![CDATA[<b>Investigating</b> - the last was &lt;b&gt;resolved&lt;/b&gt;]]>", "investigating"),
        ("<![CDATA[It is &lt;not&gt; resolved]]>", "unknown"),
    ],
)
def test_a_state_is_read_however_often_it_was_escaped(body, phase):
    told = (
        f"<item><title>Fails</title><guid>1</guid><pubDate>{RECENT}</pubDate><description>{body}</description></item>"
    )

    assert [str(one.phase) for one in read(rss(told).encode(), "statuspage").notices] == [phase]


@each_row(
    ("word", "impact"),
    [
        *(("Operational", "none"), ("OPERATIONAL", "none"), ("正常", "none"), ("运行正常", "none")),
        *(("Major Outage", "critical"), ("MAJOR_OUTAGE", "critical"), ("部分中断", "major"), ("服務降級", "minor")),
        *(("purple", "unknown"), ("not operational", "unknown"), (1, "unknown"), (None, "unknown"), ([], "unknown")),
    ],
)
def test_a_state_that_is_not_known_is_neither_well_nor_an_outage(word, impact):
    bulletin = told("statuspage", summary([component("API", word), component("Batch")]))

    assert states(bulletin)["API"] == impact
    assert bulletin.unread == (impact == "unknown")
    assert [one.id for one in bulletin.notices] == ["component/API"] * (impact in ("minor", "major", "critical"))


def test_where_no_state_of_ours_is_known_nothing_is_concluded():
    bulletin = told("statuspage", summary([component("API", 1), component("Batch", "2")]))

    assert (bulletin.trust, bulletin.problem) == (Trust.DOUBTFUL, Defective(Defect.UNKNOWN_STATES))


def test_a_word_for_the_whole_page_that_is_not_known_is_no_good_news():
    assert told("instatus", {"page": {"status": "PURPLE"}, "activeIncidents": []}).trust is Trust.DOUBTFUL


def test_a_maintenance_of_a_component_is_said_and_is_no_trouble():
    bulletin = told("statuspage", summary([component("API", "under_maintenance"), component("Batch")]))

    (one,) = bulletin.notices
    assert (one.title, one.planned) == ("API: under maintenance", True)
    assert read_status_page([update_source(StatusSource("example/main"), bulletin)], NOON).trouble is None


def test_a_word_that_says_it_is_over_beats_an_end_whose_zone_is_missing():
    over = incident(status="resolved", resolved_at="2026-11-21T19:00:00")

    (one,) = told("statuspage", summary([component("API")], [over])).notices

    assert (one.phase, one.ended_at) == (NoticePhase.RESOLVED, None)


def test_a_page_that_lists_no_component_at_all_is_not_fine():
    assert told("statuspage", summary()).problem == Defective(Defect.NO_COMPONENT)


# What the page shows without a notice --------------------------------------------------------------------------


def test_an_outage_of_a_component_is_said_without_a_notice():
    bulletin = told("statuspage", summary([component("API", "major_outage"), component("Batch")]))

    (one,) = bulletin.notices
    source = update_source(StatusSource("example/main"), bulletin)
    assert (one.title, one.stage, one.url) == ("API: full outage", ("no notice posted",), "https://status.example.com")
    trouble = read_status_page([source], NOON).trouble
    assert (trouble.title, trouble.stage) == ("API: full outage", ("no notice posted",))
    assert source.published == {"component/API": NOON}


def test_what_the_page_shows_of_a_component_does_not_grow_old():
    bulletin = told("statuspage", summary([component("API", "major_outage")]))
    week = [replace(bulletin, at=at(day * 86400)) for day in range(10)]

    assert [one.id for one in followed(*week).notices] == ["component/API"]


@pytest.mark.parametrize(
    ("incidents", "claimed"),
    [
        ([incident(components=[component("API", "major_outage")])], False),
        ([incident(impact="critical")], False),
        ([incident(impact="minor")], True),
        ([incident(status="resolved")], True),
        ([incident(components=[component("Batch", "major_outage")])], True),
    ],
    ids=["of it", "of all, as bad", "of all, less bad", "over", "of another"],
)
def test_a_component_is_said_only_where_no_open_notice_tells_of_it(incidents, claimed):
    bulletin = told("statuspage", summary([component("API", "major_outage"), component("Batch")], incidents))

    assert ("component/API" in {one.id for one in bulletin.notices}) == claimed


def test_a_page_that_says_of_itself_that_something_is_wrong_is_heard():
    (one,) = told("instatus", {"page": {"status": "HASISSUES"}, "activeIncidents": []}).notices

    assert (one.title, one.stage) == ("All of the page: degraded", ("no notice posted",))


AFTER = ("API outage after scheduled maintenance", "Maintenance caused an outage", "系统升级导致服务中断")


def trouble(bulletin):
    return read_status_page([update_source(StatusSource("example/main"), bulletin)], NOON).trouble


@pytest.mark.parametrize("status", ["investigating", "in_progress"])
@pytest.mark.parametrize("name", AFTER)
def test_an_outage_is_no_maintenance_because_one_came_before_it(name, status):
    one = incident(name=name, status=status, impact="critical")

    assert trouble(told("statuspage", summary([component("API")], [one])))


@pytest.mark.parametrize("name", AFTER)
def test_an_entry_of_an_outage_is_no_maintenance_because_one_came_before_it(name):
    assert trouble(told("feed", rss(item(name)).encode()))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Scheduled maintenance", "<b>Status: Investigating</b>"),
        ("API unavailable", "<b>Status: In progress</b>"),
        ("Maintenance: API unavailable", "begins at 10"),
    ],
)
def test_an_entry_of_a_maintenance_is_no_trouble(name, body):
    (one,) = notices(item(name, body))

    assert one.planned


def test_a_component_that_is_out_while_a_maintenance_goes_on_is_said():
    work = incident("2", "Databases", "in_progress", "maintenance", components=[component("API", "under_maintenance")])
    bulletin = told("statuspage", summary([component("API", "major_outage")], scheduled_maintenances=[work]))

    assert trouble(bulletin).title == "API: full outage"


SOMETHING = (
    ("statuspage", summary([component("API")], status={"indicator": "critical"}), ()),
    ("statuspage", summary([component("API")], status={"indicator": "critical"}), (OURS, "API")),
    ("instatus", {"page": {"status": "HASISSUES"}, "activeIncidents": []}, (OURS,)),
    ("better-stack", {"data": {"type": "status_page", "attributes": {"aggregate_state": "downtime"}}}, (OURS,)),
)


@pytest.mark.parametrize(("form", "document", "components"), SOMETHING)
def test_a_page_on_which_something_is_wrong_and_nothing_says_what_is_no_good_news(form, document, components):
    bulletin = told(form, document, *components)

    assert not read_status_page([update_source(StatusSource("example/main"), bulletin)], NOON).is_whole


@pytest.mark.parametrize(
    "what",
    [summary([component("API"), component("Batch", "major_outage")]), summary([component("API")], [incident()])],
    ids=["a component of others", "an incident"],
)
def test_a_page_on_which_something_else_is_wrong_says_nothing_of_ours(what):
    assert told("statuspage", what | {"status": {"indicator": "major"}}, "^API$").unread == 0


def test_an_entry_with_nothing_in_it_is_counted_and_is_no_notice():
    bulletin = told("feed", rss(item(), "<item/>", "<item><guid>9</guid></item>").encode())

    assert (len(bulletin.notices), bulletin.unread) == (1, 2)
    assert told("feed", rss("<item/>").encode()).problem == Defective(Defect.NOTHING_READ)


@pytest.mark.parametrize(
    ("body", "phase", "text"),
    [
        ("Resolved - It is over.", NoticePhase.RESOLVED, "It is over."),
        ("<p>Resolved – It is over.</p>", NoticePhase.RESOLVED, "It is over."),
        (
            "Nov 21, 11:30 UTC\nResolved - It is over.\nNov 21, 11:00 UTC\nInvestigating - We look.",
            NoticePhase.RESOLVED,
            None,
        ),
        ("Nov 21, 11:30 UTC <br/>Monitoring - A fix is in.", NoticePhase.MONITORING, "A fix is in."),
        ("It was resolved - we think.", NoticePhase.UNKNOWN, None),
        ("Partly resolved - not all.", NoticePhase.UNKNOWN, None),
    ],
)
def test_a_state_is_read_where_its_bold_type_is_lost(body, phase, text):
    (one,) = notices(item(body=body, date=RECENT), form=Platform.STATUSPAGE) or [None]

    assert one.phase is phase
    assert text in (None, one.text)


def test_a_change_that_writes_a_component_in_another_case_is_of_it():
    change = {"title": "Slow", "status": "investigating", "affected_components": [component("CHAT", "full_outage")]}
    bulletin = told("flashduty", {"data": {"page": {"components": [{"name": "Chat"}]}, "active_changes": [change]}})

    assert states(bulletin) == {"Chat": "critical"}


PROSE = (
    "We saw that affected services recover slowly, and look on.",
    "All affected components: see above, sorry.",
    "The affected services are being restarted.<ul><li>Step one</li></ul>",
    "受影响的服务正在恢复，请稍候。",
)


@pytest.mark.parametrize("words", PROSE)
def test_what_prose_says_of_affected_services_names_none(words):
    bulletin = told("statuspage", rss(item(body=f"<b>Investigating</b> - {words}", date=RECENT)).encode(), OURS)

    assert [one.components for one in bulletin.notices] == [()]


@pytest.mark.parametrize(
    "words",
    [
        "<b>Affected components</b><ul><li>Inference API (Full outage)</li></ul>",
        "<br/>Affected services: Console, Inference API",
        "\nAffected services: Console, Inference API",
        "<p><b>Affected services</b>: Inference API.</p>",
        "<b>Affected components</b><br/>Console, Inference API<br/>",
        "<p><strong>受影响的组件：</strong>Console、Inference API</p>",
    ],
)
def test_a_heading_of_affected_components_names_them(words):
    bulletin = told("statuspage", rss(item(body=f"<b>Investigating</b> - We look.{words}", date=RECENT)).encode(), OURS)

    assert [one.components for one in bulletin.notices] == [("Inference API",)]


AHEAD = ("9999-12-31T00:00:00Z", "2026-12-01T00:00:00Z", "2027-06-01T00:00:00Z")


@pytest.mark.parametrize("end", AHEAD)
def test_what_ends_in_the_future_by_its_end_alone_goes_on(end):
    google = [{"id": "1", "external_desc": "Answers fail", "begin": AGO, "end": end, "modified": AGO}]
    pages = [
        told("google-cloud", google),
        told("statuspage", summary([component("API")], [incident(status="odd", resolved_at=end)])),
        told("instatus", {"activeIncidents": [{"name": "Answers fail", "status": "odd", "resolved": end}]}),
        told("datadog", {"incidents": [{"title": "Answers fail", "currentStatus": "odd", "resolvedDate": end}]}),
    ]

    assert [[one.is_open for one in bulletin.notices] for bulletin in pages] == [[True]] * 4


@pytest.mark.parametrize("id", [[], {}, True, None, ""])
def test_an_id_that_is_none_does_not_make_one_of_two_incidents(id):
    two = [incident(id, "Answers fail"), incident(id, "Slow", status="resolved")]

    assert {one.title for one in told("statuspage", summary([component("API")], two)).notices} == {
        "Answers fail",
        "Slow",
    }


# Charsets ------------------------------------------------------------------------------------------------------


def declared(text, codec, name):
    return f'<?xml version="1.0" encoding="{name}"?>{text}'.encode(codec)


@each_row(
    ("data", "header", "text"),
    [
        (declared("Сбой API", "cp1251", "windows-1251"), None, "Сбой API"),
        (declared("Сбой API", "koi8-r", "KOI8-R"), None, "Сбой API"),
        (declared("故障", "gbk", "GB2312"), None, "故障"),
        (declared("故障", "big5", "Big5"), None, "故障"),
        (declared("障害", "cp932", "Shift_JIS"), None, "障害"),
        (declared("Défaut – ok", "cp1252", "utf-8"), "utf-8", "Défaut – ok"),
        (declared("Défaut", "utf-8", "iso-8859-1"), None, "Défaut"),
        (declared("Défaut", "utf-8", "utf-8"), "ISO-8859-1", "Défaut"),
        (declared("Défaut", "utf-8", "x-klingon"), "none", "Défaut"),
        (declared("Défaut", "utf-8", "zip"), "idna", "Défaut"),
        (declared("+ADw-script+AD4-", "ascii", "utf-7"), "utf-7", "+ADw-script+AD4-"),
        ("Сбой".encode("cp1251"), "windows-1251", "Сбой"),
        ("Сбой".encode("cp1251"), ' "Windows-1251" ', "Сбой"),
        ('{"a":"Défaut"}'.encode("utf-16"), None, "Défaut"),
        ('{"a":"Défaut"}'.encode("utf-16-be"), None, "Défaut"),
        ('{"a":"Défaut"}'.encode("utf-32"), None, "Défaut"),
        (b"\xef\xbb\xbf" + "故障".encode(), "windows-1252", "故障"),
        (b'<meta charset="windows-1251">' + "Сбой".encode("cp1251"), None, "Сбой"),
        ("故障".encode() + b"\xe9", None, "故障é"),
        (bytes(range(0x80, 0x100)), "utf-8", "ÿ"),
    ],
)
def test_text_is_decoded_by_what_is_declared_and_true(data, header, text):
    assert text in decode_bytes(data, header)
    assert "\ufffd" not in decode_bytes(data, header)


def test_only_encodings_that_python_has_may_be_named():
    for codec in (*SINGLE.values(), *MULTIPLE.values()):
        assert "a".encode(codec) == b"a"


@given(
    some.binary(max_size=60), some.none() | some.text(max_size=12) | some.sampled_from([*SINGLE, *MULTIPLE, "utf-7"])
)
def test_no_bytes_and_no_name_of_a_charset_make_decoding_raise(data, header):
    decode_bytes(data, header)


@given(some.text(alphabet=some.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=40))
def test_utf_8_is_read_as_it_is(text):
    assert decode_bytes(b"#" + text.encode()) == "#" + text


# Links ---------------------------------------------------------------------------------------------------------


@each_row(
    ("address", "page", "same"),
    [
        ("https://status.example.com/incidents/1", "https://status.example.com", True),
        ("https://www.example.com/1", "https://status.example.com", True),
        ("https://STATUS.Example.COM./1", "https://status.example.com", True),
        ("https://evil.com/status.example.com", "https://status.example.com", False),
        ("https://status.example.com.evil.com/", "https://status.example.com", False),
        ("https://evilexample.com/", "https://status.example.com", False),
        ("https://evil.co.uk/", "https://status.example.co.uk", False),
        ("https://www.example.co.uk/", "https://status.example.co.uk", True),
        ("https://evil.com.cn/", "https://status.example.com.cn", False),
        ("https://status.x.ai/1", "https://status.x.ai", True),
        ("https://example.statuspage.io/1", "https://example.statuspage.io", True),
        ("https://evil.statuspage.io/1", "https://example.statuspage.io", False),
        ("https://example.statuspage.io/1", "https://status.example.com", False),
        ("http://127.0.0.1:1/", "http://127.0.0.1:2/", True),
        ("http://10.0.0.1/", "http://127.0.0.1/", False),
    ],
)
def test_a_link_leads_to_the_pages_own_site_or_nowhere(address, page, same):
    assert is_same_site(address, page) == same


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://status.example.com/incidents/1", "https://status.example.com/incidents/1"),
        ("https://evil.com/incidents/1", "https://status.example.com"),
        ("ftp://status.example.com/1", "https://status.example.com"),
        ("", "https://status.example.com"),
    ],
)
def test_a_foreign_link_gives_way_to_the_pages_own_address(link, url):
    of_json = told("statuspage", summary([component("API")], [incident(shortlink=link)])).notices
    of_feed = read(rss(item(link=link, date=RECENT)).encode()).notices

    assert {one.url for one in (*of_json, *of_feed)} == {url}


# Anything ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [one for one in Platform if READERS[one].json])
@given(document=JSON)
def test_no_json_makes_a_reader_raise(form, document):
    read(json.dumps(document).encode(), form)


@pytest.mark.parametrize("form", ["statuspage", "incident-io", "instatus", "datadog"])
@given(junk=some.lists(JSON, max_size=4), at_end=some.booleans())
def test_no_junk_beside_it_hides_an_outage_of_ours(form, junk, at_end):
    ours = component("Inference API", "major_outage")
    listed = [ours, *junk] if at_end else [*junk, ours]

    bulletin = told(form, {"page": {}, "components": listed}, OURS)

    assert bulletin.trust is Trust.DOUBTFUL or bulletin.impact is Impact.CRITICAL


def strew(value, junk, chances):
    """The value with junk at both ends of some of its lists."""
    if isinstance(value, dict):
        return {key: strew(inner, junk, chances) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    inner = [strew(one, junk, chances) for one in value]
    return [*junk, *inner, *junk] if next(chances) else inner


@cache
def open_in(path):
    """The ids of what is open in a sample, which is the same whatever is added to it."""
    return {one.id for one in told(path.parent.name, decode_bytes(path.read_bytes()).encode()).notices if one.is_open}


@pytest.mark.parametrize("path", [one for one in EACH_SAMPLE if one.id.endswith(".json")])
@given(junk=some.lists(JSON, max_size=3), chances=some.lists(some.booleans(), min_size=1, max_size=20))
def test_no_junk_in_any_list_of_a_page_loses_what_is_open(path, junk, chances):
    form, sound = path.parent.name, json.loads(decode_bytes(path.read_bytes()))

    bulletin = told(form, strew(sound, junk, cycle(chances)))

    assert bulletin.trust is Trust.DOUBTFUL or open_in(path) <= {one.id for one in bulletin.notices if one.is_open}


@pytest.mark.parametrize("path", [one for one in EACH_SAMPLE if not one.id.endswith(".json")])
@given(junk=some.text(max_size=40), where=some.integers(0, 9))
def test_no_junk_between_the_items_of_a_feed_loses_what_is_open_in_silence(path, junk, where):
    form, sound = path.parent.name, decode_bytes(path.read_bytes())
    pieces = re.split(r"(?=<(?:item|entry)>)", sound)
    pieces.insert(1 + where % (len(pieces) - 1), f"<item><title>{junk}</item>")

    bulletin = read("".join(pieces).encode("utf-8", "replace"), form)

    assert bulletin.trust is Trust.DOUBTFUL or open_in(path) <= {one.id for one in bulletin.notices if one.is_open}


def test_phases_of_chinese_pages_are_known():
    for word, phase in (
        ("已解决", NoticePhase.RESOLVED),
        ("调查中", NoticePhase.INVESTIGATING),
        ("已完成", NoticePhase.COMPLETED),
    ):
        (one,) = told("statuspage", summary([component("API")], [incident(status=word)])).notices
        assert one.phase is phase
