"""Tables of what is quickly looked at: one test of all rows, as each by itself would cost more than what it does."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytest

LONGEST = 120
FAILURES = (Exception, pytest.fail.Exception, pytest.skip.Exception)
"""Also a row that skips itself has shown nothing."""
Param = type(pytest.param())


def each_row(names: str | tuple[str, ...], table: Iterable[Any], ids: Any = None) -> Callable[[Callable], Callable]:
    """Return what makes one test of all rows, which fails with the name and the error of each row that does.

    To be written as `pytest.mark.parametrize` is, also one above the other. A fixture is the same in each row, so this
    is for tests that change nothing of theirs.
    """
    arguments = [one.strip() for one in names.split(",")] if isinstance(names, str) else [*names]
    rows, ids = [*table], ids if ids is None or callable(ids) else [*ids]
    if not rows:
        raise ValueError(f"a table of {names} without rows tests nothing")
    each = [_values(row, len(arguments)) for row in rows]

    def decorate(test: Callable) -> Callable:
        @wraps(test)
        def of_all_rows(**fixtures: Any) -> None:
            failed = {}
            for number, values in enumerate(each):
                try:
                    test(**fixtures, **dict(zip(arguments, values, strict=True)))
                except FAILURES as error:
                    failed[f"row {number}: {_name(rows[number], values, ids, number)}"] = error
            if failed:
                raise AssertionError(_told(failed, len(rows))) from next(iter(failed.values()))

        its = inspect.signature(test)
        left = [one for name, one in its.parameters.items() if name not in arguments]
        of_all_rows.__signature__ = its.replace(parameters=left)
        return of_all_rows

    return decorate


def _values(row: Any, width: int) -> tuple[Any, ...]:
    if isinstance(row, Param):
        if row.marks:
            raise ValueError(f"{row}: a row has no marks; use pytest.mark.parametrize")
        return row.values
    return (row,) if width == 1 else tuple(row)


def _name(row: Any, values: tuple[Any, ...], ids: Any, number: int) -> str:
    """Return what a row is called: as it says, else as `ids` do, else its values."""
    if isinstance(row, Param) and row.id is not None:
        return str(row.id)
    if isinstance(ids, list):
        return str(ids[number])
    return "-".join(map(_shortened, map(ids or repr, values)))


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _told(failed: dict[str, BaseException], number: int) -> str:
    told = "\n".join(f"{name}\n  {type(error).__name__}: {error}" for name, error in failed.items())
    return f"{len(failed)} of {number} rows:\n{told}"
