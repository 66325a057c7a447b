"""What is shown of an account that several places probe names the place of each canary."""

from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from monitor.console.cluster_lines import cluster_lines, is_well
from monitor.console.status_table import target_table
from monitor.publish.account_row import account_rows
from monitor.publish.metrics import render_metrics
from monitor.publish.status import current_state
from monitor.store.place_report import ClockOffset, PlaceNews, PlaceReport
from monitor.store.postgres.cluster import ClusterView, PlaceShipments
from monitor.store.postgres.term import ClusterNode, Term
from monitor.words import ENGLISH
from tests.builders_page import account, snapshot, target
from tests.conftest import NOON, at

MAIN = "openai/main"
SHOT = snapshot(account(MAIN, [target(MAIN, "chat", id=f"{place}:{MAIN}/chat/gpt-5-mini") for place in ("fra", "sin")]))


def test_each_sample_of_a_metric_has_labels_of_its_own_with_the_place():
    families = text_string_to_metric_families(render_metrics(SHOT, current_state(SHOT)).open.decode())
    samples = [(one.name, tuple(sorted(one.labels.items()))) for family in families for one in family.samples]

    assert len(samples) == len(set(samples))
    assert {dict(labels)["place"] for name, labels in samples if name == "llm_probe_up"} == {"fra", "sin"}


def test_a_terminal_names_the_place_before_the_canary():
    now = current_state(SHOT)
    (row,) = account_rows(SHOT, now)

    assert [str(cells[0]) for cells in target_table(row, now, ENGLISH).rows] == [
        "fra: chat gpt-5-mini",
        "sin: chat gpt-5-mini",
    ]


def told(low_s=-0.1, high_s=0.2, **report):
    return PlaceNews("fra", timedelta(0), PlaceReport(**report), ClockOffset(low_s, high_s))


CLUSTER_LINES = {
    "nothing yet": (at(-2), None, "fra: heard of 2 s ago"),
    "well": (at(-2), told(), "fra: heard of 2 s ago; its clock is -0.1 to +0.2 s ahead"),
    "a clock": (at(-2), told(3, 3.2), "fra: heard of 2 s ago; its clock is +3.0 to +3.2 s ahead, which is wrong"),
    "a day ahead": (
        at(-2),
        told(86400, 86400.2),
        "fra: heard of 2 s ago; its clock is +86400.0 to +86400.2 s ahead, which takes its vote",
    ),
    "silent": (at(-180), None, "fra: silent: last heard of 3 min ago"),
    "behind": (
        at(-2),
        told(waiting=1200, warnings={"page": "disk full"}),
        "fra: heard of 2 s ago; 1200 results not shipped yet; its clock is -0.1 to +0.2 s ahead; disk full",
    ),
}


@pytest.mark.parametrize(("heard_at", "news", "line"), CLUSTER_LINES.values(), ids=CLUSTER_LINES)
def test_a_place_has_a_line_with_when_it_was_heard_of_its_clock_and_what_waits_there(heard_at, news, line):
    leader = Term(1, ClusterNode("one", "judge", "host", 1), at(-60))
    view = ClusterView(NOON, leader, (), (PlaceShipments("fra", heard_at, 0, news),))

    assert list(cluster_lines(view, ["fra"]))[1:] == [line]
    assert is_well(view, ["fra"]) is (heard_at == at(-2))
