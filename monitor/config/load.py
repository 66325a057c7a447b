"""monitor.toml → Config: every error at once, at start; secrets only by reference."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cache, partial
from os.path import exists, isdir, isfile  # of a name too long, and in a folder that is closed to us, Path's own raise
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from monitor.alert.digest import Timing
from monitor.alert.rule import TERMINAL, Channel, Rules
from monitor.config.alerting import (
    AlertsSection,
    ChannelSection,
    MaintenanceSection,
    RouteSection,
    Telling,
    channels,
    check_telling,
    rules,
    timing,
)
from monitor.config.key_form import flaws, oddity
from monitor.config.misplaced_key import misplaced
from monitor.config.output_path import Outlet, Outlets, check_outlets
from monitor.config.proxy_road import Ground, Setting, files_of, set_way, usual_way, wrong_authorities
from monitor.config.secret import (
    VARIABLE,
    Malformed,
    SecretError,
    file_of,
    is_reference,
    names_place,
    placed,
    resolve,
    said,
)
from monitor.config.section import Label, Seconds, SecretText, Section
from monitor.detect.account_memory import Attention
from monitor.detect.credit import Floor
from monitor.detect.health import Thresholds
from monitor.detect.reminder import Reminder
from monitor.diagnose.witness import Group, Level
from monitor.schedule import Budget, Watch
from monitor.slo.objective import Objective
from probes.catalog import FOLDER, MODELLESS, PACKAGED, Catalog, Shelf, load_provider, provider_ids
from probes.document import DocumentError, Problem, convert, read_toml, suggest, unsound
from probes.header import NAME, fold, is_secret, why_refused, why_unsendable
from probes.model import Account, Target
from probes.provider import Canary, Feed, Name, Provider
from probes.proxy import STRAIGHT, Way
from probes.redact import has_key, is_random, mask, screen
from probes.remedy import SPOKEN_INSTEAD, VERSION, WHY, Misfit, is_site, mend, of_base

FILE = "monitor.toml"
SCHEMA = Path(__file__).parent / "schema.json"
CONFIGURATION, STATE = Path("/etc/provider-monitor"), Path("/var/lib/provider-monitor")
"""Where a service has its monitor.toml, and where it writes: systemd's units and the image have no other places."""
PAGE_TEMPLATES = Path(__file__).parents[2] / "templates" / "page"
ENGLISH = "en"
USUAL = ("chat", "command")
"""The canaries that cost something and are asked where an account names none, as far as its provider has them."""
CORE = "list"
"""The free canary that shows whether the key works, whatever else its answer tells."""
LOCKS = re.compile(r"(?:key|token)$", re.IGNORECASE)
"""How the name of a variable ends that holds a key, and nothing else."""

HostAndPort = Annotated[str, Meta(pattern=r"^[A-Za-z0-9.\-]+:[0-9]{1,5}$")]
IntervalSeconds = Annotated[float, Meta(ge=10, le=86400)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Count = Annotated[int, Meta(ge=1, le=100)]
Days = Annotated[int, Meta(ge=1, le=3650)]


class StatusSection(Section, frozen=True, kw_only=True):
    """The providers' own status pages: whether they are read, how often, and whose besides those with accounts."""

    poll: bool = True
    interval_s: Annotated[float, Meta(ge=30, le=3600)] = 120
    providers: list[str] = []


class ProbeSection(Section, frozen=True, kw_only=True):
    """How we ask. Limits are per attempt; `per_host` is how many attempts one host gets at a time."""

    free_interval_s: IntervalSeconds = 60
    paid_interval_s: IntervalSeconds = 300
    connect_s: Seconds = 10
    silence_s: Seconds = 30
    total_s: Seconds = 60
    per_host: Annotated[int, Meta(ge=1, le=10000)] = 20
    failures: Annotated[Count, Meta(description="failures on balance that make a target down")] = 3
    successes: Annotated[Count, Meta(description="successes in a row, at least, that make it up again")] = 2
    blip_s: Annotated[
        float, Meta(ge=0, le=3600, description="what often passes by itself is told when it has lasted so long")
    ] = 120
    online: Annotated[
        list[HostAndPort], Meta(description="hosts asked for a connection when nothing answers; empty: none")
    ] = msgspec.field(default_factory=lambda: ["one.one.one.one:443", "dns.google:443"])


class BudgetSection(Section, frozen=True, kw_only=True):
    """What the canaries of one account may use in a day (UTC). Free canaries go on when it is spent."""

    daily_usd: Annotated[float, Meta(ge=0)] = 0.25
    daily_tokens: Annotated[int, Meta(ge=0)] = 50_000


class CreditSection(Section, frozen=True, kw_only=True):
    """When to warn of credit that ends, where a provider tells of it: `low` by currency, at this pace, by its date."""

    low: dict[Currency, Annotated[float, Meta(ge=0)]] = msgspec.field(
        default_factory=lambda: {"USD": 1.0, "EUR": 1.0, "CNY": 7.0}
    )
    days_left: Annotated[float, Meta(ge=0, le=365)] = 3
    expires_days: Annotated[float, Meta(ge=0, le=365)] = 7


class StoreSection(Section, frozen=True, kw_only=True):
    """Where results are kept and how long: each attempt, hours, days."""

    path: str = "state/monitor.db"
    raw_days: Days = 14
    hourly_days: Days = 100
    daily_days: Days = 800


class SiteSection(Section, frozen=True, kw_only=True):
    """The status page: where it is written, and whether `run` serves it. `url` is where people reach it.

    A second one, of providers only, is for everybody: nothing of an account is in it. `public_folder = ""`:
    it is not written. `metrics` is a file for a textfile collector, readable by every user here, as the second site
    is; the first is not. `slo` is the share of good answers that an account is held to. `language` is the name of
    a file of words; `templates` a folder whose files go before ours of the same name.
    """

    folder: str = "site"
    title: Annotated[str, Meta(min_length=1, max_length=120)] = "AI accounts"
    public_folder: str = "public"
    public_title: Annotated[str, Meta(min_length=1, max_length=120)] = "AI providers"
    public_url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")] | None = None
    metrics: str = "metrics/provider-monitor.prom"
    slo: Annotated[float, Meta(gt=0, lt=1)] = 0.99
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$")] = "en"
    templates: str | None = None
    serve: bool = True
    host: Annotated[
        str | None, Meta(description="where `run` listens; without it on 127.0.0.1, or where `run --host` says")
    ] = None
    port: Annotated[int, Meta(ge=0, le=65535)] = 8321
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")] | None = None


class HeartbeatSection(Section, frozen=True, kw_only=True):
    """Where somebody notices when this monitor falls silent: a ping after good beats, in the manner of healthchecks."""

    url: Annotated[
        SecretText, Meta(min_length=1, description="the address, or where it is: env:NAME, file:PATH, command:...")
    ]
    interval_s: Annotated[
        float, Meta(ge=10, le=3600, description="`run` pings once in so long; `once` at its start and its end")
    ] = 60


class AccountSection(Section, frozen=True, kw_only=True):
    """One account. `key` says where the key is: env:NAME, file:PATH or command:PROGRAM ARGS.

    `project`, `organization` and `billing` name what it shares with others: when all of them are lost,
    that is one trouble. So does `login`, whose account it is, also across the products of one company. When one
    of them is suspended, the others are looked at at once and not offered.

    `admin_key`, of the same form, may read the organization's costs; with `spend_limit_usd`, the limit
    of a month, they tell what is left. `expect` names models that must not leave the provider's list.
    `proxy` and `ca_file` go before those of its provider and of the environment.
    `command` and `environment` are for a provider that is asked through a program. `headers` are sent besides the
    provider's own, or in their place. `answer_tokens` is for output tokens per second: from 32 on each account is
    judged by itself. More than 128 might not fit into the 64 KiB that are read of a stream.
    """

    name: Label
    provider: str
    key: SecretText | None = None
    base: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")] | None = None
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


class ReminderSection(Section, frozen=True, kw_only=True):
    """A day on which something ends that no provider tells of: a key, a card. `account`: provider/name, or its name."""

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
    accounts: list[AccountSection] = []
    channels: list[ChannelSection] = []
    routes: list[RouteSection] = []
    maintenance: list[MaintenanceSection] = []
    alerts: AlertsSection = AlertsSection()
    heartbeat: HeartbeatSection | None = None
    reminders: list[ReminderSection] = []
    objectives: list[ObjectiveSection] = []
    provider_folder: Annotated[
        str | None, Meta(description="a folder with provider files of your own, each of the form of the shipped ones")
    ] = None
    providers: Annotated[
        dict[Name, dict[str, Any]], Meta(description="facts laid over a provider's file, or a provider of your own")
    ] = {}


Called = Mapping[str, list[AccountSection]]
"""The accounts that are meant by a name."""


class Heartbeat(Struct, frozen=True):
    """Where to ping; the address is a secret, since whoever knows it could ping, too."""

    url: str
    interval_s: float = 60

    def __repr__(self) -> str:
        return f"Heartbeat(each {self.interval_s:g} s)"


class Config(Struct, frozen=True):
    """What is watched and how, with every reference resolved. Paths are absolute.

    `malformed` are the accounts whose `problem` is the form of a key or a header; `doubts` says of an account
    what may not be meant so. What `providers` hold of headers is for everybody: what is secret is the accounts'.
    `places` says for each account where its secrets are, `files` are all that a reference or a `ca_file` names;
    `authorities` among them are no secret. `way` is how requests leave that are no account's: to status pages, and to
    the heartbeat. `secret_keys` are the keys of the file under which a secret stands in it.
    """

    file: Path | None
    location: str
    probe: ProbeSection
    store: StoreSection
    site: SiteSection
    database: Path
    folder: Path
    providers: Mapping[str, Provider]
    accounts: Mapping[str, Account]
    budgets: Mapping[str, Budget]
    watches: Mapping[str, Watch]
    channels: tuple[Channel, ...]
    status: StatusSection = StatusSection()
    attentions: Mapping[str, Attention] = field(default_factory=dict)
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    groups: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    reminders: tuple[Reminder, ...] = ()
    objectives: tuple[Objective, ...] = ()
    shelf: Shelf = PACKAGED
    simulated: bool = False
    rules: Rules = Rules()
    digest: Timing = Timing()
    public_folder: Path | None = None
    metrics: Path | None = None
    templates: Path | None = None
    page_templates: Path | None = None
    heartbeat: Heartbeat | None = None
    malformed: frozenset[str] = frozenset()
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    authorities: tuple[Path, ...] = ()
    way: Way = STRAIGHT
    secret_keys: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """How errors name the file, also where there is none yet."""
        return self.file.name if self.file else FILE

    @property
    def written(self) -> Path:
        """Where relative paths of what is written begin."""
        return written_below(self.file.parent if self.file else Path())

    @property
    def neutral_hosts(self) -> list[tuple[str, int]]:
        return [(host, int(port)) for host, _, port in (one.rpartition(":") for one in self.probe.online)]

    def company(self, account: str) -> str:
        """Return whose account it is: a company may answer for several providers, and a gateway only for itself."""
        one = self.accounts[account]
        provider = self.providers[one.provider]
        if provider.company or provider.base or provider.is_command:
            return provider.company or provider.id
        return f"{provider.id}@{urlsplit(one.base).netloc}" if one.base else provider.id

    def associates(self, account: str) -> list[str]:
        """Return the other accounts of its company with which it shares something, as monitor.toml says."""
        ties = set(self.groups.get(account, ()))
        sharing = [other for other, its in self.groups.items() if other != account and not ties.isdisjoint(its)]
        return [other for other in sharing if self.company(other) == self.company(account)]

    def attention(self, account: str) -> Attention:
        return self.attentions.get(account) or Attention()

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.probe.failures, self.probe.successes, self.probe.blip_s)

    @property
    def secret_files(self) -> list[Path]:
        """All that hold a secret: what is named, and monitor.toml where one stands in it."""
        own = [self.file] if self.file and self.secret_keys else []
        return own + [file for file in self.files if file not in self.authorities]

    @property
    def secrets(self) -> list[str]:
        """All that no text may show, whoever it lets in where; the one place that knows all of them."""
        from monitor.alert.link import link_secrets  # brings cryptography with it, which `check` has no use for

        keys = [secret for account in self.accounts.values() for secret in account.secrets]
        pings = [self.heartbeat.url] if self.heartbeat else []
        addresses = [channel.url for channel in self.channels if channel.url and channel != TERMINAL]
        ways = self.way.proxies.secrets
        return list(dict.fromkeys([*keys, *pings, *addresses, *ways, *link_secrets(self.database)]))


def load(path: Path, environment: Mapping[str, str], *, sends: bool = True) -> Config:
    """Return the configuration of a file. Raises DocumentError with everything that is wrong.

    Whoever `sends` nothing needs no address of a channel, heartbeat or proxy: an operator's shell has not the
    variables of the service that they stand in. A channel's address is empty then.
    """
    tables = read_toml(path)
    if problems := list(unsound(tables, path.name)):
        raise DocumentError(problems)
    pasted = list(misplaced(tables, path.name))
    document, problems = convert(tables, Document, path.name)
    problems = [*pasted, *(one for one in problems if one.key not in {it.key for it in pasted})]
    return build(document or Document(), path, environment, problems, sends=sends)


def from_environment(folder: Path, environment: Mapping[str, str], *, sends: bool = True) -> Config:
    """Return the configuration of somebody who has no file; it may have no account. `sends` is as in `load`."""
    return build(Document(), folder / FILE, environment, [], sends=sends)


def build(
    document: Document, path: Path, environment: Mapping[str, str], problems: list[Problem], *, sends: bool = True
) -> Config:
    """Check what no schema can say, resolve references, and raise DocumentError if anything is wrong.

    Where no account is named, each well-known key variable that is set becomes one.
    """
    shelf = _shelf(document, path, problems)
    if not document.accounts and not problems:
        document = replace(document, accounts=list(_known_keys(shelf, environment)))
    providers = _providers(document, shelf, problems, path.name)
    feeds = dict(_feeds(document, providers, shelf, problems, path.name))
    found: list[Problem] = []
    for check in (_check_names, _check_accounts, _check_reminders, _check_objectives):
        found += check(document, providers, path.name)
    telling = Telling(document.channels, document.routes, document.maintenance, document.alerts)
    found += check_telling(telling, {f"{one.provider}/{one.name}": one.tags for one in document.accounts}, path.name)
    refused = {problem.key for problem in problems}  # what a table misses may be what was refused of it
    problems += [one for one in found if refused.isdisjoint(f"{one.key}.{field}" for field in one.wants)]
    problems += _check_site(document.site, path.name)
    problems += _check_look(document.site, path.parent, path.name)
    problems += _check_programs(document, path.parent, path.name)
    unsent = problems if sends else []
    urls = {one.name: "" for one in document.channels} | dict(_urls(document, path, environment, unsent))
    templates = _templates(document, path, problems)
    heartbeat = _heartbeat(document, path, environment, unsent)
    usual = usual_way(environment, unsent)
    problems += wrong_authorities(environment) if sends else ()
    ways = dict(_ways(document, providers, Ground(path, environment, usual), unsent))
    places = {_id(one): _places(one, providers[one.provider]) for one in document.accounts if one.provider in providers}
    files = _files(document, providers, places, path.parent)
    problems += _check_outlets(document, path, files)
    if problems:
        raise DocumentError(problems)
    look_up = cache(partial(resolve, folder=path.parent, environment=environment))
    own = _own_providers(document, path)
    opened = [_open(section, providers[section.provider], own, path.parent, look_up) for section in document.accounts]
    accounts = [replace(one.account, way=ways[one.account.id]) for one in opened]
    watches = {
        watch.target.id: watch
        for section in document.accounts
        for watch in _watches(section, providers, document.probe)
    }
    by_account = defaultdict[str, list[Watch]](list)
    for watch in watches.values():
        by_account[watch.target.account].append(watch)
    asked, called, written = _asked(watches.values()), _called(document), written_below(path.parent)
    return Config(
        file=path,
        location=document.location,
        probe=document.probe,
        store=document.store,
        site=document.site,
        database=written / document.store.path,
        folder=written / document.site.folder,
        public_folder=written / document.site.public_folder if document.site.public_folder else None,
        metrics=written / document.site.metrics if document.site.metrics else None,
        page_templates=(path.parent / document.site.templates).absolute() if document.site.templates else None,
        providers={id: _without_secrets(provider) for id, provider in providers.items()},
        accounts={account.id: account for account in accounts},
        budgets={
            account.id: _budget(section, document.budget)
            for account, section in zip(accounts, document.accounts, strict=True)
        },
        watches=watches,
        status=document.status,
        feeds=feeds,
        groups=_all_groups(document.accounts),
        attentions={
            account.id: _attention(section, document.credit, asked[account.id])
            for account, section in zip(accounts, document.accounts, strict=True)
        },
        channels=channels(telling, urls),
        rules=rules(telling, accounts),
        reminders=tuple(_reminder(section, called) for section in document.reminders),
        objectives=tuple(_objective(section, document, called, by_account) for section in document.objectives),
        shelf=shelf,
        digest=timing(document.alerts),
        templates=templates,
        heartbeat=heartbeat,
        malformed=frozenset(one.account.id for one in opened if one.malformed),
        doubts={one.account.id: one.doubts for one in opened if one.doubts},
        places=places,
        files=files,
        authorities=_authorities(document, providers, path.parent),
        way=usual,
        secret_keys=tuple(_secret_keys(document, providers)),
    )


def written_below(folder: Path) -> Path:
    """Return where relative paths of what is written begin, for a monitor.toml in this folder.

    That is beside it; but /etc holds what people write. Source: the Filesystem Hierarchy Standard 3.0, 3.7 and 5.8.
    """
    folder = folder.absolute()
    return STATE if folder == CONFIGURATION else folder


def _shelf(document: Document, path: Path, problems: list[Problem]) -> Shelf:
    """Return where facts of providers are found, and name what is wrong with the user's own."""
    folder = _provider_folder(document, path)
    if folder and not isdir(folder):
        what = f'= "{document.provider_folder}" is no folder'
        problems.append(Problem(path.name, "provider_folder", what, _create(document.provider_folder, folder)))
    shelf = Shelf((FOLDER, folder) if folder else (FOLDER,), document.providers)
    for id in sorted(_own_providers(document, path)):
        is_table = not (folder and exists(folder / f"{id}.toml"))
        problems += [_in_table(one, id, path.name) if is_table else one for one in _faults(id, shelf)]
    return shelf


def _create(named: str | None, folder: Path) -> str:
    """Return the repair for a folder that is not there; whole, a path hides what within it is a key."""
    return f"create {folder if screen(f'{named}') == named else 'it'} or leave it out"


def _faults(id: str, shelf: Shelf) -> list[Problem]:
    try:
        return list(_check_provider(load_provider(id, shelf)))
    except DocumentError as error:
        return error.problems


def _in_table(problem: Problem, id: str, file: str) -> Problem:
    """Name what is wrong with a provider where it was written: no file of its own says it, and ours are right."""
    return replace(problem, file=file, key=f"providers.{id}.{problem.key}".rstrip("."))


def _provider_folder(document: Document, path: Path) -> Path | None:
    return path.parent / document.provider_folder if document.provider_folder else None


def _own_providers(document: Document, path: Path) -> set[str]:
    """Return the providers of which the user says something himself: what answers there may be a gateway."""
    folder = _provider_folder(document, path)
    return {*document.providers, *(provider_ids(Shelf((folder,))) if folder else ())}


def _check_provider(provider: Provider) -> Iterator[Problem]:
    for name, value in provider.headers.items():
        if names_place(value) and not is_reference(value):
            yield Problem(f"{provider.id}.toml", f"headers.{name}", "is not a reference to a value", VALUE_REPAIR)
    for feed in provider.feeds:
        for name, address in (("url", feed.url), ("page", feed.page)):
            if not _is_address(address):
                key = f"feeds.{feed.id}.{name}"
                yield Problem(f"{provider.id}.toml", key, "is no web address", 'write it as "https://host/path"')


VALUE_REPAIR = 'put the value into an environment variable or a file and write "env:NAME" or "file:PATH"'


def _known_keys(shelf: Shelf, environment: Mapping[str, str]) -> Iterator[AccountSection]:
    for id in provider_ids(shelf):
        variable = next((name for name in load_provider(id, shelf).key_variables if environment.get(name)), None)
        if variable:
            yield AccountSection(name="default", provider=id, key=f"env:{variable}")


def _providers(document: Document, shelf: Shelf, problems: list[Problem], file: str) -> Catalog:
    known, providers = provider_ids(shelf), {}
    for section in document.accounts:
        key = f"accounts.{section.name}.provider"
        if section.provider not in known:
            what = f'= "{section.provider}": no such provider'
            problems.append(Problem(file, key, what, suggest(section.provider, known)))
        elif section.provider not in providers:
            with suppress(DocumentError):  # named by _shelf
                providers[section.provider] = load_provider(section.provider, shelf)
    return providers


def _feeds(
    document: Document, providers: Catalog, shelf: Shelf, problems: list[Problem], file: str
) -> Iterator[tuple[str, Feed]]:
    """Yield the status sources of all providers with accounts, and of those that are named besides."""
    known = provider_ids(shelf)
    for id in document.status.providers:
        if id not in known:
            what = f'= "{id}": no such provider'
            problems.append(Problem(file, "status.providers", what, suggest(id, known)))
    if not document.status.poll:
        return
    others = {id for id in document.status.providers if id in known} - providers.keys()
    for provider in (*providers.values(), *(load_provider(id, shelf) for id in sorted(others))):
        yield from ((f"{provider.id}/{feed.id}", feed) for feed in provider.feeds)


def _all_groups(sections: Sequence[AccountSection]) -> dict[str, tuple[Group, ...]]:
    """Return what each account shares. `Jo@Example.com` and `jo@example.com` are one, as first written."""
    told = {f"{one.provider}/{one.name}": _groups(one) for one in sections}
    first: dict[tuple[Level, str], Group] = {}
    for group in (group for groups in told.values() for group in groups):
        first.setdefault(_alike(group), group)
    return {id: tuple(first[_alike(group)] for group in groups) for id, groups in told.items()}


def _alike(group: Group) -> tuple[Level, str]:
    return group.level, " ".join(unicodedata.normalize("NFKC", group.name).casefold().split())


def _groups(section: AccountSection) -> tuple[Group, ...]:
    """Return what an account shares with others, the narrowest first."""
    names = {
        Level.PROJECT: section.project,
        Level.ORGANIZATION: section.organization,
        Level.BILLING: section.billing,
        Level.LOGIN: section.login,
    }
    return tuple(Group(level, name) for level, name in names.items() if name)


def _check_names(document: Document, _: Catalog, file: str) -> Iterator[Problem]:
    accounts = Counter(f"{section.provider}/{section.name}" for section in document.accounts)
    channels = Counter(section.name for section in document.channels)
    windows = Counter(section.name for section in document.maintenance)
    reminders = Counter(section.name for section in document.reminders)
    objectives = Counter(section.name for section in document.objectives)
    counters = {
        "accounts": accounts,
        "channels": channels,
        "maintenance": windows,
        "reminders": reminders,
        "objectives": objectives,
    }
    for kind, counter in counters.items():
        for name, times in counter.items():
            if times > 1:
                yield Problem(file, kind, f'holds "{name}" {times} times', "give each a name of its own")


def _check_accounts(document: Document, providers: Catalog, file: str) -> Iterator[Problem]:
    for section in document.accounts:
        key = f"accounts.{section.name}"
        yield from _check_references(section, key, file)
        yield from _check_models(section, key, file)
        if provider := providers.get(section.provider):
            yield from _check_command(section, provider, key, file)
            yield from _check_base(section, provider, key, file)
            yield from _check_canaries(section, provider, key, file)
            yield from _check_answer(section, provider, document.probe, key, file)


def _check_reminders(document: Document, _: Catalog, file: str) -> Iterator[Problem]:
    called = _called(document)
    for section in document.reminders:
        yield from _check_account(section.account, called, f"reminders.{section.name}.account", file)


def _check_objectives(document: Document, providers: Catalog, file: str) -> Iterator[Problem]:
    called = _called(document)
    for section in document.objectives:
        key = f"objectives.{section.name}"
        yield from _check_account(section.account, called, f"{key}.account", file)
        if section.provider and section.provider not in providers:
            what = f'= "{section.provider}": no account here is of this provider'
            yield Problem(file, f"{key}.provider", what, suggest(section.provider, providers))
        if (section.account is None) == (section.provider is None):
            how = "names both an account and" if section.account else "names neither an account nor"
            yield Problem(file, key, f"{how} a provider", "name one of them")
        if (section.latency_s is None) != (section.latency_share is None):
            repair = "give both: latency_share percent of the good answers take at most latency_s seconds"
            wants = ("latency_s", "latency_share")
            yield Problem(file, key, "has one of `latency_s` and `latency_share`", repair, wants)
        elif section.availability is None and section.latency_s is None:
            repair = "add availability = 99.5, or latency_s and latency_share"
            yield Problem(file, key, "promises nothing", repair, ("availability", "latency_s", "latency_share"))
        if section.window_days > document.store.hourly_days:
            what = f"= {section.window_days}: hours are kept for {document.store.hourly_days} days"
            yield Problem(file, f"{key}.window_days", what, "make it shorter, or store.hourly_days longer")
        yield from _check_counted(section, document, called, providers, file)


def _check_counted(
    section: ObjectiveSection, document: Document, called: Called, providers: Catalog, file: str
) -> Iterator[Problem]:
    """Name an objective that nothing is looked at for."""
    if section.canary is None:
        return
    meant = [one for one in _meant(section, document, called) if one.provider in providers]
    asked = {
        watch.target.canary for one in meant for watch in _watches(one, providers, document.probe) if not watch.aside
    }
    if meant and section.canary not in asked:
        what = f'= "{section.canary}": no account that is meant is asked so'
        yield Problem(file, f"objectives.{section.name}.canary", what, suggest(section.canary, asked))


def _meant(section: ObjectiveSection, document: Document, called: Called) -> list[AccountSection]:
    """Return the accounts of which something is promised."""
    if section.provider:
        return [one for one in document.accounts if one.provider == section.provider]
    found = called.get(section.account or "", [])
    return found if len(found) == 1 else []


def _check_account(wanted: str | None, called: Called, key: str, file: str) -> Iterator[Problem]:
    found = [] if wanted is None else called.get(wanted, [])
    if wanted is None or len(found) == 1:
        return
    what = "is the name of several accounts" if found else "no such account"
    repair = "write provider/name: " + ", ".join(map(_id, found)) if found else suggest(wanted, called)
    yield Problem(file, key, f'= "{wanted}": {what}', repair)


def _called(document: Document) -> Called:
    """Return the accounts that are meant by provider/name, and by the bare name."""
    called = defaultdict[str, list[AccountSection]](list)
    for section in document.accounts:
        for name in (section.name, _id(section)):
            called[name].append(section)
    return called


def _id(section: AccountSection) -> str:
    return f"{section.provider}/{section.name}"


def _reminder(section: ReminderSection, called: Called) -> Reminder:
    account = next(map(_id, called.get(section.account or "", [])), None)
    return Reminder(section.name, section.on, account, section.warn_days, section.note)


def _objective(
    section: ObjectiveSection, document: Document, called: Called, watches: Mapping[str, Sequence[Watch]]
) -> Objective:
    meant = list(map(_id, _meant(section, document, called)))
    its = [watch for account in meant for watch in watches[account] if not watch.aside]
    its = [watch for watch in its if section.canary in (None, watch.target.canary)]
    return Objective(
        name=section.name,
        subject=section.provider or meant[0],
        targets=frozenset(watch.target.id for watch in its),
        intervals_s={watch.target.id: watch.interval_s for watch in its},
        availability=_share(section.availability),
        latency_s=section.latency_s,
        latency_share=_share(section.latency_share),
        window_days=section.window_days,
    )


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _check_references(section: AccountSection, key: str, file: str) -> Iterator[Problem]:
    # No value is shown: most likely it is the key itself.
    for name in ("key", "admin_key"):
        reference = getattr(section, name)
        if reference is not None and not is_reference(reference):
            repair = 'put the key into an environment variable or a file and write "env:NAME" or "file:PATH"'
            yield Problem(file, f"{key}.{name}", "is not a reference to a key", repair)
    for name, reference in _variables(section).items():
        if not VARIABLE.fullmatch(name):
            repair = 'write names to pass on, ["NAME"], or where each value is, { NAME = "env:OTHER" }'
            yield Problem(file, f"{key}.environment", "holds what is no name of a variable", repair)
        elif not is_reference(reference):
            yield Problem(file, f"{key}.environment.{name}", "is not a reference to a value", VALUE_REPAIR)
    yield from _check_headers(section, f"{key}.headers", file)


def _check_headers(section: AccountSection, key: str, file: str) -> Iterator[Problem]:
    """Name what cannot be sent; no value is shown, nor what is no name and may be one."""
    for name, times in Counter(map(str.lower, section.headers)).items():
        if times > 1:
            yield Problem(file, f"{key}.{name}", f"stands {times} times: HTTP tells no cases apart", "keep one of them")
    for name, value in section.headers.items():
        if why := why_refused(name):
            shown = f"{key}.{name}" if NAME.fullmatch(name) else key
            yield Problem(file, shown, why, 'leave it out, or write NAME = "value"')
        elif names_place(value) and not is_reference(value):
            yield Problem(file, f"{key}.{name}", "is not a reference to a value", VALUE_REPAIR)
        elif why := why_unsendable(value):
            yield Problem(file, f"{key}.{name}", why, "mend the value; it is not shown, as it may be a secret")


def _variables(section: AccountSection) -> Mapping[str, str]:
    """Return where the value of each variable is that a program gets."""
    named = section.environment
    return named if isinstance(named, dict) else {name: f"env:{name}" for name in named}


def _check_command(section: AccountSection, provider: Provider, key: str, file: str) -> Iterator[Problem]:
    for name, repair in (WITHOUT_ADDRESS if provider.is_command else WITHOUT_COMMAND).items():
        if getattr(section, name):
            how = "through a program" if provider.is_command else "over HTTP"
            yield Problem(file, f"{key}.{name}", f"has no effect: {provider.id} is asked {how}", repair)
    if any(mask(word) != word or any(map(is_random, word.split("="))) for word in section.command or ()):
        repair = 'put it into an environment variable and write environment = ["NAME"]'
        yield Problem(file, f"{key}.command", "holds what looks like a key", repair)


WITHOUT_ADDRESS = {
    "key": 'leave it out; what the program needs goes into environment = ["NAME"]',
    "base": "leave it out",
    "models": "leave it out; the model is named in command = [...]",
    "headers": "leave it out",
    "answer_tokens": "leave it out; what is asked is in command = [...]",
}
WITHOUT_COMMAND = dict.fromkeys(
    ("command", "environment"), "leave it out, or choose a provider with a canary of dialect command"
)


def _check_base(section: AccountSection, provider: Provider, key: str, file: str) -> Iterator[Problem]:
    base = section.base or provider.base
    if provider.is_command:
        return
    if base is None:
        repair = 'add base = "https://..." (up to and with /v1)'
        yield Problem(file, key, "lacks `base`", repair)
    elif not _is_address(base):
        yield Problem(
            file, f"{key}.base", "is no web address", 'write base = "https://host/v1", or https://host:port/v1'
        )
    elif urlsplit(base).username or urlsplit(base).query:
        yield Problem(file, f"{key}.base", LADEN, "keep secrets out of addresses")
    elif section.base and (facts := _core(provider)) and of_base(provider, base, facts) is Misfit.ENDPOINT:
        repair = f'write base = "{mend(provider, base, facts)}"'
        yield Problem(file, f"{key}.base", WHY[Misfit.ENDPOINT].removeprefix("the base "), repair)


LADEN = "holds a user, a password or a query"


def _core(provider: Provider) -> Canary | None:
    """Return the canary by which an address is judged before anything is sent."""
    return provider.canaries.get("chat") or provider.canaries.get(CORE)


def _check_models(section: AccountSection, key: str, file: str) -> Iterator[Problem]:
    models = section.models.values() if isinstance(section.models, dict) else [section.models]
    if not all(model.strip() for several in models for model in several):
        yield Problem(file, f"{key}.models", "holds an empty name", "write what the provider calls it, or leave it out")


def _check_canaries(section: AccountSection, provider: Provider, key: str, file: str) -> Iterator[Problem]:
    named = {
        "canaries": section.canaries or [],
        "interval_s": section.interval_s,
        "dialect": section.dialect,
        "models": section.models if isinstance(section.models, dict) else [],
    }
    for part, canaries in named.items():
        for canary in canaries:
            if canary not in provider.canaries:
                what = f'= "{canary}": {provider.id} has no such canary'
                yield Problem(file, f"{key}.{part}", what, suggest(canary, provider.canaries))
    for canary in section.dialect:
        facts = provider.canaries.get(canary)
        if facts and facts.dialect not in SPOKEN_INSTEAD:
            yield Problem(file, f"{key}.dialect", f'= "{canary}": speaks {facts.dialect} only', "leave it out")
    for canary in section.canaries or []:
        facts = provider.canaries.get(canary)
        if facts and facts.admin and not section.admin_key:
            yield Problem(file, key, f"lacks `admin_key`, which {canary} needs", 'add admin_key = "env:..."')
        if facts and facts.is_elsewhere and section.base:
            what = f'= "{canary}": asks {urlsplit(facts.path or "").netloc}, not the account\'s own base'
            yield Problem(file, f"{key}.canaries", what, "leave it out")
        if facts and not _models(section, provider, canary):
            yield Problem(file, f"{key}.models", f"names no model for {canary}", f'add models = ["..."] for {canary}')


def _check_answer(
    section: AccountSection, provider: Provider, probe: ProbeSection, key: str, file: str
) -> Iterator[Problem]:
    """Name a length that no answer has: a program is asked in words of its own, and what is not written has none."""
    if section.answer_tokens is None or provider.is_command:
        return
    asked = {watch.target.canary for watch in _watches(section, {provider.id: provider}, probe)}
    if not any(provider.canaries[canary].dialect.writes for canary in asked):
        what = f"has no effect: no model writes an answer to {', '.join(sorted(asked)) or 'anything here'}"
        writing = [name for name, facts in provider.canaries.items() if facts.dialect.writes]
        repair = (
            f'or add "{writing[0]}" to canaries' if writing else f"as {provider.id} has no canary that a model answers"
        )
        yield Problem(file, f"{key}.answer_tokens", what, f"leave it out, {repair}")


def _models(section: AccountSection, provider: Provider, canary: str) -> Sequence[str | None]:
    """Return the models a canary asks for; [None] when it asks for none, empty when it needs one and has none."""
    facts = provider.canaries[canary]
    if facts.dialect in MODELLESS:
        return [None]
    chosen = section.models.get(canary, []) if isinstance(section.models, dict) else section.models
    return list(dict.fromkeys(chosen)) or ([facts.model] if facts.model else [])


def _watches(section: AccountSection, providers: Catalog, probe: ProbeSection) -> Iterator[Watch]:
    """Yield what is looked at, of the canaries that there are: others are named as a problem of their own."""
    provider = providers[section.provider]
    host = urlsplit(section.base).netloc if section.base and _is_address(section.base) else None
    canaries = section.canaries or [
        name for name, facts in provider.canaries.items() if _is_usual(name, facts, section)
    ]
    for canary in dict.fromkeys(name for name in canaries if name in provider.canaries):
        facts = provider.canaries[canary]
        usual_s = facts.every_s or (probe.free_interval_s if facts.free else probe.paid_interval_s)
        for model in _models(section, provider, canary):
            target = Target(f"{section.provider}/{section.name}", section.provider, canary, model, host)
            yield Watch(target, section.interval_s.get(canary, usual_s), facts.free, _is_aside(canary, facts))


def _is_aside(name: str, facts: Canary) -> bool:
    return name != CORE and (facts.admin or facts.offers is not None or facts.credit is not None)


def _is_usual(name: str, facts: Canary, section: AccountSection) -> bool:
    """Whether a canary is used where nobody chose: chat, and all that costs nothing and can be asked."""
    if facts.admin:
        return section.admin_key is not None
    if section.base and facts.is_elsewhere:
        return False
    return (facts.free and not facts.optional) or name in USUAL


class Opened(Struct, frozen=True):
    """An account whose references were followed. `malformed`: its problem is the form of what they led to."""

    account: Account
    malformed: bool = False
    doubts: tuple[str, ...] = ()


LookUp = Callable[[str], str]
"""A reference → its secret. Raises SecretError."""


def _open(section: AccountSection, provider: Provider, own: Collection[str], folder: Path, look_up: LookUp) -> Opened:
    account = Account(
        section.name,
        section.provider,
        base=section.base,
        tags=tuple(section.tags),
        note=section.note,
        command=_command(section.command or (), folder),
        dialects=section.dialect,
        answer_tokens=section.answer_tokens,
    )
    doubts: list[str] = []
    gateway = bool(section.base) or provider.base is None or provider.id in own
    try:
        keys = {name: _key(section, name, provider, look_up, doubts, gateway=gateway) for name in ("key", "admin_key")}
        variables = {name: _variable(name, where, provider, look_up) for name, where in _variables(section).items()}
        plain, secret = _headers(section, provider, look_up)
        doubts += _doubts_of_headers({**fold(provider.headers), **plain, **secret})
    except SecretError as error:
        return Opened(replace(account, problem=str(error)), isinstance(error, Malformed))
    doubts += _doubts_of_base(section, provider)
    account = replace(account, **keys, environment=variables, headers=plain, secret_headers=secret)
    return Opened(account, doubts=tuple(doubts))


def _doubts_of_base(section: AccountSection, provider: Provider) -> Iterator[str]:
    """Yield what in an address is seldom meant; it may be right all the same."""
    base, facts = section.base, _core(provider)
    if base is None or facts is None or facts.path is None:
        return
    parts, usual = urlsplit(base), provider.base is None or VERSION.search(urlsplit(provider.base).path)
    wrong = of_base(provider, base, facts)
    if is_site(provider, base):
        yield f'base is on a host for people: perhaps base = "{provider.base}", or none'
    elif wrong is Misfit.STYLE:
        yield f'{WHY[wrong]}: perhaps provider = "anthropic"'
    elif wrong is Misfit.DOUBLED or (wrong and usual):
        yield (
            f"base {'has its version twice' if wrong is Misfit.DOUBLED else 'has no version in it'}: perhaps base = "
            f'"{mend(provider, base, facts)}"'
        )
    if parts.scheme == "http" and not NEAR.search(parts.hostname or ""):
        yield f'base sends the key over http, for all to read: perhaps base = "https{base.removeprefix("http")}"'


NEAR = re.compile(
    r"^[^.]+$|^(?:127|10|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.|:|\.(?:local|lan|internal|test|home)$"
)
"""Hosts of one's own, to which nobody needs to encrypt."""


def _places(section: AccountSection, provider: Provider) -> tuple[str, ...]:
    """Return the references of an account, its provider's headers among them."""
    keys = [one for one in (section.key, section.admin_key) if one]
    headers = (value for value in (*provider.headers.values(), *section.headers.values()) if is_reference(value))
    return (*keys, *_variables(section).values(), *headers)


def _ways(document: Document, providers: Catalog, ground: Ground, problems: list[Problem]) -> Iterator[tuple[str, Way]]:
    """Yield how the requests of each account leave; of what is wrong with a provider's way the first account tells."""
    told: set[str] = set()
    for section in document.accounts:
        found: list[Problem] = []
        yield _id(section), set_way(section, _id(section), ground, found, providers.get(section.provider))
        problems += [one for one in found if one.key not in told]
        told |= {one.key for one in found}


def _files(
    document: Document, providers: Catalog, places: Mapping[str, Sequence[str]], folder: Path
) -> tuple[Path, ...]:
    addresses = [one.url for one in document.channels] + ([document.heartbeat.url] if document.heartbeat else [])
    references = [*(one for its in places.values() for one in its), *addresses]
    named = (file for one in references if is_reference(one) and (file := file_of(one, folder)))
    settings: list[Setting] = [*document.accounts, *providers.values()]
    return tuple(dict.fromkeys((*named, *(file for one in settings for file in files_of(one, folder)))))


def _authorities(document: Document, providers: Catalog, folder: Path) -> tuple[Path, ...]:
    settings: list[Setting] = [*document.accounts, *providers.values()]
    return tuple(placed(one.ca_file, folder) for one in settings if one.ca_file)


def _secret_keys(document: Document, providers: Catalog) -> Iterator[str]:
    """Yield the keys under which a secret stands in the file itself, where a reference could."""
    for channel in document.channels:
        if channel.url != TERMINAL.url and not is_reference(channel.url):
            yield f"channels.{channel.name}.url"
    if document.heartbeat and not is_reference(document.heartbeat.url):
        yield "heartbeat.url"
    tables = {f"accounts.{one.name}": one.headers for one in document.accounts}
    tables |= {f"providers.{id}": one.headers for id, one in providers.items() if id in document.providers}
    for key, table in tables.items():
        for name, value in table.items():
            if _is_secret(name, value) and not is_reference(value):
                yield f"{key}.headers.{name}"


def with_keys_of(before: Config, after: Config) -> tuple[Config, dict[str, str]]:
    """Return a configuration in which an account whose key cannot be had any more keeps the one that it had.

    The second is why, by account.
    """
    wrong = {id: account.problem for id, account in after.accounts.items() if account.problem}
    lost = {id: problem for id, problem in wrong.items() if _is_kept(before, after, id)}
    accounts = {id: before.accounts[id] if id in lost else account for id, account in after.accounts.items()}
    return replace(after, accounts=accounts, malformed=after.malformed - lost.keys()), lost


def _is_kept(before: Config, after: Config, id: str) -> bool:
    """Whether an account worked with its key, and is the same but for that."""
    old, new = before.accounts.get(id), after.accounts[id]
    if old is None or old.problem or before.places.get(id) != after.places.get(id):
        return False
    return (old.base, old.dialects, old.command) == (new.base, new.dialects, new.command)


def _key(
    section: AccountSection, name: str, provider: Provider, look_up: LookUp, doubts: list[str], *, gateway: bool
) -> str | None:
    """Return a key, None where there is none; add to `doubts` what is odd about it. Raises SecretError."""
    reference: str | None = getattr(section, name)
    if reference is None:
        return None
    key = look_up(reference)
    for flaw in flaws(key, provider, gateway=gateway):
        told = f"the {name} ({said(reference)}) {flaw.words}"
        if flaw.fatal:
            raise Malformed(told)
        doubts.append(told)
    return key


def _variable(name: str, reference: str, provider: Provider, look_up: LookUp) -> str:
    value = look_up(reference)
    found = flaws(value, provider, gateway=True) if LOCKS.search(name) else ()
    if fatal := next((flaw for flaw in found if flaw.fatal), None):
        raise Malformed(f"the variable {name} ({said(reference)}) {fatal.words}")
    return value


def _headers(
    section: AccountSection, provider: Provider, look_up: LookUp
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return what an account sends of its own, and what of that is secret, by names in lower case.

    The provider's secret ones are among them, but not in the place of a key. Raises SecretError.
    """
    common = {name: value for name, value in provider.headers.items() if _is_secret(name, value)}
    if section.key:
        common.pop(provider.auth.header.lower(), None)
    given = {**common, **fold(section.headers)}
    values = {name: _header(name, value, look_up) for name, value in given.items()}
    secret = {name for name, value in given.items() if _is_secret(name, value)}
    plain = {name: value for name, value in values.items() if name not in secret}
    return plain, {name: value for name, value in values.items() if name in secret}


def _header(name: str, value: str, look_up: LookUp) -> str:
    if not is_reference(value):
        return value.strip()
    try:
        return look_up(value)
    except SecretError as error:
        raise type(error)(f"the header {name}: {error}") from None


def _doubts_of_headers(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what in a header's value is seldom meant, in words that hold none of it."""
    for name, value in values.items():
        if why := oddity(name, value):
            yield f"the header {name} {why}"


def _is_secret(name: str, value: str) -> bool:
    return is_secret(name) or is_reference(value) or has_key(value) or is_random(value.strip())


def _without_secrets(provider: Provider) -> Provider:
    """Return the facts without the headers that are the accounts' affair: a call without a key takes none of them."""
    public = {name: value for name, value in provider.headers.items() if not _is_secret(name, value)}
    return provider if len(public) == len(provider.headers) else replace(provider, headers=public)


def _command(words: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return a command that means the same in any folder: a relative path is looked for in `folder`."""
    program, arguments = "".join(words[:1]), words[1:]
    if "/" in program:
        program = str(placed(program, folder))
    return (program, *arguments) if program else ()


def _budget(section: AccountSection, usual: BudgetSection) -> Budget:
    usd = usual.daily_usd if section.daily_usd is None else section.daily_usd
    tokens = usual.daily_tokens if section.daily_tokens is None else section.daily_tokens
    return Budget(usd, tokens)


def _asked(watches: Iterable[Watch]) -> Mapping[str, set[str]]:
    """Return the models that are asked for, by account."""
    asked: dict[str, set[str]] = defaultdict(set)
    for watch in watches:
        asked[watch.target.account] |= {watch.target.model} if watch.target.model else set()
    return asked


def _attention(section: AccountSection, usual: CreditSection, asked: Collection[str]) -> Attention:
    low = usual.low if section.low_credit is None else section.low_credit
    return Attention(
        floor=Floor(low, usual.days_left, usual.expires_days),
        models=frozenset({*asked, *section.expect}),
        spend_limit_usd=section.spend_limit_usd,
    )


def _urls(
    document: Document, path: Path, environment: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[str, str]]:
    """Yield the address of each channel, by its name."""
    for section in document.channels:
        try:
            url = resolve(section.url, path.parent, environment) if is_reference(section.url) else section.url
        except SecretError as error:
            repair = "set it, or leave this channel out"
            problems.append(Problem(path.name, f"channels.{section.name}.url", str(error), repair))
        else:
            yield section.name, url


def _heartbeat(
    document: Document, path: Path, environment: Mapping[str, str], problems: list[Problem]
) -> Heartbeat | None:
    section, key = document.heartbeat, "heartbeat.url"
    if section is None:
        return None
    is_named = is_reference(section.url)
    try:
        url = resolve(section.url, path.parent, environment) if is_named else section.url
    except SecretError as error:
        problems.append(Problem(path.name, key, str(error), "set it, or leave [heartbeat] out"))
        return None
    if not _is_address(url):
        # The value is not shown: most of it may be right, and then it is the secret.
        what = f'= "{section.url}" leads to what is no web address' if is_named else "is no web address"
        problems.append(Problem(path.name, key, what, "give the ping address: https://hc-ping.com/..., or env:NAME"))
    return Heartbeat(url, section.interval_s)


def _check_site(site: SiteSection, file: str) -> Iterator[Problem]:
    for name in ("url", "public_url"):
        url = getattr(site, name)
        if url is not None and not _is_address(url):
            yield Problem(file, f"site.{name}", "is no web address", 'write it as "https://host/path"')
        elif url is not None and (urlsplit(url).username or urlsplit(url).query):
            yield Problem(file, f"site.{name}", LADEN, "keep secrets out of it: it stands in messages and on pages")


def _check_outlets(document: Document, path: Path, files: Iterable[Path]) -> Iterator[Problem]:
    site, written, beside = document.site, written_below(path.parent), path.parent.absolute()

    def outlet(key: str, value: str) -> Outlet:
        return Outlet(key, value, written / value)

    outlets = Outlets(
        database=outlet("store.path", document.store.path),
        private=outlet("site.folder", site.folder),
        public=outlet("site.public_folder", site.public_folder) if site.public_folder else None,
        metrics=outlet("site.metrics", site.metrics) if site.metrics else None,
    )
    own = [beside / one for one in (site.templates, document.alerts.templates, document.provider_folder) if one]
    return check_outlets(outlets, [path.absolute(), *files], own, path.name)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and _is_host(parts.hostname or "") and (parts.port or 1) > 0
    except ValueError:  # brackets that do not close, a port that is none
        return False


def _is_host(name: str) -> bool:
    """Whether no part between the dots of a name is empty, or longer than any may be (RFC 1035, 2.3.4)."""
    return all(0 < len(part) < 64 for part in name.removesuffix(".").split("."))


def _check_programs(document: Document, folder: Path, file: str) -> Iterator[Problem]:
    for section in document.accounts:
        if section.command is None:
            continue
        repair = 'write command = ["PROGRAM", "ARGUMENT", ...]'
        program = "".join(section.command[:1])
        if not program.strip():
            yield Problem(file, f"accounts.{section.name}.command", "names no program", repair)
        elif "/" in program and isdir(placed(program, folder)):
            yield Problem(file, f"accounts.{section.name}.command", "names a folder, which is no program", repair)


def _check_look(site: SiteSection, folder: Path, file: str) -> Iterator[Problem]:
    """Name templates that are not there, and a language that no file has words for."""
    own = (folder / site.templates).absolute() if site.templates else None
    if own and not isdir(own):
        what = f'= "{site.templates}" is no folder'
        yield Problem(file, "site.templates", what, _create(site.templates, own))
    elif site.language != ENGLISH and site.language not in (known := _languages(own)):
        yield Problem(file, "site.language", f'= "{site.language}": no such language', suggest(site.language, known))


def _languages(own: Path | None) -> list[str]:
    """Return the languages that have a file of words, ours and the user's; English needs none."""
    folders = [one / "language" for one in (own, PAGE_TEMPLATES) if one]
    return [ENGLISH, *sorted({file.stem for folder in folders for file in folder.glob("*.toml") if isfile(file)})]


def _templates(document: Document, path: Path, problems: list[Problem]) -> Path | None:
    if document.alerts.templates is None:
        return None
    folder = (path.parent / document.alerts.templates).absolute()
    if not isdir(folder):
        what = f'= "{document.alerts.templates}" is no folder'
        problems.append(Problem(path.name, "alerts.templates", what, _create(document.alerts.templates, folder)))
    return folder


def schema() -> dict[str, Any]:
    """Return the JSON Schema of monitor.toml, for editors: the same under each Python and each msgspec."""
    from inspect import cleandoc  # slow to load, and of use here only

    made = msgspec.json.schema(Document)
    for definition in made["$defs"].values():
        if "description" in definition:
            # Python before 3.13 with msgspec before 0.23 leaves it as indented as in the source.
            definition["description"] = cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


if __name__ == "__main__":  # `make schema`
    from json import dumps

    SCHEMA.write_text(dumps(schema(), indent=2) + "\n", encoding="utf-8")
