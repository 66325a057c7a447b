"""Which accounts a person asks for, by options that several commands share."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator

from monitor.config.config import Config
from monitor.console.selection import argument_error, select_accounts
from probes.document import suggest
from probes.model import Account


def add_choice(parser: ArgumentParser) -> None:
    for what, of in (("account", "this account"), ("provider", "this provider"), ("tag", "accounts with this tag")):
        words = f"only {of}; several: any of them"
        parser.add_argument(f"--{what}", action="append", default=[], metavar=what.upper(), help=words)


def chosen(config: Config, arguments: Namespace) -> frozenset[str]:
    """Return the ids of the accounts that all the options given allow. Raises DocumentError for an unknown name."""
    accounts = config.accounts.values()
    _check("provider", arguments.provider, {one.provider for one in accounts})
    _check("tag", arguments.tag, {tag for one in accounts for tag in one.tags})
    named = {id for wanted in arguments.account for id in select_accounts(config, wanted)}
    return frozenset(
        id for id, one in config.accounts.items() if _is_meant(one, arguments) and (not named or id in named)
    )


def is_choice(arguments: Namespace) -> bool:
    return bool(arguments.account or arguments.provider or arguments.tag)


def _is_meant(account: Account, arguments: Namespace) -> bool:
    is_its = not arguments.provider or account.provider in arguments.provider
    return is_its and (not arguments.tag or not set(arguments.tag).isdisjoint(account.tags))


def _check(option: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    for name in _strange(wanted, known):
        raise argument_error(
            f'--{option} "{name}"', f"is no {option} of the accounts", suggest(name, known, NONE[option])
        )


NONE = {
    "provider": "leave it out, or add an [[accounts]] block",
    "tag": 'leave it out, or write tags = ["NAME"] into an [[accounts]] block',
}
"""What to do where there is none at all."""


def _strange(wanted: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    return (name for name in wanted if name not in known)
