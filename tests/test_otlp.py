"""Metrics as a collector of OpenTelemetry gets them: from a monitor at work, by a receiver that reads protobuf."""

import asyncio
import gzip
import re
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from monitor.config import outbound
from monitor.config.config import Collector
from monitor.config.load import load_config
from monitor.metric import format_labels, read_labels
from monitor.otlp import encode_metrics, refused_points
from monitor.publish.metrics import exported_metrics
from monitor.publish.status import current_state
from monitor.stages import export
from probes.document import DocumentError
from tests.builders_page import BEGAN, NOW, account, incident
from tests.test_prometheus import in_full
from tests.test_round import Cron, each_minute
from tests.test_run import config, simulator, watching


def read(body):
    """Return the resource and the points of a request, the latter by name and labels."""
    (one,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
    (scope,) = one.scope_metrics
    points = {}
    for metric in scope.metrics:
        kind = metric.WhichOneof("data")
        for point in getattr(metric, kind).data_points:
            points[metric.name, *named(point.attributes).values()] = (kind, getattr(metric, kind), point)
    return named(one.resource.attributes), points


def named(attributes):
    return {one.key: one.value.string_value for one in attributes}


def encoded(shot):
    return read(encode_metrics(exported_metrics(shot, current_state(shot))))


def test_a_request_says_who_sends_it_and_all_that_a_scraper_reads():
    shot = in_full()
    resource, points = encoded(shot)

    assert resource["service.name"] == "provider-monitor"
    assert resource["service.instance.id"] == shot.location
    kind, _, up = points["llm_account_up", "openai", "main"]
    assert (kind, up.as_double, up.time_unix_nano) == ("gauge", 1.0, round(NOW.timestamp()) * 10**9)


def test_a_counter_is_a_sum_that_only_grows_since_counting_began_with_its_incident():
    shot = in_full()
    since = NOW - timedelta(days=3)
    shot = replace(shot, tally={of: replace(part, since=since) for of, part in shot.tally.items()})
    _, points = encoded(shot)
    _, total, one = points["llm_probes", "openai", "c", "chat", "gpt-5-mini", "failed", "account_suspended"]

    assert (total.is_monotonic, total.aggregation_temporality) == (True, 2), "2: cumulative"
    assert (one.as_double, one.start_time_unix_nano) == (1.0, round(since.timestamp()) * 10**9)
    (exemplar,) = one.exemplars
    assert named(exemplar.filtered_attributes) == {"incident": incident("openai/c").id}
    assert exemplar.time_unix_nano == round(BEGAN.timestamp()) * 10**9


def test_a_histogram_has_each_answer_in_one_bucket():
    _, points = encoded(in_full())
    _, histogram, one = points["llm_probe_duration_seconds", "openai", "chat", "gpt-5-mini"]

    assert histogram.aggregation_temporality == 2
    assert (one.count, one.sum, sum(one.bucket_counts)) == (1, 0.7, 1)
    assert len(one.bucket_counts) == len(one.explicit_bounds) + 1
    assert one.bucket_counts[list(one.explicit_bounds).index(0.75)] == 1


@pytest.mark.parametrize("text", ["plain", 'a"b', "a\\b", "a\\nb", "a\nb", "a=b,c", "{}", "é🔥", ""])
def test_labels_are_read_as_they_were_written(text):
    assert read_labels(format_labels(one=text, two=text)) == {"one": text, "two": text}


def test_half_a_character_in_a_name_does_not_end_the_sending():
    shot = in_full()
    (one, *_) = shot.providers
    broken = replace(one, accounts=(account("openai/\udcff"),))
    _, points = encoded(replace(shot, providers=(broken,)))
    assert ("llm_account_up", "openai", "?") in points


@pytest.mark.parametrize("answer", [b"", b"no protobuf", b"\xff" * 9, b"\n\x0b\x08" + b"\xff" * 9 + b"\x01"])
def test_an_answer_that_says_nothing_refuses_nothing(answer):
    assert refused_points(answer) == 0


@pytest.mark.parametrize("module", ["export", "publish"])
def test_the_library_is_loaded_only_where_there_is_a_collector(module):
    """An import at the top of a stage would demand it of all."""
    code = (Path(export.__file__).parent / f"{module}.py").read_text()
    assert not re.search(r"^(from|import) .*(otlp|opentelemetry|google)", code, re.MULTILINE)


class Received:
    """What a collector was sent; it answers so, or hangs."""

    def __init__(self, answer=b"", status=200, hangs=False):
        self.answer, self.status, self.hangs, self.requests, self.url = answer, status, hangs, [], ""

    async def take(self, request):
        self.requests.append((request.headers, gzip.decompress(await request.read())))
        if self.hangs:
            await asyncio.sleep(60)
        return web.Response(body=self.answer, status=self.status, content_type="application/x-protobuf")


@asynccontextmanager
async def receiver(**its):
    received = Received(**its)
    app = web.Application()
    app.router.add_post("/v1/metrics", received.take)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    received.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/metrics"
    try:
        yield received
    finally:
        await runner.cleanup()


REFUSED = ExportMetricsServiceResponse()
REFUSED.partial_success.rejected_data_points = 7


@pytest.mark.parametrize(
    ("its", "why"),
    [
        ({}, None),
        ({"status": 401}, "HTTP 401"),
        ({"answer": REFUSED.SerializeToString()}, "7 numbers were refused"),
    ],
    ids=["taken", "refused", "partly refused"],
)
def test_a_round_sends_its_metrics_and_says_when_they_are_not_taken(tmp_path, its, why):
    async def play():
        async with simulator() as other_side, receiver(**its) as received:
            to = Collector(received.url, {"authorization": "Bearer 5ecret"})
            cron = Cron(each_minute(config(tmp_path, other_side, ids=["openai/main"], collector=to)))
            made, _ = await cron.round()
            return received, made.services.own.warnings.get("export"), to.host

    received, said, host = asyncio.run(play())
    ((headers, body),) = received.requests
    assert headers["Authorization"] == "Bearer 5ecret"
    assert headers["Content-Type"] == "application/x-protobuf"
    _, points = read(body)
    assert points["llm_probes", "openai", "main", "list", "", "ok", ""][2].as_double == 1
    assert said == (why and f"metrics are not taken by {host}: {why}")


def test_a_collector_that_hangs_holds_up_nothing(tmp_path):
    async def play():
        async with simulator() as other_side, receiver(hangs=True) as received:
            to = Collector(received.url)
            async with watching(config(tmp_path, other_side, ids=["openai/main"], collector=to)) as monitor:
                await monitor.until(lambda: received.requests)
                made_at = (tmp_path / "site" / "metrics.om").stat().st_mtime_ns
                monitor.state.signals.news.set()
                await monitor.until(lambda: (tmp_path / "site" / "metrics.om").stat().st_mtime_ns > made_at)
                assert len(received.requests) == 1
                began = time.monotonic()
            return time.monotonic() - began

    assert asyncio.run(play()) < export.LIMIT_S / 2


def test_nobody_listening_is_said_and_over_once_somebody_does(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "EXPORT_S", 0.05)

    async def play():
        async with simulator() as other_side, receiver() as received:
            to = Collector("http://127.0.0.1:1/v1/metrics")
            async with watching(config(tmp_path, other_side, ids=["openai/main"], collector=to)) as monitor:
                warnings, belief = monitor.state.services.own.warnings, monitor.state.belief
                await monitor.until(lambda: "export" in warnings)
                said = warnings["export"]
                belief.config = replace(belief.config, collector=Collector(received.url))
                monitor.state.signals.news.set()
                await monitor.until(lambda: "export" not in warnings)
            return said

    assert asyncio.run(play()).startswith("metrics are not taken by 127.0.0.1:1: no connection")


ACCOUNT = '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n'


def loaded(folder, text, environment=()):
    (folder / "monitor.toml").write_text(f"[metrics]\n{text}\n{ACCOUNT}")
    return load_config(folder / "monitor.toml", {"KEY": "sk-0123456789abcdefghij", **dict(environment)})


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://collector:4318", "http://collector:4318/v1/metrics"),
        ("http://collector:4318/", "http://collector:4318/v1/metrics"),
        ("https://otlp.example/otlp/v1/metrics", "https://otlp.example/otlp/v1/metrics"),
    ],
)
def test_the_path_of_metrics_is_added_where_there_is_none(tmp_path, url, where):
    assert loaded(tmp_path, f'otlp = "{url}"').collector.url == where


def test_a_header_may_be_named_and_is_shown_nowhere(tmp_path):
    text = 'otlp = "http://collector:4318"\nheaders = { Authorization = "env:OTLP" }'
    made = loaded(tmp_path, text, {"OTLP": "Bearer 5ecret-0123456789"})

    assert made.collector.headers == {"authorization": "Bearer 5ecret-0123456789"}
    assert "Bearer 5ecret-0123456789" in made.secrets
    assert "5ecret" not in repr(made.collector)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('otlp = "http://a..b"', 'metrics.otlp is no web address; write it as "http://host:4318"'),
        ('otlp = "http://u:p@host:4318"', "metrics.otlp holds a user, a password or a query; put what it grants"),
        ('otlp = "http://h"\nheaders = { "a b" = "x" }', "metrics.headers.a b is no name of a header; mend it"),
        ('otlp = "http://h"\nheaders = { host = "x" }', "metrics.headers.host follows from the address"),
        ('otlp = "http://h"\nheaders = { x-key = "env:GONE" }', "metrics.headers.x-key"),
        ('otlp = "http://h"\nheaders = { x-key = "a\\nb" }', "metrics.headers.x-key holds a line break"),
    ],
)
def test_what_is_wrong_is_said_with_its_key_and_its_repair(tmp_path, text, told):
    with pytest.raises(DocumentError) as error:
        loaded(tmp_path, text)
    (problem,) = error.value.problems
    assert str(problem).startswith(f"monitor.toml: {told}")


def test_a_library_that_is_not_installed_is_said_before_anything_is_sent(tmp_path, monkeypatch):
    monkeypatch.setattr(outbound, "is_importable", lambda _: False)
    with pytest.raises(DocumentError) as error:
        loaded(tmp_path, 'otlp = "http://collector:4318"')
    assert 'pip install "provider-monitor[otlp]"' in str(error.value.problems[0])
    assert loaded(tmp_path, "headers = {}").collector is None


@pytest.mark.parametrize(("name", "known"), [("json", True), ("json.decoder", True), ("gone.away", False)])
def test_whether_a_library_is_there_is_asked_without_an_error(name, known):
    assert outbound.is_importable(name) is known
