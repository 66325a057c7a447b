"""What a running monitor holds between two beats; opened and closed in one place."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from math import inf
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from monitor import __version__
from monitor.alert import case
from monitor.alert.case import Message, with_messages
from monitor.alert.deliver import Print, send
from monitor.alert.reply import Reply
from monitor.alert.routing import Situation
from monitor.alert.rule import Channel
from monitor.alert.storage_notice import Heard
from monitor.alert.text import MessageTemplates, Text
from monitor.config.config import Config
from monitor.detect.account_memory import findings as find
from monitor.detect.health import Health, State
from monitor.diagnose.diagnosis import Scope
from monitor.diagnose.incident import Severity
from monitor.diagnose.stage_failure import Failing, Stage, once_more
from monitor.liveness.systemd import Manager
from monitor.publish.rotation import Rota
from monitor.schedule import Agenda, Spending, first_at
from monitor.slo.objective import resumed
from monitor.stages.belief import Belief
from monitor.storage_refusal import StorageRefusal
from monitor.store import file_system, reader, salvage
from monitor.store.clock import Reading, Trace, boot, redated, was_set_back
from monitor.store.connection import Lock
from monitor.store.reader import Remembered, correspondence, resume
from monitor.store.salvage import Unwritable
from monitor.store.standby import Keeper, Place
from monitor.store.standby_path import stand_in
from monitor.store.value import Batch
from monitor.store.writer import Key, Writer
from monitor.thread import plainly
from probes.attempt import attempt
from probes.canary import Prober, open_session
from probes.catalog import load_wording, rules_by_name
from probes.control import is_online, knock
from probes.feeds.poll import poll
from probes.model import Account, Clock, Knock, Observation, Target, TimeLimits, Timer
from probes.notice import Bulletin
from probes.provider import Provider
from probes.proxy import Proxies, Way
from probes.remedy import PREFIX

log = logging.getLogger("monitor")

SPREAD_S = 5.0
"""The first looks after a start are spread over so many seconds."""

STEP_S = 1.0
"""Whoever waits looks at the clock again after so long, as it may be set meanwhile."""

P = ParamSpec("P")
T = TypeVar("T")


def uptime() -> float:
    """Return the seconds since the machine started; without those in which it slept where it does not tell them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Edge(Struct, frozen=True):
    """Where time, chance and the terminal come in. `uptime` goes on while the machine sleeps, unlike `timer`."""

    clock: Clock
    timer: Timer
    chance: Callable[[], float]
    show: Print
    uptime: Timer = uptime


class Outside(Struct, frozen=True):
    """All by which anything is learnt from, or told to, the world around: a benchmark has a world of its own."""

    attempt: Callable[[Prober, Provider, Account, Target], Awaitable[Observation]] = attempt
    knock: Callable[[Prober, Provider, str | None, Way], Awaitable[Knock]] = knock
    poll: Callable[..., Awaitable[Bulletin]] = poll
    is_online: Callable[[Sequence[tuple[str, int]], float, Sequence[Proxies]], Awaitable[bool | None]] = is_online
    send: Callable[[Channel, Text, Severity | None, Print], Awaitable[str | None]] = send


REAL = Outside()


async def pause(seconds: float, event: asyncio.Event) -> None:
    """Wait for the event, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await event.wait()


def now() -> datetime:
    return datetime.now(UTC)


def real_edge(show: Print) -> Edge:
    return Edge(clock=now, timer=time.monotonic, chance=random.random, show=show)


class World(Belief, kw_only=True):
    """The state of a running monitor. Only `remember` changes what is believed; tasks tell each other by events.

    No digest is owed that was due before `digest_from`. `link_key` is None where nobody serves signed links.
    `proven` are the targets that have answered well as they are set up now.
    `beaten_at` is when, by the uptime, a beat last came to its end, None: none yet; `beat_at` when by the clock, of
    the process before us too. `round_at` is when the single round began that this process does, None: it is resident.
    `clocks` is how they last stood, `begun` how they stood when each look that is under way began, `set_by` by how
    much the clock was set since the process before us.
    `heard` is what each channel was told of the database, `refused_at` when that was last seen to refuse.
    `sent` are the messages that this process knows to be sent, the oldest first.
    `is_doubted` is whether a reader found the database broken, `unsound` that somebody may look at it at once.
    `dropped` is set at the end, when messages under way are waited for no more.
    `looked_out_s` is when by the timer neutral hosts were last asked.
    """

    edge: Edge
    prober: Prober
    keeper: Keeper
    writing: ThreadPoolExecutor
    reading: ThreadPoolExecutor
    agenda: Agenda
    spendings: dict[str, Spending]
    replies: list[Reply]
    digests: dict[str, datetime]
    templates: MessageTemplates
    digest_from: datetime
    clocks: Reading
    outside: Outside = REAL
    link_key: bytes | None = None
    manager: Manager = Manager()
    beaten_at: float | None = None
    beat_at: datetime | None = None
    set_by: timedelta = timedelta(0)
    begun: dict[str, Reading] = field(default_factory=dict)
    round_at: datetime | None = None
    pages_due: Agenda = field(default_factory=Agenda)
    doubted: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    followed: set[str] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)
    looked_out_s: float = -inf
    hosts: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    finished: asyncio.Queue[Observation] = field(default_factory=asyncio.Queue)
    heard: dict[str, Heard] = field(default_factory=dict)
    sent: dict[Key, None] = field(default_factory=dict)
    refused_at: datetime | None = None
    is_first_of_hour: bool = True
    is_doubted: bool = False
    failing: dict[Stage, Failing] = field(default_factory=dict)
    rota: Rota = field(default_factory=dict)
    planned: asyncio.Event = field(default_factory=asyncio.Event)
    planned_pages: asyncio.Event = field(default_factory=asyncio.Event)
    doubt: asyncio.Event = field(default_factory=asyncio.Event)
    urgent: asyncio.Event = field(default_factory=asyncio.Event)
    unsound: asyncio.Event = field(default_factory=asyncio.Event)
    mail: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    replied: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def fault(self) -> str | None:
        """What of ours failed lately, all of it, and is begun anew; None: nothing did."""
        return "; ".join(one.words for one in self.failing.values()) or None

    @property
    def is_mute(self) -> bool:
        """Whether this round could not remember what it tells: then one round an hour does, else each would."""
        return self.round_at is not None and self.keeper.place is Place.MEMORY and not self.is_first_of_hour

    async def write(self, work: Callable[Concatenate[Writer, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run one of the writer's methods off the loop, one after the other."""
        done = partial(self.keeper.do, work, *args, **named)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.writing, plainly, done)
        finally:
            self._heed_refusal()

    async def tidy(self, work: Callable[..., T], *args: object) -> T | None:
        """Run housekeeping, which takes the connection first, as `write` does; None: the database takes nothing now."""
        done = partial(self.keeper.tidy, lambda db: work(db, *args))
        try:
            return await asyncio.get_running_loop().run_in_executor(self.writing, plainly, done)
        finally:
            self._heed_refusal()

    async def begin_anew(self) -> None:
        """Set the database aside where it is broken, and go on with a new one."""
        try:
            await asyncio.get_running_loop().run_in_executor(self.writing, self.keeper.doubt)
        finally:
            self._heed_refusal()

    def resume_refusal(self) -> None:
        """Say that results cannot be written; not again in the log of each round, as cron mails every line."""
        if self.keeper.refusal and self.keeper.is_resumed:
            self.warnings["store"] = self.said["store"] = self._refused(self.keeper.refusal)
        self._heed_refusal()

    def look_where_it_lies(self) -> None:
        """Say on the page and in the log where the database lies on a network's file system."""
        if words := file_system.warning(self.config.database):
            self.warn("place", words)
        else:
            self.mended("place")

    def _refused(self, refusal: StorageRefusal) -> str:
        return f"results cannot be written to {self.config.database.name}: {refusal.words}"

    def _heed_refusal(self) -> None:
        """Say on the page, to the heartbeat and in the log that results cannot be written, or that they can again."""
        refusal = self.keeper.refusal
        if refusal:
            self.refused_at = self.edge.clock()
            self.warn("store", self._refused(refusal))
        elif self.warnings.pop("store", None):
            self.said.pop("store", None)
            log.warning("results are written to %s again", self.config.database.name)
        for event in self.keeper.events:
            self.warn("database", event.words)

    async def read(self, work: Callable[..., T], *args: object) -> T:
        """Run what reads much off the loop, one after the other: each further thread keeps memory of its own."""
        return await asyncio.get_running_loop().run_in_executor(self.reading, plainly, partial(work, *args))

    def host(self, account: str) -> asyncio.Semaphore:
        """Return the turnstile of the host that an account's canaries ask."""
        provider = self.config.providers[self.config.accounts[account].provider]
        name = _host(self.config.accounts[account].base or provider.base or "")
        if name not in self.hosts:
            self.hosts[name] = asyncio.Semaphore(self.config.probe.per_host)
        return self.hosts[name]

    def read_clocks(self) -> Reading:
        edge = self.edge
        return Reading(edge.clock(), edge.timer(), edge.uptime())

    def trace(self) -> Trace:
        return Trace(self.edge.clock(), self.edge.uptime(), boot())

    def redate(self, by: timedelta) -> None:
        """Date what goes on by a clock that was set by so much, and forget what is of use for minutes only."""
        self.healths = redated(self.healths, by)
        self.tracks = redated(self.tracks, by)
        self.pools = redated(self.pools, by)
        self.cases = case.redated(self.cases, by)
        self.burning = {id: replace(one, since=one.since + by) for id, one in self.burning.items()}
        self.beat_at = self.beat_at and self.beat_at + by
        self.knocks.clear()
        self.tracked_at.clear()
        self.pages_due = Agenda()
        self.followed.clear()
        self.planned_pages.set()
        self.stirred = True

    def seconds_to(self, at: datetime | None) -> float:
        """Return the seconds until `at`, at most STEP_S."""
        return STEP_S if at is None else min((at - self.edge.clock()).total_seconds(), STEP_S)

    def plan_anew(self, spread_s: float = SPREAD_S) -> None:
        """Plan a first look, within `spread_s`, for every target that has no plan."""
        now = self.edge.clock()
        for id, watch in self.config.watches.items():
            if id not in self.agenda:
                self.agenda.set(id, first_at(watch, now, spread_s))
        self.planned.set()

    def plan_sources(self) -> None:
        """Plan a first poll, within SPREAD_S, of every status source that is new; forget those that are gone."""
        now = self.edge.clock()
        for number, id in enumerate(sorted(self.config.feeds)):
            if id not in self.followed:
                self.followed.add(id)
                self.pages_due.set(id, now + timedelta(seconds=SPREAD_S * number / len(self.config.feeds)))
        for id in self.followed - self.config.feeds.keys():
            self.followed.discard(id)
            self.pages_due.drop(id)
            self.sources.pop(id, None)

    def hear_anew(self) -> None:
        """Read every status source now, without what was held against it: it was we who were away."""
        now = self.edge.clock()
        for id, source in self.sources.items():
            if source.doubtful_since:
                self.sources[id] = replace(source, doubtful_since=now, failures=0)
            self.pages_due.hurry(id, now)
        self.planned_pages.set()

    def find_anew(self) -> None:
        """Forget what was noted of targets that are no longer watched, and find what the rest tells of."""
        kept = {account: note.of(self.config.watches.keys()) for account, note in self.notes.items()}
        self.notes = {account: note for account, note in kept.items() if account in self.config.accounts}
        self.findings = {id: tuple(find(id, note, self.config.attention(id))) for id, note in self.notes.items()}

    def scene(self, now: datetime) -> Situation:
        """Return all that is looked at to decide who is told what."""
        return Situation(self.cases, self.config.channels, self.config.rules, self.replies, now, self.fading)

    def note_told(self, messages: Sequence[Message], at: datetime) -> None:
        """Remember that these messages, decided at `at`, are on their way."""
        self.cases = with_messages(self.cases, [(message, at) for message in messages])

    async def save(self, batch: Batch) -> None:
        """Write what one beat remembers; what of it the database does not take is set aside."""
        if refused := await self.write(salvage.save, batch, self.aside):
            await self._note_refused(refused)

    @property
    def aside(self) -> Path:
        """Where what cannot be written is set aside."""
        return self.config.database.with_name(self.config.database.name + ".aside.jsonl")

    async def _note_refused(self, refused: Sequence[Unwritable]) -> None:
        """Note that parts of what was seen could not be kept: by our own fault, which is told as a stage's."""
        what = f"{len(refused)} set aside in {self.aside.name}, the last for {refused[-1].error}"
        self.failing[Stage.REMEMBER] = once_more(
            self.failing.get(Stage.REMEMBER), Stage.REMEMBER, what, self.edge.clock()
        )
        self.news.set()
        await self.write(Writer.save_failing, list(self.failing.values()))

    def take_up(self, config: Config) -> None:
        """Go on with another configuration. Where results and the page are kept stays until a restart."""
        before = self.config
        self.config = replace(
            config,
            location=before.location,
            database=before.database,
            folder=before.folder,
            public_folder=before.public_folder,
            metrics=before.metrics,
            simulated=before.simulated,
        )
        # What was secret before stays so: an answer may be under way.
        secrets = tuple(dict.fromkeys((*config.secrets, *before.secrets)))
        self.prober = replace(
            self.prober, patience=patience(config), rules_of=rules_by_name(config.shelf), secrets=secrets
        )
        self.templates = MessageTemplates(config.templates)
        self.hosts.clear()
        for id in before.watches.keys() - config.watches.keys():
            self.agenda.drop(id)
            self.healths.pop(id, None)
            self.tracks.pop(id, None)
        self.proven -= {id for id in self.proven if _is_set_up_anew(before, config, id)}
        self.find_anew()
        self.rota = {}
        self.planned_pages.set()
        self.mended("configuration")
        self.stirred = True
        self.plan_anew()
        for id, watch in config.watches.items():
            if _has_other_key(before, config, watch.target.account):
                self.agenda.hurry(id, self.edge.clock())


def _has_other_key(before: Config, after: Config, account: str) -> bool:
    """Whether another key was given to an account that is watched already: it may be the cure of what it lacks."""
    old, new = before.accounts.get(account), after.accounts[account]
    return old is not None and (old.secrets, old.problem) != (new.secrets, new.problem)


def _is_set_up_anew(before: Config, after: Config, target: str) -> bool:
    """Whether a target is asked at another address, or otherwise, than before."""
    one = before.watches.get(target), after.watches.get(target)
    if one[0] is None or one[1] is None:
        return True
    old, new = before.accounts[one[0].target.account], after.accounts[one[1].target.account]
    bases = before.providers[old.provider].base, after.providers[new.provider].base
    return (old.base, old.dialects, bases[0]) != (new.base, new.dialects, bases[1])


def _is_proven(health: Health) -> bool:
    """Whether a target may be taken for set up rightly: it was well before, and nothing says otherwise since."""
    was_well = health.well_at is not None or health.state is State.UP
    return was_well and not (health.answer and health.answer.rule.startswith(PREFIX))


@lru_cache(10_000)
def _host(base: str) -> str:
    return urlsplit(base).netloc


@asynccontextmanager
async def open_world(config: Config, edge: Edge, outside: Outside = REAL) -> AsyncIterator[World]:
    """Take the lock, open the database and the session, and resume. Raises StoreError."""
    lock = Lock(config.database)
    try:
        keeper = Keeper(config.database, config.location, lock, edge.clock, edge.timer, stand_in(config.database))
        keeper.open()
        with closing(keeper), ThreadPoolExecutor(1, "store") as writing, ThreadPoolExecutor(1, "page") as reading:
            async with open_session(__version__) as session:
                prober = Prober(
                    session, load_wording(), edge.clock, edge.timer, patience(config), secrets=tuple(config.secrets)
                )
                made = _resumed(config, edge, prober, keeper, writing, reading)
                made.resume_refusal()
                made.outside = outside
                yield made
    finally:
        lock.release()


def patience(config: Config) -> TimeLimits:
    return TimeLimits(config.probe.connect_s, config.probe.silence_s, config.probe.total_s)


def _resumed(
    config: Config,
    edge: Edge,
    prober: Prober,
    keeper: Keeper,
    writing: ThreadPoolExecutor,
    reading: ThreadPoolExecutor,
) -> World:
    """Return what goes on where the process before us ended."""
    connection = keeper.connection
    remembered, told = resume(connection, config.location), correspondence(connection, edge.clock())
    set_by = was_set_back(reader.trace(connection), Trace(edge.clock(), edge.uptime(), boot()))
    world = World(
        config=config,
        edge=edge,
        prober=prober,
        keeper=keeper,
        writing=writing,
        reading=reading,
        agenda=_agenda(config, remembered, edge.clock(), set_by),
        healths={id: health for id, health in remembered.healths.items() if id in config.watches},
        spendings=dict(remembered.spendings),
        incidents=dict(remembered.incidents),
        cases=dict(told.cases),
        replies=list(told.replies),
        digests=dict(told.digests),
        notes=dict(remembered.notes),
        tracks={id: track for id, track in reader.tracks(connection, config.location).items() if id in config.watches},
        pools=reader.pools(connection, config.location),
        sources={id: source for id, source in remembered.sources.items() if id in config.feeds},
        templates=MessageTemplates(config.templates),
        digest_from=told.beat or edge.clock(),
        beat_at=told.beat,
        set_by=set_by,
        failing={one.stage: one for one in reader.failing(connection)},
        clocks=Reading(edge.clock(), edge.timer(), edge.uptime()),
        heard=dict(told.heard),
    )
    keeper.recall = lambda writer: writer.recall(world.cases.values(), world.replies, edge.clock())
    world.proven = {id for id, health in world.healths.items() if _is_proven(health)}
    world.find_anew()
    objectives = [one for one in world.incidents.values() if one.scope is Scope.OBJECTIVE]
    world.burning = {one.subject: resumed(one) for one in objectives}
    return world


def _agenda(config: Config, remembered: Remembered, now: datetime, set_by: timedelta) -> Agenda:
    """Resume the plans that are still to come; what should have been looked at meanwhile starts anew."""
    agenda = Agenda()
    for id, planned in remembered.plans.items():
        if id in config.watches and (at := planned + set_by) > now:
            agenda.set(id, at)
    return agenda
