from datetime import UTC, datetime, timedelta, timezone

import pytest

from monitor import words
from monitor.diagnose.reason import (
    Alone,
    Answering,
    Elsewhere,
    Knocked,
    Lone,
    Met,
    Posted,
    Refused,
    Shaken,
    Share,
    Siblings,
    Symptom,
    Unanswered,
    Undecided,
    Unposted,
    Unreached,
)
from monitor.diagnose.subject import Scope
from probes.model import Blame, Confidence, Fault, Limit
from probes.notice import Impact, Notice, NoticePhase
from tests.builders_page import NOW, incident
from tests.conftest import at


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
    assert words.lead(timedelta(seconds=by_s)) == said
    assert words.lead(None) == ""


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
        (Limit("tokens", None, None, None), "tokens: not told"),
    ],
)
def test_a_rate_limit_says_what_is_left_of_what(limit, said):
    assert words.limit(limit) == said


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
    assert words.whose_hedged(incident(**changes)) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"began_at": NOW - timedelta(hours=2, minutes=4)}, "Errors (identified, since 08:30 UTC, 2 h 4 min ago)"),
        ({"began_at": NOW - timedelta(days=3)}, "Errors (identified, since 18 Nov, 10:34 UTC, 3 days ago)"),
        ({"updated_at": NOW - timedelta(minutes=5)}, "Errors (identified, last word 5 min ago)"),
        ({"began_at": NOW + timedelta(days=1), "planned": True}, "Errors (identified, from 22 Nov, 10:34 UTC)"),
        ({}, "Errors (identified, undated)"),
        ({"posted": False}, "Errors (no notice posted)"),
    ],
)
def test_a_notice_says_how_old_it_is(facts, said):
    assert words.notice(Notice("n", "Errors", None, NoticePhase.IDENTIFIED, Impact.MAJOR, **facts), NOW) == said


def test_a_fault_claims_no_more_than_its_subject():
    """One canary of one account may be overloaded, too."""
    assert [said for said in words.FAULTS.values() if "provider" in said] == []


def test_when_every_key_is_refused_it_is_said_between_what_it_is_undecided():
    one = incident(
        fault=Fault.INVALID_KEY, scope=Scope.PROVIDER, blamed=Blame.UNKNOWN, reasons=(Refused(2, 2), Undecided())
    )

    assert words.whose(one).startswith("undecided: the provider's key service, or all")
    assert "other customers will tell" in words.whose_at_length(one)
    assert words.whose(incident(fault=Fault.UNCLASSIFIED, blamed=Blame.UNKNOWN)) == "undecided"
    assert "more than one cause" in words.whose_at_length(incident(fault=Fault.MODEL_UNAVAILABLE, blamed=Blame.UNKNOWN))
    assert "fits no rule" in words.whose_at_length(incident(fault=Fault.UNCLASSIFIED))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("by a detector", "by a detector"),
        (
            Symptom((Met(("chat", "list"), 503, Fault.OVERLOADED), Met(("list",), None, Fault.TIMEOUT))),
            "chat, list: HTTP 503",
        ),
        (Symptom((Met(("list",), None, Fault.TIMEOUT),)), "list: no answer, timeout"),
        (Share(2, 3), "2 of 3 accounts fail alike"),
        (Share(1, 3), "1 of 3 accounts fails"),
        (Alone(1), "only one account is watched here"),
        (Alone(3), "no other account was asked the same since"),
        (Siblings(1, at(20)), "1 other account of this provider answers since it began (looked at 40 s ago)"),
        (Siblings(2, at(50)), "2 other accounts of this provider answer since it began (looked at 10 s ago)"),
        (Answering(("chat", "list")), "still answers: chat, list"),
        (Answering(("chat",), at(0)), "still answers: chat (looked at 1 min ago)"),
        (Shaken(1), "1 other account has failed alike since it began, and answered in between"),
        (Shaken(2), "2 other accounts have failed alike since it began, and answered in between"),
        (
            Knocked(at(50), None, 401, 0.08),
            "a call without a key is answered (80 ms, 10 s ago): the API is within reach",
        ),
        (
            Knocked(at(50), Fault.OVERLOADED, 529, 0.2),
            "a call without a key fails too (HTTP 529, overloaded, 10 s ago): so it is not",
        ),
        (
            Knocked(at(50), Fault.CONNECTION_FAILED, None, None),
            "a call without a key gets no answer either (no connection",
        ),
        (
            Knocked(at(50), Fault.REGION_BLOCKED, 403, 0.2),
            "a call without a key is refused too (HTTP 403, region blocked",
        ),
        (
            Posted("Errors", "investigating", at(-3540)),
            "the provider's page tells of trouble: Errors (investigating, since",
        ),
        (Posted("Errors", "investigating", None), "the provider's page tells of trouble: Errors (investigating)"),
        (Unposted(readable=True), "the provider's page reports no trouble"),
        (
            Unposted(readable=True, whole=False),
            "the provider's page reports no trouble in the part of it that can be read",
        ),
        (Unposted(readable=False), "the provider's page cannot be read now"),
        (Refused(3, 3), "all 3 accounts here are refused"),
        (Refused(2, 3, "billing card-1"), "2 of 3 accounts of billing card-1 are refused"),
        (Undecided(), "either the provider's key service fails, or all that you have there is lost"),
        (Lone(2), "all 2 accounts that asked for it since fail alike, and another model is answered"),
        (Lone(1), "it fails while another model answers"),
        (Unanswered(4, 2), "nothing answers: 4 targets of 2 unrelated providers fail before any answer"),
        (Unanswered(2, 1), "nothing answers: 2 targets of the one provider fail"),
        (Unreached(2, 3), "2 of 3 unrelated providers are out of reach from here"),
        (Elsewhere(reached=True), "this machine does reach other hosts"),
        (Elsewhere(reached=False), "nothing else can be reached from this machine either"),
    ],
)
def test_a_reason_is_said_as_of_when_it_was_found(reason, said):
    (words_,) = words.reasons(
        incident(fault=Fault.SERVER_ERROR, scope=Scope.PROVIDER, reasons=(reason,), reasoned_at=at(60))
    )

    assert words_.startswith(said)


def test_what_was_looked_at_just_now_is_told_without_its_age():
    fresh = incident(scope=Scope.PROVIDER, reasons=(Answering(("chat",), at(40)),), reasoned_at=at(60))

    assert words.reasons(fresh) == ["still answers: chat"]


def test_that_a_call_without_a_key_is_answered_speaks_against_one_account():
    knock = Knocked(at(50), None, 401, 0.08)
    (said,) = words.reasons(
        incident(fault=Fault.INVALID_KEY, scope=Scope.ACCOUNT, reasons=(knock,), reasoned_at=at(60))
    )

    assert said.endswith("so it is this account's matter")
