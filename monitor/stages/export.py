"""The stage that sends metrics to a collector of OpenTelemetry, if one is configured; nothing waits for it."""

import asyncio
import gzip

from monitor.config.config import Collector
from monitor.liveness.post import Posted, post
from monitor.metric import ExportedMetrics
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals

EXPORT_S = 15.0
"""Seconds between two requests at least; what was published meanwhile is in the next one."""
LIMIT_S = 10.0
"""Seconds that a request may take. There is no retry: the next one says all that this one did."""


async def export_metrics(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    """Send the metrics after each page, or those of the last one if they came faster than they are sent."""
    while True:
        metrics, began = await signals.exported.get(), services.edge.timer()
        await export_once(services, belief, metrics)
        await asyncio.sleep(max(EXPORT_S, 19 * (services.edge.timer() - began)))  # a twentieth of the time at most


async def export_once(services: Services, belief: BeliefView, metrics: ExportedMetrics) -> None:
    """Send them; that they are not taken is a warning on the page and in the log."""
    if (collector := belief.config.collector) is None:
        return
    problem = _problem(await _send(services, belief, collector, await asyncio.to_thread(_encoded, metrics)))
    if problem:
        services.own.warn("export", f"metrics are not taken by {collector.host}: {problem}")
    else:
        services.own.mended("export")


async def _send(services: Services, belief: BeliefView, collector: Collector, body: bytes) -> Posted:
    from monitor.otlp import CONTENT_TYPE

    headers = {**collector.headers, "Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"}
    return await post(services.prober.session, collector.url, body, headers, belief.config.way, LIMIT_S)


def _problem(posted: Posted) -> str | None:
    from monitor.otlp import refused_points

    if posted.problem is None and (refused := refused_points(posted.answer)):
        return f"{refused} numbers were refused"
    return posted.problem


def _encoded(metrics: ExportedMetrics) -> bytes:
    from monitor.otlp import encode_metrics

    return gzip.compress(encode_metrics(metrics), 1)
