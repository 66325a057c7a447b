"""What monitor.toml may hold, table by table; each field with its meaning and range."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from monitor.config.alerting import AlertsSection, ChannelSection, MaintenanceSection, RouteSection
from monitor.config.public_page import PublicSection, PublicSections, ServiceSection, public_languages
from monitor.config.section import END, ENGLISH, Label, LanguageCode, Seconds, SecretText, Section
from monitor.detect.credit import CreditThreshold
from monitor.detect.health import Thresholds
from monitor.store.setting import Retention
from probes.model import TimeLimits
from probes.provider import Name
from probes.target_id import account_id

FILE = "monitor.toml"
WEB, WEB_WORDS = r"^https?://[^\s]+" + END, "a web address that begins with https:// or http://, without spaces"
HostAndPort = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9.\-]+:[0-9]{1,5}" + END, description="a host and a port: example.com:443")
]
IntervalSeconds = Annotated[float, Meta(ge=10, le=86400)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}" + END, description="a currency in three capital letters: USD")]
Count = Annotated[int, Meta(ge=1, le=100)]
Days = Annotated[int, Meta(ge=1, le=3650)]

# Defaults are defined once, where they are used.
TIME_LIMITS, THRESHOLDS, FLOOR, RETENTION = TimeLimits(), Thresholds(), CreditThreshold(), Retention()


class StatusSection(Section, frozen=True, kw_only=True):
    """The providers' own status pages: whether they are polled, how often, and whose besides those with accounts."""

    poll: bool = True
    interval_s: Annotated[float, Meta(ge=30, le=3600)] = 120
    providers: list[str] = []


class ProbeSection(Section, frozen=True, kw_only=True):
    """How we probe. Limits are per attempt; `per_host` is how many attempts one host gets at a time."""

    free_interval_s: IntervalSeconds = 60
    paid_interval_s: IntervalSeconds = 300
    connect_s: Seconds = TIME_LIMITS.connect_s
    silence_s: Seconds = TIME_LIMITS.silence_s
    total_s: Seconds = TIME_LIMITS.total_s
    per_host: Annotated[int, Meta(ge=1, le=10000)] = 20
    failures: Annotated[Count, Meta(description="failures on balance that make a target down")] = THRESHOLDS.failures
    successes: Annotated[Count, Meta(description="successes in a row, at least, that make it up again")] = (
        THRESHOLDS.successes
    )
    blip_s: Annotated[
        float, Meta(ge=0, le=3600, description="what often passes by itself is told when it has lasted so long")
    ] = THRESHOLDS.blip_s
    online: Annotated[
        list[HostAndPort], Meta(description="hosts asked for a connection when nothing answers; empty: none")
    ] = msgspec.field(default_factory=lambda: ["one.one.one.one:443", "dns.google:443"])


class BudgetSection(Section, frozen=True, kw_only=True):
    """What the canaries of one account may use in a day (UTC). Free canaries go on when it is spent."""

    daily_usd: Annotated[float, Meta(ge=0)] = 0.25
    daily_tokens: Annotated[int, Meta(ge=0)] = 50_000


class CreditSection(Section, frozen=True, kw_only=True):
    """When to warn of credit that runs out, if a provider reports it: `low` by currency, at this pace, by its date."""

    low: dict[Currency, Annotated[float, Meta(ge=0)]] = msgspec.field(
        default_factory=lambda: {"USD": 1.0, "EUR": 1.0, "CNY": 7.0}
    )
    days_left: Annotated[float, Meta(ge=0, le=365)] = FLOOR.days_left
    expires_days: Annotated[float, Meta(ge=0, le=365)] = FLOOR.expires_days


class StoreSection(Section, frozen=True, kw_only=True):
    """Where results are kept and for how long: each attempt, hours, days."""

    path: str = "state/monitor.db"
    raw_days: Days = RETENTION.raw_days
    hourly_days: Days = RETENTION.hourly_days
    daily_days: Days = RETENTION.daily_days


PublicTitle = Annotated[str, Meta(min_length=1, max_length=120)]


class SiteSection(Section, frozen=True, kw_only=True):
    """The status page: where it is written, and whether `run` serves it. `url` is where people reach it.

    A second one, of providers only, is public: nothing of an account is in it. `public_folder = ""`: it is not written.
    `metrics` is a file for a textfile collector, readable by every user here, as the second site is; the first is not.
    `slo` is the share of good answers that an account is held to. `language` is the name of a file of words;
    `templates` a folder whose files replace ours of the same name. `public_title` may be a table of titles by language.
    """

    folder: str = "site"
    title: Annotated[str, Meta(min_length=1, max_length=120)] = "AI accounts"
    public_folder: str = "public"
    public_title: PublicTitle | dict[LanguageCode, PublicTitle] = "AI providers"
    public_url: Annotated[str, Meta(pattern=WEB, description=WEB_WORDS)] | None = None
    metrics: str = "metrics/provider-monitor.prom"
    slo: Annotated[float, Meta(gt=0, lt=1)] = 0.99
    language: LanguageCode = ENGLISH
    templates: str | None = None
    serve: bool = True
    host: Annotated[
        str | None, Meta(description="where `run` listens; without it on 127.0.0.1, or where `run --host` says")
    ] = None
    port: Annotated[int, Meta(ge=0, le=65535)] = 8321
    url: Annotated[str, Meta(pattern=WEB, description=WEB_WORDS)] | None = None


class HeartbeatSection(Section, frozen=True, kw_only=True):
    """Where somebody notices if this monitor falls silent: a ping after good beats, healthchecks style."""

    url: Annotated[
        SecretText, Meta(min_length=1, description="the address, or where it is: env:NAME, file:PATH, command:...")
    ]
    interval_s: Annotated[
        float, Meta(ge=10, le=3600, description="`run` pings once in so long; `once` at its start and its end")
    ] = 60


class MetricsSection(Section, frozen=True, kw_only=True):
    """Where metrics are sent besides, after each page: a collector of OpenTelemetry, by OTLP over HTTP (protobuf)."""

    otlp: Annotated[str, Meta(pattern=WEB, description=WEB_WORDS)] | None = None
    headers: Annotated[
        dict[str, SecretText],
        Meta(description="sent with each request to it: NAME = its value, or where that is (env:NAME, ...)"),
    ] = {}


class AccountSection(Section, frozen=True, kw_only=True):
    """One account. `key` says where the key is: env:NAME, file:PATH or command:PROGRAM ARGS.

    `project`, `organization` and `billing` name what it shares with others: if all of them are lost, that is one
    trouble. So does `login`, whose account it is, also across the products of one company. If one of them is suspended,
    the others are re-checked at once and not offered.

    `admin_key`, of the same form, may read the organization's costs; with `spend_limit_usd`, the monthly limit, they
    show what is left. `expect` names models that must not leave the provider's list. `proxy` and `ca_file` override
    those of its provider and of the environment. `command` and `environment` are for a provider that is probed through
    a program. `headers` are sent besides the provider's own, or in their place. `answer_tokens` is for output tokens
    per second: from 32 on each account is judged by itself. More than 128 might not fit into the 64 KiB that are read
    of a stream.
    """

    name: Label
    provider: str
    key: SecretText | None = None
    base: Annotated[str, Meta(pattern=WEB, description=WEB_WORDS)] | None = None
    canaries: list[str] | None = None
    models: list[str] | dict[str, list[str]] = []
    interval_s: dict[str, IntervalSeconds] = {}
    daily_usd: Annotated[float, Meta(ge=0)] | None = None
    daily_tokens: Annotated[int, Meta(ge=0)] | None = None
    tags: list[Label] = []
    note: Annotated[str, Meta(max_length=300)] = ""
    low_credit: dict[Currency, Annotated[float, Meta(ge=0)]] | None = None
    admin_key: SecretText | None = None
    spend_limit_usd: Annotated[float, Meta(gt=0)] | None = None
    expect: list[Annotated[str, Meta(min_length=1, max_length=200)]] = []
    project: Label | None = None
    organization: Label | None = None
    billing: Label | None = None
    login: Label | None = None
    command: Annotated[list[str], Meta(min_length=1, description="program and arguments; no shell")] | None = None
    environment: Annotated[
        list[str] | dict[str, SecretText],
        Meta(description="variables the program gets: names to pass on, or NAME = where its value is"),
    ] = []
    headers: Annotated[
        dict[str, SecretText],
        Meta(description="sent with each request: NAME = its value, or where that is (env:NAME, ...)"),
    ] = {}
    proxy: Annotated[
        SecretText | None,
        Meta(description='the way out: "http://host:port", "http://user:env:NAME@host:port", env:NAME; "": none'),
    ] = None
    ca_file: Annotated[
        str | None, Meta(description="the authorities that are believed, as PEM, in the place of the system's")
    ] = None
    dialect: Annotated[
        dict[str, Literal["openai-chat", "openai-compatible"]],
        Meta(description="by canary: whether the cap on tokens is max_completion_tokens or max_tokens"),
    ] = {}
    answer_tokens: Annotated[
        Annotated[int, Meta(ge=16, le=128)] | None,
        Meta(description="so long an answer, in tokens, chat and responses ask for; without it as short as can be"),
    ] = None
    priority: Annotated[
        Annotated[int, Meta(ge=1, le=5)] | None,
        Meta(
            description="1: the gravest to lose, shown first among what is as bad; 3 without it, 2 if tagged production"
        ),
    ] = None


class ReminderSection(Section, frozen=True, kw_only=True):
    """A day on which something ends that no provider reports: a key, a card. `account`: provider/name, or its name."""

    name: Label
    on: date
    account: str | None = None
    warn_days: Annotated[int, Meta(ge=0, le=365, description="told from so many days before")] = 14
    note: Annotated[str, Meta(max_length=300)] = ""


Percent = Annotated[float, Meta(gt=0, lt=100)]


class ObjectiveSection(Section, frozen=True, kw_only=True):
    """What is promised of one account or of all of a provider's, in percent, over `window_days`.

    `latency_share` of the good answers take at most `latency_s`. `canary` names the only one that counts.
    """

    name: Label
    account: str | None = None
    provider: str | None = None
    canary: str | None = None
    availability: Percent | None = None
    latency_s: Seconds | None = None
    latency_share: Percent | None = None
    window_days: Annotated[int, Meta(ge=1, le=365)] = 28


class Document(Section, frozen=True, kw_only=True):
    """What monitor.toml may hold."""

    location: Label = "here"
    probe: ProbeSection = ProbeSection()
    status: StatusSection = StatusSection()
    budget: BudgetSection = BudgetSection()
    credit: CreditSection = CreditSection()
    store: StoreSection = StoreSection()
    site: SiteSection = SiteSection()
    public: PublicSection = PublicSection()
    services: list[ServiceSection] = []
    accounts: list[AccountSection] = []
    channels: list[ChannelSection] = []
    routes: list[RouteSection] = []
    maintenance: list[MaintenanceSection] = []
    alerts: AlertsSection = AlertsSection()
    heartbeat: HeartbeatSection | None = None
    metrics: MetricsSection = MetricsSection()
    reminders: list[ReminderSection] = []
    objectives: list[ObjectiveSection] = []
    provider_folder: Annotated[
        str | None, Meta(description="a folder with provider files of your own, each of the form of the shipped ones")
    ] = None
    providers: Annotated[
        dict[Name, dict[str, Any]], Meta(description="facts laid over a provider's file, or a provider of your own")
    ] = {}


def public_sections(document: Document) -> PublicSections:
    said = {f"maintenance.{one.name}.public": one.public for one in document.maintenance}
    languages = public_languages(document.public, document.site.language)
    return PublicSections(
        document.public, document.services, languages, {"site.public_title": document.site.public_title, **said}
    )


AccountsByName = Mapping[str, list[AccountSection]]
"""The accounts that go by a name."""


def covered_accounts(section: ObjectiveSection, document: Document, called: AccountsByName) -> list[AccountSection]:
    """Return the accounts that an objective covers."""
    if section.provider:
        return [one for one in document.accounts if one.provider == section.provider]
    found = called.get(section.account or "", [])
    return found if len(found) == 1 else []


def accounts_by_name(document: Document) -> AccountsByName:
    """Return the accounts by provider/name, and by the bare name."""
    called = defaultdict[str, list[AccountSection]](list)
    for section in document.accounts:
        for name in (section.name, id_of_section(section)):
            called[name].append(section)
    return called


def id_of_section(section: AccountSection) -> str:
    return account_id(section.provider, section.name)
