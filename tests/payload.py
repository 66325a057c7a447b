"""What each family of channels really sends, recorded by a local receiver: `python -m tests.payload` writes it anew.

The receiver takes every request for every host: the HTTP library under Apprise is led to it at its lowest step, so that
what is recorded crossed a socket. Mail goes to a real mail server.
"""

import asyncio
import json
import re
import socket
import sys
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes, policy
from pathlib import Path

import msgspec
import requests
from aiohttp import web
from aiosmtpd.controller import Controller
from msgspec.structs import replace

from monitor.alert.address import load_apprise, secrets_of
from monitor.alert.case import Step
from monitor.alert.channel import Channel, Format
from monitor.alert.deliver import OWN, send
from monitor.alert.family import FAMILIES, format_of, priority_of, scheme_of
from monitor.alert.rehearsal import YES, describe_request, is_login
from monitor.alert.text import (
    DigestSummary,
    MessageContext,
    MessagePart,
    MessageStyle,
    MessageTemplates,
    compose,
    compose_digest,
    worst_severity,
)
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Change, ChangeKind, Severity, open_incident
from monitor.diagnose.subject import Scope, read_subject
from probes.model import Confidence, Fault
from probes.phrase import Phrase
from tests.conftest import at

FOLDER = Path(__file__).parent / "samples" / "payload"

HEX = "0123456789abcdef" * 4
ADDRESSES = {
    "bark": f"barks://bark.example/{HEX[:22]}",
    "dingtalk": f"dingtalk://{HEX}",
    "discord": f"discord://{HEX[:18]}/{HEX}",
    "form": "forms://hook.example/x",
    "gchat": f"gchat://space/{HEX[:20]}/{HEX[:30]}",
    "gotify": "gotifys://gotify.example/AbCdEf.GhIjKlMn",
    "hassio": f"hassios://home.example/{HEX}",
    "json": "jsons://hook.example/x",
    "lark": f"lark://{HEX[:36]}",
    "line": f"line://{HEX}={'/'}U{HEX[:32]}",
    "mailgun": f"mailgun://monitor@mail.example/{HEX[:32]}-{HEX[:8]}-{HEX[:8]}/ops@example.com",
    "mailto": "mailto://127.0.0.1:{port}?from=m@example.com&to=me@example.com&smtp=127.0.0.1",
    "matrix": "matrixs://monitor:Secr3tPass@matrix.example/!room:matrix.example?v=3&discovery=no",
    "mmost": f"mmosts://chat.example/{HEX[:26]}",
    "nctalk": "nctalks://monitor:Secr3tPass@cloud.example/roomtoken",
    "ntfy": "ntfys://ntfy.example/topic",
    "opsgenie": f"opsgenie://{HEX[:8]}-{HEX[:4]}-{HEX[:4]}-{HEX[:12]}/#ops",
    "pagerduty": f"pagerduty://{HEX[:32]}",
    "pbul": f"pbul://o.{HEX[:32]}",
    "pover": f"pover://{HEX[:30]}@{HEX[:30]}",
    "prowl": f"prowl://{HEX[:40]}",
    "psafer": f"psafers://{HEX[:20]}",
    "rocket": "rockets://abc1234567/Q5PR8bkxAaaaaaaaaaaaaaaaaa@chat.example/#ops?avatar=no",
    "sendgrid": f"sendgrid://SG{HEX[:20]}:m@example.com/me@example.com",
    "signal": "signals://signal.example/+15551230001/+15551230002",
    "slack": "slack://T0001ABCD/B0001ABCD/aaaaaaaaaaaaaaaaaaaaaaaa/#ops",
    "tgram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "twilio": f"twilio://AC{HEX[:32]}:{HEX[:32]}@15551230001/15551230002",
    "wecombot": f"wecombot://{HEX[:8]}-{HEX[:4]}-{HEX[:4]}-{HEX[:4]}-{HEX[:12]}",
    "webhook": "webhook:https://hook.example/x",
    "whatsapp": f"whatsapp://{HEX}@15551230001/15551230002",
    "workflows": f"workflows://teams.example:443/{HEX[:32]}/{HEX[:43]}",
    "wxteams": f"wxteams://{HEX}{HEX[:16]}",
    "xml": "xmls://hook.example/x",
    "zulip": f"zulip://bot@org.zulipchat.com/{HEX[:32]}/ops",
}

SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
WORDS = (
    "Your *account* was `closed`: see [here](https://evil.example/x), <b>now</b> or @channel & <https://evil.example>"
)
EVIDENCE = Evidence("openai/team_a_b/chat", at(0), Fault.ACCOUNT_SUSPENDED, "openai/deactivated", WORDS, 401, "req_7_x")
CAUSE = Diagnosis(
    read_subject(Scope.ACCOUNT, "openai/team_a_b"), Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, at(0),
    ("chat: HTTP 401, account_suspended",), ("openai/team_a_b/chat",), (EVIDENCE,),
)  # fmt: skip
OPENED = Change(open_incident(CAUSE), ChangeKind.OPENED, at(20))
PAGE = "https://status.example/m"
ACKNOWLEDGE = f"{PAGE}/answer/YWNrbm93bGVkZ2U_x_y-z.a_b_c-d_e"
AROUND = MessageContext(
    "office_1",
    simulated=False,
    advice=(Phrase("Appeal at https://help.openai.com/a_b_c?x=1&y=2."),),
    url=PAGE,
    links={"Acknowledge": ACKNOWLEDGE},
)


def _changed(**facts):
    return replace(OPENED, incident=replace(OPENED.incident, **facts))


OTHER = open_incident(replace(CAUSE, about=read_subject(Scope.ACCOUNT, "anthropic/main")))
KINDS = {
    "down": [MessagePart(Step.OPENED, 0, OPENED, AROUND)],
    "changed": [MessagePart(Step.CHANGED, 0, replace(OPENED, kind=ChangeKind.CHANGED), AROUND)],
    "at_risk": [MessagePart(Step.OPENED, 0, _changed(signal=True, severity=Severity.WARNING), AROUND)],
    "resolved": [
        MessagePart(
            Step.RESOLVED, 0, replace(_changed(closed_at=at(620)), kind=ChangeKind.RESOLVED), replace(AROUND, links={})
        )
    ],
    "list": [
        MessagePart(Step.OPENED, 0, OPENED, replace(AROUND, links={})),
        MessagePart(Step.OPENED, 0, replace(OPENED, incident=OTHER), replace(AROUND, links={})),
    ],
}


ALL_KINDS = (*KINDS, "digest")
TEMPLATES = MessageTemplates()


def style_of(channel):
    return MessageStyle(TEMPLATES, channel.detail, format_of(channel), apart=scheme_of(channel.url) in OWN)


def written(kind, style):
    if kind == "digest":
        over = _changed(closed_at=at(620))
        return compose_digest(DigestSummary(at(-86400), at(1000), [over.incident, OTHER], "office_1", PAGE), style)
    return compose(KINDS[kind], style, at(620))


def severity(kind):
    return Severity.INFO if kind == "digest" else worst_severity(KINDS[kind])


class Receiver:
    """Takes every request for every host, and keeps it."""

    def __init__(self):
        self.requests, self.mails, self.mail_port, self.status = [], [], 0, 200

    async def receive(self, request):
        headers = {name: value for name, value in request.headers.items() if name != "X-Meant"}
        sent = {"method": request.method, "url": request.headers["X-Meant"], "headers": headers}
        self.requests.append({**sent, "body": await request.read()})
        if "hooks.slack.com" in request.headers["X-Meant"]:
            return web.Response(text="ok", status=self.status)
        return web.json_response(YES, status=self.status)

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope.content)
        return "250 taken"

    def described(self, channel):
        secrets = secrets_of(channel)
        its = (one for one in self.requests if not is_login(one["url"]))
        return [msgspec.to_builtins(describe_request(**one, secrets=secrets)) for one in its]


@contextmanager
def led_to(port):
    """Lead every request of the HTTP library under Apprise to this port of loopback."""
    whole = requests.adapters.HTTPAdapter.send

    def led(adapter, request, **options):
        request.headers["X-Meant"] = request.url
        request.url = f"http://127.0.0.1:{port}/"
        return whole(adapter, request, **options)

    requests.adapters.HTTPAdapter.send = led
    try:
        yield
    finally:
        requests.adapters.HTTPAdapter.send = whole


@asynccontextmanager
async def receiver():
    load_apprise()
    from apprise import URLBase
    from apprise.plugins.matrix import NotifyMatrix

    URLBase.request_rate_per_sec = NotifyMatrix.request_rate_per_sec = 0  # the receiver does not mind haste
    it = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", it.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        it.mail_port = free.getsockname()[1]
    mail = Controller(it, hostname="127.0.0.1", port=it.mail_port)
    mail.start()
    try:
        with led_to(runner.addresses[0][1]):
            yield it
    finally:
        mail.stop()
        await runner.cleanup()


VOLATILE = {
    r'"ts": ?[\d.]+': '"ts": 0',
    r'"notification_id": ?"[^"]+"': '"notification_id": "-"',
    r'"webhook-(timestamp|signature)": ?"[^"]+"': r'"webhook-\1": "-"',
    r"message/\d+": "message/0",
}
"""What is another one each time."""


async def recorded(it, family, kind):
    """Return the requests, or the mail, that a message of this kind makes at this family."""
    it.requests.clear(), it.mails.clear()
    channel = channel_of(family, it)
    error = await send(channel, written(kind, style_of(channel)), severity(kind), print)
    assert error is None, f"{family}: {error}"
    return steady(it.described(channel) or [read_mail(one) for one in it.mails])


def steady(sent):
    """Return requests without what is another one each time."""
    text = json.dumps(sent, ensure_ascii=False)
    for pattern, still in VOLATILE.items():
        text = re.sub(pattern, still, text)
    return json.loads(text)


def read_mail(content):
    mail = message_from_bytes(content, policy=policy.default)
    parts = {one.get_content_type(): one.get_content() for one in mail.walk() if not one.is_multipart()}
    return {"from": mail["From"], "subject": mail["Subject"], **parts}


def channel_of(family, it):
    return Channel("x", ADDRESSES[family].format(port=it.mail_port), secret=SECRET if family == "webhook" else "")


async def write_all():
    async with receiver() as it:
        for family in sys.argv[1:] or ADDRESSES:
            sent = {kind: await recorded(it, family, kind) for kind in ALL_KINDS}
            (FOLDER / f"{family}.json").write_text(json.dumps(sent, indent=1, ensure_ascii=False) + "\n")


GUIDE = Path(__file__).parents[1] / "docs" / "how-to" / "channels.md"
BEGIN, END = "<!-- families: written by `python -m tests.payload` -->\n", "<!-- end -->\n"
SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO, None)


def families_table():
    """Return the table of docs/how-to/channels.md: what each recorded family does with each kind of message."""
    rows = [
        "| service | address | critical | warning | info | end | a tap opens | shows |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for scheme in sorted(ADDRESSES, key=lambda one: FAMILIES[one].name.lower()):
        family, channel = FAMILIES[scheme], Channel("x", f"{scheme}://x")
        key = f"{family.loudness.key}: " if family.loudness else ""
        loud = [f"{key}`{priority_of(channel, one)}`" if key else "" for one in SEVERITIES]
        shows = " or ".join(WORDS_OF[one] for one in family.formats)
        opens = "the page" if family.link or scheme in OWN else ""
        begins = "`webhook:`" if scheme == "webhook" else f"`{scheme}://`"
        rows.append(f"| {' | '.join((family.name, begins, *loud, opens, shows))} |")
    return "\n".join(rows) + "\n"


WORDS_OF = {Format.TEXT: "text", Format.MARKDOWN: "Markdown", Format.HTML: "HTML"}


def guide():
    before, _, rest = GUIDE.read_text().partition(BEGIN)
    return before + BEGIN + families_table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(write_all())
    GUIDE.write_text(guide())
