"""What the monitor believes: the state that judging and diagnosing read and change, free of store and network."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.config.config import Config
from monitor.detect.account_memory import AccountMemory
from monitor.detect.account_memory import findings as find
from monitor.detect.finding import Finding
from monitor.detect.health import Health
from monitor.detect.measure import Measure
from monitor.detect.reminder import Reminder
from monitor.detect.shared_latency import Pool, PoolKey
from monitor.detect.target_memory import TargetMemory
from monitor.diagnose.corroboration import Corroboration, LocalWitness
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Announcement, Change, Incident
from monitor.diagnose.status_source import StatusSource, find_announcements, read_status_page
from monitor.diagnose.subject import Scope, own_hosts
from monitor.diagnose.target_state import TargetState
from monitor.schedule import Watch
from probes.model import ControlAnswer, Target

STALE = timedelta(minutes=3)
"""Age at which the result of a call without a key is stale."""

T = TypeVar("T")


class ControlResult(Struct, frozen=True):
    """Results of the calls without a key, by answerer. `online`: whether neutral hosts answer; None: not asked.

    `places`: the same of each place, where several watch.
    """

    controls: Mapping[str, ControlAnswer] = field(default_factory=dict)
    online: bool | None = None
    places: Mapping[str, LocalWitness] = field(default_factory=dict)


class KnownStates(Struct, frozen=True):
    """The states of the last conclusion, in the order of the `watches` that it went by: most are as they were."""

    watches: Mapping[str, Watch] = field(default_factory=dict)
    states: Sequence[TargetState] = ()


class WatchIndex(Struct, frozen=True):
    """What follows from the `watches` alone: each account's targets and own address, and each answerer's provider."""

    watches: Mapping[str, Watch]
    by_account: Mapping[str, Sequence[str]]
    hosts: Mapping[str, str]
    providers: Mapping[str, str]


def index_watches(watches: Mapping[str, Watch]) -> WatchIndex:
    by_account = defaultdict[str, list[str]](list)
    for id, watch in watches.items():
        by_account[watch.target.account].append(id)
    targets = [watch.target for watch in watches.values()]
    return WatchIndex(watches, dict(by_account), own_hosts(targets), {one.answerer: one.provider for one in targets})


class AlarmedTargets(Struct, frozen=True):
    """All targets of which these very `tracks` may have something to report, the first to have so first."""

    tracks: Mapping[str, TargetMemory] = field(default_factory=dict)
    ids: dict[str, None] = field(default_factory=dict)


class PendingConclusion(Struct):
    """What the next conclusion depends on.

    `stirred`: something changed; `unsettled`: time alone may change the result; `awaiting`: so may a probe under way.
    `near`: the reminders that were near at the last conclusion. `all_slow_at`: when all that answers one place was
    last slow at once. `index`, `known`, `alarmed`: what of all targets need not be looked for again.
    """

    stirred: bool = True
    unsettled: bool = False
    awaiting: bool = False
    near: frozenset[Reminder] = frozenset()
    all_slow_at: dict[str, datetime] = field(default_factory=dict)
    known: KnownStates = KnownStates()
    index: WatchIndex = field(default_factory=lambda: index_watches({}))
    alarmed: AlarmedTargets = field(default_factory=AlarmedTargets)


class BeliefView(Protocol):
    """What every stage may read of the belief; only the beat changes it."""

    @property
    def config(self) -> Config: ...
    @property
    def healths(self) -> Mapping[str, Health]: ...
    @property
    def tracks(self) -> Mapping[str, TargetMemory]: ...
    @property
    def notes(self) -> Mapping[str, AccountMemory]: ...
    @property
    def incidents(self) -> Mapping[str, Incident]: ...
    @property
    def sources(self) -> Mapping[str, StatusSource]: ...
    @property
    def control(self) -> ControlResult: ...
    @property
    def burning(self) -> Mapping[str, Diagnosis]: ...
    @property
    def fading(self) -> frozenset[str]: ...
    @property
    def is_offline(self) -> bool: ...


class Belief(Struct, kw_only=True):
    """What is watched, the state of it, and the inputs of the diagnosis.

    `burning`: the objectives, by id, whose budget burns. `fading`: ids of the incidents that may be over by now.
    """

    config: Config
    healths: dict[str, Health] = field(default_factory=dict)
    tracks: dict[str, TargetMemory] = field(default_factory=dict)
    pools: dict[PoolKey, Pool] = field(default_factory=dict)
    notes: dict[str, AccountMemory] = field(default_factory=dict)
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    sources: dict[str, StatusSource] = field(default_factory=dict)
    control: ControlResult = ControlResult()
    burning: Mapping[str, Diagnosis] = field(default_factory=dict)
    fading: frozenset[str] = frozenset()
    pending: PendingConclusion = field(default_factory=PendingConclusion)

    @property
    def muted(self) -> frozenset[str]:
        """The places, of several, whose looks count for nothing now."""
        return frozenset(name for name, one in self.control.places.items() if one.muted)

    @property
    def index(self) -> WatchIndex:
        if self.pending.index.watches is not self.config.watches:
            self.pending.index = index_watches(self.config.watches)
        return self.pending.index

    @property
    def is_offline(self) -> bool:
        """Whether, as far as we know, nothing at all can be reached from here."""
        return any(one.scope is Scope.MONITOR for one in self.incidents.values())

    def is_slow(self, target: Target) -> bool:
        """Whether the whole pool of this target is slower than usual."""
        pools = (self.pools.get(key) for key in pool_keys(target))
        return any(pool is not None and pool.alarmed_at is not None for pool in pools)

    def announcements(self, now: datetime) -> dict[str, list[Announcement]]:
        """Return the trouble that the providers' status pages announce, by answerer."""
        return self._by_answerer(find_announcements, now)

    def corroboration(self, now: datetime) -> Corroboration:
        """Return what is known besides the targets' health; stale control results are left out."""
        return Corroboration(
            controls={id: one for id, one in self.control.controls.items() if now - one.at < STALE},
            pages=self._by_answerer(read_status_page, now),
            groups=self.config.groups,
            companies={id: one.company for id, one in self.config.providers.items() if one.company},
            online=self.control.online,
            places={name: _fresh(one, now) for name, one in self.control.places.items()},
        )

    def _by_answerer(self, read: Callable[[Sequence[StatusSource], datetime], T], now: datetime) -> dict[str, T]:
        """Return what `read` makes of each provider's sources, by answerer; a provider can have several answerers."""
        its = defaultdict[str, list[StatusSource]](list)
        for source in self.sources.values():
            its[source.provider].append(source)
        by_provider = {provider: read(sources, now) for provider, sources in its.items()}
        return {one: by_provider[id] for one, id in self.index.providers.items() if id in by_provider}

    def adopt(self, changes: Iterable[Change]) -> None:
        """Apply these changes to the open incidents."""
        for change in changes:
            if change.incident.closed_at:
                self.incidents.pop(change.incident.id, None)
            else:
                self.incidents[change.incident.id] = change.incident

    def find_anew(self) -> None:
        """Drop the notes on targets no longer watched, and recompute the findings from the rest."""
        kept = {account: note.of(self.config.watches.keys()) for account, note in self.notes.items()}
        self.notes = {account: note for account, note in kept.items() if account in self.config.accounts}
        self.findings = {id: tuple(find(id, note, self.config.attention(id))) for id, note in self.notes.items()}

    def trust_anew(self, now: datetime) -> None:
        """Reset the failures of every status source: it was our connection that was down."""
        for id, source in self.sources.items():
            if source.doubtful_since:
                self.sources[id] = replace(source, doubtful_since=now, failures=0)


def _fresh(place: LocalWitness, now: datetime) -> LocalWitness:
    """Return a place without stale results of its calls."""
    return replace(place, controls={id: one for id, one in place.controls.items() if now - one.at < STALE})


def pool_keys(target: Target) -> tuple[PoolKey, ...]:
    """Return the pools whose speed this target's is compared with.

    A pool is one canary of all accounts with the same answerer; for tokens per second, of the same model too. Each
    place has its own, as it is as far from an answerer as no other.
    """
    return _pool_keys(target.answerer, target.canary, target.model, target.location)


@lru_cache(1_000)
def _pool_keys(answerer: str, canary: str, model: str | None, location: str) -> tuple[PoolKey, ...]:
    """Cached: called for every answer."""
    common = tuple(PoolKey(answerer, canary, kind, location=location) for kind in (Measure.TOTAL, Measure.FIRST))
    return (*common, PoolKey(answerer, canary, Measure.TOKEN, model, location)) if model else common
