"""Whatever comes to the page's port, it is answered or sent away, and the page is there for the next reader."""

import asyncio
import logging
from contextlib import closing, suppress

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alert.reply import ReplyKind
from monitor.alert.signed_link import Link, sign_link
from monitor.backend import open_store
from monitor.log import start_log
from monitor.publish.snapshot import Freshness
from monitor.sentence.translation import ENGLISH
from monitor.store.connection import open_writer
from monitor.store.link_key import link_key
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from monitor.web.connection_limit import ConnectionLimit
from monitor.web.link_reply import LinkReplies
from monitor.web.server import site_app
from tests.conftest import at
from tests.fuzz.material import ANY_TEXT, HEADERS, PHRASES, fuzz

LINES = st.sampled_from(
    [
        *(
            "GET / HTTP/1.1",
            "GET /{token} HTTP/1.1",
            "POST /{token} HTTP/1.1",
            "HEAD /{token} HTTP/1.1",
            "PRI * HTTP/2.0",
        ),
        *(
            "GET /metrics HTTP/1.1",
            "GET /healthz HTTP/1.0",
            "GET / HTTP/0.9",
            "GET /",
            "POST / HTTP/1.1",
            "OPTIONS * HTTP/1.1",
        ),
        *(
            "GET /../../etc/passwd HTTP/1.1",
            "GET /%2e%2e/%00/%ff HTTP/1.1",
            "GET //x HTTP/1.1",
            "GET http://[::1 HTTP/1.1",
        ),
        *(
            "CONNECT localhost:1 HTTP/1.1",
            "GET /a/loop HTTP/1.1",
            "GET /" + "a" * 9000 + " HTTP/1.1",
            "G\x00T / HTTP/1.1",
        ),
        *("DELETE /{token} HTTP/1.1", "GET /{token}x HTTP/1.1", "GET /answer/ HTTP/1.1", "GET /answer/%C3%28 HTTP/1.1"),
    ]
)
FIELDS = st.sampled_from(
    [
        *(
            "Host: localhost",
            "Host: evil.example",
            "Host: [::1",
            "Host:",
            "Host: localhost\r\nHost: x",
            "Content-Length: -1",
        ),
        *(
            "Content-Length: 5",
            "Content-Length: 99999999999999999999",
            "Transfer-Encoding: chunked",
            "Expect: 100-continue",
        ),
        *(
            "Content-Type: application/x-www-form-urlencoded",
            "Content-Type: multipart/form-data; boundary=x",
            "If-None-Match: W/",
        ),
        *(
            "Content-Type: text/plain; charset=no",
            "Range: bytes=9-1",
            "Accept-Encoding: gzip;q=x",
            "Upgrade: websocket",
            " folded",
        ),
        *(
            "Content-Type: multipart/form-data",
            "Connection: close",
            "Content-Encoding: gzip",
            "If-Modified-Since: x",
            ": no name",
        ),
    ]
)
PAYLOADS = st.sampled_from(
    [
        *(
            "",
            "reason=x&for=1+h",
            "reason=%FF%00&for=9",
            "5\r\nhello\r\n0\r\n\r\n",
            "zz\r\n",
            "-1\r\n",
            "--x\r\n\r\n--x--",
        ),
        *(
            "reason=" + "x" * 5000 + "&for=1+h",
            '--x\r\nContent-Disposition: form-data; name="reason"\r\n\r\na\r\n--x--\r\n',
            "&" * 2000,
        ),
    ]
)
REQUESTS = st.builds(
    lambda line, fields, more, body, end: (
        "\r\n".join([line, *fields, *(f"{k}: {v}" for k, v in more.items())]) + end + body
    ),
    LINES | ANY_TEXT,
    st.lists(FIELDS, max_size=4),
    HEADERS,
    PAYLOADS | PHRASES,
    st.sampled_from(["\r\n\r\n", "\n\n", "\r\n", ""]),
)


class Page:
    """The page's server on loopback, for one test, with a signed link behind it."""

    def __init__(self, folder):
        database = folder / "monitor.db"
        self.key = link_key(database)
        self._door = ConnectionLimit()
        link_replies = LinkReplies(
            open_store(StoreAddress(database, "here")),
            self.key,
            lambda: at(0),
            lambda reply: write(database, reply),
            lambda _: ENGLISH,
        )
        app = site_app(folder / "site", (), link_replies, lambda: Freshness(1.0, 60.0), self._door)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self):
        await self._runner.setup()
        self._door.server = self._runner.server
        self._server = await asyncio.get_running_loop().create_server(self._door, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._runner.cleanup()

    async def say(self, data, patience_s):
        """What comes back for these bytes, until the other side closes or is silent for so long."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        heard = b""
        with suppress(TimeoutError, ConnectionError):
            writer.write(data)
            while piece := await asyncio.wait_for(reader.read(65536), patience_s):
                heard += piece
        writer.close()
        return heard


def write(database, reply):
    with closing(open_writer(database)) as db:
        return Writer(db, "here").save_reply(reply)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "site" / "a").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("<!doctype html>")
    (tmp_path / "site" / "a" / "loop").symlink_to("loop")
    open_writer(tmp_path / "monitor.db").close()
    return tmp_path


@pytest.fixture
def site(folder):
    with asyncio.Runner() as runner:
        page = Page(folder)
        runner.run(page.__aenter__())
        yield lambda data, patience_s: runner.run(page.say(data, patience_s)), page.key
        runner.run(page.__aexit__())


def asked(path="/", more=""):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n".encode()


@settings(fuzz, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=REQUESTS)
def test_no_request_is_an_error_of_ours_and_none_takes_the_page_away(site, text):
    say, key = site
    token = sign_link(key, Link(ReplyKind.ACKNOWLEDGE, "i1", "phone", at(3600)))

    answer = say(text.replace("{token}", f"answer/{token}").encode("utf-8", "surrogatepass"), 0.1)

    assert answer == b"" or answer.startswith(b"HTTP/")
    assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5"))
    assert b"Traceback" not in answer
    assert say(asked(), 15).startswith(b"HTTP/1.1 200 ")


@pytest.fixture
def log(capsys):
    """The log as the program has it; what pytest makes of it comes back afterwards."""
    before = logging.root.handlers[:]
    start_log(logging.INFO, [])
    yield lambda: capsys.readouterr().err
    logging.root.handlers[:] = before


def test_what_is_no_request_leaves_no_line_in_the_log(site, log):
    say, _ = site

    assert say(b"GET / HTTP/1.1\r\n\r\n", 15).startswith(b"HTTP/1.0 400 ")
    assert log() == ""
    logging.getLogger("aiohttp.server").error("a line of ours")
    assert "a line of ours" in log()


def test_a_link_in_the_folder_that_leads_to_itself_is_no_error_of_ours(site):
    say, _ = site

    assert say(asked("/a/loop"), 15).startswith(b"HTTP/1.1 404 ")


TOKENS = st.text(st.sampled_from("abcXYZ019-_.~=%/+\x00é\ud800"), max_size=200)


@settings(fuzz, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TOKENS, st.integers(0, 400), st.booleans())
def test_no_token_but_the_signed_one_does_anything(folder, token, cut, glued):
    database = folder / "monitor.db"
    store = open_store(StoreAddress(database, "here"))
    link_replies = LinkReplies(
        store, link_key(database), lambda: at(0), lambda reply: write(database, reply), lambda _: ENGLISH
    )
    signed = sign_link(link_replies.key, Link(ReplyKind.ACKNOWLEDGE, "i1", "phone", at(3600)))
    forged = signed[:cut] + token if glued else token

    assert forged == signed or not link_replies.take(forged)
    with store.reading() as stored:
        assert stored.messages.replies() == []
