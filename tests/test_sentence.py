"""What is found is a value; here it is said: each kind, in English word for word, and nothing of it in English else."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.detect.measure import Measure
from monitor.detect.reason import (
    AllSlow,
    AtUsualPace,
    CeilingAnswers,
    CeilingFell,
    CeilingNow,
    CeilingStays,
    CeilingUnit,
    CreditEnds,
    CreditFloor,
    CreditLeft,
    CreditPace,
    DateEntered,
    FlapCalm,
    FlapHeld,
    FlapTurns,
    HardlyLeft,
    LateAnswers,
    LessLeft,
    LimitsWithheld,
    ModelGone,
    NotListed,
    PaceRose,
    PaceStays,
    PoolRose,
    PoolShare,
    PoolSlow,
    PoolStays,
    ProviderWarns,
    RefusedBetween,
    RemarkOn,
    ReminderDue,
    RoseSlowly,
    SlowerThanUsual,
    UnderReview,
    UsedByOthers,
    Withheld,
)
from monitor.diagnose.diagnosis import Evidence
from monitor.diagnose.incident import Incident
from monitor.diagnose.reason import (
    AccountsRefused,
    AnswerWords,
    BudgetBurnt,
    BudgetLasts,
    CanaryFailure,
    ClockOff,
    ControlAnswered,
    DrillOnly,
    DrillWanted,
    FailingShare,
    NeutralHosts,
    NobodyWatched,
    NoLongerWatched,
    NoOtherAccount,
    NotHeard,
    NothingAnswers,
    OneModelFails,
    OnlyFrom,
    OthersShaken,
    PageReports,
    PageSilent,
    ProvidersUnreachable,
    Reason,
    RoadFails,
    SeenFrom,
    Siblings,
    SourceDoubted,
    SourceStale,
    StageFailed,
    StillAnswering,
    Symptom,
    Undecided,
    WholeErrorLogged,
)
from monitor.diagnose.status_source import StatusSource
from monitor.diagnose.subject import Scope
from monitor.publish.private_site import render
from monitor.publish.snapshot import SiteSettings, SourceView
from monitor.sentence.diagnosis import STAGE_WORK
from monitor.sentence.doubt import BOUNDS, DEFECTS, DETOURS, OBSTACLES, PROXIES, describe_doubt
from monitor.sentence.finding import MEASURED, WITHHELD, describe_answer
from monitor.sentence.reason import describe_ending, describe_reasons, with_sentences
from monitor.sentence.translation import load_language
from monitor.stage import Stage
from monitor.words import Language
from probes.doubt import (
    Bound,
    BoundExceeded,
    BrowserChallenge,
    ComponentsLost,
    ComponentsUnknown,
    Defect,
    Defective,
    Detour,
    Doubt,
    FormUnknown,
    HostUnreached,
    Misread,
    Obstacle,
    PlatformChanged,
    PollBroken,
    PollTooSlow,
    RedirectRefused,
    RootUnknown,
    ShapeUnknown,
    StatusRefused,
    WentBack,
    XmlBroken,
)
from probes.feeds.merge import component_notice
from probes.model import Fault
from probes.notice import CLAIMS, UNTITLED, WHOLE_PAGE, Claim, Impact
from probes.proxy import ProxyFault, ProxyStopped
from tests.builders_page import account, incident, shown, snapshot
from tests.conftest import NOON, at
from tests.rows import each_row
from tests.test_page import Document
from tests.test_page_speech import DE, SHIPPED, ZH, mute

HOUR = timedelta(hours=1)
PROXIED = partial(ProxyStopped, "10.0.0.1:3128", place="10.0.0.2:443")
DOUBTS = [
    *((Defective(one), said) for one, said in DEFECTS.items()),
    (BoundExceeded(Bound.REDIRECTS, 3), "redirects more than 3 times"),
    (BoundExceeded(Bound.BYTES, 8 * 2**20), "is larger than 8 MiB"),
    (BoundExceeded(Bound.FEED_BYTES, 2 * 2**20), "is a feed of more than 2 MiB in its first items"),
    (BoundExceeded(Bound.ITEMS, 5000), "lists more than 5000 items"),
    (BoundExceeded(Bound.DEPTH, 64), "is nested deeper than 64 elements"),
    (BoundExceeded(Bound.DATE_CHARACTERS, 100), "has a date of more than 100 characters"),
    *((HostUnreached(one), f"cannot be reached: {said}") for one, said in OBSTACLES.items()),
    (
        HostUnreached(Obstacle.TLS, "10.0.0.1:3128"),
        "cannot be reached: no secure connection could be agreed on (through the proxy at 10.0.0.1:3128)",
    ),
    *(
        (PROXIED(how=one), "cannot be reached: " + said.format(proxy="10.0.0.1:3128", place="10.0.0.2:443"))
        for one, said in PROXIES.items()
    ),
    (
        PROXIED(how=ProxyFault.CREDENTIALS, status=407, has_user=True),
        "cannot be reached: the proxy at 10.0.0.1:3128 refuses our user and password (HTTP 407)",
    ),
    (
        PROXIED(how=ProxyFault.SCHEME, status=407, detail="Errors"),
        "cannot be reached: the proxy at 10.0.0.1:3128 wants something other than a user and a password "
        "(HTTP 407, Errors)",
    ),
    (PollTooSlow(0.8), "is too slow: not done within 0.8 s"),
    (PollTooSlow(15.0, silent=True), "is too slow: not a byte for 15 s"),
    (RedirectRefused(Detour.NOWHERE), "redirects to something that is not a web address"),
    (RedirectRefused(Detour.OTHER_HOST, "10.0.0.3"), "moved to another host, 10.0.0.3; not followed"),
    (RedirectRefused(Detour.PLAIN_HTTP), "redirects from https to http; not followed"),
    (StatusRefused(404), "is not there (HTTP 404): its address may have changed"),
    (StatusRefused(410), "is not there (HTTP 410): its address may have changed"),
    (StatusRefused(429), "asks us to poll less often (HTTP 429)"),
    (StatusRefused(500), "answers HTTP 500"),
    (BrowserChallenge(), "is behind a challenge for browsers"),
    (BrowserChallenge(403), "is behind a challenge for browsers (HTTP 403)"),
    (FormUnknown("openai"), "is not in a form that openai sends"),
    (ShapeUnknown("openai"), "is JSON, but not of the shape that openai sends"),
    (RootUnknown("list"), "is XML, but not a feed: it begins with <list>"),
    (XmlBroken(7), "is not well-formed XML (line 7)"),
    (PlatformChanged(Defective(Defect.EMPTY), ("openai",)), "is empty; it seems to have moved to openai"),
    (
        PlatformChanged(XmlBroken(7), ("openai", "main", "card")),
        "is not well-formed XML (line 7); it seems to have moved to openai or main or card",
    ),
    (ComponentsUnknown(1), "has 1 component, and not one that we look for: it was rearranged"),
    (ComponentsUnknown(3), "has 3 components, none of those we look for: it was rearranged"),
    (ComponentsLost(3, 4), "has lost 3 of 4 components"),
    (WentBack(NOON), "is older than what it said before (of 21 Nov 2026, 12:00 UTC)"),
    (PollBroken("OSError"), "could not be polled: the monitor's own fault (OSError)"),
]
"""Each kind of doubt about a status source, and what it says in English."""
REASONS = [
    ("what a user wrote", "what a user wrote"),
    (
        Symptom(
            (CanaryFailure(("chat", "list"), 503, Fault.OVERLOADED), CanaryFailure(("list",), None, Fault.TIMEOUT))
        ),
        "chat, list: HTTP 503",
    ),
    (Symptom((CanaryFailure(("list",), None, Fault.TIMEOUT),)), "list: no answer, timeout"),
    (FailingShare(2, 3), "2 of 3 accounts fail the same way"),
    (FailingShare(1, 3), "1 of 3 accounts fails"),
    (NoOtherAccount(1), "only one account is watched here"),
    (NoOtherAccount(3), "no other account has been asked the same since"),
    (Siblings(1, at(20)), "1 other account of this provider has answered since it began (probed at 12:00:20 UTC)"),
    (Siblings(2, at(50)), "2 other accounts of this provider have answered since it began (probed at 12:00:50 UTC)"),
    (StillAnswering(("chat", "list")), "still answers: chat, list"),
    (StillAnswering(("chat",), at(0)), "still answers: chat (probed at 12:00:00 UTC)"),
    (OthersShaken(1), "1 other account has failed the same way since it began, and answered in between"),
    (OthersShaken(2), "2 other accounts have failed the same way since it began, and answered in between"),
    (
        ControlAnswered(at(50), None, 401, 0.08),
        "a call without a key was answered (80 ms, at 12:00:50 UTC): the API is reachable",
    ),
    (
        ControlAnswered(at(50), Fault.OVERLOADED, 529, 0.2),
        "a call without a key failed too (HTTP 529, overloaded, at 12:00:50 UTC): so it is not",
    ),
    (
        ControlAnswered(at(50), Fault.CONNECTION_FAILED, None, None),
        "a call without a key got no answer either (no connection",
    ),
    (
        ControlAnswered(at(50), Fault.REGION_BLOCKED, 403, 0.2),
        "a call without a key was refused too (HTTP 403, region blocked",
    ),
    (
        PageReports("Errors", "investigating", at(-3540)),
        "the provider's page reports trouble: Errors (investigating, since",
    ),
    (PageReports("Errors", "investigating", None), "the provider's page reports trouble: Errors (investigating)"),
    *(
        (
            PageReports(one.title, "no notice posted", None, claim=one),
            f"the provider's page reports trouble: {one.title} (no notice posted)",
        )
        for one in (Claim("Chat", Impact.CRITICAL), Claim(None, Impact.MINOR))
    ),
    (
        PageReports(UNTITLED, "investigating", None),
        "the provider's page reports trouble: a notice without a title (investigating)",
    ),
    (
        PageReports("Errors", "in progress", None, planned=True),
        "the provider's page reports maintenance: Errors (in progress)",
    ),
    (
        PageReports("Errors", "in progress", at(0), planned=True),
        "the provider's page reports maintenance: Errors (in progress, since 12:00 UTC)",
    ),
    (PageSilent(readable=True), "the provider's page reports no trouble"),
    (
        PageSilent(readable=True, whole=False),
        "the provider's page reports no trouble in the part that can be read",
    ),
    (PageSilent(readable=False), "the provider's page cannot be read now"),
    (AccountsRefused(3, 3), "all 3 accounts here are refused"),
    (AccountsRefused(2, 3, "billing card-1"), "2 of 3 accounts of billing card-1 are refused"),
    (Undecided(), "either the provider's key service is failing, or everything you have there is lost"),
    (OneModelFails(2), "all 2 accounts that have asked for it since fail the same way, while another model answers"),
    (OneModelFails(1), "it fails while another model answers"),
    (NothingAnswers(4, 2), "nothing answers: 4 targets of 2 unrelated providers fail before any answer"),
    (NothingAnswers(2, 1), "nothing answers: 2 targets of the only provider fail"),
    (ProvidersUnreachable(2, 3), "2 of 3 unrelated providers cannot be reached from here"),
    (RoadFails("FRA", 2, 3), "2 of 3 unrelated providers fail from FRA"),
    (NotHeard("FRA", at(0)), "nothing was heard of FRA since 12:00:00 UTC"),
    (ClockOff("FRA", 5, voteless=False), "the clock of FRA is 5 s ahead of that of the shared store"),
    (
        ClockOff("FRA", -61, voteless=True),
        "the clock of FRA is 1 min behind that of the shared store: what that place sees counts for nothing until",
    ),
    (SeenFrom(("FRA", "IAD", "SIN")), "seen from FRA, IAD, SIN"),
    (
        OnlyFrom(("FRA",), ("IAD", "SIN"), at(0)),
        "it fails from FRA only: from IAD, SIN the same was answered since it began (at 12:00:00 UTC)",
    ),
    (NeutralHosts(reached=True), "this machine can reach other hosts"),
    (NeutralHosts(reached=False), "nothing else can be reached from this machine either"),
    (SourceDoubted("is empty"), "it is empty"),
    *((SourceDoubted(one), f"it {said}") for one, said in DOUBTS),
    (
        BudgetBurnt(HOUR, 0.1, 0.005, timedelta(minutes=5), 0.1),
        "10.0% failed in the last hour, and 10.0% in the last 5 minutes; 0.50% is allowed",
    ),
    (
        BudgetBurnt(6 * HOUR, 0.1, 0.005, timedelta(minutes=30), None, timedelta(minutes=119)),
        "10.0% failed in the last 6 hours (of which 119 min were watched); 0.50% is allowed",
    ),
    (
        BudgetBurnt(72 * HOUR, 0.1, 0.005, 6 * HOUR, 0.2, 40 * HOUR, 2.5),
        "10.0% took longer than 2.5 s in the last 3 days (of which 40 hours were watched), and 20.0% in the last "
        "6 hours; 0.50% is allowed",
    ),
    (
        BudgetBurnt(HOUR, 0.1, 0.05, HOUR / 12, None, None, 1),
        "10.0% took longer than 1 s in the last hour; 5.00% is allowed",
    ),
    (BudgetLasts(20, 28, 33.6), "20.0 times the allowed rate: the budget for 28 days would last 34 hours"),
    (BudgetLasts(2, 28, 336), "2.0 times the allowed rate: the budget for 28 days would last 14.0 days"),
    (
        StageFailed(Stage.PUBLISH, "OSError", lasting=False),
        "the monitor's own fault: publishing the page failed and was restarted (OSError)",
    ),
    (
        StageFailed(Stage.PUBLISH, "OSError", lasting=True),
        "the monitor's own fault: publishing the page keeps failing (OSError)",
    ),
    (WholeErrorLogged(), "the full error is in its log; everything else goes on"),
    (NobodyWatched(), "nothing was probed and nothing was written in this time"),
    (NoLongerWatched(), "it is no longer watched: the configuration no longer names it"),
    (DrillWanted(), "somebody started a drill with `provider-monitor drill`"),
    (CreditLeft("USD", 4.2, 50), "4.20 of 50.00 USD left"),
    (CreditLeft("CNY", 1234.5), "1,234.50 CNY left"),
    (CreditLeft("USD", None, used=7), "7.00 USD used"),
    (CreditLeft("USD", None), "USD: not given"),
    (CreditLeft("USD", None, unlimited=True), "no limit in USD"),
    (CreditFloor("USD", 5), "the warning is set at 5.00 USD"),
    (CreditPace("USD", 48, 1.25), "at 48.00 USD a day, the pace of the last few days, it will last 1.2 days"),
    (CreditEnds(NOON), "it expires on 21 Nov 2026, 12:00 UTC"),
    (FlapHeld(6, 5, is_down=False), "6 changes in 5 min, up now; further changes are held until it is calm"),
    (FlapHeld(7, 90, is_down=True), "7 changes in 90 min, down now; further changes are held until it is calm"),
    (FlapCalm(30, 10), "calm means 30 min without an outage; one that lasts 10 min is reported anyway"),
    (RefusedBetween(3, NOON), "3 answers since 21 Nov 2026, 12:00 UTC were refusals, with good ones in between"),
    (UnderReview(), "a sign that the account may be under review, not that it is lost"),
    (
        SlowerThanUsual(Measure.FIRST, 0.5, 1.3, NOON),
        "time to the first piece of the answer: usual 0.50 s, now 1.30 s (2.6 times) since 21 Nov 2026, 12:00 UTC",
    ),
    (
        SlowerThanUsual(Measure.TOKEN, 4, 40, NOON),
        "output tokens after the first: usual 50 tokens/s, now 5.0 tokens/s (10.0 times as slow) "
        "since 21 Nov 2026, 12:00 UTC",
    ),
    (LateAnswers(Measure.TOTAL, 9, 10, 0.75), "9 of the last 10 answers took longer than 0.75 s; usually only 5 % do"),
    (
        LateAnswers(Measure.TOKEN, 9, 10, 10),
        "9 of the last 10 answers came slower than 20 tokens/s; usually only 5 % do",
    ),
    (RoseSlowly(), "it rose slowly: the last hour compared with the last day"),
    (
        PaceStays(Measure.TOTAL, 1.5, 0.5),
        "time to the whole answer: 1.50 s instead of 0.50 s; it has stayed that way and is the new baseline",
    ),
    (
        PoolSlow(3, 1.8, NOON),
        "at least 3 of those watched here have taken 1.8 times as long as usual since 21 Nov 2026, 12:00 UTC",
    ),
    (
        PoolSlow(3, 1.8, NOON, "gpt-x"),
        "output tokens of gpt-x have come 1.8 times as slowly as usual to at least 3 of those watched here since "
        "21 Nov 2026, 12:00 UTC",
    ),
    (PoolShare(0.872), "87% of the latest answers were slower than usual"),
    (
        PoolStays(1.8),
        "those watched here have stayed 1.8 times as slow as before; that is the new baseline",
    ),
    (
        PoolStays(1.8, "gpt-x"),
        "the streams of gpt-x have stayed 1.8 times as slow as before; that is the new baseline",
    ),
    (
        LimitsWithheld(Withheld.VANISHED),
        "a refusal came without the limits that every answer used to carry",
    ),
    (LimitsWithheld(Withheld.ZERO), "a refusal gives a limit of 0"),
    (LimitsWithheld(Withheld.SAID), "the provider says so in its refusal"),
    (
        CeilingFell("requests", 60, 500, 1000, NOON),
        "the limit on requests per minute fell from 1,000 to 500 on 21 Nov 2026, 12:00 UTC",
    ),
    (CeilingAnswers(4, 5), "4 of the last 5 answers say so"),
    (CeilingUnit(1000), "it is exactly 1/1,000 of what it was: perhaps the unit has changed"),
    (
        CeilingStays("requests", 18_000, 500, 1000),
        "requests per 5 hours: 500 instead of 1,000; it has stayed that way and is the new baseline",
    ),
    (
        CeilingStays("input_tokens", None, 500, 1000, NOON),
        "input tokens: 500 instead of 1,000; not given since 21 Nov 2026, 12:00 UTC, so nobody knows",
    ),
    (
        LessLeft("requests", 60, 0.1, 0.92),
        "less than 10% of the requests per minute are left; usually 92% are",
    ),
    (
        UsedByOthers(),
        "the canaries use no more than before: what you run uses more, or somebody else uses this key",
    ),
    (
        ModelGone(7, NOON),
        "it is missing from the provider's list of 7 models; it was there until 21 Nov 2026, 12:00 UTC",
    ),
    (
        ReminderDue("card", date(2026, 12, 3)),
        "card expires on 3 December 2026: this date comes from the configuration, not from anything observed",
    ),
    (ProviderWarns("sunset: 2027"), "the provider says so alongside its answers: sunset: 2027"),
    (
        AllSlow(),
        "everything probed since then answers slowly, at providers that share nothing but the network path to them",
    ),
    (RemarkOn("openai", PoolRose(1.8, NOON)), "openai: 1.8 times as slow as usual since 12:00 UTC"),
    (RemarkOn("openai/main", "as it was written"), "openai/main: as it was written"),
    (AtUsualPace(1), "1 other account of this provider answers at the usual pace"),
    (AtUsualPace(2), "2 other accounts of this provider answer at the usual pace"),
]
"""Reasons, and how their English sentences begin."""
REMARKS = [
    ("Your account has been deactivated.", "Your account has been deactivated."),
    (CreditLeft("USD", 3), "3.00 USD left"),
    (FlapTurns(6, 5), "6 changes between up and down in 5 min"),
    (PaceRose(Measure.FIRST, 0.5, 1.3, NOON), "usual 0.50 s, now 1.30 s since 12:00 UTC"),
    (
        PaceStays(Measure.TOKEN, 16, 4),
        "output tokens after the first: 12 tokens/s instead of 50 tokens/s; it has stayed that way and is the new "
        "baseline",
    ),
    (PoolRose(1.8, NOON), "1.8 times as slow as usual since 12:00 UTC"),
    (PoolRose(1.8, NOON, "gpt-x"), "output tokens of gpt-x have come 1.8 times as slowly as usual since 12:00 UTC"),
    (
        PoolStays(1.8),
        "those watched here have stayed 1.8 times as slow as before; that is the new baseline",
    ),
    (CeilingNow("requests", 60, 500, 1000), "requests per minute: 500 instead of 1,000"),
    (
        CeilingStays("requests", 60, 500, 1000),
        "requests per minute: 500 instead of 1,000; it has stayed that way and is the new baseline",
    ),
    (HardlyLeft("requests", 60), "requests per minute: hardly anything is left"),
    (NotListed("gpt-x", 7), "no gpt-x among 7 models"),
    (DateEntered(date(2026, 12, 3)), "3 December 2026"),
    (DrillOnly(), "This is a drill. No provider said this, and nothing is wrong with the account."),
]
"""Remarks, and what they say in English."""
EVERY = [*REASONS, *((RemarkOn("openai", one), said) for one, said in REMARKS if not isinstance(one, DrillOnly))]


def of_a_provider(*found, **facts):
    return incident(
        fault=Fault.SERVER_ERROR, scope=Scope.PROVIDER, reasons=found, reasoned_at=at(60), evidence=(), **facts
    )


def test_there_is_an_example_of_each_doubt():
    assert {type(one) for one, _ in DOUBTS} == set(get_args(Doubt))
    assert {type(one.met) for one, _ in DOUBTS if isinstance(one, PlatformChanged)} <= set(get_args(Misread))
    assert {one.to for one, _ in DOUBTS if isinstance(one, RedirectRefused)} == set(Detour)
    assert {one.bound for one, _ in DOUBTS if isinstance(one, BoundExceeded)} == set(Bound)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        *((MEASURED, Measure), (WITHHELD, Withheld), (STAGE_WORK, Stage)),
        *((DEFECTS, Defect), (OBSTACLES, Obstacle), (DETOURS, Detour), (BOUNDS, Bound), (PROXIES, ProxyFault)),
    ],
)
def test_a_table_has_a_sentence_for_each_value(table, kind):
    assert set(table) == set(kind)


@each_row(("found", "said"), REASONS)
def test_a_reason_is_said_as_of_when_it_was_found(found, said):
    (sentence,) = describe_reasons(of_a_provider(found))

    assert sentence.startswith(said)


@each_row(("found", "said"), REMARKS)
def test_what_stands_for_an_answer_is_said_in_short(found, said):
    assert describe_answer(found) == said


@each_row("found", [one for one, _ in EVERY])
def test_what_is_kept_is_read_as_it_was(found):
    kept = of_a_provider(found, ending=found)

    assert msgspec.json.decode(msgspec.json.encode(kept), type=Incident) == kept


@each_row("found", [one for one, _ in REMARKS])
def test_evidence_is_read_as_it_was(found):
    kept = Evidence("openai/main/chat", NOON, Fault.SLOW, "latency/total", found)

    assert msgspec.json.decode(msgspec.json.encode(kept), type=Evidence) == kept


def test_what_a_version_of_before_kept_is_said_as_it_wrote_it():
    words = "requests per minute: 500 instead of 1,000"
    row = {
        **msgspec.to_builtins(incident(closed_at=NOON)),
        "reasons": ["the ceiling fell"],
        "ending": f"{words}; it stays so",
        "evidence": [{"target": "a/b/c", "at": NOON, "fault": "slow", "rule": "limits/fallen", "words": words}],
    }
    old = msgspec.convert(row, Incident, strict=False)

    german = load_language("de")
    for language in (Language(), german):
        assert describe_reasons(old, language) == ["the ceiling fell"]
        assert describe_ending(old, language) == f"{words}; it stays so"
        assert describe_answer(old.evidence[0].words, language) == words
    assert describe_ending(msgspec.convert({**row, "ending": ""}, Incident, strict=False)) == ""


def test_an_incident_is_spelled_out_for_a_template_of_somebodys_own():
    evidence = Evidence("openai/main", NOON, Fault.INVALID_KEY, "drill", DrillOnly())
    it = with_sentences(replace(of_a_provider(UnderReview()), ending=NoLongerWatched(), evidence=(evidence,)))

    assert it.reasons == ("a sign that the account may be under review, not that it is lost",)
    assert it.ending == "it is no longer watched: the configuration no longer names it"
    assert it.evidence[0].words.startswith("This is a drill.")


QUOTED = {
    *("HTTP", "openai", "main", "chat", "list", "count", "gpt", "card", "Errors", "USD", "CNY", "OSError", "sunset"),
    *("Chat", "is", "empty", "as", "it", "was", "written", "what", "a", "user", "wrote", "UTC"),
    *("FRA", "SIN", "IAD"),
    *("Your", "account", "has", "been", "deactivated"),
}
"""What the examples quote: names, codes, and foreign words."""


@each_row("found", [one for one, _ in EVERY])
def test_no_word_of_ours_is_said_but_through_the_language(found):
    (sentence,) = describe_reasons(of_a_provider(found), mute())

    assert set(re.findall(r"[A-Za-z]{2,}", sentence)) <= QUOTED


PLAIN = {
    str: some.text("0123456789", min_size=1, max_size=8),  # no letters: a word in a sentence is then one of ours
    int: some.integers(1, 10**6),
    float: some.floats(0.01, 1e6),
    bool: some.booleans(),
    type(None): some.none(),
    datetime: some.datetimes(NOON.replace(tzinfo=None), at(1e7).replace(tzinfo=None), timezones=some.just(UTC)),
    date: some.dates(date(2026, 1, 1), date(2028, 1, 1)),
    timedelta: some.timedeltas(timedelta(minutes=1), timedelta(days=40)),
    Claim: some.builds(Claim, some.none() | some.text("0123456789", min_size=1), some.sampled_from(list(CLAIMS))),
}


def any_of(its):
    """Return a strategy of all values of a type: of one of our values, of what is in it, of a union or a tuple."""
    if its in PLAIN:
        return PLAIN[its]
    if get_origin(its) is tuple:
        return some.lists(any_of(get_args(its)[0]), min_size=1, max_size=3).map(tuple)
    if parts := get_args(its):
        has_values = any(isinstance(part, type) and issubclass(part, msgspec.Struct) for part in parts)
        return some.one_of([any_of(part) for part in parts if not (has_values and part is str)])
    if issubclass(its, msgspec.Struct):
        return some.builds(its, **{one.name: any_of(one.type) for one in msgspec.structs.fields(its)})
    return some.sampled_from(its)


SPEECHES = [load_language(language) for language in SHIPPED]
ROLES = {"reason": Reason, "remark": AnswerWords}
KINDS = [(role, kind) for role, its in ROLES.items() for kind in get_args(its) if kind is not str]
CODES = {"HTTP", "UTC"}
"""Words that are the same in each language."""


def spoken(role, found, language):
    return describe_reasons(of_a_provider(found), language)[0] if role == "reason" else describe_answer(found, language)


@pytest.mark.parametrize(("role", "kind"), KINDS, ids=lambda one: getattr(one, "__name__", one))
@settings(max_examples=20)
@given(some.data())
def test_whatever_is_found_is_said_in_each_language_and_read_again_as_it_was(role, kind, data):
    found = data.draw(any_of(kind))
    english = spoken(role, found, Language())

    assert english
    assert set(re.findall(r"[A-Za-z]{2,}", spoken(role, found, mute()))) <= CODES
    assert not {spoken(role, found, speech) for speech in SPEECHES} & {"", english}
    proof = Evidence("a/b/c", NOON, Fault.SLOW, "x", found)
    it = replace(of_a_provider(), **{"reasons": (found,)} if role == "reason" else {"evidence": (proof,)})
    assert msgspec.json.decode(msgspec.json.encode(it), type=Incident) == it


@pytest.mark.parametrize("language", SHIPPED)
def test_a_page_in_another_language_has_no_english_reason(language):
    """An incident for each kind of reason, and of remark, and for each way to end."""
    speech = load_language(language)
    found = [one for one, _ in EVERY if not isinstance(one.words if isinstance(one, RemarkOn) else one, str)]
    opened = [replace(of_a_provider(one), id=f"reason-{n}") for n, one in enumerate(found)]
    proofs = [Evidence("openai/main", NOON, Fault.SLOW, "x", one) for one, _ in REMARKS]
    opened += [replace(incident(evidence=(one,)), id=f"proof-{n}", reasons=()) for n, one in enumerate(proofs)]
    ended = replace(of_a_provider(), id="ended", ending=NoLongerWatched(), closed_at=NOON)
    shot = snapshot(
        account(),
        open_incidents=tuple(shown(one, advice="") for one in opened),
        past_incidents=(shown(ended, advice=""),),
        manner=SiteSettings(language=language),
    )
    files = render(shot)
    text = {it.id: Document(files[f"incidents/{it.id}.html"]).text for it in (*opened, ended)}

    for it in opened[: len(found)]:
        assert speech.reasons(it)[0] in text[it.id]
        assert describe_reasons(it)[0] not in text[it.id]
    for n, one in enumerate(proofs):
        assert speech.remark(one.words) in text[f"proof-{n}"]
    assert speech.ending(ended) in text["ended"]
    assert "no longer watched" not in text["ended"]


CLAIMED = [Claim(part, impact) for part in ("Chat", None) for impact in CLAIMS]


@pytest.mark.parametrize("language", SHIPPED)
@pytest.mark.parametrize("claim", CLAIMED)
def test_what_a_page_shows_without_a_notice_is_said_in_the_language_of_ours(language, claim):
    """Also what an earlier version read: its notice has all that the title is made of."""
    speech = load_language(language)
    shown_as = component_notice("page", claim)
    source = SourceView("a/b", "A", "https://a.example", True, NOON, None, (shown_as,))
    page = Document(
        render(snapshot(account(), sources=(source,), manner=SiteSettings(language=language)))["index.html"]
    )
    (said,) = speech.reasons(of_a_provider(PageReports(shown_as.title, shown_as.stage[0], None, claim=shown_as.claim)))
    title = speech.about(claim.part or speech.say(WHOLE_PAGE), speech.say(CLAIMS[claim.impact]))

    assert shown_as.claim == claim
    assert title in page.text
    assert title in said
    assert shown_as.title not in page.text + said


def test_what_a_version_of_before_kept_of_a_posted_notice_is_said_as_it_wrote_it():
    old = {"type": "posted", "title": "API: full outage", "stage": "no notice posted", "since": None}

    (said,) = describe_reasons(of_a_provider(msgspec.convert(old, Reason)), DE)
    assert said == "die Seite des Anbieters meldet eine Störung: API: full outage (keine Meldung veröffentlicht)"


def test_german_writes_numbers_dates_and_plurals_as_german_does():
    german = load_language("de")
    it = of_a_provider(
        Siblings(1, at(20)),
        Siblings(2, at(20)),
        CreditPace("USD", 1234.5, 1.25),
        CeilingFell("requests", 60, 500, 1000, NOON),
        ReminderDue("card", date(2026, 12, 3)),
    )

    assert german.reasons(it) == [
        "1 anderes Konto dieses Anbieters hat seit Beginn geantwortet (geprüft: 12:00:20 UTC)",
        "2 andere Konten dieses Anbieters haben seit Beginn geantwortet (geprüft: 12:00:20 UTC)",
        "bei 1.234,50 USD am Tag, dem Verbrauch der letzten Tage, reicht es noch 1,2 Tage",
        "das Limit für Anfragen pro Minute fiel am 21. Nov. 2026, 12:00 UTC von 1.000 auf 500",
        "card läuft am 3. Dezember 2026 ab: Dieses Datum stammt aus der Konfiguration, nicht aus einer Beobachtung",
    ]


def test_a_reason_is_dated_as_it_is_read_long_after_it_was_found():
    fresh = incident(scope=Scope.PROVIDER, reasons=(StillAnswering(("chat",), at(40)),), reasoned_at=at(60))

    assert describe_reasons(fresh) == ["still answers: chat (probed at 12:00:40 UTC)"]


def test_that_a_call_without_a_key_is_answered_speaks_against_one_account():
    control = ControlAnswered(at(50), None, 401, 0.08)
    (said,) = describe_reasons(
        incident(fault=Fault.INVALID_KEY, scope=Scope.ACCOUNT, reasons=(control,), reasoned_at=at(60))
    )

    assert said.endswith("so the problem is this account")


@given(any_of(Doubt))
def test_whatever_is_doubted_of_a_source_has_no_word_but_those_of_its_language(doubt):
    assert set(re.findall(r"[A-Za-z]{2,}", describe_doubt(doubt, mute()))) <= CODES
    assert (
        msgspec.json.decode(msgspec.json.encode(StatusSource("a/b", problem=doubt)), type=StatusSource).problem == doubt
    )


@given(any_of(Doubt))
def test_whatever_is_doubted_of_a_source_is_said_in_each_language_shipped(doubt):
    for language in (DE, ZH):
        said = describe_doubt(doubt, language)
        assert said != describe_doubt(doubt)
        assert "{" not in said


@pytest.mark.parametrize("language", SHIPPED)
def test_a_page_in_another_language_says_in_it_why_a_source_is_dark(language):
    speech = load_language(language)
    found = [*(one for one, _ in DOUBTS), SourceStale(), None]
    sources = tuple(
        SourceView(f"a/{n}", f"a{n}", "https://a.example", False, None, one, ()) for n, one in enumerate(found)
    )
    files = render(snapshot(account(), sources=sources, manner=SiteSettings(language=language)))
    text = Document(files["index.html"]).text

    for n, one in enumerate(found):
        assert speech.about(f"a{n}", speech.doubt(one) if one else speech.say("not read yet")) in text
    status = json.loads(files["status.json"])["status_sources"]
    assert [one["problem"] for one in status] == [one and describe_doubt(one) for one in found]


def test_what_a_version_of_before_kept_of_a_source_is_quoted():
    source = msgspec.json.decode(b'{"id": "a/b", "problem": "is empty", "failures": 3}', type=StatusSource)
    (reason,) = [msgspec.convert({"type": "source-doubted", "problem": "is empty"}, Reason)]

    assert source.problem == "is empty"
    assert (describe_doubt(source.problem), describe_doubt(source.problem, DE)) == ("is empty", "is empty")
    assert describe_reasons(of_a_provider(reason), DE) == ["beim Lesen fiel auf: „is empty“"]
    assert describe_reasons(of_a_provider(reason), ZH) == ["读取时发现：“is empty”"]
