"""Every family of rate-limit headers in one form; nothing hostile gets through."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.model import Limit
from probes.ratelimit import read_limits, retry_after_s

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY_S = 86_400
MONTH_S = 30 * DAY_S


def limits(headers, windows=None):
    return read_limits(headers, windows or {}, NOW)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "30000",
                "x-ratelimit-remaining-requests": "29999",
                "x-ratelimit-reset-requests": "2ms",
                "x-ratelimit-limit-tokens": "150000000",
                "x-ratelimit-remaining-tokens": "149999974",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            [
                Limit("requests", 60, 30_000, 29_999, 0.002),
                Limit("tokens", 60, 150_000_000, 149_999_974, 360),
            ],
        ),
        (
            {
                "anthropic-ratelimit-input-tokens-limit": "50000",
                "anthropic-ratelimit-input-tokens-remaining": "49000",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-21T12:00:42Z",
            },
            [Limit("input-tokens", None, 50_000, 49_000, 42)],
        ),
        (
            {"x-ratelimit-limit-req-10-second": "60", "x-ratelimit-remaining-req-10-second": "59"},
            [Limit("requests", 10, 60, 59)],
        ),
        (
            {"x-ratelimit-limit-tokens-5-minute": "600000", "x-ratelimit-limit-tokens-month": "200000000000"},
            [Limit("tokens", 300, 600_000, None), Limit("tokens", MONTH_S, 200_000_000_000, None)],
        ),
        (
            {"x-ratelimit-remaining-requests-day": "14398", "x-ratelimit-reset-requests-day": "18037.262588739395"},
            [Limit("requests", DAY_S, None, 14_398, 18_037.262588739395)],
        ),
        (
            {"x-ratelimit": "false", "x-ratelimit-limit": "2", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "2"},
            [Limit("requests", 60, 2, 1, 2)],
        ),
        (
            {"X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795262460000"},
            [Limit("requests", 60, 1, 0, 60)],
        ),
        (
            {"x-ratelimit-limit-requests": "50", "x-ratelimit-renewalperiod-requests": "10"},
            [Limit("requests", 10, 50, None)],
        ),
        (
            {
                "x-endpoint-monthly-call-limit": "1000",
                "x-trial-endpoint-call-limit": "40",
                "x-trial-endpoint-call-remaining": "39",
            },
            [Limit("requests", MONTH_S, 1000, None), Limit("requests", 60, 40, 39)],
        ),
        ({"x-ratelimit-limit-tokens": "33333.333333333336"}, [Limit("tokens", 60, 33_333.333333333336, None)]),
        ({"x-ratelimit-limit-requests": "0"}, [Limit("requests", 60, 0, None)]),
    ],
)
def test_each_family_comes_out_in_one_form(headers, expected):
    told = limits(headers, {"requests": 60, "tokens": 60})

    assert sorted(told, key=str) == sorted(expected, key=str)


def test_a_window_in_the_name_stands_before_the_providers_own():
    (told,) = limits({"x-ratelimit-limit-requests-minute": "5"}, {"requests": DAY_S})

    assert told.window_s == 60


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json", "retry-after": "36"},
        {"x-ratelimit-reset-requests": "2ms"},
        {"x-ratelimit-tokens-query-cost": "107"},
        {"x-ratelimit-over-limit": "no"},
        {"x-ratelimit-dynamic-period-remaining": "892s"},
        {"x-ratelimit-abusepenalty-active": "False"},
    ],
    ids=str,
)
def test_an_answer_that_tells_of_no_limit_tells_nothing(headers):
    assert limits(headers) is None


@pytest.mark.parametrize(
    ("value", "reset_s"),
    [
        ("0s", 0),
        ("12ms", 0.012),
        ("17.379s", 17.379),
        ("1h2m3s", 3723),
        ("2d", 2 * DAY_S),
        ("7", 7),
        ("37.26", 37.26),
        ("1795262430", 30),
        ("1795262430500", 30.5),
        ("2026-11-21T12:00:30+00:00", 30),
        ("2026-11-21T13:00:30+01:00", 30),
        ("2026-11-21T12:00:30", 30),
        ("2026-11-21T11:00:00Z", 0),
        ("abc", None),
        ("-1", None),
        ("9999-12-31T23:59:59Z", None),
        ("123456789d", None),
    ],
)
def test_a_reset_is_seconds_from_now_in_whatever_form_it_comes(value, reset_s):
    (told,) = limits({"x-ratelimit-limit": "1", "x-ratelimit-reset": value})

    assert told.reset_s == (None if reset_s is None else pytest.approx(reset_s))


HOSTILE = ["-1", "1e309", "nan", "inf", "abc", "", " ", "1,000", "٣", "0x10", "9" * 16, "9" * 10_000_000]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:20])
def test_what_is_no_number_is_left_out(value):
    assert limits({"x-ratelimit-limit-requests": value}) is None
    assert limits({"x-ratelimit-limit": "5", "x-ratelimit-remaining": value}) == (Limit("requests", None, 5, None),)


def test_a_flood_of_limits_is_cut():
    assert len(limits({f"x-ratelimit-limit-unit{number}": "1" for number in range(1000)})) == 32


@pytest.mark.parametrize(
    ("headers", "body", "wait_s"),
    [
        ({"retry-after": "36"}, "", 36),
        ({"Retry-After": "0"}, "", 0),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"retry-after-ms": "250"}, "", 0.25),
        ({"retry-after": "1", "retry-after-ms": "0"}, "", 1),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:00 GMT"}, "", 60),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:00 -0000"}, "", 60),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, "", 0),
        ({"retry-after": "99999999"}, "", DAY_S),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, "", DAY_S),
        ({}, '{"details": [{"@type": "RetryInfo", "retryDelay": "38.2s"}]}', 38.2),
        ({}, '{"retryDelay":"0s"}', 0),
        ({}, '{"retryDelay": "65205s"}', 65_205),
        ({}, "Please retry in 48.939935699s.", 48.939935699),
        ({}, "Please try again in 7m12s. Visit https://example.com", 432),
        ({}, "Rate limit is exceeded. Try again in 26 seconds.", 26),
        ({}, "please try again after 1 seconds", 1),
        ({"retry-after": "5"}, "Please retry in 48s.", 5),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "-3"}, "", None),
        ({}, "Please try again later.", None),
        ({}, "", None),
    ],
    ids=str,
)
def test_how_long_to_wait(headers, body, wait_s):
    assert retry_after_s(headers, body, NOW) == (None if wait_s is None else pytest.approx(wait_s))


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:20])
def test_a_hostile_wait_is_not_heard(value):
    assert retry_after_s({"retry-after": value, "retry-after-ms": value}, f'"retryDelay": "{value}s"', NOW) is None


NAMES = st.one_of(
    st.sampled_from(
        [
            *("x-ratelimit-limit", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-req-10-second"),
            *("anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-limit", "retry-after", "retry-after-ms"),
            *("x-ratelimit-reset", "x-ratelimit-renewalperiod-tokens", "x-endpoint-monthly-call-limit"),
        ]
    ),
    st.from_regex(r"(x-)?ratelimit-(limit|remaining|reset)-[a-z0-9-]*", fullmatch=True),
    st.text(max_size=30),
)
VALUES = st.one_of(
    st.text(max_size=50),
    st.integers().map(str),
    st.floats().map(str),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.from_regex(r"([0-9]{1,12}(\.[0-9]+)?(ms|us|s|m|h|d))+", fullmatch=True),
    st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} [+-][0-9]{1,9}", fullmatch=True),
)


@given(st.dictionaries(NAMES, VALUES, max_size=8), VALUES)
def test_no_header_makes_the_reader_fail_or_tell_nonsense(headers, body):
    wait_s = retry_after_s(headers, body, NOW)

    assert wait_s is None or 0 <= wait_s <= DAY_S
    for told in limits(headers, {"tokens": 60}) or ():
        numbers = [told.limit, told.remaining, told.reset_s, told.window_s]
        assert all(number is None or 0 <= number < 1e16 for number in numbers)
