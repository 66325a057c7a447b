"""`help`: print what the program or one command does."""

import sys
from argparse import ArgumentParser, Namespace

from monitor import __version__
from monitor.console.terminal import UP

SUMMARY = "tells you when one of your AI accounts is being lost, and whose fault it is"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("topic", nargs="?", metavar="COMMAND", help="the command to tell of; left out: all in short")
    parser.add_argument("--man", action="store_true", help="print the manual page of all commands, for man(1)")


def run(arguments: Namespace) -> int:
    if arguments.man:
        from monitor.console.man_page import man_page

        sys.stdout.write(man_page(arguments.build_parser(arguments.commands), __version__, SUMMARY))
        return UP
    if not arguments.topic:
        arguments.build_parser([]).print_help()
        return UP
    arguments.build_parser([arguments.topic]).parse_args([arguments.topic, "--help"])
    return UP
