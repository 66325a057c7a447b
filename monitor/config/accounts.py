"""The account tables, with their references resolved; a secret that cannot be read affects only its own account."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from monitor.alert.channel import TERMINAL
from monitor.config.config import Config
from monitor.config.document import AccountSection, Document
from monitor.config.key_form import find_flaws, header_flaw
from monitor.config.secret import MalformedSecret, SecretError, describe_reference, is_reference, resolve_path
from monitor.config.targets import core_canary
from probes.catalog import Catalog
from probes.document import Problem
from probes.header import fold_names, is_secret
from probes.model import Account
from probes.provider import Provider
from probes.redact import has_key, is_random
from probes.remedy import VERSION, WHY, SetupMismatch, check_base, fix_base, is_website

SECRET_NAME = re.compile(r"(?:key|token)$", re.IGNORECASE)
"""The ends of variable names that hold a key, and nothing else."""


def variables_of(section: AccountSection) -> Mapping[str, str]:
    """Return the reference for each variable that a program gets."""
    named = section.environment
    return named if isinstance(named, dict) else {name: f"env:{name}" for name in named}


class ResolvedAccount(Struct, frozen=True):
    """An account whose references were resolved; `wrong`: why they could not all be."""

    account: Account
    wrong: SecretError | None = None
    doubts: tuple[str, ...] = ()

    @property
    def malformed(self) -> bool:
        """Whether its problem is the form of a resolved value."""
        return isinstance(self.wrong, MalformedSecret)


LookUp = Callable[[str], str]
"""A reference → its secret. Raises SecretError."""


def resolve_account(
    section: AccountSection, provider: Provider, own: Collection[str], folder: Path, look_up: LookUp
) -> ResolvedAccount:
    account = Account(
        section.name,
        section.provider,
        base=section.base,
        tags=tuple(section.tags),
        note=section.note,
        command=_command(section.command or (), folder),
        dialects=section.dialect,
        answer_tokens=section.answer_tokens,
        priority=section.priority,
    )
    doubts: list[str] = []
    gateway = bool(section.base) or provider.base is None or provider.id in own
    try:
        keys = {name: _key(section, name, provider, look_up, doubts, gateway=gateway) for name in ("key", "admin_key")}
        variables = {name: _variable(name, where, provider, look_up) for name, where in variables_of(section).items()}
        plain, secret = _headers(section, provider, look_up)
        doubts += _doubts_of_headers({**fold_names(provider.headers), **plain, **secret})
    except SecretError as error:
        return ResolvedAccount(replace(account, problem=str(error)), error)
    doubts += _doubts_of_base(section, provider)
    account = replace(account, **keys, environment=variables, headers=plain, secret_headers=secret)
    return ResolvedAccount(account, doubts=tuple(doubts))


def _doubts_of_base(section: AccountSection, provider: Provider) -> Iterator[str]:
    """Yield what is probably a mistake in an address; it may be right all the same."""
    base, facts = section.base, core_canary(provider)
    if base is None or facts is None or facts.path is None:
        return
    parts, usual = urlsplit(base), provider.base is None or VERSION.search(urlsplit(provider.base).path)
    wrong = check_base(provider, base, facts)
    if is_website(provider, base):
        yield f'base is on a host for people: perhaps base = "{provider.base}", or none'
    elif wrong is SetupMismatch.STYLE:
        yield f'{WHY[wrong]}: perhaps provider = "anthropic"'
    elif wrong is SetupMismatch.DOUBLED or (wrong and usual):
        yield (
            f"base {'has its version twice' if wrong is SetupMismatch.DOUBLED else 'has no version in it'}: "
            "perhaps base = "
            f'"{fix_base(provider, base, facts)}"'
        )
    if parts.scheme == "http" and not NEAR.search(parts.hostname or ""):
        yield f'base sends the key over http, for all to read: perhaps base = "https{base.removeprefix("http")}"'


NEAR = re.compile(
    r"^[^.]+$|^(?:127|10|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.|:|\.(?:local|lan|internal|test|home)$"
)
"""Private hosts, which need no encryption."""


def references_of(section: AccountSection, provider: Provider) -> tuple[str, ...]:
    """Return the references of an account, its provider's headers among them."""
    keys = [one for one in (section.key, section.admin_key) if one]
    headers = (value for value in (*provider.headers.values(), *section.headers.values()) if is_reference(value))
    return (*keys, *variables_of(section).values(), *headers)


def secret_keys(document: Document, providers: Catalog) -> Iterator[str]:
    """Yield the keys of values that hold a secret in the file itself, where a reference could be."""
    for channel in document.channels:
        if channel.url != TERMINAL.url and not is_reference(channel.url):
            yield f"channels.{channel.name}.url"
    if document.heartbeat and not is_reference(document.heartbeat.url):
        yield "heartbeat.url"
    tables = {f"accounts.{one.name}": one.headers for one in document.accounts}
    tables["metrics"] = document.metrics.headers
    tables |= {f"providers.{id}": one.headers for id, one in providers.items() if id in document.providers}
    for key, table in tables.items():
        for name, value in table.items():
            if _is_secret(name, value) and not is_reference(value):
                yield f"{key}.headers.{name}"


def keep_old_keys(before: Config, after: Config) -> tuple[Config, dict[str, str]]:
    """Return a configuration in which an account whose key can no longer be read keeps the one that it had.

    The second value is why, by account.
    """
    wrong = {id: account.problem for id, account in after.accounts.items() if account.problem}
    lost = {id: problem for id, problem in wrong.items() if _is_kept(before, after, id)}
    accounts = {id: before.accounts[id] if id in lost else account for id, account in after.accounts.items()}
    return replace(after, accounts=accounts, malformed=after.malformed - lost.keys()), lost


def _is_kept(before: Config, after: Config, id: str) -> bool:
    """Whether an account worked with its key, and has not changed otherwise."""
    old, new = before.accounts.get(id), after.accounts[id]
    if old is None or old.problem or before.places.get(id) != after.places.get(id):
        return False
    return (old.base, old.dialects, old.command) == (new.base, new.dialects, new.command)


def _key(
    section: AccountSection, name: str, provider: Provider, look_up: LookUp, doubts: list[str], *, gateway: bool
) -> str | None:
    """Return a key, None if there is none; add to `doubts` what is odd about it. Raises SecretError."""
    reference: str | None = getattr(section, name)
    if reference is None:
        return None
    key = _placed(name, look_up, reference)
    for flaw in find_flaws(key, provider, gateway=gateway):
        problem = f"the {name} ({describe_reference(reference)}) {flaw.words}"
        if flaw.fatal:
            raise MalformedSecret(problem, flaw.repair, name)
        doubts.append(problem)
    return key


def _variable(name: str, reference: str, provider: Provider, look_up: LookUp) -> str:
    key = f"environment.{name}"
    value = _placed(key, look_up, reference)
    found = find_flaws(value, provider, gateway=True) if SECRET_NAME.search(name) else ()
    if fatal := next((flaw for flaw in found if flaw.fatal), None):
        words = f"the variable {name} ({describe_reference(reference)}) {fatal.words}"
        raise MalformedSecret(words, fatal.repair, key)
    return value


def _headers(
    section: AccountSection, provider: Provider, look_up: LookUp
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return an account's own headers, plain and secret, with names in lower case.

    The provider's secret ones are among them, but not in the place of a key. Raises SecretError.
    """
    common = {name: value for name, value in provider.headers.items() if _is_secret(name, value)}
    if section.key:
        common.pop(provider.auth.header.lower(), None)
    given = {**common, **fold_names(section.headers)}
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
        raise type(error)(f"the header {name}: {error}", error.repair, f"headers.{name}") from None


def _placed(key: str, look_up: LookUp, reference: str) -> str:
    """Return the secret of a reference; an error names the field that refers to it. Raises SecretError."""
    try:
        return look_up(reference)
    except SecretError as error:
        raise type(error)(str(error), error.repair, key) from None


def key_problem(section: AccountSection, resolved: ResolvedAccount, file: str) -> Problem | None:
    """Return what is wrong with a secret of an account, with its place in the file; None: nothing is."""
    error, name = resolved.wrong, f"accounts.{section.name}"
    if error is None:
        return None
    reference = _reference_at(section, error.key)
    value = describe_reference(reference) if reference else ""
    shown = f'= "{value}": ' if value else ""
    what = f"{shown}{resolved.account.id} cannot work: {error.what}"
    return Problem(file, f"{name}.{error.key}" if error.key else name, what, error.repair, value=value)


def _reference_at(section: AccountSection, key: str) -> str | None:
    """Return the reference at a field of an account, such as `key` or `headers.x-team`; None: it is a provider's."""
    field, _, inner = key.partition(".")
    match field:
        case "environment":
            return variables_of(section).get(inner)
        case "headers":
            return fold_names(section.headers).get(inner)
        case _:
            return getattr(section, field) if field else None


def _doubts_of_headers(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what is probably a mistake in a header's value, in words that hold none of it."""
    for name, value in values.items():
        if why := header_flaw(name, value):
            yield f"the header {name} {why}"


def _is_secret(name: str, value: str) -> bool:
    return is_secret(name) or is_reference(value) or has_key(value) or is_random(value.strip())


def without_secrets(provider: Provider) -> Provider:
    """Return the facts without the secret headers, which belong to the accounts: a control probe sends none of them."""
    public = {name: value for name, value in provider.headers.items() if not _is_secret(name, value)}
    return provider if len(public) == len(provider.headers) else replace(provider, headers=public)


def _command(words: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return a command that means the same in any folder: a relative path starts at `folder`."""
    program, arguments = "".join(words[:1]), words[1:]
    if "/" in program:
        program = str(resolve_path(program, folder))
    return (program, *arguments) if program else ()
