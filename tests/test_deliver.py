"""Messages to real receivers, and to receivers that do not behave."""

import asyncio
import logging
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller

from monitor.alert import deliver
from monitor.alert.address import check_address
from monitor.alert.deliver import GIVE_UP, again_at, send
from monitor.alert.text import Circumstances, Usable, compose
from monitor.config import TERMINAL, Channel
from monitor.diagnose import Diagnosis, Evidence, Scope
from monitor.incident import Change, ChangeKind, open_incident
from monitor.store.writer import Letter
from probes.model import Confidence, Fault
from tests.conftest import at
from tests.receiver import webhook

EVIDENCE = Evidence(
    "openai/main/chat", at(0), Fault.ACCOUNT_SUSPENDED, "openai/deactivated", "has been deactivated", 401, "req_7"
)  # fmt: skip
CAUSE = Diagnosis(
    Scope.ACCOUNT, "openai/main", Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, at(0),
    ("chat: HTTP 401, account_suspended",), ("openai/main/chat",), (EVIDENCE,),
)  # fmt: skip
OPENED = Change(open_incident(CAUSE), ChangeKind.OPENED, at(20))
RESOLVED = Change(replace(OPENED.incident, closed_at=at(3620)), ChangeKind.RESOLVED, at(3620))
AROUND = Circumstances("office", simulated=False, advice="Appeal at https://help.openai.com.")
TEXT = compose(OPENED, AROUND, at(20))


def sent(url, change=OPENED, text=TEXT):
    shown = []
    return asyncio.run(send(Channel("x", url), change, text, shown.append)), shown


def test_a_message_says_what_who_since_when_with_proof_and_what_to_do():
    text = compose(OPENED, replace(AROUND, usable=[Usable("openai/backup", at(-20))], url="https://s.example"), at(20))

    assert text.title == "[DOWN] openai/main: account suspended"
    for part in (
        "Whose trouble: your account (sure)",
        "Since: 21 Nov 2026, 12:00 UTC (20 s ago)",
        "HTTP 401, account_suspended, request id req_7",
        '"has been deactivated"',
        "What to do: Appeal at https://help.openai.com.",
        "Working instead: openai/backup (seen working 40 s ago)",
        "Seen from: office",
        f"https://s.example/incidents/{OPENED.incident.id}.html",
    ):
        assert part in text.body


def test_an_end_says_how_long_it_lasted():
    text = compose(RESOLVED, AROUND, at(3700))

    assert text.title == "[RESOLVED] openai/main: account suspended"
    assert "Lasted: 1 h" in text.body


def test_a_change_of_cause_says_that_it_is_new():
    text = compose(replace(OPENED, kind=ChangeKind.CHANGED), AROUND, at(20))

    assert text.title.startswith("[CHANGED]")
    assert "this is new" in text.body


def test_drills_and_simulations_are_marked_in_title_and_text():
    drill = Change(open_incident(CAUSE, drill=True), ChangeKind.OPENED, at(20))
    text = compose(drill, replace(AROUND, simulated=True), at(20))

    assert text.title.startswith("[DRILL] [SIMULATED] [DOWN]")
    assert "This is a DRILL: nothing is wrong." in text.body
    assert "SIMULATED:" in text.body


def test_the_terminal_shows_the_whole_message():
    error, shown = sent(TERMINAL.url)

    assert error is None
    assert TEXT.title in shown[0]
    assert TEXT.body in shown[0]


@pytest.mark.parametrize(("change", "kind"), [(OPENED, "failure"), (RESOLVED, "success")])
def test_a_webhook_receives_title_text_and_kind(change, kind):
    async def play():
        async with webhook() as inbox:
            error = await send(Channel("x", inbox.url), change, TEXT, print)
            return error, inbox.messages

    error, (message,) = asyncio.run(play())
    assert error is None
    assert (message["title"], message["message"].strip(), message["type"]) == (TEXT.title, TEXT.body.strip(), kind)


class Mailbox:
    def __init__(self):
        self.letters = []

    async def handle_DATA(self, server, session, envelope):
        self.letters.append(envelope.content.decode())
        return "250 taken"


def test_a_mail_arrives():
    mailbox = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        error, _ = sent(f"mailto://127.0.0.1:{port}?from=monitor@example.com&to=me@example.com&smtp=127.0.0.1")
    finally:
        controller.stop()

    assert error is None
    assert "openai/main: account suspended" in mailbox.letters[0]


def test_a_refusal_is_told_without_the_channels_secrets():
    async def play():
        async with webhook(answer=500) as inbox:
            url = inbox.url + "?+X-Token=verysecrettoken123"
            return await send(Channel("x", url), OPENED, TEXT, print)

    error = asyncio.run(play())
    assert error
    assert "verysecrettoken123" not in error


def test_nobody_listening_is_told():
    error, _ = sent("json://127.0.0.1:1/hook")

    assert "Connection error" in error


def test_a_channel_that_hangs_is_left_after_its_limit(monkeypatch):
    monkeypatch.setattr(deliver, "LIMIT_S", 0.3)

    async def play():
        async with webhook(answer=None) as inbox:
            return await send(Channel("x", inbox.url), OPENED, TEXT, print)

    assert asyncio.run(play()) == "no answer within 0.3 s"


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
    assert check_address(Channel("x", url)) == wrong


def test_pauses_between_tries_grow_to_a_quarter_of_an_hour():
    pauses = [again_at(Letter(1, "x", OPENED, tries), at(30)) - at(30) for tries in range(7)]

    assert pauses == [timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 900, 900)]


def test_after_a_day_it_is_given_up():
    assert again_at(Letter(1, "x", OPENED, 50), at(21) + GIVE_UP) is None
