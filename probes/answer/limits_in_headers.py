"""Pure: every provider's rate limit headers → limits in one normal form, and how long to back off."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from probes.model import Limit

DAY_S = 86_400
LONGEST_RESET_S = 400 * DAY_S
"""Seconds to a reset beyond which the whole limit is nonsense."""
LONGEST_VALUE = 40
"""Most characters of a number, a duration or a date."""
LONGEST_DRAFT = 1_000
"""Most characters read of the IETF draft's headers."""
MOST_LIMITS = 32
"""Most limits read of one answer."""
READ = 20_000
"""Most characters of a body searched for a wait."""

# OpenAI, Azure, Groq, Mistral, Cerebras, Together, OpenRouter: the part comes before the unit, if there is one.
PART_FIRST = re.compile(r"(?:x-)?ratelimit(bysize)?-(limit|remaining|reset|renewalperiod)(?:-([a-z0-9_-]{1,40}))?")
# Anthropic puts the unit first.
PART_LAST = re.compile(r"anthropic-ratelimit-([a-z0-9_-]{1,40})-(limit|remaining|reset)")
NAMED = {
    # Cohere sends these for trial keys only.
    "x-trial-endpoint-call-limit": ("limit", "requests-minute"),
    "x-trial-endpoint-call-remaining": ("remaining", "requests-minute"),
    "x-endpoint-monthly-call-limit": ("limit", "requests-month"),
    # Together, next to its x-ratelimit-*.
    "x-tokenlimit-limit": ("limit", "tokens"),
    "x-tokenlimit-remaining": ("remaining", "tokens"),
    "x-tokenlimit-reset": ("reset", "tokens"),
}
UNITS = {"": "requests", "req": "requests"}

WINDOW = re.compile(r"(?:(.*?)-)??(?:([0-9]{1,6})-)?(second|minute|hour|day|week|month)")
SPANS_S = {"second": 1, "minute": 60, "hour": 3600, "day": DAY_S, "week": 7 * DAY_S, "month": 30 * DAY_S}

# The IETF draft's two headers (draft-ietf-httpapi-ratelimit-headers): items with a quoted name since version 08,
# `limit=100, remaining=50, reset=5` and `100;w=60` before.
STATE, POLICY = "ratelimit", "ratelimit-policy"
ITEM = re.compile(r'"([^"]{0,60})"((?:\s{0,3};\s{0,3}[a-z]{1,8}=(?:"[^"]{0,60}"|:[^:]{0,90}:|[0-9.]{1,40}))*)')
PARAMETER = re.compile(r';\s{0,3}([a-z]{1,8})=(?:"([a-z0-9_-]{1,40})"|([0-9.]{1,40}))')
OLD_STATE = re.compile(r"\b(limit|remaining|reset)=([0-9]{1,15})\b")
OLD_POLICY = re.compile(r"(?:^|,)\s{0,3}([0-9]{1,15})\s{0,3};\s{0,3}w=([0-9]{1,9})\b")

NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,20})?")
PIECE = r"([0-9]{1,9}(?:\.[0-9]{1,20})?) ?(ms|us|µs|ns|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)(?![a-z])"
DURATION = re.compile(rf"(?:{PIECE} ?)+", re.IGNORECASE | re.ASCII)
PIECES = re.compile(PIECE, re.IGNORECASE | re.ASCII)
SCALE_S = {"ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "s": 1.0, "m": 60.0, "h": 3600.0, "d": float(DAY_S)}
DELAY = re.compile(
    r'"retryDelay\\?"\s*:\s*\\?"([0-9.hms]{1,20})\\?"|\b(?:again|retry) (?:in|after) ([0-9][0-9a-z. ]{0,20})',
    re.IGNORECASE,
)
EPOCH_FROM = 1e9
"""Seconds from here on are a date (2001 and later), not a wait."""
EPOCH_MS_FROM = 1e11
"""Milliseconds from here on: as seconds it would be a date after the year 5000."""

Place = tuple[str, float | None]
"""A unit, and the seconds its limit spans where the name says so."""
Told = dict[str, float]


def read_limits(headers: Mapping[str, str], windows: Mapping[str, float], now: datetime) -> tuple[Limit, ...] | None:
    """Return every limit in the headers; None when there are none. What is not a number is left out.

    `windows` gives the seconds that a unit's limit spans where the header does not.
    """
    told: dict[Place, Told] = {}
    drafts: dict[str, str] = {}
    for header, value in headers.items():
        if (found := _name(header)) is None:
            continue
        part, place = found
        if part in (STATE, POLICY):
            drafts[part] = f"{drafts[part]}, {value}" if part in drafts else value
            continue
        number = _reset_s(value, now) if part == "reset" else read_number(value)
        if number is not None and len(told) < MOST_LIMITS:
            told.setdefault(place, {})[part] = number
    readings = list(told.items())
    if drafts:
        readings += _read_drafts(drafts.get(STATE, ""), drafts.get(POLICY, ""))
    return merge_limits(
        _limit(place, parts, windows) for place, parts in readings if "limit" in parts or "remaining" in parts
    )


def merge_limits(readings: Iterable[Limit]) -> tuple[Limit, ...] | None:
    """Return each limit once, at most MOST_LIMITS; None when there is none.

    Of two readings of one unit and window the tighter wins, since we hit that one first; what it lacks comes from the
    other. A reading without a window equals one of the same unit and ceiling.
    """
    found: dict[tuple[str, int], Limit] = {}
    for limit in readings:
        key = limit.key
        twin = key if key in found else _twin(limit, found)
        if twin is not None:
            joined = _join(*sorted((found.pop(twin), limit), key=_room))
            found[joined.key] = joined
        elif len(found) < MOST_LIMITS:
            found[key] = limit
    return tuple(found.values()) or None


def retry_after_s(headers: Mapping[str, str], body: str, now: datetime) -> float | None:
    """Return the seconds that the answer asks to wait, 0 to a day; None when it does not say.

    Only meaningful on 429, 503 and 529: Anthropic and others send Retry-After with good answers too.
    """
    found = {name.lower(): value for name, value in headers.items()}
    asked = [read_number(found.get("retry-after-ms", ""), scale=1e-3), _wait_s(found.get("retry-after", ""), now)]
    waits = [wait_s for wait_s in asked if wait_s is not None] or _waits_in(body)
    return min(max(waits), float(DAY_S)) if waits else None


def _limit(place: Place, parts: Told, windows: Mapping[str, float]) -> Limit:
    unit, window_s = place
    return Limit(
        unit=unit,
        window_s=window_s or parts.get("renewalperiod") or windows.get(unit),
        limit=parts.get("limit"),
        remaining=parts.get("remaining"),
        reset_s=parts.get("reset"),
    )


def _twin(limit: Limit, found: Mapping[tuple[str, int], Limit]) -> tuple[str, int] | None:
    for place, other in found.items():
        if limit.unit == other.unit and limit.limit == other.limit and None in (limit.window_s, other.window_s):
            return place
    return None


def _room(limit: Limit) -> tuple[float, float]:
    return (
        math.inf if limit.remaining is None else limit.remaining,
        math.inf if limit.limit is None else limit.limit,
    )


def _join(tighter: Limit, other: Limit) -> Limit:
    return Limit(
        unit=tighter.unit,
        window_s=_first(tighter.window_s, other.window_s),
        limit=_first(tighter.limit, other.limit),
        remaining=_first(tighter.remaining, other.remaining),
        reset_s=_first(tighter.reset_s, other.reset_s),
    )


def _first(number: float | None, other: float | None) -> float | None:
    return other if number is None else number


@lru_cache(1_000)
def _name(header: str) -> tuple[str, Place] | None:
    """Return which part of which unit's limit a header holds; None: none. Cached, since headers repeat."""
    header = header.lower()
    if header in (STATE, POLICY):
        return header, ("", None)
    if found := NAMED.get(header):
        return found[0], _place(found[1])
    if match := PART_FIRST.fullmatch(header):
        # Mistral's older gateway counted tokens "by size".
        return match[2], _place("-".join(filter(None, ("tokens" if match[1] else "", match[3]))))
    if match := PART_LAST.fullmatch(header):
        return match[2], _place(match[1])
    return None


def _place(unit: str) -> Place:
    window_s = None
    if match := WINDOW.fullmatch(unit):
        unit, window_s = match[1] or "", float(int(match[2] or 1) * SPANS_S[match[3]])
    return UNITS.get(unit, unit), window_s


def _read_drafts(state: str, policy: str) -> Iterator[tuple[Place, Told]]:
    state, policy = state[:LONGEST_DRAFT], policy[:LONGEST_DRAFT]
    yield from _read_old_draft(state, policy)
    states, policies = _items(state), _items(policy)
    for name in {**policies, **states}:
        left, rule = states.get(name, {}), policies.get(name, {})
        numbers = {
            "limit": read_number(rule.get("q", "")),
            "remaining": read_number(left.get("r", "")),
            "reset": _bounded(read_number(left.get("t", ""))),
        }
        told = {part: number for part, number in numbers.items() if number is not None}
        yield (rule.get("qu") or "requests", read_number(rule.get("w", ""))), told


def _read_old_draft(state: str, policy: str) -> Iterator[tuple[Place, Told]]:
    spans = {float(most): float(window_s) for most, window_s in OLD_POLICY.findall(policy)}
    told = {part: float(number) for part, number in OLD_STATE.findall(state)}
    if told.get("reset", 0) > LONGEST_RESET_S:
        del told["reset"]
    if told:
        yield ("requests", spans.pop(told.get("limit", 0.0), None)), told
    yield from ((("requests", window_s), {"limit": most}) for most, window_s in spans.items())


def _items(header: str) -> dict[str, dict[str, str]]:
    """Return the parameters of each named item; `"fixed window";"api";q=500` (Hugging Face) is about the last name."""
    return {
        name: {key: quoted or number for key, quoted, number in PARAMETER.findall(parameters)}
        for name, parameters in ITEM.findall(header)
        if parameters
    }


def read_number(value: str, scale: float = 1.0) -> float | None:
    """Return a plain number of at most 15 digits, else None."""
    number = _number(value[: LONGEST_VALUE + 1])
    return None if number is None else number * scale


@lru_cache(1_000)
def _number(text: str) -> float | None:
    """Cached, since each answer repeats the ceiling, and what one probe leaves of it."""
    return float(text) if NUMBER.fullmatch(text.strip()) else None


def _reset_s(value: str, now: datetime) -> float | None:
    """Return seconds from now for plain seconds, a Go duration, an epoch (in s or ms) or RFC 3339."""
    number = read_number(value)
    if number is None and len(value) <= LONGEST_VALUE:
        number = _duration_s(value)
    if number is None:
        return _bounded(_until(_rfc3339(value), now))
    if number >= EPOCH_MS_FROM:
        return _bounded(number / 1000 - now.timestamp())
    return _bounded(number - now.timestamp() if number >= EPOCH_FROM else number)


def _bounded(seconds: float | None) -> float | None:
    return max(seconds, 0.0) if seconds is not None and seconds <= LONGEST_RESET_S else None


def _wait_s(value: str, now: datetime) -> float | None:
    number = read_number(value)
    if number is None:
        number = _until(_http_date(value), now)
    return None if number is None else max(number, 0.0)


def _waits_in(body: str) -> list[float]:
    """Return the waits in a body: Google's in RetryInfo, others' in the sentence."""
    told = [match[1] or match[2] for match in DELAY.finditer(body[:READ])]
    waits = [read_number(text.strip(". ")) if _duration_s(text) is None else _duration_s(text) for text in told]
    return [wait_s for wait_s in waits if wait_s is not None]


@lru_cache(1_000)
def _duration_s(text: str) -> float | None:
    """Return the seconds of the duration at the start of a text: 6m0s, 12ms, 1h2m3s, 26 seconds."""
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
