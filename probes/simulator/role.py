"""The roles to play: each provider's URLs, headers and rate limits."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from probes.simulator.answer import (
    CHAT,
    COHERE_CHAT,
    COUNT_CONTENTS,
    COUNT_MESSAGES,
    GENERATE,
    GROQ_CHAT,
    MESSAGES,
    RESPONSES,
    Json,
    WireFormat,
    anthropic_list,
    cohere_list,
    gemini_list,
    openai_list,
)


class Call(StrEnum):
    """What a client can ask for."""

    LIST = "list"
    CHAT = "chat"
    RESPONSES = "responses"
    COUNT = "count"


class Endpoint(Struct, frozen=True):
    """One endpoint; `dialect` is None for the list of models."""

    method: str
    path: str
    call: Call
    dialect: WireFormat | None = None
    streams: bool | None = None
    """Whether it streams; None: as the request's `stream` says."""


class Meter(Struct, frozen=True):
    """An account's rate limits: `scale` times the usual ceilings, all used up or not."""

    scale: float = 1.0
    spent: bool = False


class SimulatedProvider(Struct, frozen=True):
    """One provider: its address, and what all of its answers have in common."""

    base: str
    routes: tuple[Endpoint, ...]
    models: tuple[str, ...]
    listing: Callable[[Sequence[str]], Json]
    headers: Callable[[str], Mapping[str, str]]
    limits: Callable[[Meter, datetime], Mapping[str, str]]
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    json_type: str = "application/json"
    stream_error_type: str | None = None
    """The content type of an error on a streaming request, if it is not `json_type`."""


def _openai_limits(meter: Meter, now: datetime) -> Mapping[str, str]:
    return _x_ratelimit(meter, requests=(500, "120ms"), tokens=(200_000, "0s"))


def _groq_limits(meter: Meter, now: datetime) -> Mapping[str, str]:
    """Groq counts requests per day, tokens per minute."""
    return _x_ratelimit(meter, requests=(14_400, "6s"), tokens=(6_000, "130ms"))


def _x_ratelimit(meter: Meter, **units: tuple[int, str]) -> Mapping[str, str]:
    headers = {}
    for unit, (usual, reset) in units.items():
        ceiling = int(usual * meter.scale)
        headers[f"x-ratelimit-limit-{unit}"] = str(ceiling)
        headers[f"x-ratelimit-remaining-{unit}"] = str(_left(meter, ceiling))
        headers[f"x-ratelimit-reset-{unit}"] = "20s" if meter.spent else reset
    return headers


def _anthropic_limits(meter: Meter, now: datetime) -> Mapping[str, str]:
    usual = {"requests": 4_000, "tokens": 2_400_000, "input-tokens": 2_000_000, "output-tokens": 400_000}
    reset = (now + timedelta(seconds=20 if meter.spent else 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers = {}
    for unit, ceiling in ((unit, int(ceiling * meter.scale)) for unit, ceiling in usual.items()):
        left = _left(meter, ceiling)
        headers[f"anthropic-ratelimit-{unit}-limit"] = str(ceiling)
        # Remaining tokens are rounded to thousands.
        headers[f"anthropic-ratelimit-{unit}-remaining"] = str(left if unit == "requests" else round(left, -3))
        headers[f"anthropic-ratelimit-{unit}-reset"] = reset
    return headers


def _cohere_limits(meter: Meter, now: datetime) -> Mapping[str, str]:
    ceiling = int(40 * meter.scale)
    return {
        "x-endpoint-monthly-call-limit": str(int(1000 * meter.scale)),
        "x-trial-endpoint-call-limit": str(ceiling),
        "x-trial-endpoint-call-remaining": str(_left(meter, ceiling)),
    }


def _no_limits(meter: Meter, now: datetime) -> Mapping[str, str]:
    return {}


def _left(meter: Meter, ceiling: int) -> int:
    return 0 if meter.spent else max(ceiling - 1, 0)


PARTS: Mapping[str, SimulatedProvider] = {
    "openai": SimulatedProvider(
        base="/openai/v1",
        routes=(
            Endpoint("GET", "/models", Call.LIST),
            Endpoint("POST", "/chat/completions", Call.CHAT, CHAT),
            Endpoint("POST", "/responses", Call.RESPONSES, RESPONSES),
        ),
        models=("gpt-5-nano", "gpt-4.1-nano", "gpt-4o-mini"),
        listing=openai_list,
        headers=lambda id: {
            "x-request-id": f"req_{id}",
            "openai-organization": "org-simulated",
            "openai-processing-ms": "7",
            "openai-version": "2020-10-01",
            "cf-ray": f"{id[:16]}-SIM",
        },
        limits=_openai_limits,
    ),
    "anthropic": SimulatedProvider(
        base="/anthropic",
        routes=(
            Endpoint("GET", "/v1/models", Call.LIST),
            Endpoint("POST", "/v1/messages", Call.CHAT, MESSAGES),
            Endpoint("POST", "/v1/messages/count_tokens", Call.COUNT, COUNT_MESSAGES, streams=False),
        ),
        models=("claude-haiku-4-5", "claude-3-haiku-20240307"),
        listing=anthropic_list,
        headers=lambda id: {
            "request-id": f"req_{id}",
            "anthropic-organization-id": "00000000-0000-0000-0000-000000000000",
            "cf-ray": f"{id[:16]}-SIM",
        },
        limits=_anthropic_limits,
        key_header="x-api-key",
        key_prefix="",
    ),
    "gemini": SimulatedProvider(
        base="/gemini/v1beta",
        routes=(
            Endpoint("GET", "/models", Call.LIST),
            Endpoint("POST", "/models/{model}:generateContent", Call.CHAT, GENERATE, streams=False),
            Endpoint("POST", "/models/{model}:countTokens", Call.COUNT, COUNT_CONTENTS, streams=False),
            Endpoint("POST", "/models/{model}:streamGenerateContent", Call.CHAT, GENERATE, streams=True),
        ),
        models=("gemini-flash-lite-latest", "gemini-2.5-flash-lite", "gemini-2.5-flash"),
        listing=gemini_list,
        headers=lambda id: {"server-timing": "gfet4t7; dur=7"},
        limits=_no_limits,
        key_header="x-goog-api-key",
        key_prefix="",
        json_type="application/json; charset=UTF-8",
        stream_error_type="text/event-stream",
    ),
    "cohere": SimulatedProvider(
        base="/cohere",
        routes=(
            Endpoint("GET", "/v1/models", Call.LIST),
            Endpoint("POST", "/v2/chat", Call.CHAT, COHERE_CHAT),
        ),
        models=("command-r7b-12-2024", "command-a-03-2025"),
        listing=cohere_list,
        headers=lambda id: {"x-debug-trace-id": id},
        limits=_cohere_limits,
    ),
    "groq": SimulatedProvider(
        base="/groq/openai/v1",
        routes=(
            Endpoint("GET", "/models", Call.LIST),
            Endpoint("POST", "/chat/completions", Call.CHAT, GROQ_CHAT),
            Endpoint("POST", "/responses", Call.RESPONSES, RESPONSES),
        ),
        models=("llama-3.1-8b-instant", "openai/gpt-oss-20b"),
        listing=openai_list,
        headers=lambda id: {"x-request-id": f"req_{id}", "x-groq-region": "sim", "cf-ray": f"{id[:16]}-SIM"},
        limits=_groq_limits,
    ),
    "openai-compatible": SimulatedProvider(
        base="/gateway/v1",
        routes=(
            Endpoint("GET", "/models", Call.LIST),
            Endpoint("POST", "/chat/completions", Call.CHAT, CHAT),
            Endpoint("POST", "/responses", Call.RESPONSES, RESPONSES),
        ),
        models=("gpt-4o-mini", "deepseek-chat"),
        listing=openai_list,
        headers=lambda id: {"x-oneapi-request-id": id},
        limits=_no_limits,
        json_type="application/json; charset=utf-8",
    ),
}
