"""`check`: load everything, check the form of every URL, send nothing."""

import os
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_never
from urllib.parse import urlsplit

from msgspec.structs import replace

from monitor.alert.channel import TERMINAL
from monitor.alert.rule import Route
from monitor.backend import open_store
from monitor.config.checked_part import check_parts
from monitor.config.config import Config
from monitor.config.cost import is_priced
from monitor.config.file_access import check_secret_files
from monitor.config.proxy_setting import ENVIRONMENT, default_ca_names
from monitor.config.public_page import theme_doubts
from monitor.console.configuration import load_named, name_file, named_file, say_source
from monitor.console.preflight import template_problems, what_cannot_work
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import CheckLevel, CheckReport
from monitor.console.terminal import UP, WRONG_USE, print_error, print_line, print_refusal
from monitor.console.value_in_file import value_at
from monitor.detect.reminder import Reminder
from monitor.schedule import Watch
from monitor.words import count
from probes.document import DocumentError, Problem, read_toml
from probes.model import Account
from probes.proxy import choose_proxy


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--no-keys", action="store_true", help="look at no key, for CI: there are none")
    parser.add_argument("--online", action="store_true", help="also find each host in DNS")
    add_formats(parser)


def run(arguments: Namespace) -> int:
    say_source(arguments)
    found = list(_findings(arguments))
    print_report(arguments, CheckReport, found, lambda: _tell(found))
    return WRONG_USE if any(one.level is CheckLevel.ERROR for one in found) else UP


def _findings(arguments: Namespace) -> Iterator[CheckReport]:
    """Yield all that is to be said; of a file that is refused, all errors."""
    keys = not arguments.no_keys
    try:
        config = load_named(arguments, sends=keys)
    except DocumentError as error:
        yield from _reports(_all_problems(arguments, error), arguments)
        return
    if wrong := what_cannot_work(_without_unread(config)):
        yield from _reports([*wrong, *_problems(config, arguments)], arguments)
        return
    yield from (CheckReport(CheckLevel.FACT, words) for words in _facts(config, with_keys=keys))
    yield from (CheckReport(CheckLevel.WARNING, words) for words in _warnings(config))
    problems = list(_reports(_problems(config, arguments), arguments))
    yield from problems
    if not problems:
        yield CheckReport(CheckLevel.FACT, f"{_size(config)}: all well-formed{_what_is_missing(config)}")


def _all_problems(arguments: Namespace, refused: DocumentError) -> Iterable[Problem]:
    """Return everything that is wrong with a file that was refused, not only what was the first to stop it."""
    try:
        part = check_parts(named_file(arguments), os.environ, keys=not arguments.no_keys)
    except DocumentError:  # it cannot be read at all, or is none
        return refused.problems
    rest = part.config
    more = [*what_cannot_work(_without_unread(rest)), *_problems(rest, arguments)] if rest else []
    return {(one.file, one.key, one.what): one for one in (*part.problems, *more)}.values()


def _reports(problems: Iterable[Problem], arguments: Namespace) -> Iterator[CheckReport]:
    """Yield a row for each problem, with what stands in the file at its key."""
    file = named_file(arguments)
    tables = _tables(file)
    for problem in problems:
        is_inside = problem.key and problem.file == file.name
        value = problem.value or (value_at(tables, problem.key) if is_inside else None)
        one = name_file(problem, arguments)
        yield CheckReport(CheckLevel.ERROR, str(one), one.file, one.key, one.repair, value)


def _tables(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file)
    except DocumentError:
        return {}


def _tell(found: Iterable[CheckReport]) -> None:
    for one in found:
        match one.level:
            case CheckLevel.FACT:
                print_line(one.words)
            case CheckLevel.WARNING:
                print_error(f"{one.words}; this is only a warning")
            case CheckLevel.ERROR:
                print_refusal(one.words)
            case _:
                assert_never(one.level)


def _without_unread(config: Config) -> Config:
    """Return the configuration without the channels whose address is a reference that was not read."""
    return replace(config, channels=tuple(channel for channel in config.channels if channel.url))


def _problems(config: Config, arguments: Namespace) -> Iterator[Problem]:
    """Yield what would not work, though the file is well-formed."""
    if not arguments.no_keys:
        yield from config.key_problems.values()
    yield from template_problems(config)
    if arguments.online:
        for host, id in _hosts(config).items():
            if not _is_found(host):
                key = f"accounts.{config.accounts[id].name}.base"
                what = f"of {id} has the host {host}, which is not found"
                yield Problem(config.file_name, key, what, "compare it with the provider's manual", value=host)


def _hosts(config: Config) -> dict[str, str]:
    """Return each host that requests connect to from here, and the first account that needs it."""
    found: dict[str, str] = {}
    for account in config.accounts.values():
        if base := account.base or config.providers[account.provider].base:
            proxy = choose_proxy(account.way.proxies, base)
            found.setdefault(proxy.host if proxy else urlsplit(base).hostname or "", account.id)
    return found


def _is_found(host: str) -> bool:
    import socket

    try:
        return bool(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False


def _unheard(config: Config) -> Iterator[str]:
    """Yield each channel to which no route leads."""
    led = {name for route in config.rules.routes for name in _led_to(route)}
    for channel in config.channels if config.rules.routes else ():
        if led.isdisjoint((channel.name, *channel.tags)):
            yield f"[[channels]] {channel.name}: no route leads to it, so it is told of nothing"


def _led_to(route: Route) -> tuple[str, ...]:
    return (*route.channels, *(name for step in route.escalate for name in step.channels))


def _facts(config: Config, *, with_keys: bool) -> Iterator[str]:
    watches: dict[str, list[Watch]] = {id: [] for id in config.accounts}
    for watch in config.watches.values():
        watches[watch.target.account].append(watch)
    for account in config.accounts.values():
        told = account if with_keys else replace(account, problem=None)
        for words in _said_of(told, watches[account.id], config):
            yield f"{account.id}: {words}"
    is_writing = any(channel.url != TERMINAL.url for channel in config.channels)
    if is_writing or not all(account.way.ca_file for account in config.accounts.values()):
        yield from (f"{ENVIRONMENT}: {words}" for words in default_ca_names(os.environ))


def _said_of(account: Account, watches: Iterable[Watch], config: Config) -> Iterator[str]:
    """Yield an account's probes, and its way out."""
    asked = ", ".join(_asked(config, watch) for watch in watches)
    yield asked + (f"; UNKNOWN until mended: {account.problem}" if account.problem else "")
    yield from _egress(account, account.base or config.providers[account.provider].base)


def _asked(config: Config, watch: Watch) -> str:
    target, provider = watch.target, config.providers[watch.target.provider]
    asked = " ".join(filter(None, (target.canary, target.model)))
    if line := provider.canaries[target.canary].line(config.accounts[target.account]):
        return f"{asked} ({shlex.join(line)})"
    return asked if is_priced(watch, provider) else f"{asked} (price not known)"


def _egress(account: Account, base: str | None) -> Iterator[str]:
    """Yield the way of requests to `base`, if not direct; proxies are named without their password.

    Without a base a program probes the account, and every proxy is passed to it.
    """
    proxies = account.way.proxies
    for proxy in proxies.all if base is None else filter(None, [choose_proxy(proxies, base)]):
        yield f"through the proxy at {proxy.name}{f', as {proxy.known_user}' if proxy.known_user else ''}"
    if account.way.ca_file:
        yield f"trusts the CAs in {account.way.ca_file} only"


def _warnings(config: Config) -> Iterator[str]:
    for id, doubts in config.doubts.items():
        yield from (f"{id}: {doubt}" for doubt in doubts)
    yield from _unheard(config)
    yield from theme_doubts(config.public.theme)
    yield from _unnamed(config)
    yield from check_secret_files(config.secret_files, config.secret_keys)
    if told := open_store(config.store).place_warning():
        yield told
    yield from _past(config.reminders)
    yield from _closed_to_others(config)


def _unnamed(config: Config) -> Iterator[str]:
    """Yield that the public page would be empty: accounts at addresses of their own need a name there."""
    if not (config.public_folder and config.accounts) or config.services:
        return
    if all(map(config.is_elsewhere, config.accounts.values())):
        how = 'give them a name there with [[services]], or turn it off with [site] public_folder = ""'
        yield f"the public page shows nothing, as all accounts are at addresses of their own; {how}"


def _past(reminders: Iterable[Reminder]) -> Iterator[str]:
    for one in reminders:
        if one.until <= datetime.now(UTC):
            yield f"[[reminders]] {one.name}: {one.on} has passed, nothing is told of it any more; renew or remove it"


def _closed_to_others(config: Config) -> Iterator[str]:
    for place in (config.public_folder, config.metrics):
        if place and place.is_relative_to(config.folder):
            where = f"[site] {place} is closed to others by {config.folder}"
            yield f"{where}: name a place beside it"


def _size(config: Config) -> str:
    parts = {"account": config.accounts, "target": config.watches, "channel": config.channels}
    return ", ".join(count(len(them), noun) for noun, them in parts.items())


def _what_is_missing(config: Config) -> str:
    """Say what a valid file does not do yet."""
    if config.accounts:
        return ""
    how = "`provider-monitor init` finds your keys, or add an [[accounts]] block"
    return f"; {how}; until then `run` shows a demonstration"
