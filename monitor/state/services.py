"""What every stage may call: clocks, chance, the prober, the store and the senders, and the trouble with them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct, field

from monitor.alert.channel import Channel
from monitor.alert.deliver import Print, send
from monitor.alert.text import MessageTemplates, MessageText
from monitor.config.config import Config
from monitor.diagnose.incident import Severity
from monitor.liveness.systemd import Manager
from monitor.schedule import ProbePauses
from monitor.state.self_health import SelfHealth
from monitor.state.storage import Storage
from monitor.store.clock import ClockReading, ClockTrace, boot_id
from monitor.store.setting import WriterLimits
from monitor.tally import EventTally
from probes.attempt import attempt
from probes.canary import Prober
from probes.control import is_online, probe_control
from probes.feeds.poll import poll_feed
from probes.model import Account, Clock, ControlAnswer, Observation, Target, Timer
from probes.notice import Bulletin
from probes.provider import Provider
from probes.proxy import Egress, Proxies


def uptime() -> float:
    """Return the seconds since boot; without time asleep where the system has no CLOCK_BOOTTIME."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Edge(Struct, frozen=True):
    """Time, chance and the terminal. `uptime` counts time asleep, unlike `timer`."""

    clock: Clock
    timer: Timer
    chance: Callable[[], float]
    show: Print
    uptime: Timer = uptime

    def read_clocks(self) -> ClockReading:
        return ClockReading(self.clock(), self.timer(), self.uptime())

    def trace(self) -> ClockTrace:
        return ClockTrace(self.clock(), self.uptime(), boot_id())


class OutsideCalls(Struct, frozen=True):
    """Every call to the outside world; a benchmark replaces them with a world of its own."""

    attempt: Callable[[Prober, Provider, Account, Target], Awaitable[Observation]] = attempt
    probe_control: Callable[[Prober, Provider, str | None, Egress], Awaitable[ControlAnswer]] = probe_control
    poll: Callable[..., Awaitable[Bulletin]] = poll_feed
    is_online: Callable[[Sequence[tuple[str, int]], float, Sequence[Proxies]], Awaitable[bool | None]] = is_online
    send: Callable[[Channel, MessageText, Severity | None, Print], Awaitable[str | None]] = send


REAL_CALLS = OutsideCalls()


class Pauses(Struct, frozen=True):
    """All waiting times; names in `_s` are seconds.

    `step_s`: longest sleep, as the clock may be set meanwhile. `beat_s`: time to batch good results into one
    transaction; a failure is written at once. `idle_s`: longest time between beats, even without results, to show
    that we are alive. `spread_s`: the first probes after a start are spread over this. `absent`: gap between two beats
    worth recording; a restart takes seconds. `reread`: time until a low balance, or a list that lacks a model, is read
    again. `drill`: time until a drill is resolved. `ping_s`: timeout of a heartbeat's ping; the next one is its retry.
    `looks`: pauses between hurried probes. `lock_notice`: how long another program may lock the database,
    to copy it, before anybody is notified. `store`: how long its writer waits.
    """

    step_s: float = 1.0
    beat_s: float = 1.0
    idle_s: float = 10.0
    spread_s: float = 5.0
    absent: timedelta = timedelta(minutes=5)
    reread: timedelta = timedelta(seconds=15)
    drill: timedelta = timedelta(seconds=10)
    ping_s: float = 10.0
    probes: ProbePauses = ProbePauses()
    lock_notice: timedelta = timedelta(seconds=30)
    store: WriterLimits = WriterLimits()


DEFAULT_PAUSES = Pauses()


class HostLimits(Struct):
    """Limits the concurrent canaries per host."""

    by_host: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def to(self, config: Config, account: Account) -> asyncio.Semaphore:
        """Return the semaphore of the host that an account's canaries call."""
        name = _host(account.base or config.providers[account.provider].base or "")
        if name not in self.by_host:
            self.by_host[name] = asyncio.Semaphore(config.probe.per_host)
        return self.by_host[name]


@lru_cache(10_000)
def _host(base: str) -> str:
    return urlsplit(base).netloc


class Services(Struct, kw_only=True):
    """What the stages call.

    `link_key`: None if signed links are not served. `ships`: what is seen goes to a shared store.
    """

    edge: Edge
    storage: Storage
    own: SelfHealth
    prober: Prober
    templates: MessageTemplates
    tally: EventTally
    outside: OutsideCalls = REAL_CALLS
    pauses: Pauses = DEFAULT_PAUSES
    turnstiles: HostLimits = field(default_factory=HostLimits)
    link_key: bytes | None = None
    ships: bool = False
    manager: Manager = Manager()

    def seconds_to(self, at: datetime | None) -> float:
        """Return the seconds until `at`, at most `step_s`: the clock may be set meanwhile."""
        step_s = self.pauses.step_s
        return step_s if at is None else min((at - self.edge.clock()).total_seconds(), step_s)


def now() -> datetime:
    return datetime.now(UTC)


def real_edge(show: Print) -> Edge:
    return Edge(clock=now, timer=time.monotonic, chance=random.random, show=show)
