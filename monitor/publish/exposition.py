"""Metrics → the two forms that a scraper reads; pure.

The classic form is what node_exporter's textfile collector reads, too. OpenMetrics calls a counter by its name without
`_total` in the head, and adds exemplars. prometheus_client, which reads both in the tests, takes more than ten times as
long to write them for 5,000 accounts. Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import assert_never

from msgspec import Struct

from monitor.metric import Counter, Exemplar, Family, Gauge, Histogram, Sample, format_labels
from probes.redact import CONTROLS

Block = tuple[bytes, bytes]
"""One family in the classic form and in that of OpenMetrics."""


class Exposition(Struct, frozen=True):
    """All metrics in both forms."""

    classic: bytes
    open: bytes


def render_exposition(families: Iterable[Family]) -> Exposition:
    """Return the texts; families without a sample are left out. What both forms write alike is made once."""
    blocks = [_block(one) for one in families if one.samples]
    return Exposition(_joined(block[0] for block in blocks), _joined(block[1] for block in blocks))


def _joined(blocks: Iterable[bytes]) -> bytes:
    return b"".join((*blocks, b"# EOF\n"))


def _block(family: Family) -> Block:
    match family:
        case Gauge():
            text = _text([*_head(family.name, "gauge", family.help), *_lines(family.name, family.samples)])
            return text, text
        case Counter():
            return _counter(family)
        case Histogram():
            text = _text([*_head(family.name, "histogram", family.help), *_bucket_lines(family)])
            return text, text
        case _:
            assert_never(family)


def _counter(counter: Counter) -> Block:
    name = f"{counter.name}_total"
    lines = [*_lines(name, counter.samples)]
    plain = marked = _text(lines)
    if counter.exemplars:
        told = (counter.exemplars.get(labels) for labels, _ in counter.samples)
        marked = _text([line + _exemplar(one) if one else line for line, one in zip(lines, told, strict=True)])
    heads = (_text([*_head(one, "counter", counter.help)]) for one in (name, counter.name))
    return next(heads) + plain, next(heads) + marked


def _exemplar(one: Exemplar) -> str:
    return f" # {{{format_labels(incident=one.incident)}}} 1.0 {one.at.timestamp():.3f}"


def _head(name: str, kind: str, help: str) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    yield f"# HELP {name} {help}"


def _lines(name: str, samples: Iterable[Sample]) -> Iterator[str]:
    for labels, value in samples:
        yield f"{name}{{{labels}}} {value!r}" if labels else f"{name} {value!r}"


def _bucket_lines(histogram: Histogram) -> Iterator[str]:
    edges = [*(repr(one) for one in histogram.edges_s), "+Inf"]
    for one in histogram.samples:
        for edge, number in zip(edges, accumulate(one.buckets), strict=True):
            yield f'{histogram.name}_bucket{{{one.labels},le="{edge}"}} {number}'
        yield f"{histogram.name}_count{{{one.labels}}} {sum(one.buckets)}"
        yield f"{histogram.name}_sum{{{one.labels}}} {one.total_s!r}"


def _text(lines: Sequence[str]) -> bytes:
    return CONTROLS.sub("", "\n".join((*lines, ""))).encode(errors="replace")
