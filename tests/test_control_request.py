"""What the process that holds the database does with what is asked of it, sound or not."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from monitor.control.message import Request, RequestKind, RequestStatus
from monitor.runtime.request import TAKING, WARNING, answering, obey
from monitor.state.monitor_state import open_state
from monitor.state.services import real_edge
from monitor.store.submission import socket_files
from tests.fuzz.material import ANY_TEXT
from tests.test_run import config, simulator

GOOD = b'{"kind": "acknowledge", "at": "2026-11-21T12:00:00Z", "by": "Jo", "subject": "some-incident"}'
DRILL = b'{"account": "openai/main", "fault": "timeout", "at": "2026-11-21T12:00:00Z"}'


@asynccontextmanager
async def monitor_at(folder):
    async with simulator() as other_side, open_state(config(folder, other_side), real_edge(print)) as made:
        yield made


def asked(folder, *requests):
    async def play():
        async with monitor_at(folder) as made:
            said = [await obey(made, Request(kind, Raw(body))) for kind, body in requests]
            return said, made.told.replies, dict(made.belief.incidents)

    return asyncio.run(play())


def kept(folder):
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        return db.execute("SELECT subject FROM reply").fetchall()


def test_every_kind_of_request_is_taken():
    assert TAKING.keys() == set(RequestKind)


def test_a_reply_counts_at_once_and_the_same_twice_counts_once(tmp_path):
    said, replies, _ = asked(tmp_path, *[(RequestKind.REPLY, GOOD)] * 2)

    assert [one.status for one in said] == [RequestStatus.DONE, RequestStatus.KNOWN]
    assert [(one.by, one.at) for one in replies] == [("Jo", datetime(2026, 11, 21, 12, tzinfo=UTC))]
    assert kept(tmp_path) == [("some-incident",)]


def test_the_same_reply_twice_at_the_same_instant_counts_once(tmp_path):
    async def play():
        async with monitor_at(tmp_path) as made:
            said = await asyncio.gather(*(obey(made, Request(RequestKind.REPLY, Raw(GOOD))) for _ in range(20)))
            return sorted(one.status for one in said), len(made.told.replies)

    assert asyncio.run(play()) == ([RequestStatus.DONE, *[RequestStatus.KNOWN] * 19], 1)


def test_a_drill_is_begun_once(tmp_path):
    said, _, incidents = asked(tmp_path, *[(RequestKind.DRILL, DRILL)] * 2)

    assert [one.status for one in said] == [RequestStatus.DONE, RequestStatus.KNOWN]
    assert [(one.subject, one.drill) for one in incidents.values()] == [("openai/main", True)]


BAD = {
    "no JSON": (RequestKind.REPLY, b"{"),
    "no UTF-8": (RequestKind.REPLY, b'"\xff"'),
    "another type": (RequestKind.REPLY, b"[]"),
    "another kind": (RequestKind.REPLY, GOOD.replace(b"acknowledge", b"forget")),
    "no date": (RequestKind.REPLY, b'{"kind": "acknowledge", "subject": "i"}'),
    "a date beyond any calendar": (RequestKind.REPLY, GOOD.replace(b"2026", b"9999")),
    "lists without end": (RequestKind.REPLY, b'{"match": ' + b"[" * 50_000),
    "a silence of nothing": (RequestKind.REPLY, b'{"kind": "silence", "at": "2026-11-21T12:00:00Z"}'),
    "a drill of no fault": (RequestKind.DRILL, DRILL.replace(b"timeout", b"sad")),
    "a drill without a date": (RequestKind.DRILL, b'{"account": "openai/main", "fault": "timeout"}'),
    "a drill beyond any calendar": (RequestKind.DRILL, DRILL.replace(b"2026", b"9999")),
    "a reply for a drill": (RequestKind.DRILL, GOOD),
}


@pytest.mark.parametrize(("kind", "body"), BAD.values(), ids=BAD)
def test_what_cannot_be_meant_is_refused_in_words_and_changes_nothing(tmp_path, kind, body):
    (said,), replies, incidents = asked(tmp_path, (kind, body))

    assert said.status is RequestStatus.REFUSED
    assert said.words.startswith("what was asked cannot be read: ")
    assert (replies, incidents, kept(tmp_path)) == ([], {}, [])


def test_what_the_database_does_not_take_is_refused_and_does_not_count(tmp_path):
    async def play():
        async with monitor_at(tmp_path) as made:
            with closing(sqlite3.connect(made.belief.config.store.database)) as db, db:
                db.execute("CREATE TABLE other (id)")
                db.execute("DROP TABLE other")
            made.services.storage.failover.connection.execute("PRAGMA query_only = ON")
            said = await obey(made, Request(RequestKind.REPLY, Raw(GOOD)))
            return said, made.services.storage.failover.place, made.told.replies

    said, place, replies = asyncio.run(play())
    assert said.status is RequestStatus.DONE
    assert "monitor.db cannot be written now (" in said.words
    assert (place, len(replies)) == ("runtime", 1)


@pytest.fixture
def running(tmp_path):
    with asyncio.Runner() as runner:
        around = monitor_at(tmp_path)
        made = runner.run(around.__aenter__())
        yield lambda kind, body: runner.run(obey(made, Request(kind, Raw(body))))
        runner.run(around.__aexit__(None, None, None))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(RequestKind), body=st.binary(max_size=200), text=ANY_TEXT)
def test_no_body_is_an_error_of_ours(running, kind, body, text):
    for one in (body, GOOD.replace(b"Jo", text.encode("utf-8", "surrogatepass")), GOOD[: len(body)] + body):
        assert running(kind, one).status in (RequestStatus.DONE, RequestStatus.KNOWN, RequestStatus.REFUSED)


def test_where_no_place_takes_a_socket_the_page_says_so_until_one_does(tmp_path):
    async def play():
        async with monitor_at(tmp_path) as made:
            places = socket_files(made.belief.config.store.database)
            for one in places:
                one.mkdir()
            async with answering(made, check_s=0.1):
                before = made.services.own.warnings.get(WARNING)
                places[0].rmdir()
                async with asyncio.timeout(10):
                    while WARNING in made.services.own.warnings:  # noqa: ASYNC110 - there is no event of it
                        await asyncio.sleep(0.05)
            places[1].rmdir()
            return before

    assert "`acknowledge`, `snooze`, `silence` and `drill` are not heard" in asyncio.run(play())
