"""PagerDuty and Opsgenie: one alert for each incident, opened, updated and closed by its id."""

import asyncio
import json
import socket
import threading
from base64 import b64decode, b64encode
from datetime import timedelta
from hashlib import sha256
from hmac import new as keyed

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from monitor.alert.case import Message, Step
from monitor.alert.channel import Channel
from monitor.alert.pager import opsgenie, pagerduty
from monitor.alert.pager_address import read_pager
from monitor.alert.request import Outgoing, ServiceRequest, post_all
from monitor.alert.text import MessagePart, MessageText, compose, compose_channel_failure, compose_storage_notice
from monitor.alert.webhook import webhook
from monitor.config.load import load_config
from monitor.console.report import SCHEMAS
from monitor.diagnose.incident import Change, ChangeKind, Severity
from monitor.stages.deliver import deliver_due
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.row import Batch
from tests.conftest import at
from tests.parts import run_stage
from tests.payload import AROUND, KINDS, OPENED, SECRET, receiver, severity, style_of, written

PAGERDUTY, OPSGENIE = (
    Channel("x", "pagerduty://KEY0123456789"),
    Channel("x", "opsgenie://KEY0123456789/#ops/@me?region=eu"),
)
OVER = KINDS["resolved"][0]


def sent(make, channel, text, severity=Severity.CRITICAL):
    return [
        (one.method, one.url, msgspec.json.decode(one.body)) for one in make(Outgoing(channel, text, severity, at(0)))
    ]


def events(text, severity=Severity.CRITICAL):
    """Return action, key and severity of each event."""
    made = (one for _, _, one in sent(pagerduty, PAGERDUTY, text, severity))
    return [(one["event_action"], one["dedup_key"].split()[-1], one.get("payload", {}).get("severity")) for one in made]


def about(*parts):
    return compose(parts, style_of(PAGERDUTY), at(620))


def test_an_incident_is_one_alert_from_its_opening_to_its_end():
    id = OPENED.incident.id

    assert [events(written(kind, style_of(PAGERDUTY))) for kind in ("down", "changed", "resolved")] == [
        [("trigger", id, "critical")],
        [("trigger", id, "critical")],
        [("resolve", id, None)],
    ]


def test_each_incident_of_a_list_has_an_alert_of_its_own():
    mixed = about(OVER, KINDS["list"][1])

    assert events(mixed) == [
        ("resolve", OVER.change.incident.id, None),
        ("trigger", KINDS["list"][1].change.incident.id, "critical"),
    ]


@pytest.mark.parametrize("part", [replace(OVER, first=True), replace(OVER, step=Step.MISSED)])
def test_what_was_over_before_anybody_heard_leaves_a_trace_and_calls_nobody(part):
    id = OPENED.incident.id

    assert events(about(part), None) == [("trigger", id, "info"), ("resolve", id, None)]


def test_what_went_on_in_another_incident_is_closed_with_its_next_message():
    text = replace(about(KINDS["down"][0]), closes=("20261121-110000-narrower",))

    assert events(text)[0] == ("resolve", "20261121-110000-narrower", None)


def test_what_is_about_no_incident_stays_only_as_long_as_what_it_is_about():
    style = style_of(PAGERDUTY)
    failing = compose_channel_failure("mail", "HTTP 500", "office", style)

    assert events(failing, Severity.WARNING) == [("trigger", "mail", "warning")]
    assert events(compose_storage_notice("refused: disk full", "office", style), Severity.WARNING)[0][0] == "trigger"
    assert events(compose_storage_notice("back: ", "office", style), None) == [("resolve", "database", None)]
    assert [one[0] for one in events(MessageText("[TEST] x", "y", "y"), Severity.INFO)] == ["trigger", "resolve"]


@pytest.mark.parametrize(
    ("url", "named"),
    [("pagerduty://KEY?severity=warning", "warning"), ("pagerduty://KEY@TOKEN/source", "critical")],
)
def test_the_severity_is_the_incidents_or_that_of_the_address(url, named):
    ((_, _, event),) = sent(pagerduty, Channel("x", url), about(KINDS["down"][0]))

    assert (event["routing_key"], event["payload"]["severity"]) == ("KEY", named)


def test_opsgenie_is_told_in_its_region_whom_to_call_what_changed_and_when_to_close():
    opened, changed, over = (
        sent(opsgenie, OPSGENIE, written(kind, style_of(OPSGENIE))) for kind in ("down", "changed", "resolved")
    )
    alias = f"provider-monitor%20office_1%20{OPENED.incident.id}"

    assert [(method, url) for method, url, _ in opened] == [("POST", "https://api.eu.opsgenie.com/v2/alerts")]
    assert opened[0][2]["responders"] == [{"type": "team", "name": "ops"}, {"type": "user", "username": "me"}]
    assert opened[0][2]["priority"] == "P1"
    assert [url.partition("/v2/alerts")[2].removesuffix("?identifierType=alias") for _, url, _ in changed] == [
        "",
        f"/{alias}/message",
        f"/{alias}/description",
        f"/{alias}/priority",
    ]
    assert [url.partition(alias)[2] for _, url, _ in over] == ["/close?identifierType=alias"]


def test_no_text_is_longer_than_the_services_take():
    long = about(MessagePart(Step.OPENED, 0, OPENED, AROUND))
    long = replace(long, news=(replace(long.news[0], title="a word " * 400, text="a word " * 5000),))
    ((_, _, event),) = sent(pagerduty, PAGERDUTY, long)
    ((_, _, alert),) = sent(opsgenie, OPSGENIE, long)

    assert len(event["payload"]["summary"]) <= 1024
    assert len(alert["message"]) <= 130
    assert len(alert["description"]) <= 15_000


def test_the_regions_have_hosts_of_their_own():
    assert read_pager("pagerduty://KEY?region=eu").host == "https://events.eu.pagerduty.com"


# Signed webhooks

HOOK = Channel("x", "webhook:https://hook.example/x", secret=SECRET)


def signature_of(headers, body, key):
    """As its receiver computes it, by the specification and with nothing of ours."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return f"v1,{b64encode(keyed(key, signed, sha256).digest()).decode()}"


@pytest.mark.parametrize(
    ("secret", "key"),
    [(SECRET, b64decode(SECRET.removeprefix("whsec_"))), ("plain words as a key", b"plain words as a key")],
)
def test_a_webhook_is_signed_so_that_its_receiver_can_verify_it(secret, key):
    (one,) = webhook(Outgoing(replace(HOOK, secret=secret), written("down", style_of(HOOK)), Severity.CRITICAL, at(5)))

    assert one.headers["webhook-signature"] == signature_of(one.headers, one.body, key)
    assert one.headers["webhook-timestamp"] == str(int(at(5).timestamp()))
    assert one.url == "https://hook.example/x"


@pytest.mark.parametrize("kind", [*KINDS, "digest"])
def test_the_body_of_a_webhook_is_as_its_schema_says(kind):
    (one,) = webhook(Outgoing(HOOK, written(kind, style_of(HOOK)), severity(kind), at(5)))
    body = json.loads(one.body)

    jsonschema.validate(body, json.loads((SCHEMAS / "webhook.json").read_text()))
    assert body["severity"] == (severity(kind) and str(severity(kind)))
    assert len(body["incidents"]) == {"list": 2, "digest": 0}.get(kind, 1)


# Down the whole road: the outbox, a service that refuses, and its next try

FILE = """
[[accounts]]
name = "main"
provider = "openai"
key = "env:KEY"
[[channels]]
name = "pager"
url = "env:PAGER"
{secret}
"""


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("pagerduty://R0UT1NGKEY", ""),
        ("opsgenie://0ps-KEY-9", ""),
        ("webhook:https://hook.example/x", 'secret = "env:SECRET"'),
    ],
)
def test_what_a_service_refused_is_sent_again_under_the_same_name_and_no_key_is_kept(tmp_path, url, secret):
    (tmp_path / "monitor.toml").write_text(FILE.format(secret=secret))
    environment = {"KEY": "sk-sim-0123456789abcdef", "PAGER": url, "SECRET": SECRET}
    over = Change(replace(OPENED.incident, closed_at=at(100)), ChangeKind.RESOLVED, at(100))
    clock = [at(30)]

    async def play():
        edge = Edge(lambda: clock[0], lambda: 0.0, lambda: 0.5, print)
        async with receiver() as it, open_state(load_config(tmp_path / "monitor.toml", environment), edge) as state:
            store = state.services.storage
            for change, step in ((OPENED, Step.OPENED), (over, Step.RESOLVED)):
                message = Message(change.id, "pager", step, incident_id=change.incident.id)
                await store.save(Batch(clock[0], changes=(change,), messages=(message,)))
                for it.status in (503, 200):
                    await run_stage(deliver_due, state)
                    clock[0] += timedelta(seconds=10)
                clock[0] = at(130)
            rows = store.failover.connection.execute("SELECT state, tries, error FROM outbox").fetchall()
            return it.requests, [tuple(row) for row in rows], "\n".join(store.failover.connection.iterdump())

    requests, rows, dump = asyncio.run(play())
    assert [(state, tries) for state, tries, _ in rows] == [("sent", 2), ("sent", 2)]
    assert len(requests) == 4
    assert [name_of(one) for one in requests[::2]] == [name_of(one) for one in requests[1::2]]
    assert not [key for key in ("R0UT1NGKEY", "0ps-KEY-9", SECRET) if key in dump]


def name_of(request):
    """Return what a service knows a message by."""
    body = json.loads(request["body"])
    return body.get("dedup_key") or body.get("alias") or request["headers"].get("webhook-id") or request["url"]


@pytest.mark.parametrize(("status", "told"), [(200, None), (500, "HTTP 500: no [redacted] no")])
def test_an_answer_that_never_ends_ends_nothing_else(status, told):
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()
        threading.Thread(target=answer_without_end, args=(server, status, ended), daemon=True).start()
        request = ServiceRequest(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}")
        said = post_all([request], 5, ["sk-secret"])

        assert (said and said[: len(told or "")]) == told
        assert ended.wait(5), "it goes on reading"


def answer_without_end(server, status, ended):
    client, _ = server.accept()
    with client:
        client.recv(4096)
        client.sendall(f"HTTP/1.1 {status} X\r\n\r\n".encode())
        try:
            while True:
                client.sendall(b"no sk-secret " * 1000)
        except OSError:
            ended.set()
