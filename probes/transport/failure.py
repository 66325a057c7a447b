"""A network error → its fault, its rule and our own words; pure.

An exception's text may hold the key or the address. Feeds and the heartbeat use this too, to say why they reached
nobody.
"""

import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct

from probes.model import Fault, Phase, TimeLimits
from probes.proxy import PORTS, Proxy, ProxyFault, ProxyStopped
from probes.transport.body import UnreadableBody
from probes.transport.certificate import CaFileError
from probes.transport.progress import Progress


class Failure(Struct, frozen=True):
    """What stopped a request, and at which stage; `phase` is None where it never left, `proxy` where no proxy did."""

    fault: Fault
    rule: str
    words: str
    phase: Phase | None = None
    proxy: ProxyStopped | None = None


class RequestTrace(Struct, frozen=True):
    """A failed request: its destination, its progress, and its time limits."""

    address: str
    progress: Progress
    patience: TimeLimits

    @property
    def place(self) -> str:
        """The destination: host and port."""
        parts = _split(self.address)
        return f"{parts[0]}:{parts[1]}" if parts else "the host"

    @property
    def port(self) -> str:
        parts = _split(self.address)
        return f"port {parts[1]}" if parts else "its port"

    @property
    def proxy(self) -> Proxy | None:
        return self.progress.proxy


def _split(address: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(address)
        return (parts.hostname, parts.port or PORTS.get(parts.scheme, 0)) if parts.hostname else None
    except ValueError:
        return None


CONNECTING = frozenset({Phase.NAME, Phase.CONNECT, Phase.PROXY, Phase.TLS})


def explain_error(error: Exception, trip: RequestTrace) -> Failure:
    """Return what an exception from aiohttp, or from a reader of ours, means. Re-raises any other."""
    phase = _phase(error, trip.progress.phase)
    if phase is Phase.PROXY and trip.proxy:
        return _of_proxy(_proxy_error(error, trip), trip, trip.proxy)
    found = _of_tls(error, phase, trip) or _of_time(error, phase, trip) or _of_name(error) or _by_kind(error, phase)
    if found is None:
        raise error
    fault, rule, words = found
    if trip.progress.reused and phase in (Phase.REQUEST, Phase.FIRST_BYTE) and isinstance(error, BROKEN):
        words += OLD
    if trip.proxy and phase is not None:
        words += f" (through the proxy at {trip.proxy.name})"
    return Failure(fault, f"transport/{rule}", words, phase)


OLD = "; the connection was kept open since an earlier probe"
BROKEN = (aiohttp.ServerDisconnectedError, OSError)


def _phase(error: Exception, reached: Phase | None) -> Phase | None:
    """Return the stage; what an exception says of it is more reliable than what was noted."""
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return Phase.PROXY
    if reached is Phase.PROXY:
        return reached
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Phase.NAME
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return Phase.TLS
    if isinstance(error, aiohttp.ClientConnectorError):
        return Phase.TLS if reached is Phase.TLS else Phase.CONNECT
    if isinstance(error, aiohttp.ConnectionTimeoutError) and reached not in CONNECTING:
        return Phase.CONNECT
    if isinstance(error, aiohttp.InvalidURL | CaFileError):
        return None
    if isinstance(error, aiohttp.ClientConnectionResetError) and reached is Phase.FIRST_BYTE:
        return Phase.REQUEST  # raised when writing is no longer possible
    return reached


Explained = tuple[Fault, str, str]


# The proxy


class _ByProxy(Struct, frozen=True):
    """What a proxy did, in words that follow its name; `status` and `detail` as in ProxyStopped."""

    fault: Fault
    how: ProxyFault
    words: str
    status: int | None = None
    detail: str = ""


def _of_proxy(it: _ByProxy, trip: RequestTrace, proxy: Proxy) -> Failure:
    stopped = ProxyStopped(proxy.name, it.how, trip.place, it.status, proxy.user is not None, it.detail)
    return Failure(it.fault, f"proxy/{it.how}", f"the proxy at {proxy.name} {it.words}", Phase.PROXY, stopped)


def _proxy_error(error: Exception, trip: RequestTrace) -> _ByProxy:
    fault = Fault.PROXY_FAILED
    match error:
        case aiohttp.ClientHttpProxyError():
            return _refused_by_proxy(error.status, _challenges(error), trip)
        case aiohttp.ClientConnectorDNSError():
            return _ByProxy(fault, ProxyFault.NAME, "has a name that is not found")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            reason = _reason(error)
            return _ByProxy(fault, ProxyFault.TLS, f"makes no secure connection{_aside(reason)}", detail=reason)
        case aiohttp.ClientConnectorError():
            reason = _system(error)
            return _ByProxy(fault, ProxyFault.CONNECT, f"cannot be reached{_aside(reason)}", detail=reason)
        case TimeoutError():
            waited_s = trip.patience.connect_s
            words = f"does not let us through to {trip.place} within {waited_s:g} s"
            return _ByProxy(fault, ProxyFault.TIMEOUT, words)
        case aiohttp.ServerDisconnectedError() | OSError():
            words = f"closes the connection without saying why {trip.place} is not reached"
            return _ByProxy(fault, ProxyFault.CLOSED, words)
        case _:
            words = "does not answer with readable HTTP: is it a proxy?"
            return _ByProxy(fault, ProxyFault.PROTOCOL, words)


def _challenges(error: aiohttp.ClientHttpProxyError) -> Sequence[str]:
    return error.headers.getall("Proxy-Authenticate", []) if error.headers else []


def _refused_by_proxy(status: int, challenges: Sequence[str], trip: RequestTrace) -> _ByProxy:
    if status == 407 and challenges and not any(map(BASIC.search, challenges)):
        wanted = _wanted(challenges)
        words = (
            f"wants {wanted or 'a proof that it does not name'}, and we can give a user and a password alone (Basic)"
        )
        return _ByProxy(Fault.PROXY_FAILED, ProxyFault.SCHEME, words, status, wanted)
    if status == 407:
        return _ByProxy(Fault.PROXY_FAILED, ProxyFault.CREDENTIALS, _unknown_to_proxy(trip), status)
    if status in UNREACHED:
        words = f"says that it does not reach {trip.place} ({_status(status)})"
        return _ByProxy(Fault.CONNECTION_FAILED, ProxyFault.UNREACHED, words, status)
    words = f"refuses to let us through to {trip.place} ({_status(status)})"
    return _ByProxy(Fault.PROXY_FAILED, ProxyFault.REFUSED, words, status)


UNREACHED = frozenset({502, 503, 504})
"""Statuses by which proxies report that the destination does not answer (RFC 9110, 15.6; Squid: 503)."""


BASIC = re.compile(r"(?:^|,)\s*basic\b", re.IGNORECASE)
"""The only scheme we support (RFC 7617); a header may list several (RFC 9110, 11.6.1)."""
SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]{0,20})(?![^\s,])")


def _wanted(challenges: Sequence[str]) -> str:
    """Name the schemes that a proxy offers, the first of each header; empty if it names none."""
    named = dict.fromkeys(found[1] for one in challenges if (found := SCHEME.match(one)))
    return " or ".join(list(named)[:3])


def _unknown_to_proxy(trip: RequestTrace) -> str:
    if trip.proxy and trip.proxy.user is not None:
        return f"refuses our user and password ({_status(407)})"
    return f"refuses us: it wants a user and a password ({_status(407)})"


def _status(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


PROXY_HEADERS = ("x-squid-error", "proxy-authenticate")
"""Headers that only a proxy's own answer has."""


def explain_proxy_answer(status: int, headers: Mapping[str, str], trip: RequestTrace) -> Failure | None:
    """Return what an answer by the proxy, instead of the API, means; None where it is not the proxy's."""
    if trip.proxy is None or not (status == 407 or any(mark in headers for mark in PROXY_HEADERS)):
        return None
    told = headers.get("proxy-authenticate")
    return _of_proxy(_refused_by_proxy(status, [told] if told else [], trip), trip, trip.proxy)


# TLS


def _of_tls(error: Exception, phase: Phase | None, trip: RequestTrace) -> Explained | None:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        told = getattr(error.certificate_error, "verify_message", "") or "not trusted"
        return Fault.CONNECTION_FAILED, "certificate", f"the certificate is not valid ({told})"
    inner = _ssl_error(error)
    if inner is None:
        return (Fault.CONNECTION_FAILED, "tls-cut", TLS_CUT) if _is_cut(error, phase) else None
    reason = _constant(inner)
    if reason in PLAIN:
        return Fault.CONNECTION_FAILED, "tls-plain", f"connected, but it speaks no TLS at {trip.port}"
    if isinstance(inner, ssl.SSLEOFError) or reason in CUT_REASONS:
        return Fault.CONNECTION_FAILED, "tls-cut", TLS_CUT
    if told := TLS_REASONS.get(reason):
        return Fault.CONNECTION_FAILED, "tls", f"no secure connection could be agreed on: {told}"
    return Fault.CONNECTION_FAILED, "tls", f"no secure connection could be agreed on{_aside(_reason(error))}"


def _is_cut(error: Exception, phase: Phase | None) -> bool:
    return phase is Phase.TLS and isinstance(error, OSError) and not isinstance(error, TimeoutError)


def _ssl_error(error: Exception) -> ssl.SSLError | None:
    """Return OpenSSL's error, however deep aiohttp and asyncio have wrapped it."""
    for one in (getattr(error, "os_error", None), error.__cause__, error.__context__, error):
        if isinstance(one, ssl.SSLError):
            return one
    return None


TLS_CUT = "connected, and the connection was closed while TLS was agreed on"
PLAIN = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
"""OpenSSL's errors when the other side does not speak TLS; the last two since version 3.2."""
CUT_REASONS = frozenset({"UNEXPECTED_EOF_WHILE_READING"})
TOO_OLD = "it offers no version of TLS that is still safe"
TLS_REASONS = {
    "UNSUPPORTED_PROTOCOL": TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": TOO_OLD,
    "NO_PROTOCOLS_AVAILABLE": TOO_OLD,
    "TLSV1_UNRECOGNIZED_NAME": "it knows no such host name",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of ours",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refuses what we offer",
    "DH_KEY_TOO_SMALL": "its keys are too short to be safe",
    "EE_KEY_TOO_SMALL": "its keys are too short to be safe",
}


def _reason(error: Exception) -> str:
    """Return OpenSSL's reason in words, empty without one; its constants hold nothing of ours."""
    inner = _ssl_error(error)
    return getattr(inner, "verify_message", "") or _constant(inner).replace("_", " ").lower()


def _constant(error: ssl.SSLError | None) -> str:
    """Return OpenSSL's constant for a reason; aiohttp's own errors derive from its class, and have none."""
    return (getattr(error, "reason", "") or "").upper()


# Time


def _of_time(error: Exception, phase: Phase | None, trip: RequestTrace) -> Explained | None:
    if not isinstance(error, TimeoutError):
        return None
    patience = trip.patience
    is_silent = isinstance(error, aiohttp.SocketTimeoutError)
    waited_s = patience.connect_s if isinstance(error, aiohttp.ConnectionTimeoutError) else patience.total_s
    if phase in CONNECTING:
        rule, told = LATE_BEFORE[phase]
        return Fault.CONNECTION_FAILED, rule, told.format(waited_s=waited_s)
    rule = "silence" if is_silent else "total"
    told = (SILENT if is_silent else UNFINISHED).get(phase, "not done within {waited_s:g} s")
    return Fault.TIMEOUT, rule, told.format(waited_s=patience.silence_s if is_silent else patience.total_s)


LATE_BEFORE: Mapping[Phase | None, tuple[str, str]] = {
    Phase.NAME: ("dns-timeout", "the name service does not answer within {waited_s:g} s"),
    Phase.CONNECT: ("connect-timeout", "no connection within {waited_s:g} s"),
    Phase.TLS: ("tls-timeout", "connected, and no secure connection (TLS) within {waited_s:g} s"),
}
SILENT: Mapping[Phase | None, str] = {
    Phase.REQUEST: "connected, and what we ask was not taken within {waited_s:g} s",
    Phase.FIRST_BYTE: "connected, and silent for {waited_s:g} s",
    Phase.BODY: "the answer stopped: not a byte more for {waited_s:g} s",
}
UNFINISHED: Mapping[Phase | None, str] = {
    Phase.REQUEST: "connected, and what we ask was not taken within {waited_s:g} s",
    Phase.FIRST_BYTE: "connected, and no answer within {waited_s:g} s",
    Phase.BODY: "the answer was not done within {waited_s:g} s",
}


# The name


def _of_name(error: Exception) -> Explained | None:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        code = error.os_error.errno
        if isinstance(error.os_error, socket.gaierror) and code in UNRESOLVED:
            rule, told = UNRESOLVED[code]
            return Fault.CONNECTION_FAILED, rule, told
        return Fault.CONNECTION_FAILED, "dns", "the name of the host is not found"
    return None


UNRESOLVED = {
    socket.EAI_NONAME: ("dns", "the name of the host is not found"),
    socket.EAI_AGAIN: ("dns-failing", "the name service fails, or does not answer, when asked for the host"),
    socket.EAI_FAIL: ("dns-failing", "the name service fails when asked for the host"),
    getattr(socket, "EAI_NODATA", -5): ("dns-empty", "the name of the host has no address"),
}
"""By code of getaddrinfo(3): no such name (NXDOMAIN), SERVFAIL or no answer, a refusal, a name without an address."""


# Everything else


def _by_kind(error: Exception, phase: Phase | None) -> Explained | None:
    for kind, fault, rule, words in BREAKS:
        if isinstance(error, kind):
            return fault, rule, words.get(phase, words[None]) + _detail(error)
    return None


def _same(words: str) -> Mapping[Phase | None, str]:
    return {None: words}


UNREAD = "what came back is not HTTP that can be read"
BREAKS: Sequence[tuple[type[Exception], Fault, str, Mapping[Phase | None, str]]] = (
    (aiohttp.ClientConnectorError, Fault.CONNECTION_FAILED, "connect", _same("no connection")),
    (
        aiohttp.ServerDisconnectedError,
        Fault.CONNECTION_FAILED,
        "disconnected",
        _same("the connection was closed without an answer"),
    ),
    (aiohttp.ClientPayloadError, Fault.INVALID_RESPONSE, "cut", _same("the answer broke off in the middle")),
    (aiohttp.InvalidURL, Fault.BAD_REQUEST, "address", _same("the address is no web address")),
    (aiohttp.ClientResponseError, Fault.INVALID_RESPONSE, "protocol", _same(UNREAD)),
    (CaFileError, Fault.BAD_REQUEST, "ca-file", _same("the file of authorities (ca_file)")),
    (UnreadableBody, Fault.INVALID_RESPONSE, "encoding", _same("the answer")),
    (
        OSError,
        Fault.CONNECTION_FAILED,
        "reset",
        {
            None: "the connection broke",
            Phase.REQUEST: "the connection broke while we asked",
            Phase.FIRST_BYTE: "the connection broke before an answer",
            Phase.BODY: "the connection broke in the middle of the answer",
        },
    ),
    (aiohttp.ClientError, Fault.INVALID_RESPONSE, "client", _same("the exchange failed")),
    (
        UnicodeError,
        Fault.BAD_REQUEST,
        "value",
        {
            None: "the request could not be built: look at the key, the address and the model",
            Phase.CONNECT: "the base address holds no name of a host",
            Phase.NAME: "the base address holds no name of a host",
            Phase.FIRST_BYTE: UNREAD,
            Phase.BODY: UNREAD,
        },
    ),
    (
        ValueError,
        Fault.BAD_REQUEST,
        "value",
        {
            None: "the request could not be built: look at the key, the address and the model",
            Phase.FIRST_BYTE: UNREAD,
            Phase.BODY: UNREAD,
        },
    ),
)
"""The first class that matches decides, by phase where it matters; the more specific ones come first."""


def _detail(error: Exception) -> str:
    if isinstance(error, UnreadableBody | CaFileError):
        return f" {error}"
    return _aside(_system(error))


def _system(error: Exception) -> str:
    """Return the system's own words, except for TLS errors: their numbers mean something else here."""
    if not isinstance(error, OSError):
        return ""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else ""


def _aside(words: str) -> str:
    return f" ({words})" if words else ""
