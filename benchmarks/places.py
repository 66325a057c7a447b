"""Random histories of what happens to one place of several, or to all of them, whose truth is known.

    .venv/bin/python -m benchmarks.places [--begin SEED] [--histories N] [--only KIND] [--verbose]

Each place looks by itself; free looks are taken everywhere, and paid ones go round the places. The core alone is
played: health, detectors, diagnosis, incidents, and the agenda that brings looks forward. Nothing waits.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.config.config import Config
from monitor.config.document import ProbeSection, SiteSection
from monitor.diagnose.corroboration import LocalWitness
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.subject import Scope
from monitor.schedule import DailyBudget, Watch
from monitor.stages.evaluate import run_detectors, update_incidents
from monitor.stages.plan import hurry_associates, is_target_suspected, plan_probes, probe_the_rest
from monitor.state.belief import Belief, ControlResult
from monitor.state.schedule_state import ScheduleState
from monitor.state.self_health import SelfHealth
from monitor.state.services import DEFAULT_PAUSES, Edge, Services
from monitor.state.stage_signal import StageSignals
from monitor.store.setting import StoreAddress
from probes.catalog import load_provider
from probes.model import Account, Answer, Blame, Fault, Observation, Outcome, Target

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLACES = ("FRA", "SIN", "IAD", "GRU", "SYD")
PROVIDERS = ("openai", "anthropic", "groq")
BLIP = 0.001
"""Share of looks that fail by chance."""


class Kind(StrEnum):
    REGION = "region"
    ALLOW_LIST = "allow-list"
    EDGE = "edge"
    NAMES = "DNS"
    MTU = "MTU"
    ROUTE = "route"
    ONE_KEY = "one key"
    ALL_KEYS = "all keys"
    PROVIDER = "provider"
    CLOCK = "clock"
    SILENT = "silent place"
    SLOW = "slow place"


class Length(Struct, frozen=True):
    """How long nothing happens, how long it lasts, and how long it is over, in seconds."""

    quiet_s: float = 900.0
    lasts_s: float = 1500.0
    after_s: float = 1200.0

    @property
    def ends_s(self) -> float:
        return self.quiet_s + self.lasts_s


FULL = Length()


class History(Struct, frozen=True):
    """What happens: `fault` meets the targets for which `hits` is true, at each place `begins` seconds after noon.

    `mute`: the place whose clock is off, `silent`: the one that is not heard of. `slow`: how many times as long answers
    take at the first place.
    """

    kind: Kind
    places: tuple[str, ...]
    accounts: tuple[str, ...]
    fault: Fault | None
    status: int | None
    hits: Callable[[Target], bool]
    begins: Mapping[str, float]
    expected: frozenset[tuple[Scope, str]]
    """The right subjects: scope, and account or answerer; "" for a road."""
    mute: str = ""
    silent: str = ""
    slow: float = 1.0
    length: Length = Length()


LOCAL = frozenset({Kind.REGION, Kind.ALLOW_LIST, Kind.EDGE, Kind.NAMES, Kind.MTU, Kind.ROUTE, Kind.SLOW})
ROADS = {
    Kind.REGION: ((Fault.REGION_BLOCKED, 403),),
    Kind.ALLOW_LIST: ((Fault.INVALID_KEY, 401), (Fault.PERMISSION_DENIED, 403)),
    Kind.EDGE: ((Fault.BLOCKED_BY_EDGE, 403),),
    Kind.NAMES: ((Fault.CONNECTION_FAILED, None),),
    Kind.MTU: ((Fault.TIMEOUT, None),),
    Kind.ROUTE: ((Fault.CONNECTION_FAILED, None), (Fault.TIMEOUT, None)),
    Kind.ONE_KEY: ((Fault.INVALID_KEY, 401), (Fault.ACCOUNT_SUSPENDED, 403), (Fault.PERMISSION_DENIED, 403)),
    Kind.ALL_KEYS: ((Fault.INVALID_KEY, 401),),
    Kind.PROVIDER: ((Fault.SERVER_ERROR, 500), (Fault.OVERLOADED, 503), (Fault.TIMEOUT, None)),
}


def make(kind: Kind, seed: int, length: Length = FULL) -> History:
    rng = Random(f"{kind} {seed}")
    places = PLACES[: rng.choice((2, 3, 3, 5))]
    providers = PROVIDERS[: rng.choice((1, 2, 3))]
    accounts = tuple(f"{one}/a{number}" for one in providers for number in range(rng.choice((1, 2, 4))))
    victim = rng.choice(accounts)
    told = rng.choice((Kind.ONE_KEY, Kind.PROVIDER)) if kind in (Kind.CLOCK, Kind.SILENT) else kind
    fault, status = rng.choice(ROADS[told]) if told in ROADS else (None, None)
    spread_s = 0.0 if kind in LOCAL else rng.choice((0.0, 5.0, 20.0))
    hit_places = places[:1] if kind in LOCAL else places
    begins = {one: length.quiet_s + rng.uniform(0, spread_s) for one in hit_places}
    provider = victim.partition("/")[0]
    return History(
        kind,
        places,
        accounts,
        fault,
        status,
        _hits(told, victim),
        begins,
        frozenset(_expected(told, victim, [one for one in accounts if one.startswith(f"{provider}/")], providers)),
        mute=places[0] if kind is Kind.CLOCK else "",
        silent=places[0] if kind is Kind.SILENT else "",
        slow=4.0 if kind is Kind.SLOW else 1.0,
        length=length,
    )


def _hits(kind: Kind, victim: str) -> Callable[[Target], bool]:
    provider = victim.partition("/")[0]
    whose: dict[Kind, Callable[[Target], bool]] = {
        Kind.ALLOW_LIST: lambda one: one.account == victim,
        Kind.ONE_KEY: lambda one: one.account == victim,
        Kind.NAMES: lambda _: True,
        Kind.MTU: lambda one: one.canary == "chat",
        Kind.SLOW: lambda _: False,
    }
    return whose.get(kind, lambda one: one.provider == provider)


def _expected(kind: Kind, victim: str, kin: Sequence[str], providers: Sequence[str]) -> Iterator[tuple[Scope, str]]:
    provider = victim.partition("/")[0]
    match kind:
        case Kind.NAMES | Kind.MTU:
            yield Scope.LOCATION, "" if len(providers) > 1 else provider
        case Kind.ALLOW_LIST:
            yield Scope.LOCATION, victim
        case Kind.REGION | Kind.EDGE | Kind.ROUTE:
            yield Scope.LOCATION, provider
        case Kind.ONE_KEY:
            yield Scope.ACCOUNT, victim
        case Kind.ALL_KEYS if len(kin) > 1:
            yield from ((scope, provider) for scope in (Scope.PROVIDER, Scope.ORGANIZATION))
        case Kind.ALL_KEYS:
            yield Scope.ACCOUNT, victim
        case Kind.PROVIDER:
            yield Scope.PROVIDER, provider


class Marks(Struct):
    """How a history was told. `first` and `last`: whether the first trouble told, and the last one, had its scope.

    `lost`: an account was said to be lost though it was not. `needless`: incidents of other things.
    """

    kind: Kind
    first: bool
    last: bool
    lost: int
    needless: int
    still_open: int
    delay_s: float | None
    story: list[str] = field(default_factory=list)


class Stage:
    """The pure core of a monitor of several places, and the world around it."""

    def __init__(self, made: History, rng: Random) -> None:
        self.made, self.rng, self.now = made, rng, NOON
        self.belief = Belief(config=_config(made))
        places = {made.mute: LocalWitness(muted=True)} if made.mute else {}
        self.belief.control = ControlResult(places=places)
        self.planned, self.signals, self.own = ScheduleState(), StageSignals(), SelfHealth()
        edge = Edge(lambda: self.now, lambda: 0.0, rng.random, print)
        self.services = cast(Services, SimpleNamespace(edge=edge, pauses=DEFAULT_PAUSES, templates=None))
        self.under_way: list[tuple[datetime, int, Observation]] = []
        self.changes: list[Change] = []

    def play(self) -> list[Change]:
        self.planned.plan_probes(self.belief.config.watches, self.now, 60)
        while self._seconds() < self.made.length.ends_s + self.made.length.after_s:
            self.beat(self._due())
            self.now = max(self._next(), self.now + timedelta(seconds=0.5))
        return self.changes

    def _seconds(self) -> float:
        return (self.now - NOON).total_seconds()

    def _next(self) -> datetime:
        due = (self.planned.probes.next_at(), self.under_way[0][0] if self.under_way else None)
        return min((one for one in due if one), default=self.now) if any(due) else self.now + timedelta(seconds=5)

    def _due(self) -> list[Observation]:
        """Begin what is due, and return what has ended."""
        for id in self.planned.probes.take_due(self.now):
            watch = self.belief.config.watches[id]
            if watch.target.location == self.made.silent and self._is_on(watch.target.location):
                self.planned.probes.set(id, self.now + timedelta(seconds=watch.interval_s))
                continue
            seen = self._look(watch.target)
            ends = self.now + timedelta(seconds=seen.latency_s or 0)
            heappush(self.under_way, (ends, self.rng.randrange(1 << 40), seen))
        ended = []
        while self.under_way and self.under_way[0][0] <= self.now:
            ended.append(heappop(self.under_way)[2])
        return ended

    def _is_on(self, place: str) -> bool:
        begin = self.made.begins.get(place)
        return begin is not None and begin <= self._seconds() < self.made.length.ends_s

    def _look(self, target: Target) -> Observation:
        met = self.made.fault if self._is_on(target.location) and self.made.hits(target) else None
        status = self.made.status
        if met is None and self.rng.random() < BLIP:
            met, status = Fault.SERVER_ERROR, 500
        late = self.made.slow if self._is_on(target.location) else 1.0
        latency_s = late * self.rng.lognormvariate(0, 0.25) * (0.8 if target.canary == "chat" else 0.25)
        if met is None:
            return Observation(target, self.now, Outcome.OK, latency_s=latency_s, status=200)
        latency_s = 30.0 if met is Fault.TIMEOUT else latency_s
        answer = Answer(f"x/{met}", "some words")
        return Observation(target, self.now, Outcome.FAILED, latency_s, status=status, fault=met, answer=answer)

    def beat(self, seen: Sequence[Observation]) -> None:
        belief, planned = self.belief, self.planned
        doubted = {one.target.id for one in seen if is_target_suspected(belief, one.target.id)}
        healths = run_detectors(belief, self.own, [self._as_dated(one) for one in seen])
        stirred = belief.pending.stirred
        plan_probes(self.services, belief, planned, self.signals, healths, seen)
        back = {id for id in doubted & healths.keys() if not is_target_suspected(belief, id)}
        probe_the_rest(self.services, belief, planned, back)
        changes = update_incidents(belief, self.own, (), self.now)
        belief.adopt(changes)
        if stirred:
            hurry_associates(self.services, belief, planned, self.now)
        self.changes += changes

    def _as_dated(self, one: Observation) -> Observation:
        off = one.target.location == self.made.mute and self._is_on(one.target.location)
        return replace(one, at=one.at + timedelta(seconds=300)) if off else one


def _config(made: History) -> Config:
    accounts = [Account(id.partition("/")[2], id.partition("/")[0], "key") for id in made.accounts]
    return Config(
        file=None,
        probe=ProbeSection(),
        store=StoreAddress(Path("nowhere.db"), "here"),
        site=SiteSection(),
        folder=Path("nowhere"),
        providers={one: load_provider(one) for one in PROVIDERS},
        accounts={one.id: one for one in accounts},
        budgets={one.id: DailyBudget(1e9, 10**12) for one in accounts},
        watches={one.target.id: one for one in _watches(made)},
        channels=(),
    )


def _watches(made: History) -> Iterator[Watch]:
    for account in made.accounts:
        provider = account.partition("/")[0]
        for place in made.places:
            yield Watch(Target(account, provider, "list", location=place), 60, free=True)
            yield Watch(Target(account, provider, "chat", "m", location=place), 300 * len(made.places), free=False)


TELLING = frozenset({ChangeKind.OPENED, ChangeKind.CHANGED})


def score(made: History, changes: Sequence[Change]) -> Marks:
    troubles = [one for one in changes if not one.incident.signal]
    told = [one for one in troubles if one.kind in TELLING]
    ends = NOON + timedelta(seconds=made.length.ends_s)
    widths = [one for one in troubles if one.at < ends and one.incident.closed_at is None]
    names = [_name(one.incident) for one in told]
    open_now = {one.incident.id for one in changes} - {one.incident.id for one in changes if one.incident.closed_at}
    first = next((one for one in told if _name(one.incident) in made.expected), None)
    return Marks(
        made.kind,
        first=_is_only_slow(changes) if made.kind is Kind.SLOW else bool(told) and names[0] in made.expected,
        last=made.kind is Kind.SLOW or (bool(widths) and _name(widths[-1].incident) in made.expected),
        lost=sum(_is_lost(one.incident) for one in told) if made.kind in LOCAL else 0,
        needless=sum(name not in made.expected for name in names),
        still_open=len(open_now),
        delay_s=(first.at - NOON).total_seconds() - min(made.begins.values()) if first else None,
        story=[_line(one, made.length.quiet_s) for one in changes],
    )


def _name(incident: Incident) -> tuple[Scope, str]:
    return incident.scope, incident.about.holder


def _is_only_slow(changes: Sequence[Change]) -> bool:
    """Whether all that was told is that the first place is slow."""
    return bool(changes) and all(one.incident.signal and one.incident.about.locations for one in changes)


def _is_lost(incident: Incident) -> bool:
    return incident.scope is not Scope.LOCATION and incident.blame is Blame.ACCOUNT


def _line(change: Change, begun_s: float) -> str:
    it, at_s = change.incident, (change.at - NOON).total_seconds() - begun_s
    return f"{at_s:8.1f} {change.kind} {it.scope} {it.subject} {it.fault} {it.blame} {'sign' if it.signal else ''}"


def play(kind: Kind, seed: int, length: Length = FULL) -> Marks:
    made = make(kind, seed, length)
    return score(made, Stage(made, Random(f"play {kind} {seed}")).play())


COUNTED = ("first", "last", "lost", "needless")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--begin", type=int, default=1)
    parser.add_argument("--histories", type=int, default=30)
    parser.add_argument("--only", choices=[*Kind])
    parser.add_argument("--verbose", action="store_true")
    chosen = parser.parse_args()
    total = Counter[str]()
    for kind in [Kind(chosen.only)] if chosen.only else Kind:
        seeds = range(chosen.begin, chosen.begin + chosen.histories)
        marks = [play(kind, seed) for seed in seeds]
        delays = sorted(one.delay_s for one in marks if one.delay_s is not None)
        mid = f"{delays[len(delays) // 2]:.0f} s, at most {delays[-1]:.0f} s" if delays else "-"
        row = Counter({name: sum(getattr(one, name) for one in marks) for name in COUNTED})
        row["open"], row["all"] = sum(one.still_open for one in marks), len(marks)
        total += row
        print(f"{kind:14} first {row['first']}/{row['all']} last {row['last']} lost {row['lost']} ", end="")
        print(f"needless {row['needless']} open {row['open']} told after {mid}")
        for seed, one in zip(seeds, marks, strict=True):
            if chosen.verbose or not (one.first and one.last) or one.lost:
                print(f"  seed {seed}: {make(kind, seed).places} {make(kind, seed).accounts} {make(kind, seed).fault}")
                print(*(f"    {line}" for line in one.story), sep="\n")
    print(dict(total))
    return 1 if total["lost"] or total["first"] < 0.95 * total["all"] else 0


if __name__ == "__main__":
    sys.exit(main())
