"""Metrics → OpenTelemetry: one request of OTLP over HTTP, in protobuf; pure. Loaded only where a collector is named.

Source: https://opentelemetry.io/docs/specs/otlp/ and
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import assert_never

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from monitor import __version__
from monitor.metric import Counter, Exemplar, ExportedMetrics, Family, Gauge, Histogram, Labels, Spread, read_labels

CONTENT_TYPE = "application/x-protobuf"
CUMULATIVE = otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
Attributes = Callable[[Labels], list[KeyValue]]


def encode_metrics(its: ExportedMetrics) -> bytes:
    """Return the body of a request with all metrics."""
    attributes = cache(_attributes)  # an account's are the same in all its metrics
    frame = _Frame(attributes, _nanoseconds(its.at), _nanoseconds(its.since))
    of = {"service.name": "provider-monitor", "service.version": __version__, "service.instance.id": its.location}
    metrics = [frame.metric(one) for one in its.families if one.samples]
    scope = otlp.ScopeMetrics(scope=InstrumentationScope(name="provider-monitor", version=__version__), metrics=metrics)
    resource = otlp.ResourceMetrics(resource=Resource(attributes=_key_values(of)), scope_metrics=[scope])
    body: bytes = ExportMetricsServiceRequest(resource_metrics=[resource]).SerializeToString()
    return body


def refused_points(answer: bytes) -> int:
    """Return how many numbers a collector refused although it took the request; 0 also for what is no such answer."""
    try:
        told: ExportMetricsServiceResponse = ExportMetricsServiceResponse.FromString(answer)
        return max(told.partial_success.rejected_data_points, 0)
    except DecodeError:
        return 0


class _Frame:
    """What all points of one request share."""

    def __init__(self, attributes: Attributes, at_ns: int, since_ns: int) -> None:
        self._attributes, self._at_ns, self._since_ns = attributes, at_ns, since_ns

    def metric(self, family: Family) -> otlp.Metric:
        metric = otlp.Metric(name=family.name, description=family.help, unit=_unit(family.name))
        match family:
            case Gauge():
                metric.gauge.CopyFrom(self._gauge(family))
            case Counter():
                metric.sum.CopyFrom(self._sum(family))
            case Histogram():
                metric.histogram.CopyFrom(self._histogram(family))
            case _:
                assert_never(family)
        return metric

    def _gauge(self, gauge: Gauge) -> otlp.Gauge:
        points = [
            otlp.NumberDataPoint(attributes=self._attributes(labels), time_unix_nano=self._at_ns, as_double=value)
            for labels, value in gauge.samples
        ]
        return otlp.Gauge(data_points=points)

    def _sum(self, counter: Counter) -> otlp.Sum:
        points = [
            otlp.NumberDataPoint(
                attributes=self._attributes(labels),
                start_time_unix_nano=self._since_ns,
                time_unix_nano=self._at_ns,
                as_double=value,
                exemplars=_exemplars(counter.exemplars.get(labels)),
            )
            for labels, value in counter.samples
        ]
        return otlp.Sum(data_points=points, aggregation_temporality=CUMULATIVE, is_monotonic=True)

    def _histogram(self, histogram: Histogram) -> otlp.Histogram:
        spreads = [self._spread(one, histogram.edges_s) for one in histogram.samples]
        return otlp.Histogram(data_points=spreads, aggregation_temporality=CUMULATIVE)

    def _spread(self, one: Spread, edges_s: tuple[float, ...]) -> otlp.HistogramDataPoint:
        return otlp.HistogramDataPoint(
            attributes=self._attributes(one.labels),
            start_time_unix_nano=self._since_ns,
            time_unix_nano=self._at_ns,
            count=sum(one.buckets),
            sum=one.total_s,
            bucket_counts=one.buckets,
            explicit_bounds=edges_s,
        )


def _exemplars(one: Exemplar | None) -> list[otlp.Exemplar]:
    if one is None:
        return []
    named = _key_values({"incident": one.incident})
    return [otlp.Exemplar(filtered_attributes=named, time_unix_nano=_nanoseconds(one.at), as_double=1.0)]


def _unit(name: str) -> str:
    """Return the unit of which a collector makes the suffix that the name has already."""
    return "s" if name.endswith("_seconds") else ""


def _attributes(labels: Labels) -> list[KeyValue]:
    return _key_values(read_labels(labels))


def _key_values(texts: Mapping[str, str]) -> list[KeyValue]:
    return [
        KeyValue(key=name, value=AnyValue(string_value=text.encode(errors="replace").decode()))
        for name, text in texts.items()
    ]


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000) * 1_000_000
