"""A screen that is drawn again and again, in place, until it is interrupted."""

import sys
import time
from collections.abc import Callable, Sequence
from shutil import get_terminal_size

EVERY_S = 2.0
"""Seconds between two drawings."""
SHARE = 20
"""A drawing that takes long, as of thousands of accounts, is followed by so many times its duration without one."""
HIDE, SHOW, HOME, REST_OF_LINE, REST = "\x1b[?25l", "\x1b[?25h", "\x1b[H", "\x1b[K", "\x1b[J"
CLEAR = "\x1b[2J"

Draw = Callable[[], Sequence[str]]


def redraw(draw: Draw, every_s: float = EVERY_S) -> None:
    """Draw until Ctrl-C, which ends it in good order. Each picture is written at once over the last: no flicker."""
    out = sys.stdout
    out.write(HIDE + CLEAR)
    try:
        while True:
            began = time.monotonic()
            out.write(_picture(draw(), get_terminal_size().lines))
            out.flush()
            time.sleep(max(every_s, SHARE * (time.monotonic() - began)))
    except KeyboardInterrupt:
        pass
    finally:
        out.write(f"{SHOW}\n")
        out.flush()


def _picture(lines: Sequence[str], height: int) -> str:
    """Return what to write; of more lines than the terminal has, the first.

    Each line's place is cleared before it is written: after a line as wide as the terminal that takes its last letter.
    """
    shown = lines if len(lines) < height else [*lines[: height - 2], f"... {len(lines) - height + 2} more lines"]
    return HOME + "".join(f"{REST_OF_LINE}{line}\n" for line in shown) + REST
