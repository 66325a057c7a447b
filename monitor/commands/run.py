"""`run`: watch until stopped; without any account, show a demonstration."""

import errno
import socket
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from msgspec.structs import replace

from monitor.config.config import Config
from monitor.config.role import Role, located_at
from monitor.console.command_log import print_problems, start_command_log
from monitor.console.configuration import load_named, say_source
from monitor.console.selection import argument_error
from monitor.console.terminal import UP, print_line
from monitor.runtime.shutdown import stop_on_sigterm
from probes.proxy import is_key_for_host


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        type=_host,
        metavar="ADDRESS",
        help="serve the page there where monitor.toml names no host (default: 127.0.0.1); a container needs 0.0.0.0",
    )
    parser.add_argument(
        "--role",
        type=Role,
        choices=list(Role),
        default=Role.ALL,
        help="what this node does where several share a store ([store] url): probe, judge, or (default) both",
    )
    parser.add_argument(
        "--location",
        metavar="NAME",
        help="where this node is, in place of what monitor.toml says: all nodes can then have the same one",
    )
    parser.add_argument(
        "--node",
        metavar="NAME",
        help="its name among those that share the store, each of which has its own (default: HOST at LOCATION)",
    )


def _host(text: str) -> str:
    if is_key_for_host(text):
        raise ArgumentTypeError("holds what looks like a key; give an address, such as 127.0.0.1")
    return text


def run(arguments: Namespace) -> int:
    stop_on_sigterm(UP)
    if arguments.host and not _is_ours(arguments.host):
        repair = "give one that it has, 127.0.0.1 for its own browser, or 0.0.0.0 for all"
        raise argument_error(f'--host "{arguments.host}"', "is no address of this machine", repair)
    say_source(arguments)
    config = _placed(_heard_at(load_named(arguments, sends=True), arguments.host), arguments.location)
    start_command_log(arguments, config)
    if config.accounts and not arguments.demo:
        _watch(config, arguments.role, arguments.node)
    else:
        from monitor.commands.demo import run_demo

        run_demo(config, print_line)
    return UP


def _is_ours(host: str) -> bool:
    """Whether this machine could listen there. No port is tried: one still taken at a restart must not end a daemon.

    A name that does not resolve now may be ours later.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        is_name = ":" not in host
        return is_name and error.errno == socket.EAI_AGAIN
    except UnicodeError:  # a label of the name is empty or too long
        return False
    return any(_can_bind(family, place) for family, _, _, _, place in found)


ELSEWHERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def _can_bind(family: int, place: tuple[object, ...]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.bind(place)
    except OSError as error:
        return error.errno not in ELSEWHERE
    return True


def _heard_at(config: Config, host: str | None) -> Config:
    """Return the configuration with `host` to listen on, unless monitor.toml names one: that takes precedence."""
    site = replace(config.site, host=config.site.host or host)
    return replace(config, site=site)


def _placed(config: Config, location: str | None) -> Config:
    """Return the configuration at `location`, if one is given: one of the places, where several share a store."""
    if location is None:
        return config
    names = [one.name for one in config.locations]
    if config.store.url and location not in names:
        repair = f"give one of {', '.join(names)}, or add it to [[locations]]"
        raise argument_error(f'--location "{location}"', "is none of the places", repair)
    return located_at(config, location)


def _watch(config: Config, role: Role, node: str | None) -> None:  # slow imports that the demonstration does not need
    from monitor.console.preflight import check_before_start
    from monitor.runtime.daemon import run_daemon

    if role is not Role.JUDGE:  # which has no keys
        print_problems(config)
    check_before_start(config)
    if config.store.url:
        from monitor.runtime.node import run_node

        run_node(config, print_line, role, node or f"{socket.gethostname()} at {config.location}")
    else:
        run_daemon(config, print_line)
