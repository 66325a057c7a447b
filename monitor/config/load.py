"""monitor.toml → Config: every error at once, at start."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from monitor.config.accounts import open_account, places_of, secret_keys, without_secrets
from monitor.config.address import is_address
from monitor.config.alerting import AlertSections, channels, check_telling, rules, timing
from monitor.config.checks import check_accounts, check_names, check_objectives, check_reminders
from monitor.config.config import Config, Heartbeat
from monitor.config.document import (
    FILE,
    AccountSection,
    BudgetSection,
    Called,
    CreditSection,
    Document,
    ObjectiveSection,
    ReminderSection,
    accounts_called,
    id_of,
    sections_meant,
)
from monitor.config.files import (
    alert_templates,
    authority_files,
    check_look,
    check_output_paths,
    check_programs,
    check_site,
    files_named,
    written_below,
)
from monitor.config.misplaced_key import misplaced
from monitor.config.providers import feeds_followed, own_providers, read_providers, read_shelf
from monitor.config.proxy_road import Ground, set_way, usual_way, wrong_authorities
from monitor.config.secret import SecretError, is_reference, resolve
from monitor.config.targets import canaries_asked, watches_of
from monitor.detect.account_memory import Attention
from monitor.detect.credit import Floor
from monitor.detect.reminder import Reminder
from monitor.diagnose.witness import Group, Level
from monitor.schedule import Budget, Watch
from monitor.slo.objective import Objective
from probes.catalog import Catalog, Shelf, load_provider, provider_ids
from probes.document import DocumentError, Problem, convert, read_toml, unsound
from probes.proxy import Way

SCHEMA = Path(__file__).parent / "schema.json"


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
    shelf = read_shelf(document, path, problems)
    if not document.accounts and not problems:
        document = replace(document, accounts=list(_known_keys(shelf, environment)))
    providers = read_providers(document, shelf, problems, path.name)
    feeds = dict(feeds_followed(document, providers, shelf, problems, path.name))
    found: list[Problem] = []
    for check in (check_names, check_accounts, check_reminders, check_objectives):
        found += check(document, providers, path.name)
    telling = AlertSections(document.channels, document.routes, document.maintenance, document.alerts)
    found += check_telling(telling, {id_of(one): one.tags for one in document.accounts}, path.name)
    refused = {problem.key for problem in problems}  # what a table misses may be what was refused of it
    problems += [one for one in found if refused.isdisjoint(f"{one.key}.{field}" for field in one.wants)]
    problems += check_site(document.site, path.name)
    problems += check_look(document.site, path.parent, path.name)
    problems += check_programs(document, path.parent, path.name)
    unsent = problems if sends else []
    urls = {one.name: "" for one in document.channels} | dict(_urls(document, path, environment, unsent))
    templates = alert_templates(document, path, problems)
    heartbeat = _heartbeat(document, path, environment, unsent)
    usual = usual_way(environment, unsent)
    problems += wrong_authorities(environment) if sends else ()
    ways = dict(_ways(document, providers, Ground(path, environment, usual), unsent))
    places = {
        id_of(one): places_of(one, providers[one.provider]) for one in document.accounts if one.provider in providers
    }
    files = files_named(document, providers, places, path.parent)
    problems += check_output_paths(document, path, files)
    if problems:
        raise DocumentError(problems)
    look_up = cache(partial(resolve, folder=path.parent, environment=environment))
    own = own_providers(document, path)
    opened = [
        open_account(section, providers[section.provider], own, path.parent, look_up) for section in document.accounts
    ]
    accounts = [replace(one.account, way=ways[one.account.id]) for one in opened]
    watches = {
        watch.target.id: watch
        for section in document.accounts
        for watch in watches_of(section, providers, document.probe)
    }
    by_account = defaultdict[str, list[Watch]](list)
    for watch in watches.values():
        by_account[watch.target.account].append(watch)
    asked, called, written = canaries_asked(watches.values()), accounts_called(document), written_below(path.parent)
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
        providers={id: without_secrets(provider) for id, provider in providers.items()},
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
        authorities=authority_files(document, providers, path.parent),
        way=usual,
        secret_keys=tuple(secret_keys(document, providers)),
    )


def _known_keys(shelf: Shelf, environment: Mapping[str, str]) -> Iterator[AccountSection]:
    for id in provider_ids(shelf):
        variable = next((name for name in load_provider(id, shelf).key_variables if environment.get(name)), None)
        if variable:
            yield AccountSection(name="default", provider=id, key=f"env:{variable}")


def _all_groups(sections: Sequence[AccountSection]) -> dict[str, tuple[Group, ...]]:
    """Return what each account shares. `Jo@Example.com` and `jo@example.com` are one, as first written."""
    told = {id_of(one): _groups(one) for one in sections}
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


def _reminder(section: ReminderSection, called: Called) -> Reminder:
    account = next(map(id_of, called.get(section.account or "", [])), None)
    return Reminder(section.name, section.on, account, section.warn_days, section.note)


def _objective(
    section: ObjectiveSection, document: Document, called: Called, watches: Mapping[str, Sequence[Watch]]
) -> Objective:
    meant = list(map(id_of, sections_meant(section, document, called)))
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


def _ways(document: Document, providers: Catalog, ground: Ground, problems: list[Problem]) -> Iterator[tuple[str, Way]]:
    """Yield how the requests of each account leave; of what is wrong with a provider's way the first account tells."""
    told: set[str] = set()
    for section in document.accounts:
        found: list[Problem] = []
        yield id_of(section), set_way(section, id_of(section), ground, found, providers.get(section.provider))
        problems += [one for one in found if one.key not in told]
        told |= {one.key for one in found}


def _budget(section: AccountSection, usual: BudgetSection) -> Budget:
    usd = usual.daily_usd if section.daily_usd is None else section.daily_usd
    tokens = usual.daily_tokens if section.daily_tokens is None else section.daily_tokens
    return Budget(usd, tokens)


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
    if not is_address(url):
        # The value is not shown: most of it may be right, and then it is the secret.
        what = f'= "{section.url}" leads to what is no web address' if is_named else "is no web address"
        problems.append(Problem(path.name, key, what, "give the ping address: https://hc-ping.com/..., or env:NAME"))
    return Heartbeat(url, section.interval_s)


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
