"""docs/reference/metrics.md: each metric that the monitor shows, of a fleet that has everything that is ever told."""

from collections.abc import Iterator

from docs.generate.markdown import codes, plain, sentence
from monitor.metric import Counter, Family, Histogram, read_labels
from monitor.publish.metrics import metric_families
from monitor.publish.status import current_state
from tests.builders_page import in_full

INTRODUCTION = """# Metrics

Where they are, what to do with them, and how many there are: [watch it with Prometheus](../how-to/prometheus.md). A
metric without a value is absent: nothing is known.
"""


def page() -> Iterator[str]:
    yield INTRODUCTION
    shot = in_full()
    for one in metric_families(shot, current_state(shot)):
        yield from _told(one)


def _told(family: Family) -> Iterator[str]:
    first = family.samples[0]
    labels = read_labels(first.labels if isinstance(family, Histogram) else first[0])
    yield from (f"## {name_of(family)}", "", plain(sentence(family.help)), "")
    yield f"- {type(family).__name__}."
    if labels:
        yield f"- Labels: {codes(labels)}."
    yield ""


def name_of(family: Family) -> str:
    """Return the name under which Prometheus finds it."""
    return f"{family.name}_total" if isinstance(family, Counter) else family.name
