"""A fleet of accounts with nine open incidents, as large as a test wants it: for the look of the page."""

import random
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.console.demonstration import KEYS
from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.snapshot import (
    PACE_STEPS,
    AccountView,
    CreditView,
    DurationView,
    IncidentView,
    Paces,
    Snapshot,
    SourceView,
    Substitute,
    TargetView,
)
from monitor.slo.indicator import Reading
from probes.advice import AdviceContext, choose_advice
from probes.catalog import load_provider
from probes.model import Fault
from probes.notice import Impact, Notice, NoticePhase
from tests.builders_page import BEGAN, NOW, account, days, incident, past, shown, snapshot, target

REAL = {
    "alder": "openai", "birch": "anthropic", "cedar": "groq", "elm": "gemini", "fir": "cohere", "hazel": "xai",
    "linden": "mistral", "maple": "deepseek", "oak": "together", "rowan": "openrouter",
}  # fmt: skip
"""Invented providers, and whose advice each gives: no picture says of a company that it is down."""
PROVIDERS = tuple(REAL)
NAMES = ("production", "backup", "team-b", "research")

ALL = frozenset({"list", "chat"})
TROUBLES = (
    ("alder/production", Fault.ACCOUNT_SUSPENDED, Scope.ACCOUNT, ALL, "alder/backup"),
    ("cedar", Fault.SERVER_ERROR, Scope.PROVIDER, ALL, "maple/production"),
    ("birch/team-b", Fault.QUOTA_EXHAUSTED, Scope.ACCOUNT, ALL, "birch/production"),
    ("hazel/research", Fault.TIMEOUT, Scope.ACCOUNT, ALL, "hazel/backup"),
    ("fir/backup", Fault.INVALID_KEY, Scope.ACCOUNT, ALL, "fir/production"),
    ("rowan/backup", Fault.BLOCKED_BY_EDGE, Scope.ACCOUNT, ALL, "rowan/production"),
    ("linden/research/chat", Fault.PERMISSION_DENIED, Scope.CAPABILITY, frozenset({"chat"}), "linden/team-b"),
)
"""What fails: the subject, how, how widely, which canaries, and what to use instead."""
ANSWERS = {
    Fault.ACCOUNT_SUSPENDED: "HTTP 401, account_suspended",
    Fault.SERVER_ERROR: "HTTP 500, server_error",
    Fault.QUOTA_EXHAUSTED: "HTTP 429, insufficient_quota",
    Fault.TIMEOUT: "no answer within 30 s",
    Fault.INVALID_KEY: "HTTP 401, invalid_api_key",
    Fault.BLOCKED_BY_EDGE: "HTTP 403, a page instead of an answer",
    Fault.PERMISSION_DENIED: "HTTP 403, missing scope: model.request",
    Fault.LIMIT_COLLAPSE: "500 requests per minute yesterday, 10 now",
    Fault.LOW_BALANCE: "41.00 USD left, 13 a day",
}
"""What came back, as a reason says it."""
PAST = (
    (1, Fault.TIMEOUT, "maple"),
    (3, Fault.QUOTA_EXHAUSTED, "birch/production"),
    (9, Fault.OVERLOADED, "elm"),
    (24, Fault.INVALID_KEY, "oak/research"),
    (40, Fault.SERVER_ERROR, "hazel"),
)
SIGNS = (("oak/team-b", Fault.LIMIT_COLLAPSE), ("maple/production", Fault.LOW_BALANCE))


def fleet(number: int, *, well: bool = False, seed: int = 3) -> Snapshot:
    """Return `number` accounts at ten providers, or at one if there are fewer; `well`: nothing is open."""
    chance = random.Random(seed)
    providers = PROVIDERS if number >= len(PROVIDERS) else PROVIDERS[:1]
    accounts = [
        _account(f"{provider}/{_name(at)}", chance) for provider in providers for at in range(number // len(providers))
    ]
    opened: tuple[IncidentView, ...] = ()
    if not well:
        accounts = [_hurt(one) for one in accounts]
        opened = tuple(_incidents(accounts))
    shot = snapshot(
        *accounts,
        open_incidents=opened,
        past_incidents=tuple(past(*one) for one in PAST),
        sources=_sources(providers),
        title="AI accounts",
        location="office",
    )
    return replace(shot, providers=tuple(replace(one, name=one.id.capitalize()) for one in shot.providers))


def _name(at: int) -> str:
    return NAMES[at % len(NAMES)] + (f"-{at // len(NAMES):02}" if at >= len(NAMES) else "")


def _account(id: str, chance: random.Random) -> AccountView:
    past_days = days(
        bad=chance.sample(range(90), chance.choice((0, 0, 1, 2))), gaps=range(chance.choice((0, 0, 0, 40)))
    )
    first_token = DurationView(chance.uniform(0.2, 0.7), 0.4, 0.6, 0.3)
    targets = (
        target(id, "list", days=past_days),
        target(id, "chat", days=past_days, ttft=first_token, ttfts=_ttfts(chance)),
    )
    is_production = id.endswith("/production")
    credit = CreditView(
        *("USD", NOW, "41.00 of 200.00 USD left", 41.0, 200.0, 3.1 if id == "maple/production" else 31.0, None),
        floor=20.0,
        readings=tuple(Reading(NOW - timedelta(days=day), 41 + 1.3 * day) for day in range(29, 0, -1)),
    )
    return account(
        id,
        targets,
        tags=("production",) if is_production else (),
        priority=1 if id in ("alder/production", "maple/production") else None,
        credits=(credit,) if is_production else (),
    )


def _ttfts(chance: random.Random) -> Paces:
    """Restless durations, with an hour that was slow."""
    level, slow = chance.uniform(0.35, 0.45), chance.randrange(10, 60)
    return tuple(
        level * chance.uniform(0.85, 1.15) * (2.2 if slow <= step < slow + 3 else 1) for step in range(PACE_STEPS)
    )


def _hurt(one: AccountView) -> AccountView:
    for minutes, (subject, fault, _, canaries, _) in enumerate(TROUBLES, 6):
        if one.id == subject or one.id.startswith(f"{subject}/") or subject.startswith(f"{one.id}/"):
            return _hurt_by(one, fault, _ago(minutes), canaries)
    return one


def _hurt_by(one: AccountView, fault: Fault, since: datetime, canaries: frozenset[str] = ALL) -> AccountView:
    targets = tuple(_failing(it, fault, since) if it.canary in canaries else it for it in one.targets)
    return replace(one, targets=targets, state=State.DOWN, fault=fault, since=since)


def _failing(it: TargetView, fault: Fault, since: datetime) -> TargetView:
    today = replace(it.days[-1], ok=95, failed=5)
    latencies, ttfts = ((*its[:-2], None, None) if its else its for its in (it.latencies, it.ttfts))
    return replace(
        it,
        state=State.DOWN,
        fault=fault,
        availability=0.95,
        since=since,
        days=(*it.days[:-1], today),
        latencies=latencies,
        ttfts=ttfts,
    )


def _incidents(accounts: list[AccountView]) -> list[IncidentView]:
    failing = {it.id for one in accounts for it in one.targets if it.state is State.DOWN}
    opened = []
    for minutes, (subject, fault, scope, canaries, use) in enumerate(TROUBLES, 6):
        owner = "/".join(subject.split("/")[:2])
        targets = tuple(sorted(id for id in failing if id.startswith(f"{owner}/") and id.split("/")[-1] in canaries))
        if targets:
            siblings = sum(one.id.startswith(f"{subject.partition('/')[0]}/") for one in accounts)
            it = incident(
                subject,
                fault,
                scope,
                id=f"open-{minutes}",
                targets=targets,
                opened_at=_ago(minutes),
                detected_at=_ago(minutes) + timedelta(seconds=50),
                reasons=_reasons(subject, fault, canaries, siblings),
            )
            it = replace(it, evidence=tuple(replace(one, at=it.opened_at) for one in it.evidence))
            told = _advice(subject, fault, use)
            opened.append(shown(it, advice=told, instead=(Substitute(use, NOW - timedelta(seconds=8)),)))
    ids = {one.id for one in accounts}
    for minutes, (subject, fault) in enumerate(SIGNS, 20):
        if subject in ids:
            reasons = (ANSWERS[fault],)
            it = incident(subject, fault, id=f"open-{minutes}", signal=True, opened_at=_ago(minutes), reasons=reasons)
            opened.append(shown(it, advice=_advice(subject, fault)))
    return opened


def _reasons(subject: str, fault: Fault, canaries: frozenset[str], of: int) -> tuple[str, ...]:
    alone = f"{of - 1} other accounts of this provider do not share it"
    others = alone if "/" in subject else f"{of} of {of} accounts share it"
    return f"{', '.join(sorted(canaries))}: {ANSWERS[fault]}", others


def _advice(subject: str, fault: Fault, *works: str) -> str:
    provider = load_provider(REAL[subject.partition("/")[0]])
    return choose_advice(fault, provider, around=AdviceContext(served="/" in subject, works=works))


def _ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def _sources(providers: tuple[str, ...]) -> tuple[SourceView, ...]:
    page = "https://status.example"
    errors = Notice("1", "Elevated errors", f"{page}/1", NoticePhase.INVESTIGATING, Impact.MAJOR, (), BEGAN)
    work = Notice("2", "Maintenance of the batch service", f"{page}/2", NoticePhase.SCHEDULED, Impact.NONE, (),
                  NOW + timedelta(days=3), planned=True)  # fmt: skip
    told = {"cedar": (errors, work)}
    return tuple(
        SourceView(f"{id}/page", id.capitalize(), page, id != "rowan", NOW, None, told.get(id, ())) for id in providers
    )


def offline(number: int) -> Snapshot:
    """Return a fleet of which nothing is known, as this monitor cannot reach anybody."""
    reasons = ("5 of 5 neutral hosts do not answer", "no account of any provider answers")
    alone = incident(
        "",
        Fault.CONNECTION_FAILED,
        Scope.MONITOR,
        id="offline",
        targets=(),
        opened_at=_ago(4),
        reasons=reasons,
        evidence=(),
    )
    return replace(
        fleet(number, well=True), open_incidents=(shown(alone, advice="Check the network of this machine."),)
    )


def demonstrated() -> Snapshot:
    """Return what the demonstration shows a minute after its start: one of its accounts is suspended."""
    ill, began = "openai/production", NOW - timedelta(seconds=40)
    today = days(gaps=range(89))
    young = {"days": today, "latency_days": (), "ttft_days": (), "since": NOW - timedelta(seconds=70)}
    accounts = [account(id, [target(id, canary, **young) for canary in ("list", "chat")]) for id in KEYS]
    targets = tuple(f"{ill}/{canary}" for canary in ("chat", "list"))
    it = shown(
        incident(ill, id="open", targets=targets, opened_at=began),
        instead=(Substitute("openai/backup", NOW - timedelta(seconds=3)),),
    )
    made = snapshot(
        *(_hurt_by(one, Fault.ACCOUNT_SUSPENDED, began) if one.id == ill else one for one in accounts),
        open_incidents=(it,),
        title="AI accounts (demonstration)",
        simulated=True,
    )
    return replace(made, providers=tuple(replace(one, name=load_provider(one.id).name) for one in made.providers))
