"""The demonstration: the real monitor on simulated providers, with a short script of trouble and recovery."""

import asyncio
from pathlib import Path
from typing import assert_never

from msgspec import Struct

from monitor.alert.channel import TERMINAL
from monitor.alert.deliver import Print
from monitor.config.config import Config
from monitor.config.document import ProbeSection, SiteSection, StatusSection
from monitor.runtime.daemon import serve, until_signalled
from monitor.schedule import Budget, Watch
from monitor.state.monitor_state import open_state
from monitor.state.services import real_edge
from monitor.store.setting import StoreAddress
from monitor.store.store import open_store
from monitor.thread import with_threads
from probes.catalog import load_provider
from probes.model import Account, Target
from probes.provider import Feed, Platform
from probes.simulator import SimulatedAccount, Simulator, Trouble
from probes.target_id import name_of, provider_of, source_id

FREE_S, PAID_S = 4.0, 8.0
"""Seconds between free and between paid probes: fifteen times as often as usual, so that nobody has to wait."""

KEYS = {
    "openai/production": "sk-simulated-production-0001",
    "openai/backup": "sk-simulated-backup-0002",
    "anthropic/team": "sk-ant-simulated-team-0003",
    "gemini/app": "AIzaSimulatedApp0004",
    "groq/llama": "gsk_simulatedllama0005",
    "cohere/search": "co-simulated-search-0006",
    "openai-compatible/reseller": "sk-simulated-reseller-0007",
}

MODELS = {"openai-compatible": "gpt-4o-mini"}


class Scene(Struct, frozen=True):
    """What happens `after_s` seconds after the start. `subject`: the id of an account or a provider."""

    after_s: float
    subject: str
    trouble: Trouble | None
    words: str


class Post(Struct, frozen=True):
    """What a provider posts on its status page `after_s` seconds after the start."""

    after_s: float
    provider: str
    phase: str
    words: str


SCRIPT = (
    Scene(10, "openai/production", Trouble.ACCOUNT_SUSPENDED, "OpenAI suspends openai/production"),
    Scene(40, "openai/production", None, "OpenAI gives openai/production back"),
    Scene(45, "openai-compatible/reseller", Trouble.READ_ONLY, "the reseller lets its key list models, but not chat"),
    Scene(65, "groq", Trouble.OVERLOADED, "Groq is overloaded for everybody"),
    Scene(80, "openai-compatible/reseller", None, "the reseller lets its key chat again"),
    Post(85, "groq", "investigating", "Groq puts it on its status page"),
    Scene(95, "groq", None, "Groq recovers"),
    Post(100, "groq", "resolved", "Groq's page says that it is over"),
)
ON_THE_PAGE = "Elevated error rates"

DEMONSTRATION = """
DEMONSTRATION: no account is configured, so everything here is SIMULATED.
Trouble happens to seven simulated accounts; watch the monitor notice, explain, tell and show it.
  status page: {address}
  as a file:   {page}
To watch a first account of your own: set OPENAI_API_KEY (or ANTHROPIC_API_KEY, GEMINI_API_KEY, ...)
and start again, or uncomment an [[accounts]] block in monitor.toml. Ctrl-C ends it.
"""


def demonstrate(folder: Path, store: StoreAddress, show: Print, host: str | None) -> None:
    """Watch simulated accounts while a script of trouble and recovery runs; the page is written below `folder`."""
    with asyncio.Runner(loop_factory=lambda: with_threads(asyncio.new_event_loop())) as loop:
        loop.run(_demonstrate(folder, store, show, host))


async def _demonstrate(folder: Path, store: StoreAddress, show: Print, host: str | None) -> None:
    accounts = [SimulatedAccount(provider_of(id), key) for id, key in KEYS.items()]
    async with Simulator(accounts, ttft_s=0.05) as simulator:
        config = _config(simulator, folder, store, host)
        open_store(store).clear()  # the last one's incidents would still be open, and its accounts dead
        async with open_state(config, real_edge(show)) as state, serve(state) as address:
            show(DEMONSTRATION.format(address=address or "not served", page=config.folder / "index.html"))
            script = asyncio.create_task(_play(simulator, show))
            try:
                await until_signalled(state)
            finally:
                script.cancel()


def _config(simulator: Simulator, folder: Path, store: StoreAddress, host: str | None) -> Config:
    """Return a configuration that watches the simulator; its page is below `folder`."""
    accounts = {id: _account(id, key, simulator) for id, key in KEYS.items()}
    providers = {account.provider: load_provider(account.provider) for account in accounts.values()}
    watches = [
        Watch(Target(id, account.provider, canary, model), every_s, free)
        for id, account in accounts.items()
        for canary, model, every_s, free in (
            ("list", None, FREE_S, True),
            ("chat", _model(account.provider), PAID_S, False),
        )
    ]
    return Config(
        file=None,
        probe=ProbeSection(online=[], blip_s=8),
        store=store,
        site=SiteSection(title="AI accounts (demonstration)", host=host),
        folder=folder / "site" / "demo",
        public_folder=folder / "public" / "demo",
        providers=providers,
        accounts=accounts,
        budgets={id: Budget(daily_usd=1, daily_tokens=10_000_000) for id in accounts},
        watches={watch.target.id: watch for watch in watches},
        channels=(TERMINAL,),
        status=StatusSection(interval_s=FREE_S),
        feeds={source_id(id, "page"): _page(id, simulator) for id in ("groq", "openai")},
        simulated=True,
    )


async def _play(simulator: Simulator, show: Print, script: tuple[Scene | Post, ...] = SCRIPT) -> None:
    """Play the script on the simulator, without telling the monitor."""
    passed_s = 0.0
    for scene in script:
        await asyncio.sleep(scene.after_s - passed_s)
        passed_s = scene.after_s
        show(f"[simulator, {passed_s:g} s] {scene.words}")
        match scene:
            case Post(_, provider, phase):
                simulator.announce(provider, ON_THE_PAGE, phase=phase, impact="major")
            case Scene(_, subject, trouble):
                simulator.set(KEYS.get(subject, subject), trouble)
            case _:
                assert_never(scene)


def _page(provider: str, simulator: Simulator) -> Feed:
    page = simulator.status_page(provider)
    url = f"{page}/api/v2/summary.json"
    return Feed(id="page", form=Platform.STATUSPAGE, url=url, page=page, source="the simulator")


def _account(id: str, key: str, simulator: Simulator) -> Account:
    provider = provider_of(id)
    return Account(name_of(id), provider, key, simulator.base(provider), note="simulated")


def _model(provider: str) -> str | None:
    return MODELS.get(provider) or load_provider(provider).canaries["chat"].model
