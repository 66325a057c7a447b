"""Pure: the body of a refusal → the limits it states, in the same form as those of the headers."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec.structs import replace

from probes.answer.error_body import LONGEST
from probes.answer.limits_in_headers import DAY_S, SPANS_S, merge_limits, read_limits, read_number, retry_after_s
from probes.answer.literal import decode_literal
from probes.model import Limit

DEEPEST = 10
"""Most levels of nesting to search."""
MOST_OBJECTS = 100
"""Most objects searched for limits."""

UNIT = r"((?:(?:input|output|request) )?(?:tokens|requests|images)|(?:api )?calls|seconds of audio|audio seconds)"
SPAN = r"(seconds?|secs?|minutes?|mins?|hours?|days?|weeks?|months?)\b"
COUNT = r"([0-9]{1,15}(?:,[0-9]{3}){0,5}(?:\.[0-9]{1,20})?)(?![0-9])"
# OpenAI and Groq: `on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000`, once `on requests per min. Limit:
# 3 / min.` A request that is too large gets the figure requested, but not the one used.
REACHED = re.compile(
    rf"\bon {UNIT} per {SPAN}(?: \([A-Z]{{2,6}}\))?[.:] Limit:? {COUNT}(?: / [a-z]{{1,6}})?"
    rf"(?:, (Used|Requested) {COUNT})?",
    re.IGNORECASE,
)
# Cohere: `limited to 40 API calls / minute`; OpenRouter: `limited to 1 requests per minute`.
AT_MOST = re.compile(rf"\blimited to {COUNT} {UNIT} ?(?:/|per) ?{SPAN}", re.IGNORECASE)
# Anthropic: `would exceed your organization's rate limit of 4,000 requests per minute`.
TOO_LITTLE = re.compile(rf"\brate limit of {COUNT} {UNIT} per {SPAN}", re.IGNORECASE)
# Anthropic: `Number of request tokens has exceeded your per-minute rate limit`; Bedrock: `Too many tokens per day`.
EXCEEDED = re.compile(rf"\bnumber of {UNIT} has exceeded your per-{SPAN}|\btoo many {UNIT} per {SPAN}", re.IGNORECASE)
# new-api: within 1 minute at most 60 requests.
NEW_API = re.compile(r"([0-9]{1,6}) ?分钟内最多请求 ?([0-9]{1,15}) ?次")

# Google's quota names: GenerateContentInputTokensPerModelPerMinute, generate_content_free_tier_requests.
QUOTA_UNIT = re.compile(r"(input|output)?_?(token|request|image)", re.IGNORECASE)
QUOTA_SPAN = re.compile(r"Per(Second|Minute|Hour|Day|Week|Month)(?![a-z])")
QUOTA_EVERY = re.compile(r"1/(s|min|h|d)/")
EVERY_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": float(DAY_S)}

SHORT = {"sec": "second", "min": "minute"}
UNITS = {"api calls": "requests", "calls": "requests", "request tokens": "tokens", "audio seconds": "seconds of audio"}


def read_refused_limits(body: str, windows: Mapping[str, float], now: datetime) -> tuple[Limit, ...] | None:
    """Return the limits in the body of a 403 or a 429; None when there are none. Never raises.

    `reset_s` is the wait that the body asks for, where the limit itself gives none.
    """
    text = body[:LONGEST]
    objects = list(islice(_objects(decode_literal(text), 0), MOST_OBJECTS))
    said = "\n".join([text, *(value for top in objects for value in top.values() if isinstance(value, str))])
    readings = [limit for top in objects for limit in _in_object(top, windows, now)] + list(_in_sentences(said))
    told = merge_limits(limit for limit in readings if limit.limit is not None or limit.remaining is not None)
    wait_s = retry_after_s({}, text, now)
    return told and tuple(limit if limit.reset_s is not None else replace(limit, reset_s=wait_s) for limit in told)


def _in_object(top: Mapping[str, Any], windows: Mapping[str, float], now: datetime) -> Iterator[Limit]:
    for violation in _list(top.get("violations")):
        yield from _quota(violation, "quotaId", "quotaMetric", "quotaValue", windows)
    if isinstance(metadata := top.get("metadata"), dict):
        yield from _quota(metadata, "quota_limit", "quota_metric", "quota_limit_value", windows)
        yield from _headers_inside(metadata.get("headers"), windows, now)


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield every object in a value, also those inside strings: gateways relay answers that way."""
    if depth > DEEPEST:
        return
    match value:
        case dict():
            yield value
            for inner in value.values():
                yield from _objects(inner, depth + 1)
        case list():
            for inner in value:
                yield from _objects(inner, depth + 1)
        case str() if "{" in value:
            yield from _objects(decode_literal(value), depth + 1)


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _quota(
    fields: Mapping[str, Any], name: str, metric: str, amount: str, windows: Mapping[str, float]
) -> Iterator[Limit]:
    """Yield one of Google's quotas. It is in the answer because it is exceeded."""
    quota = _text(fields.get(name))
    unit = QUOTA_UNIT.search(quota) or QUOTA_UNIT.search(_text(fields.get(metric)).rpartition("/")[2])
    if unit is None:
        return
    what = "-".join(filter(None, (unit[1], f"{unit[2]}s"))).lower()
    every = QUOTA_EVERY.match(_text(fields.get("quota_unit")))
    spans = [SPANS_S[span[1].lower()] for span in QUOTA_SPAN.finditer(quota)] + ([EVERY_S[every[1]]] if every else [])
    yield Limit(what, float(spans[0]) if spans else windows.get(what), read_number(_text(fields.get(amount))), 0.0)


def _text(value: Any) -> str:
    """Return a string or an integer as text; Google writes numbers both ways."""
    return str(value)[:200] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _headers_inside(headers: Any, windows: Mapping[str, float], now: datetime) -> tuple[Limit, ...]:
    """Return the limits of the headers that OpenRouter repeats inside the answer."""
    if not isinstance(headers, dict):
        return ()
    return read_limits({name: _text(value) for name, value in headers.items()}, windows, now) or ()


def _in_sentences(text: str) -> Iterator[Limit]:
    for unit, span, most, verb, spent in REACHED.findall(text):
        yield _limit(unit, span, most, _remaining(_count(most), verb.lower(), spent))
    for most, unit, span in AT_MOST.findall(text):
        yield _limit(unit, span, most, 0.0)
    for most, unit, span in TOO_LITTLE.findall(text):
        yield _limit(unit, span, most, None)
    for unit, span, other_unit, other_span in EXCEEDED.findall(text):
        yield _limit(unit or other_unit, span or other_span, "", 0.0)
    for minutes, most in NEW_API.findall(text):
        yield Limit("requests", 60.0 * int(minutes) or None, _count(most), 0.0)


def _limit(unit: str, span: str, most: str, remaining: float | None) -> Limit:
    unit, span = unit.lower(), span.lower().rstrip("s")
    return Limit(
        unit=UNITS.get(unit, unit).replace(" ", "-"),
        window_s=float(SPANS_S[SHORT.get(span, span)]),
        limit=_count(most),
        remaining=remaining,
    )


def _remaining(most: float | None, verb: str, spent: str) -> float | None:
    """`Limit 30000, Used 29000, Requested 2000` leaves 1000; without a figure, nothing is left."""
    if most is None or verb == "requested":
        return None
    return max(most - (_count(spent) or 0.0), 0.0) if verb else 0.0


def _count(text: str) -> float | None:
    return read_number(text.replace(",", ""))
