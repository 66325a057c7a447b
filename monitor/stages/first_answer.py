"""The first answers of each account after a start: said once to whoever watches the terminal."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from monitor.words import FAULTS, count, seconds
from probes.model import Fault, Observation, Timer
from probes.target_id import account_of

PATIENCE_S = 15.0
"""Seconds after an account's first answer in which its other canaries are waited for: a paid one may be due later."""
MOST = 40
"""Number of accounts above which those that work are only counted."""


class FirstAnswer(Struct, kw_only=True):
    """What each account answered first. `targets`: those that count for it, by account; `show`: where to say it."""

    targets: Mapping[str, frozenset[str]]
    show: Callable[[str], None]
    timer: Timer
    met: dict[str, dict[str, Observation]] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    said: dict[str, bool] = field(default_factory=dict)
    over: bool = False

    def take(self, observations: Iterable[Observation]) -> None:
        """Say of each account whose first answers are in that it works, or what is wrong."""
        if self.over:
            return
        for one in observations:
            self._note(one)
        for account in [id for id in self.met if id not in self.said and self._is_complete(id)]:
            self._say(account)
        if len(self.said) == len(self.targets):
            self._end()

    def _note(self, one: Observation) -> None:
        account = account_of(one.target.id)
        if account not in self.said and one.target.id in self.targets.get(account, ()):
            self.begun.setdefault(account, self.timer())
            self.met.setdefault(account, {}).setdefault(one.target.id, one)

    def _is_complete(self, account: str) -> bool:
        waited_s = self.timer() - self.begun[account]
        return self.met[account].keys() >= self.targets[account] or waited_s >= PATIENCE_S

    def _say(self, account: str) -> None:
        seen = list(self.met[account].values())
        self.said[account] = well = all(one.answer is None for one in seen)
        if not well:
            self.show(f"{account}: {'; '.join(dict.fromkeys(_wrong(seen)))}")
        elif len(self.targets) <= MOST:
            self.show(f"{account} works: {', '.join(map(_well, seen))}")

    def _end(self) -> None:
        self.over = True
        if len(self.targets) > MOST:
            well = sum(self.said.values())
            self.show(f"{well} of {count(len(self.targets), 'account')} {'works' if well == 1 else 'work'}")


def _well(one: Observation) -> str:
    took = f" in {seconds(one.latency_s)}" if one.latency_s is not None else ""
    return f"{_asked(one)}{took}"


def _wrong(seen: Sequence[Observation]) -> Iterator[str]:
    """Yield each thing that is wrong once, with what was asked if other canaries are well."""
    some = any(one.answer is None for one in seen)
    for one in seen:
        if one.answer:
            said = _fault(one.fault, one.answer.words)
            yield f"{_asked(one)}: {said}" if some else said


def _fault(fault: Fault | None, words: str) -> str:
    """Name a fault with the words of the answer, unless they begin with its name."""
    name = FAULTS[fault] if fault else "not known"
    return words if words.startswith(name) else f"{name} ({words})"


def _asked(one: Observation) -> str:
    return " ".join(filter(None, (one.target.canary, one.target.model)))
