"""Snapshots for the tests of the page, built from what a test cares about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from msgspec.structs import replace

from monitor.alert.case import Delivery, OutboxState, Step
from monitor.detect.health import State
from monitor.diagnose.diagnosis import Evidence
from monitor.diagnose.incident import SEVERITIES, Change, ChangeKind, Incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.publish.history_bar import add_hours
from monitor.publish.snapshot import (
    PACE_STEPS,
    AccountView,
    CreditView,
    DayDurations,
    DurationView,
    IncidentView,
    ObjectiveView,
    Paces,
    ProviderView,
    Snapshot,
    SourceView,
    TargetView,
)
from monitor.slo.indicator import Cell, Reading
from monitor.slo.objective import ErrorBudget, Goal, Objective
from monitor.tally import EventTally, count_change, count_probe, expect
from probes.model import Answer, Confidence, Fault, Limit, Observation, Outcome, Target
from probes.phrase import Phrase

NOW = datetime(2026, 11, 21, 10, 34, tzinfo=UTC)
BEGAN = NOW - timedelta(minutes=23)
LONG_AGO = NOW - timedelta(days=18)
HOSTILE = "<script>alert(1)</script>\"'&amp;<b>\u202egnihton\u202c\U0001f525 " + "w" * 260


def cells(bad: Sequence[int] = (), gaps: Sequence[int] = ()) -> tuple[Cell, ...]:
    """Twenty-four hours up to NOW, numbered from the oldest: some only failed, some nobody looked at."""
    return _cells(tuple(bad), tuple(gaps))


@cache
def _cells(bad: tuple[int, ...], gaps: tuple[int, ...]) -> tuple[Cell, ...]:
    first = NOW.replace(minute=0) - timedelta(hours=23)

    def cell(hour: int) -> Cell:
        at = first + timedelta(hours=hour)
        return Cell(at) if hour in gaps else Cell(at, failed=12) if hour in bad else Cell(at, ok=12)

    return tuple(map(cell, range(24)))


def days(bad: Sequence[int] = (), gaps: Sequence[int] = ()) -> tuple[Cell, ...]:
    """Ninety days up to NOW, numbered from the oldest: some mostly failed, on some nobody looked."""
    return _days(tuple(bad), tuple(gaps))


@cache
def _days(bad: tuple[int, ...], gaps: tuple[int, ...]) -> tuple[Cell, ...]:
    first = NOW.replace(hour=0, minute=0) - timedelta(days=89)

    def cell(day: int) -> Cell:
        at = first + timedelta(days=day)
        return Cell(at) if day in gaps else Cell(at, ok=40, failed=60) if day in bad else Cell(at, ok=100)

    return tuple(map(cell, range(90)))


@cache
def paces(length: int = 30) -> tuple[DayDurations, ...]:
    first = NOW.replace(hour=0, minute=0) - timedelta(days=length)
    return tuple(
        DayDurations(first + timedelta(days=day), 0.5 + day % 7 / 10, 1 + day % 5 / 5) for day in range(length)
    )


@cache
def day_of_paces(usual: float = 0.6, answered: int = PACE_STEPS) -> Paces:
    """The durations of the last 24 hours, around what is usual; after the first `answered` steps no answer came."""
    its = (usual * (1 + (step * 7 % 11 - 5) / 40) for step in range(PACE_STEPS))
    return tuple(one if step < answered else None for step, one in enumerate(its))


def ceiling(now: float, before: float | None = None, days_ago: int = 12) -> tuple[Reading, ...]:
    """What a ceiling was in the last 30 days; with `before`, it is what it is only since so many days ago."""
    if before is None:
        return Reading(NOW - timedelta(days=29), now), Reading(NOW, now)
    earlier = (Reading(NOW - timedelta(days=day), before) for day in range(29, days_ago, -1))
    return (*earlier, Reading(NOW - timedelta(days=days_ago), now), Reading(NOW, now))


def target(
    account: str = "openai/main", canary: str = "chat", state: State = State.UP, **changes: object
) -> TargetView:
    fault = Fault.TIMEOUT if state in (State.DOWN, State.SUSPECTED) else None
    view = TargetView(
        id=f"{account}/{canary}",
        canary=canary,
        model="gpt-5-mini" if canary == "chat" else None,
        state=state,
        fault=fault,
        reason="the day's budget is spent" if state is State.UNKNOWN else None,
        since=LONG_AGO if state is State.UP else BEGAN,
        seen_at=NOW - timedelta(seconds=20),
        interval_s=300 if canary == "chat" else 60,
        latency=DurationView(1.93, 1.71, 3.2, 1.2),
        ttft=DurationView(0.62, 0.58, 1.1, 0.41) if canary == "chat" else DurationView(),
        token=DurationView(0.02, 0.0185) if canary == "chat" else DurationView(),
        availability=1.0,
        cells=cells(),
        limits=(Limit("requests", 60, 500, 498), Limit("tokens", 60, 200_000, 199_100)) if canary == "chat" else (),
        days=days(),
        limited_since=(LONG_AGO, LONG_AGO) if canary == "chat" and "limits" not in changes else (),
        latency_days=paces(),
        ttft_days=paces() if canary == "chat" else (),
        latencies=day_of_paces(1.8) if canary == "chat" else (),
        ttfts=day_of_paces() if canary == "chat" else (),
        ceilings=(ceiling(500), ceiling(200_000, 150_000)) if canary == "chat" and "limits" not in changes else (),
        next_at=NOW + timedelta(seconds=40),
        well_at=NOW - timedelta(seconds=20) if state in (State.UP, State.SUSPECTED) else LONG_AGO,
        free=canary == "list",
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def account(
    id: str = "openai/main", targets: Sequence[TargetView] | None = None, state: State | None = None, **changes: object
) -> AccountView:
    """An account whose state, unless told, is that of its first target that is not up."""
    if targets is None:
        targets = (target(id, "list", state or State.UP), target(id, "chat", state or State.UP))
    worst = next((it for it in targets if it.state is not State.UP), targets[0] if targets else None)
    view = AccountView(
        id=id,
        name=id.split("/")[1],
        note="",
        tags=(),
        state=state or (worst.state if worst else State.UNKNOWN),
        fault=worst.fault if worst else None,
        since=worst.since if worst else None,
        advice=(),
        spent_usd=0.04,
        targets=tuple(targets),
    )
    return replace(view, **_in_phrases(changes))  # type: ignore[arg-type]


def _in_phrases(changes: dict[str, object]) -> dict[str, object]:
    """Let advice be given as English text."""
    text = changes.get("advice")
    return changes | {"advice": (Phrase(text),) if text else ()} if isinstance(text, str) else changes


def sick(id: str, fault: Fault, **changes: object) -> AccountView:
    targets = tuple(
        target(id, canary, State.DOWN, fault=fault, availability=0.958, cells=cells(bad=[23]))
        for canary in ("list", "chat")
    )
    return account(id, targets, **changes)


def incident(
    subject: str = "openai/team-b",
    fault: Fault = Fault.ACCOUNT_SUSPENDED,
    scope: Scope = Scope.ACCOUNT,
    **changes: object,
) -> Incident:
    targets = tuple(f"{subject}/{canary}" for canary in ("chat", "list"))
    words = "Your account has been deactivated, please check your email for more information."
    made = Incident(
        id=f"20261121-101100-{subject.replace('/', '-')}",
        about=read_subject(scope, subject, targets),
        fault=fault,
        severity=SEVERITIES[fault],
        confidence=Confidence.HIGH,
        opened_at=BEGAN,
        reasons=("chat, list: HTTP 401, account_suspended", "2 other accounts of this provider do not share it"),
        targets=targets,
        evidence=tuple(
            Evidence(it, BEGAN, fault, "openai.account_deactivated", words, 401, "req_5f3c9a1b77e24d0c")
            for it in targets
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def shown(it: Incident | None = None, **changes: object) -> IncidentView:
    it = it or incident()
    view = IncidentView(
        incident=it,
        advice=(
            Phrase(
                "Stop automated traffic on this key and appeal with the request ids below at "
                "https://help.openai.com/en/.\nMeanwhile use openai/main: it answered 20 s ago."
            ),
        ),
        told=(Delivery("ops-mail", Step.OPENED, OutboxState.SENT, it.opened_at + timedelta(seconds=28), 1),),
    )
    return replace(view, **_in_phrases(changes))  # type: ignore[arg-type]


def with_cells(provider: ProviderView) -> ProviderView:
    """A provider with the cells of all that is asked at its own address."""
    asked = [one for account in provider.accounts if not account.own_host for one in account.targets]
    cells, days = add_hours([one.cells for one in asked]), add_hours([one.days for one in asked])
    return replace(provider, cells=tuple(cells), days=tuple(days))


def snapshot(*accounts: AccountView, **changes: object) -> Snapshot:
    """Group accounts by the provider in their id."""
    names = {"openai": "OpenAI", "anthropic": "Anthropic", "gemini": "Google Gemini"}
    ids = dict.fromkeys(it.id.split("/")[0] for it in accounts)
    its = {id: tuple(one for one in accounts if one.id.split("/")[0] == id) for id in ids}
    providers = (with_cells(ProviderView(id, names.get(id, id), its[id])) for id in ids)
    made = Snapshot(
        made_at=NOW,
        fresh_s=180,
        title="Our AI accounts",
        location="fra1",
        simulated=False,
        warnings=(),
        providers=tuple(providers),
        open_incidents=(),
        past_incidents=(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def four_accounts(**changes: object) -> Snapshot:
    """Three accounts that work and one that is suspended, with its incident."""
    return snapshot(
        account("openai/main"),
        sick("openai/team-b", Fault.ACCOUNT_SUSPENDED),
        account("openai/research", tags=("batch",), note="Only for the night runs."),
        account("anthropic/main"),
        **{"open_incidents": (shown(),)} | changes,
    )


def past(days_ago: int, fault: Fault = Fault.SERVER_ERROR, subject: str = "anthropic") -> IncidentView:
    began = NOW - timedelta(days=days_ago)
    scope = Scope.ACCOUNT if "/" in subject else Scope.PROVIDER
    ended = began + timedelta(minutes=17 + days_ago)
    return shown(incident(subject, fault, scope, id=f"{began:%Y%m%d}-past", opened_at=began, closed_at=ended))


def in_full():
    """A snapshot of which each metric has a sample."""
    credit = CreditView("USD", NOW, "4 USD left", 4, 50, 6, None)
    promise = Objective("answers", "openai/main", frozenset(), availability=0.999)
    reserve = ErrorBudget(Goal.AVAILABILITY, 0.999, 0.9995, 0.5, 28, (1.0, 1.0, 1.0))
    source = SourceView("openai/page", "openai", "https://status.example", True, NOW, None, ())
    chat = Target("openai/c", "openai", "chat", "gpt-5-mini")
    refused = Answer("openai.account_deactivated", "deactivated")
    tally = EventTally(begun_at=NOW)
    expect(tally, ["phone"], ["openai/page"])
    count_probe(tally, Observation(chat, NOW, Outcome.OK, latency_s=0.7, ttft_s=0.3, cost_usd=0.001))
    fault = Fault.ACCOUNT_SUSPENDED
    count_probe(tally, Observation(chat, NOW, Outcome.FAILED, fault=fault, answer=refused))
    count_change(tally, Change(incident("openai/c"), ChangeKind.OPENED, NOW))
    return snapshot(
        *(account(credits=(credit,)), sick("openai/b", Fault.TIMEOUT), sick("openai/c", fault)),
        account("openai/partner", ties=("login jo",)),
        sick("openai/ill", Fault.ACCOUNT_SUSPENDED, ties=("login jo",)),
        open_incidents=(shown(incident("openai/c")),),
        sources=(source,),
        objectives=(ObjectiveView(promise, (reserve,)),),
        tally=tally.take_changed(),
    )
