"""What monitor.toml says of alerting: channels, routes, windows and patience; pure values, and what matches what."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta, tzinfo

from msgspec import Struct, field

from monitor.alert.window import Window
from monitor.diagnose.incident import Incident, Severity
from monitor.diagnose.subject import Scope
from probes.model import Blame, Fault
from probes.target_id import account_of, provider_of


class Match(Struct, frozen=True):
    """What a rule matches; an empty field matches every incident. `severity` is the least."""

    accounts: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    faults: tuple[Fault, ...] = ()
    severity: Severity = Severity.INFO


class Escalation(Struct, frozen=True):
    """Who is notified of what nobody has acknowledged `after` its opening; names or tags of channels."""

    after: timedelta
    channels: tuple[str, ...]


class Route(Struct, frozen=True):
    """Which channels, by name or tag, get the incidents that match."""

    match: Match
    channels: tuple[str, ...]
    escalate: tuple[Escalation, ...] = ()


class Maintenance(Struct, frozen=True):
    """A window that mutes what matches. `public`: what the public page says of it, also by language; "": nothing."""

    name: str
    match: Match
    window: Window
    public: str | Mapping[str, str] = ""


class AlertLimits(Struct, frozen=True):
    """When a channel has had enough, and when it gets reminders.

    Being offline is reported after `offline`: it costs nobody an account, and mostly passes.
    """

    remind: tuple[timedelta, ...] = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6), timedelta(days=1))
    storm: int = 5
    storm_for: timedelta = timedelta(minutes=1)
    failing_tries: int = 3
    offline: timedelta = timedelta(minutes=15)


class Rules(Struct, frozen=True):
    """All that decides who gets what, besides the channels. `tags` are those of each account, by its id.

    `zone`: in which commands tell when something is held or sent.
    """

    routes: tuple[Route, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    patience: AlertLimits = AlertLimits()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    zone: tzinfo = UTC


def accounts_of_incident(incident: Incident) -> frozenset[str]:
    """Return the ids of the accounts that an incident is about; none if it is only about a provider."""
    its = (account_of(id) for id in incident.targets) if incident.targets else (incident.about.account,)
    return frozenset(filter(None, its))


def providers_of(incident: Incident) -> frozenset[str]:
    """Return the providers it is about; `gateway@host` belongs to the provider `gateway`."""
    return frozenset(filter(None, (*map(provider_of, incident.targets), incident.about.provider)))


def matches_part(match: Match, incident: Incident, tags: Mapping[str, Sequence[str]]) -> bool:
    """Whether part of the incident matches: enough for somebody to want it."""
    its, providers = accounts_of_incident(incident), providers_of(incident)
    return _fits_kind(match, incident) and all(
        (
            not match.accounts or its & {*match.accounts},
            not match.providers or providers & {*match.providers},
            not match.tags or any({*tags.get(one, ())} & {*match.tags} for one in its),
        )
    )


def matches_whole(match: Match, incident: Incident, tags: Mapping[str, Sequence[str]]) -> bool:
    """Whether all of the incident matches: only then may it be kept from people."""
    its, providers = accounts_of_incident(incident), providers_of(incident)
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


def match_for(incident: Incident) -> Match:
    """Return what matches an incident, and any with the same cause at the same accounts, or provider.

    A refusal of an account is its own cause: a silence for a rate limit does not mute a suspension.
    """
    accounts, blame = accounts_of_incident(incident), incident.fault.blame
    alike = (incident.fault,) if blame is Blame.ACCOUNT else tuple(one for one in Fault if one.blame is blame)
    if accounts:
        return Match(accounts=tuple(sorted(accounts)), faults=alike)
    return Match(providers=tuple(sorted(filter(None, providers_of(incident)))), scopes=(incident.scope,), faults=alike)
