"""A command's output and exit codes. Results go to stdout, errors to stderr."""

import sys
from collections.abc import Callable

from probes.document import legible
from probes.redact import screen

UP, DOWN, WRONG_USE = 0, 1, 2
"""Exit codes: everything is up; something is down or unknown; the command or its configuration is wrong."""

Print = Callable[[str], None]


def say(text: str) -> None:
    print(legible(text), flush=True)  # noqa: T201 - this is where results are printed


def complain(text: str) -> None:
    print(legible(text), file=sys.stderr, flush=True)  # noqa: T201 - and errors


def refuse(*problems: str) -> int:
    for problem in problems:
        complain(screen(problem))
    return WRONG_USE
