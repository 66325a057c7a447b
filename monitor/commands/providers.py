"""`providers`: print the providers that are known, or all facts of one."""

from argparse import ArgumentParser, Namespace

from monitor.commands.configuration import load_named
from monitor.commands.selection import unknown
from monitor.commands.tables import provider_facts, provider_table
from monitor.commands.terminal import UP, refuse
from probes.catalog import load_provider, provider_ids


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("provider", nargs="?", metavar="NAME", help="print all facts of this one")


def run(arguments: Namespace) -> int:
    shelf = load_named(arguments).shelf
    known = provider_ids(shelf)
    if not arguments.provider:
        provider_table([load_provider(id, shelf) for id in known])
        return UP
    if arguments.provider not in known:
        return refuse(unknown("provider", arguments.provider, known))
    provider_facts(load_provider(arguments.provider, shelf))
    return UP
