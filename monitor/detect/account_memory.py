"""What the detectors remember of an account besides the health of its targets, and what they find in it; pure."""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.detect import credit, model_list, warning
from monitor.detect.credit import CreditHistory, CreditThreshold
from monitor.detect.finding import Finding
from monitor.detect.model_list import ModelList
from monitor.detect.warning import SeenWarning
from probes.model import Credit, Observation, Outcome


class WarningSettings(Struct, frozen=True):
    """What a user wants warnings about: credit below a floor, and models that leave the list.

    `spend_limit_usd` is the monthly limit in USD that the user entered, for providers that report only what was spent.
    """

    floor: CreditThreshold = field(default_factory=CreditThreshold)
    models: Collection[str] = ()
    spend_limit_usd: float | None = None


class AccountMemory(Struct, frozen=True):
    """All that is remembered of one account between two probes, besides its targets' health."""

    credits: Mapping[str, CreditHistory] = field(default_factory=dict, name="purses")  # the key in older rows
    offer: ModelList | None = None
    warned: Mapping[str, SeenWarning] = field(default_factory=dict)

    def of(self, targets: Collection[str]) -> "AccountMemory":
        """Return what came from these targets; the others are no longer probed."""
        return AccountMemory(
            {unit: history for unit, history in self.credits.items() if history.target in targets},
            self.offer if self.offer and self.offer.target in targets else None,
            {id: one for id, one in self.warned.items() if one.target in targets},
        )


EMPTY = AccountMemory()


def advance(note: AccountMemory, observation: Observation, attention: WarningSettings) -> AccountMemory:
    """Return the note after one more probe of one of the account's targets."""
    target, at = observation.target, observation.at
    if observation.credits:
        reported = {
            name: credit.advance(note.credits.get(name), one, target.id, at, attention.floor)
            for one in (_limited(one, attention.spend_limit_usd) for one in observation.credits)
            for name in (_credit_name(one, target.canary),)
        }
        note = replace(note, credits={**note.credits, **reported})
    if observation.offer is not None:
        note = replace(note, offer=model_list.advance(note.offer, observation.offer, target.id, at))
    if observation.signs or (note.warned and observation.outcome is Outcome.OK):
        note = replace(note, warned=warning.advance(note.warned, observation.signs, target.id, target.model, at))
    return note


def _credit_name(reported: Credit, canary: str) -> str:
    """Name the balance: each canary's `left` is its own, but a limit and a use reported apart belong together."""
    return reported.unit if reported.left is None and not reported.unlimited else f"{reported.unit} {canary}"


def _limited(reported: Credit, limit_usd: float | None) -> Credit:
    if limit_usd is None or reported.unit != "USD" or reported.most is not None or reported.left is not None:
        return reported
    return replace(reported, most=limit_usd)


def needs_confirmation(note: AccountMemory, attention: WarningSettings) -> bool:
    """Whether something was seen for the first time, so that one more probe should confirm it soon."""
    low = any(credit.needs_confirmation(history) for history in note.credits.values())
    return low or (note.offer is not None and model_list.needs_confirmation(note.offer, attention.models))


def findings(account: str, note: AccountMemory, attention: WarningSettings) -> Iterator[Finding]:
    for history in note.credits.values():
        yield from credit.findings(account, history, attention.floor)
    if note.offer:
        yield from model_list.findings(account, note.offer, attention.models)
    yield from warning.findings(account, note.warned)
