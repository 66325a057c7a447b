"""What other settings would have told of the own past: recorded looks, replayed through the detectors; pure.

The looks themselves stay as they were taken: a setting that asks for more failures would have asked sooner again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect import latency
from monitor.detect.health import Health, Thresholds, advance
from monitor.detect.latency import Kind, Pace, Series
from probes.model import Observation

FAILURES = (2, 3, 4, 5)
BLIPS_S = (0.0, 60.0, 120.0, 300.0)
MONTH = timedelta(days=30)
LEAST = timedelta(days=1)
"""Of less history nothing is said: what a day holds may be no usual thing."""


class Alarm(Struct, frozen=True):
    """One trouble as a setting would have told it: it began `since`, was told `at`, and was over by `until`."""

    since: datetime
    at: datetime
    until: datetime


class Past(Struct, frozen=True):
    """What one target's looks hold: alarms by setting, and those of slow answers."""

    account: str
    first: datetime
    last: datetime
    looks: int
    alarms: Mapping[Thresholds, Sequence[Alarm]]
    slow: Sequence[Alarm]


class Trial(Struct, frozen=True):
    """What a setting would have told. `delay_s` is the median from the first failure to the message.

    `found` of the `outages` that the current setting tells are told by this one, too. `delay_s` is None
    where none is.
    """

    setting: Thresholds
    alarms: int
    a_month: float
    delay_s: float | None
    found: int
    outages: int


def settings(now: Thresholds) -> list[Thresholds]:
    """Return the current setting and its neighbours, each of which differs from it in one thing."""
    failures = [replace(now, failures=number) for number in sorted({*FAILURES, now.failures})]
    blips = [replace(now, blip_s=seconds) for seconds in sorted({*BLIPS_S, now.blip_s})]
    return list(dict.fromkeys([*failures, *blips]))


def replay(account: str, observations: Iterable[Observation], tried: Sequence[Thresholds], pace: Pace) -> Past | None:
    """Return what one target's looks, oldest first, would have led to; None when there are none."""
    healths, begun = dict.fromkeys(tried, Health()), dict[Thresholds, Alarm]()
    alarms: dict[Thresholds, list[Alarm]] = {setting: [] for setting in tried}
    paces, slow = _Paces(pace), list[Alarm]()
    first = last = None
    looks = 0
    for one in observations:
        first, last, looks = first or one.at, one.at, looks + 1
        slow += paces.see(one)
        for setting in tried:
            after = healths[setting] = advance(healths[setting], one, setting, pace.interval_s)
            if after.lasting:
                known = begun.get(setting) or Alarm(after.since or one.at, one.at, one.at)
                begun[setting] = replace(known, until=one.at)
            elif setting in begun:
                alarms[setting].append(replace(begun.pop(setting), until=one.at))
    if first is None or last is None:
        return None
    for setting, alarm in begun.items():
        alarms[setting].append(alarm)
    return Past(account, first, last, looks, alarms, slow)


class _Paces:
    """The answer times of one target as they are followed."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._series: dict[Kind, Series] = {}

    def see(self, observation: Observation) -> list[Alarm]:
        """Take in one look; return the alarms that it raises."""
        raised = []
        for kind, seconds in latency.measures(observation):
            before = self._series.get(kind)
            after = self._series[kind] = latency.advance(before, seconds, observation.at, self._pace)
            if after.alarm and not (before and before.alarm):
                raised.append(Alarm(after.alarm.since, after.alarm.at, after.alarm.at))
        return raised


def compare(pasts: Sequence[Past], now: Thresholds) -> list[Trial]:
    """Return what each setting would have told of all targets together. Targets of one account are told as one."""
    told = {setting: _by_account(pasts, setting) for setting in pasts[0].alarms}
    outages = told[now]
    found = []
    for setting, its in told.items():
        delays = [
            (one.at - outage.since).total_seconds()
            for account, outage in outages
            if (one := next((alarm for who, alarm in its if who == account and _overlap(alarm, outage)), None))
        ]
        delay_s = median(delays) if delays else None
        found.append(Trial(setting, len(its), len(its) * _months(pasts), delay_s, len(delays), len(outages)))
    return found


class Outage(Struct, frozen=True):
    """What the current setting tells of one account, and which of the others would not."""

    account: str
    alarm: Alarm
    untold: Sequence[Thresholds]


def outages(pasts: Sequence[Past], now: Thresholds) -> list[Outage]:
    """Return what the current setting would have told, the latest first."""
    told = {setting: _by_account(pasts, setting) for setting in pasts[0].alarms}
    found = [Outage(who, it, [one for one, its in told.items() if not _tells(its, who, it)]) for who, it in told[now]]
    return sorted(found, key=lambda one: one.alarm.since, reverse=True)


def _tells(alarms: Iterable[tuple[str, Alarm]], account: str, outage: Alarm) -> bool:
    return any(who == account and _overlap(alarm, outage) for who, alarm in alarms)


def slow_a_month(pasts: Sequence[Past]) -> tuple[int, float]:
    """Return how many alarms of slow answers there were, and how many that is in a month."""
    count = sum(len(past.slow) for past in pasts)
    return count, count * _months(pasts)


def span(pasts: Sequence[Past]) -> timedelta:
    """Return how much time the history covers."""
    if not pasts:
        return timedelta(0)
    return max(past.last for past in pasts) - min(past.first for past in pasts)


def _months(pasts: Sequence[Past]) -> float:
    return MONTH / span(pasts)


def _by_account(pasts: Iterable[Past], setting: Thresholds) -> list[tuple[str, Alarm]]:
    """Return the troubles of each account; what overlaps is one."""
    alarms: dict[str, list[Alarm]] = defaultdict(list)
    for past in pasts:
        alarms[past.account] += past.alarms[setting]
    return [(account, one) for account, its in alarms.items() for one in _merged(its)]


def _merged(alarms: Iterable[Alarm]) -> list[Alarm]:
    merged: list[Alarm] = []
    for alarm in sorted(alarms, key=lambda one: one.at):
        if merged and alarm.at <= merged[-1].until:
            last = merged.pop()
            alarm = Alarm(min(last.since, alarm.since), last.at, max(last.until, alarm.until))
        merged.append(alarm)
    return merged


def _overlap(one: Alarm, other: Alarm) -> bool:
    return one.since <= other.until and other.since <= one.until
