"""Whatever an answer holds, it is judged, and what is kept of it is clean."""

from datetime import UTC, datetime
from math import isfinite

from hypothesis import example, given
from hypothesis import strategies as st

from probes.answer.classify import classify_answer, classify_pasted
from probes.answer.command_output import classify_output
from probes.answer.deprecation import read_warnings
from probes.answer.error_body import read_complaint, words_of
from probes.answer.limits_in_body import read_refused_limits
from probes.answer.limits_in_headers import MOST_LIMITS, read_limits, retry_after_s
from probes.answer.proof import Proof, prove
from probes.answer.sse import Events, split_events
from probes.catalog import load_provider, load_wording, provider_ids
from probes.model import Confidence, Fault
from probes.redact import redact
from tests.fuzz.material import ANY_TEXT, BODIES, HEADERS, JSON_TEXT, SSE_TEXT, STRINGS, fuzz, is_clean, mutated

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY_S = 86_400
WORDING = load_wording()
PROVIDERS = [load_provider(id) for id in provider_ids()]
ASKED = [(one, one.canaries[name]) for one in PROVIDERS for name in one.canaries if not one.is_command]
CLIENTS = [one for one in PROVIDERS if one.is_command]
STATUSES = st.sampled_from([None, 100, 200, 204, 206, 299, 304, 400, 401, 402, 403, 404, 418, 429, 500, 503, 529, 999])
CODES = st.sampled_from([None, 0, 1, 2, 126, 127, 255, 401, 429, -9, 10**6])


def assert_told(verdict, text):
    assert verdict.fault is None or verdict.fault in Fault
    assert verdict.rule
    assert verdict.confidence in Confidence
    assert is_clean(redact(text, ["sk-proj-abcdefghijkl1234"]), longest=len(text) + 1000)


@fuzz
@given(BODIES, STATUSES, HEADERS, st.sampled_from(ASKED), st.booleans())
def test_an_answer_is_judged_whatever_it_holds(body, status, headers, asked, whole):
    provider, canary = asked

    verdict = classify_answer(provider, WORDING.rules, status, headers, body, canary, whole=whole)

    assert_told(verdict, words_of(read_complaint(status, headers, body)))


@fuzz
@given(BODIES, STATUSES, HEADERS, st.sampled_from(PROVIDERS))
def test_what_a_person_pasted_is_judged_whatever_it_holds(body, status, headers, provider):
    verdict, told = classify_pasted(provider, WORDING.rules, status, headers, body)

    assert_told(verdict, told)


@fuzz
@given(BODIES, st.sampled_from(ASKED), st.booleans())
def test_no_body_makes_a_proof_fail(body, asked, whole):
    assert prove(asked[1], body, whole=whole) in Proof


OUTPUT = st.lists(
    STRINGS
    | JSON_TEXT
    | SSE_TEXT
    | ANY_TEXT
    | st.sampled_from(
        ["OK", "user", "codex", "\x1b]0;title", "\x1b[38;5;9m", "tokens used: 9", "workdir: /", "x" * 5000]
    ),
    max_size=12,
).map("\n".join)


@fuzz
@given(st.sampled_from(CLIENTS), CODES, OUTPUT | mutated(OUTPUT))
def test_whatever_a_program_prints_is_judged(client, code, output):
    verdict, told = classify_output(client, WORDING.rules, code, output)

    assert_told(verdict, told)


@fuzz
@given(HEADERS, BODIES)
def test_no_header_and_no_body_tells_of_a_limit_that_is_none(headers, body):
    wait_s = retry_after_s(headers, body, NOW)
    told = [
        *(read_limits(headers, {"tokens": 60.0}, NOW) or ()),
        *(read_refused_limits(body, {"tokens": 60.0}, NOW) or ()),
    ]

    assert wait_s is None or 0 <= wait_s <= DAY_S
    assert len(told) <= 2 * MOST_LIMITS
    numbers = [number for one in told for number in (one.limit, one.remaining, one.reset_s, one.window_s)]
    assert all(number is None or (isfinite(number) and number >= 0) for number in numbers)


@fuzz
@given(HEADERS)
def test_no_header_makes_a_warning_of_itself(headers):
    for provider in PROVIDERS:
        assert all(sign.fault in Fault for sign in read_warnings(provider.id, provider.signals, headers))


@example("data: 1\n\ufeffdata: 2\n\n", [8])
@fuzz
@given(SSE_TEXT | mutated(SSE_TEXT), st.lists(st.integers(1, 30), max_size=40))
def test_a_stream_has_the_same_events_wherever_its_bytes_are_cut(text, cuts):
    data = text.encode("utf-8", "replace")

    whole = list(split_events(data.decode("utf-8", "replace")))

    cutter, told = Events(), []
    for size in [*cuts, len(data) + 1]:
        told += cutter.feed(data[:size])
        data = data[size:]
    assert [*told, *cutter.end()] == whole


PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
SECRETS = st.lists(st.text(PRINTABLE, min_size=1, max_size=60) | st.just("sk-proj-Wq8ZtL5vXn2RjP7m"), max_size=3)
"""What `monitor.config.secret` lets pass for one."""


@fuzz
@given(STRINGS | BODIES, SECRETS)
def test_what_was_redacted_is_clean_and_holds_no_secret(text, secrets):
    told = redact(text, secrets)

    assert is_clean(told, longest=len(text) * 10 + 1000)
    assert not [one for one in secrets if len(one) >= 10 and one.isalnum() and one in told.replace("[redacted]", "")]
