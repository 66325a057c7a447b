"""What a channel would be sent, request by request, without sending it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from monitor.alert.address import load_apprise, secrets_of
from monitor.alert.channel import TERMINAL
from monitor.alert.deliver import transmit
from monitor.alert.family import FAMILIES, scheme_of
from monitor.alert.request import Outgoing

ELSEWHERE = ("amqp", "mailto")
"""Families that we know, and that do not speak HTTP: they would really send."""
HIDDEN = "***"
SHOWN_HEADERS = re.compile(r"(x-|webhook-)", re.IGNORECASE)
"""Headers that say something of the message; others are of the transport, or hold a key."""
YES = {"ok": True, "success": True, "errcode": 0, "code": 0, "status": 1, "access_token": "-", "user_id": "@-:-"}
YES |= {"room_id": "!-:-", "id": "-"}
"""An answer that every service would understand as a yes."""


class SentRequest(Struct, frozen=True):
    """One request as it would travel, without any key. `body` is what its JSON or its form says, else its text."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


def can_rehearse(url: str) -> bool:
    return url != TERMINAL.url and scheme_of(url) in FAMILIES and scheme_of(url) not in ELSEWHERE


def rehearse(out: Outgoing) -> list[SentRequest]:
    """Return the requests that a message would make; none if it does not travel by HTTP. Sends nothing.

    Only for a command that ends soon: meanwhile no request of Apprise leaves this process.
    """
    if not can_rehearse(out.channel.url):
        return []
    secrets, heard = secrets_of(out.channel), list[Any]()
    with _intercepted(heard):
        transmit(out)
    return [
        describe_request(one.method, one.url, one.headers, one.body, secrets) for one in heard if not is_login(one.url)
    ]


def is_login(url: str) -> bool:
    """Whether a request only opens or closes the conversation that the message is a part of."""
    return url.partition("?")[0].endswith(("/login", "/logout"))


@contextmanager
def _intercepted(heard: list[Any]) -> Iterator[None]:
    load_apprise()
    from requests import Response
    from requests.adapters import HTTPAdapter

    def hear(_: object, request: Any, **__: object) -> Any:
        heard.append(request)
        answer = Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url
        answer.raw = BytesIO(b"ok" if "hooks.slack" in request.url else msgspec.json.encode(YES))
        return answer

    lowest: Any = HTTPAdapter  # the library has no hook below a session, and each plugin makes its own
    before, lowest.send = lowest.send, hear
    try:
        yield
    finally:
        lowest.send = before


def describe_request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | str | None, secrets: Sequence[str]
) -> SentRequest:
    """Return a request as it may be shown and kept."""
    sent = body if isinstance(body, bytes) else (body or "").encode()
    shown = {name: value for name, value in headers.items() if SHOWN_HEADERS.match(name)}
    return _without(SentRequest(method, url, shown, _read(sent)), secrets)


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        text = body.decode(errors="replace")
        form = parse_qsl(text, keep_blank_values=True)
        return dict(form) if form and re.match(r"[\w:%.-]+=", text) else text


def _without(one: SentRequest, secrets: Sequence[str]) -> SentRequest:
    text = msgspec.json.encode(one).decode()
    for secret in sorted({*secrets, *map(unquote, secrets)}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    return msgspec.json.decode(text, type=SentRequest)
