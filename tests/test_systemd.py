"""The service manager's protocol, spoken to a real socket."""

import asyncio
import re
import signal
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from monitor.liveness import systemd
from monitor.liveness.systemd import Manager, find_manager
from monitor.stages.liveness import feed_watchdog
from monitor.state.monitor_state import open_state
from monitor.state.services import real_edge
from tests.backstage import backstage, start
from tests.parts import run_stage
from tests.test_run import config, simulator, watching


@pytest.fixture
def manager(tmp_path):
    """A service manager's socket, and all that it has been told."""
    with Listener(str(tmp_path / "notify")) as listener:
        yield listener


class Listener:
    def __init__(self, address):
        self.address, self.told = address, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def hear(self):
        try:
            while True:
                self.told += self.socket.recv(4096).decode().splitlines()
        except BlockingIOError:
            return self.told


def test_words_are_lines_of_one_datagram(manager):
    Manager(manager.address).tell("READY=1", systemd.status("two\nlines"))

    assert manager.hear() == ["READY=1", "STATUS=two lines"]


def test_an_abstract_socket_is_meant_by_an_at_sign():
    name = f"provider-monitor-test-{time.monotonic_ns()}"
    with Listener("\0" + name) as manager:
        find_manager({"NOTIFY_SOCKET": f"@{name}"}, 7).tell("READY=1")

        assert manager.hear() == ["READY=1"]


def test_a_socket_that_is_gone_or_full_is_no_trouble_of_ours(manager, tmp_path):
    Manager(str(tmp_path / "gone")).tell("READY=1")
    Manager("/" + "x" * 200).tell("READY=1")
    for _ in range(2000):  # more than any queue holds
        Manager(manager.address).tell("WATCHDOG=1")

    assert set(manager.hear()) == {"WATCHDOG=1"}


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_meant_for_the_process_it_names(environment, watchdog_s):
    assert find_manager({"NOTIFY_SOCKET": "/run/x", **environment}, 7) == Manager("/run/x", watchdog_s)


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "relative"])
def test_without_a_socket_that_we_know_nobody_is_told(address):
    environment = {"WATCHDOG_USEC": "30000000"} | ({"NOTIFY_SOCKET": address} if address is not None else {})

    assert find_manager(environment, 7) == Manager()


def test_the_watchdog_hears_of_beats_twice_in_its_time_and_of_none_when_they_stop(tmp_path, manager):
    async def play():
        async with simulator() as other_side, watching(config(tmp_path, other_side), step_s=0.02) as monitor:
            monitor.state.services.manager = Manager(manager.address, 0.6)
            again = asyncio.create_task(run_stage(feed_watchdog, monitor.state))
            await monitor.until(lambda: manager.hear().count("WATCHDOG=1") >= 3)
            monitor.state.services.storage.writing.submit(time.sleep, 2)  # the beat hangs, and the loop lives
            await asyncio.sleep(0.5)
            before = manager.hear().count("WATCHDOG=1")
            await asyncio.sleep(1)
            after = manager.hear().count("WATCHDOG=1")
            again.cancel()
            return before, after

    before, after = asyncio.run(play())
    assert before == after


@pytest.mark.parametrize(("late_s", "lives"), [(10, True), (120, False)])
def test_a_schedule_that_does_not_go_on_is_no_life(tmp_path, manager, late_s, lives):
    async def play():
        async with simulator() as other_side, open_state(config(tmp_path, other_side), real_edge(print)) as state:
            state.services.manager, state.times.beaten_at = Manager(manager.address, 0.2), 1.0
            state.planned.probes.set("openai/main/list", datetime.now(UTC) - timedelta(seconds=late_s))
            telling = asyncio.create_task(run_stage(feed_watchdog, state))
            await asyncio.sleep(0.3)
            telling.cancel()

    asyncio.run(play())
    assert ("WATCHDOG=1" in manager.hear()) is lives


@pytest.fixture
def running(tmp_path, manager):
    with backstage() as stage:
        stage.write_config(tmp_path, channel=False)
        process = start("run", folder=tmp_path, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="2000000")
        try:
            yield stage, process
        finally:
            process.kill()
            process.communicate()


def test_the_program_tells_its_start_its_state_a_reload_and_its_end(running, manager):
    stage, process = running
    stage.until(lambda: re.search(r"STATUS=10 targets: [89] up; 0 open incidents", " ".join(manager.hear())), 30)
    stage.until(lambda: "WATCHDOG=1" in manager.hear(), 10)
    assert manager.told[0] == "READY=1"

    process.send_signal(signal.SIGHUP)
    stage.until(lambda: manager.hear().count("READY=1") == 2, 10)
    begun = manager.told.index("RELOADING=1")
    asked_at = int(re.fullmatch(r"MONOTONIC_USEC=(\d+)", manager.told[begun + 1])[1])
    assert 0 <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - asked_at < 60_000_000
    assert "READY=1" in manager.told[begun:]

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=15)
    assert manager.hear()[-1] == "STOPPING=1"
