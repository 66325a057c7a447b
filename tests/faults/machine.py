"""A machine with a small disk that can be filled, taken away and broken while the program runs on it."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.backstage import ROOT, environment

MOUNT = (
    "mount -t tmpfs -o size={size},mode=700 disk {state} && mount -t tmpfs -o mode=700 run {runtime} && exec sleep 600"
)


class Machine:
    """A mount namespace in which `state` is a disk of its own; all that is called in it sees that."""

    def __init__(self, folder, size="3m"):
        self.folder, self.state, self.runtime = folder, folder / "state", folder / "runtime"
        self.database, self.size, self.programs = self.state / "monitor.db", size, []

    def __enter__(self):
        for one in (self.state, self.runtime):
            one.mkdir()
        script = MOUNT.format(
            size=self.size, state=shlex.quote(str(self.state)), runtime=shlex.quote(str(self.runtime))
        )
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", script])
        until(lambda: "sleep" in Path(f"/proc/{self.holder.pid}/cmdline").read_text(), 5)
        return self

    def __exit__(self, *_):
        for one in self.programs:
            if one.poll() is None:
                one.kill()
            one.communicate()
        self.holder.kill()
        self.holder.wait()

    def _inside(self, line):
        script = f"cd {shlex.quote(str(self.folder))} && exec {line}"
        return ["nsenter", "-m", "-t", str(self.holder.pid), "sh", "-c", script]

    def shell(self, line):
        return subprocess.run(
            self._inside(f"sh -c {shlex.quote(line)}"), capture_output=True, text=True, check=True
        ).stdout

    def start(self, *arguments, **more):
        line = shlex.join([sys.executable, "-m", "monitor", *arguments])
        known = environment(PYTHONPATH=str(ROOT), RUNTIME_DIRECTORY=str(self.runtime)) | more
        with (self.folder / "log").open("a") as log:
            program = subprocess.Popen(self._inside(line), env=known, text=True, stdout=subprocess.PIPE, stderr=log)
        self.programs.append(program)
        return program

    def call(self, *arguments, limit_s=90, **more):
        """Run the program to its end; return its exit code and what it printed."""
        program = self.start(*arguments, **more)
        out, _ = program.communicate(timeout=limit_s)
        return program.returncode, out

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def path(self, name):
        """Return how a file of the machine is named outside of it."""
        return Path(f"/proc/{self.holder.pid}/root{self.state / name}")

    def rows(self, query):
        code = f"print(json.dumps(connect('file:{self.database}?mode=ro', uri=True).execute({query!r}).fetchall()))"
        with self._python(f"import json; {code}") as other:
            return json.loads(other.communicate()[0] or "[]")

    def python(self, code):
        with self._python(code) as other:
            assert other.wait() == 0

    def _python(self, code):
        line = shlex.join([sys.executable, "-c", f"from sqlite3 import connect; {code}"])
        return subprocess.Popen(
            self._inside(line), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    @property
    def files(self):
        """The database and its side files, as the program names them."""
        return [self.state / f"monitor.db{side}" for side in ("", "-wal", "-shm")]

    def fill(self):
        """Fill the disk, and whatever is left free on it, until it is emptied."""
        dd = f"dd if=/dev/zero of={self.state}/fill bs=4k conv=notrunc oflag=append 2>/dev/null"
        self.filler = subprocess.Popen(self._inside(f"sh -c 'while sleep 0.2; do {dd}; done'"))
        until(lambda: not self._free())
        self.programs.append(self.filler)

    def _free(self):
        seen = os.statvfs(self.path("."))
        return seen.f_bavail

    def empty(self):
        self.filler.kill()
        self.filler.wait()
        self.path("fill").unlink()

    def remount(self, how):
        self.shell(f"mount -o remount,{how} {self.state}")

    @contextmanager
    def locked(self, kind="EXCLUSIVE"):
        """Let another program hold the database."""
        code = f"db = connect('{self.database}', isolation_level=None); db.execute('BEGIN {kind}')"
        with self._python(f"{code}; print('held', flush=True); input()") as other:
            assert other.stdout.readline() == "held\n"
            try:
                yield
            finally:
                other.communicate("\n")


def until(check, limit_s=30):
    ends = time.monotonic() + limit_s
    while not check():
        assert time.monotonic() < ends, f"not within {limit_s} s"
        time.sleep(0.1)


def end(program, number=signal.SIGTERM):
    program.send_signal(number)
    return program.wait(15)


@contextmanager
def failing(program, calls, error, *paths):
    """Let system calls of a running program on these files fail."""
    named = [word for path in paths for word in ("-P", str(path))]
    tracer = subprocess.Popen(
        ["strace", "-f", "-q", "-o", os.devnull, *named, "-e", f"trace={calls}"]
        + ["-e", f"inject={calls}:error={error}", "-p", str(program.pid)],
        stderr=subprocess.DEVNULL,
    )
    time.sleep(1)
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
