"""Questions to whoever sits at the terminal, each with an answer ready."""

import sys
from collections.abc import Sequence
from getpass import getpass
from typing import Protocol

from monitor.console.selection import argument_error
from monitor.console.terminal import print_line


class Asks(Protocol):
    """Who answers."""

    def text(self, question: str, ready: str) -> str:
        """Return what was typed, or the ready answer."""

    def secret(self, question: str) -> str:
        """Return what was typed unseen; "" for nothing."""


class Ready:
    """Takes every ready answer: nobody is asked."""

    def text(self, _: str, ready: str) -> str:
        return ready

    def secret(self, _: str) -> str:
        return ""


class Typed:
    """Asks at the terminal."""

    def text(self, question: str, ready: str) -> str:
        try:
            return input(f"{question} [{ready}] ").strip() or ready
        except EOFError:
            raise argument_error("init", "got no answer: the input has ended", "answer, or say --yes") from None

    def secret(self, question: str) -> str:
        try:
            return getpass(f"{question} ").strip()
        except EOFError:
            return ""


def who_answers(*, yes: bool) -> Asks:
    """Return who answers. Raises DocumentError where somebody should, and there is no terminal."""
    if yes:
        return Ready()
    if not sys.stdin.isatty():
        repair = "say --yes to take every ready answer, or start it in a terminal"
        raise argument_error("init", "has questions, and there is no terminal", repair)
    return Typed()


def agrees(asks: Asks, question: str, *, ready: bool) -> bool:
    return asks.text(question, "yes" if ready else "no").lower().startswith("y")


def choose(asks: Asks, question: str, options: Sequence[str], ready: str) -> str:
    """Return one of the options, by its name or the beginning of it; asks again for anything else."""
    while True:
        typed = asks.text(f"{question} ({', '.join(options)})", ready).lower()
        found = [one for one in options if one.startswith(typed)]
        if typed in options or len(found) == 1:
            return typed if typed in options else found[0]
        print_line(f'"{typed}" is none of {", ".join(options)}')
