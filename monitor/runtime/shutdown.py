"""Shutdown: the process ends within seconds of being asked to, whatever hangs."""

import os
import signal
import threading
import time
from types import FrameType

LIMIT_S = 4.0
"""Seconds from the signal to the forced end: a container is killed after ten, and the data on disk needs no more."""
GRACE_S = 2.5
"""Seconds of it for messages under way: an unconfirmed one is sent again after the next start."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_on_sigterm(code: int) -> None:
    """Let SIGTERM end the process until a loop takes over the signals; call it in the main thread.

    The kernel's default would do, except for PID 1 of a container. A thread gets the signal even while a long SQLite
    call keeps Python from handling it.
    """
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(awake, code), daemon=True, name="signals").start()

    def leave(_: int, __: FrameType | None) -> None:
        raise SystemExit(code)

    signal.signal(signal.SIGTERM, leave)


def limit_shutdown(code: int) -> None:
    """End the process with `code` after LIMIT_S, if it has not ended by itself."""
    threading.Thread(target=_end, args=(code,), daemon=True, name="shutdown").start()


def _listen(awake: int, code: int) -> None:
    while number := os.read(awake, 1):
        if number[0] in STOP_SIGNALS:
            limit_shutdown(code)


def _end(code: int) -> None:
    time.sleep(LIMIT_S)
    os._exit(code)
