"""What is believed between two looks: all that judging and concluding reads and changes, without store and network."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct, field

from monitor.alert.case import Case
from monitor.config.config import Config
from monitor.detect.account_memory import Note
from monitor.detect.finding import Finding
from monitor.detect.health import Health
from monitor.detect.measure import Kind
from monitor.detect.reminder import Reminder
from monitor.detect.shared_latency import Pool
from monitor.detect.target_memory import Track
from monitor.diagnose.diagnosis import Diagnosis, Scope
from monitor.diagnose.incident import Announcement, Change, Incident
from monitor.diagnose.status_source import Source, announcements, page
from monitor.diagnose.witness import Witnesses
from probes.model import Knock, Target

log = logging.getLogger("monitor")

FORGOTTEN = timedelta(minutes=3)
"""What a call without a key met so long ago says nothing of now."""

T = TypeVar("T")


class Belief(Struct, kw_only=True):
    """What is believed of the targets, and what there is to conclude from.

    `online` is what neutral hosts said. `near` are the reminders that were near at the last conclusion, `burning` the
    objectives, by id, whose budget burns. `tracked_at` is when each target's track was last written. `stirred`: there
    is something to conclude; `unsettled`: time alone may change it; `awaiting`: so may a look that is on its way.
    `all_slow_at` is when whatever answers here was last slow at once.
    `fading` are the incidents, by id, that may be over by now. `warnings` is what of ours does not work now, `said`
    what of it the log holds, be it of a round before.
    """

    config: Config
    healths: dict[str, Health] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    tracked_at: dict[str, datetime] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    knocks: dict[str, Knock] = field(default_factory=dict)
    online: bool | None = None
    near: frozenset[Reminder] = frozenset()
    burning: dict[str, Diagnosis] = field(default_factory=dict)
    all_slow_at: datetime | None = None
    stirred: bool = True
    unsettled: bool = False
    awaiting: bool = False
    fading: frozenset[str] = frozenset()
    warnings: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def is_offline(self) -> bool:
        """Whether nothing at all can be reached from here, as far as we know."""
        return any(one.scope is Scope.MONITOR for one in self.incidents.values())

    def is_slow(self, target: Target) -> bool:
        """Whether all that answer like this target are slower than usual together."""
        pools = (self.pools.get(group) for _, group in groups_of(target))
        return any(pool is not None and pool.alarmed_at is not None for pool in pools)

    def announcements(self, now: datetime) -> dict[str, list[Announcement]]:
        """Return what the providers' pages say of trouble, by who answers."""
        return self._by_answerer(announcements, now)

    def witnesses(self, now: datetime) -> Witnesses:
        """Return what is known besides the health of the targets; what was long ago is left out."""
        return Witnesses(
            knocks={id: one for id, one in self.knocks.items() if now - one.at < FORGOTTEN},
            pages=self._by_answerer(page, now),
            groups=self.config.groups,
            online=self.online,
        )

    def _by_answerer(self, read: Callable[[Sequence[Source], datetime], T], now: datetime) -> dict[str, T]:
        """Return what is read in the sources of each provider, by who answers; several can answer for one provider."""
        its = defaultdict[str, list[Source]](list)
        for source in self.sources.values():
            its[source.provider].append(source)
        told = {provider: read(sources, now) for provider, sources in its.items()}
        targets = (watch.target for watch in self.config.watches.values())
        return {target.answerer: told[target.provider] for target in targets if target.provider in told}

    def adopt(self, changes: Iterable[Change]) -> None:
        """Take these changes for what is open from here on."""
        for change in changes:
            if change.incident.closed_at:
                self.incidents.pop(change.incident.id, None)
            else:
                self.incidents[change.incident.id] = change.incident

    def warn(self, about: str, words: str) -> None:
        """Say on the page and in the log that something of ours does not work; once, until it changes."""
        if self.said.get(about) != words:
            log.error("%s", words)
        self.warnings[about] = self.said[about] = words

    def mended(self, about: str) -> None:
        """Say in the log, where it held that something does not work, that it does."""
        self.warnings.pop(about, None)
        if words := self.said.pop(about, None):
            log.warning("this is over: %s", words)


def groups_of(target: Target) -> tuple[tuple[Kind, str], ...]:
    """Return for each kind the name of the targets whose speed is compared.

    It is one canary of all accounts that one company answers; the pace of a stream is that of its model.
    """
    return _groups(target.answerer, target.canary, target.model)


@lru_cache(1_000)
def _groups(answerer: str, canary: str, model: str | None) -> tuple[tuple[Kind, str], ...]:
    """Kept, since it is asked for with each answer."""
    common = tuple((kind, f"{answerer} {canary} {kind}") for kind in (Kind.TOTAL, Kind.FIRST))
    return (*common, (Kind.TOKEN, f"{answerer} {canary} {Kind.TOKEN} {model}")) if model else common


class Meaning(Struct, frozen=True):
    """What the name of a group says: who answers, what is measured, and of which model."""

    answerer: str
    kind: Kind
    model: str | None


def meaning_of(group: str) -> Meaning:
    answerer, _, kind, *model = group.split(" ", 3)
    return Meaning(answerer, Kind(kind), model[0] if model else None)
