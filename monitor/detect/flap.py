"""Flapping: what goes down and comes back again and again, named once, and its calm once; pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.health import Health, State
from probes.model import Blame, Fault, Target

MINUTE = timedelta(minutes=1)
WITHIN = timedelta(minutes=60)
"""So long the outages of a row may be apart: the second within the hour, of those that last, is flapping."""
BRIEF = 5
"""So many outages within the hour are flapping although none lasted, and nobody was told of any."""
TURNS = 2 * BRIEF - 1
CALM, STAYED = timedelta(minutes=30), timedelta(minutes=10)
"""So long without an outage ends it, or so long in one; an outage is told as any other when it has lasted STAYED."""
TOGETHER = timedelta(seconds=45)
"""So long after an outage began others may turn out to flap with the first, unless it is told by then."""


class Flap(Struct, frozen=True):
    """The latest turns of one target, from down to up or back, at most TURNS.

    While it flaps, `since` is the first of the row, `count` how many there were, and `enough_at` the first look of the
    outage that made them enough; else None and 0. `fault` is the latest that took it down, while it flaps the one that
    it is named by. `lasted_at` is when the latest outage began that lasted; None: there was none.
    """

    turns: tuple[datetime, ...] = ()
    since: datetime | None = None
    fault: Fault | None = None
    enough_at: datetime | None = None
    count: int = 0
    lasted_at: datetime | None = None


STEADY = Flap()


def advance(flap: Flap, before: Health, after: Health, at: datetime) -> Flap:
    """Return what is known after a look at `at` that changed the health so; `flap` itself when nothing turned."""
    turned = (before.state is State.DOWN) is not (after.state is State.DOWN)
    if turned:
        flap = _turned(flap, after, at)
    if after.lasting and not before.lasting:
        return _lasted(flap, after, at)
    if flap.since and not turned and after.state is not State.UNKNOWN:
        return STEADY if at - flap.turns[-1] >= CALM else flap
    return flap


def _turned(flap: Flap, after: Health, at: datetime) -> Flap:
    if after.fault and flap.fault and cause(after.fault) is not cause(flap.fault):
        return Flap((at,), fault=after.fault)
    turns = (*flap.turns[1 - TURNS :], at)
    if flap.since:
        return replace(flap, turns=turns, count=flap.count + 1)
    flap = replace(flap, turns=turns, fault=after.fault or flap.fault)
    enough = len(turns) == TURNS and at - turns[0] <= WITHIN and after.state is State.DOWN
    return _flapping(flap, turns[0], after, at) if enough else flap


def _lasted(flap: Flap, after: Health, at: datetime) -> Flap:
    """Return what is known once an outage is one to be told; its turn was counted when it began."""
    begun, before = flap.turns[-1] if flap.turns else at, flap.lasted_at
    flap = replace(flap, lasted_at=begun)
    if flap.since or before is None or begun - before > WITHIN or _stayed(flap, before):
        return flap
    return _flapping(flap, before, after, at)


def _stayed(flap: Flap, begun: datetime) -> bool:
    """Whether the outage that began then lasted for so long that it was told by itself: the next one may, too."""
    ended = min((turn for turn in flap.turns if turn > begun), default=begun)
    return ended - begun >= STAYED


def _flapping(flap: Flap, since: datetime, after: Health, at: datetime) -> Flap:
    count = sum(turn >= since for turn in flap.turns)
    return replace(flap, since=since, enough_at=after.since or at, count=count)


def cause(fault: Fault) -> Fault | None:
    """Return what comes again: a refusal of the account by itself; of all else one outage shows many faces."""
    return fault if fault.blame is Blame.ACCOUNT else None


def findings(flaps: Mapping[Target, Flap], now: datetime, told: Collection[str] = ()) -> Iterator[Finding]:
    """Yield one thing to tell of all that flaps together; each turn by itself need not be told then.

    What is refused to an account has another cause than what fails at its provider. `told` are the ids of the
    targets whose outage would be told by now: then it is told as one that comes again instead.
    """
    groups: dict[tuple[str, Fault | None], dict[Target, Flap]] = defaultdict(dict)
    for target, flap in flaps.items():
        if flap.since and flap.fault:
            groups[target.answerer, cause(flap.fault)][target] = flap
    for (answerer, why), its in groups.items():
        if any(target.id in told or now - (flap.enough_at or now) >= TOGETHER for target, flap in its.items()):
            yield _finding(its, _drawn_in(answerer, why, its, flaps))


def _drawn_in(
    answerer: str, why: Fault | None, its: Mapping[Target, Flap], flaps: Mapping[Target, Flap]
) -> Iterator[Target]:
    """Yield what went down by the same cause since those began to flap: it is a part of what comes and goes.

    A refusal of another account is not: that one may be lost for the first time.
    """
    begun, accounts = min(flap.since for flap in its.values() if flap.since), {target.account for target in its}
    for target, flap in flaps.items():
        ours = target.answerer == answerer and (why is None or target.account in accounts)
        if ours and flap.fault and cause(flap.fault) is why and flap.turns[-1] >= begun:
            yield target


def _finding(its: Mapping[Target, Flap], drawn_in: Iterable[Target]) -> Finding:
    """Return what is told of a target, of its account, or of all accounts that one provider answers."""
    first = min(its, key=lambda target: (its[target].since, target.id))
    flap, all_of_it = its[first], {*its, *drawn_in}
    accounts, latest = {target.account for target in all_of_it}, max(one.turns[-1] for one in its.values())
    assert flap.since
    assert flap.fault
    ids = sorted(target.id for target in all_of_it)
    passed = f"{max(1, round((latest - flap.since) / MINUTE))} min"
    return Finding(
        account=first.account if len(accounts) == 1 else first.answerer,
        fault=flap.fault,
        since=flap.since,
        seen_at=latest,
        target=ids[0],
        rule="flap",
        words=f"{flap.count} changes between up and down in {passed}",
        reasons=(
            f"{flap.count} changes in {passed}; further changes are held until it is calm",
            f"that is {CALM // MINUTE} min without an outage; one that lasts {STAYED // MINUTE} min is told",
        ),
        model=first.model if len(ids) == 1 else None,
        others=tuple(ids[1:]),
    )
