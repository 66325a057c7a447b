"""What was counted → counters and histograms; pure. They come from the store, so that no restart sets them back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from monitor.metric import Counter, Exemplar, Family, Histogram, Labels, Sample, Spread, format_labels
from monitor.publish.snapshot import AccountView, Snapshot, TargetView
from monitor.publish.status import CurrentState
from monitor.tally import EDGES_S, LABELS, OWN, TIMED_LABELS, Event, EventCount, TallyPart, Timed

OWN_COUNTERS = {
    Event.MESSAGE: ("llm_messages", "Tries to send a message, by how each ended: delivered, retried, given_up."),
    Event.INCIDENT: ("llm_incidents_opened", "Incidents, as each was when it opened; drills are left out."),
    Event.RESTART: ("llm_monitor_stage_restarts", "Failures of a stage of the monitor, which was then restarted."),
    Event.POLL: ("llm_status_polls", "Polls of a status page of a provider, by result: read, failed."),
}
HISTOGRAMS = {
    Timed.ANSWER: ("llm_probe_duration_seconds", "How long good answers took, over all accounts."),
    Timed.FIRST_TOKEN: ("llm_probe_first_token_seconds", "Time to the first token of good answers, over all accounts."),
}


def counted_families(
    snapshot: Snapshot, now: CurrentState, accounts: Sequence[tuple[Labels, AccountView]]
) -> Iterator[Family]:
    """Yield them for what is watched now; `accounts` come with their labels."""
    yield _probes(snapshot.tally, now, accounts)
    costs = [
        (labels, one.number)
        for labels, account in accounts
        for one in _counts(snapshot.tally.get(account.id), Event.COST)
    ]
    yield Counter("llm_canary_cost_usd", "What the canaries of the account have cost.", tuple(costs))
    own = snapshot.tally.get(OWN)
    for event, (name, help) in OWN_COUNTERS.items():
        samples = (_sample(one) for one in _counts(own, event) if _is_followed(one, snapshot))
        yield Counter(name, help, tuple(samples), _newest(snapshot) if event is Event.INCIDENT else {})
    for timed, (name, help) in HISTOGRAMS.items():
        yield Histogram(name, help, EDGES_S, tuple(_spreads(own, timed)))


def _probes(
    tally: Mapping[str, TallyPart], now: CurrentState, accounts: Iterable[tuple[Labels, AccountView]]
) -> Counter:
    """Return all attempts; with those of a fault that stands goes the incident that it belongs to."""
    samples: list[Sample] = []
    exemplars: dict[Labels, Exemplar] = {}
    for head, account in accounts:
        targets = {(one.canary, one.model or ""): one for one in account.targets}
        for one in _counts(tally.get(account.id), Event.PROBE):
            canary, model, _, fault = one.labels
            if target := targets.get((canary, model)):
                labels = f"{head},{_labels(one.event, one.labels)}"
                samples.append((labels, one.number))
                if fault and (exemplar := _exemplar(target, fault, now)):
                    exemplars[labels] = exemplar
    help = "Attempts by outcome: ok, degraded, failed, unknown (not asked); and by fault where there is one."
    return Counter("llm_probes", help, tuple(samples), exemplars)


def _exemplar(target: TargetView, fault: str, now: CurrentState) -> Exemplar | None:
    incident = now.of_targets.get(target.id) if target.fault == fault else None
    return Exemplar(incident.id, incident.opened_at) if incident else None


def _newest(snapshot: Snapshot) -> dict[Labels, Exemplar]:
    """Return the newest incident of each kind."""
    every = (view.incident for view in (*snapshot.past_incidents, *snapshot.open_incidents))
    found = {}
    for one in sorted((one for one in every if not one.drill), key=lambda one: one.opened_at):
        labels = format_labels(scope=one.scope, fault=one.fault, blame=one.blame, severity=one.severity)
        found[labels] = Exemplar(one.id, one.opened_at)
    return found


def _is_followed(one: EventCount, snapshot: Snapshot) -> bool:
    """Whether it is about what there is still: a source may have been left out of the configuration."""
    return one.event is not Event.POLL or any(source.id == one.labels[0] for source in snapshot.sources)


def _counts(part: TallyPart | None, event: Event) -> Iterable[EventCount]:
    return (one for one in part.counts if one.event is event) if part else ()


def _spreads(part: TallyPart | None, timed: Timed) -> Iterator[Spread]:
    for one in part.spreads if part else ():
        if one.timed is timed and len(one.buckets) == len(EDGES_S) + 1:
            named = dict(zip(TIMED_LABELS, one.labels, strict=True))
            yield Spread(format_labels(**named), one.buckets, one.total_s)


def _sample(one: EventCount) -> Sample:
    return _labels(one.event, one.labels), one.number


@lru_cache(10_000)
def _labels(event: Event, texts: tuple[str, ...]) -> Labels:
    """Return them as text; those of the probes of thousands of accounts are few."""
    return format_labels(**dict(zip(LABELS[event], texts, strict=True)))
