"""What monitor.toml says of alerting → rules; what is wrong in it, with the repair."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from monitor.alert.channel import TERMINAL, Channel, Detail, Format
from monitor.alert.digest import Timing
from monitor.alert.rule import AlertLimits, Escalation, Maintenance, Match, Route, Rules
from monitor.alert.window import Quiet, Window, problem_of
from monitor.config.section import END, ENGLISH, Label, LanguageCode, Seconds, SecretText, Section
from monitor.diagnose.incident import Severity
from monitor.diagnose.subject import Scope
from probes.document import Problem, suggest, wrong_word
from probes.model import Account, Fault
from probes.target_id import provider_of

Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d" + END, description="a time of day: HH:MM")]
Moment = Annotated[
    str, Meta(pattern=r"^\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d" + END, description="YYYY-MM-DD HH:MM")
]
Zone = Annotated[str, Meta(min_length=1, max_length=64, description="a name such as Europe/Berlin")]
Count = Annotated[int, Meta(ge=1, le=1000)]
LongSeconds = Annotated[float, Meta(gt=0, le=31 * 86400)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS = Weekday.__args__  # type: ignore[attr-defined]
SECOND = timedelta(seconds=1)
PATIENCE, TIMING = AlertLimits(), Timing()
"""Defaults where monitor.toml says nothing."""


class QuietSection(Section, frozen=True, kw_only=True):
    """Hours of each day in which only critical incidents are sent; the rest follows as one list."""

    start: Clock
    end: Clock
    zone: Zone | None = None


class ChannelSection(Section, frozen=True, kw_only=True):
    """One way to notify people: an Apprise address, or a reference to one, or `terminal:`, or a signed `webhook:`."""

    name: Label
    url: Annotated[SecretText, Meta(min_length=1)]
    secret: Annotated[SecretText, Meta(min_length=1)] | None = None
    tags: list[Label] = []
    severity: Annotated[Severity, Meta(description="the least it is told of")] = Severity.INFO
    detail: Annotated[Detail, Meta(description="short for a phone, full for mail and chat")] = Detail.FULL
    format: Format = Format.TEXT
    limit_s: Annotated[Seconds, Meta(description="without an answer by then, it has failed this time")] = (
        TERMINAL.limit_s
    )
    quiet: QuietSection | None = None
    digest: Literal["daily", "weekly"] | None = None
    language: Annotated[LanguageCode | None, Meta(description="of its messages; else that of [alerts]")] = None
    zone: Annotated[Zone | None, Meta(description="of the times in its messages; else that of [alerts]")] = None


class MatchSection(Section, frozen=True, kw_only=True):
    """What a rule matches; a field that is left out matches every incident."""

    accounts: list[str] = []
    providers: list[str] = []
    tags: list[Label] = []
    scopes: list[Scope] = []
    faults: list[Fault] = []
    severity: Severity = Severity.INFO


class EscalationSection(Section, frozen=True, kw_only=True):
    """Who is notified of what nobody has acknowledged by then."""

    after_s: LongSeconds
    channels: Annotated[list[Label], Meta(min_length=1)]


class RouteSection(MatchSection, frozen=True, kw_only=True):
    """Which channels, by name or tag, get the incidents that match; every matching route counts."""

    channels: list[Label]
    escalate: list[EscalationSection] = []


Announcement = Annotated[str, Meta(max_length=200, description="at most 200 characters")]


class MaintenanceSection(MatchSection, frozen=True, kw_only=True):
    """When incidents that match are muted: once from `start`, again by `rrule`, or by a `cron` line.

    `public` is what the public page says of it, or a table of that by language; without it nothing is said there.
    """

    name: Label
    start: Moment | None = None
    lasts_s: LongSeconds
    rrule: Annotated[str, Meta(max_length=300)] | None = None
    cron: Annotated[str, Meta(max_length=100)] | None = None
    zone: Zone | None = None
    public: Announcement | dict[LanguageCode, Announcement] = ""


class AlertsSection(Section, frozen=True, kw_only=True):
    """How patient people are: reminders, storms, and when a digest is sent."""

    remind_s: Annotated[
        list[LongSeconds], Meta(description="pauses before reminders of what is critical and not acknowledged")
    ] = msgspec.field(default_factory=lambda: [pause // SECOND for pause in PATIENCE.remind])
    storm: Annotated[Count, Meta(description="so many messages to a channel within storm_s; then one list")] = (
        PATIENCE.storm
    )
    storm_s: Seconds = PATIENCE.storm_for // SECOND
    failing_tries: Annotated[Count, Meta(description="after so many, the other channels hear that one fails")] = (
        PATIENCE.failing_tries
    )
    zone: Annotated[Zone, Meta(description="of times in messages and commands, and where no zone is named")] = "UTC"
    digest_at: Clock = f"{TIMING.at:%H:%M}"
    digest_weekday: Weekday = "monday"
    language: Annotated[LanguageCode, Meta(description="of messages to channels that name none")] = ENGLISH
    templates: Annotated[str | None, Meta(description="a folder whose templates replace those of the same name")] = None


class AlertSections(Struct, frozen=True):
    """The sections that say who is notified of what, as they are in the file."""

    channels: Sequence[ChannelSection]
    routes: Sequence[RouteSection]
    maintenance: Sequence[MaintenanceSection]
    alerts: AlertsSection


def channels(telling: AlertSections, urls: Mapping[str, str], secrets: Mapping[str, str]) -> tuple[Channel, ...]:
    """Return the channels, with their addresses and secrets resolved; the terminal if there are none.

    Call it only if no problem was found.
    """
    made = (_channel(one, urls[one.name], telling.alerts) for one in telling.channels)
    return tuple(replace(one, secret=secrets.get(one.name, "")) for one in made) or (
        replace(TERMINAL, language=telling.alerts.language, zone=_zone(telling.alerts.zone)),
    )


def rules(telling: AlertSections, accounts: Iterable[Account]) -> Rules:
    """Return the rules. Call it only if no problem was found."""
    zone = telling.alerts.zone
    return Rules(
        routes=tuple(_route(one) for one in telling.routes),
        maintenance=tuple(_maintenance(one, zone) for one in telling.maintenance),
        patience=_patience(telling.alerts),
        tags={account.id: account.tags for account in accounts},
        zone=_zone(zone),
    )


def _channel(one: ChannelSection, url: str, usual: AlertsSection) -> Channel:
    zone = one.zone or usual.zone
    return Channel(
        one.name,
        url,
        tuple(one.tags),
        one.severity,
        one.detail,
        one.format,
        one.limit_s,
        _quiet(one.quiet, zone) if one.quiet else None,
        one.digest,
        one.language or usual.language,
        _zone(zone),
    )


def _quiet(one: QuietSection, zone: str) -> Quiet:
    return Quiet(time.fromisoformat(one.start), time.fromisoformat(one.end), _zone(one.zone or zone))


def _match(one: MatchSection) -> Match:
    return Match(
        accounts=tuple(one.accounts),
        providers=tuple(one.providers),
        tags=tuple(one.tags),
        scopes=tuple(one.scopes),
        faults=tuple(one.faults),
        severity=one.severity,
    )


def _route(one: RouteSection) -> Route:
    steps = (Escalation(timedelta(seconds=step.after_s), tuple(step.channels)) for step in one.escalate)
    return Route(_match(one), tuple(one.channels), tuple(sorted(steps, key=lambda step: step.after)))


def _maintenance(one: MaintenanceSection, zone: str) -> Maintenance:
    return Maintenance(one.name, _match(one), _window(one, zone), one.public)


def _window(one: MaintenanceSection, zone: str) -> Window:
    start = datetime.fromisoformat(one.start) if one.start else None
    return Window(start, timedelta(seconds=one.lasts_s), _zone(one.zone or zone), one.rrule, one.cron)


def _patience(one: AlertsSection) -> AlertLimits:
    return AlertLimits(
        remind=tuple(timedelta(seconds=pause) for pause in one.remind_s),
        storm=one.storm,
        storm_for=timedelta(seconds=one.storm_s),
        failing_tries=one.failing_tries,
    )


def check_alerting(telling: AlertSections, accounts: Mapping[str, Sequence[str]], file: str) -> Iterator[Problem]:
    """Yield what is wrong with names, zones and rules. `accounts` are the tags of each account, by its id."""
    known = _known(accounts)
    receivers = {name for one in telling.channels for name in (one.name, *one.tags)}
    for number, route in enumerate(telling.routes, 1):
        key = f"routes[{number}]"
        yield from _check_match(route, known, key, file)
        named = [*route.channels, *(name for step in route.escalate for name in step.channels)]
        yield from _unknown(named, receivers, f"{key}.channels", "no channel has this name or tag", file)
    zones = {f"channels.{one.name}.quiet.zone": one.quiet.zone for one in telling.channels if one.quiet}
    zones |= {f"channels.{one.name}.zone": one.zone for one in telling.channels}
    zones |= {f"maintenance.{one.name}.zone": one.zone for one in telling.maintenance}
    zones["alerts.zone"] = telling.alerts.zone
    bad = [key for key, zone in zones.items() if zone and not _is_zone(zone)]
    for key in bad:
        yield Problem(file, key, f'= "{zones[key]}": no such time zone', "write one like Europe/Berlin, or UTC")
    for one in telling.maintenance:
        yield from _check_match(one, known, f"maintenance.{one.name}", file)
        if not bad:
            yield from _check_window(one, telling.alerts.zone, file)


def _known(accounts: Mapping[str, Sequence[str]]) -> Mapping[str, set[str]]:
    """Return the words that a match may hold, by field."""
    return {
        "accounts": set(accounts),
        "providers": {provider_of(id) for id in accounts},
        "tags": {tag for tags in accounts.values() for tag in tags},
    }


def _check_match(one: MatchSection, known: Mapping[str, set[str]], key: str, file: str) -> Iterator[Problem]:
    for part, words in known.items():
        yield from _unknown(getattr(one, part), words, f"{key}.{part}", "no account is of it", file)


def _unknown(named: Iterable[str], known: set[str], key: str, what: str, file: str) -> Iterator[Problem]:
    for name in named:
        if name not in known:
            yield wrong_word(file, key, name, what, suggest(name, known))


def _check_window(one: MaintenanceSection, zone: str, file: str) -> Iterator[Problem]:
    try:
        wrong = problem_of(_window(one, zone))
    except ValueError:
        wrong = f'has start = "{one.start}": there is no such day'
    if wrong:
        repair = 'give start = "2026-11-28 22:00", with rrule = "FREQ=WEEKLY" if it recurs, or cron = "0 22 * * 6"'
        wants = () if one.start or one.cron else ("start", "cron")
        yield Problem(file, f"maintenance.{one.name}", wrong, repair, wants)


def _zone(name: str) -> tzinfo:
    """Return a zone by its name. Raises ValueError, OSError or KeyError."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # must not slow down start if UTC will do

    return ZoneInfo(name)


def _is_zone(name: str) -> bool:
    try:
        _zone(name)
    except (ValueError, OSError, KeyError):  # a path outside, a folder, an unknown name
        return False
    return True


def timing(one: AlertsSection) -> Timing:
    return Timing(time.fromisoformat(one.digest_at), WEEKDAYS.index(one.digest_weekday), _zone(one.zone))
