"""The demonstration: the real monitor on simulated providers, with a short script of trouble and recovery."""

import asyncio
from pathlib import Path
from typing import assert_never

from msgspec import Struct

from monitor.alert.deliver import Print
from monitor.backend import open_store
from monitor.config.config import Config
from monitor.console.demonstration import KEYS, demonstration
from monitor.console.invocation import hint
from monitor.runtime.daemon import run_until_signalled, serve_site
from monitor.runtime.request import serve_requests
from monitor.state.monitor_state import open_state
from monitor.state.services import real_edge
from monitor.thread import use_own_threads
from probes.simulator import SimulatedAccount, Simulator, Trouble
from probes.target_id import provider_of


class DemoStep(Struct, frozen=True):
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
    DemoStep(10, "openai/production", Trouble.ACCOUNT_SUSPENDED, "OpenAI suspends openai/production"),
    DemoStep(40, "openai/production", None, "OpenAI gives openai/production back"),
    DemoStep(
        45, "openai-compatible/reseller", Trouble.READ_ONLY, "the reseller lets its key list models, but not chat"
    ),
    DemoStep(65, "groq", Trouble.OVERLOADED, "Groq is overloaded for everybody"),
    DemoStep(80, "openai-compatible/reseller", None, "the reseller lets its key chat again"),
    Post(85, "groq", "investigating", "Groq puts it on its status page"),
    DemoStep(95, "groq", None, "Groq recovers"),
    Post(100, "groq", "resolved", "Groq's page says that it is over"),
)
ON_THE_PAGE = "Elevated error rates"

DEMONSTRATION = """
DEMONSTRATION: everything here is SIMULATED{reason}.
Trouble happens to seven simulated accounts; watch the monitor notice, explain, tell and show it.
  status page: {address}
  as a file:   {page}
{next_step}Meanwhile, in another terminal: {status}. Ctrl-C ends the demonstration.
"""
FIRST_ACCOUNT = """\
To watch accounts of your own: `provider-monitor init` finds your keys and writes a configuration; or set
OPENAI_API_KEY (or ANTHROPIC_API_KEY, GEMINI_API_KEY, ...) and start again.
"""


def run_demo(own: Config, show: Print) -> None:
    """Watch simulated accounts while a script of trouble and recovery runs. `own`: says where it is written."""
    with asyncio.Runner(loop_factory=lambda: use_own_threads(asyncio.new_event_loop())) as loop:
        loop.run(_demonstrate(own, show))


async def _demonstrate(own: Config, show: Print) -> None:
    accounts = [SimulatedAccount(provider_of(id), key) for id, key in KEYS.items()]
    async with Simulator(accounts, ttft_s=0.05) as simulator:
        config = demonstration(simulator, own)
        open_store(config.store).clear()  # the last one's incidents would still be open, and its accounts dead
        async with open_state(config, real_edge(show)) as state, serve_requests(state), serve_site(state) as address:
            show(_introduction(own, address or "not served", config.folder / "index.html"))
            script = asyncio.create_task(_play(simulator, show))
            try:
                await run_until_signalled(state)
            finally:
                script.cancel()


def _introduction(own: Config, address: str, page: Path) -> str:
    reason, next_step = ("", "") if own.accounts else (", as no account is configured", FIRST_ACCOUNT)
    return DEMONSTRATION.format(
        reason=reason, address=address, page=page, next_step=next_step, status=hint("status --demo")
    )


async def _play(simulator: Simulator, show: Print, script: tuple[DemoStep | Post, ...] = SCRIPT) -> None:
    """Play the script on the simulator, without telling the monitor."""
    passed_s = 0.0
    for scene in script:
        await asyncio.sleep(scene.after_s - passed_s)
        passed_s = scene.after_s
        show(f"[simulator, {passed_s:g} s] {scene.words}")
        match scene:
            case Post(_, provider, phase):
                simulator.announce(provider, ON_THE_PAGE, phase=phase, impact="major")
            case DemoStep(_, subject, trouble):
                simulator.set(KEYS.get(subject, subject), trouble)
            case _:
                assert_never(scene)
