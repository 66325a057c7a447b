"""Which models an account is offered, and which have left its list; pure."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor.detect.finding import Finding
from monitor.detect.reason import ModelGone, NotListed
from probes.model import Fault

TO_CONFIRM = 2
"""Lists in a row that must lack a model: some are put together from several servers, and one lags."""
REMEMBERED = timedelta(days=30)


class MissingModel(Struct, frozen=True):
    """A model that was on offer: `until` the last list that had it, `since` the first without it."""

    until: datetime
    since: datetime
    lists: int = 1


class ModelList(Struct, frozen=True):
    """The latest list of an account's models, and what has left it; small enough to be kept."""

    target: str
    at: datetime
    models: tuple[str, ...]
    gone: Mapping[str, MissingModel] = field(default_factory=dict)


def advance(offer: ModelList | None, models: Collection[str], target: str, at: datetime) -> ModelList:
    """Return what is known after one more complete list."""
    if offer is None:
        return ModelList(target, at, tuple(sorted(models)))
    now = set(models)
    gone = {
        model: MissingModel(one.until, one.since, one.lists + 1)
        for model, one in offer.gone.items()
        if model not in now and at - one.since < REMEMBERED
    }
    gone |= {model: MissingModel(offer.at, at) for model in offer.models if model not in now}
    return ModelList(target, at, tuple(sorted(now)), gone)


def needs_confirmation(offer: ModelList, wanted: Collection[str]) -> bool:
    """Whether a wanted model is missing for the first time, so that one more list should confirm it soon."""
    return any(gone.lists == 1 for _, _, gone in _lost(offer, wanted))


def findings(account: str, offer: ModelList, wanted: Collection[str]) -> Iterator[Finding]:
    """Yield the wanted models that were on offer and are no longer."""
    for model, name, gone in _lost(offer, wanted):
        if gone.lists >= TO_CONFIRM:
            yield Finding(
                account,
                Fault.MODEL_UNAVAILABLE,
                gone.since,
                offer.at,
                offer.target,
                "offer/gone",
                NotListed(name, len(offer.models)),
                (ModelGone(len(offer.models), gone.until),),
                model,
            )


def _lost(offer: ModelList, wanted: Collection[str]) -> Iterator[tuple[str, str, MissingModel]]:
    for model in sorted(set(wanted)):
        if any(_is_called(name, model) for name in offer.models):
            continue
        for name, gone in offer.gone.items():
            if _is_called(name, model):
                yield model, name, gone
                break


def _is_called(name: str, model: str) -> bool:
    """Lists name a model by its path, requests by its last part: models/gemini-2.5-flash."""
    return name == model or name.endswith(f"/{model}")
