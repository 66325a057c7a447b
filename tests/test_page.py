import json
import posixpath
import re
import sys
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product

import pytest
from jinja2 import Environment, nodes
from msgspec.structs import replace

from monitor.alert.case import Delivery, OutboxState, Step
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind
from monitor.config.colour import DARK, LIGHT
from monitor.detect.health import State
from monitor.detect.limits import CeilingMove
from monitor.diagnose.diagnosis import Evidence
from monitor.diagnose.incident import Announcement
from monitor.diagnose.subject import Scope
from monitor.publish import public_site
from monitor.publish.private_site import STANDS_S, kept_paths, render
from monitor.publish.refresh_order import TURNS
from monitor.publish.render import CLEAN, POLICY, TEMPLATES
from monitor.publish.snapshot import (
    CROWD,
    CreditView,
    DurationView,
    ObjectiveView,
    SiteSettings,
    SourceView,
    Substitute,
)
from monitor.publish.status import MARKS, Mark
from monitor.slo.indicator import Reading
from monitor.slo.objective import ErrorBudget, Goal, Objective
from monitor.stages.publish import LONGEST_QUIET_S, PUBLISH_S
from probes.model import Fault, Limit
from probes.notice import Impact, Notice, NoticePhase
from probes.phrase import Phrase
from probes.redact import CONTROLS
from tests.builders_page import (
    BEGAN,
    HOSTILE,
    NOW,
    account,
    cells,
    day_of_paces,
    four_accounts,
    incident,
    past,
    shown,
    sick,
    snapshot,
    target,
)

VOID = frozenset({"meta", "link", "img", "input"})
BLOCKS = frozenset({"p", "div", "li", "dt", "dd", "h1", "h2", "h3", "h4", "title", "section", "svg"})
KILOBYTE = 1000


class Document(HTMLParser):
    """What a page holds: its elements with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.texts.append(" " if tag in BLOCKS else "")
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    def values(self, name):
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def documents(shot):
    return {name: Document(page) for name, page in render(shot).items() if name.endswith(".html")}


def links_in(page, list_class):
    """The links below the elements of a class, up to the next element of another list."""
    inside, found = False, []
    for tag, attributes in page.elements:
        if tag in ("ul", "ol"):
            inside = list_class in attributes.get("class", "").split()
        elif inside and tag == "a":
            found.append(attributes["href"])
    return found


def index(shot):
    return documents(shot)["index.html"]


def crowded():
    """Every part of the page at once."""
    mixed = (target("gemini/a", "list"), target("gemini/a", state=State.UNKNOWN, availability=None, cells=()))
    return four_accounts(
        warnings=("The disk is nearly full.",),
        past_incidents=tuple(past(days) for days in (1, 3, 9, 24, 40, 41)),
        open_incidents=(
            shown(told=(Delivery("mail", Step.OPENED, OutboxState.FAILED, NOW, 3, "HTTP 502"),)),
            shown(incident("openai/main", drill=True, id="drill")),
        ),
        providers=(*four_accounts().providers, *snapshot(account("gemini/a", mixed)).providers),
    )


def hostile(words):
    """A page that says `words` wherever words come from outside."""
    evidence = Evidence("openai/x/chat", NOW, Fault.UNCLASSIFIED, words, words, 418, words)
    it = incident(id="one", subject=words, reasons=(words,), targets=(words,), evidence=(evidence,))
    it = shown(
        it,
        advice=words,
        told=(Delivery(words, Step.OPENED, OutboxState.FAILED, NOW, 2, words),),
        replies=(
            Reply(ReplyKind.ACKNOWLEDGE, NOW, words, "one"),
            Reply(ReplyKind.SILENCE, NOW, words, until=NOW + timedelta(hours=1), reason=words),
        ),
        notes=(IncidentNote("one", NOW, words, words),),
    )
    notice = Notice(
        "n", words, "https://status.example/n", NoticePhase.INVESTIGATING, Impact.MAJOR, (words,), NOW, text=words
    )
    feeds = (
        SourceView("openai/status", words, "https://status.example", True, NOW, None, (notice,)),
        SourceView("openai/other", words, "https://status.example", False, NOW, words, ()),
        SourceView("gemini/quiet", words, "https://status.example", True, NOW, None, ()),
    )
    ill = target("openai/x", words, State.UNKNOWN, model=words, reason=words, limits=(Limit(words, 60, 5, 1),))
    return snapshot(
        sick(f"openai/{words.replace('/', '|')}", Fault.INVALID_KEY, note=words, tags=(words,), advice=words),
        account("openai/x", (ill,)),
        title=words,
        location=words,
        warnings=(words,),
        open_incidents=(it,),
        past_incidents=(shown(incident(id="two", subject=words.replace("/", "|"), closed_at=NOW)),),
        sources=feeds,
    )


def test_the_first_heading_is_the_whole_truth_in_a_sentence():
    page = index(four_accounts())
    assert "1 of 4 accounts has trouble Worst: openai/team-b: account suspended (your account)." in page.text
    assert "1 down 3 work Whose fault: 1 yours" in page.text
    healthy = index(snapshot(account(), account("openai/b", [target(state=State.UNKNOWN)])))
    assert (
        "1 of 2 accounts is not fully known openai/b: the day's budget is spent. The other one works." in healthy.text
    )


def test_the_first_sentence_says_what_to_use_instead_and_leads_there():
    page = index(four_accounts(open_incidents=(shown(instead=INSTEAD),)))
    assert (
        "Worst: openai/team-b: account suspended (your account). Use openai/main, seen working 20 s ago." in page.text
    )
    assert {f"incidents/{incident().id}.html", "accounts/openai/main.html"} <= set(page.values("href"))


def test_an_open_incident_says_what_whose_fault_since_when_and_what_now():
    text = index(four_accounts()).text
    for words in (
        "Down openai/team-b account suspended",
        "Whose fault: Your account 23 min",
        "Your account (sure), since 10:11 UTC",
        "What to do Stop automated traffic on this key",
        "chat, list: HTTP 401, account_suspended 2 other accounts of this provider do not share it",
        "1 message delivered",
    ):
        assert words in text


INSTEAD = (
    Substitute("openai/main", NOW - timedelta(seconds=20)),
    Substitute("anthropic/main", NOW - timedelta(days=1), Phrase("shares the card with <b>openai/team-b</b>")),
)


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (
            INSTEAD,
            "Working instead openai/main seen working 10:33 UTC"
            " anthropic/main seen working 20 Nov, 10:34 UTC; shares the card with <b>openai/team-b</b> What to do",
        ),
        ((), "Working instead No substitute is known. What to do"),
    ],
)
def test_the_page_of_an_incident_says_what_works_instead_as_the_message_does(instead, said):
    files = documents(four_accounts(open_incidents=(shown(instead=instead),)))
    assert said in files[f"incidents/{incident().id}.html"].text


@pytest.mark.parametrize(("changes", "is_told"), [({}, True), ({"drill": True}, False), ({"signal": True}, False)])
def test_an_accounts_page_tells_what_to_do_only_of_what_is_real(changes, is_told):
    view = shown(incident("openai/main", **changes), instead=INSTEAD)
    page = documents(snapshot(account("openai/main"), open_incidents=(view,)))["accounts/openai/main.html"]
    assert ("Stop automated traffic" in page.text) is is_told
    assert ("Working instead" in page.text) is is_told
    assert ("shares the card with <b>openai/team-b</b>" in page.text) is is_told


def test_the_page_of_an_incident_for_which_nobody_needs_another_account_names_none():
    for files in (
        documents(four_accounts(open_incidents=(shown(),))),
        documents(four_accounts(open_incidents=(), past_incidents=(shown(replace(incident(), closed_at=NOW)),))),
    ):
        assert "Working instead" not in files[f"incidents/{incident().id}.html"].text


def nested(opened):
    """A wide incident, a part of it, a part of that, and others before and after; each with its begin in minutes."""
    parents = {"part": "wide", "inner": "part", "lost": "gone"}
    return tuple(
        shown(incident(id=id, parent=parents.get(id), opened_at=NOW - timedelta(minutes=ago), closed_at=NOW))
        for id, ago in opened.items()
    )


@pytest.mark.parametrize(
    ("opened", "order"),
    [
        ({"a": 90, "part": 60, "wide": 70, "z": 50}, ["z", "wide", "part", "a"]),
        ({"wide": 60, "part": 60}, ["wide", "part"]),
        ({"part": 80, "wide": 60, "z": 70}, ["wide", "part", "z"]),
        ({"inner": 10, "part": 20, "wide": 30, "z": 15}, ["z", "wide", "part", "inner"]),
        ({"lost": 10, "z": 20}, ["lost", "z"]),
    ],
)
def test_in_every_list_the_wider_incident_stands_above_its_parts(opened, order):
    files = documents(four_accounts(open_incidents=(), past_incidents=nested(opened)))
    for name in ("index.html", "history.html", "accounts/openai/team-b.html", "providers/openai.html"):
        links = [link.rpartition("/")[2] for link in links_in(files[name], "past") if "incidents/" in link]
        assert links == [f"{id}.html" for id in order], name


def test_incidents_that_name_each_other_as_the_wider_one_are_shown_all_the_same():
    odd = tuple(shown(incident(id=id, parent=other, closed_at=NOW)) for id, other in ("ab", "ba", "cc"))
    text = documents(four_accounts(open_incidents=(), past_incidents=odd))["history.html"].text
    assert text.count("openai/team-b: account suspended") == 3


def test_the_page_of_an_incident_holds_the_evidence_an_appeal_needs():
    text = documents(four_accounts())[f"incidents/{incident().id}.html"].text
    for words in (
        "Open since 21 Nov 2026, 10:11 UTC, for 23 min. Whose fault: Your account (sure).",
        "How sure sure",
        "What is affected the whole account",
        "What to do Stop automated traffic on this key",
        "Why we think so chat, list: HTTP 401, account_suspended 2 other accounts of this provider do not share it",
        "HTTP 401",
        "req_5f3c9a1b77e24d0c",
        "openai.account_deactivated",
        "Your account has been deactivated, please check your email for more information.",
        "10:11:28 First message to ops-mail: delivered",
    ):
        assert words in text


def test_of_few_accounts_each_shows_what_it_can_do_and_how_well():
    text = index(four_accounts()).text
    for words in (
        "openai/main Works since 3 Nov, 10:34 UTC list Works chat Works",
        "90 days 100% First token, 24 h 0.62 s usually 0.58 s Requests per minute, 30 d 500",
    ):
        assert words in text


def test_what_the_canaries_cost_is_said_once_where_the_month_began_today():
    page = "accounts/openai/main.html"
    text = documents(snapshot(account(spent_usd=0.04, spent_month_usd=0.04)))[page].text
    assert "Canaries cost $0.04 today" in text
    assert "$0.04 today, " not in text
    assert "$0.04 today, $1.31 in 30 days" in documents(snapshot(account(spent_month_usd=1.31)))[page].text


def test_a_cost_that_is_not_known_is_no_cost_of_nothing():
    text = documents(snapshot(account(spent_usd=None)))["accounts/openai/main.html"].text

    assert "What its canaries cost is not known" in text
    assert "$0.00" not in text


def test_the_page_of_an_account_shows_each_canary_at_length():
    text = documents(four_accounts())["accounts/openai/main.html"].text
    for words in (
        "chat gpt-5-mini Works · Last seen 10:33 UTC, every 5 min",
        "24 h 100% Last 24 hours: 24 good",
        "90 days Last 90 days: 90 good 24 h 100% 7 d 100% 30 d 100% 90 d 100%",
        "First token 0.62 s usually 0.58 s, p95 1.1 s",
        "First token in the last 30 days: median 0.58 s, 95% within 1.1 s, the slowest day 1.8 s",
        "Throughput 50 tokens/s usually 54 tokens/s",
        "Error budget 100% left",
        "Canaries cost $0.04 today",
        "Whole answer in the last 30 days: median 1.7 s, 95% within 3.2 s, the slowest day 1.8 s",
        "498 of 500 requests per minute left · this limit since 3 Nov, 10:34 UTC",
    ):
        assert words in text


CREDIT = CreditView("USD", NOW, "", 40.0, 80.0, 20.0, None, 10.0, "", (Reading(NOW - timedelta(days=20), 80.0),))


def test_the_page_of_an_account_draws_its_day_its_limits_and_its_credit():
    page = documents(snapshot(account(credits=(CREDIT,))))["accounts/openai/main.html"]
    for words in (
        "Response times, 24 hours median of 20 min usual: nine in ten of a week incident",
        "First token 0.62 s usually 0.58 s, p95 1.1 s 1.2 s 0.8 0.4 0 10:40 16:40 22:40 04:40 now "
        "0.53 s to 0.67 s in the last 24 hours",
        "Requests per minute 500 600 400 200 0 22 Oct 6 Nov 21 Nov unchanged since 23 Oct",
        "Tokens per minute 200,000 was 150,000 until 9 Nov",
        "Credit 40 USD 20 days at this pace 90 60 30 0 1 Nov 21 Nov 11 Dec "
        "40 to 80 since 1 Nov; used up about 11 Dec at this pace; low below 10 USD",
    ):
        assert words in page.text


def test_a_chart_leads_to_the_incident_that_it_marks():
    shot = snapshot(account(), open_incidents=(shown(incident("openai/main", id="one")),))
    for name, up in (("accounts/openai/main.html", "../../"), ("providers/openai.html", "../")):
        page = documents(shot)[name]
        assert "in the last 24 hours. since 10:11 UTC: account suspended" in page.text
        assert f"{up}incidents/one.html" in page.values("href")


def test_an_account_of_which_nothing_is_measured_has_no_empty_chart():
    bare = target(latency=DurationView(), ttft=DurationView(), latencies=(), ttfts=(), limits=(), ceilings=())
    page = documents(snapshot(account(targets=[bare])))["accounts/openai/main.html"]
    assert "Response times" not in page.text
    assert "Limits and credit" not in page.text


def test_plates_have_a_place_for_what_any_of_them_has_and_say_once_what_one_has_not():
    bare = account("openai/b", targets=[target("openai/b", "list", limits=(), ceilings=())])
    text = index(snapshot(account(credits=(CREDIT,)), bare)).text
    assert "Requests per minute, 30 d 500 Credit 40 USD 20 days at this pace" in text
    assert "Rate limits none given Credit none given" in text
    assert "none given" not in index(snapshot(bare)).text


def told_outage(**changes):
    told = Announcement(BEGAN + timedelta(minutes=3), "Elevated errors", None, "openai/page")
    made = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, announcement=told, detected_at=BEGAN, **changes)
    return shown(made)


def test_who_knew_first_is_drawn_on_the_page_of_the_incident_and_of_its_provider():
    pages = documents(snapshot(account(), open_incidents=(told_outage(id="one"),)))
    for name in ("incidents/one.html", "providers/openai.html"):
        assert "Our view 10:11:00 Its page 10:14:00" in pages[name].text
        assert "We knew 3 min before the provider's page" in pages[name].text
    assert "incidents/one.html" in " ".join(pages["providers/openai.html"].values("href"))


def test_the_page_of_a_provider_draws_its_accounts_on_one_scale():
    slow = account("openai/slow", [target("openai/slow", ttfts=day_of_paces(5.0))])
    text = documents(snapshot(account(), slow))["providers/openai.html"].text
    assert "First token, 24 hours, on one scale" in text
    assert text.count("6 s 4 2 0 10:40") == 2


def test_the_page_of_a_provider_names_its_accounts_and_its_incidents():
    page = documents(four_accounts(past_incidents=(past(3), past(9, subject="openai"))))["providers/openai.html"]
    assert {"../accounts/openai/main.html", "../accounts/openai/team-b.html"} <= set(page.values("href"))
    assert "openai: server error" in page.text
    assert "anthropic: server error" not in page.text


def test_the_page_of_an_account_leads_to_its_provider():
    assert "../../providers/openai.html" in documents(four_accounts())["accounts/openai/main.html"].values("href")


def test_two_accounts_never_share_a_page():
    names = ["A", "a", "a b", "a-b", "ä", "🔥", "甲", "x" * 60, "x" * 61, "..", "a.b"]
    files = render(snapshot(*(account(f"openai/{name}") for name in names)))
    assert len([name for name in files if name.startswith("accounts/openai/")]) == len(names)


def test_the_page_says_when_it_was_made_from_where_and_when_it_is_stale():
    text = index(four_accounts()).text
    assert "Generated 21 Nov 2026, 10:34 UTC, seen from fra1. This page is made anew with all news" in text
    assert "at the latest after 3 min." in text
    assert "A newer page is due by 10:37 UTC." in text


def test_a_page_without_accounts_says_how_to_get_one():
    text = index(snapshot()).text
    assert "No account is watched yet First steps Name an account. Set a provider's usual key variable" in text
    assert "provider-monitor check" in text
    assert "Past incidents None on record." in text


def test_where_an_incident_is_open_nothing_says_that_none_is_on_record():
    assert "None on record" not in index(four_accounts()).text


@pytest.mark.parametrize(("state", "fault"), list(product(State, (None, *Fault))))
def test_every_state_with_every_fault_makes_a_whole_page(state, fault):
    shot = snapshot(
        account(targets=[target(state=state, fault=fault, since=None, seen_at=None, latency=DurationView())])
    )
    page = index(shot)
    assert page.open == []
    assert ("work" in page.text.split("·")[0]) is False


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("fault", Fault)
def test_every_scope_with_every_fault_makes_a_page_of_an_incident(scope, fault):
    name = f"incidents/{incident().id}.html"
    assert documents(snapshot(open_incidents=(shown(incident(fault=fault, scope=scope)),)))[name].open == []


@pytest.mark.parametrize("shot", [crowded(), hostile("x"), hostile(HOSTILE), snapshot()])
def test_every_link_leads_to_a_file_of_the_page(shot):
    files = render(shot)
    for name, page in documents(shot).items():
        links = [link for link in page.values("href") + page.values("src") if not re.match(r"https?://|#", link)]
        reached = {posixpath.normpath(posixpath.join(posixpath.dirname(name), link)).lstrip("/") for link in links}
        assert reached <= set(files)
        assert {"index.html", "history.html", "style.css", "page.js", "favicon.svg"} & reached


@pytest.mark.parametrize("shot", [crowded(), hostile(HOSTILE)])
def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline(shot):
    for page in documents(shot).values():
        for tag, attributes in page.elements:
            loaded = [attributes.get("src", ""), attributes.get("href", "") if tag in ("link", "use") else ""]
            assert not any("//" in address for address in loaded)
            assert tag != "style"
            assert tag != "script" or "src" in attributes
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert "url(" not in (TEMPLATES / "style.css").read_text()
    assert "@import" not in (TEMPLATES / "style.css").read_text()


def test_each_page_forbids_what_it_does_not_need():
    for page in documents(crowded()).values():
        assert POLICY in page.values("content")
        assert "noindex, nofollow" in page.values("content")


@pytest.mark.parametrize(
    "words", [HOSTILE, "</title><script>x</script>", '" onmouseover="x', "{{ 7 * 7 }}{% x %}", "]]>\x00\x1b[2J"]
)
def test_hostile_words_stay_words(words):
    clean, dirty = documents(hostile("word")), documents(hostile(words))
    for one, other in zip(clean.values(), dirty.values(), strict=True):
        shapes = [Counter((tag, *sorted(attributes)) for tag, attributes in it.elements) for it in (one, other)]
        assert shapes[0] == shapes[1]


def test_an_address_in_hostile_words_is_a_link_only_in_our_own_advice():
    pages = documents(hostile("javascript:alert(1) https://evil.example/"))
    links = [
        link for page in pages.values() for link in page.values("href") if "evil.example/" in link or "script:" in link
    ]
    assert set(links) == {"https://evil.example/"}
    assert len(links) == 2 + 2  # the card and the page of the incident, those of the account without one


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\x85"])
def test_marks_that_turn_the_reading_direction_do_not_pass(mark):
    assert all(mark.encode() not in page for page in render(hostile(f"a{mark}b")).values())


def test_each_character_is_clean_or_a_control():
    every = map(chr, range(sys.maxunicode + 1))
    assert not [one for one in every if bool(CLEAN.fullmatch(one)) is bool(CONTROLS.match(one))]


def test_half_a_character_breaks_nothing():
    assert b"ab" in render(hostile("a\ud800b"))["index.html"]


def test_simulated_is_said_on_every_page_and_in_its_title():
    simulated = documents(replace(crowded(), simulated=True))
    real = documents(crowded())
    assert all(page.text.startswith("SIMULATED · ") for page in simulated.values())
    assert all("These accounts and answers come from the built-in simulator." in it.text for it in simulated.values())
    assert not any("SIMULATED" in page.text for page in real.values())


def test_a_drill_is_marked_wherever_it_stands():
    pages = documents(crowded())
    assert "Drill openai/main account suspended" in pages["index.html"].text
    assert pages["incidents/drill.html"].text.startswith("DRILL: ")
    assert "Nothing is wrong." in pages["incidents/drill.html"].text
    over = shown(incident("openai/main", drill=True, closed_at=NOW))
    assert (
        "21 Nov 2026, 10:11 UTC openai/main: account suspended Drill Your account lasted 23 min"
        in documents(snapshot(past_incidents=(over,)))["history.html"].text
    )


@pytest.mark.parametrize(
    ("language", "began", "ended"),
    [
        ("en", "The drill begins here", "The drill is over"),
        ("de", "Hier beginnt die Übung", "Die Übung ist vorbei"),
        ("zh-Hans", "演练由此开始", "演练已结束"),
    ],
)
def test_the_page_of_a_drill_says_in_every_language_when_the_drill_was_over(language, began, ended):
    over = shown(incident("openai/main", drill=True, closed_at=NOW, id="drill"))
    shot = snapshot(past_incidents=(over,), manner=SiteSettings(language=language))
    text = documents(shot)["incidents/drill.html"].text

    assert (began in text, ended in text) == (True, True)


def test_warnings_and_failed_messages_are_shown():
    pages = documents(crowded())
    assert "Problems of the monitor itself The disk is nearly full." in pages["index.html"].text
    assert "1 of 1 message not delivered" in pages["index.html"].text
    assert "First message to mail: failed after 3 tries HTTP 502" in pages[f"incidents/{incident().id}.html"].text


def test_the_first_page_names_the_last_five_past_incidents_and_the_history_all():
    pages = documents(crowded())
    linked = {name: {link.lstrip("./") for link in page.values("href")} for name, page in pages.items()}
    counts = {name: sum(link.endswith("-past.html") for link in its) for name, its in linked.items()}
    assert [counts[name] for name in ("index.html", "history.html", "history/2026-11.html")] == [5, 6, 3]


def test_equal_snapshots_give_equal_bytes():
    assert render(crowded()) == render(crowded())


def test_the_page_of_an_ended_incident_is_never_written_again():
    early = render(snapshot(past_incidents=(past(3),)))
    late = render(snapshot(account(), made_at=NOW + timedelta(days=90), past_incidents=(past(3),)))
    (name,) = (name for name in early if name.startswith("incidents/"))
    assert early[name] == late[name]
    assert early["index.html"] != late["index.html"]


def test_twenty_accounts_with_two_canaries_each_weigh_less_than_sixty_kilobytes():
    patchy = cells(bad=[3, 9, 10, 20], gaps=[15])
    ids = [
        f"{provider}/team-{number}" for provider in ("openai", "anthropic", "gemini", "mistral") for number in range(5)
    ]
    fleet = [account(id, [target(id, canary, cells=patchy) for canary in ("list", "chat")]) for id in ids[1:]]
    shot = snapshot(sick(ids[0], Fault.INVALID_KEY), *fleet, open_incidents=(shown(incident(ids[0])),))
    assert len(render(shot)["index.html"]) < 60 * KILOBYTE


TEXTS = [file for file in TEMPLATES.iterdir() if file.suffix in (".html", ".xml", ".svg")]


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_a_template_calculates_nothing_and_escapes_all_but_our_own_drawings(file):
    tree = Environment(autoescape=True).parse(file.read_text())
    sums = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow)
    assert list(tree.find_all(sums)) == []
    raw = [found.node.attr for found in tree.find_all(nodes.Filter) if found.name == "safe"]
    assert set(raw) <= {"paths"}
    assert not list(tree.find_all(nodes.EvalContextModifier))


def test_each_mark_has_its_own_shape_and_its_own_word():
    shapes = {attributes["id"] for tag, attributes in index(snapshot()).elements if tag == "symbol"}
    assert shapes == {*Mark, "planned", "ended", "message", "dot", "chevron"}
    assert len(set(MARKS.values())) == len(Mark)
    icons = {render(shot)["favicon.svg"] for shot in (snapshot(), snapshot(account()), four_accounts())}
    assert len(icons) == 3


def test_headings_go_down_one_step_at_a_time():
    for page in documents(crowded()).values():
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_of_many_incidents_only_what_is_due_is_made_again():
    views = tuple(past(days) for days in range(1, 5))
    shot = snapshot(past_incidents=views, incident_ids=frozenset(it.incident.id for it in views))
    first = render(shot)
    again = render(
        replace(shot, past_incidents=(views[0], *(replace(it, is_due=False) for it in views[1:]))), set(first)
    )
    assert len([name for name in first if name.startswith("incidents/")]) == 4
    assert [name for name in again if name.startswith("incidents/")] == [f"incidents/{views[0].incident.id}.html"]
    assert {name for name in first if name not in again} <= kept_paths(shot) | {
        name for name in first if name.startswith("history/")
    }


def test_of_a_crowd_the_pages_and_badges_that_stand_are_not_made_and_belong_to_the_site():
    crowd = [account(f"openai/a{number}") for number in range(CROWD + 1)]
    shot = snapshot(*crowd)
    standing_now = snapshot(replace(crowd[0], stands=True), *crowd[1:])
    left_out = {"accounts/openai/a0.html", "badges/openai/a0.svg", "badges/openai/a0.json"}
    assert set(render(shot)) - set(render(standing_now)) == left_out
    assert kept_paths(standing_now) == left_out
    same = ("index.html", "providers/openai.html", "status.json", "usable.json", "metrics.prom")
    known = render(standing_now, {"accounts/openai/a0.html"})
    assert [render(shot)[name] for name in same] == [known[name] for name in same]


def test_of_a_crowd_a_page_that_is_still_to_come_is_not_linked():
    crowd = [account(f"openai/a{number}", stands=number == 0) for number in range(CROWD + 1)]
    page = documents(snapshot(*crowd))["providers/openai.html"]
    assert [f"../accounts/openai/a{number}.html" in page.values("href") for number in (0, 1)] == [False, True]
    assert "a0 0.62 s" in page.text


def test_the_page_of_one_of_a_crowd_is_not_called_old_before_its_next_turn():
    crowd = [account(f"openai/a{number}") for number in range(CROWD + 1)]
    few, many = documents(snapshot(*crowd[:-1])), documents(snapshot(*crowd))
    assert "A newer page is due by 10:37 UTC." in few["accounts/openai/a0.html"].text
    assert "A newer page is due by 10:52 UTC." in many["accounts/openai/a0.html"].text
    assert "A newer page is due by 10:37 UTC." in many["providers/openai.html"].text
    assert TURNS * (LONGEST_QUIET_S + PUBLISH_S) <= STANDS_S


def test_the_page_of_a_crowd_shows_the_past_only_of_what_does_not_simply_work():
    crowd = [account(f"openai/a{number}") for number in range(CROWD)]
    few, many = documents(snapshot(*crowd)), documents(snapshot(*crowd, sick("openai/ill", Fault.INVALID_KEY)))
    assert few["providers/openai.html"].text.count("100%") == CROWD
    assert many["providers/openai.html"].text.count("100%") == 1
    assert few["providers/openai.html"].text.count("Works") == CROWD
    assert "41 of 41" not in many["providers/openai.html"].text


def test_no_id_stands_twice_on_a_page():
    for page in documents(crowded()).values():
        assert max(Counter(page.values("id")).values()) == 1


def test_every_drawing_is_said_in_words_or_hidden_from_who_listens():
    for page in documents(crowded()).values():
        for tag, attributes in page.elements:
            assert tag != "svg" or attributes.get("aria-hidden") == "true" or attributes["aria-label"]


def test_the_status_for_machines_is_a_fixed_format():
    shot = four_accounts(providers=snapshot(sick("openai/team-b", Fault.ACCOUNT_SUSPENDED)).providers)
    assert json.loads(render(shot)["status.json"]) == {
        "version": 1,
        "made_at": "2026-11-21T10:34:00Z",
        "stale_after": "2026-11-21T10:37:00Z",
        "location": "fra1",
        "simulated": False,
        "accounts": [
            {
                "id": "openai/team-b",
                "provider": "openai",
                "state": "down",
                "mark": "down",
                "usable": False,
                "caution": None,
                "withheld": False,
                "since": "2026-11-21T10:11:00Z",
                "fault": "account_suspended",
                "blame": "account",
                "phase": None,
                "credit": [],
                "durations": [
                    {"canary": "list", "model": None, "total_s": 1.93, "first_token_s": None, "tokens_per_s": None},
                    {
                        "canary": "chat",
                        "model": "gpt-5-mini",
                        "total_s": 1.93,
                        "first_token_s": 0.62,
                        "tokens_per_s": 50.0,
                    },
                ],
            }
        ],
        "open_incidents": [
            {
                "id": "20261121-101100-openai-team-b",
                "title": "openai/team-b: account suspended",
                "page": "incidents/20261121-101100-openai-team-b.html",
                "scope": "account",
                "subject": "openai/team-b",
                "severity": "critical",
                "confidence": "high",
                "opened_at": "2026-11-21T10:11:00Z",
                "drill": False,
                "signal": False,
                "parent": None,
                "lead_s": None,
                "fault": "account_suspended",
                "blame": "account",
                "phase": None,
                "replies": [],
            }
        ],
        "status_sources": [],
        "objectives": [],
    }


def test_search_engines_are_turned_away():
    assert render(snapshot())["robots.txt"] == b"User-agent: *\nDisallow: /\n"


CLASS = re.compile(r'class="((?:{{.*?}}|{%.*?%}|[^"])*)"')
"""A class attribute of a template; its expressions may hold quotes."""


def test_the_style_sheet_has_no_class_that_no_page_has():
    sheet = re.sub(r"/\*.*?\*/", "", (TEMPLATES / "style.css").read_text(), flags=re.DOTALL)
    selectors = " ".join(re.findall(r"([^{}]+){", sheet))
    used = {
        name for file in TEMPLATES.glob("*.html") for it in CLASS.findall(file.read_text()) for name in words_of(it)
    }
    used |= words_of((TEMPLATES / "page.js").read_text())
    drawn = {"units", "share", "planned", "ended", "sensed", "known", "least", *Mark}
    assert set(re.findall(r"\.([a-z][\w-]*)", selectors)) - used - drawn == set()


def words_of(text):
    return set(re.findall(r"[a-z][\w-]*", text))


def colours():
    """The custom properties of the style sheet, for the light and for the dark scheme."""
    sheet = (TEMPLATES / "style.css").read_text()
    light, dark, *_ = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root {([^}]+)}", sheet)
    )
    return {"light": light, "dark": light | dark}


def contrast(one, other):
    """Return the WCAG 2.2 contrast ratio of two colours. Source: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dim, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


GROUNDS = ("brand-ground", "sheet", "sunk")
TINTS = ("tint-down", "tint-partly", "tint-up")
COLOURED = ("down", "partly", "at_risk", "up")
"""Those of marks; what is not known or rechecked is as soft as text that is read second."""
READ = [*product(("ink", "soft", "brand", *COLOURED), (*GROUNDS, *TINTS))]
SEEN = [*product(("good", "edge"), GROUNDS), *(("glyph", one) for one in COLOURED)]


@pytest.mark.parametrize(("scheme", "known"), [("light", LIGHT), ("dark", DARK)])
def test_a_brand_is_made_readable_on_all_that_stands_in_the_style_sheet(scheme, known):
    names = colours()[scheme]
    assert (known.brand, known.ground) == (names["brand"], names["brand-ground"])
    assert known.sheets == tuple(names[one] for one in (*GROUNDS[1:], *TINTS))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_both_schemes(scheme):
    names = colours()[scheme]
    faint = [pair for pair in READ if contrast(names[pair[0]], names[pair[1]]) < 4.5]
    faint += [pair for pair in SEEN if contrast(names[pair[0]], names[pair[1]]) < 3]
    assert faint == []


@pytest.mark.parametrize("make", [render, public_site.render])
def test_a_thousand_accounts_make_a_first_page_that_stays_small(make):
    fleet = [account(f"openai/{number}", [target(f"openai/{number}")]) for number in range(1000)]
    files = make(snapshot(sick("gemini/ill", Fault.INVALID_KEY), *fleet))
    assert len(files["index.html"]) < 60 * KILOBYTE


@pytest.mark.parametrize("make", [render, public_site.render])
@pytest.mark.parametrize("hours", [-24 * 400, -1, 24 * 400])
def test_a_clock_that_jumped_makes_a_whole_page(make, hours):
    jumped = replace(crowded(), made_at=NOW + timedelta(hours=hours))
    outage = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER))
    files = make(replace(jumped, open_incidents=(*jumped.open_incidents, outage)))
    assert all(Document(files[name]).open == [] for name in files if name.endswith(".html"))


def test_the_page_for_what_is_not_there_finds_its_style_from_any_depth():
    site = replace(four_accounts(), manner=SiteSettings(url="https://status.example.com/ai/"))
    assert "/ai/style.css" in documents(site)["404.html"].values("href")
    assert {"/style.css", "style.css"} <= set(documents(four_accounts())["404.html"].values("href")), "opened as a file"


def reserve(goal, left, *burns):
    return ErrorBudget(goal, promised=0.999, kept=0.9995, left=left, seen_days=28, burns=burns)


@pytest.mark.parametrize(
    ("subject", "page"), [("openai/main", "accounts/openai/main.html"), ("openai", "providers/openai.html")]
)
def test_an_objective_says_what_is_left_of_its_budget_and_how_fast_it_burns(subject, page):
    promise = Objective("answers", subject, frozenset(), availability=0.9995, latency_s=2.5, latency_share=0.95)
    reserves = (reserve(Goal.AVAILABILITY, 0.52, None, 3.14, 0.4), reserve(Goal.LATENCY, -0.5, None, None, None))
    site = documents(snapshot(account("openai/main"), objectives=(ObjectiveView(promise, reserves),)))
    for name in ("index.html", page) if subject == "openai" else (page,):
        said = " ".join(site[name].text.split())
        assert "answers: 99.95% in 28 days 52% left burns × 3.1 in 6 h, × 0.4 in 3 days" in said
        assert "answers: 95% within 2.5 s in 28 days spent 1.5 times" in said


def test_an_objective_of_which_nothing_was_seen_has_no_budget_to_speak_of():
    silent = ObjectiveView(Objective("answers", "openai/main", frozenset(), availability=0.99), ())
    site = documents(snapshot(account("openai/main"), objectives=(silent,)))
    assert "answers: 99% in 28 days no data" in site["accounts/openai/main.html"].text


def test_a_ceiling_says_how_it_moved():
    moved = CeilingMove(NOW - timedelta(days=9), before=1000, after=500)
    silent = replace(moved, before=90, after=9, told_at=NOW - timedelta(days=10))
    limits = (Limit("requests", 60, 500, 498), Limit("tokens", 60, 9, 8), Limit("images", 60, 5, 5))
    chat = target(limits=limits, moves=(moved, silent, None))
    site = documents(snapshot(account("openai/main", (chat,))))
    assert "498 of 500 requests per minute left · 1,000 → 500 on 12 Nov" in site["accounts/openai/main.html"].text
    assert "498 of 500 requests per minute left (1,000 → 500 on 12 Nov)" in site["index.html"].text
    assert "8 of 9 tokens per minute left · 90 → 9, not given since 11 Nov" in site["accounts/openai/main.html"].text
    assert [site[name].text.count("→") for name in ("accounts/openai/main.html", "index.html")] == [2, 2]


def test_a_past_sign_says_how_it_ended_where_that_is_not_as_before():
    past = incident(closed_at=NOW, ending="it stays so, and is usual")
    page = documents(snapshot(past_incidents=(shown(past),)))[f"incidents/{past.id}.html"]
    assert "it stays so, and is usual" in page.text


def test_the_proof_of_what_comes_and_goes_is_no_good_answer():
    turns = Evidence("openai/main/chat", NOW, Fault.TIMEOUT, "flap", "3 changes between up and down in 3 min")
    row = incident(signal=True, evidence=(turns,))
    page = documents(snapshot(open_incidents=(shown(row),)))[f"incidents/{row.id}.html"]
    assert "Answer a probe that shows it" in page.text
    assert "good answer" not in page.text


def test_an_account_that_does_not_stream_shows_how_long_its_answers_take():
    plain = account(targets=[target(canary="list")])
    text = index(snapshot(plain)).text
    assert "Whole answer, 24 h 1.9 s usually 1.7 s" in text
    assert "First token" not in text.partition("How to read")[0]


def test_beside_a_providers_notice_stands_who_knew_first():
    notice = Notice("1", "Slow answers", "https://status.example/1", NoticePhase.MONITORING, Impact.MINOR, began_at=NOW)
    source = SourceView("openai/page", "OpenAI", "https://status.example", True, NOW, None, (notice,))
    said = Announcement(NOW, "Slow answers, as it was called at first", None, "openai/page", "1")
    late, soon = (
        shown(incident(id=str(minutes), announcement=said, detected_at=NOW - timedelta(minutes=minutes)))
        for minutes in (4, 11)
    )
    lead = "OpenAI, since 10:34 UTC Slow answers monitoring, minor we knew 11 min before the provider's page"
    for views in ((late, soon), (soon, late)):
        assert lead in index(snapshot(account(), open_incidents=views, sources=(source,))).text
    other = replace(source, notices=(replace(notice, id="2"),))
    for one in (replace(source, id="openai/other"), other):
        assert lead not in index(snapshot(account(), open_incidents=(late, soon), sources=(one,))).text


def test_a_page_that_is_read_in_part_is_not_called_quiet_and_what_nobody_posted_is_said():
    claim = Notice("component/API", "API: outage", None, NoticePhase.UNKNOWN, Impact.MAJOR, ("API",), posted=False)
    undated = Notice("1", "Slow answers", None, NoticePhase.IDENTIFIED, Impact.MINOR)
    source = SourceView("openai/page", "OpenAI", "https://status.example", True, NOW, None, (), unread=2)

    quiet = index(snapshot(account(), sources=(replace(source, unread=0),))).text
    half = index(snapshot(account(), sources=(source,))).text
    loud = index(snapshot(account(), sources=(replace(source, notices=(claim, undated)),))).text

    assert "Nothing is reported by OpenAI." in quiet
    assert "Nothing is reported" not in half
    assert "OpenAI: 2 items could not be read" in half
    assert "API: outage no notice posted, major" in loud
    assert "Slow answers identified, undated, minor" in loud


def test_what_is_kept_for_many_pages_is_of_the_site_and_the_moment_that_they_show():
    first = snapshot(account("openai/main"))
    later = replace(first, title="Another site", made_at=NOW + timedelta(minutes=1))
    fresh = render(first)
    page = "accounts/openai/main.html"
    assert (b"Another site" in fresh[page], b"Another site" in render(later)[page]) == (False, True)
    assert b"2026-11-21T10:35:00Z" in render(later)[page]
    assert render(first) == fresh


def test_a_row_of_what_is_at_risk_or_in_trouble_leads_to_its_incident():
    sign = incident("openai/0", Fault.LOW_BALANCE, signal=True, targets=(), id="sign")
    loss = incident("openai/1", id="loss")
    ids = [f"openai/{number}" for number in range(2, 8)]
    shot = snapshot(
        account("openai/0"),
        sick("openai/1", Fault.ACCOUNT_SUSPENDED),
        *map(account, ids),
        open_incidents=(shown(sign), shown(loss)),
    )
    html = render(shot)["index.html"].decode()
    rows = re.findall(r'<li class="row .*?</li>', html, re.DOTALL)

    assert [re.findall(r'<a href="(incidents/\w+).html"', row) for row in rows[:3]] == [
        ["incidents/loss"],
        ["incidents/sign"],
        [],
    ]
