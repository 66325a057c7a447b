"""A cluster of judges, each a process with a road of its own to one server, and what is known of who led when."""

import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

from monitor.store.postgres.leadership import DOUBT_S, since_boot
from tests.postgres import postgres
from tests.road import roads

ROOT = Path(__file__).parents[1]
NAMES = ("anna", "bert", "cleo")
UNTIL_S = 30


class Election:
    """`led`: for each epoch, its judge, and the first and last instant at which that one believed in it."""

    def __init__(self, server, roads, folder):
        self.server, self.roads, self.folder = server, roads, folder
        self.processes, self.led = {}, {}
        self._read, self._born_s = defaultdict(int), since_boot()
        with server.connect() as connection:
            connection.execute("CREATE TABLE led (epoch bigint, pid integer)")

    def start(self, name):
        file = self.folder / f"{name}.led"
        command = [sys.executable, "-m", "tests.judge", self.server.url(port=self.roads[name].port), name, file]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def signal(self, name, number):
        self.processes[name].send_signal(number)

    def kill(self, name):
        self.processes[name].kill()
        self.processes[name].wait()

    def restart_server(self):
        """End the server as if its machine had died, and start it again."""
        self.server.stop(signal.SIGQUIT)
        self.server.start()
        self._born_s = since_boot()

    def grow_up(self):
        """Wait until nodes that stand by would lead at once."""
        time.sleep(max(0, self._born_s + DOUBT_S + 1 - since_boot()))

    def look(self):
        """Read what the judges have noted since."""
        for name in NAMES:
            file = self.folder / f"{name}.led"
            if file.exists():
                with file.open("rb") as text:
                    text.seek(self._read[name])
                    lines = text.read().splitlines(keepends=True)
                lines = [one for one in lines if one.endswith(b"\n")]
                self._read[name] += sum(map(len, lines))
                for epoch, at_s in map(bytes.split, lines):
                    known = self.led.get(int(epoch), (name, float(at_s), 0))
                    self.led[int(epoch)] = known[0], known[1], float(at_s)

    def leader(self, after=0):
        """Return the epoch and the name of the first judge that leads after this epoch, and since when."""
        ends_s = since_boot() + UNTIL_S
        while True:
            self.look()
            if later := [one for one in self.led if one > after]:
                epoch = min(later)
                return epoch, self.led[epoch][0], self.led[epoch][1]
            assert since_boot() < ends_s, f"nobody leads within {UNTIL_S} s: {self.logs()}"
            time.sleep(0.02)

    def logs(self):
        return {name: (self.folder / f"{name}.log").read_text()[-500:] for name in NAMES}

    def newest(self):
        """Return the epoch and the judge that leads now, as far as is known."""
        self.leader()
        epoch = max(self.led)
        return epoch, self.led[epoch][0]

    def overlaps(self):
        """Return the pairs of epochs of which two judges believed in theirs at once."""
        self.look()
        its = sorted(self.led)
        return [(a, b) for a, b in zip(its, its[1:], strict=False) if self.led[a][2] >= self.led[b][1]]

    def late_rows(self):
        """Return the rows of an epoch that were committed after a later one had begun."""
        query = """
            SELECT led.epoch, term.epoch FROM led JOIN monitor.term ON led.epoch < term.epoch
            WHERE pg_xact_commit_timestamp(led.xmin) >= term.began
        """
        with self.server.connect() as connection:
            return connection.execute(query).fetchall()

    def rows(self):
        with self.server.connect() as connection:
            return connection.execute("SELECT count(*) FROM led").fetchone()[0]

    def restore(self):
        """Let all be well again, and wait for a leader that stays."""
        if not self.processes:
            self._born_s = since_boot() + 1
        for name in NAMES:
            self.roads[name].heal()
            if name not in self.processes or self.processes[name].poll() is not None:
                self.start(name)
            self.signal(name, signal.SIGCONT)
        self.settle()

    def settle(self):
        """Wait until each judge has a session, and one leads."""
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        ends_s = since_boot() + UNTIL_S
        with self.server.connect() as connection:
            while connection.execute(query).fetchone()[0] != len(NAMES) + 1:
                assert since_boot() < ends_s, f"no {len(NAMES)} judges within {UNTIL_S} s: {self.logs()}"
                time.sleep(0.05)
        before_s = since_boot()
        while not any(last > before_s for _, _, last in self.led.values()):
            assert since_boot() < ends_s, self.logs()
            time.sleep(0.02)
            self.look()


@contextmanager
def election(folder):
    with (
        postgres(track_commit_timestamp="on", synchronous_commit="on") as server,
        roads(server.port, NAMES) as known,
    ):
        its = Election(server, known, folder)
        try:
            yield its
        finally:
            for one in its.processes.values():
                one.kill()
                one.wait()
