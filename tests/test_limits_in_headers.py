"""Every family of rate-limit headers in one form; nothing hostile gets through."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.answer.limits_in_headers import MOST_LIMITS, merge_limits, read_limits, retry_after_s
from probes.model import Limit
from tests.rows import each_row

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY_S = 86_400
MONTH_S = 30 * DAY_S


def limits(headers, windows=None):
    return read_limits(headers, windows or {}, NOW)


@each_row(
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
        (
            {
                "x-ratelimit-limit-input-images": "50000",
                "x-ratelimit-remaining-input-images": "49999",
                "x-ratelimit-reset-input-images": "1ms",
                "x-ratelimit-limit-project-tokens": "150000000",
            },
            [Limit("input-images", None, 50_000, 49_999, 0.001), Limit("project-tokens", None, 150_000_000, None)],
        ),
        (
            {
                "x-ratelimit-limit-requests": "120",
                "x-ratelimit-remaining-requests": "119",
                "x-ratelimit-renewalperiod-requests": "60",
                "x-ratelimit-reset-requests": "500",
                "x-ratelimit-reset-tokens": "7",
                "x-ratelimit-abusepenalty-active": "False",
                "x-ratelimit-key": "gpt-4o",
            },
            [Limit("requests", 60, 120, 119, 500)],
        ),
        (
            {
                f"anthropic-ratelimit-{unit}-{part}": value
                for unit in ("requests", "tokens", "output-tokens")
                for part, value in (("limit", "50"), ("remaining", "48"), ("reset", "2026-11-21T12:00:03Z"))
            }
            | {"anthropic-ratelimit-unified-status": "allowed", "anthropic-ratelimit-unified-reset": "1795262460"},
            [Limit("requests", 60, 50, 48, 3), Limit("tokens", 60, 50, 48, 3), Limit("output-tokens", None, 50, 48, 3)],
        ),
        (
            {"x-ratelimit-limit-req-minute": "360", "x-ratelimit-remaining-req-minute": "338"},
            [Limit("requests", 60, 360, 338)],
        ),
        (
            {
                "ratelimitbysize-limit": "500000",
                "ratelimitbysize-remaining": "401381",
                "ratelimitbysize-reset": "33",
                "ratelimitbysize-query-cost": "32018",
                "x-ratelimitbysize-limit-minute": "500000",
                "x-ratelimitbysize-remaining-minute": "401381",
                "x-ratelimitbysize-limit-month": "1000000000",
            },
            [Limit("tokens", 60, 500_000, 401_381, 33), Limit("tokens", MONTH_S, 1_000_000_000, None)],
        ),
        (
            {
                "x-ratelimit-limit-tokens-minute": "60000",
                "x-ratelimit-remaining-tokens-minute": "59954",
                "x-ratelimit-reset-tokens-minute": "37.26",
                "x-ratelimit-limit-requests-hour": "30000",
            },
            [Limit("tokens", 60, 60_000, 59_954, 37.26), Limit("requests", 3600, 30_000, None)],
        ),
        (
            {"x-tokenlimit-limit": "3000", "x-tokenlimit-remaining": "2900", "x-tokenlimit-reset": "1"},
            [Limit("tokens", 60, 3000, 2900, 1)],
        ),
        (
            {"x-ratelimit-remaining-requests": "119", "x-ratelimit-remaining-tokens": "119984"},
            [Limit("requests", 60, None, 119), Limit("tokens", 60, None, 119_984)],
        ),
    ],
)
def test_each_family_comes_out_in_one_form(headers, expected):
    told = limits(headers, {"requests": 60, "tokens": 60})

    assert sorted(told, key=str) == sorted(expected, key=str)


def test_groqs_requests_are_counted_by_the_day():
    headers = {"x-ratelimit-limit-requests": "14400", "x-ratelimit-reset-requests": "17.379s"}

    assert limits(headers, {"requests": DAY_S}) == (Limit("requests", DAY_S, 14_400, None, 17.379),)


# draft-ietf-httpapi-ratelimit-headers, version 10 and version 7.
@each_row(
    ("state", "policy", "expected"),
    [
        ('"default";r=50;t=30', '"default";q=100;w=60', [Limit("requests", 60, 100, 50, 30)]),
        ('"default";r=50', None, [Limit("requests", None, None, 50)]),
        (None, '"default";q=100;w=60', [Limit("requests", 60, 100, None)]),
        (
            '"minute";r=5;t=30, "day";r=900',
            '"minute";q=100;w=60, "day";q=1000;w=86400',
            [Limit("requests", 60, 100, 5, 30), Limit("requests", DAY_S, 1000, 900)],
        ),
        (
            '"default" ; r=50 ; t=0; pk=:c29tZW9uZQ==:',
            '"default";q=65535;qu="content-bytes";w=10;x="a, b"',
            [Limit("content-bytes", 10, 65_535, 50, 0)],
        ),
        # Hugging Face names the kind of policy before the bucket.
        ('"api";r=498;t=68', '"fixed window";"api";q=500;w=300', [Limit("requests", 300, 500, 498, 68)]),
        ("limit=100, remaining=50, reset=5", "100;w=60", [Limit("requests", 60, 100, 50, 5)]),
        ("limit=100,remaining=50,reset=5", None, [Limit("requests", None, 100, 50, 5)]),
        (
            "limit=10, remaining=5, reset=1",
            '10;w=1, 50;w=60;comment="sliding"',
            [Limit("requests", 1, 10, 5, 1), Limit("requests", 60, 50, None)],
        ),
        ('"default";r=many;t=30', '"default";q=100;w=soon', [Limit("requests", None, 100, None, None)]),
        ('"default";r=-1;t=-5', None, None),
        ('"default"', '"default"', None),
        ("limit=, remaining=x", "w=60", None),
        ('"' * 5000, ";" * 5000, None),
    ],
)
def test_the_headers_of_the_ietfs_draft_come_out_in_the_same_form(state, policy, expected):
    headers = {name: value for name, value in (("RateLimit", state), ("RateLimit-Policy", policy)) if value}

    assert limits(headers) == (expected and tuple(expected))


def test_one_limit_told_twice_is_one():
    plain_and_named = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests-minute": "3"}

    assert limits(plain_and_named, {"requests": 60}) == (Limit("requests", 60, 10, 3),)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([Limit("tokens", 60, 6000, 10, 2), Limit("tokens", 60, 6000, 10, 0.9)], [Limit("tokens", 60, 6000, 10, 2)]),
        ([Limit("tokens", 60, 6000, 10), Limit("tokens", 60, 6000, 0, 7)], [Limit("tokens", 60, 6000, 0, 7)]),
        ([Limit("tokens", 60, None, 0), Limit("tokens", 60, 6000, 12, 7)], [Limit("tokens", 60, 6000, 0, 7)]),
        ([Limit("tokens", None, 6000, None), Limit("tokens", 60, 6000, 0)], [Limit("tokens", 60, 6000, 0)]),
        (
            [Limit("tokens", None, 500, 1), Limit("tokens", 60, 6000, 0)],
            [Limit("tokens", None, 500, 1), Limit("tokens", 60, 6000, 0)],
        ),
        (
            [Limit("tokens", 60, 6000, 0), Limit("tokens", DAY_S, 6000, 0), Limit("requests", 60, 6000, 0)],
            [Limit("tokens", 60, 6000, 0), Limit("tokens", DAY_S, 6000, 0), Limit("requests", 60, 6000, 0)],
        ),
    ],
)
def test_of_two_readings_of_one_limit_the_tighter_stands_and_is_filled_from_the_other(readings, expected):
    assert merge_limits(readings) == tuple(expected)


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


@each_row(
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
        ("1795262000", 0),
        ("1754667660000", 0),
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


@each_row("value", HOSTILE, ids=lambda value: value[:20])
def test_what_is_no_number_is_left_out(value):
    assert limits({"x-ratelimit-limit-requests": value}) is None
    assert limits({"x-ratelimit-limit": "5", "x-ratelimit-remaining": value}) == (Limit("requests", None, 5, None),)


def test_a_flood_of_limits_is_cut():
    assert len(limits({f"x-ratelimit-limit-unit{number}": "1" for number in range(1000)})) == 32


@each_row(
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
        ({}, r'{"error": "relayed: {\"retryDelay\": \"48s\"}"}', 48),
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


@each_row("value", HOSTILE, ids=lambda value: value[:20])
def test_a_hostile_wait_is_not_heard(value):
    assert retry_after_s({"retry-after": value, "retry-after-ms": value}, f'"retryDelay": "{value}s"', NOW) is None


NAMES = st.one_of(
    st.sampled_from(
        [
            *("x-ratelimit-limit", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-req-10-second"),
            *("anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-limit", "retry-after", "retry-after-ms"),
            *("x-ratelimit-reset", "x-ratelimit-renewalperiod-tokens", "x-endpoint-monthly-call-limit"),
            *("ratelimit", "RateLimit-Policy", "x-ratelimitbysize-limit-month", "x-tokenlimit-remaining"),
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
    st.from_regex(r'("[ab]?";(r|q|w|t|qu)=[0-9]{1,16}[;,] ?){1,9}', fullmatch=True),
    st.from_regex(r"((limit|remaining|reset|w)=[0-9]{1,16}, ?|[0-9]{1,16};w=[0-9]{1,9},){1,9}", fullmatch=True),
    st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} [+-][0-9]{1,9}", fullmatch=True),
)


@given(st.dictionaries(NAMES, VALUES, max_size=8), VALUES)
def test_no_header_makes_the_reader_fail_or_tell_nonsense(headers, body):
    wait_s = retry_after_s(headers, body, NOW)
    told = limits(headers, {"tokens": 60}) or ()

    assert wait_s is None or 0 <= wait_s <= DAY_S
    assert_sound(told)


@given(st.dictionaries(st.sampled_from(["x-ratelimit-limit-tokens", "x-ratelimit-reset-tokens"]), VALUES))
def test_what_is_no_number_spoils_nothing_beside_it(headers):
    good = {"x-ratelimit-limit-requests": "5", "x-ratelimit-remaining-requests": "4"}

    assert Limit("requests", 60, 5, 4) in limits(good | headers, {"requests": 60})


def assert_sound(told):
    assert len(told) <= MOST_LIMITS
    assert len({(limit.unit, round(limit.window_s or 0)) for limit in told}) == len(told)
    for limit in told:
        numbers = [limit.limit, limit.remaining, limit.reset_s, limit.window_s]
        assert all(number is None or 0 <= number < 1e16 for number in numbers)
        assert limit.reset_s is None or limit.reset_s <= 400 * DAY_S
