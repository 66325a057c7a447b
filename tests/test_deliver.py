"""Messages to real receivers, and to receivers that do not behave."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_string, policy

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from msgspec.structs import replace

from monitor.alert.address import check_address, load_apprise
from monitor.alert.case import Step
from monitor.alert.channel import TERMINAL, Channel, Detail, Format
from monitor.alert.deliver import GIVE_UP, fit_service, next_try_at, send
from monitor.alert.outbox import OutboxMessage, OutboxRow
from monitor.alert.text import MessageContext, MessagePart, MessageStyle, MessageTemplates, MessageText, compose
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Change, ChangeKind, Severity, open_incident
from monitor.diagnose.subject import Scope, read_subject
from probes.model import Confidence, Fault
from probes.phrase import Phrase
from tests.conftest import at
from tests.receiver import webhook

EVIDENCE = Evidence(
    "openai/main/chat", at(0), Fault.ACCOUNT_SUSPENDED, "openai/deactivated", "has been deactivated", 401, "req_7"
)  # fmt: skip
CAUSE = Diagnosis(
    read_subject(Scope.ACCOUNT, "openai/main"), Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, at(0),
    ("chat: HTTP 401, account_suspended",), ("openai/main/chat",), (EVIDENCE,),
)  # fmt: skip
OPENED = Change(open_incident(CAUSE), ChangeKind.OPENED, at(20))
AROUND = MessageContext("office", simulated=False, advice=(Phrase("Appeal at https://help.openai.com."),))
TEXT = compose(
    [MessagePart(Step.OPENED, 0, OPENED, AROUND)], MessageStyle(MessageTemplates(), Detail.FULL, Format.TEXT), at(20)
)


def sent(url, text=TEXT, severity=Severity.CRITICAL, **facts):
    shown = []
    return asyncio.run(send(Channel("x", url, **facts), text, severity, shown.append)), shown


def test_the_terminal_shows_the_whole_message():
    error, shown = sent(TERMINAL.url)

    assert error is None
    assert TEXT.title in shown[0]
    assert TEXT.body in shown[0]


@pytest.mark.parametrize(
    ("severity", "kind"),
    [(Severity.CRITICAL, "failure"), (Severity.WARNING, "warning"), (Severity.INFO, "info"), (None, "success")],
)
def test_a_webhook_receives_title_text_and_kind(severity, kind):
    async def play():
        async with webhook() as inbox:
            error = await send(Channel("x", inbox.url), TEXT, severity, print)
            return error, inbox.messages

    error, (message,) = asyncio.run(play())
    assert error is None
    assert (message["title"], message["message"].strip(), message["type"]) == (TEXT.title, TEXT.body.strip(), kind)


def test_ntfy_receives_topic_title_priority_and_markdown():
    text = compose(
        [MessagePart(Step.OPENED, 0, OPENED, AROUND)],
        MessageStyle(MessageTemplates(), Detail.FULL, Format.MARKDOWN),
        at(20),
    )

    async def play():
        async with endpoint("/", {"id": "1", "event": "message"}) as (port, requests):
            channel = Channel("x", f"ntfy://127.0.0.1:{port}/alerts?priority=high")
            return await send(channel, text, Severity.CRITICAL, print), requests

    error, (request,) = asyncio.run(play())
    told = json.loads(request["body"])
    assert error is None
    assert (told["topic"], told["title"], request["headers"]["X-Priority"]) == ("alerts", TEXT.title, "high")
    assert request["headers"]["X-Markdown"] == "yes"
    assert "**What to do:**" in told["message"]


def test_slack_receives_a_message_in_its_own_form(monkeypatch):
    async def play():
        async with endpoint("/services/T0001ABCD/B0001ABCD/aaaaaaaaaaaaaaaaaaaaaaaa", "ok") as (port, requests):
            load_apprise()
            from apprise.plugins.slack import NotifySlack

            monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{port}/services")
            channel = Channel("x", "slack://T0001ABCD/B0001ABCD/aaaaaaaaaaaaaaaaaaaaaaaa/#ops")
            return await send(channel, TEXT, Severity.CRITICAL, print), requests

    error, (request,) = asyncio.run(play())
    told = json.loads(request["body"])
    assert error is None
    assert told["channel"] == "#ops"
    assert told["attachments"][0]["title"] == TEXT.title
    assert "has been deactivated" in json.dumps(told)


def test_a_200_that_says_it_failed_is_a_failure(monkeypatch):
    """Slack's API answers 200 with ok: false."""

    async def play():
        async with endpoint("/api/chat.postMessage", {"ok": False, "error": "channel_not_found"}) as (port, _):
            load_apprise()
            from apprise.plugins.slack import NotifySlack

            monkeypatch.setattr(NotifySlack, "api_url", f"http://127.0.0.1:{port}/api/{{}}")
            return await send(Channel("x", "slack://xoxb-1234-1234-abcdefghijk/#ops"), TEXT, Severity.CRITICAL, print)

    error = asyncio.run(play())
    assert error
    assert "xoxb-1234" not in error


@asynccontextmanager
async def endpoint(path, answer):
    """A service at one address; yields its port and what it was asked."""
    requests = []

    async def receive(request):
        requests.append({"headers": dict(request.headers), "body": await request.text()})
        return web.Response(text=answer) if isinstance(answer, str) else web.json_response(answer)

    app = web.Application()
    app.router.add_post(path, receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], requests
    finally:
        await runner.cleanup()


def test_an_exception_inside_a_service_is_told_without_its_words():
    load_apprise()
    from apprise.decorators import notify

    @notify(on="breaks")
    def fail(body, title, notify_type, *args, **kwargs):
        raise ValueError("verysecrettoken123")

    error, _ = sent("breaks://verysecrettoken123@host")
    assert error
    assert "verysecrettoken123" not in error


def test_what_is_cut_is_cut_between_lines():
    text = MessageText("t", "x" * 999, "first line\nhttps://s.example/incidents/1.html\n")

    assert fit_service(text, 250, 30).body == "first line\n"


def test_a_connection_that_is_reset_is_told():
    async def play():
        async def reset(_, writer):
            writer.transport.abort()

        server = await asyncio.start_server(reset, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await send(Channel("x", f"json://127.0.0.1:{port}/hook"), TEXT, Severity.CRITICAL, print)

    assert "onnection" in asyncio.run(play())


WHOLE = len(TEXT.title) + 2 + len(TEXT.body)


@pytest.mark.parametrize(
    ("title_most", "body_most", "title", "body"),
    [
        (250, 32768, TEXT.title, TEXT.body),
        (250, WHOLE, TEXT.title, TEXT.body),
        (250, WHOLE - 1, TEXT.title, TEXT.shorter),
        (250, len(TEXT.title) + 2 + len(TEXT.shorter) - 1, TEXT.title, TEXT.brief),
        (12, 32768, "[DOWN]…", TEXT.body),
        (250, len(TEXT.title) + 22, TEXT.title, "Your account…\n"),
        (0, 160, TEXT.title, None),
    ],
)
def test_a_message_fits_the_service_with_its_title(title_most, body_most, title, body):
    fitted = fit_service(TEXT, title_most, body_most)

    assert fitted.title == title
    assert body is None or fitted.body == body
    assert len(fitted.body.encode()) + len(fitted.title.encode()) + 2 <= body_most


def test_what_is_not_ascii_counts_by_its_bytes_and_no_letter_is_torn():
    fitted = fit_service(MessageText("t", "ü" * 60, "ü" * 60), 250, 103)

    assert fitted.body == "ü" * 48 + "…\n"


def test_ntfy_gets_no_message_that_it_would_make_a_file_of():
    async def play():
        async with endpoint("/", {"id": "1", "event": "message"}) as (port, requests):
            long = replace(TEXT, body="a line\n" * 600, shorter="")
            return await send(Channel("x", f"ntfy://127.0.0.1:{port}/alerts"), long, Severity.CRITICAL, print), requests

    error, (request,) = asyncio.run(play())
    assert error is None
    assert json.loads(request["body"])["message"].strip() == TEXT.brief.strip()


class Mailbox:
    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(envelope.content.decode())
        return "250 taken"


@pytest.mark.parametrize(
    ("form", "kind", "part"),
    [
        (Format.TEXT, "text/plain", "What to do: Appeal at https://help.openai.com."),
        (Format.HTML, "text/html", "<strong>What to do:</strong> Appeal"),
    ],
)
def test_a_mail_arrives_in_the_form_that_was_asked_for(form, kind, part):
    around = replace(AROUND, url="https://s.example")
    text = compose(
        [MessagePart(Step.OPENED, 0, OPENED, around)], MessageStyle(MessageTemplates(), Detail.FULL, form), at(20)
    )
    mailbox = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    as_text = "&format=text" if form is Format.TEXT else ""
    try:
        error, _ = sent(f"mailto://127.0.0.1:{port}?from=m@example.com&to=me@example.com&smtp=127.0.0.1{as_text}", text)
    finally:
        controller.stop()

    assert error is None
    mail = message_from_string(mailbox.messages[0], policy=policy.default)
    assert "openai/main: account suspended" in mail["Subject"]
    parts = [one for one in mail.walk() if one.get_content_type() == kind]
    assert any(part in one.get_content() for one in parts)
    plain = next(one for one in mail.walk() if one.get_content_type() == "text/plain")
    assert f"https://s.example/incidents/{OPENED.incident.id}.html" in plain.get_content().replace("\n", "")


def test_a_refusal_is_told_without_the_channels_secrets():
    async def play():
        async with webhook(answer=500) as inbox:
            url = inbox.url + "?+X-Token=verysecrettoken123"
            return await send(Channel("x", url), TEXT, Severity.CRITICAL, print)

    error = asyncio.run(play())
    assert error
    assert "verysecrettoken123" not in error


def test_nobody_listening_is_told():
    error, _ = sent("json://127.0.0.1:1/hook")

    assert "Connection error" in error


def test_a_channel_that_hangs_is_left_after_its_limit():
    async def play():
        async with webhook(answer=None) as inbox:
            return await send(Channel("x", inbox.url, limit_s=0.3), TEXT, Severity.CRITICAL, print)

    assert asyncio.run(play()) == "no answer within 0.3 s"


def test_a_slow_channel_has_as_long_as_its_limit_says(monkeypatch):
    load_apprise()
    from apprise import URLBase

    monkeypatch.setattr(URLBase, "socket_read_timeout", 0.1)

    async def play():
        async with webhook() as inbox:
            inbox.delay_s = 0.5
            return await send(Channel("x", inbox.url), TEXT, Severity.CRITICAL, print), inbox.asked

    assert asyncio.run(play()) == (None, 1)


def test_channels_that_hang_hold_up_neither_another_one_nor_the_end_of_the_process():
    script = """
import asyncio
from monitor.alert.deliver import send
from monitor.alert.channel import Channel
from monitor.diagnose.subject import read_subject
from monitor.diagnose.incident import Severity
from monitor.diagnose.subject import read_subject
from tests.receiver import webhook
from tests.test_deliver import TEXT

async def play():
    async with webhook(answer=None) as deaf, webhook() as inbox:
        hung = [send(Channel("x", deaf.url, limit_s=90), TEXT, Severity.CRITICAL, print) for _ in range(60)]
        waiting = [asyncio.create_task(one) for one in hung]
        await asyncio.sleep(1)
        assert await send(Channel("y", inbox.url, limit_s=30), TEXT, Severity.CRITICAL, print) is None

asyncio.run(play())
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=60)


def test_apprise_says_nothing_in_our_log(caplog):
    with caplog.at_level(logging.DEBUG):
        sent("json://127.0.0.1:1/hook?+X-Token=verysecrettoken123")

    assert "verysecrettoken123" not in caplog.text


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("terminal:", None),
        ("json://127.0.0.1/x", None),
        ("ntfy://topic", None),
        ("mailtos://user:pass@example.com", None),
        ("slack://onlyone", "is not a complete slack:// address: something is missing or of the wrong form"),
        ("nosuch://x", "does not begin with the name of a service that Apprise knows"),
        ("just words", "does not begin with the name of a service that Apprise knows"),
    ],
)
def test_an_address_is_checked_for_its_form_and_nothing_is_sent(url, wrong):
    found = check_address(Channel("x", url))

    assert (found and found.what) == wrong


def message(tries):
    return OutboxMessage("x", at(20), (OutboxRow(1, Step.OPENED, 0, OPENED, "", tries, first=True),))


def test_pauses_between_tries_grow_to_a_quarter_of_an_hour():
    pauses = [next_try_at(message(tries), at(30)) - at(30) for tries in range(7)]

    assert pauses == [timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 900, 900)]


def test_after_a_day_it_is_given_up():
    assert next_try_at(message(50), at(21) + GIVE_UP) is None
