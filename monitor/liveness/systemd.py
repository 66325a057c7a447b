"""Notifications to the service manager, as datagrams to its socket. Sources: sd_notify(3), sd_watchdog_enabled(3)."""

import logging
import socket
import time
from collections.abc import Mapping

from msgspec import Struct

log = logging.getLogger("monitor")

READY, STOPPING, WATCHDOG = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Manager(Struct, frozen=True):
    """The service manager. `address`: its socket, None: no notifications; `watchdog_s`: None: no watchdog."""

    address: str | None = None
    watchdog_s: float | None = None

    def tell(self, *words: str) -> None:
        """Send these assignments without blocking; best effort, nothing of ours waits for the manager."""
        if self.address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)
                out.connect(self.address)
                out.send("\n".join(words).encode())
        except OSError as error:
            log.debug("the service manager cannot be notified: %s", error.strerror)


def find_manager(environment: Mapping[str, str], pid: int) -> Manager:
    """Return the service manager, from its environment variables; an address that begins with @ is abstract."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return Manager()
    spoken = "\0" + address[1:] if address.startswith("@") else address
    return Manager(spoken, _watchdog_s(environment, pid))


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """Return the watchdog's timeout in seconds; None if WATCHDOG_PID names another process."""
    meant, period = environment.get("WATCHDOG_PID", str(pid)), environment.get("WATCHDOG_USEC", "")
    if meant != str(pid) or not period.isdecimal() or int(period) == 0:
        return None
    return int(period) / 1_000_000


def reloading() -> tuple[str, str]:
    """Return the assignments that start a reload; READY ends it. The time lets the manager match the two
    (Type=notify-reload).
    """
    return "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def status(words: str) -> str:
    return f"STATUS={' '.join(words.split())}"
