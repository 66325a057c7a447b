"""What is due, and when: interval, phase, confirmation, back-off, budget; pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from itertools import islice
from typing import assert_never

from msgspec import Struct

from monitor.detect.health import TERMINAL, Health, State
from probes.model import Observation, Target

WATCHFUL_S = 20.0
DOUBTFUL = 0.5
"""Failures on balance from which a working target is probed every WATCHFUL_S seconds: perhaps a brownout."""

LONGEST_BACK_OFF_S = 3600.0

LONGEST_WAIT_S = 900.0
"""Most seconds of a Retry-After that are honoured: with more, a provider could blind the monitor at will."""

JITTER = 0.05
"""Share of the interval by which a probe may come late, so that it is not the same second each time."""

SILENT, SILENT_INTERVALS = timedelta(minutes=2), 2
"""Time, besides so many intervals, after which a place from which nothing is heard has no voice."""

EARLY, EARLY_S = 0.25, 15.0
"""Share of the interval, and seconds at most, by which a single round probes early, as cron is not exact."""

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class ProbePauses(Struct, frozen=True):
    """Pauses between probes of a target that something hurries or delays, in seconds or intervals.

    `confirm_s` are between the re-checks of a suspected failure: 5 s, 15 s and 30 s after the first one. `final_s` is
    before the one re-check of a terminal answer: the account closed, the key invalid. `prove_s` is the longest while a
    failure may be a blip: probes 63 s and 111 s after the first one show that it lasts. `revive_s` is before the second
    probe of a target that answered again; each further one is twice as long. `back_off` are, in intervals, between
    probes of an account that is confirmed dead: more of them do not help its appeal.
    """

    confirm_s: tuple[float, ...] = (5.0, 10.0, 15.0)
    final_s: float = 15.0
    prove_s: float = 48.0
    revive_s: float = 15.0
    back_off: tuple[int, ...] = (1, 5, 15, 60)


DEFAULT_PROBE_PAUSES = ProbePauses()


class Watch(Struct, frozen=True):
    """A target and its probe interval. Free: costs no tokens, so no budget holds it back.

    Aside: it reports more than whether the account works (credit, costs, models on offer). Its failure says nothing of
    the account, only that those are unknown. `turn`: where in the interval, in [0, 1), this place
    probes after the first of several; 0 where there is one.
    """

    target: Target
    interval_s: float
    free: bool
    aside: bool = False
    turn: float = 0.0


class DailyBudget(Struct, frozen=True):
    """What one account's canaries may use in a day (UTC)."""

    daily_usd: float
    daily_tokens: int


class Spending(Struct, frozen=True):
    """What one account's canaries have used on `day` (UTC). Calls of unknown price count as tokens only."""

    day: date
    tokens: int = 0
    usd: float = 0.0

    def add(self, observation: Observation) -> "Spending":
        usage, day = observation.usage, observation.at.date()
        before = self if self.day == day else Spending(day)
        tokens = before.tokens + usage.tokens_in + usage.tokens_out
        return Spending(day, tokens, before.usd + (observation.cost_usd or 0.0))


APART_S = 5.0
APART = timedelta(seconds=APART_S)
"""Time in which a probe is recent enough: in a crowd each account's first failure asks for the same siblings."""


class ProbePlan:
    """When to probe what: the next probe of each target, the earliest first."""

    def __init__(self) -> None:
        self._at: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []
        self._hurried: dict[str, datetime] = {}

    def __contains__(self, target: str) -> bool:
        return target in self._at

    def set(self, target: str, at: datetime) -> None:
        self._at[target] = at
        heappush(self._heap, (at, target))

    def hurry(self, target: str, at: datetime) -> None:
        """Move a probe forward; one that is under way or earlier stays as it is.

        However many ask for it, the same target is probed out of turn at most once in APART.
        """
        if target in self._hurried:
            at = max(at, self._hurried[target] + APART)
        if target in self._at and at < self._at[target]:
            self._hurried[target] = at
            self.set(target, at)

    def drop(self, target: str) -> None:
        self._at.pop(target, None)
        self._hurried.pop(target, None)

    def first_of(self, targets: Iterable[str]) -> datetime | None:
        """Return when the earliest of these is probed; None: none of them is planned."""
        return min((self._at[target] for target in targets if target in self._at), default=None)

    def next_at(self) -> datetime | None:
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: datetime) -> list[str]:
        """Return the targets whose time has come, and forget their times."""
        due = []
        while (at := self.next_at()) is not None and at <= now:
            _, target = heappop(self._heap)
            del self._at[target]
            due.append(target)
        return due


class WantedProbes(ProbePlan):
    """What a judge wants to be probed out of turn: the places themselves plan all the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: dict[str, datetime] = {}
        self._asked: dict[str, datetime] = {}

    def __contains__(self, target: str) -> bool:
        return True

    def set(self, target: str, at: datetime) -> None:
        """The place plans its next probe itself."""

    def hurry(self, target: str, at: datetime) -> None:
        if target not in self._asked or at - self._asked[target] >= APART:
            self._wanted[target] = self._asked[target] = at

    def take_wanted(self) -> dict[str, datetime]:
        """Return what is wanted since the last call, with the time at which it was asked for."""
        wanted, self._wanted = self._wanted, {}
        return wanted


def is_affordable(budget: DailyBudget, spending: Spending, now: datetime) -> bool:
    if spending.day != now.date():
        return budget.daily_tokens > 0
    return spending.tokens < budget.daily_tokens and spending.usd < budget.daily_usd


def has_room_for_extra(budget: DailyBudget, spending: Spending, now: datetime) -> bool:
    """Whether the budget has room for an extra probe: it is used no faster than the day passes."""
    if spending.day != now.date():
        return True
    passed = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
    return spending.tokens <= passed * budget.daily_tokens and spending.usd <= passed * budget.daily_usd


def next_at(
    watch: Watch,
    health: Health,
    at: datetime,
    failures_to_confirm: int,
    chance: float,
    round_at: datetime | None = None,
    again_s: float | None = None,
    pauses: ProbePauses = DEFAULT_PROBE_PAUSES,
) -> datetime:
    """Return when to probe again after the attempt that began at `at` and led to `health`.

    `chance` in [0, 1) places it within the jitter. Every regular probe falls on the target's own phase, so that neither
    a late answer nor an extra probe moves the next. Under cron, `round_at` is when the round began: whole intervals
    count from there, and what may be a blip is probed with the next round. `again_s` is the pause in seconds before an
    extra probe; None: nothing asks for one.
    """
    planned = _planned_at(watch, health, at, failures_to_confirm, chance, round_at, pauses)
    return planned if again_s is None else min(planned, at + timedelta(seconds=again_s))


def _planned_at(
    watch: Watch,
    health: Health,
    at: datetime,
    failures_to_confirm: int,
    chance: float,
    round_at: datetime | None,
    pauses: ProbePauses,
) -> datetime:
    pause_s = _pause_s(health, watch.interval_s, failures_to_confirm, pauses)
    requested_wait_s = _requested_wait_s(health)
    requested_at = at + timedelta(seconds=requested_wait_s)
    if round_at is not None:
        return max(_by_rounds(watch, pause_s, at, round_at, pauses.final_s), requested_at)
    if pause_s is None:
        regular = _slot_after(watch, at, chance)
        return max(regular, requested_at) if requested_wait_s else regular
    return max(at + timedelta(seconds=pause_s), requested_at)


def _requested_wait_s(health: Health) -> float:
    """Return the seconds that the latest answer asks us to wait, as far as we honour them.

    What preceded a good answer, or a probe that did not take place, was honoured then. A terminal answer's wait applies
    to the calls after its re-check, which is a plain retry as any client sends it.
    """
    confirming = health.state is State.SUSPECTED and health.final
    if health.state is State.UNKNOWN or not health.failures or confirming or health.answer is None:
        return 0.0
    return min(health.answer.retry_after_s or 0.0, LONGEST_WAIT_S)


def is_patient(health: Health, now: datetime) -> bool:
    """Whether the latest answer asks to be left alone for longer. A terminal one says nothing of the rate."""
    if health.fault in TERMINAL or health.seen_at is None:
        return False
    return now < health.seen_at + timedelta(seconds=_requested_wait_s(health))


def _by_rounds(watch: Watch, pause_s: float | None, at: datetime, round_at: datetime, least_s: float) -> datetime:
    passed_s = (at - round_at).total_seconds()
    if pause_s is None or pause_s >= watch.interval_s:
        whole_s = pause_s or watch.interval_s
        return round_at + timedelta(seconds=(passed_s // whole_s + 1) * whole_s)
    left_s = watch.interval_s - passed_s
    return at + timedelta(seconds=left_s if least_s <= left_s < pause_s else pause_s)


def is_due(watch: Watch, planned: datetime, round_at: datetime) -> bool:
    """Whether a round that begins at `round_at` takes a probe that is planned for `planned`."""
    return planned - round_at <= timedelta(seconds=min(EARLY_S, EARLY * watch.interval_s))


def first_at(watch: Watch, now: datetime, spread_s: float) -> datetime:
    """Return when to probe for the first time: soon, but not all at the same instant."""
    return now + timedelta(seconds=_phase_of(watch) * min(spread_s, watch.interval_s))


def silent_places(watches: Collection[Watch], healths: Mapping[str, Health], now: datetime) -> frozenset[str]:
    """Return the places, of several, from which nothing was heard for long: a gap there, and no witness.

    Either each target names its place, or none does.
    """
    if not any(watch.target.location for watch in islice(watches, 1)):
        return frozenset()
    heard: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    lately, spoke = now - SILENT, set[str]()
    for watch in watches:
        place = watch.target.location
        if place in spoke or not (health := healths.get(watch.target.id)):
            continue
        at = max((one for one in (health.seen_at, health.since) if one), default=EPOCH)
        if at > lately:
            spoke.add(place)
        else:
            heard[place].append((at, _usual_pause_s(watch, health)))
    silent = (place for place, its in heard.items() if place not in spoke and _is_silent(its, now))
    return frozenset(silent) if len(heard.keys() | spoke) > 1 else frozenset()


def _usual_pause_s(watch: Watch, health: Health) -> float:
    """Return the seconds within which it is looked at again; what is known to be lost is looked at seldom."""
    is_lost = health.state is State.DOWN and health.fault in TERMINAL
    return LONGEST_BACK_OFF_S if is_lost else SILENT_INTERVALS * watch.interval_s


def _is_silent(heard: Sequence[tuple[datetime, float]], now: datetime) -> bool:
    """Whether even what is looked at most often is overdue; `heard` has when, and how many seconds may pass."""
    return now - max(at for at, _ in heard) > SILENT + timedelta(seconds=min(pause_s for _, pause_s in heard))


def _pause_s(health: Health, interval_s: float, failures_to_confirm: int, pauses: ProbePauses) -> float | None:
    """Return the seconds until a hurried or delayed probe; None for the regular interval."""
    match health.state:
        case State.UP if health.doubt >= DOUBTFUL:
            return min(WATCHFUL_S, interval_s)
        case State.SUSPECTED if health.final and health.failures == 1:
            return pauses.final_s
        case State.SUSPECTED:
            return pauses.confirm_s[min(health.failures, len(pauses.confirm_s)) - 1]
        case State.DOWN if health.successes:
            return min(pauses.revive_s * 2.0 ** min(health.successes - 1, 9), max(interval_s, pauses.revive_s))
        case State.DOWN if not health.lasting:
            return min(pauses.prove_s, interval_s)
        case State.DOWN if health.fault in TERMINAL:
            looks, back_off = health.failures - failures_to_confirm, pauses.back_off
            return min(back_off[min(max(looks, 0), len(back_off) - 1)] * interval_s, LONGEST_BACK_OFF_S)
        case State.UP | State.DOWN | State.UNKNOWN:
            return None
    assert_never(health.state)


def _slot_after(watch: Watch, at: datetime, chance: float) -> datetime:
    """Return the next slot of the target's own grid; a slot very close to `at` was this probe."""
    interval_s = watch.interval_s
    offset_s = _phase_of(watch) * interval_s
    elapsed = (at - EPOCH).total_seconds() + min(APART_S, interval_s / 2) - offset_s
    slot = int(elapsed // interval_s) + 1
    return EPOCH + timedelta(seconds=offset_s + slot * interval_s + chance * JITTER * interval_s)


def _phase_of(watch: Watch) -> float:
    return (_phase(watch.target) + watch.turn) % 1.0


@lru_cache(10_000)
def _phase(target: Target) -> float:
    """Return the target's own place in [0, 1) within any interval; the same in every run."""
    from hashlib import blake2s  # loads OpenSSL, which must not slow down start

    return int.from_bytes(blake2s(target.id.encode(), digest_size=4).digest()) / 2**32
