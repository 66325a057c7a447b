"""An HTTP request of our own senders, beside those of Apprise, and what its answer means."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from monitor.alert.channel import Channel
from monitor.alert.text import MessageText
from monitor.diagnose.incident import Severity
from probes.redact import redact


class ServiceRequest(Struct, frozen=True):
    """One request. `headers` hold more than the type of the body, which is JSON."""

    url: str
    body: bytes
    headers: Mapping[str, str] = {}
    method: str = "POST"


class Outgoing(Struct, frozen=True):
    """A message on its way to a channel, at this instant; `severity` is None if it reports an end."""

    channel: Channel
    text: MessageText
    severity: Severity | None
    at: datetime


def as_json(value: object) -> bytes:
    return msgspec.json.encode(value)


def post_all(requests: Iterable[ServiceRequest], limit_s: float, secrets: Sequence[str]) -> str | None:
    """Send requests in their order until one is refused; return why, None if all were accepted."""
    return next((wrong for one in requests if (wrong := _post(one, limit_s, secrets))), None)


def _post(one: ServiceRequest, limit_s: float, secrets: Sequence[str]) -> str | None:
    import requests  # the library under Apprise, loaded with it

    headers = {"Content-Type": "application/json", "User-Agent": "provider-monitor", **one.headers}
    try:
        # A redirect would take the key to a host that nobody named; an answer may never end.
        with requests.request(
            one.method, one.url, data=one.body, headers=headers, timeout=limit_s, allow_redirects=False, stream=True
        ) as answer:
            if 200 <= answer.status_code < 300:
                return None
            return redact(f"HTTP {answer.status_code}{_said(answer)}", secrets)[:200]
    except (requests.RequestException, OSError, ValueError) as error:
        return f"the service could not be reached ({type(error).__name__})"


def _said(answer: Any) -> str:
    """Return the beginning of an answer's body: no more than that is read."""
    words = " ".join(next(answer.iter_content(500), b"").decode(errors="replace").split())
    return f": {words}" if words else ""
