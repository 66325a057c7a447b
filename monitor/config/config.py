"""The configuration as all other modules read it: frozen, resolved and checked."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct, field

from monitor.alert.channel import TERMINAL, Channel
from monitor.alert.digest import Timing
from monitor.alert.reply import Names
from monitor.alert.rule import Rules
from monitor.config.document import FILE, ProbeSection, SiteSection, StatusSection
from monitor.config.files import output_folder
from monitor.config.location import Location
from monitor.config.public_page import PublicSection, PublicService, public_languages
from monitor.detect.account_memory import WarningSettings
from monitor.detect.health import APART, Thresholds
from monitor.detect.reminder import Reminder
from monitor.diagnose.corroboration import AccountGroup
from monitor.schedule import DailyBudget, Watch
from monitor.slo.objective import Objective
from monitor.store.setting import Retention, StoreAddress
from probes.catalog import SHIPPED_FILES, ProviderFiles
from probes.document import Problem
from probes.model import Account
from probes.provider import Feed, Provider
from probes.proxy import DIRECT_EGRESS, Egress
from probes.target_id import answerer_id


class Heartbeat(Struct, frozen=True):
    """Where to ping; the address is a secret, since anybody who knows it could ping, too."""

    url: str
    interval_s: float = 60

    def __repr__(self) -> str:
        return f"Heartbeat(each {self.interval_s:g} s)"


class Collector(Struct, frozen=True):
    """Where metrics are sent. The headers may be secrets."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def __repr__(self) -> str:
        return f"Collector({self.host})"


class Config(Struct, frozen=True):
    """What is watched and how, with every reference resolved. Paths are absolute.

    `malformed` are the accounts whose `problem` is the form of a key or a header; `key_problems` says by account why a
    secret of it cannot be used, and `doubts` is what may be a mistake, by
    account. Headers in `providers` are public: the secret ones are in the accounts. `places` holds the references to
    each account's secrets, `files` all files that a reference or a `ca_file` names; the `authorities` among them are no
    secret. `moved` are the shipped providers to which the user's own facts give another address. `way` is how requests
    of no account leave: to status pages, and to the heartbeat. `secret_keys` are the keys of the file whose values are
    secrets.
    """

    file: Path | None
    store: StoreAddress
    probe: ProbeSection
    site: SiteSection
    folder: Path
    providers: Mapping[str, Provider]
    accounts: Mapping[str, Account]
    budgets: Mapping[str, DailyBudget]
    watches: Mapping[str, Watch]
    channels: tuple[Channel, ...]
    status: StatusSection = StatusSection()
    retention: Retention = Retention()
    attentions: Mapping[str, WarningSettings] = field(default_factory=dict)
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    groups: Mapping[str, tuple[AccountGroup, ...]] = field(default_factory=dict)
    reminders: tuple[Reminder, ...] = ()
    objectives: tuple[Objective, ...] = ()
    shelf: ProviderFiles = SHIPPED_FILES
    moved: frozenset[str] = frozenset()
    simulated: bool = False
    rules: Rules = Rules()
    digest: Timing = Timing()
    public_folder: Path | None = None
    metrics: Path | None = None
    templates: Path | None = None
    page_templates: Path | None = None
    public: PublicSection = PublicSection()
    logo: Path | None = None
    services: tuple[PublicService, ...] = ()
    heartbeat: Heartbeat | None = None
    collector: Collector | None = None
    malformed: frozenset[str] = frozenset()
    key_problems: Mapping[str, Problem] = field(default_factory=dict)
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    authorities: tuple[Path, ...] = ()
    way: Egress = DIRECT_EGRESS
    secret_keys: tuple[str, ...] = ()
    apart: timedelta = APART
    locations: tuple[Location, ...] = ()

    @property
    def file_name(self) -> str:
        """The file's name in errors, even if there is no file yet."""
        return self.file.name if self.file else FILE

    @property
    def location(self) -> str:
        """Where this monitor stands, in its messages and in its part of the store."""
        return self.store.location

    @property
    def names(self) -> Names:
        """The names that a silence may use."""
        tags = frozenset(tag for account in self.accounts.values() for tag in account.tags)
        return Names(self.accounts.keys(), self.providers.keys(), tags)

    @property
    def demonstration(self) -> StoreAddress:
        """The store of the demonstration, which runs where there is no account."""
        return StoreAddress(self.written / "state" / "demo.db", "demonstration")

    @property
    def written(self) -> Path:
        """Where relative paths of output files begin."""
        return output_folder(self.file.parent if self.file else Path())

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """The user's own folders of templates, whose language files serve messages."""
        return tuple(dict.fromkeys(one for one in (self.templates, self.page_templates) if one))

    @property
    def site_languages(self) -> set[str]:
        """The languages of the private and of the public site."""
        return {self.site.language, *public_languages(self.public, self.site.language)}

    @property
    def neutral_hosts(self) -> list[tuple[str, int]]:
        return [(host, int(port)) for host, _, port in (one.rpartition(":") for one in self.probe.online)]

    def company(self, account: str) -> str:
        """Return whose account it is: a company may answer for several providers, and a gateway only for itself."""
        one = self.accounts[account]
        provider = self.providers[one.provider]
        if provider.company or provider.base or provider.is_command:
            return provider.company or provider.id
        return answerer_id(provider.id, urlsplit(one.base).netloc if one.base else None)

    def is_elsewhere(self, account: Account) -> bool:
        """Whether an account is not at its provider's own address."""
        return account.base is not None or account.provider in self.moved

    def associates(self, account: str) -> list[str]:
        """Return the company's other accounts with which it shares something, as monitor.toml says."""
        ties = set(self.groups.get(account, ()))
        sharing = [other for other, its in self.groups.items() if other != account and not ties.isdisjoint(its)]
        return [other for other in sharing if self.company(other) == self.company(account)]

    def attention(self, account: str) -> WarningSettings:
        return self.attentions.get(account) or WarningSettings()

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.probe.failures, self.probe.successes, self.probe.blip_s, self.apart)

    @property
    def secret_files(self) -> list[Path]:
        """All files that hold a secret: those that are named, and monitor.toml if it holds one itself."""
        own = [self.file] if self.file and self.secret_keys else []
        return own + [file for file in self.files if file not in self.authorities]

    @property
    def secrets(self) -> list[str]:
        """All secrets, which no text may show; the one place that knows all of them."""
        from monitor.backend import open_store  # not every command needs it

        keys = [secret for account in self.accounts.values() for secret in account.secrets]
        pings = [self.heartbeat.url] if self.heartbeat else []
        addresses = [channel.url for channel in self.channels if channel.url not in ("", TERMINAL.url)]
        signing = [channel.secret for channel in self.channels if channel.secret]
        ways = [*self.way.proxies.secrets, *(self.collector.headers.values() if self.collector else ())]
        stores = [*self.store.secrets, *open_store(self.store).link_secrets()]
        return list(dict.fromkeys([*keys, *pings, *addresses, *signing, *ways, *stores]))
