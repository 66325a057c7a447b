"""Pure: the headers of all families → limits in one normal form, and how long to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from probes.model import Limit

DAY_S = 86_400
LONGEST_RESET_S = 400 * DAY_S
LONGEST_VALUE = 40
MOST_LIMITS = 32
READ = 20_000

# OpenAI, Azure, Groq, Mistral, Cerebras, Together, OpenRouter: the part stands before the unit, if there is a unit.
PART_FIRST = re.compile(r"(?:x-)?ratelimit-(limit|remaining|reset|renewalperiod)(?:-([a-z0-9_-]{1,40}))?")
# Anthropic puts the unit first.
PART_LAST = re.compile(r"anthropic-ratelimit-([a-z0-9_-]{1,40})-(limit|remaining|reset)")
# Cohere tells trial keys only.
NAMED = {
    "x-trial-endpoint-call-limit": ("limit", "requests-minute"),
    "x-trial-endpoint-call-remaining": ("remaining", "requests-minute"),
    "x-endpoint-monthly-call-limit": ("limit", "requests-month"),
}
UNITS = {"": "requests", "req": "requests"}

WINDOW = re.compile(r"(?:(.*?)-)??(?:([0-9]{1,6})-)?(second|minute|hour|day|week|month)")
SPANS_S = {"second": 1, "minute": 60, "hour": 3600, "day": DAY_S, "week": 7 * DAY_S, "month": 30 * DAY_S}

NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,20})?")
PIECE = r"([0-9]{1,9}(?:\.[0-9]{1,20})?) ?(ms|us|µs|ns|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)(?![a-z])"
DURATION = re.compile(rf"(?:{PIECE} ?)+", re.IGNORECASE | re.ASCII)
PIECES = re.compile(PIECE, re.IGNORECASE | re.ASCII)
SCALE_S = {"ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "s": 1.0, "m": 60.0, "h": 3600.0, "d": float(DAY_S)}
DELAY = re.compile(
    r'"retryDelay"\s*:\s*"([0-9.hms]{1,20})"|\b(?:again|retry) (?:in|after) ([0-9][0-9a-z. ]{0,20})', re.IGNORECASE
)
EPOCH_FROM = 1e9
EPOCH_MS_FROM = 1e11

Told = dict[str, float]


def read_limits(headers: Mapping[str, str], windows: Mapping[str, float], now: datetime) -> tuple[Limit, ...] | None:
    """Return every limit the headers tell of; None when they tell of none. What is no number is left out.

    `windows` says how many seconds a unit's limit spans where the header does not.
    """
    told: dict[tuple[str, float | None], Told] = {}
    for header, value in headers.items():
        if found := _name(header.lower()):
            part, unit = found
            number = _reset_s(value, now) if part == "reset" else _number(value)
            if number is not None and len(told) < MOST_LIMITS:
                told.setdefault(_unit_and_window(unit), {})[part] = number
    limits = tuple(
        Limit(
            unit=unit,
            window_s=window_s or parts.get("renewalperiod") or windows.get(unit),
            limit=parts.get("limit"),
            remaining=parts.get("remaining"),
            reset_s=parts.get("reset"),
        )
        for (unit, window_s), parts in told.items()
        if "limit" in parts or "remaining" in parts
    )
    return limits or None


def retry_after_s(headers: Mapping[str, str], body: str, now: datetime) -> float | None:
    """Return how long the answer asks to wait, 0 to a day; None when it does not say.

    Only meaningful on 429, 503 and 529: Anthropic and others send Retry-After with good answers too.
    """
    found = {name.lower(): value for name, value in headers.items()}
    asked = [_number(found.get("retry-after-ms", ""), scale=1e-3), _wait_s(found.get("retry-after", ""), now)]
    waits = [wait_s for wait_s in asked if wait_s is not None] or _waits_in(body)
    return min(max(waits), float(DAY_S)) if waits else None


def _name(header: str) -> tuple[str, str] | None:
    """Return which part of which unit's limit a header tells."""
    if "ratelimit" not in header:
        return NAMED.get(header)
    if match := PART_FIRST.fullmatch(header):
        return match[1], match[2] or ""
    if match := PART_LAST.fullmatch(header):
        return match[2], match[1]
    return None


def _unit_and_window(unit: str) -> tuple[str, float | None]:
    window_s = None
    if match := WINDOW.fullmatch(unit):
        unit, window_s = match[1] or "", float(int(match[2] or 1) * SPANS_S[match[3]])
    return UNITS.get(unit, unit), window_s


def _number(value: str, scale: float = 1.0) -> float | None:
    text = value[: LONGEST_VALUE + 1].strip()
    return float(text) * scale if NUMBER.fullmatch(text) else None


def _reset_s(value: str, now: datetime) -> float | None:
    """Return seconds from now for plain seconds, a Go duration, an epoch (in s or ms) or RFC 3339."""
    number = _number(value)
    if number is None:
        number = _duration_s(value) if len(value) <= LONGEST_VALUE else None
    if number is None:
        return _bounded(_until(_rfc3339(value), now))
    if number >= EPOCH_MS_FROM:
        return _bounded(number / 1000 - now.timestamp())
    return _bounded(number - now.timestamp() if number >= EPOCH_FROM else number)


def _bounded(seconds: float | None) -> float | None:
    return max(seconds, 0.0) if seconds is not None and seconds <= LONGEST_RESET_S else None


def _wait_s(value: str, now: datetime) -> float | None:
    number = _number(value)
    if number is None:
        number = _until(_http_date(value), now)
    return None if number is None else max(number, 0.0)


def _waits_in(body: str) -> list[float]:
    """Google says it in RetryInfo, others in the sentence."""
    told = [match[1] or match[2] for match in DELAY.finditer(body[:READ])]
    waits = [_number(text.strip(". ")) if _duration_s(text) is None else _duration_s(text) for text in told]
    return [wait_s for wait_s in waits if wait_s is not None]


def _duration_s(text: str) -> float | None:
    """Return the seconds of the duration a text begins with: 6m0s, 12ms, 1h2m3s, 26 seconds."""
    match = DURATION.match(text.strip())
    if match is None:
        return None
    pieces = ((float(number), unit.lower()) for number, unit in PIECES.findall(match[0]))
    return sum(number * SCALE_S[unit if unit in SCALE_S else unit[0]] for number, unit in pieces)


def _until(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else (at - now).total_seconds()


def _rfc3339(value: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(value[:LONGEST_VALUE].strip()))
    except (ValueError, OverflowError):
        return None


def _http_date(value: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(value[:LONGEST_VALUE]))
    except (ValueError, OverflowError, TypeError):
        return None


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
