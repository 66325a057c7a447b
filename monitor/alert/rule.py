"""What monitor.toml says of telling: channels, routes, windows and patience; pure values, and what fits what."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct, field

from monitor.alert.window import Quiet, Window
from monitor.diagnose.diagnosis import Scope
from monitor.diagnose.incident import Incident, Severity
from probes.model import Blame, Fault


class Detail(StrEnum):
    """How much a channel is told: a few lines for a phone, or all for mail and chat."""

    SHORT = "short"
    FULL = "full"


class Format(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


class Channel(Struct, frozen=True):
    """A named Apprise address; it may hold a token, so it is never shown. `severity` is the least it is told of."""

    name: str
    url: str
    tags: tuple[str, ...] = ()
    severity: Severity = Severity.INFO
    detail: Detail = Detail.FULL
    format: Format = Format.TEXT
    limit_s: float = 20.0
    quiet: Quiet | None = None
    digest: str | None = None

    def __repr__(self) -> str:
        return f"Channel({self.name})"


TERMINAL = Channel("terminal", "terminal:")


class Match(Struct, frozen=True):
    """What a rule asks of an incident; what is left empty fits every one. `severity` is the least."""

    accounts: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    faults: tuple[Fault, ...] = ()
    severity: Severity = Severity.INFO


class Escalation(Struct, frozen=True):
    """Who hears of what nobody has acknowledged `after` its opening; names or tags of channels."""

    after: timedelta
    channels: tuple[str, ...]


class Route(Struct, frozen=True):
    """Which channels, by name or tag, hear of the incidents that fit."""

    match: Match
    channels: tuple[str, ...]
    escalate: tuple[Escalation, ...] = ()


class Maintenance(Struct, frozen=True):
    """A window in which nothing of what fits is told."""

    name: str
    match: Match
    window: Window


class Patience(Struct, frozen=True):
    """When a channel has had enough, and when it is reminded.

    That nothing can be reached is told after `offline`: it takes no account from anybody, and mostly passes.
    """

    remind: tuple[timedelta, ...] = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6), timedelta(days=1))
    storm: int = 5
    storm_for: timedelta = timedelta(minutes=1)
    failing_tries: int = 3
    offline: timedelta = timedelta(minutes=15)


class Rules(Struct, frozen=True):
    """All that decides who is told what, besides the channels. `tags` are those of each account, by its id."""

    routes: tuple[Route, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    patience: Patience = Patience()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)


PAUSES_S = (5, 15, 60, 300, 900)
"""Pauses between tries of a message; the last one repeats."""


def pause_s(tries: int) -> int:
    """Return the pause after so many tries before the one that has just failed."""
    return PAUSES_S[min(tries, len(PAUSES_S) - 1)]


def accounts_of(incident: Incident) -> frozenset[str]:
    """Return the ids of the accounts that an incident is about; none where it is only about a provider."""
    named = incident.targets or (incident.subject,)
    return frozenset("/".join(id.split("/")[:2]) for id in named if "/" in id)


def providers_of(incident: Incident) -> frozenset[str]:
    """Return the providers it is about; `gateway@host` is one of the provider `gateway`."""
    named = (*incident.targets, incident.subject)
    return frozenset(name for id in named if (name := id.partition("/")[0].partition("@")[0]))


def fits_some(match: Match, incident: Incident, tags: Mapping[str, Sequence[str]]) -> bool:
    """Whether a part of the incident fits: enough for somebody to want to hear of it."""
    its, providers = accounts_of(incident), providers_of(incident)
    return _fits_kind(match, incident) and all(
        (
            not match.accounts or its & {*match.accounts},
            not match.providers or providers & {*match.providers},
            not match.tags or any({*tags.get(one, ())} & {*match.tags} for one in its),
        )
    )


def fits_whole(match: Match, incident: Incident, tags: Mapping[str, Sequence[str]]) -> bool:
    """Whether all of the incident fits: only then may it be kept from people."""
    its, providers = accounts_of(incident), providers_of(incident)
    return _fits_kind(match, incident) and all(
        (
            not match.accounts or (its and its <= {*match.accounts}),
            not match.providers or (providers and providers <= {*match.providers}),
            not match.tags or (its and all({*tags.get(one, ())} & {*match.tags} for one in its)),
        )
    )


def _fits_kind(match: Match, incident: Incident) -> bool:
    return (
        (not match.scopes or incident.scope in match.scopes)
        and (not match.faults or incident.fault in match.faults)
        and incident.severity.rank >= match.severity.rank
    )


def like(incident: Incident) -> Match:
    """Return what fits an incident, and any that comes of the same cause at the same accounts, or provider.

    A refusal of an account is a cause of its own: who silences a rate limit still hears of a suspension.
    """
    accounts, blame = accounts_of(incident), incident.fault.blame
    alike = (incident.fault,) if blame is Blame.ACCOUNT else tuple(one for one in Fault if one.blame is blame)
    if accounts:
        return Match(accounts=tuple(sorted(accounts)), faults=alike)
    return Match(providers=tuple(sorted(filter(None, providers_of(incident)))), scopes=(incident.scope,), faults=alike)


def named(channel: Channel, names: Iterable[str]) -> bool:
    return bool({channel.name, *channel.tags} & {*names})
