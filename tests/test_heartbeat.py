"""The dead man's switch, with a real one on the other side."""

import asyncio
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from monitor.config.config import Heartbeat
from monitor.config.load import load_config
from monitor.liveness import heartbeat
from monitor.liveness.heartbeat import Ping, ping_url, send_ping
from monitor.store.setting import WriterLimits
from probes.canary import open_session
from probes.document import DocumentError
from probes.simulator import Trouble
from tests.backstage import backstage, call, start_warm
from tests.receiver import dead_mans_switch
from tests.test_run import KEYS, config, simulator, watching

BRIEF = WriterLimits(wait_s=0.1)


@pytest.mark.parametrize(
    ("url", "word", "where"),
    [
        ("https://hc-ping.com/uuid", Ping.SUCCESS, "https://hc-ping.com/uuid"),
        ("https://hc-ping.com/uuid", Ping.START, "https://hc-ping.com/uuid/start"),
        ("https://hc-ping.com/uuid/", Ping.FAIL, "https://hc-ping.com/uuid/fail"),
        ("https://hc-ping.com/key/slug?create=1", Ping.FAIL, "https://hc-ping.com/key/slug/fail?create=1"),
        ("http://kuma.lan:3001/api/push/x?status=up", Ping.SUCCESS, "http://kuma.lan:3001/api/push/x?status=up"),
    ],
)
def test_a_word_stands_behind_the_address_and_before_its_query(url, word, where):
    assert ping_url(url, word) == where


def pinged(answer, word=Ping.SUCCESS, reason="", url=None, **facts):
    async def play():
        async with dead_mans_switch(answer) as switch, open_session("test") as session:
            return await send_ping(session, url or switch.url, word, reason, **facts), switch.heard

    return asyncio.run(play())


def test_a_failure_is_posted_with_its_reason():
    error, heard = pinged(200, Ping.FAIL, "the disk is full: é")

    assert error is None
    assert heard == [("POST", "/ping/5bf66975-secret/fail", "the disk is full: é")]


def test_a_reason_is_cut():
    _, ((_, _, body),) = pinged(200, Ping.FAIL, "x" * 5000)

    assert len(body) == heartbeat.LONGEST


@pytest.mark.parametrize("answer", [301, 404, 500])
def test_what_is_not_taken_is_said_by_its_status_and_no_redirect_is_followed(answer):
    error, heard = pinged(answer)

    assert error == f"HTTP {answer}"
    assert len(heard) == 1


def test_a_switch_that_hangs_is_left():
    assert pinged(None, limit_s=0.2)[0] == "connected, and no answer within 0.2 s"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1/ping/5bf66975-secret", "no connection (Connection refused)"),
        ("http://[::1/5bf66975-secret", "the address is no web address"),
    ],
)
def test_no_error_names_the_address(url, told):
    assert pinged(200, url=url)[0] == told


# The resident monitor


def test_a_running_monitor_pings_after_good_beats_and_not_more_often_than_asked(tmp_path):
    async def play():
        async with simulator() as other_side, dead_mans_switch() as switch:
            settings = config(tmp_path, other_side, heartbeat=Heartbeat(switch.url, 1.0))
            async with watching(settings, step_s=0.05) as monitor:
                await monitor.until(lambda: len(switch.heard) >= 2)
                beats = monitor.state.times.beaten_at
                await monitor.until(lambda: monitor.state.times.beaten_at > beats)
                return list(switch.heard), switch.words(), monitor.state.services.own.warnings

    heard, words, warnings = asyncio.run(play())
    assert (len(heard), set(words), warnings) == (2, {"success"}, {})
    assert heard[0] == ("POST", "/ping/5bf66975-secret", "")


def test_a_monitor_whose_beats_stop_pings_no_more(tmp_path):
    async def play():
        async with simulator() as other_side, dead_mans_switch() as switch:
            settings = config(tmp_path, other_side, heartbeat=Heartbeat(switch.url, 0.1))
            async with watching(settings, step_s=0.05) as monitor:
                await monitor.until(lambda: len(switch.heard) >= 2)
                monitor.state.services.storage.writing.submit(
                    time.sleep, 2
                )  # as if the disk did not answer; the loop itself lives
                await asyncio.sleep(0.5)
                before = len(switch.heard)
                await asyncio.sleep(1)
                return before, len(switch.heard)

    before, after = asyncio.run(play())
    assert before == after


def test_a_store_that_refuses_is_a_failure_with_the_reason_until_it_takes_again(tmp_path):

    async def play():
        async with simulator() as other_side, dead_mans_switch() as switch:
            settings = config(tmp_path, other_side, heartbeat=Heartbeat(switch.url, 0.1))
            async with watching(settings, step_s=0.05, store=BRIEF) as monitor:
                await monitor.until(lambda: switch.heard)
                with closing(sqlite3.connect(settings.store.database, isolation_level=None)) as other:
                    other.execute("BEGIN EXCLUSIVE")
                    await monitor.until(lambda: "fail" in switch.words())
                    other.execute("ROLLBACK")
                await monitor.until(lambda: switch.words()[-1] == "success")
            return switch

    switch = asyncio.run(play())
    (body, *_) = [body for _, path, body in switch.heard if path.endswith("/fail")]
    assert body == "results cannot be written to monitor.db: database is locked"


def test_a_failure_does_not_wait_for_its_turn_and_is_told_once_an_interval(tmp_path):
    async def play():
        async with simulator() as other_side, dead_mans_switch() as switch:
            settings = config(tmp_path, other_side, heartbeat=Heartbeat(switch.url, 3600))
            async with watching(settings, step_s=0.05, idle_s=0.2, store=BRIEF) as monitor:
                await monitor.until(lambda: switch.heard)
                with closing(sqlite3.connect(settings.store.database, isolation_level=None)) as other:
                    other.execute("BEGIN EXCLUSIVE")
                    await monitor.until(lambda: len(switch.heard) >= 2)
                    beats = monitor.state.times.beaten_at
                    await monitor.until(lambda: monitor.state.times.beaten_at > beats)
                    other.execute("ROLLBACK")
                return switch.words()

    assert asyncio.run(play()) == ["success", "fail"]


def test_a_monitor_that_reaches_nothing_says_so_to_whom_it_still_reaches(tmp_path):
    async def play():
        async with simulator() as other_side, dead_mans_switch() as switch:
            settings = config(tmp_path, other_side, base="http://127.0.0.1:1/v1", heartbeat=Heartbeat(switch.url, 0.1))
            async with watching(settings, step_s=0.05) as monitor:
                await monitor.until(lambda: "fail" in switch.words())
            return switch.heard[-1]

    assert asyncio.run(play())[2] == "the monitor is offline: nothing answers"


@pytest.mark.parametrize("answer", [500, None])
def test_a_switch_that_fails_or_hangs_holds_up_no_beat_and_is_named_on_the_page(tmp_path, answer, caplog):
    async def play():
        async with simulator() as other_side, dead_mans_switch(answer) as switch:
            settings = config(tmp_path, other_side, heartbeat=Heartbeat(switch.url, 0.1))
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings, step_s=0.05, ping_s=1.0) as monitor:
                await monitor.until(lambda: monitor.shown)
                page = settings.folder / "index.html"
                await monitor.until(lambda: "the heartbeat is not taken" in page.read_text())
                switch.answer = 200
                await monitor.until(lambda: "heartbeat" not in monitor.state.services.own.warnings)
            return page.read_text()

    page = asyncio.run(play())
    assert "5bf66975" not in page + caplog.text


def test_a_monitor_that_has_nothing_to_look_at_beats_all_the_same(tmp_path):
    async def play():
        async with simulator() as other_side, watching(config(tmp_path, other_side, ids=[]), idle_s=0.2) as monitor:
            await monitor.until(lambda: monitor.state.times.beaten_at)
            first = monitor.state.times.beaten_at
            await monitor.until(lambda: monitor.state.times.beaten_at > first)

    asyncio.run(play())


# The program


@pytest.fixture(scope="module")
def stage():
    with backstage() as made:
        yield made


def with_heartbeat(folder, stage, url="env:PING_URL", every_s=10):
    stage.write_config(folder, more=f'[heartbeat]\nurl = "{url}"\ninterval_s = {every_s}\n', channel=False)


@pytest.fixture
def switch():
    loop, ready, made = asyncio.new_event_loop(), threading.Event(), []

    async def play():
        ended = asyncio.Event()
        async with dead_mans_switch() as one:
            made.extend((one, ended))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(play()))
    thread.start()
    assert ready.wait(10)
    yield made[0]
    loop.call_soon_threadsafe(made[1].set)
    thread.join(10)
    loop.close()


def test_a_single_round_tells_its_start_and_its_end(tmp_path, stage, switch):
    with_heartbeat(tmp_path, stage)
    code, _, err = call("once", folder=tmp_path, PING_URL=switch.url)

    assert (code, switch.words()) == (0, ["start", "success"])
    assert "5bf66975" not in err


def test_a_heartbeat_that_is_not_taken_is_said_by_the_first_round_and_again_after_one_that_was(tmp_path, stage, switch):
    with_heartbeat(tmp_path, stage)
    said = []
    for url in (nowhere := "http://127.0.0.1:9/x", nowhere, switch.url, nowhere):
        err = call("once", folder=tmp_path, PING_URL=url)[2]
        said.append(("the heartbeat is not taken" in err, "this is over" in err))

    assert said == [(True, False), (False, False), (True, True), (True, False)]


@pytest.mark.slow
def test_a_single_round_that_finds_something_down_is_no_failure_of_its_own(tmp_path, stage, switch):
    with_heartbeat(tmp_path, stage)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    try:
        code, _, _ = call("once", folder=tmp_path, PING_URL=switch.url)
    finally:
        stage.set("openai/main", None)

    assert (code, switch.words()) == (1, ["start", "success"])


def test_a_single_round_without_a_database_tells_why_and_one_beside_another_monitor_tells_nothing(
    tmp_path, stage, switch
):
    with_heartbeat(tmp_path, stage)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").write_text("this is no database, and is long enough to be seen as none" * 20)
    code, _, _ = call("once", folder=tmp_path, PING_URL=switch.url)
    assert (code, switch.words()) == (2, ["fail"])
    assert "file is not a database" in switch.heard[0][2]

    (tmp_path / "state" / "monitor.db").unlink()
    process = start_warm("run", folder=tmp_path, PING_URL=switch.url)
    try:
        stage.until(lambda: "success" in switch.words(), 30)
        assert call("once", folder=tmp_path, PING_URL=switch.url) == (0, "", "")
        assert switch.words() == ["fail", "success"]
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=15)
    assert "5bf66975" not in err


# The configuration


def loaded(folder, text, **environment):
    (folder / "monitor.toml").write_text(text)
    return load_config(folder / "monitor.toml", environment)


def test_the_address_may_be_written_out_or_named_and_is_a_secret(tmp_path):
    named = loaded(tmp_path, '[heartbeat]\nurl = "env:PING"\ninterval_s = 30', PING="https://hc-ping.com/uuid")
    written = loaded(tmp_path, '[heartbeat]\nurl = "https://hc-ping.com/uuid"')

    assert named.heartbeat == Heartbeat("https://hc-ping.com/uuid", 30)
    assert written.heartbeat == Heartbeat("https://hc-ping.com/uuid", 60)
    assert "uuid" not in repr(named.heartbeat)
    assert named.secrets == ["https://hc-ping.com/uuid"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('url = "env:PING"', '= "env:PING" leads to what is no web address; give the ping address'),
        ('url = "htp://hc-ping.com/5bf66975-secret"', "heartbeat.url is no web address; give the ping address"),
        ('url = "https://"', "is no web address"),
        ('url = "https://[::1/x"', "is no web address"),
        ('url = "https://host:x/"', "is no web address"),
        (
            'url = "env:UNSET"',
            "the environment variable UNSET is not set; set UNSET here (where there are no keys, `check --no-keys` "
            "needs none), or leave [heartbeat] out",
        ),
        ('url = "https://a.example"\ninterval_s = 1', "interval_s"),
        ("interval_s = 60", "url"),
    ],
)
def test_an_address_that_is_none_is_named_without_its_secret(tmp_path, text, told):
    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, f"[heartbeat]\n{text}", PING="hc-ping.com/5bf66975-secret")

    assert told in str(caught.value)
    assert str(caught.value).startswith("monitor.toml: heartbeat")
    assert "5bf66975" not in str(caught.value)
