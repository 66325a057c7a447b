"""Arguments shared by several commands, and their parsers."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from pathlib import Path

from probes.model import Fault

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add_account(parser: ArgumentParser) -> None:
    parser.add_argument("account", nargs="?", metavar="ACCOUNT", help="provider/name, or the name where it is unique")


def add_copy(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the copy")


def add_incident(parser: ArgumentParser) -> None:
    parser.add_argument("incident", nargs="?", metavar="INCIDENT", help="its id, or a part of it; the only open one")
    parser.add_argument("--by", metavar="NAME", help="who answers (default: your login)")


def parse_duration(text: str) -> timedelta:
    """Return a duration written as 30m, 2h or 7d."""
    found = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if not found or not int(found[1]):
        raise ArgumentTypeError(f'"{text}" is no duration; write 30m, 2h or 7d')
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def parse_fault(word: str) -> Fault:
    if word not in list(Fault):
        raise ArgumentTypeError(f'"{word}" is no fault; there are {", ".join(Fault)}')
    return Fault(word)
