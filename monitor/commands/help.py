"""`help`: print what the program or one command does."""

from argparse import ArgumentParser, Namespace

from monitor.console.terminal import UP


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("topic", nargs="?", metavar="COMMAND", help="the command to tell of; left out: all in short")


def run(arguments: Namespace) -> int:
    if not arguments.topic:
        arguments.build_parser([]).print_help()
        return UP
    arguments.build_parser([arguments.topic]).parse_args([arguments.topic, "--help"])
    return UP
