"""What monitor.toml may hold, table by table; each field with its meaning and range."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from monitor.config.alerting import AlertsSection, ChannelSection, MaintenanceSection, RouteSection
from monitor.config.location import LocationSection
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
    """The providers' own status pages.

    poll: whether they are read at all
    interval_s: seconds between two polls of a page; less often while all is quiet, more often while something is open
    providers: whose pages to poll besides those with an account here
    """

    poll: bool = True
    interval_s: Annotated[float, Meta(ge=30, le=3600)] = 120
    providers: list[str] = []


class ProbeSection(Section, frozen=True, kw_only=True):
    """How accounts are probed. Limits are per attempt.

    free_interval_s: seconds between two probes of a canary that costs nothing
    paid_interval_s: seconds between two probes of a canary that costs tokens; some have an interval of their own
    connect_s: most seconds until the connection is there
    silence_s: most seconds without a byte
    total_s: most seconds in total
    per_host: how many attempts one host gets at a time
    failures: failures on balance that make a target down; ten good answers in between take one back
    successes: successes in a row, at least, that make it up again
    blip_s: overload, server errors and timeouts, which often pass by themselves, are reported after so many seconds
    online: hosts that are asked for a connection when nothing answers, to see whether it is this machine; empty: none
    """

    free_interval_s: IntervalSeconds = 60
    paid_interval_s: IntervalSeconds = 300
    connect_s: Seconds = TIME_LIMITS.connect_s
    silence_s: Seconds = TIME_LIMITS.silence_s
    total_s: Seconds = TIME_LIMITS.total_s
    per_host: Annotated[int, Meta(ge=1, le=10000)] = 20
    failures: Count = THRESHOLDS.failures
    successes: Count = THRESHOLDS.successes
    blip_s: Annotated[float, Meta(ge=0, le=3600)] = THRESHOLDS.blip_s
    online: list[HostAndPort] = msgspec.field(default_factory=lambda: ["one.one.one.one:443", "dns.google:443"])


class BudgetSection(Section, frozen=True, kw_only=True):
    """What the canaries of one account may use in a day (UTC). Free canaries go on when it is spent.

    daily_usd: in US dollars
    daily_tokens: in tokens
    """

    daily_usd: Annotated[float, Meta(ge=0)] = 0.25
    daily_tokens: Annotated[int, Meta(ge=0)] = 50_000


class CreditSection(Section, frozen=True, kw_only=True):
    """When to warn of credit that runs out, if a provider reports it.

    low: the amount below which credit is low, by currency
    days_left: days that it lasts at the pace of the last three
    expires_days: days before a key, or credit, expires
    """

    low: dict[Currency, Annotated[float, Meta(ge=0)]] = msgspec.field(
        default_factory=lambda: {"USD": 1.0, "EUR": 1.0, "CNY": 7.0}
    )
    days_left: Annotated[float, Meta(ge=0, le=365)] = FLOOR.days_left
    expires_days: Annotated[float, Meta(ge=0, le=365)] = FLOOR.expires_days


class StoreSection(Section, frozen=True, kw_only=True):
    """Where results are kept, and for how long.

    path: the SQLite database
    url: of a PostgreSQL that several places share, or where that is (`env:NAME`, ...); `path` then keeps what is on its
        way there
    cluster: the name of all nodes that share it; those of another name are refused
    raw_days: days that each attempt is kept
    hourly_days: days that hourly totals are kept
    daily_days: days that daily totals are kept
    """

    path: str = "state/monitor.db"
    url: Annotated[SecretText, Meta(min_length=1)] | None = None
    cluster: Label = "main"
    raw_days: Days = RETENTION.raw_days
    hourly_days: Days = RETENTION.hourly_days
    daily_days: Days = RETENTION.daily_days


PublicTitle = Annotated[str, Meta(min_length=1, max_length=120)]


class SiteSection(Section, frozen=True, kw_only=True):
    """The two status pages: where they are written, and whether `run` serves them.

    folder: where the page with your accounts is written; readable by its owner and group only
    title: its title
    public_folder: where the second page is written, of providers or services only, readable by all; empty: it is not
    public_title: the title of that one, or a table of titles by language
    public_url: where people reach it
    metrics: a file for the textfile collector of node_exporter, readable by all; empty: none
    slo: the share of good answers that each account is held to, of which its error budget is made
    language: of the page: the name of a file of words
    templates: a folder whose files override ours of the same name; `own.css` and `logo.svg` are added
    serve: whether `run` serves the folder
    host: where `run` listens; without it on 127.0.0.1, or where `run --host` says
    port: the port on which it listens
    url: where people reach the page; messages, feeds and 404.html link to it
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
    host: str | None = None
    port: Annotated[int, Meta(ge=0, le=65535)] = 8321
    url: Annotated[str, Meta(pattern=WEB, description=WEB_WORDS)] | None = None


class HeartbeatSection(Section, frozen=True, kw_only=True):
    """Who notices if this monitor falls silent: an outside address is pinged after good beats, healthchecks style.

    url: the address, or where it is (`env:NAME`, ...); a secret, since whoever knows it can ping
    interval_s: seconds between two pings of `run`; `once` pings at its start and its end
    """

    url: Annotated[SecretText, Meta(min_length=1)]
    interval_s: Annotated[float, Meta(ge=10, le=3600)] = 60


class MetricsSection(Section, frozen=True, kw_only=True):
    """Where metrics are sent besides, after each page: a collector of OpenTelemetry, by OTLP over HTTP (protobuf).

    otlp: its address; without a path, /v1/metrics is added
    headers: sent with each request to it: NAME = its value, or where that is (env:NAME, ...)
    """

    otlp: Annotated[str, Meta(pattern=WEB, description=WEB_WORDS)] | None = None
    headers: dict[str, SecretText] = {}


class AccountSection(Section, frozen=True, kw_only=True):
    """One account: one key at one provider.

    `project`, `organization`, `billing` and `login` name what it shares with others: if all of them are lost, that is
    one trouble. If an account of a login or organization is suspended, the others are re-checked at once and not
    offered.

    name: your name for it; with the provider it is unique
    provider: the id of its provider: `provider-monitor providers` lists them
    key: where its key is: `env:NAME`, `file:PATH`, `file:PATH#NAME` or `command:PROGRAM ARGS`; never the key itself
    base: the address of the API where it is not the provider's: a gateway, a region, a server of your own
    canaries: what is asked of it; without it what costs nothing, and `chat`
    models: which models the paid canaries ask, or a table of that by canary; without it the provider's cheapest
    interval_s: seconds between two probes, by canary
    daily_usd: its own amount in place of `[budget] daily_usd`
    daily_tokens: its own amount in place of `[budget] daily_tokens`
    tags: names for groups of accounts, for routes, silences and services
    note: words for people: who owns it, which card pays
    low_credit: its own amounts below which credit is low, by currency, in place of `[credit] low`
    admin_key: where a key is, in the same form, that may read the organization's costs
    spend_limit_usd: the monthly limit, of which the costs are taken, to show what is left
    expect: models that must not leave the provider's list, besides those in `models`
    project: the project that it shares with others
    organization: the organization that it shares with others
    billing: the card or the contract that it shares with others
    login: whose account it is, also across the products of one company
    command: program and arguments of a client that is probed in place of an API; no shell
    environment: variables that this program gets: names to pass on, or `NAME = where its value is`
    headers: sent with each request, besides the provider's own or in their place: `NAME = its value, or where that is`
    proxy: the way out: `http://host:port`, `http://user:env:NAME@host:port` or `env:NAME`; empty: none
    ca_file: the authorities that are believed, as PEM, in place of the system's
    dialect: by canary, whether the cap on tokens is `max_completion_tokens` (openai-chat) or `max_tokens`
    answer_tokens: tokens that chat and responses ask for; from 32 on output tokens per second are judged, too, and more
      than 128 might not fit into the 64 KiB that are read; without it as few as can be
    priority: 1: the gravest to lose, shown first among what is as bad; 3 without it, 2 if tagged production
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
    command: Annotated[list[str], Meta(min_length=1)] | None = None
    environment: list[str] | dict[str, SecretText] = []
    headers: dict[str, SecretText] = {}
    proxy: SecretText | None = None
    ca_file: str | None = None
    dialect: dict[str, Literal["openai-chat", "openai-compatible"]] = {}
    answer_tokens: Annotated[int, Meta(ge=16, le=128)] | None = None
    priority: Annotated[int, Meta(ge=1, le=5)] | None = None


class ReminderSection(Section, frozen=True, kw_only=True):
    """A day on which something ends that no provider reports: a key, a card, a plan.

    name: what ends
    on: the day
    account: whose it is: provider/name, or its name; without it of no single account
    warn_days: days before it from which it is told
    note: words for whoever renews it
    """

    name: Label
    on: date
    account: str | None = None
    warn_days: Annotated[int, Meta(ge=0, le=365)] = 14
    note: Annotated[str, Meta(max_length=300)] = ""


Percent = Annotated[float, Meta(gt=0, lt=100)]


class ObjectiveSection(Section, frozen=True, kw_only=True):
    """What is promised of one account, or of all of a provider's.

    name: its name
    account: the account: provider/name, or its name
    provider: the provider, in place of an account
    canary: the only canary that counts; without it all of them equally
    availability: percent of probes that are answered well; what could not be probed does not count
    latency_s: the most seconds that an answer may take
    latency_share: percent of the good answers that keep to `latency_s`
    window_days: days over which it is counted; at most `[store] hourly_days`
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
    """What monitor.toml may hold.

    location: where this monitor runs; shown beside each result
    provider_folder: a folder with provider files of your own, each of the form of the shipped ones
    providers: facts laid over a provider's file, or a provider of your own
    """

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
    locations: list[LocationSection] = []
    provider_folder: str | None = None
    providers: dict[Name, dict[str, Any]] = {}


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
