"""Asking each key once, with what costs nothing: what it can do, in words."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from monitor.commands.probe import probe_now
from monitor.config.config import Config
from monitor.config.document import ProbeSection
from monitor.words import count
from probes.model import Credit, Fault, Limit, Observation, Outcome

LIMITS = ProbeSection(connect_s=3, silence_s=4, total_s=5, per_host=100, online=[])
"""The patience of a first look: somebody waits for it."""
OUT_OF_REACH = (Fault.CONNECTION_FAILED, Fault.PROXY_FAILED, Fault.TIMEOUT)


def try_keys(config: Config, accounts: Collection[str]) -> tuple[list[Observation], list[str]]:
    """Ask all that is free, once and at the same time; return the answers, and repairs of the configuration."""
    free = [watch for watch in config.watches.values() if watch.free and watch.target.account in accounts]
    return probe_now(replace(config, probe=LIMITS), free)


def is_offline(seen: Sequence[Observation]) -> bool:
    """Whether nothing at all was reached, so that no answer says anything of a key."""
    return bool(seen) and all(one.fault in OUT_OF_REACH for one in seen)


def trial_lines(accounts: Iterable[str], seen: Sequence[Observation]) -> Iterator[str]:
    """Yield a line for each account: whether its key opens anything, and what was told along the way."""
    for id in accounts:
        its = [one for one in seen if one.target.account == id]
        yield f"{id}: {', '.join(_said(its)) or 'has nothing that is free to ask'}"


def _said(its: Sequence[Observation]) -> Iterator[str]:
    well = [one for one in its if one.outcome is Outcome.OK]
    if well:
        yield f"works ({_canaries(well)})"
    yield from _refusals(its)
    if offers := [one.offer for one in well if one.offer]:
        yield count(len(offers[0]), "model")
    yield from dict.fromkeys(f"{one.limit:g} {_per(one)}" for it in its for one in it.limits or () if one.limit)
    yield from (_credit(one) for it in well for one in it.credits)


def _refusals(its: Sequence[Observation]) -> Iterator[str]:
    """Yield what was refused, and in which words, once for all that were refused alike."""
    alike: dict[tuple[str, str], list[Observation]] = {}
    for one in its:
        if one.answer:
            alike.setdefault((one.fault or one.outcome, one.answer.words), []).append(one)
    for (fault, words), refused in alike.items():
        yield f"{fault} ({_canaries(refused)})" + (f': "{words[:MOST]}"' if words else "")


def _canaries(its: Iterable[Observation]) -> str:
    return " ".join(dict.fromkeys(one.target.canary for one in its))


MOST = 120
"""Most characters of an answer's words."""
PERIODS = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}


def _per(one: Limit) -> str:
    period = PERIODS.get(round(one.window_s or 0))
    return f"{one.unit} a {period}" if period else one.unit


def _credit(one: Credit) -> str:
    if one.unlimited:
        return "unlimited credit"
    return f"{one.left:g} {one.unit} left" if one.left is not None else f"{one.used or 0:g} {one.unit} used"


def offers(seen: Iterable[Observation]) -> dict[str, tuple[str, ...]]:
    """Return the models on offer, by account."""
    return {one.target.account: one.offer for one in seen if one.offer}
