"""Tables for a person at a terminal; plain text if the output goes elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich import box
from rich.console import Console
from rich.table import Table

from monitor import words


@contextmanager
def show_progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner on stderr while a person waits; nothing if stderr is not a terminal.

    Yields a function that takes the progress in words.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status(what) as status:
        yield lambda how_far: status.update(f"{what}: {how_far}")


def make_table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Table) -> None:
    open_console().print(table)


def open_console() -> Console:
    """A pipe has no width: a table cut to 80 columns would lose what a script looks for."""
    return Console() if sys.stdout.isatty() else Console(width=240)


def asked_of(canary: str, model: str | None) -> str:
    return plain(" ".join(filter(None, (canary, model))))


def plain(text: str) -> str:
    """Keep a provider's brackets from being read as markup."""
    return text.replace("[", r"\[")


def rate(token_s: float | None) -> str:
    return words.rate(token_s) if token_s else "-"


def seconds(value: float | None) -> str:
    return "-" if value is None else words.seconds(value)


def moment(at: datetime | None) -> str:
    return words.moment(at).words if at else "-"
