"""The Dockerfile and compose.yaml obeyed without an engine: in an empty root that borrows this machine's programs."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.backstage import ROOT
from tests.container.recipe import compose, is_sent, stages

BORROWED = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", sys.base_prefix)
"""What stands for the base image: programs and libraries, and our Python. /etc is a copy."""
TO_BUILD = ("/opt",)
"""Where pip may be told to look, while it installs."""
NEEDED = ("unshare", "nsenter", "setpriv", "chroot", "ip", "mount")
PATH = f"{sys.base_prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
OUTSIDE = "127.0.0.2"
"""What listens on the container's 127.0.0.1 alone is not met here, as it is not by a published port."""


START_S, END_S = 60, 10
"""Seconds in which a container starts, and in which it is gone once it was killed."""


class Image:
    """The last stage as a folder, and what is to be known of it."""

    def __init__(self, folder, stage, environment, workdir, user):
        self.folder, self.stage, self.environment, self.workdir, self.user = folder, stage, environment, workdir, user

    @property
    def volumes(self):
        return [word for one in self.stage.instructions if one.word == "VOLUME" for word in one.words]

    @property
    def command(self):
        return self.stage.last("ENTRYPOINT") + self.stage.last("CMD")

    @property
    def stop(self):
        return getattr(signal, self.stage.last("STOPSIGNAL")[0])


def build(folder, dockerfile=None):
    """Return a way to start containers of what a Dockerfile (ours) makes in `folder`; skip where that cannot be."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"an empty root needs root and {', '.join(missing or NEEDED)}")
    if subprocess.run(["unshare", "-mnp", "--fork", "true"], capture_output=True, check=False).returncode:
        pytest.skip("an empty root needs namespaces, which are closed to us")
    made = {}
    for stage in stages(dockerfile or (ROOT / "Dockerfile").read_text()):
        made[stage.name] = _obey(stage, folder / stage.name, made)
    return lambda place, text, start_s=START_S: Bare(made[stage.name], place, text, start_s)


def _obey(stage, root, made):
    """Carry out the lines of one stage in an empty root."""
    for name in ("proc", "dev", "tmp", *(one[1:] for one in (*BORROWED, *TO_BUILD) if Path(one).exists())):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copytree("/etc", root / "etc", symlinks=True, ignore_dangling_symlinks=True)
    environment, workdir, user = {"PATH": PATH}, "/", "0:0"
    for one in stage.instructions:
        match one.word:
            case "WORKDIR":
                workdir = one.text
                (root / workdir[1:]).mkdir(parents=True, exist_ok=True)
            case "COPY":
                _copy(one.words, root, workdir, made)
            case "RUN":
                _run(root, workdir, environment, one.text)
            case "ENV":
                for word in one.words:
                    name, _, value = word.partition("=")
                    environment[name] = value.replace("$PATH", environment["PATH"])
            case "USER":
                user = one.text
            case "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
                pass  # said of what is run later
            case _:
                raise AssertionError(f"nothing here obeys {one.word}")
    return Image(root, stage, environment, workdir, user)


def _copy(words, root, workdir, made):
    source = ROOT
    if words[0].startswith("--from="):
        source = made[words.pop(0).removeprefix("--from=")].folder
    *names, target = words
    place = root / str(Path(workdir) / target)[1:]
    for name in names:
        one = source / name.lstrip("/")
        assert source != ROOT or is_sent(one), f".dockerignore keeps {name} from the builder"
        if one.is_dir():
            shutil.copytree(one, place, symlinks=True, ignore=_kept_back if source == ROOT else None)
        else:
            shutil.copy(one, place / name if target.endswith("/") else place)


def _kept_back(folder, names):
    return [name for name in names if not is_sent(Path(folder) / name)]


def _run(root, workdir, environment, line):
    known = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)} | environment
    script = [*_borrow(root, TO_BUILD), _enter(root, workdir, known | {"HOME": "/root"}, ["/bin/sh", "-ec", line])]
    subprocess.run(["unshare", "--mount", "sh", "-ec", "\n".join(script)], check=True)


def _borrow(root, more=()):
    """Yield lines that give a root what it borrows of this machine, and devices."""
    yield f"mount --bind {root} {root}"
    for one in (one for one in (*BORROWED, *more) if Path(one).exists()):
        yield f"mount --rbind {one} {root}{one} && mount -o remount,bind,ro {root}{one}"
    yield f"mount -t tmpfs -o mode=755 dev {root}/dev && mkdir {root}/dev/shm"
    for name in ("null", "zero", "urandom"):
        yield f"touch {root}/dev/{name} && mount --bind /dev/{name} {root}/dev/{name}"
    yield f"mount -t tmpfs -o mode=1777 shm {root}/dev/shm"


def _enter(root, workdir, environment, command, identity=()):
    known = [f"{name}={value}" for name, value in environment.items()]
    inside = shlex.join(["cd", workdir]) + " && exec " + shlex.join([*identity, "env", "-i", *known, *command])
    return shlex.join(["exec", "chroot", str(root), "/bin/sh", "-c", inside])


class Bare:
    """One container, from `with` to its end."""

    def __init__(self, image, folder, text, start_s):
        self.image, self.folder, self.service, self.start_s = image, folder, compose(text).service, start_s
        self.health, self.port = image.stage.health, self.service.ports[0].rsplit(":", 1)[1]
        self.place = image.folder.parent / f"container-{time.monotonic_ns()}"
        self.root = self.place / "root"

    def __enter__(self):
        self.root.mkdir(parents=True)
        line = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "sh", "-ec"]
        with (self.place / "log").open("w") as log:
            self.holder = subprocess.Popen([*line, "\n".join(self._script())], stdout=log, stderr=log)
        try:
            self._await_start()
        except BaseException:
            self._end()
            raise
        return self

    def _await_start(self):
        ends = time.monotonic() + self.start_s
        while not self._is_started():
            assert self.is_running, self.log
            assert time.monotonic() < ends, f"not started within {self.start_s} s: {self.log}"
            time.sleep(0.1)

    def _is_started(self):
        """Whether the root is made, and what was started in it has become the user of the image."""
        try:
            return "NoNewPrivs:\t1" in Path(f"/proc/{self.pid}/status").read_text()
        except (IndexError, FileNotFoundError):
            return False

    def _script(self):
        one, root = self.service, self.root
        yield "ip link set lo up"
        yield f"mount --bind {self.image.folder} {root}"
        yield from _borrow(root)
        yield f"mount -t proc proc {root}/proc"
        for target in self.image.volumes:
            yield f"mount --bind {self._volume(target, target)} {root}{target}"
        for source, target, closed in one.mounts(self.folder):
            place = source if source.startswith("/") else self._volume(source, target)
            yield f"mount --bind {place} {root}{target}"
            yield f"mount -o remount,bind,ro {root}{target}" if closed else "true"
        for target in one.tmpfs:
            yield f"mount -t tmpfs -o mode=1777 tmp {root}{target}"
        yield f"mount -o remount,bind,ro {root}" if one.read_only else "true"
        yield _enter(root, self.image.workdir, self._environment(), self.image.command, self._identity())

    def _volume(self, name, target):
        """Return a new volume: what the image has at that place, with its owners."""
        place = self.place / "volumes" / name.strip("/").replace("/", "-")
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", f"{self.image.folder}{target}", place], check=True)
        return place

    def _environment(self):
        user = int(self.image.user.split(":")[0])
        lines = (self.image.folder / "etc" / "passwd").read_text().splitlines()
        homes = {int(line.split(":")[2]): line.split(":")[5] for line in lines}
        files = [self.folder / one.path for one in self.service.env_file]
        own = dict(line.split("=", 1) for file in files if file.exists() for line in file.read_text().splitlines())
        return self.image.environment | {"HOME": homes[user]} | own

    def _identity(self):
        user, group = self.image.user.split(":")
        assert self.service.cap_drop == ["ALL"]
        assert self.service.security_opt == ["no-new-privileges:true"]
        return [
            *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"),
            *("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"),
        ]

    @property
    def pid(self):
        """The first process inside, with which all others there end."""
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text()
        return int(children.split()[0])

    def __exit__(self, *_):
        self._end()

    def _end(self):
        """End what runs, also if the test failed: --kill-child does not once the child is another user.

        Source: PR_SET_PDEATHSIG in prctl(2).
        """
        with suppress(IndexError, FileNotFoundError, ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self.holder.wait(END_S)
        self.holder.kill()
        self.holder.wait()

    def call(self, *command):
        inside = _enter("/", self.image.workdir, self._environment(), command, self._identity())
        line = [
            "nsenter",
            "--target",
            str(self.pid),
            "--mount",
            "--pid",
            "--net",
            "--ipc",
            "--root",
            "sh",
            "-c",
            inside,
        ]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def fetch(self, path="/"):
        """Return what a browser gets from the published port."""
        address = ["--header", f"Host: localhost:{self.port}", f"http://{OUTSIDE}:{self.port}{path}"]
        line = ["nsenter", "--target", str(self.pid), "--net", "curl", "--silent", "--max-time", "5", *address]
        return subprocess.run(line, capture_output=True, text=True, check=False).stdout

    @property
    def log(self):
        return (self.place / "log").read_text()

    @property
    def is_running(self):
        return self.holder.poll() is None

    def stop(self):
        """Return after how many seconds it had ended, and with what exit code."""
        begun = time.monotonic()
        os.kill(self.pid, self.image.stop)
        code = self.holder.wait(30)
        return time.monotonic() - begun, code
