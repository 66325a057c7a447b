"""The simulator and a webhook in a thread, for tests that run the program as a process."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from probes.simulator import SimulatedAccount, Simulator
from tests.receiver import webhook
from tests.warm import Started, Warm, fits

ROOT = Path(__file__).parents[1]
KEYS = {
    "openai/main": "sk-sim-main-0123456789abcdef",
    "openai/backup": "sk-sim-backup-0123456789abcdef",
    "anthropic/team": "sk-ant-sim-team-0123456789",
}
VARIABLES = {"OPENAI_MAIN": "openai/main", "OPENAI_BACKUP": "openai/backup", "ANTHROPIC_TEAM": "anthropic/team"}


class Backstage:
    def __init__(self, loop, simulator, inbox):
        self._loop, self.simulator, self.inbox = loop, simulator, inbox

    def set(self, id, trouble, **settings):
        done = threading.Event()
        key = KEYS.get(id, id)
        self._loop.call_soon_threadsafe(lambda: (self.simulator.set(key, trouble, **settings), done.set()))
        assert done.wait(5)

    def announce(self, provider, title, **facts):
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (self.simulator.announce(provider, title, **facts), done.set()))
        assert done.wait(5)

    def write_config(self, folder, more="", channel=True, every_s=10):
        blocks = [
            f'[[accounts]]\nname = "{id.split("/")[1]}"\nprovider = "{id.split("/")[0]}"\nkey = "env:{variable}"\n'
            f'base = "{self.simulator.base(id.split("/")[0])}"\ninterval_s = {{ list = {every_s}, chat = {every_s} }}\n'
            for variable, id in VARIABLES.items()
        ]
        if channel:
            blocks.append(f'[[channels]]\nname = "hook"\nurl = "{self.inbox.url}"\n')
        head = "[site]\nport = 0\n[budget]\ndaily_tokens = 10000000\ndaily_usd = 10\n"
        head += "" if "[probe]" in more else "[probe]\nonline = []\nblip_s = 10\n"
        head += "" if "[status]" in more else "[status]\npoll = false\n"
        (folder / "monitor.toml").write_text(head + more + "\n" + "\n".join(blocks))

    def until(self, check, limit_s, pause_s=0.1):
        """Wait for something; `pause_s` is longer where a look costs the time of a process."""
        ends = time.monotonic() + limit_s
        while not check():
            assert time.monotonic() < ends, f"not within {limit_s} s"
            time.sleep(pause_s)


async def end_all():
    """End what still waits to answer somebody who is gone."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def backstage(enter=lambda: None):
    """`enter` is called in the thread first, to take it to where its servers are to stand."""
    loop, ready, made = asyncio.new_event_loop(), threading.Event(), []

    async def play():
        ended = asyncio.Event()
        accounts = [SimulatedAccount(id.split("/")[0], key) for id, key in KEYS.items()]
        async with Simulator(accounts) as simulator, webhook() as inbox:
            made.append((Backstage(loop, simulator, inbox), ended))
            ready.set()
            await ended.wait()
            await end_all()

    def work():
        enter()
        loop.run_until_complete(play())
        loop.run_until_complete(end_all())

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    stage, ended = made[0]
    try:
        yield stage
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


@contextmanager
def public_folder():
    """A folder that everybody may enter; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def environment(keys=True, **more):
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "RUNTIME_DIRECTORY") if name in os.environ}
    return known | ({name: KEYS[id] for name, id in VARIABLES.items()} if keys else {}) | more


def start(*arguments, folder, **more):
    """Start the program as a newcomer's shell would, from the folder of the configuration."""
    return Started(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=folder, env=environment(PYTHONPATH=str(ROOT), **more), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@cache
def warm():
    return Warm(ROOT, environment(keys=False, PYTHONPATH=str(ROOT)))


def start_warm(*arguments, folder, **more):
    """Start the program as `start` does, where what it does before it is loaded makes no difference."""
    assert fits(more)
    return warm().start(arguments, folder, environment(**more))


def call(*arguments, folder, text="", limit_s=90, **more):
    """Run the program to its end: exit code, stdout, stderr. It is loaded already, where that makes no difference."""
    if fits(more):
        return warm().call(arguments, folder, environment(**more), text, limit_s)
    return call_cold(*arguments, folder=folder, text=text, limit_s=limit_s, **more)


def call_cold(*arguments, folder, text="", limit_s=90, **more):
    """Run the program to its end, from its very start: exit code, stdout, stderr."""
    with start(*arguments, folder=folder, **more) as process:
        try:
            out, err = process.communicate(text, timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return process.returncode, out, err
