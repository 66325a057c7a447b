"""`check`: load everything, check the form of every URL, send nothing."""

import os
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from monitor.config.config import Config
from monitor.config.file_access import open_files
from monitor.config.proxy_setting import ENVIRONMENT, usual_authorities
from monitor.console.configuration import load_named
from monitor.console.preflight import check_before_start
from monitor.console.terminal import UP, complain, refuse, say
from monitor.detect.reminder import Reminder
from monitor.store.store import open_store
from monitor.words import count
from probes.model import Account, Target
from probes.proxy import choose


def add_arguments(_: ArgumentParser) -> None:
    """It takes none."""


def run(arguments: Namespace) -> int:
    config = load_named(arguments, sends=True)
    check_before_start(config)
    for words in _facts(config):
        say(words)
    for words in _warnings(config):
        complain(f"{words}; this is only a warning")
    for words in (*_past(config.reminders), *_closed_to_others(config)):
        say(words)
    if config.malformed:
        problems = ((id, config.accounts[id].problem) for id in sorted(config.malformed))
        return refuse(*(f"{config.file_name}: {id} cannot work: {problem}" for id, problem in problems))
    say(f"{_size(config)}: all well-formed{_what_is_missing(config)}")
    return UP


def _facts(config: Config) -> Iterator[str]:
    targets: dict[str, list[Target]] = {id: [] for id in config.accounts}
    for watch in config.watches.values():
        targets[watch.target.account].append(watch.target)
    for account in config.accounts.values():
        for words in _said_of(account, targets[account.id], config):
            yield f"{account.id}: {words}"
    for words in usual_authorities(os.environ):  # the CAs trusted where no `ca_file` is set
        yield f"{ENVIRONMENT}: {words}"


def _said_of(account: Account, targets: Iterable[Target], config: Config) -> Iterator[str]:
    """Yield an account's probes, its way out, and what may be a mistake."""
    asked = ", ".join(_asked(config, target) for target in targets)
    yield asked + (f"; UNKNOWN until mended: {account.problem}" if account.problem else "")
    yield from _way(account, account.base or config.providers[account.provider].base)
    for doubt in config.doubts.get(account.id, ()):
        yield f"{doubt}; this is only a warning"


def _asked(config: Config, target: Target) -> str:
    asked = " ".join(filter(None, (target.canary, target.model)))
    if line := config.providers[target.provider].canaries[target.canary].line(config.accounts[target.account]):
        asked += f" ({shlex.join(line)})"
    return asked


def _way(account: Account, base: str | None) -> Iterator[str]:
    """Yield the way of requests to `base`, if not direct; proxies are named without their password.

    Without a base a program probes the account, and every proxy is passed to it.
    """
    proxies = account.way.proxies
    for proxy in proxies.all if base is None else filter(None, [choose(proxies, base)]):
        yield f"through the proxy at {proxy.name}{f', as {proxy.known_user}' if proxy.known_user else ''}"
    if account.way.ca_file:
        yield f"believes the authorities in {account.way.ca_file} only"


def _warnings(config: Config) -> Iterator[str]:
    yield from open_files(config.secret_files, config.secret_keys)
    if told := open_store(config.store).place_warning():
        yield told


def _past(reminders: Iterable[Reminder]) -> Iterator[str]:
    for one in reminders:
        if one.until <= datetime.now(UTC):
            yield f"[[reminders]] {one.name}: {one.on} has passed, nothing is told of it any more; renew or remove it"


def _closed_to_others(config: Config) -> Iterator[str]:
    for place in (config.public_folder, config.metrics):
        if place and place.is_relative_to(config.folder):
            where = f"[site] {place} is closed to others by {config.folder}"
            yield f"{where}: name a place beside it; this is only a warning"


def _size(config: Config) -> str:
    parts = {"account": config.accounts, "target": config.watches, "channel": config.channels}
    return ", ".join(count(len(them), noun) for noun, them in parts.items())


def _what_is_missing(config: Config) -> str:
    """Say what a valid file does not do yet."""
    if not config.accounts:
        return "; without an account, `run` shows a demonstration"
    if unasked := sum(account.problem is not None for account in config.accounts.values()):
        return f"; {count(unasked, 'account')} cannot be asked from here, see above"
    return ""
