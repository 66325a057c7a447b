from datetime import UTC, datetime, timedelta, timezone

import pytest

from monitor import words
from monitor.diagnose.reason import (
    AccountsRefused,
    Undecided,
)
from monitor.diagnose.subject import Scope
from probes.model import Blame, Confidence, Fault, Limit
from probes.notice import Impact, Notice, NoticePhase
from tests.builders_page import NOW, incident


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (23 * 60, "23 min"),
        (3600, "1 h"),
        (3600 * 3 + 60 * 20, "3 h 20 min"),
        (86400, "1 day"),
        (86400 * 5 + 3600 * 2, "5 days 2 h"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "0.00 s"), (0.617, "0.62 s"), (1.93, "1.9 s"), (9.96, "10 s"), (42.4, "42 s")]
)
def test_a_latency_has_as_many_digits_as_it_deserves(value, said):
    assert words.seconds(value) == said


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, "100%"), (0.9999, "99.9%"), (0.57, "57%"), (0.958, "95.8%"), (0.0004, "0%"), (0.0, "0%")]
)
def test_a_share_is_never_rounded_up(share, said):
    assert words.percent(share) == said


@pytest.mark.parametrize(("usd", "said"), [(0.0, "$0.00"), (0.004, "less than $0.01"), (0.42, "$0.42")])
def test_a_cost_that_is_not_nothing_never_reads_as_nothing(usd, said):
    assert words.money(usd) == said


@pytest.mark.parametrize(
    ("by_s", "said"),
    [
        (660, "we knew 11 min before the provider's page"),
        (1, "we knew 1 s before the provider's page"),
        (0.9, "we and the provider's page knew at the same time"),
        (0, "we and the provider's page knew at the same time"),
        (-0.4, "we and the provider's page knew at the same time"),
        (-300, "the provider's page knew 5 min before us"),
    ],
)
def test_nobody_knew_first_within_the_same_second(by_s, said):
    assert words.describe_lead(timedelta(seconds=by_s)) == said
    assert words.describe_lead(None) == ""


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW, "10:34 UTC"),
        (NOW - timedelta(days=1), "20 Nov, 10:34 UTC"),
        (NOW - timedelta(days=365), "21 Nov 2025, 10:34 UTC"),
        (datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=9))), "20 Nov, 16:30 UTC"),
    ],
)
def test_a_time_is_utc_and_leaves_out_what_today_says(at, said):
    assert words.moment(at, NOW).words == said


def test_a_time_without_a_today_is_said_in_full():
    assert words.moment(NOW) == words.Moment("2026-11-21T10:34:00Z", "21 Nov 2026, 10:34 UTC")
    assert words.instant(NOW.replace(second=7)).words == "21 Nov 2026, 10:34:07 UTC"
    assert words.month(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == "December 2026"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (Limit("requests", 60, 500, 480), "480 of 500 requests per minute left"),
        (Limit("input_tokens", 86400, 2_000_000, 0), "0 of 2,000,000 input tokens per day left"),
        (Limit("requests", 10, 500, None), "at most 500 requests per 10 seconds"),
        (Limit("input-tokens", 60, None, 0), "0 input tokens per minute left"),
        (Limit("requests", 60, None, 3.0), "3 requests per minute left"),
        (Limit("tokens", None, None, None), "tokens: not given"),
    ],
)
def test_a_rate_limit_says_what_is_left_of_what(limit, said):
    assert words.describe_limit(limit) == said


def test_every_fault_and_blame_has_its_own_words():
    assert set(words.FAULTS) == set(Fault)
    assert len(set(words.FAULTS.values())) == len(Fault)
    assert set(words.BLAMES) == set(words.BLAMES_AT_LENGTH) == set(Blame)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "your account"),
        ({"confidence": Confidence.MEDIUM}, "probably your account"),
        ({"confidence": Confidence.LOW, "fault": Fault.TIMEOUT}, "perhaps the provider"),
        ({"confidence": Confidence.LOW, "fault": Fault.UNCLASSIFIED}, "undecided"),
        ({"scope": Scope.MONITOR, "fault": Fault.CONNECTION_FAILED}, "nobody's (this monitor is offline)"),
    ],
)
def test_blame_is_hedged_by_how_sure_it_is(changes, said):
    assert words.whose_fault_hedged(incident(**changes)) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"began_at": NOW - timedelta(hours=2, minutes=4)}, "Errors (identified, since 08:30 UTC, 2 h 4 min ago)"),
        ({"began_at": NOW - timedelta(days=3)}, "Errors (identified, since 18 Nov, 10:34 UTC, 3 days ago)"),
        ({"updated_at": NOW - timedelta(minutes=5)}, "Errors (identified, last update 5 min ago)"),
        ({"began_at": NOW + timedelta(days=1), "planned": True}, "Errors (identified, from 22 Nov, 10:34 UTC)"),
        ({}, "Errors (identified, undated)"),
        ({"posted": False}, "Errors (no notice posted)"),
    ],
)
def test_a_notice_says_how_old_it_is(facts, said):
    assert (
        words.describe_notice(Notice("n", "Errors", None, NoticePhase.IDENTIFIED, Impact.MAJOR, **facts), NOW) == said
    )


def test_a_fault_claims_no_more_than_its_subject():
    """One canary of one account may be overloaded, too."""
    assert [said for said in words.FAULTS.values() if "provider" in said] == []


def test_when_every_key_is_refused_it_is_said_between_what_it_is_undecided():
    one = incident(
        fault=Fault.INVALID_KEY,
        scope=Scope.PROVIDER,
        blamed=Blame.UNKNOWN,
        reasons=(AccountsRefused(2, 2), Undecided()),
    )

    assert words.whose_fault(one).startswith("undecided: the provider's key service, or everything")
    assert "other customers will tell" in words.whose_fault_at_length(one)
    assert words.whose_fault(incident(fault=Fault.UNCLASSIFIED, blamed=Blame.UNKNOWN)) == "undecided"
    assert "more than one cause" in words.whose_fault_at_length(
        incident(fault=Fault.MODEL_UNAVAILABLE, blamed=Blame.UNKNOWN)
    )
    assert "No rule matches" in words.whose_fault_at_length(incident(fault=Fault.UNCLASSIFIED))
