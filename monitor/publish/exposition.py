"""Metrics → the two forms that a scraper reads; pure.

The classic form is what node_exporter's textfile collector reads, too. OpenMetrics calls a counter by its name without
`_total` in the head, and adds exemplars. Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import assert_never

from msgspec import Struct, field

from probes.redact import CONTROLS

Labels = str
"""Labels as text between the braces: an account's are formatted once, for all its metrics."""
Sample = tuple[Labels, float]
Block = tuple[bytes, bytes]
"""One family in the classic form and in that of OpenMetrics."""


class Gauge(Struct, frozen=True):
    name: str
    help: str
    samples: tuple[Sample, ...]


class Exemplar(Struct, frozen=True):
    """The incident that an increase led to, or belongs to, and when that began."""

    incident: str
    at: datetime


class Counter(Struct, frozen=True):
    """What only grows. `name` is without `_total`; `exemplars` are by labels."""

    name: str
    help: str
    samples: tuple[Sample, ...]
    exemplars: Mapping[Labels, Exemplar] = field(default_factory=dict)


class Spread(Struct, frozen=True):
    """Durations in buckets, each with its own number, not with those below it; the last has no end."""

    labels: Labels
    buckets: tuple[int, ...]
    total_s: float


class Histogram(Struct, frozen=True):
    """Durations in seconds. `edges_s`: the longest in each bucket but the last."""

    name: str
    help: str
    edges_s: tuple[float, ...]
    samples: tuple[Spread, ...]


Family = Gauge | Counter | Histogram


class Exposition(Struct, frozen=True):
    """All metrics in both forms."""

    classic: bytes
    open: bytes


def render_exposition(families: Iterable[Family]) -> Exposition:
    """Return the texts; families without a sample are left out. What both forms write alike is made once."""
    blocks = [_block(one) for one in families if one.samples]
    return Exposition(_joined(block[0] for block in blocks), _joined(block[1] for block in blocks))


def format_labels(**texts: str) -> Labels:
    return ",".join(f'{name}="{_escape(text)}"' for name, text in texts.items())


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
    told = (counter.exemplars.get(labels) for labels, _ in counter.samples)
    marked = [line + _exemplar(one) if one else line for line, one in zip(lines, told, strict=True)]
    return (
        _text([*_head(name, "counter", counter.help), *lines]),
        _text([*_head(counter.name, "counter", counter.help), *marked]),
    )


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


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
