"""Play a world: the real stages of the monitor on virtual time, with answers from the truth in the place of sockets."""

import asyncio
import logging
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp

from msgspec import Struct, field
from msgspec.structs import replace

from benchmarks.diagnosis_answer import Face, faces
from benchmarks.diagnosis_world import Cause, Hit, Manner, Setting, setting
from benchmarks.virtual import VirtualLoop
from monitor.alert.case import Case, Step
from monitor.alert.channel import Channel
from monitor.alert.deliver import Print
from monitor.alert.text import MessageTemplates, MessageText
from monitor.diagnose.incident import Incident, Severity
from monitor.runtime.loop import watch_and_notify
from monitor.state.monitor_state import open_state
from monitor.state.services import DEFAULT_PAUSES, Edge, OutsideCalls
from probes.canary import Prober, outcome_of
from probes.doubt import Doubt, HostUnreached, Obstacle, StatusRefused
from probes.model import Account, Blame, ControlAnswer, Credit, Fault, Observation, Outcome, Target, Usage
from probes.notice import Bulletin, Impact, Notice, NoticePhase, Trust, Validators
from probes.provider import Feed, Provider
from probes.proxy import Egress, Proxies

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MEMORY = Path("/dev/shm")
"""Where a folder costs no disk, on systems that have it."""


class Look(Struct, frozen=True):
    """One look at a target, from its begin to its answer; `cause` is the number of the cause that took it."""

    target: str
    at_s: float
    ended_s: float
    fault: Fault | None = None
    cause: int | None = None


class Part(Struct, frozen=True):
    """One incident in a message, as it was when the message left."""

    step: Step
    incident: Incident


class Sent(Struct, frozen=True):
    """One message that was taken by the channel at `at_s`; it left at `left_s`, None: at the same instant."""

    at_s: float
    text: MessageText
    parts: tuple[Part, ...]
    left_s: float | None = None


class Poll(Struct, frozen=True):
    """What one poll of a provider's page told."""

    provider: str
    at_s: float
    trouble: bool
    readable: bool


class Played(Struct):
    """All that happened in a world that can be seen from outside, and the cases as they stood at its end."""

    looks: list[Look] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    controls: dict[str, list[tuple[float, Fault | None]]] = field(default_factory=dict)
    cases: Mapping[str, Case] = field(default_factory=dict)


def play(kind: str, seed: int) -> tuple[Setting, Played]:
    """Make a world and play it. The same kind and seed give the same."""
    logging.getLogger("monitor").setLevel(logging.CRITICAL)
    folder = Path(mkdtemp(prefix="worlds-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        made = setting(kind, seed, folder)
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return made, runner.run(_play(made))
    finally:
        shutil.rmtree(folder)


async def _play(made: Setting) -> Played:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    stage = Stage(made, loop)
    edge = Edge(stage.clock, loop.time, stage.rng.random, lambda _: None, loop.time)
    outside = OutsideCalls(stage.attempt, stage.probe_control, stage.poll, stage.is_online, stage.send)
    for until_s in (*(made.away or ()), made.ends_s):
        if made.away and until_s == made.away[1]:
            await asyncio.sleep(until_s - loop.now_s)
        else:
            await _watch(stage, edge, outside, until_s)
    return stage.played


async def _watch(stage: "Stage", edge: Edge, outside: OutsideCalls, until_s: float) -> None:
    """Let one process of the monitor run until then."""
    async with open_state(stage.made.config, edge, outside, stage.pauses) as state:
        state.services.templates = stage.templates
        # A played world loses no power: SQLite need not wait for the disk at each of its thousands of commits.
        state.services.storage.failover.connection.execute("PRAGMA synchronous = OFF")
        stages = asyncio.create_task(watch_and_notify(state))
        await asyncio.wait([stages], timeout=until_s - stage.loop.now_s)
        failed = stages.done()
        stages.cancel()
        await asyncio.gather(stages, return_exceptions=not failed)
        stage.played.cases = state.told.cases


class Listener(MessageTemplates):
    """The real templates; it notes of which incidents the text at hand is."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: tuple[Part, ...] = ()

    def fill(self, name: str, values: Mapping[str, object]) -> str:
        found = values.get("items", [values])
        assert isinstance(found, list)
        self.parts = tuple(Part(one["step"], one["incident"]) for one in found if "incident" in one)
        return super().fill(name, values)


@cache
def _listener() -> Listener:
    """One for all worlds, since templates take as long to compile as many messages to write."""
    return Listener()


class Stage:
    """The world around the monitor while it is played."""

    def __init__(self, made: Setting, loop: VirtualLoop) -> None:
        self.made, self.loop = made, loop
        self.rng, self.played, self.templates = Random(f"play {made.kind} {made.seed}"), Played(), _listener()
        self.templates.parts = ()
        # The stages wake each second, as somebody may set the clock: half of the work of a world where nobody does.
        self.pauses = DEFAULT_PAUSES if made.jump else replace(DEFAULT_PAUSES, step_s=5.0)
        self._tales = {id: self._tale(id) for id in sorted(made.config.feeds)}

    def clock(self) -> datetime:
        """Return what the monitor's clock shows; somebody may have set it."""
        when_s, by_s = self.made.jump or (0.0, 0.0)
        return self.at(self.loop.now_s + (by_s if self.loop.now_s >= when_s else 0.0))

    def at(self, at_s: float) -> datetime:
        return NOON + timedelta(seconds=at_s)

    async def attempt(self, _: Prober, provider: Provider, account: Account, target: Target) -> Observation:
        begun_s, at = self.loop.now_s, self.clock()
        cause = self._met(target.id)
        face = None if cause is None else _face(provider.id, cause)
        await asyncio.sleep(self._latency_s(target, face))
        latency_s = self.loop.now_s - begun_s
        number = self._number(target.id, cause, begun_s)
        self.played.looks.append(Look(target.id, begun_s, self.loop.now_s, face.fault if face else None, number))
        return self._bad(target, at, latency_s, face) if face else self._good(target, at, latency_s)

    def _met(self, target: str) -> Cause | None:
        cause = self.made.hits(target, self.loop.now_s)
        if cause is None or self.rng.random() >= cause.chance(target, self.loop.now_s):
            return None
        return cause

    def _number(self, target: str, cause: Cause | None, at_s: float) -> int | None:
        """Return which cause a look met; one that slows it down leaves its answer good."""
        found = (number for number, one in enumerate(self.made.causes) if one is cause or one.slowed(target, at_s) > 1)
        return next(found, None)

    def _latency_s(self, target: Target, face: Face | None) -> float:
        usual_s = 0.8 if target.canary == "chat" else 0.25
        drawn_s = usual_s * self.rng.lognormvariate(0, 0.25)
        drawn_s *= max((one.slowed(target.id, self.loop.now_s) for one in self.made.causes), default=1.0)
        return drawn_s if face is None or face.latency_s is None else face.latency_s

    def _bad(self, target: Target, at: datetime, latency_s: float, face: Face) -> Observation:
        return Observation(
            target=target,
            at=at,
            outcome=outcome_of(face.fault),
            latency_s=latency_s,
            status=face.status,
            request_id=f"req_{self.rng.randrange(16**12):012x}" if face.status else None,
            fault=face.fault,
            answer=face.answer,
        )

    def _good(self, target: Target, at: datetime, latency_s: float) -> Observation:
        facts = self.made.config.providers[target.provider].canaries[target.canary]
        asked = {one.target.model for one in self.made.config.watches.values() if one.target.account == target.account}
        return Observation(
            target=target,
            at=at,
            outcome=Outcome.OK,
            latency_s=latency_s,
            ttft_s=0.6 * latency_s if target.canary == "chat" else None,
            status=200,
            usage=Usage(12, 4) if target.canary == "chat" else Usage(),
            credits=(Credit("USD", 50.0),) if facts.credit else (),
            offer=tuple(sorted(filter(None, asked))) if facts.offers else None,
        )

    async def probe_control(self, _: Prober, provider: Provider, base: str | None, __: Egress) -> ControlAnswer:
        """A call without a key is answered wherever a key alone is the trouble, and where somebody answers anything."""
        begun_s, at = self.loop.now_s, self.clock()
        answerer = next(
            one.target.answerer
            for one in self.made.config.watches.values()
            if one.target.provider == provider.id and self.made.config.accounts[one.target.account].base == base
        )
        cause = self._stands_before(answerer)
        face = _face(provider.id, cause) if cause else None
        await asyncio.sleep(0.2 if face is None or face.latency_s is None else face.latency_s)
        fault = face.fault if face else None
        self.played.controls.setdefault(answerer, []).append((self.loop.now_s, fault))
        status = 401 if face is None else face.status
        if face is None and self.made.deaf:
            status = 200
        return ControlAnswer(at, fault, status, self.loop.now_s - begun_s)

    def _stands_before(self, answerer: str) -> Cause | None:
        now_s = self.loop.now_s
        met = [one for one in self.made.causes if one.is_on(now_s) and answerer in one.answerers]
        met = [one for one in met if max(one.chance(id, now_s) for id in one.spells) > self.rng.random()]
        road = [one for one in met if one.hit in (Hit.OFFLINE, Hit.EGRESS, Hit.EDGE)]
        if self.made.deaf and not road:
            return None  # whoever answers such calls with 200 before the API is asked knows nothing of it
        return next(iter((*road, *met)), None)

    async def is_online(self, places: Sequence[tuple[str, int]], limit_s: float, _: Sequence[Proxies]) -> bool | None:
        await asyncio.sleep(0.05)
        return not self.made.is_offline(self.loop.now_s)

    async def send(self, channel: Channel, text: MessageText, severity: Severity | None, show: Print) -> str | None:
        left_s, parts = self.loop.now_s, self.templates.parts
        if self.made.unreachable and self.made.is_offline(left_s):
            await asyncio.sleep(0.1)
            return "no connection"
        await asyncio.sleep(0.3)
        self.played.sent.append(Sent(self.loop.now_s, text, parts, left_s))
        return None

    # What the providers' pages say

    async def poll(
        self, _: object, feed: Feed, validators: Validators, clock: object, timer: object, *, source: str, way: Egress
    ) -> Bulletin:
        at = self.clock()
        await asyncio.sleep(0.3)
        provider = source.partition("/")[0]
        problem = self._problem(provider)
        notices = () if problem else tuple(one for one in self._told(source))
        self.played.polls.append(Poll(provider, self.loop.now_s, any(one.is_open for one in notices), not problem))
        if problem:
            return Bulletin(source, at, Trust.DOUBTFUL, problem)
        impact = max((one.impact for one in notices if one.is_open), default=Impact.NONE)
        return Bulletin(source, at, Trust.READ, notices=notices, impact=impact, status=200)

    def _problem(self, provider: str) -> Doubt | None:
        if self.made.is_offline(self.loop.now_s):
            return HostUnreached(Obstacle.REFUSED)
        return StatusRefused(500) if self.made.pages[provider] is Manner.STALE else None

    def _tale(self, source: str) -> list[tuple[float, float]]:
        """Return from when to when a source tells of trouble."""
        provider, rng = source.partition("/")[0], Random(f"{source} {self.made.seed}")
        if self.made.pages[provider] is Manner.LYING:
            return [(rng.uniform(-3600, 600), 1e9)]
        late_s = {Manner.HONEST: rng.uniform(60, 420), Manner.LATE: rng.uniform(900, 2400)}
        wait_s = late_s.get(self.made.pages[provider])
        if wait_s is None:
            return []
        its = (one for one in self.made.causes if one.blame is Blame.PROVIDER and _is_at(one, provider))
        return [(one.begin_s + wait_s, one.end_s + rng.uniform(60, 900)) for one in its]

    def _told(self, source: str) -> Sequence[Notice]:
        now_s, notices = self.loop.now_s, []
        for number, (since_s, until_s) in enumerate(self._tales[source]):
            if since_s <= now_s:
                over = now_s >= until_s
                notices.append(
                    Notice(
                        id=f"n{number}",
                        title="Elevated error rates",
                        url=None,
                        phase=NoticePhase.RESOLVED if over else NoticePhase.INVESTIGATING,
                        impact=Impact.MAJOR,
                        began_at=self.at(since_s),
                        updated_at=self.at(until_s if over else since_s),
                        ended_at=self.at(until_s) if over else None,
                    )
                )
        return notices


def _is_at(cause: Cause, provider: str) -> bool:
    return any(id.startswith(f"{provider}/") for id in cause.spells)


def _face(provider: str, cause: Cause) -> Face:
    found = faces(provider, cause.fault)
    return found[cause.look % len(found)]
