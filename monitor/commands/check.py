"""`check`: load everything, check the form of every URL, send nothing."""

import os
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from msgspec.structs import replace

from monitor.alert.rule import Route
from monitor.config.config import Config
from monitor.config.cost import is_priced
from monitor.config.file_access import check_secret_files
from monitor.config.proxy_setting import ENVIRONMENT, default_ca_names
from monitor.console.configuration import load_named
from monitor.console.preflight import template_problems, what_cannot_work
from monitor.console.terminal import UP, print_error, print_line, print_refusal
from monitor.detect.reminder import Reminder
from monitor.schedule import Watch
from monitor.store.store import open_store
from monitor.words import count
from probes.model import Account
from probes.proxy import choose_proxy


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--no-keys", action="store_true", help="look at no key, for CI: there are none")
    parser.add_argument("--online", action="store_true", help="also find each host in DNS")


def run(arguments: Namespace) -> int:
    config = load_named(arguments, sends=not arguments.no_keys)
    if wrong := what_cannot_work(_without_unread(config) if arguments.no_keys else config):
        return print_refusal(*map(str, wrong), *_wrong_templates(config))
    for words in _facts(config, with_keys=not arguments.no_keys):
        print_line(words)
    for words in _warnings(config):
        print_error(f"{words}; this is only a warning")
    for words in (*_past(config.reminders), *_closed_to_others(config)):
        print_line(words)
    if problems := [*_problems(config, arguments)]:
        return print_refusal(*problems)
    print_line(f"{_size(config)}: all well-formed{_what_is_missing(config)}")
    return UP


def _without_unread(config: Config) -> Config:
    """Return the configuration without the channels whose address is a reference that was not read."""
    return replace(config, channels=tuple(channel for channel in config.channels if channel.url))


def _problems(config: Config, arguments: Namespace) -> Iterator[str]:
    """Yield what would not work, though the file is well-formed."""
    if not arguments.no_keys:
        lost = {account.id: account.problem for account in config.accounts.values() if account.problem}
        for id, problem in lost.items():
            yield f"{config.file_name}: {id} cannot work: {problem}; mend that, or leave keys out with --no-keys"
    yield from _wrong_templates(config)
    if arguments.online:
        for host, id in _hosts(config).items():
            if not _is_found(host):
                yield f"{config.file_name}: {id}: the host {host} is not found; compare it with the provider's manual"


def _wrong_templates(config: Config) -> Iterator[str]:
    for words in template_problems(config):
        yield f"{words}; mend it, or take it away for the shipped one"


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
    for words in default_ca_names(os.environ):  # the CAs trusted where no `ca_file` is set
        yield f"{ENVIRONMENT}: {words}"


def _said_of(account: Account, watches: Iterable[Watch], config: Config) -> Iterator[str]:
    """Yield an account's probes, its way out, and what may be a mistake."""
    asked = ", ".join(_asked(config, watch) for watch in watches)
    yield asked + (f"; UNKNOWN until mended: {account.problem}" if account.problem else "")
    yield from _egress(account, account.base or config.providers[account.provider].base)
    for doubt in config.doubts.get(account.id, ()):
        yield f"{doubt}; this is only a warning"


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
        yield f"believes the authorities in {account.way.ca_file} only"


def _warnings(config: Config) -> Iterator[str]:
    yield from _unheard(config)
    yield from check_secret_files(config.secret_files, config.secret_keys)
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
    if config.accounts:
        return ""
    return "; add an [[accounts]] block or set OPENAI_API_KEY to watch one; until then `run` shows a demonstration"
