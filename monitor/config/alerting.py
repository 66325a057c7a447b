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
    """Hours of each day in which only critical incidents are sent; the rest follows as one list.

    start: when they begin
    end: when they end, on the next day if that is earlier
    zone: the time zone of both; without it that of the channel
    """

    start: Clock
    end: Clock
    zone: Zone | None = None


class ChannelSection(Section, frozen=True, kw_only=True):
    """One way to notify people, or a program.

    name: its name in routes
    url: an Apprise address, `terminal:` or a signed `webhook:`, or where it is: `env:NAME`, ...
    secret: what signs the messages of a `webhook:`, or where it is
    tags: other names for it in routes; several channels may share one
    severity: the least it is told of
    detail: short for a phone, full for mail and chat
    format: what it is sent, if its service takes several
    limit_s: seconds after which an attempt without an answer has failed
    quiet: hours in which only critical incidents are sent
    digest: how often it gets a list of what is open, and what was over
    language: of its messages; without it that of `[alerts]`
    zone: of the times in its messages; without it that of `[alerts]`
    """

    name: Label
    url: Annotated[SecretText, Meta(min_length=1)]
    secret: Annotated[SecretText, Meta(min_length=1)] | None = None
    tags: list[Label] = []
    severity: Severity = Severity.INFO
    detail: Detail = Detail.FULL
    format: Format = Format.TEXT
    limit_s: Seconds = TERMINAL.limit_s
    quiet: QuietSection | None = None
    digest: Literal["daily", "weekly"] | None = None
    language: LanguageCode | None = None
    zone: Zone | None = None


class MatchSection(Section, frozen=True, kw_only=True):
    """What a rule matches; a field that is left out matches every incident.

    accounts: of one of these: provider/name
    providers: of one of these
    tags: of an account with one of these
    scopes: as wide as one of these
    faults: with one of these
    severity: at least as severe
    """

    accounts: list[str] = []
    providers: list[str] = []
    tags: list[Label] = []
    scopes: list[Scope] = []
    faults: list[Fault] = []
    severity: Severity = Severity.INFO


class EscalationSection(Section, frozen=True, kw_only=True):
    """Who is notified of what nobody has acknowledged by then.

    after_s: seconds since the first message
    channels: names or tags of channels
    """

    after_s: LongSeconds
    channels: Annotated[list[Label], Meta(min_length=1)]


class RouteSection(MatchSection, frozen=True, kw_only=True):
    """Which channels get the incidents that match; every matching route counts.

    channels: names or tags of channels; empty: it is sent to nobody
    escalate: who is notified later, as long as nobody acknowledges
    """

    channels: list[Label]
    escalate: list[EscalationSection] = []


Announcement = Annotated[str, Meta(max_length=200, description="at most 200 characters")]


class MaintenanceSection(MatchSection, frozen=True, kw_only=True):
    """When incidents that match are muted: once from `start`, again by `rrule`, or by a `cron` line.

    name: what is done then
    start: when it begins first
    lasts_s: seconds that it lasts
    rrule: when it recurs, as in calendars: `FREQ=WEEKLY;BYDAY=SA`
    cron: when it begins, in place of `start`: five fields
    zone: the time zone of all that; without it that of `[alerts]`
    public: what the public page says of it, or a table of that by language; without it nothing
    """

    name: Label
    start: Moment | None = None
    lasts_s: LongSeconds
    rrule: Annotated[str, Meta(max_length=300)] | None = None
    cron: Annotated[str, Meta(max_length=100)] | None = None
    zone: Zone | None = None
    public: Announcement | dict[LanguageCode, Announcement] = ""


class AlertsSection(Section, frozen=True, kw_only=True):
    """How patient people are: reminders, storms, and when a digest is sent.

    remind_s: seconds before each reminder of what is critical and not acknowledged; the last one repeats
    storm: so many messages to a channel within `storm_s` are sent one by one; what follows comes as one list
    storm_s: seconds in which they are counted
    failing_tries: attempts after which the other channels hear that one fails
    zone: of times in messages and commands, and of windows and quiet hours that name none
    digest_at: when a digest is sent
    digest_weekday: on which day a weekly one is sent
    language: of messages to channels that name none
    templates: a folder whose templates replace those of the same name
    """

    remind_s: list[LongSeconds] = msgspec.field(default_factory=lambda: [pause // SECOND for pause in PATIENCE.remind])
    storm: Count = PATIENCE.storm
    storm_s: Seconds = PATIENCE.storm_for // SECOND
    failing_tries: Count = PATIENCE.failing_tries
    zone: Zone = "UTC"
    digest_at: Clock = f"{TIMING.at:%H:%M}"
    digest_weekday: Weekday = "monday"
    language: LanguageCode = ENGLISH
    templates: str | None = None


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
