"""Metrics as values: what is shown to a scraper, and sent to a collector."""

import re
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

Labels = str
"""Labels as text between the braces: an account's are formatted once, for all its metrics."""
Sample = tuple[Labels, float]

LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(r"\\(.)")


def format_labels(**texts: str) -> Labels:
    return ",".join(f'{name}="{_escape(text)}"' for name, text in texts.items())


def read_labels(labels: Labels) -> dict[str, str]:
    """Return what `format_labels` was given."""
    return {name: ESCAPED.sub(_unescaped, text) for name, text in LABEL.findall(labels)}


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


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


class ExportedMetrics(Struct, frozen=True):
    """All metrics at an instant, for a collector. `since`: when counting began."""

    families: tuple[Family, ...]
    at: datetime
    since: datetime
    location: str
