import asyncio
import gzip
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from monitor.alert.reply import Reply, ReplyKind, active_replies
from monitor.alert.rule import Match
from monitor.alert.signed_link import Link, read_link, sign_link
from monitor.backend import open_store
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.publish import private_site, public_site
from monitor.publish.render import POLICY
from monitor.publish.snapshot import Freshness
from monitor.publish.status import current_state
from monitor.sentence.translation import ENGLISH, load_language
from monitor.storage_refusal import StoreError
from monitor.store.connection import open_writer
from monitor.store.link_key import link_key
from monitor.store.row import Batch
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from monitor.web.content_type import content_type
from monitor.web.link_reply import LinkReplies
from monitor.web.server import MAX_CACHED_BYTES, site_app
from probes.model import Confidence, Fault
from tests.builders_page import four_accounts
from tests.conftest import at
from tests.rows import each_row
from tests.test_page_programs import full

FILES = {
    "index.html": b"<!doctype html><p>all is well",
    "style.css": b"p { color: red }",
    "page.js": b"1",
    "status.json": b"{}",
    "favicon.svg": b"<svg/>",
    "robots.txt": b"User-agent: *",
    "incidents/a.html": b"<p>a",
    "feed.xml": b"<feed/>",
    "maintenance.ics": b"BEGIN:VCALENDAR",
    "metrics.prom": b"# EOF",
    "logo.webp": b"RIFF",
    "letters.woff2": b"wOF2",
    "notes.strange": b"?",
    "monitor.toml": b"[[accounts]]",
    "monitor.db": b"SQLite format 3",
    "monitor.db.key": b"signs",
    "id_rsa": b"opens",
    "logo.png": b"PNG",
    ".index.html.tmp": b"half",
    ".git/config": b"hidden",
}
SECRET = b"the secret beside the folder"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "site"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "secret.html").write_bytes(SECRET)
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    return folder


def ask(folder, path, *, method="GET", host="localhost", names=(), answers=None, pulse=None, data=None, **headers):
    """Send one request as it stands, untidied, over a real connection; return status, headers and body."""

    async def exchange():
        runner = web.AppRunner(site_app(folder, names, answers, pulse))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if data is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(urlencode(data))}"]
        writer.write("\r\n".join([*lines, "", urlencode(data or {})]).encode())
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()
            await writer.wait_closed()
            await runner.cleanup()

    head, _, body = asyncio.run(exchange()).partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), {k.lower(): v for k, v in (field.split(": ", 1) for field in fields)}, body


@pytest.mark.parametrize(
    ("path", "file", "kind"),
    [
        ("/", "index.html", "text/html"),
        ("/index.html?fresh=1", "index.html", "text/html"),
        ("/style.css", "style.css", "text/css"),
        ("/page.js", "page.js", "javascript"),
        ("/status.json", "status.json", "application/json"),
        ("/favicon.svg", "favicon.svg", "image/svg+xml"),
        ("/robots.txt", "robots.txt", "text/plain"),
        ("/incidents/a.html", "incidents/a.html", "text/html"),
        ("/feed.xml", "feed.xml", "application/atom+xml"),
        ("/maintenance.ics", "maintenance.ics", "text/calendar"),
        ("/metrics.prom", "metrics.prom", "text/plain; version=0.0.4"),
        ("/logo.webp", "logo.webp", "image/webp"),
        ("/letters.woff2", "letters.woff2", "font/woff2"),
        ("/logo.png", "logo.png", "image/png"),
    ],
)
def test_a_file_is_served_as_what_it_is(folder, path, file, kind):
    status, headers, body = ask(folder, path)
    assert (status, body) == (200, FILES[file])
    assert kind in headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.html",
        "/notes.strange",
        "/monitor.toml",
        "/monitor.db",
        "/monitor.db.key",
        "/id_rsa",
        "/incidents",
        "/incidents/",
        "/index.html/",
        "//index.html",
        "/incidents//a.html",
        "/.index.html.tmp",
        "/.git/config",
        "/../secret.html",
        "/incidents/../../secret.html",
        "/%2e%2e/secret.html",
        "/..%2fsecret.html",
        "/incidents/..%2f..%2fsecret.html",
        "/..%5csecret.html",
        "/%2fetc/passwd",
        "/index.html%00",
        "/link.html",
        "/%ff%fe",
        "/" + "a" * 5000,
    ],
)
def test_whatever_is_no_file_of_the_page_is_not_found(folder, path):
    status, _, body = ask(folder, path)
    assert status == 404
    assert SECRET not in body


@each_row(
    ("name", "kind"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.csv", "text/csv; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.xml", "application/atom+xml; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.jpeg", "image/jpeg"),
        ("a.gif", "image/gif"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.ico", "image/vnd.microsoft.icon"),
        ("a.woff2", "font/woff2"),
        *(
            (f"a{suffix}", None)
            for suffix in ("", ".py", ".sh", ".c", ".zip", ".gz", ".pem", ".sqlite3", ".pdf", ".mjs")
        ),
    ],
)
def test_a_type_is_the_same_with_each_python_and_of_others_nothing_is_served(name, kind):
    assert content_type(name) == kind


def test_each_file_of_both_sites_has_a_type_with_which_it_is_served():
    files = {*private_site.render(full()), *public_site.render(full())}

    assert [name for name in sorted(files) if content_type(name) is None] == []


def test_head_tells_the_size_without_the_page(folder):
    status, headers, body = ask(folder, "/", method="HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(FILES["index.html"])), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(folder, method):
    status, headers, _ = ask(folder, "/index.html", method=method)
    assert (status, headers["allow"]) == (405, "GET,HEAD")


def test_an_unchanged_page_is_not_sent_twice(folder):
    _, first, _ = ask(folder, "/")
    assert ask(folder, "/", If_None_Match=first["etag"])[0] == 304
    assert ask(folder, "/", If_None_Match="*")[0] == 304
    status, headers, body = ask(folder, "/", If_None_Match=f'"other", {first["etag"]}', Accept_Encoding="gzip")
    assert (status, headers["etag"], body) == (304, first["etag"], b"")
    (folder / "index.html").write_bytes(b"<p>something else")
    assert ask(folder, "/", If_None_Match=first["etag"])[2] == b"<p>something else"


def test_a_page_is_sent_packed_to_who_takes_it_so(folder):
    page = b"<!doctype html>" + b"<p>all is well" * 100
    (folder / "index.html").write_bytes(page)
    for accepted in ("gzip", "br, gzip;q=0.5", "deflate,gzip"):
        _, headers, body = ask(folder, "/", Accept_Encoding=accepted)
        assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
        assert (len(body) < len(page), gzip.decompress(body)) == (True, page)
    for refused in ("identity", "gzip;q=0", "br, gzip; q=0.0", "xgzipx"):
        _, headers, body = ask(folder, "/", Accept_Encoding=refused)
        assert ("content-encoding" in headers, body) == (False, page)


def test_what_packing_makes_no_smaller_is_sent_as_it_is(folder):
    _, headers, body = ask(folder, "/page.js", Accept_Encoding="gzip")
    assert ("content-encoding" in headers, body) == (False, b"1")


def test_a_page_that_changed_is_read_and_packed_again_and_no_other(folder):
    """Requests to one server, which keeps what it read."""
    (folder / "index.html").write_bytes(b"<p>one" * 100)

    async def visit():
        async with TestClient(TestServer(site_app(folder))) as client:
            seen = [await (await client.get("/")).read(), await (await client.get("/")).read()]
            (folder / "new").write_bytes(
                b"<p>two" * 100
            )  # the same length, put in place by rename as `write_site` does
            (folder / "new").replace(folder / "index.html")
            return [*seen, await (await client.get("/")).read()]

    assert asyncio.run(visit()) == [b"<p>one" * 100, b"<p>one" * 100, b"<p>two" * 100]


def test_a_file_too_large_to_be_one_of_ours_is_sent_as_it_is(folder):
    large = b"x" * (MAX_CACHED_BYTES + 1)
    (folder / "mine.png").write_bytes(large)
    status, headers, body = ask(folder, "/mine.png", Accept_Encoding="gzip")
    assert (status, "content-encoding" in headers, body == large) == (200, False, True)


def test_what_is_not_there_is_answered_with_the_page_for_that(folder):
    (folder / "404.html").write_bytes(b"<p>There is no such page.")
    status, headers, body = ask(folder, "/incidents/nothing.html")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert body == b"<p>There is no such page."
    assert ask(folder, "/nothing", method="HEAD")[2] == b""


OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1", OPEN),
        ("Application/OpenMetrics-Text", OPEN),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
            "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            OPEN,
        ),
        ("application/openmetrics-text;q=0", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0.2,text/plain", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=high", "text/plain; version=0.0.4; charset=utf-8"),
        (",;q=1;,", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_a_scraper_is_told_the_form_that_it_asks_for(folder, accept, kind):
    metrics = private_site.render_metrics(four_accounts(), current_state(four_accounts()))
    (folder / "metrics.prom").write_bytes(b"# classic\n" + metrics.classic)
    (folder / "metrics.om").write_bytes(metrics.open)
    status, headers, body = ask(folder, "/metrics", Accept=accept)
    assert (status, headers["content-type"]) == (200, kind)
    assert body == (metrics.open if kind == OPEN else b"# classic\n" + metrics.classic)
    assert headers["vary"] == "Accept, Accept-Encoding"


def test_metrics_too_large_to_be_kept_are_told_by_their_form_too(folder):
    large = b"# " + b"x" * MAX_CACHED_BYTES + b"\n# EOF\n"
    for name, accept, kind in (
        ("metrics.prom", "*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("metrics.om", "application/openmetrics-text", OPEN),
    ):
        (folder / name).write_bytes(large)
        status, headers, body = ask(folder, "/metrics", Accept=accept)
        assert (status, headers["content-type"], body == large) == (200, kind, True)


def test_before_the_first_page_there_are_no_metrics(folder):
    (folder / "metrics.prom").unlink()
    assert ask(folder, "/metrics")[0] == 404


@pytest.mark.parametrize(
    ("pulse", "status", "reason"),
    [
        (Freshness(4.2, 120), 200, "last probe 4 s ago"),
        (Freshness(-60, 120), 200, "last probe -60 s ago"),
        (Freshness(121, 120), 503, "last probe 121 s ago"),
        (Freshness(None, 120), 503, "nothing was probed yet"),
        (Freshness(None, 120, "monitor.db cannot be read"), 503, "monitor.db cannot be read"),
    ],
)
def test_health_fails_when_the_last_look_is_too_long_ago(folder, pulse, status, reason):
    told, headers, body = ask(folder, "/healthz", pulse=lambda: pulse)
    assert (told, headers["content-type"].split(";")[0]) == (status, "application/json")
    assert json.loads(body) == {"alive": status == 200, "reason": reason, "age_s": pulse.age_s, "most_s": 120}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/"}, 200),
        ({"path": "/none"}, 404),
        ({"path": "/", "host": "x"}, 421),
        ({"path": "/", "method": "PUT"}, 405),
    ],
)
def test_every_answer_is_hardened(folder, request_, status):
    answered, headers, _ = ask(folder, **request_)
    assert answered == status
    assert headers["content-security-policy"] == f"{POLICY}; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]", "[::1]:8080"])
def test_local_names_are_answered(folder, host):
    assert ask(folder, "/", host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "127.0.0.2", "[::1", "", "a@localhost.x"],
)
def test_other_names_are_refused_so_that_no_page_elsewhere_can_read_this_one(folder, host):
    status, _, body = ask(folder, "/", host=host)
    assert status == 421
    assert FILES["index.html"] not in body


def test_a_name_that_was_given_is_answered_too(folder):
    assert ask(folder, "/", host="status.example:8443", names=["Status.example"])[0] == 200
    assert ask(folder, "/", host="localhost", names=["status.example"])[0] == 200


# Signed links


def speech_of(channel):
    return load_language("de") if channel == "telefon" else ENGLISH


@pytest.fixture
def answers(tmp_path):
    database = tmp_path / "state" / "monitor.db"
    with closing(open_writer(make(database))):
        pass
    store = open_store(StoreAddress(database, "here"))
    return LinkReplies(store, link_key(database), lambda: at(60), lambda reply: write(database, reply), speech_of)


def write(database, reply):
    with closing(open_writer(database)) as db:
        return Writer(db, "here").save_reply(reply)


def written(answers):
    with answers.store.reading() as stored:
        return stored.messages.replies()


def make(database):
    database.parent.mkdir()
    return database


def token(answers, kind=ReplyKind.ACKNOWLEDGE, seconds=3600, incident="20261121-120000-ab", channel="phone"):
    return sign_link(answers.key, Link(kind, incident, channel, at(seconds)))


def test_a_link_that_is_only_opened_does_nothing(folder, answers):
    status, headers, body = ask(folder, f"/answer/{token(answers)}", answers=answers)

    assert status == 200
    assert b"<button>Acknowledge</button>" in body
    assert "form-action 'self'" in headers["content-security-policy"]
    assert written(answers) == []


def test_a_link_speaks_the_language_of_the_message_that_it_came_with(folder, answers):
    path = f"/answer/{token(answers, ReplyKind.SNOOZE, channel='telefon')}"
    asked = ask(folder, path, answers=answers)[2].decode()
    silenced = ask(folder, path, method="POST", answers=answers, data={"reason": "", "for": "1 day"})[2].decode()
    done = ask(folder, path, method="POST", answers=answers)[2].decode()
    again = ask(folder, path, answers=answers)[2].decode()

    assert '<html lang="de" dir="ltr">' in asked
    assert "<button>4 h zurückstellen</button>" in asked
    assert '<option value="1 day">1 d</option>' in asked
    assert "Eine Stummschaltung braucht einen Grund und ein Ende" in silenced
    assert "4 h zurückstellen: Vorfall 20261121-120000-ab" in done
    assert "Dieser Link gilt nicht" in again


def test_a_page_that_stands_still_says_so_in_the_language_of_the_site(folder):
    async def look():
        app = site_app(folder, stuck=lambda: "the disk is full", speech=lambda: load_language("de"))
        async with TestClient(TestServer(app)) as client:
            answer = await client.get("/")
            return answer.status, await answer.text()

    status, page = asyncio.run(look())
    assert status == 503
    assert "Diese Seite steht still" in page
    assert "The disk is full. " in page


def test_a_link_that_is_pressed_is_a_reply_once(folder, answers):
    path = f"/answer/{token(answers, ReplyKind.SNOOZE)}"
    status, _, body = ask(folder, path, method="POST", answers=answers)
    assert (status, b"Done" in body) == (200, True)

    (reply,) = written(answers)
    assert (reply.kind, reply.subject, reply.by) == (ReplyKind.SNOOZE, "20261121-120000-ab", "whoever reads phone")
    assert reply.until == at(60 + 4 * 3600)
    assert ask(folder, path, method="POST", answers=answers)[0] == 410
    assert ask(folder, path, answers=answers)[0] == 410


def test_a_snooze_by_link_replaces_one_from_the_terminal_be_that_longer(folder, answers):
    by_jo = Reply(ReplyKind.SNOOZE, at(30), "Jo", "20261121-120000-ab", until=at(30 + 8 * 3600))
    answers.submit(by_jo)
    ask(folder, f"/answer/{token(answers, ReplyKind.SNOOZE)}", method="POST", answers=answers)

    assert [one.by for one in active_replies(written(answers), at(61))] == ["whoever reads phone"]
    assert active_replies(written(answers), at(61 + 4 * 3600)) == []


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=", "multipart/form-data; boundary=a", "multipart/mixed", "text/plain"]
)
def test_what_is_sent_in_another_form_than_ours_does_nothing(folder, answers, kind):
    path = f"/answer/{token(answers)}"
    status, _, body = ask(folder, path, method="POST", answers=answers, Content_Type=kind, Content_Length="0")

    assert (status, b"This is no form" in body) == (400, True)
    assert written(answers) == []


@pytest.mark.parametrize("form", [None, {"reason": "x", "for": "4 h"}], ids=["pressed", "silenced"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_cannot_be_obeyed_now_says_so_and_can_be_used_later(folder, answers, method, form):
    path = f"/answer/{token(answers, ReplyKind.SNOOZE, incident=LOST.id)}"
    hidden = answers.store.address.database.rename(answers.store.address.database.with_name("elsewhere"))
    status, _, body = ask(folder, path, method=method, answers=answers, data=form)

    assert (status, b"This cannot be done now" in body) == (503, True)
    hidden.rename(answers.store.address.database)
    assert ask(folder, path, answers=answers)[0] == 200


@pytest.mark.parametrize("error", [StoreError("no room"), TimeoutError()])
@pytest.mark.parametrize("form", [None, {"reason": "x", "for": "4 h"}], ids=["pressed", "silenced"])
def test_an_answer_that_cannot_be_written_is_not_said_to_be_taken(folder, answers, error, form):
    def submit(_):
        raise error

    refusing = replace(answers, submit=submit)
    link = token(answers, ReplyKind.SNOOZE, incident=LOST.id)
    status, _, body = silenced(folder, refusing, link, **form or {})

    assert (status, b"This cannot be done now" in body) == (503, True)
    assert ask(folder, f"/answer/{link}", answers=answers)[0] == 200


def test_of_two_who_press_at_once_one_is_obeyed(answers):
    both = threading.Barrier(2)

    def submit(reply):
        both.wait(10)  # neither has written before the other has found the link unused
        return write(answers.store.address.database, reply)

    link_replies, link = replace(answers, submit=submit), token(answers)
    with ThreadPoolExecutor(2) as hands:
        taken = list(hands.map(link_replies.take, [link, link]))

    assert sorted(taken) == [False, True]
    assert len(written(answers)) == 1


LOST = open_incident(
    Diagnosis(
        read_subject(Scope.ACCOUNT, "openai/main"), Fault.RATE_LIMITED, Confidence.HIGH, at(0), (),
        ("openai/main/chat",), (),
    )
)  # fmt: skip


def silenced(folder, answers, link, **form):
    with closing(open_writer(answers.store.address.database)) as db:
        Writer(db, "here").save(Batch(at(1), changes=(Change(LOST, ChangeKind.OPENED, at(1)),)))
    return ask(folder, f"/answer/{link}", method="POST", answers=answers, data=form)


def test_whoever_may_snooze_may_silence_what_is_like_it_with_a_reason_and_an_end_once(folder, answers):
    link = token(answers, ReplyKind.SNOOZE, incident=LOST.id)
    assert b"<button>Silence</button>" in ask(folder, f"/answer/{link}", answers=answers)[2]
    assert b"Silence" not in ask(folder, f"/answer/{token(answers)}", answers=answers)[2]
    assert b"incident %b" % LOST.id.encode() in ask(folder, f"/answer/{link}", answers=answers)[2]
    status, _, body = silenced(folder, answers, link, **{"reason": " new key on Monday <b> ", "for": "1 day"})
    assert (status, b"Silent for 1 day" in body, b"openai/main: rate limit reached" in body) == (200, True, True)

    (reply,) = written(answers)
    assert (reply.kind, reply.by, reply.reason) == (ReplyKind.SILENCE, "whoever reads phone", "new key on Monday <b>")
    assert (reply.match, reply.until) == (
        Match(accounts=("openai/main",), faults=(Fault.RATE_LIMITED,)), at(60 + 86400)
    )  # fmt: skip
    assert ask(folder, f"/answer/{link}", method="POST", answers=answers)[0] == 410


@pytest.mark.parametrize(
    ("kind", "form", "status"),
    [
        (ReplyKind.SNOOZE, {"reason": "", "for": "4 h"}, 400),
        (ReplyKind.SNOOZE, {"reason": "x" * 201, "for": "4 h"}, 400),
        (ReplyKind.SNOOZE, {"reason": "x", "for": "a year"}, 400),
        (ReplyKind.SNOOZE, {"reason": "x"}, 400),
        (ReplyKind.ACKNOWLEDGE, {"reason": "x", "for": "4 h"}, 410),
    ],
)
def test_a_silence_without_reason_or_end_or_by_another_link_is_refused(folder, answers, kind, form, status):
    assert silenced(folder, answers, token(answers, kind, incident=LOST.id), **form)[0] == status
    assert written(answers) == []


def test_a_silence_of_an_incident_that_is_gone_is_refused(folder, answers):
    link = token(answers, ReplyKind.SNOOZE, incident="gone")

    assert silenced(folder, answers, link, **{"reason": "x", "for": "4 h"})[0] == 410


def test_a_link_that_was_changed_has_run_out_or_is_of_another_key_is_refused(folder, answers):
    good = token(answers)
    payload, mac = good.split(".")
    other = sign_link(b"x" * 32, Link(ReplyKind.ACKNOWLEDGE, "i", "phone", at(3600)))
    for bad in (
        token(answers, seconds=60),
        other,
        f"{payload}.{mac[:-2]}AA",
        payload,
        f"{good}.x",
        "a.b",
        "%00.%ff",
        "ä.ö",
    ):
        assert read_link(answers.key, bad, at(60)) is None
    status, _, body = ask(folder, f"/answer/{other}", method="POST", answers=answers)
    assert (status, b"not valid" in body) == (410, True)
    assert written(answers) == []


def test_a_page_without_links_has_no_such_address(folder, answers):
    assert ask(folder, f"/answer/{token(answers)}")[0] == 404


def test_the_key_is_for_its_owner_only_and_stays(answers):
    path = answers.store.address.database.with_name("monitor.db.key")

    assert path.stat().st_mode & 0o777 == 0o600
    assert answers.store.link_key() == answers.key == path.read_bytes()
    assert len(answers.key) == 32


@pytest.mark.parametrize("left", [b"", b"half a key"])
def test_a_key_that_a_full_disk_cut_short_signs_nothing(tmp_path, left):
    path = tmp_path / "monitor.db.key"
    path.write_bytes(left)

    assert len(link_key(tmp_path / "monitor.db")) == 32
    path.unlink()
    os.mkfifo(path)
    assert len(link_key(tmp_path / "monitor.db")) == 32
    assert link_key(tmp_path / "monitor.db") == path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
