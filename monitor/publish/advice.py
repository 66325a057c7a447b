"""An incident and the state of all accounts → what to do next, and which accounts to use instead; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from msgspec import Struct

from monitor.config.config import Config
from monitor.detect.health import State
from monitor.diagnose.diagnosis import ACCOUNT_WIDE
from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.diagnose.subject import Scope
from monitor.publish.shared_risk import CONTAGIOUS_FAULTS
from monitor.publish.snapshot import AccountView, Snapshot, TargetView
from monitor.publish.status import WHOLE, CurrentState, current_state
from monitor.publish.usable import Usable, assess_usability
from monitor.sentence.finding import describe_answer
from probes import remedy
from probes.advice import ADVICE, SERVED, SWITCHED, AdviceContext, choose_advice
from probes.model import Answer, Blame, Fault
from probes.phrase import Phrase, Sentences
from probes.proxy import Egress
from probes.target_id import provider_of

NAMED = 5
"""Most accounts named as usable instead: nobody needs a hundred."""

OFFLINE_ADVICE = (
    "Check this machine's network, DNS and firewall.",
    "Nothing is said about any account until it is back.",
)
ROAD_ADVICE = (
    "Check the way out from here: router, firewall, DNS.",
    "What fails is the connection from here; no key is at fault.",
)
SLOW_ROAD_ADVICE = (
    "Check what else is using the line out from here, the proxy, and this machine's load.",
    "Another account helps only if it is reached by another way out.",
)
ABSENCE_ADVICE = (
    "It is watching again.",
    "If nobody stopped it, check its log.",
    "With [heartbeat] in monitor.toml, somebody outside tells you while it is away.",
)
SILENCE_ADVICE = (
    "Look whether its machine and its `run --role probe` run, and whether it reaches the shared store.",
    "The accounts are watched from the other places meanwhile.",
)
CLOCK_ADVICE = ("Have its clock set by NTP, as with chrony or systemd-timesyncd.",)
OBJECTIVE_ADVICE = ("Whatever fails or is late has its own entry: see `status`, which also shows the budget left.",)
REMINDER_ADVICE = (
    "Nothing is failing yet.",
    "Once it is renewed, move the date in [[reminders]], or remove the line.",
)
SOURCE_ADVICE = (
    "Until it can be read again nothing is concluded from it, and no account is affected.",
    "If the page has moved, put its new address in [[providers.{provider}.feeds]].",
)
STAGE_ADVICE = (
    "It is restarted after ever longer pauses, and everything else goes on.",
    "The full error is in the log: fix what it names, or report it with the version of provider-monitor.",
)

OURS = frozenset({Scope.MONITOR, Scope.SOURCE, Scope.REMINDER, Scope.OBJECTIVE, Scope.STAGE})
"""Scopes in which nothing is lost that another account could replace."""


SHARED = frozenset({Blame.PROVIDER, Blame.PATH})
"""Blames that may affect every account at the provider."""


DEPENDING = SWITCHED | SERVED.keys()
"""Faults whose advice depends on the other accounts; for the rest they need not be checked."""


class Glance(Struct, frozen=True):
    """The state of all accounts now. `every`: each account's usability, as in `pick` and `usable.json`."""

    snapshot: Snapshot
    now: CurrentState
    every: Sequence[Usable]
    accounts: Mapping[str, AccountView]


class Loss(Struct, frozen=True):
    """What is lost, and since when: `targets` by id. None of `accounts` is offered as a substitute.

    `whole`: everything they do is lost, also what was not probed since.
    """

    fault: Fault
    provider: str
    accounts: Collection[str]
    targets: Collection[str]
    since: datetime
    whole: bool


class Workload(Struct, frozen=True):
    """The canaries whose work a substitute must do.

    Not `exact`: a part of it helps, too; if it `writes` text, so does any canary that writes, in whichever API.
    """

    canaries: Collection[str]
    exact: bool
    writes: bool = False


def glance_of_snapshot(snapshot: Snapshot) -> Glance:
    now = current_state(snapshot)
    return Glance(snapshot, now, assess_usability(snapshot, now), snapshot.accounts_by_id())


def advice_for(incident: Incident, config: Config, glance: Glance | None = None) -> Sentences:
    """Return what to do next; without a glance nothing is known about substitutes."""
    if own := _own_advice(incident):
        return own
    for one in incident.evidence:
        if fix := setup_fix(config, one.target, Answer(one.rule, describe_answer(one.words)), glance):
            return fix
    provider = config.providers.get(incident.about.provider)
    said = [describe_answer(one.words) for one in incident.evidence if one.fault is incident.fault]
    return choose_advice(incident.fault, provider, said, _around(incident, config, glance)) if provider else ()


def _around(incident: Incident, config: Config, glance: Glance | None) -> AdviceContext:
    phase = next((one.phase for one in incident.evidence if one.fault is incident.fault), None)
    return _beside(incident, config, glance)._replace(phase=phase)


def _beside(incident: Incident, config: Config, glance: Glance | None) -> AdviceContext:
    if glance and incident.fault in DEPENDING:
        return advice_context(_loss(incident, config), config, glance)
    own_base = _is_own_base(config, {*accounts_of_targets(incident.targets), incident.about.account})
    return AdviceContext(own_base=own_base, together=len(accounts_of_targets(incident.targets)) > 1)


def _own_advice(incident: Incident) -> Sentences | None:
    """Return the advice for an incident that is not about a provider's answers; None for others."""
    if incident.about.is_of_place:
        return _phrases(SILENCE_ADVICE if incident.is_silence else CLOCK_ADVICE)
    match incident.scope:
        case Scope.MONITOR:
            return _phrases(ABSENCE_ADVICE) if incident.is_absence else _road_advice(incident, OFFLINE_ADVICE)
        case Scope.OBJECTIVE:
            return _phrases(OBJECTIVE_ADVICE)
        case Scope.REMINDER:
            return _phrases(REMINDER_ADVICE)
        case Scope.SOURCE:
            return tuple(Phrase(one, {"provider": incident.about.provider}) for one in SOURCE_ADVICE)
        case Scope.STAGE:
            return _phrases(STAGE_ADVICE)
        case Scope.EGRESS | Scope.LOCATION if not incident.about.provider:
            return _road_advice(incident, ROAD_ADVICE)
        case Scope.TARGET | Scope.MODEL | Scope.CAPABILITY | Scope.ACCOUNT:
            return None
        case Scope.ORGANIZATION | Scope.PROVIDER | Scope.EGRESS | Scope.LOCATION:
            return None
    assert_never(incident.scope)


def _road_advice(incident: Incident, usual: tuple[str, ...]) -> Sentences:
    own = {Fault.PROXY_FAILED: (ADVICE[Fault.PROXY_FAILED].do,), Fault.SLOW: SLOW_ROAD_ADVICE}
    return _phrases(own.get(incident.fault, usual))


def _phrases(texts: Iterable[str]) -> Sentences:
    return tuple(map(Phrase, texts))


def advice_of(
    account: AccountView, target: TargetView, said: Sequence[str], config: Config, glance: Glance
) -> Sentences:
    """Return what to do next about an account that no incident explains, by its worst target."""
    provider, fault = config.providers[provider_of(account.id)], target.fault
    if fault is None:
        raise ValueError(f"{target.id} is {target.state}: there is nothing to do about it")
    since = target.since or glance.now.at
    loss = Loss(fault, provider.id, {account.id}, {target.id}, since, fault in ACCOUNT_WIDE)
    return choose_advice(fault, provider, said, advice_context(loss, config, glance)._replace(phase=target.phase))


def setup_fix(config: Config, target: str, answer: Answer | None, glance: Glance | None) -> Sentences | None:
    """Return the line of monitor.toml that fixes a target's failure; None if none does."""
    watch = config.watches.get(target)
    if watch is None or answer is None or not answer.rule.startswith(remedy.PREFIX):
        return None
    account, name = config.accounts[watch.target.account], watch.target.canary
    well = _answered(config, account.id, glance)
    return remedy.advise_setup(config.providers[account.provider], account, name, answer, well)


def _answered(config: Config, account: str, glance: Glance | None) -> list[str]:
    """Return the canaries of an account with good answers; without observations, those that do its work."""
    if glance and (view := glance.accounts.get(account)):
        return [one.canary for one in view.targets if one.well_at]
    its = (one for one in config.watches.values() if one.target.account == account and not one.aside)
    return [one.target.canary for one in its]


def find_substitutes(incident: Incident, config: Config, glance: Glance) -> list[Usable]:
    """Return the accounts that can do what this incident's have lost, best first."""
    return [] if incident.scope in OURS else _able(_loss(incident, config), config, glance)[:NAMED]


def needs_substitute(incident: Incident) -> bool:
    """Whether to name substitutes, even if there are none: the loss lasts until a person fixes it."""
    return incident.scope not in OURS and not incident.signal and incident.fault in ACCOUNT_WIDE


def _loss(incident: Incident, config: Config) -> Loss:
    targets = set(incident.targets) or {one.target for one in incident.evidence}
    about = incident.about
    hit = accounts_of_targets(targets) | ({about.account} if about.account else set())
    if not (about.account or about.part):  # everything of this answerer
        hit |= {one.target.account for one in config.watches.values() if one.target.answerer == about.answerer}
    whole = incident.scope in WHOLE or incident.fault in ACCOUNT_WIDE
    return Loss(incident.fault, about.provider, hit, targets, incident.opened_at, whole)


def _able(loss: Loss, config: Config, glance: Glance) -> list[Usable]:
    """Return the accounts that can do what is lost: first those without a caution, then in the order of `pick`.

    Accounts of other providers are named if all those left at its own may be lost next.
    """
    every = (
        assess_usability(glance.snapshot, glance.now, loss.accounts)
        if loss.fault in CONTAGIOUS_FAULTS
        else glance.every
    )
    wanted = _lost_work(loss, config)
    able = [one for one in every if one.offered and one.account not in loss.accounts and _does(one, wanted, config)]
    if loss.fault.blame in SHARED:
        able = [one for one in able if one.provider != loss.provider or _was_served(glance.accounts[one.account], loss)]
    if loss.fault is Fault.SLOW:
        slow = _slow_accounts(config, glance)
        able = [one for one in able if one.account not in slow]
    its = [one for one in able if one.provider == loss.provider]
    found = its if any(one.caution is None for one in its) else able
    return sorted(
        found,
        key=lambda one: (
            one.caution is not None,
            one.provider != loss.provider,
            len(_undone(one, wanted)),
            one.rank,
        ),
    )


def _slow_accounts(config: Config, glance: Glance) -> set[str]:
    """Return the accounts that are slow, too: they work, but switching to them gains nothing."""
    signs = (view.incident for view in glance.snapshot.open_incidents)
    return {account for one in signs if one.fault is Fault.SLOW for account in _loss(one, config).accounts}


def _does(one: Usable, wanted: Workload, config: Config) -> bool:
    """Whether an account can do the wanted work; if none is wanted, any working account can."""
    undone = _undone(one, wanted)
    if wanted.exact or not undone:
        return not undone
    texts = (_writes(config, one.provider, canary) for canary, works in one.abilities.items() if works)
    return len(undone) < len(wanted.canaries) or (wanted.writes and any(texts))


def _undone(one: Usable, wanted: Workload) -> list[str]:
    return [canary for canary in wanted.canaries if not one.abilities.get(canary)]


def _was_served(account: AccountView, loss: Loss) -> bool:
    """Whether an account was seen working since the trouble began; else it may share it."""
    return any(_is_served(target, loss) for target in account.targets)


def _lost_work(loss: Loss, config: Config) -> Workload:
    """Return the failing paid canaries; all the accounts have, if everything is lost or only free ones fail.

    A free canary does no work; it only shows first that something is wrong.
    """
    watches = [one for one in config.watches.values() if not one.free and not one.aside]
    failing = {one.target.canary for one in watches if one.target.id in loss.targets}
    if failing and not loss.whole:
        return Workload(failing, exact=True)
    asked = [one.target for one in watches if one.target.account in loss.accounts]
    return Workload(
        {one.canary for one in asked},
        exact=False,
        writes=any(_writes(config, one.provider, one.canary) for one in asked),
    )


def _writes(config: Config, provider: str, canary: str) -> bool:
    """Whether a canary asks for text, over whichever API."""
    known = config.providers[provider].canaries.get(canary)
    return known is not None and known.dialect.writes


# Advice beyond the answer's own words


def advice_context(loss: Loss, config: Config, glance: Glance) -> AdviceContext:
    """Return what the advice depends on besides the answers: whether others are served, and what works instead."""
    served = loss.fault in SERVED and _is_anybody_served(loss, config, glance)
    works = _works(loss, config, glance) if loss.fault in SWITCHED else None
    if loss.fault is Fault.SLOW:
        works = works or None  # the others may work, just as slowly
    return AdviceContext(served, _is_own_base(config, loss.accounts), works)


def _is_anybody_served(loss: Loss, config: Config, glance: Glance) -> bool:
    """Whether the failing base URL has answered well since, over the same way out."""
    roads = {_road(config, account) for account in loss.accounts if account in config.accounts}
    return any(_was_served(one, loss) for one in glance.accounts.values() if _road(config, one.id) in roads)


def _is_own_base(config: Config, accounts: Iterable[str]) -> bool:
    """Whether the base URL is the user's own; also True if the provider has none."""
    known = [one for id in accounts if (one := config.accounts.get(id))]
    return any(one.base is not None or config.providers[one.provider].base is None for one in known)


def _road(config: Config, account: str) -> tuple[str, str | None, Egress]:
    """Return where requests go, and how: another proxy, or other CAs, may fail where these do not."""
    its = config.accounts[account]
    return its.provider, its.base, its.way


def _is_served(target: TargetView, loss: Loss) -> bool:
    """Whether a target had a good answer since the trouble began: an older one proves nothing."""
    return target.state is State.UP and target.well_at is not None and target.well_at >= loss.since


def _works(loss: Loss, config: Config, glance: Glance) -> tuple[str | Phrase, ...]:
    """Name what works now: another model on all affected accounts, and the account to use instead."""
    models = _models(loss, config, glance)
    found = (Phrase("the model {name}", {"name": name}) for name in models[:1])
    return (*found, *(one.account for one in _able(loss, config, glance)[:1]))


def _models(loss: Loss, config: Config, glance: Glance) -> list[str]:
    """Return the other models that answered since, on every account that lost one of the same canary."""
    lost = {(watch.target.account, watch.target.canary) for id in loss.targets if (watch := config.watches.get(id))}
    told = [
        [
            one.model
            for one in glance.accounts[account].targets
            if one.canary == canary and one.id not in loss.targets and _is_served(one, loss)
        ]
        for account, canary in sorted(lost)
        if account in glance.accounts
    ]
    return [name for name in (told[0] if told else ()) if name and all(name in models for models in told)]
