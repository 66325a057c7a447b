"""Measure the diagnosis in worlds whose truth is known: `python -m benchmarks.diagnosis` writes RESULTS-diagnosis.md.

`--only KIND --seed S --verbose` plays one world and prints what was looked at and told.
Thresholds may be chosen on seeds below 10,000; the results are of seeds from 50,000 on.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from operator import ge, le
from pathlib import Path
from statistics import median
from time import monotonic

from benchmarks.diagnosis_play import Played, play
from benchmarks.diagnosis_score import AlertState, First, Marks, score, seconds
from benchmarks.diagnosis_world import KINDS, Hit, Setting

RESULTS = Path(__file__).with_name("RESULTS-diagnosis.md")
SEED, WORLDS = 50_000, 3_000

Row = Sequence[str]

INTRODUCTION = """# Whose fault it is, and how often that is told rightly

Written by `python -m benchmarks.diagnosis --write`; do not edit. Each world is drawn: 1 to 60 accounts at 1 to 8
providers, one or two causes or none, with pages and control calls that tell the truth or do not. The monitor is the
real one with the shipped defaults: its loop, its database, its routing, its words; only time and the other side are
replaced. What the worlds are like is a model, not a trace. No threshold was chosen on these seeds.

- **Right**: the first message of a cause has its scope, its subject and its blame. Of a group that falls one after the
  other, the loss of the first alone is right as long as no other has fallen.
- **Undecided**: it blames nobody, and who saw the same looks could not either: all keys of a provider are refused at
  once, all that is watched there belongs to one owner, only one provider cannot be reached, only one account asks for
  the model, or one account is slow; and no page had told of trouble yet. Anything else that is undecided is wrong.
- That nothing can be reached is told when it is over, or when it has lasted for a quarter of an hour: that is its first
  message.
- **Messages**: how many a cause took, reminders and escalations apart (median / 99th percentile).
- **Untrue**: reasons in messages that the truth contradicted at the instant at which they were sent.
- **Downtime right**: one incident has recorded it, with begin and end within the interval of looks then in force.
- **Needless**: worlds with a message that is of no cause, or of what need not be told. **After**: worlds with news of
  trouble a minute after all is well.
- What no look could see, since it was over before the turn of its canary, is left out.

"""


def main() -> None:
    wish = _wish()
    if wish.seed is not None:
        for kind in wish.only or KINDS:
            show(kind, wish.seed, verbose=wish.verbose)
        return
    kinds, begun = wish.only or list(KINDS), monotonic()
    count = max(1, round(wish.worlds / len(kinds)))
    jobs = [(kind, wish.begin + number) for number in range(count) for kind in kinds]
    with ProcessPoolExecutor(wish.processes) as pool:
        marks = list(_counted(pool.map(play_one, jobs, chunksize=4), len(jobs)))
    took_s = monotonic() - begun
    text = page(marks, wish.begin, took_s)
    print(text)
    if wish.write:
        RESULTS.write_text(text)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.diagnosis", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(KINDS), help="a kind of world; may be repeated")
    parser.add_argument("--worlds", type=int, default=WORLDS, help="so many in all")
    parser.add_argument("--begin", type=int, default=SEED, help="the first seed of each kind")
    parser.add_argument("--seed", type=int, help="play this one world of each kind and print how it went")
    parser.add_argument(
        "--verbose", action="store_true", help="with --seed: each look that matters, and whole messages"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=False, help="write the results' file")
    return parser.parse_args()


def _counted(marks: Iterable[Marks], of: int) -> Iterator[Marks]:
    for number, one in enumerate(marks, 1):
        if number % 50 == 0:
            print(f"{number} of {of}", file=sys.stderr, flush=True)
        yield one


def play_one(job: tuple[str, int]) -> Marks:
    return score(*play(*job))


# One world


def show(kind: str, seed: int, *, verbose: bool) -> None:
    made, played = play(kind, seed)
    print(f"{kind}, seed {seed}: {len(made.config.accounts)} accounts, {len(played.looks)} looks, {made.ends_s:.0f} s")
    print(f"pages: {', '.join(f'{id} {how}' for id, how in made.pages.items())}; control calls lie: {made.deaf}")
    for at_s, line in sorted(timeline(made, played, verbose=verbose), key=lambda one: one[0]):
        print(f"{at_s:8.1f}  {line}")
    marks = score(made, played)
    for one in marks.told:
        print(f"cause {one.cause} ({one.hit}): {one.first} {one.words}; {one.messages} messages; {one.downtime_words}")
    for what in ("needless", "untrue_by_looks", "untrue", "unread", "after"):
        print(f"{what}: {list(getattr(marks, what))}")


SHOWN = 24
"""So many lines of each message."""


def timeline(made: Setting, played: Played, *, verbose: bool) -> Iterator[tuple[float, str]]:
    for number, cause in enumerate(made.causes):
        wanted = ", or ".join(f"{one.scope} {one.subject} of {'/'.join(sorted(one.blames))}" for one in cause.readings)
        yield cause.begin_s, f"CAUSE {number} begins: {cause.hit}, {cause.fault}; to be told: {wanted}"
        yield cause.end_s, f"CAUSE {number} ends"
    for sent in played.sent:
        shown = "\n".join(["", *sent.text.body.splitlines()[:SHOWN]]) if verbose else ""
        blames = ", ".join(f"{one.step} {one.incident.scope} of {one.incident.blame}" for one in sent.parts)
        yield sent.at_s, f"SENT {sent.text.title} [{blames}]" + shown.replace("\n", "\n            ")
    yield from _steps(played)
    if verbose:
        yield from _turns(played)


def _steps(played: Played) -> Iterator[tuple[float, str]]:
    """Yield what happened to each incident, but for what is as it was before."""
    for case in played.cases.values():
        before = ""
        for change in case.changes:
            one = change.incident
            line = f"CHANGE {change.kind}: {one.scope} {one.subject} of {one.blame}, {one.confidence}"
            if line != before:
                yield seconds(change.at), line
            before = line


def _turns(played: Played) -> Iterator[tuple[float, str]]:
    """Yield the looks that failed, and the first good one after each row of them."""
    failing: set[str] = set()
    for look in played.looks:
        if look.fault or look.target in failing:
            yield look.at_s, f"look {look.target}: {look.fault or 'ok'}, after {look.ended_s - look.at_s:.1f} s"
        (failing.add if look.fault else failing.discard)(look.target)


# Tables


def page(marks: Sequence[Marks], begin: int, took_s: float) -> str:
    took = f"{len(marks)} worlds, seeds from {begin} on, in {took_s / 60:.0f} minutes on {os.cpu_count()} processors.\n"
    parts = [INTRODUCTION + took]
    for title, make in TABLES.items():
        parts.append(f"## {title}\n\n{table(make(marks))}\n")
    return "\n".join(parts)


def table(rows: Iterable[Row]) -> str:
    head, *rest = [list(row) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rest])


def goals(marks: Sequence[Marks]) -> Iterator[Row]:
    yield "what", "goal", "measured", "met"
    for what, goal, reached, limit, measure in GOALS:
        figure = measure(marks)
        shown = "-" if figure is None else f"{figure:.4g}"
        yield what, goal, shown, "yes" if figure is not None and reached(figure, limit) else "**no**"


def _causes(marks: Sequence[Marks]) -> list[AlertState]:
    """Return all that could be seen and is to be told."""
    return [one for its in marks for one in its.told if one.first is not First.UNSEEN]


def _share(hits: int, of: int) -> float | None:
    return 100 * hits / of if of else None


def _right(marks: Sequence[Marks]) -> float | None:
    causes = _causes(marks)
    return _share(sum(one.first in (First.RIGHT, First.OPEN) for one in causes), len(causes))


def _open(marks: Sequence[Marks]) -> float | None:
    causes = _causes(marks)
    return _share(sum(one.first in (First.OPEN, First.UNDECIDED) for one in causes), len(causes))


def _account_blamed(marks: Sequence[Marks]) -> float | None:
    causes = _causes(marks)
    return _share(sum(one.account_blamed for one in causes), len(causes))


def _messages(share: float) -> Callable[[Sequence[Marks]], float | None]:
    return lambda marks: quantile([float(one.messages) for one in _causes(marks)], share)


def _untrue(part: str) -> Callable[[Sequence[Marks]], float | None]:
    def measure(marks: Sequence[Marks]) -> float | None:
        return _share(sum(len(getattr(one, part)) for one in marks), sum(one.sentences for one in marks))

    return measure


def _downtime(marks: Sequence[Marks]) -> float | None:
    known = [one.downtime for one in _causes(marks) if one.downtime is not None]
    return _share(sum(known), len(known))


def _hopeless(marks: Sequence[Marks]) -> float | None:
    """Return the slowest of all but one in a hundred account losses, from the first look that met it."""
    delays = [one.look_delay_s for its in marks for one in its.told if one.hit is Hit.ACCOUNT]
    return quantile([one for one in delays if one is not None], 0.99)


def _wide(marks: Sequence[Marks]) -> float | None:
    delays = [one.delay_s for its in marks if its.kind == "provider overloaded" for one in its.told]
    return quantile([one for one in delays if one is not None], 0.5)


def _count(part: str) -> Callable[[Sequence[Marks]], float | None]:
    return lambda marks: float(sum(bool(getattr(one, part)) for one in marks))


Measure = Callable[[Sequence[Marks]], float | None]
GOALS: Sequence[tuple[str, str, Callable[[float, float], bool], float, Measure]] = (
    ("first message right, or fairly undecided, %", "≥ 98", ge, 98.0, _right),
    ("undecided, %", "≤ 10", le, 10.0, _open),
    ("an account blamed for what is not its own, %", "≤ 0.2", le, 0.2, _account_blamed),
    ("worlds in which anybody is blamed while nothing can be reached", "0", le, 0.0, _count("blamed_offline")),
    ("messages of a cause, median", "≤ 2", le, 2.0, _messages(0.5)),
    ("messages of a cause, 99th percentile", "≤ 3", le, 3.0, _messages(0.99)),
    ("sentences against our own looks, %", "0", le, 0.0, _untrue("untrue_by_looks")),
    ("sentences against the truth, %", "≤ 0.5", le, 0.5, _untrue("untrue")),
    ("recorded downtime right, %", "≥ 99", ge, 99.0, _downtime),
    ("account lost, seconds from its first look, 99th percentile", "≤ 30", le, 30.0, _hopeless),
    ("provider overloaded, seconds from its begin, median", "≤ 135", le, 135.0, _wide),
    ("worlds with an incident that ends before it begins", "0", le, 0.0, _count("backwards")),
    ("worlds with messages of nothing", "0", le, 0.0, _count("needless")),
    ("worlds with news of trouble when all is well", "0", le, 0.0, _count("after")),
)


def quantile(figures: Sequence[float], share: float) -> float | None:
    return sorted(figures)[min(len(figures) - 1, int(share * len(figures)))] if figures else None


BUCKETS = {"1": (1, 1), "2": (2, 2), "3 to 8": (3, 8), "12 and more": (9, 99)}


def kinds(marks: Sequence[Marks]) -> Iterator[Row]:
    yield (
        *("kind", "worlds", "right", "undecided", "wrong scope", "wrong blame", "not told", "account blamed"),
        *("messages", "seconds to the first", "untrue", "downtime right", "needless", "after"),
    )
    for kind in dict.fromkeys(one.kind for one in marks):
        yield kind, *_cells([one for one in marks if one.kind == kind])


def siblings(marks: Sequence[Marks]) -> Iterator[Row]:
    head, *_ = kinds(marks)
    yield "accounts there", *head[1:]
    for name, (least, most) in BUCKETS.items():
        yield name, *_cells([one for one in marks if least <= one.siblings <= most])


def _cells(marks: Sequence[Marks]) -> Iterator[str]:
    causes = _causes(marks)
    firsts = Counter(one.first for one in causes)
    delays = [one.delay_s for one in causes if one.delay_s is not None]
    yield str(len(marks))
    yield _percent(firsts[First.RIGHT], len(causes))
    yield _percent(firsts[First.OPEN], len(causes))
    yield _percent(firsts[First.SCOPE], len(causes))
    yield _percent(firsts[First.BLAME] + firsts[First.UNDECIDED], len(causes))
    yield _percent(firsts[First.MISSED], len(causes))
    yield _percent(sum(one.account_blamed for one in causes), len(causes))
    yield _two([float(one.messages) for one in causes])
    yield _two(delays)
    yield f"{sum(len(one.untrue) for one in marks)} of {sum(one.sentences for one in marks)}"
    known = [one.downtime for one in causes if one.downtime is not None]
    yield _percent(sum(known), len(known))
    yield str(sum(bool(one.needless) for one in marks))
    yield str(sum(bool(one.after) for one in marks))


def _percent(hits: int, of: int) -> str:
    return f"{100 * hits / of:.0f} %" if of else "-"


def _two(figures: Sequence[float]) -> str:
    return f"{median(figures):.0f} / {quantile(figures, 0.99):.0f}" if figures else "-"


def wrong(marks: Sequence[Marks]) -> Iterator[Row]:
    yield "first message", "kind of world", "times", "a seed"
    found: dict[tuple[str, str], list[int]] = {}
    for its in marks:
        for one in its.told:
            if one.first not in (First.RIGHT, First.OPEN, First.UNSEEN):
                found.setdefault((one.words or str(one.first), its.kind), []).append(its.seed)
    yield from _ranked(found)


def lies(marks: Sequence[Marks]) -> Iterator[Row]:
    yield "sentence against the truth", "kind of world", "times", "a seed"
    yield from _ranked(_found(marks, "untrue"))


def contradicted(marks: Sequence[Marks]) -> Iterator[Row]:
    yield "sentence against our looks", "kind of world", "times", "a seed"
    yield from _ranked(_found(marks, "untrue_by_looks"))


def strays(marks: Sequence[Marks]) -> Iterator[Row]:
    yield "told of nothing, or too late", "kind of world", "times", "a seed"
    yield from _ranked(_found(marks, "needless") | _found(marks, "after"))


def downtimes(marks: Sequence[Marks]) -> Iterator[Row]:
    yield "recorded downtime", "kind of world", "times", "a seed"
    found: dict[tuple[str, str], list[int]] = {}
    for its in marks:
        for one in its.told:
            if one.downtime is False:
                found.setdefault((_blurred(one.downtime_words), its.kind), []).append(its.seed)
    yield from _ranked(found)


def _found(marks: Sequence[Marks], part: str) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for its in marks:
        for one in getattr(its, part):
            found.setdefault((_blurred(one), its.kind), []).append(its.seed)
    return found


def _blurred(words: str) -> str:
    """Return a sentence without what differs from one world to the next."""
    import re

    return re.sub(r"-?\d+", "N", re.sub(r"[a-z-]+/a\d\d\S*", "ACCOUNT", words))


MOST = 30


def _ranked(found: Mapping[tuple[str, str], Sequence[int]]) -> Iterator[Row]:
    for (words, kind), seeds in sorted(found.items(), key=lambda one: -len(one[1]))[:MOST]:
        yield words, kind, str(len(seeds)), str(seeds[0])


TABLES: Mapping[str, Callable[[Sequence[Marks]], Iterable[Row]]] = {
    "Goals": goals,
    "By kind of world": kinds,
    "By the number of accounts at the provider that is hit": siblings,
    "First messages that were wrong": wrong,
    "Sentences that were untrue": lies,
    "Sentences that our own looks contradicted": contradicted,
    "Messages of nothing": strays,
    "Downtime that was recorded wrongly": downtimes,
}


if __name__ == "__main__":
    main()
