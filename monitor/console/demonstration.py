"""The demonstration's own configuration: simulated accounts, and where their answers are stored."""

from typing import Protocol

from msgspec.structs import replace

from monitor.alert.channel import TERMINAL
from monitor.config.config import Config
from monitor.config.document import ProbeSection, StatusSection
from monitor.schedule import DailyBudget, Watch
from probes.catalog import load_provider
from probes.model import Account, Target
from probes.provider import Feed, Platform
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


class Reached(Protocol):
    """Where the simulated providers answer."""

    def base(self, provider: str) -> str: ...

    def status_page(self, provider: str) -> str: ...


class Nowhere:
    """Where nothing is asked any more, but what was answered is read."""

    def base(self, provider: str) -> str:
        return f"https://{provider}.invalid"

    status_page = base


def demonstration(place: Reached, own: Config) -> Config:
    """Return a configuration that watches simulated accounts; all is written where and shown as `own` says."""
    accounts = {id: _account(id, key, place) for id, key in KEYS.items()}
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
        store=own.demonstration,
        site=replace(own.site, title=f"{own.site.title} (demonstration)"),
        folder=own.folder / "demo",
        public_folder=own.public_folder / "demo" if own.public_folder else None,
        templates=own.templates,
        page_templates=own.page_templates,
        providers=providers,
        accounts=accounts,
        budgets={id: DailyBudget(daily_usd=1, daily_tokens=10_000_000) for id in accounts},
        watches={watch.target.id: watch for watch in watches},
        channels=(TERMINAL,),
        status=StatusSection(interval_s=FREE_S),
        feeds={source_id(id, "page"): _page(id, place) for id in ("groq", "openai")},
        simulated=True,
    )


def _page(provider: str, place: Reached) -> Feed:
    page = place.status_page(provider)
    url = f"{page}/api/v2/summary.json"
    return Feed(id="page", form=Platform.STATUSPAGE, url=url, page=page, source="the simulator")


def _account(id: str, key: str, place: Reached) -> Account:
    provider = provider_of(id)
    return Account(name_of(id), provider, key, place.base(provider), note="simulated")


def _model(provider: str) -> str | None:
    return MODELS.get(provider) or load_provider(provider).canaries["chat"].model
