"""Work that a user's own text decides the length of, and that is stopped where it does not end."""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


def within(limit_s: float, work: Callable[[], T]) -> T:
    """Do it here and now. Raises TimeoutError where it runs for longer, at the next line of Python in it.

    To look at the clock at each line makes it several times as slow: it is for templates and rules of the user's own.
    """
    ends = time.monotonic() + limit_s

    def look(_frame: FrameType, _event: str, _arg: object) -> Any:
        if time.monotonic() > ends:
            raise TimeoutError(f"it does not end within {limit_s:g} s")
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        return work()
    finally:
        sys.settrace(before)
