"""Who asks for what, and whether the request is well-formed."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from probes.simulator.answer import GenerationRequest, Json, WireFormat
from probes.simulator.role import PARTS, Endpoint, SimulatedProvider

COUNT = re.compile(r"\bcount from 1 to (\d{1,4})\b", re.IGNORECASE)


class SimulatedRequest(Struct, frozen=True):
    """One parsed request. `body` is None when it is no JSON object."""

    provider: str
    route: Endpoint
    key: str | None
    headers: Mapping[str, str]
    body: Json | None
    model: str | None
    streams: bool
    id: str

    def __repr__(self) -> str:
        return f"Demand({self.provider}, {self.route})"

    @property
    def part(self) -> SimulatedProvider:
        return PARTS[self.provider]


class RequestRefusal(Struct, frozen=True):
    """Why a request is refused: a row of the provider's refusals, and values to fill in."""

    name: str
    words: Mapping[str, str] = field(default_factory=dict)


def parse_request(
    provider: str, route: Endpoint, headers: Mapping[str, str], raw: bytes, *, model: str | None, id: str
) -> SimulatedRequest:
    """Return the parsed request; `model` is the one in the URL, if any."""
    body = _json_object(raw)
    told = body or {}
    named = model or told.get("model")
    return SimulatedRequest(
        provider=provider,
        route=route,
        key=key_of(provider, headers),
        headers=headers,
        body=body,
        model=named if isinstance(named, str) else None,
        streams=told.get("stream") is True if route.streams is None else route.streams,
        id=id,
    )


def key_of(provider: str, headers: Mapping[str, str]) -> str | None:
    part = PARTS[provider]
    value = headers.get(part.key_header, "")
    return value.removeprefix(part.key_prefix) or None if value.startswith(part.key_prefix) else None


def check_form(demand: SimulatedRequest) -> RequestRefusal | None:
    dialect, body = demand.route.dialect, demand.body
    if not dialect:
        return None
    if body is None:
        return RequestRefusal("malformed")
    if missing := [name for name in dialect.required_headers if name not in demand.headers]:
        return RequestRefusal("missing_header", {"field": missing[0]})
    if missing := [name for name in dialect.required if name not in body]:
        return RequestRefusal("missing_field", {"field": missing[0]})
    return _fault_of_cap(dialect, _cap(dialect, body))


def to_generation(demand: SimulatedRequest, dialect: WireFormat, at: datetime) -> GenerationRequest:
    body = demand.body or {}
    options = body.get("stream_options")
    wanted = isinstance(options, dict) and options.get("include_usage") is True
    told = COUNT.search(json.dumps(body))
    return GenerationRequest(
        demand.id, at, demand.model or "", _cap(dialect, body), wanted, int(told[1]) if told else 0
    )


def _json_object(raw: bytes) -> Json | None:
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _fault_of_cap(dialect: WireFormat, cap: object) -> RequestRefusal | None:
    if cap is None:
        return None
    if not isinstance(cap, int) or cap < 1:
        return RequestRefusal("malformed")
    return RequestRefusal("cap_too_small", {"value": str(cap)}) if cap < dialect.least_cap else None


def _cap(dialect: WireFormat, body: Json) -> Any:
    config = body.get("generationConfig")  # Gemini nests its settings one level deeper
    settings = config if isinstance(config, dict) else body
    return next((settings[name] for name in dialect.caps if name in settings), None)
