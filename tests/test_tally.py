"""What is counted, kept over restarts, and shown as counters and histograms."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

from monitor.backend import open_store
from monitor.diagnose.incident import Change, ChangeKind
from monitor.diagnose.subject import Scope
from monitor.publish.metrics import render_metrics
from monitor.publish.status import current_state
from monitor.stage import Stage
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from monitor.tally import (
    EDGES_S,
    OWN,
    Event,
    EventTally,
    MessageResult,
    PollResult,
    TallyPart,
    count_change,
    count_poll,
    count_probe,
    expect,
    resume_tally,
)
from probes.doubt import PollBroken
from probes.model import Answer, Fault, Observation, Outcome, Target
from probes.notice import Bulletin, Trust
from tests.builders_page import BEGAN, NOW, account, incident, shown, sick, snapshot

CHAT = Target("openai/main", "openai", "chat", "gpt-5-mini")
LISTED = Target("openai/main", "openai", "list")
REFUSED = Answer("openai.account_deactivated", "deactivated")


def seen(target=CHAT, fault=None, **its):
    outcome = Outcome.FAILED if fault else Outcome.OK
    return Observation(target, NOW, outcome, fault=fault, answer=REFUSED if fault else None, **its)


def counted(*observations, before=None):
    tally = before or EventTally(begun_at=NOW)
    for one in observations:
        count_probe(tally, one)
    return tally


def shot_of(tally, *accounts, **changes):
    tally.take_changed()
    return snapshot(*(accounts or [account()]), tally=tally.parts, **changes)


def exposed(shot):
    return render_metrics(shot, current_state(shot))


def open_database(folder):
    return open_store(StoreAddress(folder / "monitor.db", "here")).writing(lambda: NOW, lambda: 0.0)


def samples(shot):
    """The samples of counters and histograms, by name and labels."""
    families = openmetrics.text_string_to_metric_families(exposed(shot).open.decode())
    return {
        (one.name, *one.labels.values()): one.value
        for family in families
        if family.type in ("counter", "histogram")
        for one in family.samples
    }


def test_probes_are_counted_by_outcome_and_fault():
    unasked = Observation(CHAT, NOW, Outcome.UNKNOWN, answer=Answer("monitor/not-asked", "budget"))
    tally = counted(seen(), seen(), seen(LISTED), seen(fault=Fault.TIMEOUT), unasked)
    told = samples(shot_of(tally))

    its = "llm_probes_total", "openai", "main"
    assert {key[3:]: value for key, value in told.items() if key[:3] == its} == {
        ("chat", "gpt-5-mini", "ok", ""): 2,
        ("list", "", "ok", ""): 1,
        ("chat", "gpt-5-mini", "failed", "timeout"): 1,
        ("chat", "gpt-5-mini", "unknown", ""): 1,
    }


def test_what_is_no_longer_watched_is_not_shown():
    gone = Target("openai/gone", "openai", "chat", "gpt-5-mini"), Target("openai/main", "openai", "chat", "old")
    tally = counted(*map(seen, gone))
    count_poll(tally, Bulletin("openai/status", NOW, Trust.READ))

    assert not [key for key in samples(shot_of(tally)) if key[0] in ("llm_probes_total", "llm_status_polls_total")]


def test_good_answers_are_timed_in_buckets_over_all_accounts_and_bad_ones_are_not():
    other = Target("openai/other", "openai", "chat", "gpt-5-mini")
    tally = counted(
        *(seen(latency_s=0.5, ttft_s=0.3), seen(other, latency_s=0.51), seen(latency_s=90.0)),
        seen(fault=Fault.TIMEOUT, latency_s=60.0),
    )
    told, its = samples(shot_of(tally)), ("openai", "chat", "gpt-5-mini")

    assert told["llm_probe_duration_seconds_bucket", *its, "0.25"] == 0
    assert told["llm_probe_duration_seconds_bucket", *its, "0.5"] == 1
    assert told["llm_probe_duration_seconds_bucket", *its, "60.0"] == 2
    assert told["llm_probe_duration_seconds_bucket", *its, "+Inf"] == 3
    assert told["llm_probe_duration_seconds_count", *its] == 3
    assert told["llm_probe_duration_seconds_sum", *its] == pytest.approx(91.01)
    assert told["llm_probe_first_token_seconds_count", *its] == 1


def test_an_incident_is_counted_as_it_opens_and_a_drill_is_not():
    tally = EventTally(begun_at=NOW)
    for kind in ChangeKind:
        count_change(tally, Change(incident(), kind, NOW))
    count_change(tally, Change(incident(drill=True), ChangeKind.OPENED, NOW))

    assert samples(shot_of(tally)) == {
        ("llm_incidents_opened_total", "account", "account_suspended", "account", "critical"): 1
    }


def test_a_poll_is_counted_by_whether_the_page_can_be_believed():
    tally = EventTally(begun_at=NOW)
    for trust in Trust:
        problem = PollBroken("ValueError") if trust is Trust.DOUBTFUL else None
        count_poll(tally, Bulletin("openai/status", NOW, trust, problem))

    assert tally.numbers[OWN] == {
        (Event.POLL, ("openai/status", PollResult.READ)): 2,
        (Event.POLL, ("openai/status", PollResult.FAILED)): 1,
    }


def test_what_may_happen_is_shown_as_0_before_it_did_and_keeps_what_it_is_after():
    tally = EventTally(begun_at=NOW)
    tally.count(Event.MESSAGE, ("phone", MessageResult.DELIVERED))
    expect(tally, ["phone"], [])
    told = samples(shot_of(tally))

    assert {key[1:]: value for key, value in told.items() if key[0] == "llm_messages_total"} == {
        ("phone", "delivered"): 1,
        ("phone", "retried"): 0,
        ("phone", "given_up"): 0,
    }
    assert {key[1] for key in told if key[0] == "llm_monitor_stage_restarts_total"} == set(Stage)


def test_only_what_has_grown_is_saved():
    tally = counted(seen(latency_s=1.0))
    assert tally.take_changed().keys() == {OWN, "openai/main"}
    assert tally.take_changed() == {}
    counted(seen(fault=Fault.TIMEOUT), before=tally)
    assert tally.take_changed().keys() == {"openai/main"}


def test_a_later_process_goes_on_counting_where_the_last_one_stopped(tmp_path):
    with open_database(tmp_path) as writing:
        first = counted(seen(latency_s=1.0, cost_usd=0.25), seen(fault=Fault.TIMEOUT))
        writing.do(Writer.save_tally, first.take_changed())
        second = resume_tally(writing.reader.marks.tally(), NOW + timedelta(hours=1))
        counted(seen(latency_s=2.0, cost_usd=0.5), before=second)
        writing.do(Writer.save_tally, second.take_changed())
        stored = writing.reader.marks.tally()

    told = samples(snapshot(account(), tally=stored))
    assert told["llm_probes_total", "openai", "main", "chat", "gpt-5-mini", "ok", ""] == 2
    assert told["llm_canary_cost_usd_total", "openai", "main"] == 0.75
    assert told["llm_probe_duration_seconds_sum", "openai", "chat", "gpt-5-mini"] == 3
    assert {part.since for part in stored.values()} == {NOW}


def test_durations_in_other_buckets_than_todays_begin_anew():
    before = counted(seen(latency_s=1.0))
    parts = before.take_changed()
    old = replace(parts[OWN], spreads=tuple(replace(one, buckets=(1, 2)) for one in parts[OWN].spreads))
    resumed = resume_tally({**parts, OWN: old}, NOW)

    assert resumed.spreads == {}
    assert "llm_probe_duration_seconds" not in exposed(snapshot(account(), tally={OWN: old})).open.decode()
    counted(seen(latency_s=1.0), before=resumed)
    assert [len(one.buckets) for one in resumed.take_changed()[OWN].spreads] == [len(EDGES_S) + 1]


def exemplars(shot):
    families = openmetrics.text_string_to_metric_families(exposed(shot).open.decode())
    marked = [one for family in families for one in family.samples if one.exemplar]
    return {(one.name, one.labels.get("fault")): (one.exemplar.labels, float(one.exemplar.timestamp)) for one in marked}


def test_the_probes_of_a_fault_that_stands_name_its_incident():
    tally = counted(
        seen(Target("openai/team-b", "openai", "chat", "gpt-5-mini"), Fault.ACCOUNT_SUSPENDED),
        seen(Target("openai/team-b", "openai", "chat", "gpt-5-mini"), Fault.TIMEOUT),
    )
    count_change(tally, Change(incident(), ChangeKind.OPENED, NOW))
    shot = shot_of(tally, sick("openai/team-b", Fault.ACCOUNT_SUSPENDED), open_incidents=(shown(),))

    its = {"incident": incident().id}, BEGAN.timestamp()
    assert exemplars(shot) == {
        ("llm_probes_total", "account_suspended"): its,
        ("llm_incidents_opened_total", "account_suspended"): its,
    }


def test_the_opened_incidents_of_a_kind_name_the_newest_of_them():
    first = incident("anthropic", Fault.SERVER_ERROR, Scope.PROVIDER, id="20261120-first")
    newer = replace(first, id="20261121-newer", opened_at=first.opened_at + timedelta(hours=1))
    drill = replace(newer, id="20261121-drill", drill=True, opened_at=NOW)
    tally = EventTally(begun_at=NOW)
    count_change(tally, Change(first, ChangeKind.OPENED, NOW))
    shot = shot_of(tally, account(), open_incidents=(shown(newer), shown(drill)), past_incidents=(shown(first),))

    ((labels, _),) = exemplars(shot).values()
    assert labels == {"incident": "20261121-newer"}


def test_the_classic_form_says_the_same_without_exemplars():
    tally = counted(seen(Target("openai/team-b", "openai", "list"), Fault.ACCOUNT_SUSPENDED), seen(latency_s=1.0))
    count_change(tally, Change(incident(), ChangeKind.OPENED, NOW))
    shot = shot_of(
        tally, account(), sick("openai/team-b", Fault.ACCOUNT_SUSPENDED), open_incidents=(shown(),)
    )  # fmt: skip
    both = exposed(shot)
    read = [
        {(one.name, *sorted(one.labels.items()), one.value) for family in families for one in family.samples}
        for families in (
            classic(both.classic.decode()),
            openmetrics.text_string_to_metric_families(both.open.decode()),
        )
    ]

    assert read[0] == read[1]
    assert b" # {" in both.open
    assert b" # {" not in both.classic
    assert b"# TYPE llm_probes_total counter" in both.classic
    assert b"# TYPE llm_probes counter" in both.open


def test_each_account_adds_as_many_series_and_none_to_the_histograms():
    def lines(accounts):
        ids, canaries = [f"openai/a{number}" for number in range(accounts)], (("list", None), ("chat", "gpt-5-mini"))
        targets = [Target(id, "openai", *one) for id in ids for one in canaries]
        tally = counted(*(seen(one, latency_s=1.0, ttft_s=0.5) for one in targets))
        text = exposed(shot_of(tally, *map(account, ids))).open.decode()
        return [line for line in text.splitlines() if line.startswith("llm_")]

    few, many = lines(2), lines(12)
    buckets = [[line for line in one if 'le="' in line] for one in (few, many)]
    assert (len(many) - len(few)) / 10 <= 24
    assert len(buckets[0]) == len(buckets[1])


def test_a_part_that_cannot_be_read_begins_anew_and_the_rest_stays(tmp_path):
    with open_database(tmp_path) as writing:
        writing.do(Writer.save_tally, {"openai/main": TallyPart(NOW), "openai/other": TallyPart(NOW)})
        writing.connection.execute("UPDATE mark SET value = '{' WHERE name = 'tally openai/main'")
        assert writing.reader.marks.tally().keys() == {"openai/other"}
