"""One look at a status source, against a real server that behaves as status pages do."""

import asyncio
import gzip
import socket
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from probes.canary import open_session
from probes.doubt import Defect, Defective, HostUnreached, Obstacle, PollTooSlow
from probes.feeds.merge import renew_bulletin
from probes.feeds.poll import MOST_BYTES, poll_feed
from probes.model import TimeLimits
from probes.notice import Bulletin, ComponentState, Impact, Notice, NoticePhase, Trust, Validators
from probes.provider import Feed, Platform
from probes.simulator import CONTROL, Simulator
from tests.conftest import NOON, at, why

SAMPLES = Path(__file__).parent / "samples" / "feeds"
SUMMARY = (SAMPLES / "statuspage" / "summary.json").read_bytes()
QUICK = TimeLimits(connect_s=1, silence_s=0.4, total_s=0.8)
PATIENT = TimeLimits(connect_s=5, silence_s=10, total_s=30)
MEBIBYTE = b" " * 1024 * 1024


@asynccontextmanager
async def page(handle):
    """A server on this machine, all of whose paths are answered by `handle`; yields its root."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def feed(url, form=Platform.STATUSPAGE):
    return Feed(id="summary", form=form, url=url, page=url, source="a test")


def look(handle, *validators, form=Platform.STATUSPAGE, patience=PATIENT, path="/summary.json"):
    """Poll once for each of the validators (once without any), and return the last bulletin."""

    async def play():
        async with page(handle) as root, open_session("test") as session:
            for known in validators or [Validators()]:
                bulletin = await poll_feed(
                    session,
                    feed(root + path, form),
                    known,
                    lambda: NOON,
                    time.monotonic,
                    source="example/summary",
                    patience=patience,
                )
            return bulletin

    return asyncio.run(play())


def answering(body=SUMMARY, status=200, **headers):
    async def handle(request):
        return web.Response(body=body, status=status, headers={key.replace("_", "-"): headers[key] for key in headers})

    return handle


async def bomb(request):
    """Made when it is asked for: each process that collects these tests would compress it."""
    return web.Response(body=gzip.compress(MEBIBYTE * 200, 1), headers={"Content-Encoding": "gzip"})


def test_a_good_page_is_read_and_timed():
    bulletin = look(answering(ETag='"one"', Last_Modified="Sat, 21 Nov 2026 11:50:00 GMT"))

    assert (bulletin.source, bulletin.at, bulletin.trust, bulletin.problem) == (
        *("example/summary", NOON),
        *(Trust.READ, None),
    )
    assert (bulletin.status, bulletin.impact, bulletin.newest_at) == (200, Impact.MAJOR, at(-600))
    assert bulletin.latency_s > 0
    assert bulletin.validators == Validators('"one"', "Sat, 21 Nov 2026 11:50:00 GMT")


def test_we_say_who_we_are_and_what_we_know():
    seen = []

    async def handle(request):
        seen.append(request.headers)
        return web.Response(status=304)

    bulletin = look(handle, Validators('W/"one"', "Sat, 21 Nov 2026 11:50:00 GMT"))

    assert (bulletin.trust, bulletin.problem, bulletin.status) == (Trust.UNCHANGED, None, 304)
    assert bulletin.validators == Validators('W/"one"', "Sat, 21 Nov 2026 11:50:00 GMT")
    (headers,) = seen
    assert headers["User-Agent"] == "provider-monitor/test"
    assert headers["If-None-Match"] == 'W/"one"'
    assert headers["If-Modified-Since"] == "Sat, 21 Nov 2026 11:50:00 GMT"
    assert headers["Accept-Encoding"] == "gzip"
    assert not {"Authorization", "Cookie"} & set(headers)


def test_unchanged_without_having_been_asked_is_doubtful():
    assert look(answering(b"", 304)).problem == Defective(Defect.UNASKED)


def test_a_compressed_page_is_read():
    assert look(answering(gzip.compress(SUMMARY), Content_Encoding="gzip")).trust is Trust.READ


def test_a_page_is_read_in_the_charset_that_its_header_names():
    told = SUMMARY.decode().replace("Requests to the API fail", "Сбой API").encode("cp1251")

    bulletin = look(answering(told, Content_Type="application/json; charset=Windows-1251"))

    assert bulletin.notices[0].title == "Сбой API"


@pytest.mark.parametrize("charset", ["utf-7", "idna", "zip", "rot13", "\xff", "x" * 500, '"'])
def test_a_charset_that_may_not_be_used_is_passed_over(charset):
    bulletin = look(answering(SUMMARY, Content_Type=f"application/json; charset={charset}"))

    assert (bulletin.trust, bulletin.notices[0].title) == (Trust.READ, "Requests to the API fail")


CHALLENGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"


@pytest.mark.parametrize(
    ("handle", "problem"),
    [
        (answering(b""), "is empty"),
        (answering(b"{"), "is not readable JSON"),
        (answering(b"<!doctype html><html>Welcome</html>"), "is a web page, not data"),
        (answering(CHALLENGE), "is behind a challenge for browsers"),
        (answering(CHALLENGE, 403), "is behind a challenge for browsers (HTTP 403)"),
        (answering(b"", 403, cf_mitigated="challenge"), "is behind a challenge for browsers (HTTP 403)"),
        (answering(SUMMARY, 403), "answers HTTP 403"),
        (answering(b"", 404), "is not there (HTTP 404): its address may have changed"),
        (answering(b"", 429), "asks us to poll less often (HTTP 429)"),
        (answering(SUMMARY, 500), "answers HTTP 500"),
        (answering(SUMMARY, 206), "answers HTTP 206"),
        (answering(SUMMARY, Content_Encoding="br"), "is compressed in a way that cannot be read"),
        (answering(SUMMARY, Content_Encoding="gzip"), "is compressed in a way that cannot be read"),
        (answering(b"x" * 50 * 1024 * 1024), "is larger than 8 MiB"),
        (bomb, "is larger than 8 MiB"),
        (answering(b" " * (MOST_BYTES - 10)), "is empty"),
        (answering(b"", 302), "redirects more than 3 times"),
        (
            answering(b"", 301, Location="https://example.statuspage.io/api/v2/summary.json"),
            "moved to another host, example.statuspage.io; not followed",
        ),
        (answering(b"", 302, Location="/again"), "redirects more than 3 times"),
        (answering(b"", 302, Location="file:///etc/passwd"), "redirects to something that is not a web address"),
        (answering(b"", 302, Location="http://[::1"), "does not send readable HTTP"),
    ],
    ids=[
        *("empty", "half", "html", "challenge", "challenge 403", "mitigated", "403", "404", "429", "500", "206"),
        *("brotli", "no gzip", "50 MB", "gzip bomb", "blank", "redirect to nowhere", "another host", "a loop"),
        *("a file", "no address"),
    ],
)
def test_what_is_wrong_with_the_other_side_makes_a_doubtful_bulletin_and_no_exception(handle, problem):
    known = Validators('"before"')

    bulletin = look(handle, known)

    assert (bulletin.trust, why(bulletin)) == (Trust.DOUBTFUL, problem)
    assert (bulletin.notices, bulletin.validators) == ((), known)


def test_a_redirect_on_the_same_host_is_followed():
    async def handle(request):
        if request.path == "/summary.json":
            raise web.HTTPMovedPermanently("/v2/summary.json")
        return web.Response(body=SUMMARY)

    assert look(handle).trust is Trust.READ


def test_a_page_that_drips_forever_is_left_after_the_total_time():
    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    assert look(drip, patience=QUICK).problem == PollTooSlow(0.8)


def test_a_page_that_falls_silent_is_left():
    async def hang(request):
        await asyncio.sleep(60)

    assert look(hang, patience=QUICK).problem == PollTooSlow(0.4, silent=True)


def test_a_page_that_breaks_off_is_told():
    async def cut(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(SUMMARY[:100])
        request.transport.close()
        return response

    assert look(cut).problem == Defective(Defect.CUT_OFF)


async def look_at(url):
    async with open_session("test") as session:
        return await poll_feed(
            session, feed(url), Validators(), lambda: NOON, time.monotonic, source="a/b", patience=QUICK
        )  # fmt: skip


def test_a_host_that_is_not_there_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        bulletin = asyncio.run(look_at(f"http://127.0.0.1:{port}/"))

    assert (bulletin.problem, bulletin.status) == (HostUnreached(Obstacle.REFUSED), None)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://"])
def test_an_address_that_is_none_is_told(url):
    assert asyncio.run(look_at(url)).problem in (
        Defective(Defect.ADDRESS),
        Defective(Defect.NOT_HTTP),
    )


def test_being_stopped_is_not_the_other_sides_fault():
    async def hang(request):
        await asyncio.sleep(60)

    async def play():
        async with page(hang) as root:
            task = asyncio.create_task(look_at(root))
            await asyncio.sleep(0.05)
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(play())


# The simulator's page ----------------------------------------------------------------------------------------------


def test_what_the_simulator_announces_is_read_from_both_of_its_forms_until_it_is_over():
    async def play():
        async with Simulator([]) as simulator, open_session("test") as session:
            root = simulator.status_page("openai")

            async def read(path, *known):
                source = feed(root + path, Platform.INCIDENT_IO)
                clock = partial(datetime.now, UTC)
                return await poll_feed(session, source, *(known or [Validators()]), clock, time.monotonic, source="a/b")

            quiet = await read("/api/v2/summary.json")
            simulator.announce("openai", "Answers & requests fail", impact="major")
            first = [await read("/api/v2/summary.json", quiet.validators), await read("/history.rss")]
            same = await read("/api/v2/summary.json", first[0].validators)
            async with session.post(
                simulator.root + CONTROL,
                json={"provider": "openai", "announce": "Answers & requests fail", "phase": "resolved"},
            ) as answer:
                assert answer.status == 204
            return quiet, first, same, [await read("/api/v2/summary.json"), await read("/history.rss")]

    quiet, first, same, last = asyncio.run(play())

    assert (quiet.trust, quiet.impact, quiet.notices) == (Trust.READ, Impact.NONE, ())
    for bulletin in first:
        (one,) = bulletin.notices
        assert (one.id, one.title, one.phase) == ("simulated1", "Answers & requests fail", NoticePhase.INVESTIGATING)
        assert (bulletin.impact, one.components) == (Impact.MAJOR, ("API",))
    assert same.trust is Trust.UNCHANGED
    assert [[one.phase for one in bulletin.notices] for bulletin in last] == [[], [NoticePhase.RESOLVED]]
    assert last[0].impact is Impact.NONE


@pytest.mark.parametrize("facts", [{"phase": "over"}, {"impact": "huge"}, {"colour": "red"}])
def test_the_simulator_announces_only_what_a_page_could_say(facts):
    with pytest.raises((TypeError, ValueError)):
        Simulator([]).announce("openai", "Answers fail", **facts)


# What was read last ----------------------------------------------------------------------------------------------

OPEN = Notice("1", "Answers fail", None, NoticePhase.IDENTIFIED, Impact.MAJOR, updated_at=at(0))
OVER = replace(OPEN, id="2", phase=NoticePhase.RESOLVED, ended_at=at(0))
LAST = Bulletin(
    *("a/b", NOON, Trust.READ),
    notices=(OPEN, OVER),
    components=(ComponentState("API", Impact.MAJOR),),
    impact=Impact.MAJOR,
)


def test_an_unchanged_bulletin_holds_what_was_read_last_as_far_as_it_still_matters():
    week_later = Bulletin("a/b", at(8 * 86400), Trust.UNCHANGED, validators=Validators('"one"'), latency_s=0.1)

    renewed = renew_bulletin(LAST, week_later)

    assert (renewed.notices, renewed.components, renewed.impact) == ((OPEN,), LAST.components, Impact.MAJOR)
    assert (renewed.at, renewed.trust, renewed.validators) == (at(8 * 86400), Trust.UNCHANGED, Validators('"one"'))


def test_any_other_bulletin_is_what_it_is():
    doubtful = Bulletin("a/b", NOON, Trust.DOUBTFUL, Defective(Defect.EMPTY))

    assert renew_bulletin(LAST, doubtful) is doubtful
    assert renew_bulletin(None, LAST) is LAST
