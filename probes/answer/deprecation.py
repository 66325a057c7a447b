"""Pure: headers → warnings of coming faults, which good answers carry too."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from probes.model import KEPT_WORDS, HeaderWarning
from probes.provider import Signal

READ = 1_000
"""Most characters read of a header."""


def read_warnings(file: str, signals: Iterable[Signal], headers: Mapping[str, str]) -> tuple[HeaderWarning, ...]:
    """Return the headers' warnings, by the signals of one file. The words are not redacted yet."""
    found = []
    for signal in signals:
        told = headers.get(signal.header)
        if told is not None and _pattern(signal.value).search(told[:READ]):
            found.append(HeaderWarning(signal.fault, f"{file}/{signal.id}", f"{signal.header}: {told[:KEPT_WORDS]}"))
    return tuple(found)


@cache
def _pattern(value: str) -> re.Pattern[str]:
    return re.compile(value, re.IGNORECASE)
