"""On which part of the road a look ends, in which words: real servers that fail there, and nowhere else."""

import asyncio
import os
import socket
import ssl
import struct
import subprocess
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import trustme

from probes.canary import Prober, attempt_request, open_session
from probes.catalog import load_provider, load_wording
from probes.model import Account, Blame, Fault, Outcome, Phase, Target, TimeLimits
from probes.proxy import DIRECT_EGRESS, Egress
from probes.transport.certificate import _trusting as trust_
from probes.transport.failure import RequestTrace, explain_error
from probes.transport.progress import Progress
from tests.rows import each_row

KEY = "sim-key-0123456789-abcdefghij"
QUICK = TimeLimits(connect_s=1, silence_s=0.6, total_s=1.5)
PROVIDER = load_provider("openai-compatible")
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = JSON + b'Content-Length: 21\r\n\r\n{"data":[{"id":"m"}]}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority that only this test knows, with its certificate as a file."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path_factory.mktemp("authority") / "ca.pem")
    return made


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("trusted") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def secured(issued, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    for name, value in settings.items():
        setattr(context, name, value)
    return context


@asynccontextmanager
async def serving(handle, context=None):
    """Serve raw bytes on loopback; yield the port."""

    async def serve(reader, writer):
        try:
            await handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def says(*pieces, pause_s=0.0, end="close"):
    """Return what answers a request so, and then closes, resets, or waits."""

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if end == "reset":
            reset(writer)
        if end == "wait":
            await asyncio.sleep(5)

    return handle


def hello(answer=b"", end="close"):
    """Return what hears the first bytes of a handshake, and does this instead of its own part."""

    async def handle(reader, writer):
        await reader.read(10)
        writer.write(answer)
        await writer.drain()
        if end == "reset":
            reset(writer)
        if end == "wait":
            await asyncio.sleep(5)

    return handle


def reset(writer):
    made = writer.get_extra_info("socket")
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def look(base, way=DIRECT_EGRESS, times=1, pause_s=0.0, canary="list"):
    async with open_session("test") as session:
        prober = Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, QUICK)
        account = Account("main", PROVIDER.id, KEY, base, way=way)
        for _ in range(times):
            model = None if canary == "list" else "m"
            seen = await attempt_request(prober, PROVIDER, account, Target(account.id, PROVIDER.id, canary, model))
            await asyncio.sleep(pause_s)
        return seen


def met(handle, *, context=None, base="http://127.0.0.1:{port}/v1", way=DIRECT_EGRESS):
    async def play():
        async with serving(handle, context) as port:
            return await look(base.format(port=port), way), port

    return asyncio.run(play())


def said(seen):
    return seen.fault, seen.phase, seen.answer.rule.removeprefix("transport/"), seen.answer.words


# Each part of the road


def test_a_name_that_nobody_has():
    seen = asyncio.run(look("http://no-such-host.invalid/v1"))

    assert said(seen) == (Fault.CONNECTION_FAILED, Phase.NAME, "dns", "the name of the host is not found")


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 70}.com"])
def test_a_name_that_is_none_is_our_own_fault(host):
    seen = asyncio.run(look(f"http://{host}/v1"))

    assert (seen.fault, seen.answer.words) == (Fault.BAD_REQUEST, "the base address holds no name of a host")


UNRESOLVED = [
    (socket.EAI_NONAME, "dns", "the name of the host is not found"),
    (socket.EAI_AGAIN, "dns-failing", "the name service fails, or does not answer, when asked for the host"),
    (socket.EAI_FAIL, "dns-failing", "the name service fails when asked for the host"),
    (socket.EAI_NODATA, "dns-empty", "the name of the host has no address"),
    (socket.EAI_MEMORY, "dns", "the name of the host is not found"),
]


@pytest.mark.parametrize(("code", "rule", "words"), UNRESOLVED)
def test_a_name_service_that_fails_is_another_thing_than_a_name_that_is_not_there(code, rule, words):
    error = aiohttp.ClientConnectorDNSError(None, socket.gaierror(code, "x"))
    found = explain_error(error, RequestTrace("https://api.example.com/v1", Progress(phase=Phase.NAME), QUICK))

    assert (found.fault, found.rule, found.words, found.phase) == (
        Fault.CONNECTION_FAILED,
        f"transport/{rule}",
        words,
        Phase.NAME,
    )


@pytest.mark.parametrize(
    ("phase", "error", "rule", "words", "blame"),
    [
        (Phase.NAME, TimeoutError(), "dns-timeout", "the name service does not answer within 1 s", Blame.PATH),
        (Phase.CONNECT, aiohttp.ConnectionTimeoutError(), "connect-timeout", "no connection within 1 s", Blame.PATH),
        (Phase.REQUEST, TimeoutError(), "total", "connected, and what we ask was not taken within 1.5 s", "provider"),
        (Phase.REQUEST, BrokenPipeError(32, "x"), "reset", "the connection broke while we asked (Broken pipe)", "path"),
    ],
)
def test_what_no_server_here_can_be_made_to_do(phase, error, rule, words, blame):
    found = explain_error(error, RequestTrace("https://api.example.com/v1", Progress(phase=phase), QUICK))

    waited = words.replace("within 1 s", "within 1.5 s") if type(error) is TimeoutError else words
    assert (found.rule, found.words, found.fault.blame) == (f"transport/{rule}", waited, blame)


def test_nobody_listens_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        seen = asyncio.run(look(f"http://127.0.0.1:{free.getsockname()[1]}/v1"))

    assert said(seen) == (
        Fault.CONNECTION_FAILED,
        Phase.CONNECT,
        "connect",
        "no connection (Connection refused)",
    )


def test_whoever_takes_no_connection_in_time():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # they fill its queue; the next one hears nothing
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        seen = asyncio.run(look(f"http://127.0.0.1:{full.getsockname()[1]}/v1"))
        for one in waiting:
            one.close()

    assert said(seen) == (Fault.CONNECTION_FAILED, Phase.CONNECT, "connect-timeout", "no connection within 1 s")


NO_TLS = "connected, but it speaks no TLS at port {port}"
UNSAFE = "no secure connection could be agreed on: it offers no version of TLS that is still safe"
AGREED = "no secure connection could be agreed on"
CLOSED = "connected, and the connection was closed while TLS was agreed on"
HANDSHAKES = {
    "closed": (hello(), "tls-cut", CLOSED),
    "reset": (hello(end="reset"), "tls-cut", CLOSED),
    "silent": (hello(end="wait"), "tls-timeout", "connected, and no secure connection (TLS) within 1 s"),
    "plain HTTP": (hello(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls-plain", NO_TLS),
    "SSH": (hello(b"SSH-2.0-x\r\n"), "tls-plain", NO_TLS),
    "alert: version": (hello(b"\x15\x03\x03\0\2\2\x46"), "tls", UNSAFE),
    "alert: handshake": (hello(b"\x15\x03\x03\0\2\2\x28"), "tls", f"{AGREED}: it refuses what we offer"),
    "alert: name": (hello(b"\x15\x03\x03\0\2\2\x70"), "tls", f"{AGREED}: it knows no such host name"),
    "alert: internal": (hello(b"\x15\x03\x03\0\2\2\x50"), "tls", f"{AGREED} (tlsv1 alert internal error)"),
}  # fmt: skip


@pytest.mark.parametrize("case", HANDSHAKES)
def test_tls_that_does_not_come_about_says_what_it_met(case, ca_file):
    handle, rule, words = HANDSHAKES[case]
    seen, port = met(handle, base="https://localhost:{port}/v1", way=Egress(ca_file=ca_file))

    assert said(seen) == (Fault.CONNECTION_FAILED, Phase.TLS, rule, words.format(port=port))


CERTIFICATES = {
    "expired": ({"not_after": datetime.now(UTC) - timedelta(days=1)}, "certificate has expired"),
    "wrong name": ({"name": "other.example"}, "Hostname mismatch, certificate is not valid for 'localhost'."),
    "unknown authority": ({"stranger": True}, "unable to get local issuer certificate"),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_certificate_that_is_not_believed_keeps_its_class(case, authority, ca_file):
    settings, why = CERTIFICATES[case]
    issuer = trustme.CA() if settings.get("stranger") else authority
    issued = issuer.issue_cert(settings.get("name", "localhost"), not_after=settings.get("not_after"))
    seen, _ = met(says(GOOD), context=secured(issued), base="https://localhost:{port}/v1", way=Egress(ca_file=ca_file))

    words = f"the certificate is not valid ({why})"
    assert said(seen) == (Fault.CONNECTION_FAILED, Phase.TLS, "certificate", words)


def test_an_authority_of_ones_own_is_believed_where_its_file_is_named_and_nowhere_else(authority, ca_file):
    context = secured(authority.issue_cert("localhost"))
    named, _ = met(says(GOOD), context=context, base="https://localhost:{port}/v1", way=Egress(ca_file=ca_file))
    unnamed, _ = met(says(GOOD), context=context, base="https://localhost:{port}/v1")

    assert (named.outcome, unnamed.answer.rule) == (Outcome.OK, "transport/certificate")


def test_a_file_of_authorities_that_was_taken_away_is_our_own_fault(tmp_path):
    way = Egress(ca_file=str(tmp_path / "gone.pem"))
    seen, _ = met(says(GOOD), base="https://localhost:{port}/v1", way=way)

    words = "the file of authorities (ca_file) cannot be read (No such file or directory)"
    assert said(seen) == (Fault.BAD_REQUEST, None, "ca-file", words)


def test_a_file_of_authorities_that_became_a_pipe_or_endless_holds_up_no_look(tmp_path):
    pipe, endless = tmp_path / "pipe", tmp_path / "endless"
    os.mkfifo(pipe)
    with endless.open("wb") as file:
        file.truncate(10**9)
    told = [
        met(says(GOOD), base="https://localhost:{port}/v1", way=Egress(ca_file=str(one)))[0] for one in (pipe, endless)
    ]

    assert [one.answer.words.removeprefix("the file of authorities (ca_file) ") for one in told] == [
        "is a pipe or a device, and no file",
        "is larger than any file of authorities",
    ]


ANSWERS = {
    "closed": (says(), Fault.CONNECTION_FAILED, "disconnected", "the connection was closed without an answer"),
    "reset": (
        says(end="reset"), Fault.CONNECTION_FAILED, "reset",
        "the connection broke before an answer (Connection reset by peer)",
    ),
    "silent": (says(end="wait"), Fault.TIMEOUT, "silence", "connected, and silent for 0.6 s"),
    "half a head": (says(JSON), Fault.CONNECTION_FAILED, "disconnected", "the connection was closed without an answer"),
    "a dripping head": (
        says(b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 30, pause_s=0.1), Fault.TIMEOUT, "total",
        "connected, and no answer within 1.5 s",
    ),
    "no HTTP": (
        says(b"220 mail ESMTP\r\n"), Fault.INVALID_RESPONSE, "protocol",
        "what came back is not HTTP that can be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("is_secured", [False, True])
@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_does_not_begin(case, is_secured, authority, ca_file):
    handle, *told = ANSWERS[case]
    context = secured(authority.issue_cert("localhost")) if is_secured else None
    base = "https://localhost:{port}/v1" if is_secured else "http://127.0.0.1:{port}/v1"
    seen, _ = met(handle, context=context, base=base, way=Egress(ca_file=ca_file))

    fault, rule, words = told
    assert said(seen) == (fault, Phase.FIRST_BYTE, rule, words)


BODIES = {
    "cut": (
        says(JSON + b"Content-Length: 500\r\n\r\n{}"), Fault.INVALID_RESPONSE, "cut",
        "the answer broke off in the middle",
    ),
    "reset": (
        says(JSON + b"Content-Length: 500\r\n\r\n{}", pause_s=0.2, end="reset"), Fault.INVALID_RESPONSE, "cut",
        "the answer broke off in the middle",
    ),
    "silent": (
        says(JSON + b"Content-Length: 500\r\n\r\n{}", end="wait"), Fault.TIMEOUT, "silence",
        "the answer stopped: not a byte more for 0.6 s",
    ),
    "dripping": (
        says(JSON + b"Content-Length: 500\r\n\r\n", *[b"{"] * 30, pause_s=0.1), Fault.TIMEOUT, "total",
        "the answer was not done within 1.5 s",
    ),
    "garbage": (
        says(JSON + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde"), Fault.INVALID_RESPONSE, "encoding",
        "the answer says it is compressed but cannot be decompressed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_an_answer_that_does_not_end(case):
    handle, fault, rule, words = BODIES[case]
    seen, _ = met(handle)

    assert said(seen) == (fault, Phase.BODY, rule, words)


def test_silent_after_tls_and_no_connection_differ_in_words_rule_phase_and_blame(authority, ca_file):
    context = secured(authority.issue_cert("localhost"))
    silent, _ = met(says(end="wait"), context=context, base="https://localhost:{port}/v1", way=Egress(ca_file=ca_file))
    refused = asyncio.run(look("https://localhost:9/v1", Egress(ca_file=ca_file)))

    for one, other in zip(said(silent), said(refused), strict=True):
        assert one != other
    assert (silent.fault.blame, refused.fault.blame) == (Blame.PROVIDER, Blame.PATH)


@pytest.mark.parametrize("is_secured", [False, True])
def test_a_connection_that_is_used_again_was_not_connected_anew(is_secured, authority, ca_file):
    async def once_only(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(GOOD)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(5)

    async def play():
        context = secured(authority.issue_cert("localhost")) if is_secured else None
        async with serving(once_only, context) as port:
            base = f"{'https' if is_secured else 'http'}://localhost:{port}/v1"
            return await look(base, Egress(ca_file=ca_file), times=2)

    words = "connected, and silent for 0.6 s; the connection was kept open since an earlier probe"
    assert said(asyncio.run(play())) == (Fault.TIMEOUT, Phase.FIRST_BYTE, "silence", words)


def test_a_kept_connection_that_is_closed_under_a_request_says_that_it_was_an_old_one():
    async def twice(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(GOOD)
        await reader.readuntil(b"\r\n\r\n")

    async def play():
        async with serving(twice) as port, open_session("test") as session:
            prober = Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, QUICK)
            account = Account("main", PROVIDER.id, KEY, f"http://127.0.0.1:{port}/v1")
            await attempt_request(prober, PROVIDER, account, Target(account.id, PROVIDER.id, "list"))
            return await attempt_request(prober, PROVIDER, account, Target(account.id, PROVIDER.id, "chat", "m"))

    words = "the connection was closed without an answer; the connection was kept open since an earlier probe"
    assert said(asyncio.run(play())) == (Fault.CONNECTION_FAILED, Phase.FIRST_BYTE, "disconnected", words)


# No word that misleads


UNFOLLOWED = "not followed, since that sends the key on"
TURNED = {
    b"304 Not Modified": "answers HTTP 304, which is no answer to what was asked",
    b"300 Multiple Choices": "answers HTTP 300, which is no answer to what was asked",
    b"302 Found\r\nLocation: /\xff\xfe": f"redirects to http://127.0.0.1:{{port}}/%3F%3F; {UNFOLLOWED}",
    b"302 Found\r\nLocation: http://[::1/x": f"redirects to another address; {UNFOLLOWED}",
    b"302 Found\r\nLocation: http://a:99999999/": f"redirects to another address; {UNFOLLOWED}",
}  # fmt: skip


@pytest.mark.parametrize("head", TURNED)
def test_what_is_neither_good_nor_a_refusal_is_called_what_it_is(head):
    seen, port = met(says(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n"))

    assert (seen.fault, seen.phase) == (Fault.INVALID_RESPONSE, None)
    assert seen.answer.words == TURNED[head].format(port=port)


HOSTILE = [
    b"", b"\0" * 100, b"hello", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\0\2\2\x28", b"\0\0\x12\4\0\0\0\0\0",
    b"HTTP/1.1 20", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 99 Huh\r\n\r\n", b"HTTP/1.1 1000 Huh\r\n\r\n",
    b"HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 \xff\xfe\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    *(
        JSON + rest
        for rest in (
            b"", b"XYZ\r\n\r\n{}", b"X A: b\r\n\r\n{}", b"X-A: a\0b\r\n\r\n{}",
            b"X-A: " + b"a" * 100_000 + b"\r\n\r\n{}",
            b"Content-Length: abc\r\n\r\n{}", b"Content-Length: -5\r\n\r\n{}", b"Content-Length: 5\r\n\r\n{}",
            b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n50\r\n{}",
            b"Transfer-Encoding: gzip\r\n\r\n{}", b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\nabcde",
            b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
            b"Set-Cookie: \xff=;;;\r\nContent-Length: 2\r\n\r\n{}",
        )
    ),
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=nope\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"cho",
    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 0\r\n\r\n",
]  # fmt: skip
PYTHONESE = ("Error", "Exception", "object at", "errno", "None", "ssl:", "<", "not permitted", "look at the key", "b'")


@each_row("number", range(len(HOSTILE)))
def test_no_hostile_answer_blames_the_account_or_is_told_in_the_words_of_a_program(number):
    seen, _ = met(says(HOSTILE[number]))

    assert seen.outcome is Outcome.FAILED
    assert seen.fault.blame not in (Blame.ACCOUNT, Blame.US)
    assert [word for word in PYTHONESE if word in seen.answer.words] == []


# What the system believes


@pytest.fixture
def _own_trust():
    trust_.cache_clear()
    yield
    trust_.cache_clear()


@pytest.mark.usefixtures("_own_trust")
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_an_authority_that_the_environment_names_is_believed_everywhere(
    monkeypatch, tmp_path, variable, authority, ca_file
):
    named = subprocess.run(
        ["openssl", "x509", "-subject_hash", "-noout", "-in", ca_file], check=True, capture_output=True, text=True
    )
    (tmp_path / f"{named.stdout.strip()}.0").write_bytes(Path(ca_file).read_bytes())
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv(variable, ca_file if variable == "SSL_CERT_FILE" else str(tmp_path))
    context = secured(authority.issue_cert("localhost"))

    assert met(says(GOOD), context=context, base="https://localhost:{port}/v1")[0].outcome is Outcome.OK


def test_a_file_of_authorities_that_changes_is_read_anew(tmp_path, authority):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    context = secured(authority.issue_cert("localhost"))
    before, _ = met(says(GOOD), context=context, base="https://localhost:{port}/v1", way=Egress(ca_file=str(path)))
    authority.cert_pem.write_to_path(path)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    after, _ = met(says(GOOD), context=context, base="https://localhost:{port}/v1", way=Egress(ca_file=str(path)))

    assert (before.phase, after.outcome) == (Phase.TLS, Outcome.OK)
