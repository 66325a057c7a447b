"""What is shown of an account that several places probe names the place of each canary."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from monitor.console.status_table import target_table
from monitor.publish.account_row import account_rows
from monitor.publish.metrics import render_metrics
from monitor.publish.status import current_state
from monitor.words import ENGLISH
from tests.builders_page import account, snapshot, target

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
