"""A single round, as cron starts one: look at what is due, confirm what fails, tell, publish, and return."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.detect.health import Health
from monitor.diagnose.stage_failure import Stage
from monitor.runtime.supervisor import Work, attempt, review
from monitor.schedule import is_due
from monitor.stages.beat import ABSENT, beat, change, follow_clock, note_absence, seen
from monitor.stages.deliver import deliver, deliver_due
from monitor.stages.notify import take_left_replies, tell_due
from monitor.stages.objectives import weigh_step
from monitor.stages.poll_status import enquire, hear_safely
from monitor.stages.probe import is_wavering, probe
from monitor.stages.publish import publish_now
from monitor.stages.retention import examine, tidy_step
from monitor.stages.state import World
from monitor.storage_refusal import StoreError
from monitor.store import reader
from monitor.store.connection import open_reader
from monitor.store.reader import usual_pause
from monitor.store.standby import Place
from monitor.store.writer import Writer
from probes.model import Observation, Timer

log = logging.getLogger("monitor")

WAITS_S = 16.0
"""So long in all a round waits for re-checks: that of an answer that leaves no hope comes after 15 s."""
LOOKS_S = 45.0
"""No look takes longer, and none begins that may end later: the rest of the minute is for telling and the page."""
STOP_S = 48.0
"""What is under way by then is dropped, as if it had not begun; the next round looks again."""
COMPANY_S = 1.0
"""So long the first answer waits for those of the others that were asked at the same instant."""
MINUTE = timedelta(seconds=60)
"""Cron's shortest pause: what time alone would settle before the next round is settled at the end of this one."""
EPOCH = datetime.fromtimestamp(0, UTC)
MISSED = 3
"""So many times the usual pause between two rounds of cron's is a gap."""
SLACK = timedelta(seconds=15)
"""A status page that is due in a moment is read now."""


class Stint(Struct):
    """The time of one round, by a clock that nobody sets. `running` holds each look with when it began, by target."""

    timer: Timer
    began_s: float
    waited_s: float = 0.0
    longest_s: float = 0.0
    running: dict[str, tuple[asyncio.Task[None], float]] = field(default_factory=dict)

    @property
    def passed_s(self) -> float:
        return self.timer() - self.began_s

    def has_time(self, pause_s: float = 0.0) -> bool:
        """Whether a look that begins after such a pause can end in time, if it takes as long as the longest one yet."""
        return self.passed_s + pause_s + self.longest_s < LOOKS_S


async def once(world: World) -> None:
    """Do one round. What it cannot confirm in time is remembered, and the next round takes it over."""
    world.round_at = world.edge.clock()
    patience = world.prober.patience
    world.prober = replace(world.prober, patience=replace(patience, total_s=min(patience.total_s, LOOKS_S)))
    for stage, step in STEPS:
        await attempt(world, stage, step, change)
    for stage in dict(STEPS):
        await review(world, stage, change)


@asynccontextmanager
async def remembering_what_was_said(world: World) -> AsyncIterator[None]:
    """Leave out of the log what it holds of our own trouble from a round before: cron mails every line."""
    before = reader.said(world.keeper.connection)
    world.said = before | world.said
    yield
    after = {about: words for about, words in world.said.items() if about not in OF_THE_DATABASE}
    if after != before:
        await world.write(Writer.save_said, after)


OF_THE_DATABASE = ("store", "database")
"""Of these the keeper knows itself whether they were said before."""


async def _resume(world: World) -> None:
    now = world.round_at or world.edge.clock()
    await follow_clock(world)
    world.is_first_of_hour = await _is_first_of_hour(world, now)
    await _note_missed_rounds(world, now)


async def _listen(world: World) -> None:
    await take_left_replies(world)


async def _look_around(world: World) -> None:
    async with _company(world), asyncio.TaskGroup() as looks:
        await _look(world, looks)


async def _settle(world: World) -> None:
    if world.unsettled or world.stirred or world.beaten_at is None:
        await beat(world, [], world.edge.clock(), ahead=MINUTE)


async def _publish(world: World) -> None:
    while await world.read(publish_now, world):
        pass


async def _tidy(world: World) -> None:
    try:
        if world.is_doubted:
            await examine(world)
        await tidy_step(world)
    except (sqlite3.Error, StoreError) as error:
        log.warning("old results cannot be rolled up: %s", error)


STEPS: Sequence[tuple[Stage, Work]] = (
    (Stage.REMEMBER, _resume),
    (Stage.HERALD, _listen),
    (Stage.LOOK, _look_around),
    (Stage.WEIGH, weigh_step),
    (Stage.REMEMBER, _settle),
    (Stage.HERALD, tell_due),
    (Stage.DELIVER, deliver_due),
    (Stage.PUBLISH, _publish),
    (Stage.TIDY, _tidy),
)
"""What a round does, in this order."""


@asynccontextmanager
async def _company(world: World) -> AsyncIterator[None]:
    """Hear the status pages that are due, ask whoever is doubted, and carry what is told, beside the looks."""
    polls = [asyncio.create_task(hear_safely(world, id)) for id in world.config.feeds if _is_to_read(world, id)]
    others = [asyncio.create_task(enquire(world)), asyncio.create_task(deliver(world))]
    try:
        yield
        await asyncio.gather(*polls)
    finally:
        for task in (*polls, *others):
            task.cancel()
        await asyncio.gather(*polls, *others, return_exceptions=True)


def _is_to_read(world: World, source: str) -> bool:
    known = world.sources.get(source)
    since = timedelta(seconds=world.config.status.interval_s) - SLACK
    return known is None or known.polled_at is None or world.edge.clock() - known.polled_at >= since


async def _look(world: World, looks: asyncio.TaskGroup) -> None:
    """Look at what is due, and again at what is to be confirmed, while there is time."""
    stint = Stint(world.edge.timer, world.edge.timer())
    _bring_forward(world)
    while True:
        if stint.has_time():
            for target in world.agenda.take_due(world.edge.clock()):
                look = looks.create_task(probe(world, world.config.watches[target]))
                stint.running[target] = look, stint.timer()
        pause_s = _next_in_s(world, stint)
        if pause_s is None and not stint.running:
            return
        if observations := await _seen(world, stint, pause_s):
            await beat(world, observations, world.edge.clock())
        if stint.passed_s >= STOP_S:
            _drop(world, stint)


def _bring_forward(world: World) -> None:
    """What is due in a moment is done now; what was seen the longest ago first, as there may be no time for all."""
    now = world.edge.clock()
    for id, watch in world.config.watches.items():
        at = world.agenda.first_of([id])
        if at is not None and is_due(watch, at, now):
            world.agenda.set(id, min(now, world.healths.get(id, Health()).seen_at or EPOCH))


def _next_in_s(world: World, stint: Stint) -> float | None:
    """Return the seconds until the next look that this round waits for; None: it waits for none.

    A round in which nothing is under way waits as long as it takes to confirm what is answered at once.
    """
    now, first = world.edge.clock(), world.agenda.next_at()
    if first is None or (first - now).total_seconds() > LOOKS_S:
        return None
    at = world.agenda.first_of(id for id, health in world.healths.items() if is_wavering(health))
    if at is None:
        return None
    pause_s = max((at - now).total_seconds(), 0.0)
    patient = bool(stint.running) or stint.waited_s + pause_s <= WAITS_S
    return pause_s if patient and stint.has_time(pause_s) else None


async def _seen(world: World, stint: Stint, pause_s: float | None) -> list[Observation]:
    """Return what has been seen by the end of the pause, or of the round; all that was asked at once, if it is quick.

    Who is refused alone, and who with all others, shows only when the others have answered.
    """
    began_s, idle = stint.timer(), not stint.running
    stops_in_s = STOP_S - stint.passed_s if stint.passed_s < STOP_S else None
    try:
        async with asyncio.timeout(min((one for one in (pause_s, stops_in_s) if one is not None), default=None)):
            found = [await world.finished.get()]
    except TimeoutError:
        stint.waited_s += stint.timer() - began_s if idle else 0.0
        return []
    with suppress(TimeoutError):
        async with asyncio.timeout(min(COMPANY_S, max(STOP_S - stint.passed_s, 0.0))):
            while len(found) < len(stint.running):
                found.append(await world.finished.get())
    await follow_clock(world)
    found = seen(world, found)
    for one in found:
        _, its_start_s = stint.running.pop(one.target.id, (None, stint.timer()))
        stint.longest_s = max(stint.longest_s, stint.timer() - its_start_s)
    return found


def _drop(world: World, stint: Stint) -> None:
    """End what is under way, but not a client program: it has a limit of its own, and has cost something already."""
    for id, (look, _) in list(stint.running.items()):
        if not world.config.providers[world.config.watches[id].target.provider].is_command:
            look.cancel()
            del stint.running[id]
            log.debug("%s: no answer in the time of this round; the next one looks again", id)


async def _note_missed_rounds(world: World, now: datetime) -> None:
    """Remember that cron let rounds fail: how far apart they are only the past tells."""
    if world.beat_at and now - world.beat_at >= ABSENT and world.keeper.place is not Place.MEMORY:
        usual = await asyncio.to_thread(_usual_pause, world)
        await note_absence(world, now, max(ABSENT, MISSED * usual))


async def _is_first_of_hour(world: World, now: datetime) -> bool:
    """Whether no other round began in this hour: it matters only where no round can remember anything."""
    forgets = world.keeper.place is Place.MEMORY
    pause = max(MINUTE, await asyncio.to_thread(_usual_pause, world)) if forgets else MINUTE
    return now - now.replace(minute=0, second=0, microsecond=0) < pause


def _usual_pause(world: World) -> timedelta:
    try:
        with closing(open_reader(world.config.database)) as db:
            return usual_pause(db, timedelta(seconds=LOOKS_S))
    except (sqlite3.Error, StoreError):
        return timedelta(0)
