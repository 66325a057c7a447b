"""What programs read: Statuspage's form, usable.json, Atom, badges, metrics, the calendar."""

import json
import re
from collections import Counter
from datetime import timedelta
from xml.etree import ElementTree

import feedparser
import pytest
from icalendar import Calendar
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from prometheus_client import parser as text_format
from prometheus_client.openmetrics import parser as openmetrics

from monitor.detect.health import State
from monitor.diagnose.diagnosis import FLAP, Evidence
from monitor.diagnose.subject import Scope
from monitor.publish import private_site, public_site
from monitor.publish.snapshot import ObjectiveView, SiteSettings, SourceView
from monitor.publish.status import Mark, current_state
from monitor.publish.statuspage import INDICATORS, STATUSES
from monitor.publish.usable import assess_usability, pick
from monitor.slo.objective import Goal, Objective
from monitor.words import PHASES
from probes.feeds.parse import parse_feed
from probes.model import Fault, Limit, Phase
from probes.notice import Impact, Notice, NoticePhase
from probes.provider import Platform
from tests.builders_page import HOSTILE, NOW, account, four_accounts, incident, past, shown, sick, snapshot, target
from tests.test_page import crowded, hostile, reserve

WORK = Notice(
    "w1",
    "Move; of, the\ndatabase " + "\u7532" * 60,
    "https://status.example/w1",
    NoticePhase.SCHEDULED,
    Impact.MAINTENANCE,
    began_at=NOW + timedelta(days=1),
    ended_at=NOW + timedelta(days=1, hours=2),
    text="Nothing\nwill be lost.",
    planned=True,
)
SOURCE = SourceView("openai/page", "OpenAI", "https://status.example", True, NOW, None, (WORK,))


def usables_of(shot):
    return assess_usability(shot, current_state(shot))


def picked(every, provider="openai"):
    best = pick(every, provider)
    return best and best.account


def full():
    shot = four_accounts(past_incidents=(past(3), past(40)), sources=(SOURCE,))
    return replace(shot, manner=SiteSettings(url="https://status.example.com/ai/"))


def document(name, shot=None):
    return json.loads(private_site.render(shot or full())[name])


def test_the_summary_names_groups_members_and_what_is_open():
    summary = document("api/v2/summary.json")
    assert summary["status"]["indicator"] == "critical"
    assert summary["page"]["url"] == "https://status.example.com/ai/"
    assert {(it["name"], it["status"], it["group"]) for it in summary["components"][:4]} == {
        ("OpenAI", "major_outage", True),
        ("openai/main", "operational", False),
        ("openai/team-b", "major_outage", False),
        ("openai/research", "operational", False),
    }
    (it,) = summary["incidents"]
    assert (it["impact"], it["status"]) == ("critical", "investigating")
    assert it["shortlink"] == f"https://status.example.com/ai/incidents/{incident().id}.html"
    assert [part["id"] for part in it["components"]] == ["openai/team-b"]
    assert summary["scheduled_maintenances"][0]["scheduled_until"] == "2026-11-22T12:34:00.000Z"


@pytest.mark.parametrize(
    ("name", "key", "count"),
    [
        ("status", "status", 2),
        ("components", "components", 6),
        ("incidents", "incidents", 3),
        ("incidents/unresolved", "incidents", 1),
        ("scheduled-maintenances", "scheduled_maintenances", 1),
    ],
)
def test_each_document_of_the_api_holds_its_part(name, key, count):
    assert len(document(f"api/v2/{name}.json")[key]) == count


def test_our_own_reader_of_such_pages_reads_ours():
    read = parse_feed(Platform.STATUSPAGE, private_site.render(full())["api/v2/summary.json"])
    assert (read.problem, read.overall) == (None, Impact.CRITICAL)
    assert [it.title for it in read.reports] == [
        "openai/team-b: account suspended",
        f"OpenAI: {' '.join(WORK.title.split())}",
    ]
    assert ("openai/team-b", Impact.CRITICAL) in {(it.name, it.impact) for it in read.standings}


def test_every_mark_has_its_word_in_that_form():
    assert set(STATUSES) == set(INDICATORS) == set(Mark)
    blind = snapshot(account(state=State.UNKNOWN))
    assert document("api/v2/summary.json", blind)["status"]["indicator"] == "minor"


def test_a_drill_is_in_nothing_that_programs_read():
    shot = snapshot(account(), open_incidents=(shown(incident("openai/main", drill=True)),))
    assert document("api/v2/incidents.json", shot)["incidents"] == []
    assert b"incident_active" not in private_site.render(shot)["metrics.prom"]


@pytest.mark.parametrize(
    ("render", "name"),
    [(private_site.render, "status"), (private_site.render, "usable"), (public_site.render, "status")],
)
@pytest.mark.parametrize("shot", [full(), crowded(), hostile(HOSTILE), snapshot()])
def test_our_own_formats_are_what_their_schemas_say(render, name, shot):
    files = render(shot)
    schema = json.loads(files[f"schema/{name}.json"])
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(json.loads(files[f"{name}.json"]))) == []


def test_usable_says_which_account_works_and_until_when():
    shot = full()
    told = document("usable.json")
    assert told["providers"] == {"openai": {"use": "openai/main"}, "anthropic": {"use": "anthropic/main"}}
    assert told["accounts"]["openai/main"] | {"since": 0} == {
        "provider": "openai", "usable": True, "state": "up", "fault": None, "blame": None, "since": 0,
        "confidence": None, "checked_at": "2026-11-21T10:33:40Z", "valid_until": "2026-11-21T10:36:40Z",
        "retry_at": "2026-11-21T10:34:40Z", "suspected": False, "warned": False, "withheld": False,
        "offered": True,
        "caution": "openai/team-b is suspended: whatever caused that can hit this account, too",
        "abilities": {"list": True, "chat": True}, "models": {},
    }  # fmt: skip
    assert told["accounts"]["anthropic/main"]["caution"] is None
    ill = told["accounts"]["openai/team-b"]
    assert (ill["usable"], ill["fault"], ill["blame"], ill["confidence"]) == (
        False,
        "account_suspended",
        "account",
        "high",
    )
    assert pick(usables_of(shot), "cohere") is None


@pytest.mark.parametrize(
    ("state", "fault", "usable"),
    [
        (State.UP, None, True),
        (State.SUSPECTED, Fault.TIMEOUT, True),
        (State.UNKNOWN, None, None),
        (State.DOWN, Fault.INVALID_KEY, False),
        (State.DOWN, Fault.RATE_LIMITED, False),
        (State.DOWN, Fault.OVERLOADED, False),
    ],
)
def test_what_is_not_known_is_neither_usable_nor_not(state, fault, usable):
    (one,) = usables_of(snapshot(account(targets=[target(state=state, fault=fault)])))
    assert one.usable is usable


def test_an_account_that_may_list_but_not_chat_is_not_usable():
    targets = [target(canary="list"), target(state=State.DOWN, fault=Fault.PERMISSION_DENIED)]
    (one,) = usables_of(snapshot(account(targets=targets)))
    assert (one.usable, one.abilities) == (False, {"list": True, "chat": False})


def test_an_account_that_is_warned_of_is_taken_last():
    sign = shown(incident("openai/a", Fault.LOW_BALANCE, signal=True, targets=()))
    every = usables_of(snapshot(account("openai/a"), account("openai/b"), open_incidents=(sign,)))
    assert picked(every) == "openai/b"
    assert picked(every[:1]) == "openai/a"


def test_a_sign_of_more_than_one_account_warns_of_each_at_which_it_was_seen():
    seen = Evidence("openai/a/chat", NOW, Fault.TIMEOUT, FLAP, "11 changes")
    wide = incident("openai", Fault.TIMEOUT, scope=Scope.PROVIDER, signal=True, targets=(), evidence=(seen,))
    every = usables_of(snapshot(account("openai/a"), account("openai/b"), open_incidents=(shown(wide),)))
    assert [one.warned for one in every] == [True, False]


@pytest.mark.parametrize(
    ("whole", "warned"),
    [("openai", {"openai/a", "openai/b"}), ("openai@gateway.example.com", {"openai/c", "openai/d"})],
)
def test_what_is_slow_for_all_at_an_address_warns_of_each_account_there_and_of_no_other(whole, warned):
    """The sign names the account that was probed last."""
    seen = Evidence(f"{min(warned)}/chat", NOW, Fault.SLOW, "latency/total/pool", "twice as long")
    sign = incident(whole, Fault.SLOW, Scope.PROVIDER, signal=True, targets=(), evidence=(seen,))
    accounts = [account(f"openai/{name}", host="gateway.example.com" if name in "cd" else None) for name in "abcd"]
    every = usables_of(snapshot(*accounts, open_incidents=(shown(sign),)))
    assert {one.account for one in every if one.warned} == warned
    assert picked(every) == ("openai/c" if whole == "openai" else "openai/a")


LISTLESS = account("openai/listless", [target("openai/listless", "list", State.DOWN), target("openai/listless")])
REDIRECTING = account(
    "openai/redirecting",
    [target("openai/redirecting", one, State.SUSPECTED, well_at=None) for one in ("list", "chat")],
)
RECHECKED = account("openai/rechecked", [target("openai/rechecked", state=State.SUSPECTED)])


@pytest.mark.parametrize(
    ("accounts", "best"),
    [
        ((REDIRECTING, LISTLESS), "openai/listless"),
        ((REDIRECTING,), None),
        ((RECHECKED, LISTLESS), "openai/listless"),
        ((RECHECKED, LISTLESS, account("openai/well")), "openai/well"),
        ((RECHECKED,), "openai/rechecked"),
        ((account("openai/unseen", state=State.UNKNOWN),), None),
    ],
)
def test_the_best_of_what_is_usable_is_picked(accounts, best):
    assert picked(usables_of(snapshot(*accounts))) == best


def told_of(shot, id):
    return document("usable.json", shot)["accounts"][id]


def test_what_is_not_usable_is_valid_until_after_it_is_looked_at_again():
    ill = [target("openai/ill", state=State.DOWN, next_at=at) for at in (NOW + timedelta(hours=1), None)]
    later, under_way = (told_of(snapshot(account("openai/ill", [one])), "openai/ill") for one in ill)
    assert (later["retry_at"], later["valid_until"]) == ("2026-11-21T11:34:00Z", "2026-11-21T11:37:00Z")
    assert (under_way["retry_at"], under_way["valid_until"]) == (None, "2026-11-21T10:37:00Z")


def test_what_is_rechecked_is_usable_no_longer_than_its_last_good_answer_says():
    told = told_of(snapshot(RECHECKED), "openai/rechecked")
    assert (told["suspected"], told["valid_until"]) == (True, "2026-11-21T10:48:40Z")


SUSPENDED = sick("openai/team-b", Fault.ACCOUNT_SUSPENDED, ties=("login jo", "billing card"))
CODEX = account("codex/sub", company="openai", ties=("login jo",))


@pytest.mark.parametrize(
    ("other", "withheld"),
    [
        (account("openai/a", ties=("login jo",)), True),
        (account("openai/a", ties=("organization jo",)), False),
        (account("openai/a"), False),
        (CODEX, True),
        (replace(CODEX, ties=()), False),
        (account("anthropic/a", ties=("login jo",)), None),
        (account("openai/a", company="openai@gateway.example.com", ties=("login jo",)), None),
    ],
)
def test_what_belongs_to_a_suspended_account_is_withheld_and_the_companys_others_are_warned_of(other, withheld):
    shot = snapshot(SUSPENDED, other)
    told = told_of(shot, other.id)
    assert (told["usable"], told["withheld"]) == (True, bool(withheld))
    assert (told["caution"] or "").startswith("openai/team-b is suspended" if withheld is not None else "")
    assert document("usable.json", shot)["providers"][other.id.split("/")[0]]["use"] == (None if withheld else other.id)
    assert told_of(shot, "openai/team-b")["caution"] is None


@pytest.mark.parametrize("fault", [Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED, Fault.VERIFICATION_REQUIRED])
def test_what_is_of_one_account_alone_warns_of_no_other(fault):
    assert told_of(snapshot(sick("openai/ill", fault), account()), "openai/main")["caution"] is None


def test_a_suspension_warns_of_others_also_while_nobody_can_ask():
    unseen = account("openai/team-b", state=State.UNKNOWN)
    alone = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR))
    shot = snapshot(unseen, account(), open_incidents=(alone, shown(incident(parent=alone.incident.id))))
    assert told_of(shot, "openai/main")["caution"]
    drill = snapshot(unseen, account(), open_incidents=(shown(incident(drill=True)),))
    assert told_of(drill, "openai/main")["caution"] is None


@pytest.mark.parametrize("shot", [full(), crowded(), hostile(HOSTILE), snapshot()])
@pytest.mark.parametrize("render", [private_site.render, public_site.render])
def test_the_feed_is_atom_with_ids_that_stay(shot, render):
    feed = render(shot)["feed.xml"]
    read = feedparser.parse(feed)
    assert (read.version, read.bozo) == ("atom10", False)
    ids = [entry.id for entry in read.entries]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", id) for id in [*ids, read.feed.id])


ATOM = "{http://www.w3.org/2005/Atom}"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def children(element):
    return Counter(child.tag.removeprefix(ATOM) for child in element)


@pytest.mark.parametrize("shot", [full(), crowded(), hostile(HOSTILE), snapshot()])
@pytest.mark.parametrize("render", [private_site.render, public_site.render])
def test_the_feed_has_all_that_atom_demands_and_no_markup_of_others(shot, render):
    root = ElementTree.fromstring(render(shot)["feed.xml"])
    entries = root.findall(f"{ATOM}entry")
    assert children(root) - Counter(entry=len(entries)) == Counter(id=1, title=1, updated=1, author=1, link=2)
    assert [link.get("rel") for link in root.findall(f"{ATOM}link")] == ["self", "alternate"]
    for entry in entries:
        assert children(entry) == {"id": 1, "title": 1, "published": 1, "updated": 1, "link": 1, "content": 1}
        assert not any(len(child) for child in entry)
    times = [it.text for name in ("updated", "published") for it in root.iter(f"{ATOM}{name}")]
    assert all(map(RFC_3339.fullmatch, times))


def test_the_last_news_stand_first_in_the_feed():
    over = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, closed_at=NOW))
    read = feedparser.parse(private_site.render(four_accounts(past_incidents=(past(3), over)))["feed.xml"])
    assert [entry.title for entry in read.entries] == [
        "[Ended] openai: server errors", "openai/team-b: account suspended", "[Ended] anthropic: server errors",
    ]  # fmt: skip
    assert read.feed.updated == read.entries[0].updated


def test_the_feed_changes_only_when_an_incident_does():
    later = replace(full(), made_at=NOW + timedelta(hours=1))
    assert private_site.render(full())["feed.xml"] == private_site.render(later)["feed.xml"]


def test_an_entry_keeps_its_id_when_it_ends_and_says_so():
    it = incident()
    before, after = (
        feedparser.parse(private_site.render(shot)["feed.xml"]).entries[0]
        for shot in (
            snapshot(open_incidents=(shown(it),)),
            snapshot(past_incidents=(shown(replace(it, closed_at=NOW)),)),
        )
    )
    assert (before.id, after.title) == (after.id, f"[Ended] {before.title}")
    assert after.updated > before.updated


@pytest.mark.parametrize("state", State)
def test_a_badge_is_a_drawing_with_words_and_what_shields_reads(state):
    files = private_site.render(snapshot(account("openai/x", targets=[target("openai/x", state=state)])))
    told = json.loads(files["badges/openai/x.json"])
    assert told.keys() == {"schemaVersion", "label", "message", "color", "isError", "cacheSeconds"}
    drawing = ElementTree.fromstring(files["badges/openai/x.svg"])
    assert drawing.get("aria-label") == f"openai/x: {told['message']}"
    assert drawing.get("role") == "img"


def test_hostile_names_break_no_badge():
    for name, content in private_site.render(hostile(HOSTILE)).items():
        if name.startswith("badges/") and name.endswith(".svg"):
            tags = {it.tag.rpartition("}")[2] for it in ElementTree.fromstring(content).iter()}
            assert tags <= {"svg", "title", "clipPath", "rect", "g", "text"}


SAMPLE = re.compile(r'[a-z_]+(\{([a-z_]+="(\\\\|\\"|\\n|[^"\\\n])*",?)*\})? -?[0-9.e+]+')


@pytest.mark.parametrize("shot", [full(), crowded(), hostile(HOSTILE), snapshot()])
def test_metrics_are_well_formed_and_each_series_stands_once(shot):
    *lines, last = private_site.render(shot)["metrics.prom"].decode().splitlines()
    assert last == "# EOF"
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    series = [line.rpartition(" ")[0] for line in samples]
    assert len(set(series)) == len(series)


@pytest.mark.parametrize("shot", [full(), crowded(), hostile(HOSTILE), snapshot()])
@pytest.mark.parametrize("form", [openmetrics, text_format], ids=["OpenMetrics", "text"])
def test_prometheus_own_parsers_read_the_metrics(shot, form):
    families = list(form.text_string_to_metric_families(private_site.render(shot)["metrics.prom"].decode()))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation and family.samples for family in families)


def test_what_is_not_known_has_no_sample_of_being_up():
    text = private_site.render(snapshot(account(state=State.UNKNOWN)))["metrics.prom"].decode()
    assert "llm_account_up{" not in text
    assert 'llm_account_known{provider="openai",account="main"} 0.0' in text


def test_how_long_answers_take_is_told_of_each_canary_that_was_answered():
    shot = full()
    (main,) = [one for one in document("status.json", shot)["accounts"] if one["id"] == "openai/main"]
    listed, chat = main["durations"]
    text = private_site.render(shot)["metrics.prom"].decode()

    assert listed == {"canary": "list", "model": None, "total_s": 1.93, "first_token_s": None, "tokens_per_s": None}
    assert (chat["canary"], chat["first_token_s"], chat["tokens_per_s"]) == ("chat", 0.62, 50.0)
    name = "llm_probe_time_per_output_token_median_seconds"
    told = [line for line in text.splitlines() if line.startswith(f'{name}{{provider="openai",account="main"')]
    assert [(line.partition("canary=")[2].split(",")[0], line.split()[-1]) for line in told] == [('"chat"', "0.02")]


def test_metrics_tell_limits_faults_and_incidents():
    shot = full()
    text = private_site.render(shot)["metrics.prom"].decode()
    for line in (
        'llm_account_up{provider="openai",account="team-b"} 0.0',
        'llm_account_fault{provider="openai",account="team-b",fault="account_suspended",blame="account"} 1.0',
        'llm_ratelimit_limit{provider="openai",account="main",canary="chat",model="gpt-5-mini",'
        'unit="requests",window_s="60"} 500',
        f'llm_incident_active{{incident="{incident().id}",scope="account",subject="openai/team-b",',
    ):
        assert line in text


def test_metrics_tell_what_is_left_of_an_error_budget_and_how_fast_it_burns():
    promise = Objective("answers", "openai/main", frozenset(), availability=0.999, latency_s=2.5, latency_share=0.95)
    reserves = (reserve(Goal.AVAILABILITY, -0.5, None, 3.14, 0.4), reserve(Goal.LATENCY, 0.25, None, None, None))
    shot = snapshot(account(), objectives=(ObjectiveView(promise, reserves),))
    text = private_site.render(shot)["metrics.prom"].decode()
    labels = 'objective="answers",subject="openai/main"'
    for line in (
        f'llm_objective_promised_ratio{{{labels},goal="availability"}} 0.999',
        f'llm_objective_kept_ratio{{{labels},goal="availability"}} 0.9995',
        f'llm_objective_budget_left_ratio{{{labels},goal="availability"}} -0.5',
        f'llm_objective_budget_left_ratio{{{labels},goal="latency"}} 0.25',
        f'llm_objective_burn_rate{{{labels},goal="availability",window_s="21600"}} 3.14',
    ):
        assert line in text
    assert text.count("llm_objective_burn_rate{") == 2


def test_maintenances_are_a_calendar():
    content = private_site.render(full())["maintenance.ics"]
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    assert event.errors == []
    assert str(event["SUMMARY"]) == f"OpenAI: {WORK.title}"
    assert event["DTEND"].dt == WORK.ended_at
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))


def test_without_maintenances_there_is_an_empty_calendar():
    empty = Calendar.from_ical(private_site.render(snapshot())["maintenance.ics"])
    assert empty.walk("VEVENT") == []
    assert [str(one["TZID"]) for one in empty.subcomponents] == ["UTC"], "RFC 5545, 3.6: at least one component"
    assert [one.name for one in empty.subcomponents[0].subcomponents] == ["STANDARD"], "3.6.5: at least one of these"


def test_a_limit_without_a_ceiling_has_no_date():
    shot = snapshot(account(targets=[target(limits=(Limit("requests", 60, None, 3),), limited_since=(NOW,))]))
    assert b"this limit since" not in private_site.render(shot)["accounts/openai/main.html"]


def test_a_providers_trouble_is_in_its_public_api():
    it = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER))
    summary = json.loads(public_site.render(snapshot(account("openai/b"), open_incidents=(it,)))["api/v2/summary.json"])
    assert [(one["id"], one["status"]) for one in summary["components"]] == [("openai", "major_outage")]
    assert summary["incidents"][0]["name"] == "OpenAI: server errors"


def test_sick_accounts_are_never_picked():
    assert pick(usables_of(snapshot(sick("openai/a", Fault.INVALID_KEY))), "openai") is None


def test_while_nothing_can_be_reached_no_account_is_called_down_but_one_that_was_lost_before():
    alone = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR))
    accounts = (sick("openai/out", Fault.CONNECTION_FAILED), sick("groq/lost", Fault.ACCOUNT_SUSPENDED))
    states = [
        [one["state"] for one in document("status.json", snapshot(*accounts, open_incidents=shots))["accounts"]]
        for shots in ((), (alone,))
    ]

    assert [sorted(one) for one in states] == [["down", "down"], ["down", "unknown"]]


@pytest.mark.parametrize("phase", [*Phase, None])
def test_the_part_of_the_road_that_failed_is_in_the_status_and_on_the_incidents_page(phase):
    fault = Fault.CONNECTION_FAILED
    ended = target("openai/main", "list", State.DOWN, fault=fault, phase=phase)
    it = incident("openai/main", fault)
    it = replace(it, evidence=tuple(replace(one, fault=fault, phase=phase) for one in it.evidence))
    shot = snapshot(account("openai/main", [ended]), open_incidents=(shown(it),))
    told = json.loads(private_site.status_json(shot, current_state(shot)))

    assert (told["accounts"][0]["phase"], told["open_incidents"][0]["phase"]) == (phase, phase)
    html = private_site.render(shot)[f"incidents/{it.id}.html"].decode()
    assert ("Where it ended" in html) is (phase is not None)
    assert phase is None or PHASES[phase] in html
