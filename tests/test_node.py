"""Nodes that share a store, as real processes on a real PostgreSQL: two places probe, one of two judges leads."""

import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest

from tests.backstage import ROOT, Started, backstage, environment

pytestmark = pytest.mark.cluster

PLACES = "".join(f'[[locations]]\nname = "{name}"\n' for name in ("fra", "sin"))
USUAL_S = 120
"""Seconds in which all of it happens even on a busy machine."""


class Nodes:
    """The nodes of a cluster by their names, each with a folder of its own."""

    def __init__(self, stage, folder, url, server):
        self.stage, self.folder, self.url, self.server = stage, folder, url, server
        self.running, self._held = {}, ExitStack()

    def configure(self, name, place):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        self.stage.write_config(folder, f'[store]\nurl = "env:DATABASE"\n{PLACES}', every_s=10)
        file = folder / "monitor.toml"
        file.write_text(f'location = "{place}"\n{file.read_text()}')
        file.chmod(0o600)
        return folder

    def start(self, name, place, role):
        folder = self.configure(name, "fra")
        keys = role != "judge"
        more = {"DATABASE": self.url, "PYTHONPATH": str(ROOT), "RUNTIME_DIRECTORY": str(folder)}
        with (folder / "log").open("a") as log:
            command = [sys.executable, "-m", "monitor", "run", "--role", role, "--location", place]
            its = Started(command, cwd=folder, env=environment(keys=keys, **more), stdout=log, stderr=log)
        self.running[name] = self._held.enter_context(its)

    def kill(self, name):
        self.running.pop(name).kill()

    def ask(self, *arguments):
        """Run a command at a judge's folder, and return what it prints."""
        folder = self.configure("asking", "fra")
        done = subprocess.run(
            [sys.executable, "-m", "monitor", *arguments], cwd=folder, capture_output=True, text=True, check=False,
            env=environment(DATABASE=self.url, PYTHONPATH=str(ROOT), RUNTIME_DIRECTORY=str(folder)),
        )  # fmt: skip
        return done.stdout + done.stderr

    def rows(self, query):
        with self.server.connect(self.url.rpartition("/")[2]) as connection:
            connection.execute("SET search_path = monitor")
            return connection.execute(query).fetchall()

    def leader(self):
        """Return the name of the node that leads, by what it wrote itself."""
        said = {name: (self.folder / name / "log").read_text().count("leading:") for name in self.running}
        return next((name for name, count in said.items() if count and name.startswith("judge")), None)

    def close(self):
        for one in self.running.values():
            one.send_signal(signal.SIGTERM)
        for one in self.running.values():
            one.wait(15)
        self._held.close()


@pytest.fixture
def nodes(tmp_path, postgres_server, postgres_database):
    with backstage() as stage, cluster(stage, tmp_path, postgres_database, postgres_server) as made:
        yield made


@contextmanager
def cluster(stage, folder, url, server):
    made = Nodes(stage, folder, url, server)
    try:
        made.start("judge1", "fra", "judge")
        made.start("fra", "fra", "probe")
        made.start("sin", "sin", "probe")
        stage.until(lambda: made.leader() == "judge1", USUAL_S)
        made.start("judge2", "sin", "judge")
        seen = "SELECT count(DISTINCT place) FROM health JOIN series ON series.id = series_id WHERE state = 'up'"
        stage.until(lambda: made.rows(seen) == [(2,)], USUAL_S)
        yield made
    finally:
        made.close()


def titles(stage):
    return [one["title"] for one in stage.inbox.messages]


@pytest.mark.slow
def test_a_loss_is_told_once_also_when_its_judge_dies_and_the_next_one_tells_its_end(nodes):
    stage = nodes.stage
    stage.set("openai/backup", "account_suspended")
    stage.until(lambda: nodes.rows("SELECT state FROM outbox") == [("sent",)], USUAL_S)  # else it may be sent twice
    nodes.kill("judge1")
    stage.set("openai/backup", None)
    stage.until(lambda: len(titles(stage)) > 1, USUAL_S)

    assert titles(stage) == [
        "[DOWN] openai/backup: account suspended",
        "[RESOLVED] openai/backup: account suspended",
    ]
    assert nodes.leader() == "judge2"
    said = nodes.ask("status", "--cluster")
    assert re.search(r"^leader: \S+ at sin, process \d+ on ", said), said
    assert re.search(r"^fra: heard of \d+ s ago", said, re.MULTILINE), said
    assert nodes.rows("SELECT closed IS NULL, count(*) FROM incident GROUP BY 1") == [(False, 1)]
    assert "openai/backup" in nodes.ask("status")


@pytest.mark.slow
def test_while_the_server_is_away_nothing_is_lost_and_nobody_is_blamed(nodes):
    stage, server = nodes.stage, nodes.server
    before = nodes.rows("SELECT place, max(at), count(*) FROM observation JOIN series ON id = series_id GROUP BY 1")
    server.stop(signal.SIGQUIT)
    time.sleep(15)
    server.start()
    began = max(at for _, at, _ in before)
    seen = "SELECT place FROM observation JOIN series ON id = series_id"
    missed = f"{seen} WHERE at > {began + 2000} AND at < {began + 14000}"
    stage.until(lambda: {place for (place,) in nodes.rows(missed)} == {"fra", "sin"}, USUAL_S)

    assert titles(stage) == []
    assert nodes.rows("SELECT count(*) FROM incident WHERE scope <> 'stage'") == [(0,)]


@pytest.mark.slow
def test_a_reply_given_anywhere_reaches_the_one_that_leads(nodes):
    stage = nodes.stage
    stage.set("openai/backup", "account_suspended")
    stage.until(lambda: titles(stage), USUAL_S)
    ((id,),) = nodes.rows("SELECT id FROM incident")
    nodes.ask("acknowledge", id, "--by", "Jo")

    stage.until(lambda: nodes.rows("SELECT kind FROM reply") == [("acknowledge",)], USUAL_S)
    assert "Jo" in nodes.ask("incidents", id)


WRONG = {
    "a database that is not there": (("run", "--role", "judge"), "/gone", "createdb"),
    "no server for a command": (("status",), "", "can be reached from here"),
    "a place that is none": (("run", "--location", "ams"), "", '--location "ams" is none of the places'),
    "a single round": (("once",), "", "is shared by several nodes"),
}


@pytest.mark.parametrize(("arguments", "database", "words"), WRONG.values(), ids=WRONG)
def test_what_a_node_cannot_begin_with_is_said_with_its_repair(postgres_server, tmp_path, arguments, database, words):
    port = postgres_server.port if database else 1
    url = f"postgresql://owner:hidden-5ecret@127.0.0.1:{port}{database or '/monitor'}"
    text = f'location = "fra"\n[store]\nurl = "env:DATABASE"\n{PLACES}'
    (tmp_path / "monitor.toml").write_text(f'{text}[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:KEY"\n')
    more = {"DATABASE": url, "KEY": "sk-sim-one-0123456789abcdef", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "monitor", *arguments]
    its = environment(**more, RUNTIME_DIRECTORY=str(tmp_path))
    done = subprocess.run(command, cwd=tmp_path, env=its, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, "Traceback" in done.stderr, "5ecret" in done.stdout + done.stderr) == (2, False, False)
    assert words in done.stderr
