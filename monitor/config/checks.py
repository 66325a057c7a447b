"""What no schema can check of accounts, reminders and objectives: each check yields what is wrong, with the repair."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from monitor.config.accounts import variables_of
from monitor.config.address import LADEN, is_address
from monitor.config.document import (
    AccountsByName,
    AccountSection,
    Document,
    ObjectiveSection,
    ProbeSection,
    accounts_by_name,
    covered_accounts,
    id_of_section,
)
from monitor.config.providers import VALUE_REPAIR
from monitor.config.secret import VARIABLE, is_reference, looks_like_reference
from monitor.config.targets import core_canary, models_for, watches_of
from probes.catalog import Catalog, load_provider, provider_ids
from probes.document import Problem, suggest, wrong_word
from probes.header import NAME, fold_names, why_refused, why_unsendable
from probes.provider import Provider
from probes.redact import is_random, mask_secrets
from probes.remedy import SPOKEN_INSTEAD, WHY, SetupMismatch, check_base, fix_base

FIRST_ACCOUNT = "leave it out, or add an [[accounts]] block"


def check_names(document: Document, _: Catalog, file: str) -> Iterator[Problem]:
    accounts = Counter(id_of_section(section) for section in document.accounts)
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


def check_accounts(document: Document, providers: Catalog, file: str) -> Iterator[Problem]:
    for section in document.accounts:
        key = f"accounts.{section.name}"
        yield from _check_references(section, key, file)
        yield from _check_models(section, key, file)
        if provider := providers.get(section.provider):
            yield from _check_command(section, provider, key, file)
            yield from _check_base(section, provider, key, file)
            yield from _check_key(section, provider, document.probe, key, file)
            yield from _check_canaries(section, provider, key, file)
            yield from _check_answer(section, provider, document.probe, key, file)


def check_reminders(document: Document, _: Catalog, file: str) -> Iterator[Problem]:
    called = accounts_by_name(document)
    for section in document.reminders:
        yield from _check_account(section.account, called, f"reminders.{section.name}.account", file)


def check_objectives(document: Document, providers: Catalog, file: str) -> Iterator[Problem]:
    called = accounts_by_name(document)
    for section in document.objectives:
        key = f"objectives.{section.name}"
        yield from _check_account(section.account, called, f"{key}.account", file)
        if section.provider and section.provider not in providers:
            what = f'= "{section.provider}": no account here is of this provider'
            yield Problem(file, f"{key}.provider", what, suggest(section.provider, providers, FIRST_ACCOUNT))
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
    section: ObjectiveSection, document: Document, called: AccountsByName, providers: Catalog, file: str
) -> Iterator[Problem]:
    """Report an objective that no probe counts for."""
    if section.canary is None:
        return
    meant = [one for one in covered_accounts(section, document, called) if one.provider in providers]
    asked = {
        watch.target.canary for one in meant for watch in watches_of(one, providers, document.probe) if not watch.aside
    }
    if meant and section.canary not in asked:
        what = f'= "{section.canary}": no account that is meant is asked so'
        yield Problem(file, f"objectives.{section.name}.canary", what, suggest(section.canary, asked))


def _check_account(wanted: str | None, called: AccountsByName, key: str, file: str) -> Iterator[Problem]:
    found = [] if wanted is None else called.get(wanted, [])
    if wanted is None or len(found) == 1:
        return
    what = "is the name of several accounts" if found else "no such account"
    repair = (
        "write provider/name: " + ", ".join(map(id_of_section, found))
        if found
        else suggest(wanted, called, FIRST_ACCOUNT)
    )
    yield Problem(file, key, f'= "{wanted}": {what}', repair)


def _check_references(section: AccountSection, key: str, file: str) -> Iterator[Problem]:
    # No value is shown: most likely it is the key itself.
    for name in ("key", "admin_key"):
        reference = getattr(section, name)
        if reference is not None and not is_reference(reference):
            repair = 'put the key into an environment variable or a file and write "env:NAME" or "file:PATH"'
            yield Problem(file, f"{key}.{name}", "is not a reference to a key", repair)
    for name, reference in variables_of(section).items():
        if not VARIABLE.fullmatch(name):
            repair = 'write names to pass on, ["NAME"], or where each value is, { NAME = "env:OTHER" }'
            yield Problem(file, f"{key}.environment", "holds what is no name of a variable", repair)
        elif not is_reference(reference):
            yield Problem(file, f"{key}.environment.{name}", "is not a reference to a value", VALUE_REPAIR)
    yield from _check_headers(section, f"{key}.headers", file)


def _check_headers(section: AccountSection, key: str, file: str) -> Iterator[Problem]:
    """Report headers that cannot be sent; show no value, nor an invalid name, which may be one."""
    for name, times in Counter(map(str.lower, section.headers)).items():
        if times > 1:
            yield Problem(file, f"{key}.{name}", f"stands {times} times: HTTP tells no cases apart", "keep one of them")
    for name, value in section.headers.items():
        if why := why_refused(name):
            shown = f"{key}.{name}" if NAME.fullmatch(name) else key
            yield Problem(file, shown, why, 'leave it out, or write NAME = "value"')
        elif looks_like_reference(value) and not is_reference(value):
            yield Problem(file, f"{key}.{name}", "is not a reference to a value", VALUE_REPAIR)
        elif why := why_unsendable(value):
            yield Problem(file, f"{key}.{name}", why, "mend the value; it is not shown, as it may be a secret")


def _check_command(section: AccountSection, provider: Provider, key: str, file: str) -> Iterator[Problem]:
    for name, repair in (WITHOUT_ADDRESS if provider.is_command else WITHOUT_COMMAND).items():
        if getattr(section, name):
            how = "through a program" if provider.is_command else "over HTTP"
            yield Problem(file, f"{key}.{name}", f"has no effect: {provider.id} is asked {how}", repair)
    if any(mask_secrets(word) != word or any(map(is_random, word.split("="))) for word in section.command or ()):
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
    elif not is_address(base):
        yield Problem(
            file, f"{key}.base", "is no web address", 'write base = "https://host/v1", or https://host:port/v1'
        )
    elif urlsplit(base).username or urlsplit(base).query:
        yield Problem(file, f"{key}.base", LADEN, "keep secrets out of addresses")
    elif (
        section.base
        and (facts := core_canary(provider))
        and check_base(provider, base, facts) is SetupMismatch.ENDPOINT
    ):
        repair = f'write base = "{fix_base(provider, base, facts)}"'
        yield Problem(file, f"{key}.base", WHY[SetupMismatch.ENDPOINT].removeprefix("the base "), repair)


def _check_key(
    section: AccountSection, provider: Provider, probe: ProbeSection, key: str, file: str
) -> Iterator[Problem]:
    """Report a missing key where a company's own host is asked: a gateway or an own server may need none."""
    if section.key is not None or provider.is_command or not _is_own_host(section, provider):
        return
    auth = provider.auth.header.lower()
    if auth in fold_names(provider.headers) or auth in fold_names(section.headers):
        return
    watches = watches_of(section, {provider.id: provider}, probe)
    if all(provider.canaries[watch.target.canary].admin for watch in watches):
        return
    name = next(iter(provider.key_variables), "NAME")
    yield Problem(file, key, "lacks `key`", f'add key = "env:{name}", or "file:PATH" with the key in it', ("key",))


def _is_own_host(section: AccountSection, provider: Provider) -> bool:
    """Whether an account asks the company itself, by the shipped facts of what is its own."""
    shipped = urlsplit(load_provider(provider.id).base or "").hostname if provider.id in provider_ids() else None
    host = urlsplit(section.base or provider.base or "").hostname or ""
    return host in (shipped, *provider.also_at) or any(f".{host}".endswith(f".{one}") for one in provider.domains)


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
                what = f"{provider.id} has no such canary"
                yield wrong_word(file, f"{key}.{part}", canary, what, suggest(canary, provider.canaries))
    for canary in section.dialect:
        facts = provider.canaries.get(canary)
        if facts and facts.dialect not in SPOKEN_INSTEAD:
            yield wrong_word(file, f"{key}.dialect", canary, f"speaks {facts.dialect} only", "leave it out")
    for canary in section.canaries or []:
        facts = provider.canaries.get(canary)
        if facts and facts.admin and not section.admin_key:
            yield Problem(file, key, f"lacks `admin_key`, which {canary} needs", 'add admin_key = "env:..."')
        if facts and facts.is_elsewhere and section.base:
            what = f"asks {urlsplit(facts.path or '').netloc}, not the account's own base"
            yield wrong_word(file, f"{key}.canaries", canary, what, "leave it out")
        if facts and not models_for(section, provider, canary):
            yield Problem(file, f"{key}.models", f"names no model for {canary}", f'add models = ["..."] for {canary}')


def _check_answer(
    section: AccountSection, provider: Provider, probe: ProbeSection, key: str, file: str
) -> Iterator[Problem]:
    """Report an answer length without effect: a program has its own prompt, and some canaries get no written answer."""
    if section.answer_tokens is None or provider.is_command:
        return
    asked = {watch.target.canary for watch in watches_of(section, {provider.id: provider}, probe)}
    if not any(provider.canaries[canary].dialect.writes for canary in asked):
        what = f"has no effect: no model writes an answer to {', '.join(sorted(asked)) or 'anything here'}"
        writing = [name for name, facts in provider.canaries.items() if facts.dialect.writes]
        repair = (
            f'or add "{writing[0]}" to canaries' if writing else f"as {provider.id} has no canary that a model answers"
        )
        yield Problem(file, f"{key}.answer_tokens", what, f"leave it out, {repair}")
