"""The service manager: one datagram to the socket it names. Sources: sd_notify(3), sd_watchdog_enabled(3)."""

import logging
import socket
import time
from collections.abc import Mapping

from msgspec import Struct

log = logging.getLogger("monitor")

READY, STOPPING, WATCHDOG = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Manager(Struct, frozen=True):
    """Who started us. `address` None: nobody who wants to hear; `watchdog_s` None: it restarts us for no silence."""

    address: str | None = None
    watchdog_s: float | None = None

    def tell(self, *words: str) -> None:
        """Send these assignments at once. What cannot be sent is dropped: nothing of ours waits for the manager."""
        if self.address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)
                out.connect(self.address)
                out.send("\n".join(words).encode())
        except OSError as error:
            log.debug("the service manager does not hear: %s", error.strerror)


def find_manager(environment: Mapping[str, str], pid: int) -> Manager:
    """Return who started this process, by the variables it left; an address that begins with @ is an abstract one."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return Manager()
    spoken = "\0" + address[1:] if address.startswith("@") else address
    return Manager(spoken, _watchdog_s(environment, pid))


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """Return within how many seconds it wants a word; WATCHDOG_PID names the process that it means."""
    meant, period = environment.get("WATCHDOG_PID", str(pid)), environment.get("WATCHDOG_USEC", "")
    if meant != str(pid) or not period.isdecimal() or int(period) == 0:
        return None
    return int(period) / 1_000_000


def reloading() -> tuple[str, str]:
    """Return how a reload begins; READY ends it. The time lets the manager match the two (Type=notify-reload)."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def status(words: str) -> str:
    return f"STATUS={' '.join(words.split())}"
