"""What runs a resident monitor, and how it ends."""

import asyncio
import gc
import signal
import sqlite3
import sys
from contextlib import closing

import pytest

from monitor.runtime.daemon import runner
from probes.simulator import Trouble
from tests.backstage import backstage, start


@pytest.fixture(autouse=True)
def usual_interpreter():
    before, turn_s = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
    sys.setswitchinterval(turn_s)


async def _loop():
    return type(asyncio.get_running_loop()).__module__


def test_without_the_extra_it_runs_on_asyncio(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)

    with runner() as loop:
        assert loop.run(_loop()).startswith("asyncio")


def test_with_the_extra_it_runs_on_uvloop():
    pytest.importorskip("uvloop")

    with runner() as loop:
        assert loop.run(_loop()).startswith("uvloop")


def test_the_thread_that_makes_the_page_soon_gives_the_loop_its_turn():
    before = sys.getswitchinterval()

    with runner():
        assert sys.getswitchinterval() < before / 5


def test_garbage_is_not_looked_for_among_what_stays():
    with runner():
        assert gc.get_freeze_count() > 0


@pytest.fixture
def telling(tmp_path):
    """A monitor that is about to tell a channel that takes a while to answer."""
    with backstage() as stage:
        stage.inbox.delay_s = 1.5
        stage.write_config(tmp_path)
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        process = start("run", folder=tmp_path)
        try:
            stage.until(lambda: stage.inbox.asked, 60)
            yield stage, process
        finally:
            process.kill()
            process.communicate()


def outbox(folder):
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        return db.execute("SELECT step, state, tries FROM outbox").fetchall()


@pytest.mark.slow
def test_a_message_under_way_is_noted_before_the_process_ends(telling, tmp_path):
    _, process = telling
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=15)

    assert process.returncode == 0
    assert outbox(tmp_path) == [("opened", "sent", 1)]


@pytest.mark.slow
def test_who_asks_twice_does_not_wait(telling, tmp_path):
    stage, process = telling
    stage.inbox.delay_s = 60
    process.send_signal(signal.SIGINT)
    with pytest.raises(Exception, match="timed out"):
        process.communicate(timeout=0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=2.5)

    assert (process.returncode, "Traceback" in err) == (0, False)
    assert outbox(tmp_path) == [("opened", "waiting", 0)]
