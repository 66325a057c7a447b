"""Our engine on a configuration of any size: every stage of the loop, a real session, a real database."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from monitor.alert.channel import Channel
from monitor.cli import collect_seldom
from monitor.config.config import Config
from monitor.config.document import ProbeSection, SiteSection, StatusSection
from monitor.runtime.daemon import prepare_interpreter
from monitor.runtime.loop import run_loop
from monitor.schedule import DailyBudget, ProbePlan, Watch
from monitor.state.monitor_state import MonitorState, open_state
from monitor.state.services import Edge, Pauses
from monitor.store.setting import StoreAddress
from probes.catalog import load_provider
from probes.model import Account, Target

MODEL = "gpt-4.1-nano"


def settle(
    folder: Path, bases: Iterable[str], interval_s: float, probe: ProbeSection, channel: str = "terminal:"
) -> Config:
    """Return a configuration of one OpenAI account, and its chat canary, for each base address."""
    named = ((f"account-{number:04d}", base) for number, base in enumerate(bases))
    accounts = [Account(name, "openai", f"sk-bench-{name}-Wq8ZtL5vXn2RjP7m", base) for name, base in named]
    watches = [Watch(Target(one.id, "openai", "chat", MODEL), interval_s, free=False) for one in accounts]
    return Config(
        file=None,
        probe=probe,
        store=StoreAddress(folder / "state" / "monitor.db", "here"),
        site=SiteSection(),
        status=StatusSection(poll=False),
        folder=folder / "site",
        providers={"openai": load_provider("openai")},
        accounts={one.id: one for one in accounts},
        budgets={one.id: DailyBudget(1e9, 10**12) for one in accounts},
        watches={one.target.id: one for one in watches},
        channels=(Channel("bench", channel),),
    )


@dataclass
class Diary(ProbePlan):
    """The agenda, which also writes down what was due when."""

    due: list[tuple[str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def take_due(self, now: datetime) -> list[str]:
        planned = dict(self._at)
        taken = super().take_due(now)
        self.due += [(target, planned[target]) for target in taken]
        return taken


def edge() -> Edge:
    return Edge(lambda: datetime.now(UTC), time.monotonic, random.random, lambda text: None)


def prepare() -> None:
    """Do to the interpreter what `provider-monitor run` does."""
    collect_seldom()
    prepare_interpreter()


@asynccontextmanager
async def at_work(config: Config, spread_s: float) -> AsyncIterator[MonitorState]:
    """Run every stage until the block ends. The first looks are spread over `spread_s`."""
    async with open_state(config, edge(), pauses=Pauses(spread_s=spread_s)) as state:
        stages = asyncio.create_task(run_loop(state, asyncio.Event()))
        try:
            yield state
        finally:
            stages.cancel()
            await asyncio.gather(stages, return_exceptions=True)
