"""The end of the process: it comes within seconds of being asked for, whatever hangs."""

import os
import signal
import threading
import time
from types import FrameType

LIMIT_S = 4.0
"""From the first word to the end: a container is killed after ten, and what is written lasts without us."""
GRACE_S = 2.5
"""So much of it is for the answers to messages under way: what is not answered is sent again by the next start."""

ASKING = (signal.SIGTERM, signal.SIGINT)


def heed(code: int) -> None:
    """Let SIGTERM end the process, too, until a loop takes the signals over; call it in the main thread.

    By default the kernel would end it, but not the first process of a container. A thread hears of the signal where a
    long call into SQLite keeps Python from it.
    """
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(awake, code), daemon=True, name="signals").start()

    def leave(_: int, __: FrameType | None) -> None:
        raise SystemExit(code)

    signal.signal(signal.SIGTERM, leave)


def begin(code: int) -> None:
    """End the process with `code` after LIMIT_S, if it has not ended by itself."""
    threading.Thread(target=_end, args=(code,), daemon=True, name="shutdown").start()


def _listen(awake: int, code: int) -> None:
    while number := os.read(awake, 1):
        if number[0] in ASKING:
            begin(code)


def _end(code: int) -> None:
    time.sleep(LIMIT_S)
    os._exit(code)
