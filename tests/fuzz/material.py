"""What comes in from outside, each legal or illegal shape of it: the strategies of the fuzzers, and what is clean."""

import json
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st

from probes.redact import CONTROLS
from probes.sanitize import MAX_LENGTH

SAMPLES = Path(__file__).parents[1] / "samples"
IS_DEEP = settings.get_current_profile_name() == "deep"
"""`make fuzz`: thousands of examples, others each time."""
fuzz = settings() if IS_DEEP else settings(max_examples=40, derandomize=True)
"""A few examples, the same in each run, so that nobody's change is red by another's luck."""

ANY_CHARACTER = st.characters(exclude_categories=())
"""Halves of surrogate pairs and control characters included."""
ANY_TEXT = st.text(ANY_CHARACTER, max_size=40)
NUMBERS = st.sampled_from(
    [
        *("0", "-0", "-1", "9223372036854775808", "1e300", "1e999", "-1e999", "NaN", "Infinity", "1e-400", "0.1e1"),
        *("9" * 400, "9" * 5000, "01", "0x10", "1_000", "1.", ".5", "٣", "²", "1e", "--1", "+1", "9999999999999999"),
    ]
)
NAMES = st.sampled_from(
    [
        *("error", "errors", "message", "msg", "code", "type", "status", "details", "detail", "metadata", "raw", "id"),
        *(
            "choices",
            "delta",
            "content",
            "text",
            "usage",
            "prompt_tokens",
            "completion_tokens",
            "data",
            "object",
            "name",
        ),
        *("finish_reason", "model", "is_active", "balance", "total", "limit", "retryDelay", "__proto__", "", "\ud800"),
    ]
)
PHRASES = st.sampled_from(
    [
        *(
            "invalid api key",
            "quota",
            "account suspended",
            "rate limit",
            "try again in 9e99s",
            "limit: 0",
            "overloaded",
        ),
        *(
            "<html>",
            "<title>",
            "</",
            "<!--",
            "]]>",
            "&#x;",
            "&#99999999999;",
            "data: {",
            "event: error",
            "{'",
            "\\u",
            "\\",
        ),
        *("Traceback (most recent call last):", "HTTP/1.1 200 OK\r\n", "< HTTP/2 401", "b'\\xff'", "raise", "Error: {"),
        *("\x00", "\x1b[31m", "\u202e", "\ufeff", "\r", "\n\n", "\ud800", "\udfff", "\x85", "sk-proj-abcdefghijkl1234"),
    ]
)
"""The literals that the readers look for, and what is no text at all."""
STRINGS = st.lists(PHRASES | ANY_TEXT, max_size=5).map(" ".join)


def _object(pairs):
    """Write an object with all its pairs, those of one name included."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


JSON_TEXT = st.recursive(
    NUMBERS | st.sampled_from(["null", "true", "false", '"', "{", "[", ""]) | STRINGS.map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda its: f"[{','.join(its)}]")
        | st.lists(st.tuples(NAMES, inner), max_size=5).map(_object)
    ),
    max_leaves=15,
)
"""JSON, nearly: numbers that no float holds, names that come twice, values that are missing."""
DEEP = st.builds(
    lambda opening, number, middle, closing: opening * number + middle + closing * number,
    st.sampled_from(
        ["{", "[", '{"error":', '{"error":"', "[{", "<p>", "<html>", "('", "data: ", "(", "\\", '"{\\"a\\":']
    ),
    st.integers(1, 3000),
    STRINGS | JSON_TEXT,
    st.sampled_from(["", "}", "]", '"}', "</p>", "')"]),
)
SSE_TEXT = st.lists(
    st.tuples(
        st.sampled_from(["data: ", "data:", "event: ", "id: ", "retry: ", ": ", "", "{", "data", "\ufeffdata: "]),
        JSON_TEXT | PHRASES | st.just("[DONE]"),
        st.sampled_from(["\n", "\n\n", "\r", "\r\n\r\n", "\r\n", ""]),
    ).map("".join),
    max_size=8,
).map("".join)


def _headed(path):
    return path.read_text(encoding="utf-8", errors="surrogateescape").partition("\n\n")[2]


RECORDED = sorted(path for path in SAMPLES.glob("*/*.http"))
BODIES_OF_SAMPLES = st.sampled_from(RECORDED).map(_headed)


@st.composite
def mutated(draw, texts, pieces=PHRASES | JSON_TEXT | ANY_TEXT):
    """A text with pieces of it taken out, doubled, or replaced by something else, and perhaps cut."""
    text = draw(texts)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 60)))
        text = text[:start] + draw(st.sampled_from([text[start:end] * 2, ""]) | pieces) + text[end:]
    return text[: draw(st.sampled_from([len(text), len(text) // 2, max(0, len(text) - 1)]))]


BODIES = JSON_TEXT | STRINGS | DEEP | SSE_TEXT | mutated(BODIES_OF_SAMPLES)

HEADER_NAMES = st.sampled_from(
    [
        *("Content-Type", "Retry-After", "retry-after-ms", "Date", "Server", "cf-ray", "cf-mitigated", "x-request-id"),
        *("x-ratelimit-limit-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "ratelimit"),
        *(
            "ratelimit-policy",
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-reset",
            "x-ratelimit-reset",
        ),
        *(
            "Location",
            "Sunset",
            "Deprecation",
            "Warning",
            "WWW-Authenticate",
            "x-should-retry",
            "",
            "x-ratelimit-limit--",
        ),
    ]
)
HEADER_VALUES = (
    NUMBERS
    | ANY_TEXT
    | STRINGS
    | st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT")
    | st.datetimes().map(lambda at: at.isoformat() + "+99:99")
    | st.sampled_from(["Fri, 31 Dec 9999 23:59:59 -1200", "0001-01-01T00:00:00+23:59", "1h" * 500, '"a";r=1;t=9' * 90])
)
HEADERS = st.dictionaries(HEADER_NAMES | ANY_TEXT, HEADER_VALUES, max_size=6)


def is_clean(text, longest=MAX_LENGTH):
    """Whether a text may be kept, shown and written: bounded, and with nothing in it that is no text."""
    return len(text) <= longest and not CONTROLS.search(text)
