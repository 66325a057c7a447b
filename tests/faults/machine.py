"""A machine of its own: a small disk that can be filled, taken away and broken, a network that can be cut, a clock."""

import ctypes
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

MOUNT = "mount -t tmpfs -o size={size},mode=700 disk {state} && mount -t tmpfs -o mode=700 run {runtime}"
LOOPBACK = "ip link set lo up"
WAIT = "exec sleep 600"
FAKETIME = sorted(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))


class Machine:
    """A mount namespace in which `state` is a disk of its own; all that is called in it sees that.

    With `apart` its network is its own, too: nothing but loopback, which can be taken down.
    """

    def __init__(self, folder, size="3m", apart=False):
        self.folder, self.state, self.runtime = folder, folder / "state", folder / "runtime"
        self.database, self.size, self.programs = self.state / "monitor.db", size, []
        self.spaces = ["-m", "-n"] if apart else ["-m"]

    def __enter__(self):
        for one in (self.state, self.runtime):
            one.mkdir()
        script = MOUNT.format(
            size=self.size, state=shlex.quote(str(self.state)), runtime=shlex.quote(str(self.runtime))
        )
        steps = [script, LOOPBACK, WAIT] if "-n" in self.spaces else [script, WAIT]
        self.holder = subprocess.Popen(["unshare", *self.spaces, "sh", "-c", " && ".join(steps)])
        until(self._is_ready, 10)
        return self

    def _is_ready(self):
        """Whether all is mounted: the shell's script names what it ends in, so only what runs now tells."""
        assert self.holder.poll() is None, "the machine could not be made"
        return Path(f"/proc/{self.holder.pid}/comm").read_text() == "sleep\n"

    def __exit__(self, *_):
        for one in self.programs:
            if one.poll() is None:
                one.kill()
            one.communicate()
        self.holder.kill()
        self.holder.wait()

    def _inside(self, line):
        script = f"cd {shlex.quote(str(self.folder))} && exec {line}"
        return ["nsenter", *self.spaces, "-t", str(self.holder.pid), "sh", "-c", script]

    def enter_network(self):
        """Let the thread that calls this open its sockets in the machine's own network."""
        with open(f"/proc/{self.holder.pid}/ns/net") as file:
            assert ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0) == 0

    def cut(self):
        """Take away every road, as where the cable is pulled out."""
        self.shell("ip link set lo down")

    def mend(self):
        self.shell("ip link set lo up")

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


class FakeClock:
    """The clock of one program, which can be set while it runs. `sleeping` sets those as well that nobody sets."""

    def __init__(self, folder, at="+0", sleeping=False):
        self._file = folder / "clock"
        self.set(at)
        self.environment = {
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            **({} if sleeping else {"DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}),
        }

    def set(self, at):
        """Set it to so much beside the true time ("-86400"), or to go on from a date ("@2026-10-25 00:59:00")."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{at}\n")
        new.rename(self._file)


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
