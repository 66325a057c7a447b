"""monitor.toml → Config: every error at once, at start."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from monitor.config.accounts import (
    ResolvedAccount,
    key_problem,
    references_of,
    resolve_account,
    secret_keys,
    without_secrets,
)
from monitor.config.alerting import AlertSections, channels, check_alerting, rules, timing
from monitor.config.checks import check_accounts, check_names, check_objectives, check_reminders
from monitor.config.config import Config
from monitor.config.document import (
    FILE,
    AccountsByName,
    AccountSection,
    BudgetSection,
    CreditSection,
    Document,
    ObjectiveSection,
    ReminderSection,
    accounts_by_name,
    covered_accounts,
    id_of_section,
    public_sections,
)
from monitor.config.files import (
    ca_files,
    check_appearance,
    check_output_paths,
    check_programs,
    check_site,
    known_languages,
    output_folder,
    referenced_files,
    template_folder,
)
from monitor.config.location import check_locations, locations
from monitor.config.misplaced_key import find_misplaced_keys
from monitor.config.outbound import Outbound, read_outbound
from monitor.config.providers import (
    check_provider_files,
    check_providers,
    custom_providers,
    followed_feeds,
    read_provider_files,
    read_providers,
)
from monitor.config.proxy_setting import check_ca_variables
from monitor.config.public_page import check_canaries, check_public, public_services
from monitor.config.secret import resolve_secret
from monitor.config.targets import requested_models, watches_of
from monitor.detect.account_memory import WarningSettings
from monitor.detect.credit import CreditThreshold
from monitor.detect.reminder import Reminder
from monitor.diagnose.corroboration import AccountGroup, Level
from monitor.schedule import DailyBudget, Watch
from monitor.slo.objective import Objective
from monitor.store.setting import Retention, StoreAddress
from probes.catalog import Catalog, ProviderFiles, is_moved, load_provider, provider_ids
from probes.document import DocumentError, Problem, convert, parse_toml, read_toml, without_unsound


def load_config(path: Path, environment: Mapping[str, str], *, sends: bool = True) -> Config:
    """Return the configuration of a file. Raises DocumentError with everything that is wrong.

    Without `sends` no address of a channel, heartbeat or proxy is needed: an operator's shell lacks the service's
    variables that hold them. A channel's address is then empty.
    """
    document, problems = read_document(path)
    return build_config(document, path, environment, problems, sends=sends)


def config_of_text(text: str, path: Path, environment: Mapping[str, str], *, sends: bool = True) -> Config:
    """Return the configuration of a text that would stand at `path`. For the rest see `load_config`."""
    document, problems = _usable_part(parse_toml(text, path.name, Document), path.name)
    return build_config(document, path, environment, problems, sends=sends)


def read_document(path: Path) -> tuple[Document, list[Problem]]:
    """Return what can be used of a file, and what is wrong with each other value.

    Raises DocumentError if it cannot be read at all.
    """
    return _usable_part(read_toml(path, kind=Document), path.name)


def _usable_part(all_tables: dict[str, Any], file: str) -> tuple[Document, list[Problem]]:
    tables, unsound = without_unsound(all_tables, file)
    pasted = list(find_misplaced_keys(tables, file))
    document, problems = convert(tables, Document, file)
    known = [*unsound, *pasted]
    others = (one for one in problems if one.key not in {it.key for it in known})
    return document or Document(), [*known, *_unless_refused(others, known)]


def read_valid_part(path: Path) -> Document:
    """Return what can be used of a file that was refused; of one that cannot be read at all, the defaults."""
    try:
        document, _ = read_document(path)
    except DocumentError:
        return Document()
    return document


def bare_config(document: Document, path: Path) -> Config:
    """Return the configuration of a document that watches nothing: where results are kept, and how they are shown."""
    written = output_folder(path.parent)
    return Config(
        file=path,
        store=StoreAddress(written / document.store.path, document.location),
        probe=document.probe,
        site=document.site,
        folder=written / document.site.folder,
        providers={},
        accounts={},
        budgets={},
        watches={},
        channels=(),
    )


def from_environment(folder: Path, environment: Mapping[str, str], *, sends: bool = True) -> Config:
    """Return the configuration of a user without a file; it may have no account. `sends` is as in `load_config`."""
    return build_config(Document(), folder / FILE, environment, [], sends=sends)


def build_config(
    document: Document, path: Path, environment: Mapping[str, str], problems: Sequence[Problem], *, sends: bool = True
) -> Config:
    """Check what no schema can, resolve references, and raise DocumentError if anything is wrong.

    `problems` are those already known. If no account is named, each well-known key variable that is set becomes one.
    """
    if not document.accounts and not problems:
        document = _with_known_keys(document, path, environment)
    examined = examine(document, path, environment, problems, sends=sends)
    if examined.problems:
        raise DocumentError(examined.problems)
    return resolve(examined.draft, examined.outward)


class Examined(Struct, frozen=True):
    """A document, with what is wrong in it; of a draft that has problems nothing may be resolved."""

    draft: "Draft"
    outward: Outbound
    problems: list[Problem]


def examine(
    document: Document, path: Path, environment: Mapping[str, str], problems: Sequence[Problem], *, sends: bool
) -> Examined:
    """Return all that is wrong with a document, after the `problems` that are known already; `sends`: as above."""
    shelf = read_provider_files(document, path)
    problems = [*problems, *check_provider_files(document, shelf, path)]
    draft = _draft(document, path, environment, shelf)
    outward, unsent = read_outbound(document, draft.providers, path, environment)
    problems += check_providers(document, shelf, path.name)
    problems += _unless_refused(_check_meaning(draft), problems)
    problems += _check_surroundings(draft)
    problems += [*unsent, *check_ca_variables(environment)] if sends else []
    problems += check_output_paths(document, path, draft.files)
    return Examined(draft, outward, problems)


class Draft(Struct, frozen=True):
    """What a configuration is made from. `path` is where its file is, or would be; the rest is as in Config."""

    document: Document
    path: Path
    environment: Mapping[str, str]
    shelf: ProviderFiles
    providers: Catalog
    places: Mapping[str, tuple[str, ...]]
    files: tuple[Path, ...]

    @property
    def telling(self) -> AlertSections:
        its = self.document
        return AlertSections(its.channels, its.routes, its.maintenance, its.alerts)

    @property
    def tags(self) -> Mapping[str, Sequence[str]]:
        """The tags of each account, by its id."""
        return {id_of_section(one): one.tags for one in self.document.accounts}


def _draft(document: Document, path: Path, environment: Mapping[str, str], shelf: ProviderFiles) -> Draft:
    providers = read_providers(document, shelf)
    known = [one for one in document.accounts if one.provider in providers]
    places = {id_of_section(one): references_of(one, providers[one.provider]) for one in known}
    files = referenced_files(document, providers, places, path.parent)
    return Draft(document, path, environment, shelf, providers, places, files)


CHECKS = (check_names, check_accounts, check_reminders, check_objectives)


def _check_meaning(draft: Draft) -> Iterator[Problem]:
    """Yield what is wrong with what tables say of each other and of providers."""
    document, file = draft.document, draft.path.name
    for check in CHECKS:
        yield from check(document, draft.providers, file)
    yield from check_alerting(draft.telling, draft.tags, file)
    known = [one for one in document.accounts if one.provider in draft.providers]
    watches = (watch for one in known for watch in watches_of(one, draft.providers, document.probe))
    yield from check_canaries(document.services, draft.tags, watches, file)


def _unless_refused(found: Iterable[Problem], known: Iterable[Problem]) -> Iterator[Problem]:
    """Leave out problems about a missing field that is there, but was refused."""
    refused = {problem.key for problem in known}
    return (one for one in found if refused.isdisjoint(f"{one.key}.{field}" for field in one.wants))


def _check_surroundings(draft: Draft) -> Iterator[Problem]:
    """Yield what is wrong with addresses of the page, and with folders and programs of this machine."""
    document, folder, file = draft.document, draft.path.parent, draft.path.name
    yield from check_locations(document.locations, document.location, bool(document.store.url), draft.tags, file)
    yield from check_site(document.site, file)
    yield from check_appearance(document, folder, file)
    languages = known_languages(template_folder(document.site.templates, folder))
    yield from check_public(public_sections(document), draft.tags, languages, folder, file)
    yield from check_programs(document, folder, file)


def resolve(draft: Draft, outward: Outbound) -> Config:
    """Return the configuration of a draft that passed all checks."""
    document, path, providers = draft.document, draft.path, draft.providers
    site, written = document.site, output_folder(path.parent)
    opened = _open_accounts(draft)
    accounts = {one.account.id: replace(one.account, way=outward.ways[one.account.id]) for one in opened}
    watches = _watches(draft)
    return Config(
        file=path,
        store=StoreAddress(written / document.store.path, document.location, outward.store_url, document.store.cluster),
        locations=locations(document.locations, document.location, bool(document.store.url)),
        probe=document.probe,
        site=site,
        folder=written / site.folder,
        public_folder=written / site.public_folder if site.public_folder else None,
        metrics=written / site.metrics if site.metrics else None,
        page_templates=template_folder(site.templates, path.parent),
        public=document.public,
        logo=path.parent / document.public.logo if document.public.logo else None,
        services=public_services(document.services, draft.tags, watches.values()),
        providers={id: without_secrets(provider) for id, provider in providers.items()},
        accounts=accounts,
        budgets={id_of_section(section): _budget(section, document.budget) for section in document.accounts},
        watches=watches,
        status=document.status,
        retention=Retention(document.store.raw_days, document.store.hourly_days, document.store.daily_days),
        feeds=dict(followed_feeds(document, providers, draft.shelf)),
        groups=_all_groups(document.accounts),
        attentions=_attentions(document, watches.values()),
        channels=channels(draft.telling, outward.urls, outward.secrets),
        rules=rules(draft.telling, list(accounts.values())),
        reminders=_reminders(document),
        objectives=_objectives(document, watches.values()),
        shelf=draft.shelf,
        moved=frozenset(id for id, one in providers.items() if is_moved(one, draft.shelf)),
        digest=timing(document.alerts),
        templates=template_folder(document.alerts.templates, path.parent),
        heartbeat=outward.heartbeat,
        collector=outward.collector,
        malformed=frozenset(one.account.id for one in opened if one.malformed),
        key_problems=_problems_of_keys(draft, opened),
        doubts={one.account.id: one.doubts for one in opened if one.doubts},
        places=draft.places,
        files=draft.files,
        authorities=ca_files(document, providers, path.parent),
        way=outward.usual,
        secret_keys=tuple(secret_keys(document, providers)),
    )


def _open_accounts(draft: Draft) -> list[ResolvedAccount]:
    folder, own = draft.path.parent, custom_providers(draft.document, draft.path)
    look_up = cache(partial(resolve_secret, folder=folder, environment=draft.environment))
    return [
        resolve_account(section, draft.providers[section.provider], own, folder, look_up)
        for section in draft.document.accounts
        if section.provider in draft.providers
    ]


SECRETS = ("key", "admin_key", "environment", "headers")


def key_problems(draft: Draft, refused: Collection[str]) -> dict[str, Problem]:
    """Return what is wrong with the secrets of accounts, by their ids.

    Accounts of unknown providers, and those of which an address or a reference is among the `refused` keys, have none.
    """
    sound = [one for one in draft.document.accounts if not _is_refused(one, refused)]
    rest = replace(draft, document=replace(draft.document, accounts=sound))
    return _problems_of_keys(rest, _open_accounts(rest))


def _is_refused(section: AccountSection, keys: Collection[str]) -> bool:
    named = tuple(f"accounts.{section.name}.{field}" for field in (*SECRETS, "base", "provider"))
    return any(key.startswith(named) for key in keys)


def _problems_of_keys(draft: Draft, opened: Sequence[ResolvedAccount]) -> dict[str, Problem]:
    """Return what is wrong with the secrets of each account, by its id."""
    sections = {id_of_section(one): one for one in draft.document.accounts}
    found = {one.account.id: key_problem(sections[one.account.id], one, draft.path.name) for one in opened}
    return {id: problem for id, problem in found.items() if problem}


def _watches(draft: Draft) -> dict[str, Watch]:
    document = draft.document
    its = (watch for section in document.accounts for watch in watches_of(section, draft.providers, document.probe))
    return {watch.target.id: watch for watch in its}


def _with_known_keys(document: Document, path: Path, environment: Mapping[str, str]) -> Document:
    shelf = read_provider_files(document, path)
    if any(check_provider_files(document, shelf, path)):
        return document
    return replace(document, accounts=list(_known_keys(shelf, environment)))


def _known_keys(shelf: ProviderFiles, environment: Mapping[str, str]) -> Iterator[AccountSection]:
    for id in provider_ids(shelf):
        variable = next((name for name in load_provider(id, shelf).key_variables if environment.get(name)), None)
        if variable:
            yield AccountSection(name="default", provider=id, key=f"env:{variable}")


def _all_groups(sections: Sequence[AccountSection]) -> dict[str, tuple[AccountGroup, ...]]:
    """Return what each account shares. `Jo@Example.com` and `jo@example.com` are one, as first written."""
    by_account = {id_of_section(one): _groups(one) for one in sections}
    first: dict[tuple[Level, str], AccountGroup] = {}
    for group in (group for groups in by_account.values() for group in groups):
        first.setdefault(_alike(group), group)
    return {id: tuple(first[_alike(group)] for group in groups) for id, groups in by_account.items()}


def _alike(group: AccountGroup) -> tuple[Level, str]:
    return group.level, " ".join(unicodedata.normalize("NFKC", group.name).casefold().split())


def _groups(section: AccountSection) -> tuple[AccountGroup, ...]:
    """Return what an account shares with others, the narrowest first."""
    names = {
        Level.PROJECT: section.project,
        Level.ORGANIZATION: section.organization,
        Level.BILLING: section.billing,
        Level.LOGIN: section.login,
    }
    return tuple(AccountGroup(level, name) for level, name in names.items() if name)


def _reminders(document: Document) -> tuple[Reminder, ...]:
    called = accounts_by_name(document)
    return tuple(_reminder(section, called) for section in document.reminders)


def _reminder(section: ReminderSection, called: AccountsByName) -> Reminder:
    account = next(map(id_of_section, called.get(section.account or "", [])), None)
    return Reminder(section.name, section.on, account, section.warn_days, section.note)


def _objectives(document: Document, watches: Iterable[Watch]) -> tuple[Objective, ...]:
    called, by_account = accounts_by_name(document), defaultdict[str, list[Watch]](list)
    for watch in watches:
        by_account[watch.target.account].append(watch)
    return tuple(_objective(section, document, called, by_account) for section in document.objectives)


def _objective(
    section: ObjectiveSection, document: Document, called: AccountsByName, watches: Mapping[str, Sequence[Watch]]
) -> Objective:
    meant = list(map(id_of_section, covered_accounts(section, document, called)))
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


def _budget(section: AccountSection, usual: BudgetSection) -> DailyBudget:
    usd = usual.daily_usd if section.daily_usd is None else section.daily_usd
    tokens = usual.daily_tokens if section.daily_tokens is None else section.daily_tokens
    return DailyBudget(usd, tokens)


def _attentions(document: Document, watches: Iterable[Watch]) -> dict[str, WarningSettings]:
    asked = requested_models(watches)
    return {
        id_of_section(one): _attention(one, document.credit, asked[id_of_section(one)]) for one in document.accounts
    }


def _attention(section: AccountSection, usual: CreditSection, asked: Collection[str]) -> WarningSettings:
    low = usual.low if section.low_credit is None else section.low_credit
    return WarningSettings(
        floor=CreditThreshold(low, usual.days_left, usual.expires_days),
        models=frozenset({*asked, *section.expect}),
        spend_limit_usd=section.spend_limit_usd,
    )
