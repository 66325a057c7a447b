"""What a diagnosis rests on: failing answers, and the evidence for and against it."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter

from msgspec import Struct, field

from monitor.detect.health import Health, State
from monitor.diagnose.corroboration import Corroboration, StatusPage
from monitor.diagnose.diagnosis import ACCOUNT_WIDE, Diagnosis, Evidence
from monitor.diagnose.reason import (
    CanaryFailure,
    ControlAnswered,
    FailingShare,
    NoOtherAccount,
    PageReports,
    PageSilent,
    Reason,
    Siblings,
    StillAnswering,
    Symptom,
)
from monitor.diagnose.subject import Subject
from monitor.diagnose.target_state import (
    EPOCH,
    SAME_INSTANT,
    TargetState,
    TargetStates,
    began_at,
    earliest_start,
    gravest_fault,
    is_healthy,
)
from probes.model import Blame, Confidence, Fault

LATE = timedelta(minutes=10)
"""Time before the latest failure after which an older good answer no longer counts: it may fail by now."""


class AnswererView(Struct, frozen=True):
    """All accounts that one company answers; `sick` holds what fails and is not explained yet.

    `well`: when each account last worked, by the canaries that were asked for, found when it is first needed.
    """

    answerer: str
    accounts: Mapping[str, TargetStates]
    sick: Mapping[str, TargetStates]
    corroboration: Corroboration
    well: dict[frozenset[str], Sequence[tuple[datetime, str]]] = field(default_factory=dict)

    @property
    def page(self) -> StatusPage | None:
        return self.corroboration.pages.get(self.answerer)


def diagnosis_of(
    about: Subject,
    states: TargetStates,
    confidence: Confidence,
    reasons: Iterable[Reason | None],
    *,
    blame: Blame | None = None,
) -> Diagnosis:
    return Diagnosis(
        about=about,
        fault=gravest_fault(states),
        confidence=confidence,
        since=min(map(began_at, states)),
        reasons=tuple(reason for reason in reasons if reason is not None),
        targets=tuple(sorted(p.target.id for p in states)),
        evidence=tuple(map(evidence_of, states)),
        blamed=blame,
    )


def evidence_of(state: TargetState) -> Evidence:
    health = state.health
    if not (health.fault and health.answer and health.seen_at):
        raise ValueError(f"{state.target.id} is {health.state}: only what failed is evidence")
    return Evidence(
        target=state.target.id,
        at=health.seen_at,
        fault=health.fault,
        rule=health.answer.rule,
        words=health.answer.words,
        status=health.status,
        request_id=health.request_id,
        phase=health.answer.phase,
    )


def symptom_of(states: TargetStates) -> Symptom:
    kinds: dict[tuple[int | None, Fault], set[str]] = defaultdict(set)
    for state in states:
        if state.health.fault:
            kinds[state.health.status, state.health.fault].add(state.target.canary)
    met = (CanaryFailure(tuple(sorted(canaries)), status, fault) for (status, fault), canaries in kinds.items())
    return Symptom(tuple(sorted(met, key=lambda one: (one.status or 0, one.fault))))


def failing_share(view: AnswererView, hit: Collection[str], seen: Collection[str]) -> Reason:
    return NoOtherAccount(len(view.accounts)) if len(seen) == 1 else FailingShare(len(hit), len(seen))


def still_answering(accounts: Mapping[str, TargetStates], sick: TargetStates) -> StillAnswering | None:
    well = still_well((one for its in accounts.values() for one in its), sick)
    return what_answers((one.target.canary, one.health) for one in well)


def still_well(states: Iterable[TargetState], sick: TargetStates) -> list[TargetState]:
    start = earliest_start(sick)
    latest = max((one.health.seen_at or start for one in sick), default=start)
    return [one for one in states if is_healthy(one, max(start, latest - LATE))]


def what_answers(well: Iterable[tuple[str, Health]]) -> StillAnswering | None:
    """Return what answers, by name, with the oldest of their latest good answers; None if nothing does."""
    seen: dict[str, datetime] = {}
    for name, health in well:
        seen[name] = max(seen.get(name, EPOCH), health.seen_at or EPOCH)
    return StillAnswering(tuple(sorted(seen)), min(seen.values())) if seen else None


def siblings_of(view: AnswererView, accounts: Collection[str], sick: TargetStates) -> Siblings | None:
    """Return how many other accounts answered well since; what is wrong with a whole account shows at any canary."""
    start = earliest_start(sick)
    is_wide = any(one.health.fault in ACCOUNT_WIDE for one in sick)
    well = _last_well(view, frozenset() if is_wide else frozenset(one.target.canary for one in sick))
    since = well[bisect_left(well, start - SAME_INSTANT, key=itemgetter(0)) :]
    seen = [at for at, account in since if account not in accounts]
    return Siblings(len(seen), seen[0]) if seen else None


def _last_well(view: AnswererView, canaries: frozenset[str]) -> Sequence[tuple[datetime, str]]:
    """Return when each account that works was last seen to, at one of these canaries or at any, the oldest first."""
    if canaries not in view.well:
        view.well[canaries] = sorted(
            (max(seen), account)
            for account, its in view.accounts.items()
            if (
                seen := [at for one in its if (at := _well_at(one)) and (not canaries or one.target.canary in canaries)]
            )
        )
    return view.well[canaries]


def _well_at(state: TargetState) -> datetime | None:
    return state.health.seen_at if state.health.state is State.UP else None


def status_page_reason(page: StatusPage | None) -> PageReports | PageSilent | None:
    if page is None:
        return None
    if notice := page.trouble or page.maintenance:
        return PageReports(notice.title, notice.stage[0], notice.began_at, notice.planned, notice.claim)
    return PageSilent(page.readable, page.is_whole)


def control_reason(view: AnswererView, states: TargetStates) -> ControlAnswered | None:
    """Return what the control probe says; None if the API itself refused the key, or it is from before the trouble."""
    control = view.corroboration.controls.get(view.answerer)
    refused = all(state.health.fault and state.health.fault.blame is Blame.ACCOUNT for state in states)
    if control is None or refused or control.at < min(map(began_at, states)):
        return None
    return ControlAnswered(control.at, control.fault, control.status, control.latency_s)


SURENESS = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)


def confidence_of(states: Iterable[TargetState]) -> Confidence:
    """A diagnosis is as sure as its surest witness."""
    return min((p.health.answer.confidence for p in states if p.health.answer), key=SURENESS.index)
