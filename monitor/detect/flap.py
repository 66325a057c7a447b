"""Flapping: what goes down and comes back again and again is reported once, and so is its calm; pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.health import Health, State
from monitor.detect.reason import FlapCalm, FlapHeld, FlapTurns
from probes.model import Blame, Fault, Target

MINUTE = timedelta(minutes=1)
WITHIN = timedelta(minutes=60)
"""Longest gap between two lasting outages of a row: the second within the hour is flapping."""
BRIEF = 5
"""Outages within the hour that are flapping although none lasted, and nobody was notified of any."""
TURNS = 2 * BRIEF
CALM, STAYED = timedelta(minutes=30), timedelta(minutes=10)
"""Time up (CALM), or in one outage (STAYED), that ends flapping; an outage of STAYED is then reported as any other."""
TOGETHER = timedelta(seconds=45)
"""Time after an outage began in which others may join the first one's flapping, unless it is reported by then."""


class Flap(Struct, frozen=True):
    """The latest turns of one target, from up to down or back, at most TURNS.

    While it flaps, `since` is the first of the row, `count` how many there were, and `enough_at` the first probe of the
    outage that made it flapping, or the end of that outage; else None and 0. `fault` is the latest that took it down;
    while it flaps, the one that names it. `lasted_at` is when the outage before began, if that was reported and did not
    stay. `by_road` is whether the road to all providers is what flaps; None if unknown. `is_cut` is whether
    that holds for the present outage, even if others are back already.
    """

    turns: tuple[datetime, ...] = ()
    since: datetime | None = None
    fault: Fault | None = None
    enough_at: datetime | None = None
    count: int = 0
    lasted_at: datetime | None = None
    is_down: bool = False
    by_road: bool | None = None
    is_cut: bool = False


NO_TURNS = Flap()


def advance(flap: Flap, before: Health, after: Health, at: datetime) -> Flap:
    """Return what is known after a probe at `at` that changed the health like this; `flap` itself if nothing turned."""
    was_down, is_down = before.state is State.DOWN, after.state is State.DOWN
    if is_down and not was_down:
        flap = _went_down(flap, after, at)
        return _lasted(flap, after, at) if after.lasting else flap
    if was_down and not is_down:
        return _came_back(flap, before, at)
    if after.lasting and not before.lasting:
        return _lasted(flap, after, at)
    if flap.since and after.state is not State.UNKNOWN and at - flap.turns[-1] >= CALM:
        return Flap(is_down=is_down)
    return flap


def _went_down(flap: Flap, after: Health, at: datetime) -> Flap:
    if after.fault and flap.fault and flap_cause(after.fault) is not flap_cause(flap.fault):
        return Flap((at,), fault=after.fault, is_down=True)
    flap = _turned(flap, at, is_down=True)
    return flap if flap.since else replace(flap, fault=after.fault or flap.fault)


def _lasted(flap: Flap, after: Health, at: datetime) -> Flap:
    """Return what is known once an outage is worth reporting; its turn was counted when it began."""
    begun = flap.turns[-1] if flap.turns else at
    if flap.since or flap.lasted_at is None or begun - flap.lasted_at > WITHIN:
        return flap
    return _flapping(flap, flap.lasted_at, after.since or at)


def _came_back(flap: Flap, before: Health, at: datetime) -> Flap:
    """Return what is known at the end of an outage: one that stayed was reported by itself, and so is the next."""
    begun = flap.turns[-1] if flap.turns else None  # None: forgotten, as the outage was ours
    flap = _turned(flap, at, is_down=False)
    if before.lasting:
        flap = replace(flap, lasted_at=begun if begun and at - begun < STAYED else None)
    enough = len(flap.turns) == TURNS and at - flap.turns[0] <= WITHIN
    return _flapping(flap, flap.turns[0], at) if enough and not flap.since else flap


def _turned(flap: Flap, at: datetime, *, is_down: bool) -> Flap:
    turns = (*flap.turns[1 - TURNS :], at)
    return replace(flap, turns=turns, is_down=is_down, is_cut=False, count=flap.count + 1 if flap.since else 0)


def _flapping(flap: Flap, since: datetime, at: datetime) -> Flap:
    return replace(flap, since=since, enough_at=at, count=sum(turn >= since for turn in flap.turns))


def attribute_outage(flap: Flap, *, by_road: bool) -> Flap:
    """Return what is known once the present outage is the road's, or is not: a row never mixes the two.

    A row that was flapping before goes on; what made it flapping may be this outage.
    """
    if not flap.is_down or flap.is_cut or flap.by_road is by_road is False:
        return flap
    if flap.since and not _is_enough_only_now(flap):
        return flap
    if flap.by_road in (None, by_road):
        return replace(flap, by_road=by_road, is_cut=by_road)
    return Flap(flap.turns[-1:], fault=flap.fault, is_down=True, by_road=by_road, is_cut=by_road)


def _is_enough_only_now(flap: Flap) -> bool:
    """Whether the present outage is the one that made the row flapping."""
    return len(flap.turns) < 2 or (flap.enough_at is not None and flap.enough_at > flap.turns[-2])


def flap_cause(fault: Fault) -> Fault | None:
    """Return what comes again: a refusal of the account is its own cause; any other outage shows many faults."""
    return fault if fault.blame is Blame.ACCOUNT else None


def findings(flaps: Mapping[Target, Flap], now: datetime, told: Collection[str] = ()) -> Iterator[Finding]:
    """Yield one finding for all that flaps together; each turn by itself need not be reported then.

    What is refused to an account has another cause than what fails at its provider. `told` are the ids of the targets
    whose outage would be reported by now: the flapping is reported instead.
    """
    groups: dict[tuple[str, Fault | None], dict[Target, Flap]] = defaultdict(dict)
    for target, flap in flaps.items():
        if flap.since and flap.fault:
            groups[target.answerer, flap_cause(flap.fault)][target] = flap
    for (answerer, why), its in groups.items():
        if any(target.id in told or now - (flap.enough_at or now) >= TOGETHER for target, flap in its.items()):
            yield _finding(its, _joining(answerer, why, its, flaps))


def _joining(
    answerer: str, why: Fault | None, its: Mapping[Target, Flap], flaps: Mapping[Target, Flap]
) -> Iterator[Target]:
    """Yield what went down by the same cause since these began to flap: it is part of the same flapping.

    A refusal of another account is not: that one may be lost for the first time.
    """
    begun, accounts = min(flap.since for flap in its.values() if flap.since), {target.account for target in its}
    for target, flap in flaps.items():
        ours = target.answerer == answerer and (why is None or target.account in accounts)
        if ours and flap.fault and flap_cause(flap.fault) is why and flap.turns[-1] >= begun:
            yield target


def _finding(its: Mapping[Target, Flap], drawn_in: Iterable[Target]) -> Finding:
    """Return the finding on a target, on its account, or on all accounts that one provider answers."""
    first = min(its, key=lambda target: (its[target].since, target.id))
    flap, all_of_it = its[first], {*its, *drawn_in}
    accounts, latest = {target.account for target in all_of_it}, max(one.turns[-1] for one in its.values())
    assert flap.since
    assert flap.fault
    ids = sorted(target.id for target in all_of_it)
    minutes = max(1, round((latest - flap.since) / MINUTE))
    is_down = any(one.is_down for one in its.values())
    return Finding(
        account=first.account if len(accounts) == 1 else first.answerer,
        fault=flap.fault,
        since=flap.since,
        seen_at=latest,
        target=ids[0],
        rule="flap",
        words=FlapTurns(flap.count, minutes),
        reasons=(FlapHeld(flap.count, minutes, is_down), FlapCalm(CALM // MINUTE, STAYED // MINUTE)),
        model=first.model if len(ids) == 1 else None,
        others=tuple(ids[1:]),
    )
