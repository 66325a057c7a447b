"""What other settings would have reported of our own past: messages by setting → figures; pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.detect.health import Thresholds
from monitor.diagnose.incident import Change, Incident, accounts_of_targets
from monitor.replay.alerts import ReplayedMessage
from probes.model import Fault, Observation

FAILURES = (2, 3, 4, 5)
BLIPS_S = (0.0, 60.0, 120.0, 300.0)
MONTH = timedelta(days=30)
LEAST = timedelta(days=1)
"""Least history for a result: a single day may be unusual."""


class ReplayedIncident(Struct, frozen=True):
    """One incident as a setting would have reported it: its final state, when first, and in how many messages."""

    incident: Incident
    at: datetime
    messages: int

    @property
    def is_outage(self) -> bool:
        """Whether something was lost, rather than predicted."""
        return bool(self.incident.targets) and not (self.incident.signal or self.incident.drill)

    @property
    def is_slow(self) -> bool:
        return self.incident.signal and self.incident.fault is Fault.SLOW

    @property
    def delay_s(self) -> float:
        return (self.at - self.incident.opened_at).total_seconds()


class ReplayResult(Struct, frozen=True):
    """What a setting would have sent. `others` are the messages about no incident: digests, channels that fail."""

    alarms: Sequence[ReplayedIncident]
    others: int = 0

    @property
    def messages(self) -> int:
        return self.others + sum(alarm.messages for alarm in self.alarms)

    @property
    def outages(self) -> list[ReplayedIncident]:
        return [alarm for alarm in self.alarms if alarm.is_outage]

    @property
    def slow(self) -> "ReplayResult":
        """What it would have sent about answers that were slower than usual."""
        return ReplayResult([alarm for alarm in self.alarms if alarm.is_slow])


class TriedSetting(Struct, frozen=True):
    """A setting and what it would have sent. `delay_s` is the median from the first failure to the message.

    `found` of the `outages` that the current setting reports are reported by this one, too. `delay_s` is None if none
    is.
    """

    setting: Thresholds
    alarms: int
    messages: int
    delay_s: float | None
    found: int
    outages: int


class Outage(Struct, frozen=True):
    """What the current setting reports, and which of the others would not."""

    alarm: ReplayedIncident
    untold: Sequence[Thresholds]


class ObservationCount(Struct):
    """The replayed observations, counted as they pass: those at the chosen accounts, since `since`.

    `begin` is the time of the very first observation, `at` that of the present one.
    """

    accounts: Collection[str]
    since: datetime
    looks: int = 0
    targets: set[str] = field(default_factory=set)
    begin: datetime | None = None
    first: datetime | None = None
    at: datetime | None = None

    def passing(self, looks: Iterable[Observation]) -> Iterator[Observation]:
        for one in looks:
            self.begin, self.at = self.begin or one.at, one.at
            if one.at >= self.since and one.target.account in self.accounts:
                self.looks, self.first = self.looks + 1, self.first or one.at
                self.targets.add(one.target.id)
            yield one

    @property
    def span(self) -> timedelta:
        """How much time the counted observations cover."""
        return self.at - self.first if self.first and self.at else timedelta(0)


def neighbouring_settings(now: Thresholds) -> list[Thresholds]:
    """Return the current setting and its neighbours, each of which differs from it in one value."""
    failures = [replace(now, failures=number) for number in sorted({*FAILURES, now.failures})]
    blips = [replace(now, blip_s=seconds) for seconds in sorted({*BLIPS_S, now.blip_s})]
    return list(dict.fromkeys([*failures, *blips]))


def count_incidents(
    lines: Iterable[ReplayedMessage], changes: Iterable[Change], accounts: Collection[str] = ()
) -> ReplayResult:
    """Return what these messages report, each incident once; only what concerns `accounts`, if given."""
    first: dict[str, datetime] = {}
    messages: Counter[str] = Counter()
    for line in lines:
        id = line.incident.id if line.incident else ""
        first.setdefault(id, line.at)
        messages[id] += 1
    latest = {change.incident.id: change.incident for change in changes}
    alarms = [ReplayedIncident(latest[id], at, messages[id]) for id, at in first.items() if id]
    if accounts:
        return ReplayResult([one for one in alarms if concerns(one.incident, accounts)])
    return ReplayResult(alarms, messages[""])


def concerns(incident: Incident, accounts: Collection[str]) -> bool:
    seen = {*incident.members, *(evidence.target for evidence in incident.evidence)}
    return not accounts_of_targets(seen).isdisjoint(accounts)


def compare(told: Mapping[Thresholds, ReplayResult], now: Thresholds) -> list[TriedSetting]:
    """Return what each setting would have sent, compared with the current one."""
    return [_trial(setting, its, told[now].outages) for setting, its in told.items()]


def _trial(setting: Thresholds, told: ReplayResult, outages: Sequence[ReplayedIncident]) -> TriedSetting:
    found = [one for outage in outages if (one := _same(told, outage))]
    delay_s = median(one.delay_s for one in found) if found else None
    return TriedSetting(setting, len(told.alarms), told.messages, delay_s, len(found), len(outages))


def outages(told: Mapping[Thresholds, ReplayResult], now: Thresholds) -> list[Outage]:
    """Return what the current setting would have reported, the latest first."""
    found = [
        Outage(alarm, [setting for setting, its in told.items() if not _same(its, alarm)])
        for alarm in told[now].outages
    ]
    return sorted(found, key=lambda one: one.alarm.incident.opened_at, reverse=True)


def _same(told: ReplayResult, outage: ReplayedIncident) -> ReplayedIncident | None:
    """Return the same outage in another replay: a common target at the same time; None if it was not reported."""
    return next((one for one in told.outages if _overlap(one.incident, outage.incident)), None)


def _overlap(one: Incident, other: Incident) -> bool:
    if one.members.isdisjoint(other.members):
        return False
    return _began_before_end(one, other) and _began_before_end(other, one)


def _began_before_end(one: Incident, other: Incident) -> bool:
    return other.closed_at is None or one.opened_at <= other.closed_at
