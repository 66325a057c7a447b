"""What everybody may read: nothing of an account is in it."""

import json
import re
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import inspect
from msgspec.structs import replace

from monitor.alert.case import Delivery, OutboxState, Step
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind
from monitor.config.load import load_config
from monitor.config.logo import PNG
from monitor.config.public_page import LinkSection, PublicSection, PublicService, ThemeSection
from monitor.detect.health import Health, State, Thresholds, advance
from monitor.diagnose.diagnose import diagnose
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Announcement, Change, ChangeKind, Severity, open_incident
from monitor.diagnose.incident_step import IncidentState, IncidentStep
from monitor.diagnose.subject import Scope, read_subject
from monitor.diagnose.target_state import TargetState
from monitor.publish import private_site
from monitor.publish.collect import build_snapshot
from monitor.publish.public_incident import showing
from monitor.publish.public_site import render
from monitor.publish.public_view import PublicFrame, PublicFront, PublicMonth, PublicStory
from monitor.publish.snapshot import CreditView, PlannedWindow, ProviderView, ServiceView, SiteSettings, SourceView
from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.model import Answer, Confidence, Fault, Observation, Outcome, Target
from probes.notice import Impact, Notice, NoticePhase
from probes.phrase import Phrase
from tests.builders_page import (
    BEGAN,
    HOSTILE,
    LONG_AGO,
    NOW,
    account,
    cells,
    incident,
    past,
    shown,
    sick,
    snapshot,
    target,
)
from tests.builders_page import days as every_day
from tests.conftest import at, health
from tests.test_page import Document


def outage(**changes):
    facts = {"id": "20261121-101100-private-hash", "reasons": ("openai/secret-team fails",), **changes}
    return shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, **facts))


def all_text(files):
    """All that is read: names and contents of files, but for the picture, in which any two bytes may stand together."""
    return b"\n".join(name.encode() + b"\n" + content for name, content in files.items() if name != "picture.png")


def text(shot):
    return Document(render(shot)["index.html"]).text


PRIVATE = (
    *(
        "zq-account",
        "zq-note",
        "zq-tag",
        "zq-location",
        "zq-title",
        "zq-warning",
        "zq-model",
        "zq-channel",
        "zq-reason",
    ),
    *(
        "zq-error-body",
        "zq-request-id",
        "zq-rule",
        "zq-advice",
        "zq-host",
        "zq-purse",
        "zq-own",
        "zq-canary",
        "zq-told",
    ),
    *("zq-why", "zq-url"),
)


def telling():
    """A snapshot that holds something private wherever something private can stand."""
    ill = target(
        "openai/zq-account", "zq-canary", State.DOWN, model="zq-model", fault=Fault.ACCOUNT_SUSPENDED, reason="zq-why"
    )
    well = target("openai/zq-account", "chat", model="ft:gpt:zq-model")
    mine = account(
        "openai/zq-account",
        (ill, well),
        note="zq-note",
        tags=("zq-tag",),
        advice=(Phrase("zq-advice"),),
        credits=(CreditView("USD", NOW, "zq-purse", 1, 2, 3, NOW),),
    )
    gateway = account("openai-compatible/zq-host", own_host=True)
    evidence = (
        Evidence("openai/zq-account/chat", NOW, Fault.TIMEOUT, "zq-rule", "zq-error-body", 500, "zq-request-id"),
    )
    told = (Delivery("zq-channel", Step.OPENED, OutboxState.FAILED, NOW, 2, "zq-told"),)
    words = {"reasons": ("zq-reason",), "targets": ("openai/zq-account/chat",), "evidence": evidence}
    views = [
        shown(
            incident(subject, Fault.SERVER_ERROR, scope, id=f"{number}-zq-account", **words),
            told=told, advice=(Phrase("zq-advice"),),
        )
        for number, (subject, scope) in enumerate(
            [
                ("openai", Scope.PROVIDER),
                ("openai/zq-model", Scope.MODEL),
                ("openai/zq-account", Scope.ACCOUNT),
                ("openai-compatible@zq-host", Scope.PROVIDER),
                ("zq-tag", Scope.ORGANIZATION),
            ]
        )
    ]  # fmt: skip
    ended = [replace(view, incident=replace(view.incident, closed_at=NOW)) for view in views]
    shot = snapshot(mine, gateway, account("zq-own/main"))
    own = tuple(replace(it, shipped=it.id != "zq-own") for it in shot.providers)
    return replace(
        shot,
        providers=own,
        title="zq-title",
        location="zq-location",
        warnings=("zq-warning",),
        open_incidents=tuple(views),
        past_incidents=tuple(ended),
        manner=SiteSettings(url="https://zq-url.example/"),
        incident_ids=frozenset({"zq-account"}),
    )


def test_nothing_private_reaches_the_public_site():
    everything = all_text(render(telling()))
    assert b"OpenAI" in everything
    assert [word for word in PRIVATE if word.encode() in everything.lower()] == []


PRIVATE_FIELDS = {
    *("location", "id", "account", "accounts", "targets", "tags", "note", "limits", "credits", "spent", "budget"),
    *("certainty", "advice", "reasons", "evidence", "proofs", "events", "told", "undelivered", "parent", "warnings"),
    *("dark", "cause", "incident", "pledges"),
}


def fields(about):
    """The names of all fields of a type of struct, and of what these hold."""
    match about:
        case inspect.StructType():
            return {one.name for one in about.fields}.union(*(fields(one.type) for one in about.fields))
        case inspect.VarTupleType():
            return fields(about.item_type)
        case inspect.TupleType():
            return set().union(*map(fields, about.item_types))
        case inspect.UnionType():
            return set().union(*map(fields, about.types))
    return set()


@pytest.mark.parametrize("shown", [PublicFrame, PublicFront, PublicMonth, PublicStory])
def test_what_the_public_templates_are_given_has_no_field_for_anything_private(shown):
    found = fields(inspect.type_info(shown))
    assert found
    assert found & PRIVATE_FIELDS == set()


SETTINGS = """
[site]
title = "zq-title"
[[accounts]]
name = "zq-account"
provider = "openai"
key = "env:ZQ_KEY"
tags = ["zq-tag"]
note = "zq-note"
project = "zq-project"
organization = "zq-organization"
billing = "zq-billing"
"""
ZQ_KEY = "sk-zqzqzqzqzqzqzqzqzqzqzqzqzqzqzq"


def test_nothing_of_monitor_toml_or_of_an_answer_reaches_the_public_site(tmp_path):
    """By way of the file, the database and the snapshot, as `run` goes."""
    (tmp_path / "monitor.toml").write_text(SETTINGS)
    config = load_config(tmp_path / "monitor.toml", {"ZQ_KEY": ZQ_KEY})
    chat = next(watch.target for watch in config.watches.values() if watch.target.canary == "chat")
    refused = Answer("openai/zq-rule", "zq-error-body")
    failing = Observation(
        chat, NOW, Outcome.FAILED, fault=Fault.SERVER_ERROR, status=500, request_id="zq-request", answer=refused
    )
    proof = Evidence(chat.id, NOW, Fault.SERVER_ERROR, "openai/zq-rule", "zq-error-body", 500, "zq-request")
    causes = [
        Diagnosis(
            read_subject(scope, subject), Fault.SERVER_ERROR, Confidence.HIGH, NOW, ("zq-reason",), (chat.id,), (proof,)
        )
        for scope, subject in ((Scope.PROVIDER, "openai"), (Scope.ORGANIZATION, "openai/zq-organization"))
    ]
    changes = tuple(Change(open_incident(cause), ChangeKind.OPENED, NOW) for cause in causes)
    health = advance(Health(), failing, Thresholds(), 300)
    config.store.database.parent.mkdir()
    with closing(open_writer(config.store.database)) as db:
        Writer(db, config.location).save(Batch(NOW, (failing,), {chat.id: health}, {chat.id: NOW}, changes=changes))
        shot = build_snapshot(Reader(db, config.location), config, NOW)
    assert b"zq-error-body" in b"".join(private_site.render(shot).values()), "it is known, and told to whom it concerns"
    everything = all_text(render(shot)).lower()
    assert b"openai: server errors" in everything
    assert [word for word in (b"zq", ZQ_KEY.encode()[-6:], chat.model.encode()) if word in everything] == []


@given(st.text(min_size=4, max_size=30, alphabet="abcdefghijkmnpqrstuvwxyz0123456789-_ äß甲"))
def test_no_name_that_a_user_gives_reaches_the_public_site(name):
    word = f"zq{name}zq"
    mine = sick(f"openai/{word}", Fault.INVALID_KEY, note=word, tags=(word,), advice=word)
    it = shown(incident(f"openai/{word}", reasons=(word,)), advice=word)
    shot = snapshot(mine, account("openai/main"), title=word, location=word, warnings=(word,), open_incidents=(it,))
    assert word.encode() not in all_text(render(shot))
    assert not any(word in file for file in render(shot))


def test_an_accounts_own_trouble_is_nobody_elses_business():
    shot = snapshot(
        sick("openai/main", Fault.ACCOUNT_SUSPENDED),
        account("openai/b"),
        open_incidents=(shown(incident("openai/main")),),
    )
    page = render(shot)
    assert "All providers we watch work As of" in text(shot)
    assert not [name for name in page if name.startswith("incidents/")]


def met(account, model, fault, host=None):
    one = Target(f"openai/{account}", "openai", "chat", model, host)
    seen = health(*[fault] * 3, target=one, status=500) if fault else health(None, None, None, target=one)
    return TargetState(one, seen)


def blamed(*states):
    """The files about incidents on the public page, once these were diagnosed."""
    found = [shown(open_incident(one)) for one in diagnose(states, at(600))]
    assert found
    shot = snapshot(account("openai/b"), account("openai/gateway", own_host=True), open_incidents=tuple(found))
    return [name for name in render(shot) if name.startswith("incidents/")]


HOST, ERROR, TAKEN = "gateway.example.com", Fault.SERVER_ERROR, Fault.MODEL_UNAVAILABLE


OWN_ADDRESS = {
    "its only model": [met("gateway", "m", ERROR, HOST)],
    "one of its models": [met("gateway", "m", ERROR, HOST), met("gateway", "other", None, HOST)],
    "one of its models, which its neighbour gets": [
        *(met("gateway", "m", ERROR, HOST), met("gateway", "other", None, HOST)),
        met("neighbour", "m", None, HOST),
    ],
    "one of its models, with a slash in its name": [
        *(met("gateway", "vendor/m", ERROR, HOST), met("gateway", "other", None, HOST)),
        met("neighbour", "vendor/m", None, HOST),
    ],
    "one of its models, which only it asks for": [
        *(met("gateway", "m", Fault.TIMEOUT, HOST), met("gateway", "other", None, HOST)),
        met("neighbour", "other", None, HOST),
    ],
    "a model that was taken away": [
        *(met(one, model, TAKEN if model == "m" else None, HOST) for one in "xy" for model in ("m", "other")),
    ],
    "all accounts there": [met("gateway", "m", ERROR, HOST), met("neighbour", "m", ERROR, HOST)],
}


@pytest.mark.parametrize("states", OWN_ADDRESS.values(), ids=OWN_ADDRESS)
def test_what_is_met_at_an_address_of_its_own_accuses_no_provider(states):
    assert blamed(*states) == []
    assert blamed(*states, met("b", "m", None)) == []


def test_what_one_of_several_accounts_meets_is_not_the_providers():
    assert blamed(met("a", "m", ERROR), met("a", "other", None), met("b", "m", None)) == []


def test_a_model_that_fails_for_all_who_ask_the_provider_is_told():
    states = [met(one, model, ERROR if model == "m" else None) for one in "ab" for model in ("m", "other")]

    assert blamed(*states) == ["incidents/20261121-120000-openai-model.html"]


def test_a_provider_of_which_only_a_lost_account_is_watched_is_not_known():
    shot = snapshot(sick("openai/main", Fault.ACCOUNT_SUSPENDED))
    assert "1 provider is not fully known OpenAI." in text(shot)


def test_a_providers_outage_is_told_with_its_lead():
    told = Announcement(BEGAN + timedelta(minutes=11), "Elevated errors", None, "openai/page")
    shot = snapshot(account("openai/b"), open_incidents=(outage(detected_at=BEGAN, announcement=told),))
    files = render(shot)
    (name,) = (name for name in files if name.startswith("incidents/"))
    assert "OpenAI: unavailable Since 10:11 UTC." in text(shot)
    page = Document(files[name]).text
    for words in ("OpenAI: server errors", "We knew 11 min before the provider's page", "Elevated errors"):
        assert words in page
    assert name == "incidents/20261121-101100-openai.html"


def test_the_lost_minutes_of_an_outage_are_what_is_missing_from_the_share():
    ended = outage(opened_at=NOW - timedelta(hours=5), closed_at=NOW - timedelta(hours=4))
    shot = snapshot(account("openai/b"), past_incidents=(ended,))
    shares = re.search(r"24 h (\S+) 7 d (\S+) 30 d (\S+) 90 d (\S+)", text(shot)).groups()
    assert shares == ("95.7%", "99.3%", "99.8%", "99.9%")


def test_what_nobody_looked_at_is_no_data_and_never_up():
    blind = target("openai/b", days=(), cells=(), seen_at=None, state=State.UNKNOWN)
    assert "so far no data" in text(snapshot(account("openai/b", (blind,))))


def test_drills_signals_and_parts_of_a_wider_trouble_are_not_told():
    views = tuple(outage(**{fact: value}) for fact, value in (("drill", True), ("signal", True), ("parent", "x")))
    shot = snapshot(account("openai/b"), open_incidents=views)
    assert "All providers we watch work As of" in text(shot)


def test_what_providers_say_themselves_is_public():
    notice = Notice(
        "1", "<b>Slow</b>", "https://status.example/1", NoticePhase.MONITORING, Impact.MINOR, began_at=LONG_AGO
    )
    source = SourceView("openai/page", "OpenAI", "https://status.example", True, NOW, None, (notice,))
    other = replace(source, id="zq-own/page", provider="zq-own")
    page = text(snapshot(account("openai/b"), sources=(source, other)))
    assert "OpenAI, since 3 Nov, 10:34 UTC <b>Slow</b> monitoring, minor" in page
    assert "zq-own" not in page


def test_the_public_site_may_be_found_and_says_how_it_is_to_programs():
    files = render(snapshot(account("openai/b")))
    assert files["robots.txt"] == b"User-agent: *\nAllow: /\n"
    assert b"noindex" not in files["index.html"]
    assert json.loads(files["status.json"])["providers"] == [{"id": "openai", "mark": "up"}]
    assert "metrics.prom" not in files
    assert "usable.json" not in files


def test_without_any_provider_there_is_a_whole_page():
    assert "No provider is watched yet As of" in text(snapshot())
    assert text(replace(snapshot(), providers=(ProviderView("openai", "OpenAI", ()),)))


@pytest.mark.parametrize("shot", [telling(), snapshot(account("openai/b"), past_incidents=(past(3), past(50)))])
def test_every_public_link_leads_to_a_file(shot):
    files = render(shot)
    for name in (name for name in files if name.endswith(".html")):
        depth = "../" * name.count("/")
        links = [link for link in Document(files[name]).values("href") if not re.match("https?://|#", link)]
        for link in links:
            path = f"{name.rpartition('/')[0]}/{link}" if depth and not link.startswith("..") else link
            assert path.removeprefix(depth).lstrip("/") in files, (name, link)


@pytest.mark.parametrize("words", [HOSTILE, "</title><script>x</script>", '"><img src=x onerror=alert(1)>', "]]>"])
def test_what_a_providers_page_calls_its_trouble_stays_words(words):
    notice = Notice("1", words, "https://status.example/1", NoticePhase.MONITORING, Impact.MINOR, (words,), LONG_AGO)
    source = SourceView("openai/page", "OpenAI", "https://status.example", True, NOW, None, (notice,))
    tame = replace(source, notices=(replace(notice, title="slow", components=("slow",)),))
    pages = [Document(render(snapshot(account("openai/b"), sources=(it,)))["index.html"]) for it in (source, tame)]
    assert Counter(tag for tag, _ in pages[0].elements) == Counter(tag for tag, _ in pages[1].elements)


def test_what_people_wrote_for_the_public_is_an_update_of_page_feed_and_api_and_nobody_learns_who():
    notes = (
        IncidentNote("i", NOW - timedelta(minutes=3), "zq-author", "zq-internal"),
        IncidentNote("i", NOW - timedelta(minutes=2), "zq-author", "We have moved <b>chats</b> elsewhere", public=True),
    )
    files = render(snapshot(account("openai/b"), open_incidents=(replace(outage(), notes=notes, replies=REPLIES),)))
    (page,) = (content for name, content in files.items() if name.startswith("incidents/"))
    (told,) = json.loads(files["api/v2/incidents.json"])["incidents"]
    everything = b"".join(files.values())

    assert "10:32 UTC We have moved <b>chats</b> elsewhere" in Document(page).text
    assert "We have moved &lt;b&gt;chats&lt;/b&gt; elsewhere" in files["feed.xml"].decode()
    assert [(one["status"], one["body"]) for one in told["incident_updates"]] == [
        ("investigating", "We have moved <b>chats</b> elsewhere"),
        ("investigating", "OpenAI: server errors"),
    ]
    assert (told["status"], told["updated_at"]) == ("investigating", "2026-11-21T10:32:00.000Z")
    assert [word for word in (b"zq-author", b"zq-internal", b"zq-somebody") if word in everything] == []


REPLIES = (Reply(ReplyKind.ACKNOWLEDGE, NOW, "zq-somebody", "i"),)


def test_words_after_the_end_reopen_nothing():
    after = IncidentNote("i", NOW, "Jo", "It was a cable", public=True)
    ended = outage(closed_at=NOW - timedelta(hours=1), opened_at=NOW - timedelta(hours=2))
    ended = replace(ended, notes=(after,))
    files = render(snapshot(account("openai/b"), past_incidents=(ended,)))
    (told,) = json.loads(files["api/v2/incidents.json"])["incidents"]

    assert (told["status"], told["updated_at"]) == ("resolved", "2026-11-21T10:34:00.000Z")
    assert [one["body"] for one in told["incident_updates"]][:2] == ["It was a cable", "Ended"]
    assert json.loads(files["api/v2/incidents/unresolved.json"])["incidents"] == []


def service(name, *ids, enough=None, days=(), canaries=("list", "chat"), **words):
    """A service of these accounts, with the cells of the builders."""
    targets = frozenset(f"{id}/{canary}" for id in ids for canary in canaries)
    made = PublicService(name, words.get("group"), words.get("about", ""), targets, enough or len(ids))
    return ServiceView(made, cells(), days or every_day())


def told(*accounts, services, **changes):
    return snapshot(*(account(id) for id in accounts), services=services, **changes)


def ill(id, fault=Fault.SERVER_ERROR, hours=5, **changes):
    """An incident of one account that began so many hours ago."""
    return shown(incident(id, fault, id=f"{id}-{hours}", opened_at=NOW - timedelta(hours=hours), **changes))


def over(id, hours=5, lasted=1, fault=Fault.SERVER_ERROR, **changes):
    return ill(id, fault, hours, closed_at=NOW - timedelta(hours=hours - lasted), **changes)


EU, US = "openai/eu", "openai/us"


def test_services_stand_in_the_place_of_providers_and_name_no_account():
    shot = told(EU, US, services=(service("Chat answers", EU, US, about="Written answers"),), open_incidents=(ill(EU),))
    files = render(shot)
    page = Document(files["index.html"]).text
    assert "Chat answers: partly unavailable Since 05:34 UTC." in page
    assert "Written answers" in page
    everything = all_text(files).lower()
    assert [word for word in (b"openai", b"server error", EU.encode()) if word in everything] == []


@pytest.mark.parametrize(("providers", "named"), [(None, False), (True, True), (False, False)])
def test_providers_stand_beside_services_only_if_asked_for(providers, named):
    manner = SiteSettings(public=PublicSection(providers=providers))
    assert ("OpenAI" in text(told(EU, services=(service("Chat", EU),), manner=manner))) is named


def test_without_services_providers_may_be_left_out_too():
    assert "OpenAI" not in text(snapshot(account(EU), manner=SiteSettings(public=PublicSection(providers=False))))


def test_accounts_at_addresses_of_their_own_have_a_page_by_a_name_of_theirs():
    gateway = account(EU, own_host=True)
    assert "Nothing is shown here yet" in text(snapshot(gateway))
    assert "All services work" in text(snapshot(gateway, services=(service("Chat answers", EU),)))


@pytest.mark.parametrize(
    ("enough", "open_incidents", "mark"),
    [
        (None, (), "up"),
        (None, (ill(EU),), "partly"),
        (1, (ill(EU),), "up"),
        (1, (ill(EU), ill(US)), "down"),
        (None, (ill(EU), ill(US)), "down"),
        (None, (ill(EU, Fault.RATE_LIMITED), ill(US, Fault.RATE_LIMITED)), "partly"),
        (None, (ill(EU, drill=True),), "up"),
        (None, (ill(EU, signal=True),), "up"),
        (None, (ill("openai/other"),), "up"),
    ],
)
def test_a_service_is_as_the_accounts_it_needs(enough, open_incidents, mark):
    shot = told(EU, US, services=(service("Chat", EU, US, enough=enough),), open_incidents=open_incidents)
    (line,) = json.loads(render(shot)["status.json"])["services"]
    assert line == {"id": "service/chat", "name": "Chat", "group": None, "mark": mark}


def test_a_service_of_which_nobody_saw_an_account_work_is_not_known():
    blind = account(EU, [target(EU, canary, State.UNKNOWN, seen_at=None, well_at=None) for canary in ("list", "chat")])
    assert "1 service is not fully known" in text(snapshot(blind, services=(service("Chat", EU),)))


@pytest.mark.parametrize(
    ("past_incidents", "day"),
    [
        ((over(EU),), "97.8%"),  # half of it for one of 23.6 hours
        ((over(EU), over(US)), "95.7%"),
        ((over(EU, lasted=2),), "95.7%"),
        ((over(EU, hours=50),), "100%"),
    ],
)
def test_a_partial_outage_counts_by_its_share(past_incidents, day):
    page = text(told(EU, US, services=(service("Chat", EU, US),), past_incidents=past_incidents))
    assert re.search(r"24 h (\S+)", page)[1] == day


def test_a_model_of_a_provider_counts_by_its_share():
    ended = over("openai/gpt", lasted=2)
    part = replace(ended.incident, about=read_subject(Scope.MODEL, "openai/gpt"), targets=(f"{EU}/chat",))
    shot = snapshot(account(EU), past_incidents=(replace(ended, incident=part),))
    assert re.search(r"24 h (\S+)", text(shot))[1] == "95.7%"


def test_an_outage_of_seconds_leaves_no_hundred_percent_and_a_day_that_shows_it():
    brief = over(EU, hours=5, lasted=10 / 3600)
    page = render(told(EU, services=(service("Chat", EU),), past_incidents=(brief,)))["index.html"]
    shares = re.search(r"24 h (\S+) 7 d (\S+) 30 d (\S+) 90 d (\S+)", Document(page).text).groups()
    assert "100%" not in shares
    assert "partly failing today" in page.decode()


def test_what_overlaps_is_one_public_incident_with_an_address_that_stays():
    first, second = over(EU, hours=5, lasted=2), over(US, hours=4, lasted=2)
    at_first = told(EU, US, services=(service("Chat", EU, US),), open_incidents=(ill(EU),))
    later = told(EU, US, services=(service("Chat", EU, US),), past_incidents=(first, second))
    (name,) = (name for name in render(at_first) if name.startswith("incidents/"))
    files = render(later)
    assert (
        [one for one in files if one.startswith("incidents/")]
        == [name]
        == ["incidents/20261121-053400-service-chat.html"]
    )
    page = Document(files[name]).text
    assert "Chat: unavailable Ended" in page
    assert "after 3 h" in page
    updates = "Ended 08:34 UTC Partly unavailable 07:34 UTC Unavailable 06:34 UTC Partly unavailable 05:34 UTC"
    assert updates in page


@pytest.mark.parametrize(("enough", "shown"), [(2, True), (1, False)])
def test_what_people_wrote_for_the_public_is_an_update_of_a_service_that_suffers(enough, shown):
    note = IncidentNote("i", NOW, "zq-author", "We have moved chats elsewhere", public=True)
    ours = replace(ill(EU), notes=(note, replace(note, text="zq-internal", public=False)))
    shot = told(EU, US, services=(service("Chat", EU, US, enough=enough),), open_incidents=(ours,))
    everything = all_text(render(shot))

    assert [one.name for one in showing(note, shot)] == ["Chat"] * shown
    assert (b"We have moved chats elsewhere" in everything) is shown
    assert b"zq" not in everything


def both(*steps, **changes):
    """An incident of two accounts that began five hours ago; `steps`: hours ago, and what failed from then on."""
    every = (f"{EU}/chat", f"{US}/chat")
    known = [
        IncidentStep(
            kind,
            NOW - timedelta(hours=hours),
            IncidentState(
                Fault.SERVER_ERROR, Severity.CRITICAL, Confidence.HIGH, targets=tuple(f"{id}/chat" for id in its)
            ),
        )
        for kind, hours, its in steps
    ]
    facts = {"opened_at": NOW - timedelta(hours=5), "targets": every, "covered": every, **changes}
    return shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, **facts), steps=tuple(known))


OPENED, UPDATED, RESOLVED = ChangeKind.OPENED, ChangeKind.UPDATED, ChangeKind.RESOLVED


@pytest.mark.parametrize(
    ("steps", "closed", "mark", "told"),
    [
        ((), None, "up", []),
        (((OPENED, 4.9, (EU, US)), (UPDATED, 4, (US,))), None, "up", ["after 1 h"]),
        (((OPENED, 4.9, (US,)), (UPDATED, 4, (EU, US)), (UPDATED, 2, (US,))), None, "up", ["after 2 h"]),
        (((UPDATED, 4, (US,)),), None, "up", ["after 1 h"]),
        (((OPENED, 4.9, (EU,)), (UPDATED, 4, (US,)), (UPDATED, 2, (EU,)), (UPDATED, 1, (US,))), None, "up",
         ["after 1 h", "after 1 h"]),
        (((OPENED, 4.9, (US,)), (UPDATED, 3, (EU, US)), (RESOLVED, 1, (EU, US))), 1.5, "up", ["after 1 h 30 min"]),
        ((), 1, "up", ["after 4 h"]),
    ],
    ids=["recovered", "recovered-later", "joined", "first-steps-not-read", "twice", "closed", "closed-long-ago"],
)  # fmt: skip
def test_a_service_is_lost_as_long_as_its_own_accounts_fail(steps, closed, mark, told):
    view = both(*steps, targets=(f"{US}/chat",))
    if closed:
        ended = both(*steps, closed_at=NOW - timedelta(hours=closed))
    shot = {"past_incidents": (ended,)} if closed else {"open_incidents": (view,)}
    files = render(snapshot(account(EU), account(US), services=(service("Chat", EU),), **shot))
    assert json.loads(files["status.json"])["services"][0]["mark"] == mark
    pages = [Document(content).text for name, content in files.items() if name.startswith("incidents/")]
    assert [re.search(r"after (?:\d+ \w+ ?)+(?=\W|$)", page)[0].strip() for page in pages] == told


def test_a_service_and_a_provider_of_one_name_have_a_page_and_a_state_each():
    every = tuple(f"{id}/{canary}" for id in (EU, US) for canary in ("list", "chat"))
    lost = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, targets=every))
    manner = SiteSettings(public=PublicSection(providers=True))
    shot = told(EU, US, services=(service("openai", EU, US),), open_incidents=(lost,), manner=manner)
    files = render(shot)
    status = json.loads(files["status.json"])
    assert [one["mark"] for one in (*status["services"], *status["providers"])] == ["down", "down"]
    assert {name for name in files if name.startswith("incidents/")} == {
        "incidents/20261121-101100-openai.html", "incidents/20261121-101100-service-openai.html"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("open_incidents", "lead"),
    [
        ((), "All services and providers work"),
        ((outage(),), "1 service has trouble; 1 provider has trouble Chat: Down; OpenAI: Down."),
    ],
)
def test_services_and_providers_are_counted_and_listed_apart(open_incidents, lead):
    every = tuple(f"{EU}/{canary}" for canary in ("list", "chat"))
    lost = tuple(replace(one, incident=replace(one.incident, targets=every)) for one in open_incidents)
    manner = SiteSettings(public=PublicSection(providers=True))
    files = render(told(EU, services=(service("Chat", EU),), open_incidents=lost, manner=manner))
    page = files["index.html"].decode()
    assert lead in Document(files["index.html"]).text
    at = [
        page.index(f'<h2 id="{id}">{words}</h2>') for id, words in (("parts", "Services"), ("providers", "Providers"))
    ]
    assert at[0] < page.index("<h3><bdi>Chat</bdi></h3>") < at[1] < page.index("<h3><bdi>OpenAI</bdi></h3>")


def test_what_is_not_known_is_counted_by_kind_too():
    blind = account(EU, [target(EU, canary, State.UNKNOWN, seen_at=None, well_at=None) for canary in ("list", "chat")])
    manner = SiteSettings(public=PublicSection(providers=True))
    page = text(snapshot(blind, services=(service("Chat", EU), service("Mail", EU)), manner=manner))
    assert "2 services are not fully known; 1 provider is not fully known" in page


def noted(view, *hours):
    """An incident with words for the public, each written so many hours ago and saying so."""
    notes = (IncidentNote("i", NOW - timedelta(hours=one), "bob", f"written {one} h ago", public=True) for one in hours)
    return replace(view, notes=tuple(notes))


def test_words_stand_with_the_outage_that_they_were_written_in_or_after():
    """One account alone takes nothing from the service, so what was written then is about no outage of it."""
    first = noted(ill(EU, hours=30), 29, 19.5, 15, 9.5)
    views = (over(US, hours=20, lasted=1), over(US, hours=10, lasted=1))
    shot = told(EU, US, services=(service("Chat", EU, US, enough=1),), open_incidents=(first,), past_incidents=views)
    files = render(shot)
    pages = {name: Document(content).text for name, content in files.items() if name.startswith("incidents/")}
    assert {name[10:25]: re.findall(r"written (\S+) h ago", page) for name, page in pages.items()} == {
        "20261121-003400": ["9.5"],
        "20261120-143400": ["15", "19.5"],
    }
    assert [[one.opened_at.hour for one in showing(note, shot)] for note in first.notes] == [[], [14], [14], [0]]


def test_slow_answers_are_called_slow():
    slow = ill(EU, Fault.SLOW)
    assert "Chat: slower than usual" in text(told(EU, services=(service("Chat", EU),), open_incidents=(slow,)))


def test_no_past_incident_is_denied_beside_an_open_one():
    assert "None on record" in text(snapshot(account(EU)))
    assert "None on record" not in text(snapshot(account(EU), open_incidents=(outage(),)))


def test_services_of_a_group_stand_together_and_are_one_component_of_the_api():
    services = (service("A", EU, group="Apps"), service("B", US), service("C", US, group="Apps"))
    shot = told(EU, US, services=services, open_incidents=(ill(US),))
    files = render(shot)
    assert re.search("Apps A .* C .* Others B ", Document(files["index.html"]).text)
    components = json.loads(files["api/v2/components.json"])["components"]
    assert [(one["name"], one["group"], one["status"]) for one in components] == [
        ("Apps", True, "major_outage"),
        ("A", False, "operational"),
        ("C", False, "major_outage"),
        ("B", False, "major_outage"),
    ]
    assert components[0]["components"] == ["service/a", "service/c"]
    assert {"badges/service/a.svg", "badges/service/c.json", "badge.svg"} <= files.keys()


def looked(**public):
    manner = SiteSettings(
        public_title="Example", public_url="https://status.example.com/x", public=PublicSection(**public)
    )
    return snapshot(account(EU), manner=manner)


def test_the_page_has_links_words_and_a_theme_of_its_own():
    files = render(
        looked(
            header=[LinkSection(text="Help", url="https://example.com/help")],
            footer=[LinkSection(text="<b>Terms", url="https://example.com/terms")],
            footer_text="Example Ltd.",
            intro="About <this> page.",
            mail="status@example.com",
            theme=ThemeSection(brand="#0b6b5d", brand_dark="#6fd3c1", font="Inter, sans-serif", round_px=3),
        )
    )
    page = Document(files["index.html"])
    for words in ("Help", "<b>Terms", "Example Ltd.", "About <this> page."):
        assert words in page.text
    links = page.values("href")
    assert {"https://example.com/help", "https://example.com/terms", "theme.css"} <= set(links)
    assert "mailto:status@example.com?subject=Example" in links
    assert "webcal://status.example.com/x/maintenance.ics" in links
    assert files["theme.css"].decode() == (
        ":root { --brand-font: Inter, sans-serif; --brand-round: 3px; }\n"
        "@media screen and (prefers-color-scheme: light) { :root { --brand: #0b6b5d; } }\n"
        "@media screen and (prefers-color-scheme: dark) { :root { --brand: #6fd3c1; } }\n"
    )
    assert "theme.css" not in render(snapshot(account(EU)))


def test_words_of_your_own_are_told_in_each_language_and_the_first_where_there_is_none():
    both = {"en": "Here X", "de": "Dort X"}
    targets = frozenset({f"{EU}/chat"})
    services = [
        PublicService(
            {"en": "Here X chat", "de": "Dort X chat"}, {"en": "Here X all", "de": "Dort X all"}, both, targets, 1
        ),
        PublicService("Plain", "Here X all", {"de": "Only one"}, targets, 1),
    ]
    public = PublicSection(
        languages=["en", "de"],
        header=[LinkSection(text=both, url="https://example.com/a")],
        footer=[LinkSection(text=both, url="https://example.com/b")],
        intro=both,
        footer_text=both,
        mail="status@example.com",
    )
    lost = shown(incident(EU, id="20261121-101100-lost"))
    files = render(
        replace(
            snapshot(sick(EU, Fault.ACCOUNT_SUSPENDED), open_incidents=(lost,)),
            manner=SiteSettings(public=public, public_title=both, public_url="https://status.example.com"),
            services=tuple(ServiceView(one) for one in services),
            planned=(PlannedWindow(both, NOW + timedelta(hours=1), NOW + timedelta(hours=2)),),
        )
    )
    english, german = (all_text({name: its for name, its in files.items() if name.startswith("de/") is is_german})
                       for is_german in (False, True))  # fmt: skip

    assert b"Dort X" not in english
    assert b"Here X" not in german
    assert {name.removeprefix("de/") for name in files} == {name for name in files if not name.startswith("de/")}
    assert all(word in german for word in (b"Plain", b"Only one", b"Dort X chat", b"subject=Dort%20X"))
    assert files["de/index.html"].count(b"Dort X all") == 1


def test_where_all_is_well_the_last_end_is_told_and_when_the_page_was_made_and_is_made_anew():
    ended = outage(opened_at=NOW - timedelta(hours=5), closed_at=NOW - timedelta(hours=4))
    page = Document(render(snapshot(account(EU), past_incidents=(ended,)))["index.html"])

    assert "Nothing is open; the last incident ended 06:34 UTC." in page.text
    assert "incidents/20261121-053400-openai.html" in page.values("href")
    made = "As of 21 Nov 2026, 10:34 UTC. This page is made anew with all news, at the latest after 3 min."
    assert made in page.text
    assert "Nothing is open" not in text(snapshot(account(EU)))
    assert "Nothing is open" not in text(snapshot(account(EU), open_incidents=(outage(),), past_incidents=(ended,)))


def test_a_link_preview_has_words_and_a_picture_where_the_address_is_known():
    files = render(looked())
    page = files["index.html"].decode()
    for tag in (
        '<meta property="og:title" content="All providers we watch work">',
        '<meta property="og:description" content="All providers we watch work.">',
        '<meta property="og:url" content="https://status.example.com/x/">',
        '<meta property="og:image" content="https://status.example.com/x/picture.png">',
    ):
        assert tag in page
    assert files["picture.png"].startswith(PNG)
    assert b"og:image" not in render(snapshot(account(EU)))["index.html"]


def test_the_logo_is_copied_and_only_ever_a_picture(tmp_path):
    (tmp_path / "mine.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    manner = SiteSettings(logo=tmp_path / "mine.svg")
    files = render(snapshot(account(EU), manner=manner))
    assert files["logo.svg"] == (tmp_path / "mine.svg").read_bytes()
    page = Document(files["index.html"])
    assert page.values("src").count("logo.svg") == 1
    assert ("img", "logo.svg") in [(tag, dict(its).get("src")) for tag, its in page.elements]


@pytest.mark.parametrize("content", [None, "<svg><script>alert(1)</script></svg>", "<svg>" + " " * 200_001])
def test_a_logo_that_is_no_longer_one_leaves_a_page_without(tmp_path, content):
    if content:
        (tmp_path / "mine.svg").write_text(content)
    files = render(snapshot(account(EU), manner=SiteSettings(logo=tmp_path / "mine.svg")))
    assert "logo.svg" not in files
    assert "<img" not in files["index.html"].decode()


def test_each_language_is_a_site_of_its_own_and_leads_to_the_others():
    files = render(looked(languages=["de", "en"]))
    first, second = Document(files["index.html"]), Document(files["en/index.html"])
    assert "Alle beobachteten Anbieter" in first.text
    assert "All providers we watch work" in second.text
    assert "en/index.html" in first.values("href")
    assert "../index.html" in second.values("href")
    assert b'content="https://status.example.com/x/en/picture.png"' in files["en/index.html"]
    assert {"en/feed.xml", "en/style.css", "en/badge.svg", "en/404.html", "en/widget.html"} <= files.keys()


def test_what_is_planned_is_on_the_page_in_the_calendar_and_in_the_api():
    soon = PlannedWindow("Pictures pause.", NOW + timedelta(days=2), NOW + timedelta(days=2, hours=1))
    now = PlannedWindow("Chat may be slow.", NOW - timedelta(minutes=5), NOW + timedelta(minutes=5))
    upgrade = Notice(
        "1", "Upgrade", "https://status.example/1", NoticePhase.SCHEDULED, Impact.UNKNOWN,
        began_at=NOW + timedelta(days=1), ended_at=NOW + timedelta(days=1, hours=2), planned=True,
    )  # fmt: skip
    source = SourceView("openai/page", "OpenAI", "https://status.example", True, NOW, None, (upgrade,))
    files = render(snapshot(account(EU), planned=(now, soon), sources=(source,)))
    page = Document(files["index.html"]).text
    assert "10:29 UTC – 10:39 UTC under way Chat may be slow." in page
    assert "22 Nov, 10:34 UTC – 12:34 UTC OpenAI: Upgrade" in page
    assert "23 Nov, 10:34 UTC – 11:34 UTC Pictures pause." in page
    assert b"SUMMARY:Pictures pause." in files["maintenance.ics"]
    told = json.loads(files["api/v2/scheduled-maintenances.json"])["scheduled_maintenances"]
    assert [(one["name"], one["status"]) for one in told] == [
        ("Chat may be slow.", "in_progress"),
        ("OpenAI: Upgrade", "scheduled"),
        ("Pictures pause.", "scheduled"),
    ]


def test_a_provider_that_was_moved_is_not_the_company(tmp_path):
    (tmp_path / "monitor.toml").write_text(SETTINGS + '[providers.openai]\nbase = "https://gateway.example.com/v1"\n')
    config = load_config(tmp_path / "monitor.toml", {"ZQ_KEY": ZQ_KEY})
    config.store.database.parent.mkdir()
    with closing(open_writer(config.store.database)) as db:
        shot = build_snapshot(Reader(db, config.location), config, NOW)
    assert "Nothing is shown here yet" in text(shot)


def test_the_windows_and_services_of_monitor_toml_reach_the_page(tmp_path):
    (tmp_path / "monitor.toml").write_text(
        SETTINGS
        + '[[services]]\nname = "Chat answers"\ntags = ["zq-tag"]\n'
        + '[[services]]\nname = "The same by mail"\ntags = ["zq-tag"]\n'
        + '[[maintenance]]\nname = "zq-window"\nstart = "2026-11-23 10:00"\nlasts_s = 3600\npublic = "We tidy up."\n'
        + '[[maintenance]]\nname = "zq-quiet"\nstart = "2026-11-24 10:00"\nlasts_s = 3600\n'
        + '[[maintenance]]\nname = "zq-far"\nstart = "2027-11-24 10:00"\nlasts_s = 3600\npublic = "Far away."\n'
    )
    config = load_config(tmp_path / "monitor.toml", {"ZQ_KEY": ZQ_KEY})
    config.store.database.parent.mkdir()
    with closing(open_writer(config.store.database)) as db:
        shot = build_snapshot(Reader(db, config.location), config, NOW)
    page = text(shot)
    assert re.findall("Chat answers|The same by mail", page)[-2:] == ["Chat answers", "The same by mail"]
    assert "23 Nov, 10:00 UTC – 11:00 UTC We tidy up." in page
    assert "Far away." not in page
    assert b"zq" not in all_text(render(shot)).lower()


def test_the_widget_is_small_runs_nothing_and_leads_to_the_page():
    widget = render(looked())["widget.html"]
    page = Document(widget)
    assert "All providers we watch work" in page.text
    assert "As of 21 Nov 2026, 10:34 UTC" in page.text
    assert "https://status.example.com/x/" in page.values("href")
    assert b"<script" not in widget
    assert b"default-src 'none'; style-src 'self'; base-uri 'none'" in widget
    assert len(widget) < 2500


def test_the_widget_of_a_simulation_says_so_in_its_language():
    shot = snapshot(account(EU), simulated=True, manner=SiteSettings(language="de"))
    widget = render(shot)["widget.html"].decode()
    assert widget.count("SIMULATION · Alle beobachteten Anbieter sind in Ordnung") == 2


def test_the_public_status_is_as_its_schema_says():
    manner = SiteSettings(public=PublicSection(providers=True))
    files = render(told(EU, US, services=(service("Chat", EU, group="Apps"),), manner=manner))
    Draft202012Validator(json.loads(files["schema/status.json"])).validate(json.loads(files["status.json"]))
