"""The plan: the next probe of each target, the next poll of each status source, and the money spent."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor.schedule import ProbePlan, Spending, Watch, first_at
from monitor.store.clock import ClockReading


class ScheduleState(Struct, kw_only=True):
    """`looks` and `polls`: when each probe and poll is due. `followed`: the status sources that have a plan.

    `begun`: the clock readings at the start of each probe under way. `proven`: targets that have answered well in
    their present setup. `suspended`: accounts whose associates were probed because of it. `round_at`: the start of the
    single round that this process runs; None: it is resident.
    """

    probes: ProbePlan = field(default_factory=ProbePlan)
    polls: ProbePlan = field(default_factory=ProbePlan)
    followed: set[str] = field(default_factory=set)
    begun: dict[str, ClockReading] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    spendings: dict[str, Spending] = field(default_factory=dict)
    round_at: datetime | None = None

    def plan_probes(self, watches: Mapping[str, Watch], now: datetime, spread_s: float) -> None:
        """Plan a first probe, within `spread_s`, for every target that has no plan."""
        for id, watch in watches.items():
            if id not in self.probes:
                self.probes.set(id, first_at(watch, now, spread_s))

    def plan_polls(self, sources: Mapping[str, object], now: datetime, spread_s: float) -> None:
        """Plan a first poll, within `spread_s`, of every new status source; drop those that are gone."""
        for number, id in enumerate(sorted(sources)):
            if id not in self.followed:
                self.followed.add(id)
                self.polls.set(id, now + timedelta(seconds=spread_s * number / len(sources)))
        for id in self.followed - sources.keys():
            self.followed.discard(id)
            self.polls.drop(id)

    def plan_polls_anew(self) -> None:
        """Drop all planned polls, so that each status source gets a first poll again."""
        self.polls = ProbePlan()
        self.followed.clear()

    def hurry_polls(self, now: datetime) -> None:
        for id in self.followed:
            self.polls.hurry(id, now)
