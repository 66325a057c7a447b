"""The program without its start: a process that has loaded all of it forks for each call.

To load it takes three times as long as what a command does. Each call is a process of its own all the same, with its
own arguments, environment, folder, umask, files and exit code. What the loader, Python or a library reads once at its
start (LD_PRELOAD, PYTHON..., the locale, the time zone) was settled when this one started: such a call is none for it.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import re
import runpy
import socket
import subprocess
import sys
import tempfile

import monitor
import probes
from monitor.alert.address import open_service
from monitor.alert.channel import Channel
from monitor.publish.render import load_templates
from probes.answer.classify import classify_answer
from probes.catalog import load_provider, load_wording

OF_THE_START = re.compile("PYTHON|LANG$|LC_|TZ$|LD_|FAKETIME|GLIBC_|MALLOC_|OPENSSL_|AIOHTTP_")
MOST = 200_000
"""Bytes of one request: arguments and environment."""


class Warm:
    """A loaded program, and how it is called and started."""

    def __init__(self, folder, environment):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(theirs.fileno())],
                cwd=folder, env=environment, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        atexit.register(self.end)

    def call(self, arguments, folder, environment, text, limit_s):
        """Return exit code, stdout and stderr; below 0 is the signal that ended it. Raises TimeoutExpired."""
        with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            told.write(text.encode())
            told.seek(0)
            with self._forked(arguments, folder, environment, (told, out, err)) as made:
                try:
                    return made.wait(limit_s), _read(out), _read(err)
                except subprocess.TimeoutExpired:
                    made.kill()
                    raise

    def start(self, arguments, folder, environment):
        """Return it as it runs, with a pipe to its stdin, and one from its stdout and its stderr."""
        (told, stdin), (stdout, out), (stderr, err) = os.pipe(), os.pipe(), os.pipe()
        theirs = [open(told, "rb"), open(out, "wb"), open(err, "wb")]  # noqa: SIM115 - closed by the stack
        with contextlib.ExitStack() as stack:
            for one in theirs:
                stack.enter_context(one)
            made = self._forked(arguments, folder, environment, theirs)
        made.stdin, made.stdout, made.stderr = open(stdin, "w"), open(stdout), open(stderr)  # noqa: SIM115 - by its end
        return made

    def _forked(self, arguments, folder, environment, files):
        umask = os.umask(0o077)
        os.umask(umask)
        request = {"arguments": arguments, "folder": str(folder), "environment": environment, "umask": umask}
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [one.fileno() for one in (*files, theirs)]
            socket.send_fds(self.control, [json.dumps(request).encode()], descriptors)
        return Forked(arguments, ours)

    def end(self):
        self.control.close()
        self.process.wait(10)


class Started(subprocess.Popen):
    """A program that does not outlive a test that fails: the end of `with` waits for it, and nobody would stop it."""

    def __exit__(self, kind, *rest):
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


class Forked(Started):
    """A process that is no child of ours: `ours` is where another one tells its PID, and in the end its exit code."""

    def __init__(self, arguments, ours):
        self.args, self.returncode, self._ours = arguments, None, ours
        self.stdin = self.stdout = self.stderr = None
        # What `communicate` looks at besides: see Popen.__init__.
        self.encoding, self.errors, self.text_mode = "utf-8", None, True
        self._input, self._communication_started, self._child_created = None, False, True
        self._sigint_wait_secs = 0
        self.pid = int(ours.recv(20))

    def _internal_poll(self, _deadstate=None):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._wait(0)
        return self.returncode

    def _wait(self, timeout):
        if self.returncode is None:
            self._ours.settimeout(timeout)
            try:
                self.returncode = int(self._ours.recv(20))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout) from None
            self._ours.close()
        return self.returncode


def _read(file):
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def fits(environment):
    """Whether a call with these variables may be one that was started before they were known."""
    return not any(map(OF_THE_START.match, environment))


def load():
    for package in (monitor, probes):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    load_what_waits()


def load_what_waits():
    """Load what the program loads at its first message, its first bad answer and its first page."""
    assert open_service(Channel("hook", "json://127.0.0.1"))
    assert classify_answer(load_provider("openai"), load_wording().rules, 429, {}, "too many requests").fault
    pages = load_templates("en", None)
    for name in pages._environment.list_templates(extensions=["html", "xml"]):
        pages._environment.get_template(name)


def serve(control):
    """Fork for each request; return it, with the descriptors of its files, in the process that is to answer it."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, MOST, 4)
        if not text:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            return json.loads(text), descriptors
        for one in descriptors:
            os.close(one)
        while _reap():
            pass


def _reap():
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(-1, os.WNOHANG)[0]


def keep(told):
    """Fork; return in the child, and tell of its end in the other process."""
    pid = os.fork()
    if pid == 0:
        return
    os.write(told, b"%20d" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(told, b"%20d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(request, descriptors):
    for number, one in enumerate(descriptors):
        os.dup2(one, number)
        os.close(one)
    os.umask(request["umask"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["monitor", *request["arguments"]]


def leave(codes):
    """End at once, as the last of what is done at exit: to take each module down copies all the memory we share."""
    with contextlib.suppress(OSError):
        for code in codes:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def main():
    codes = []
    atexit.register(leave, codes)  # before what is loaded registers anything: who comes first is called last
    load()
    gc.collect()
    gc.freeze()
    request, (*files, told) = serve(socket.socket(fileno=int(sys.argv[1])))
    keep(told)
    os.close(told)
    become(request, files)
    try:
        runpy.run_module("monitor", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        codes += [end.code] if isinstance(end.code, int) else []
        raise


if __name__ == "__main__":
    main()
