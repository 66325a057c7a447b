"""How stages talk to each other: queues of observations and reports for the beat, and events that wake a stage."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

from msgspec import Struct, field

from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change
from monitor.diagnose.status_source import StatusSource
from monitor.metric import ExportedMetrics
from monitor.state.belief import ControlResult
from probes.model import Observation


class BurningObjectives(Struct, frozen=True):
    """The objectives, by id, whose budget burns now."""

    by_id: Mapping[str, Diagnosis]


StageReport = StatusSource | ControlResult | BurningObjectives
"""What a stage other than the prober learnt: a status source's state, control probes, objectives."""


SaveChange = Callable[[Change], Awaitable[None]]
"""Saves a change that no observation led to, and queues its messages."""


class Arrivals(Struct):
    """What came from places, of which the next beat takes note: `late` only for the history, and, by origin, the number
    of the last that was `received`.
    """

    late: list[Observation] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)

    def take(self) -> "Arrivals":
        """Return what there is, and forget it."""
        taken = Arrivals(self.late, self.received)
        self.late, self.received = [], {}
        return taken


class StageSignals(Struct, frozen=True):
    """What one stage leaves for another. The beat takes `reports` and `observations`.

    `doubted`: answerers of doubted targets, to be called without a key. `unsound`: a reader found the database
    broken. `outgoing`: there is something to be shipped. `dropped`: set at the end of a shutdown, when messages under
    way are no longer waited for.
    """

    observations: asyncio.Queue[Observation] = field(default_factory=asyncio.Queue)
    reports: asyncio.Queue[StageReport] = field(default_factory=asyncio.Queue)
    urgent: asyncio.Event = field(default_factory=asyncio.Event)
    probes_planned: asyncio.Event = field(default_factory=asyncio.Event)
    polls_planned: asyncio.Event = field(default_factory=asyncio.Event)
    doubted: set[str] = field(default_factory=set)
    doubt: asyncio.Event = field(default_factory=asyncio.Event)
    replied: asyncio.Event = field(default_factory=asyncio.Event)
    outbox: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    unsound: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    arrivals: Arrivals = field(default_factory=Arrivals)
    outgoing: asyncio.Event = field(default_factory=asyncio.Event)
    exported: asyncio.Queue[ExportedMetrics] = field(default_factory=partial(asyncio.Queue, 1))

    def export(self, metrics: ExportedMetrics) -> None:
        """Leave the newest metrics for a collector, instead of older ones that were not sent yet."""
        if self.exported.full():
            self.exported.get_nowait()
        self.exported.put_nowait(metrics)

    def report(self, one: StageReport, *, is_urgent: bool = True) -> None:
        """Hand a report to the beat; an urgent one, which may change the conclusions, wakes it at once."""
        self.reports.put_nowait(one)
        if is_urgent:
            self.urgent.set()


async def wait_for_event(seconds: float, event: asyncio.Event) -> None:
    """Wait for the event, at most `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await event.wait()
