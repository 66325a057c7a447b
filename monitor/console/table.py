"""Tables for a person at a terminal, whatever its width: no word is broken, and no id is cut.

A table printer of a library breaks the words of a column that is too narrow, and takes longer to load than all else
that `status` does.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import wrap

from msgspec import Struct

from monitor import words
from monitor.console.terminal import Colour, paint
from monitor.console.width import width
from probes.document import escape_unprintable

GAP = 2
"""Spaces between two columns."""
NOTE = 4
"""Spaces before what stands below a row."""
NARROWEST = 12
"""Columns of text below which no column is made narrower than its words need."""

GLUE = "\xa0"
"""The space of a cell that is not wrapped."""
FILLER = "\0"
"""No text that is legible has it."""


class TableCell(Struct, frozen=True):
    """One cell; `whole`: it is not wrapped at its spaces either."""

    text: str
    colour: Colour | None = None
    whole: bool = False

    @property
    def words(self) -> list[str]:
        return [self.text] if self.whole else self.text.split()


class Table(Struct, frozen=True):
    """Rows of cells below their titles; a plain string is a cell without a colour.

    `notes`: what stands below a row, over its whole width, by the row's number.
    """

    titles: tuple[str, ...]
    rows: Sequence[tuple[TableCell | str, ...]]
    notes: Mapping[int, str] = {}


def without_empty(table: Table) -> Table:
    """Return the table without the columns in which nothing is known of any row."""
    kept = [at for at in range(len(table.titles)) if any(_cell(row[at]).text not in ("", "-") for row in table.rows)]
    rows = [tuple(row[at] for at in kept) for row in table.rows]
    return Table(tuple(table.titles[at] for at in kept), rows, table.notes)


def print_table(table: Table, empty: str = "") -> None:
    """Print a table; `empty`: what to say in its place if it has no rows."""
    print_lines(lay_out(table, width()) if table.rows or not empty else fill(empty, width()))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines that may hold colours; what they say is legible already."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def lay_out(table: Table, most: int | None) -> Iterator[str]:
    """Yield the lines of a table of at most so many columns of text; None: of any width, one line each row.

    What does not fit is wrapped at its spaces; a longer word takes a line of its own. If even the words of the columns
    do not fit side by side, each row becomes a paragraph.
    """
    rows = [tuple(map(_cell, row)) for row in table.rows]
    titles = tuple(TableCell(title, Colour.BOLD) for title in table.titles)
    widths = _widths([titles, *rows], most)
    if widths is None:
        yield from _paragraphs(table, rows, most or 0)
        return
    yield from _lines(titles, widths)
    for number, row in enumerate(rows):
        yield from _lines(row, widths)
        if note := table.notes.get(number):
            yield from (f"{' ' * NOTE}{line}" for line in fill(note, most and most - NOTE))


def fill(text: str, most: int | None, indent: int = 0) -> list[str]:
    """Wrap a text at its spaces, later lines below its first word plus `indent`; None: not at all."""
    said = escape_unprintable(text)
    if most is None:
        return [said]
    return _wrap(said, most, indent) or [""]


def _cell(one: TableCell | str) -> TableCell:
    return (
        TableCell(escape_unprintable(one))
        if isinstance(one, str)
        else TableCell(escape_unprintable(one.text), one.colour, one.whole)
    )


def _widths(rows: Sequence[tuple[TableCell, ...]], most: int | None) -> list[int] | None:
    """Return the width of each column; None if even the words of all columns do not fit side by side.

    The column gives way in which fewest cells need the width, down to its longest word. A single long word, such as
    the id of one account, does not make a column wider than a third of the line.
    """
    sizes = [[_size(cell.text) for cell in column] for column in zip(*rows, strict=True)]
    widths = [max(column) for column in sizes]
    if most is None:
        return widths
    room, cap = most - GAP * (len(sizes) - 1), max(NARROWEST, most // 3)
    floors = [min(cap, max(_longest_word(cell) for cell in column)) for column in zip(*rows, strict=True)]
    if sum(floors) > room:
        return None
    while sum(widths) > room:
        wide = [at for at, floor in enumerate(floors) if widths[at] > floor]
        widths[min(wide, key=lambda at: (sum(size >= widths[at] for size in sizes[at]), -widths[at]))] -= 1
    return widths


def _longest_word(cell: TableCell) -> int:
    return max(map(_size, cell.words), default=0)


def _lines(row: Sequence[TableCell], widths: Sequence[int]) -> Iterator[str]:
    starts = [sum(widths[:at]) + GAP * at for at in range(len(widths))]
    waiting = [_wrapped(cell, its) for cell, its in zip(row, widths, strict=True)]
    while any(waiting):
        line, end = "", 0
        for cell, pieces, start in zip(row, waiting, starts, strict=True):
            begin = _begin(pieces[0], start, starts[-1] + widths[-1]) if pieces else start
            if end and end + GAP > begin:  # a longer word stands here: the rest of the row goes below it
                break
            if pieces:
                line += " " * (begin - end) + paint(pieces[0], cell.colour)
                end = begin + _size(pieces.pop(0))
        yield line


def _begin(word: str, start: int, most: int) -> int:
    """Return where a word begins: one that is wider than its column and those right of it, further left."""
    return max(0, min(start, most - _size(word)))


def _wrapped(cell: TableCell, most: int) -> list[str]:
    if cell.whole or _size(cell.text) <= most:
        return [cell.text] if cell.text else []
    return _wrap(cell.text, most)


def _wrap(text: str, most: int, indent: int = 0) -> list[str]:
    """Wrap at spaces by columns: a filler behind each wide character, which textwrap counts as one, takes the other."""
    filled = text if text.isascii() else "".join(one + FILLER * (_size(one) - 1) for one in text)
    lines = wrap(filled, most, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace(FILLER, "") for line in lines]


def _paragraphs(table: Table, rows: Iterable[Sequence[TableCell]], most: int) -> Iterator[str]:
    for number, (first, *others) in enumerate(rows):
        yield paint(first.text, Colour.BOLD)
        said = [
            f"{title}: {_unbroken(cell)}" for title, cell in zip(table.titles[1:], others, strict=True) if cell.text
        ]
        for text in filter(None, ("; ".join(said), escape_unprintable(table.notes.get(number, "")))):
            yield from (f"{' ' * NOTE}{line.replace(GLUE, ' ')}" for line in _wrap(text, most - NOTE, NOTE))


def _unbroken(cell: TableCell) -> str:
    return cell.text.replace(" ", GLUE) if cell.whole else cell.text


def _size(text: str) -> int:
    """Return the columns that a text takes: two for each wide character, as of Chinese."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


@contextmanager
def show_progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner on stderr while a person waits; nothing if stderr is not a terminal.

    Yields a function that takes the progress in words.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda how_far: status.update(f"{what}: {how_far}")


def canary_label(canary: str, model: str | None) -> str:
    return " ".join(filter(None, (canary, model)))


def format_rate(token_s: float | None) -> str:
    return words.rate(token_s) if token_s else "-"


def format_seconds(value: float | None) -> str:
    return "-" if value is None else words.seconds(value)
