"""docs/reference/metrics.md: what `metrics.prom` holds, read from one that is rendered of an invented fleet."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from docs.generate.markdown import code, plain, sentence
from monitor import __version__
from monitor.publish import private_site
from monitor.publish.snapshot import ObjectiveView
from monitor.slo.objective import ErrorBudget, Goal, Objective
from tests.fleet import fleet

INTRODUCTION = """# Metrics

They stand in `metrics.prom` of the private site (from `run` also at `/metrics`) and, for the textfile collector of
node_exporter, in the file that `[site] metrics` names. [alerts.yml](../../deploy/alerts.yml) has Prometheus rules for
them, and [grafana.json](../../deploy/grafana.json) a dashboard. A metric without a value is absent: nothing is known.
"""
LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Family(Struct, frozen=True):
    """One metric as it is written; `example`: one of its lines."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...]
    example: str


def page() -> Iterator[str]:
    yield INTRODUCTION
    for one in families():
        yield from (f"## {one.name}", "", plain(sentence(one.help)), "")
        yield f"- {sentence(one.kind)}"
        if one.labels:
            yield f"- Labels: {', '.join(map(code, one.labels))}."
        yield f"- {code(one.example)}"
        yield ""


def families() -> Iterator[Family]:
    """Yield each metric in the order in which they are written."""
    text = metrics_text()
    kinds, words = _told("TYPE", text), _told("HELP", text)
    for name, kind in kinds.items():
        lines = [
            found for found in LINE.finditer(text) if found[1].startswith(name) and _family(found[1], kinds) == name
        ]
        labels = dict.fromkeys(label for found in lines for label, _ in LABEL.findall(found[2] or ""))
        yield Family(name, kind, words[name], tuple(labels), lines[0][0])


def metrics_text() -> str:
    """Return the metrics of a fleet that has everything that is ever told."""
    promise = Objective("answers", "alder/backup", frozenset(), availability=0.999, latency_s=2.5, latency_share=0.95)
    budget = ErrorBudget(Goal.AVAILABILITY, promised=0.999, kept=0.9995, left=0.5, seen_days=28, burns=(1.0, 1.0, 1.0))
    kept = ObjectiveView(promise, (budget,))
    site = private_site.render(replace(fleet(20), objectives=(kept,)))
    return site["metrics.prom"].decode().replace(__version__, "X.Y.Z")


def _told(what: str, text: str) -> Mapping[str, str]:
    return dict(re.findall(rf"^# {what} (\w+) (.*)$", text, re.MULTILINE))


def _family(sample: str, kinds: Mapping[str, str]) -> str:
    """Return the metric to which a line belongs: that of a counter or a histogram ends otherwise."""
    return max((name for name in kinds if sample.startswith(name)), key=len)
