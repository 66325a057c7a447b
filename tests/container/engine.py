"""The image built and run by Docker, with the options of compose.yaml; by Compose itself where that is installed."""

import json
import shutil
import subprocess
import time
import uuid

import pytest

from tests.backstage import ROOT
from tests.container.recipe import compose, stages

TAG = "provider-monitor-under-test"
BUILD_LIMIT_S = 600


def docker(*arguments, check=True, **more):
    return subprocess.run(["docker", *map(str, arguments)], capture_output=True, text=True, check=check, **more)


def build():
    """Return a way to start containers of the shipped image; skip where no engine can make it."""
    if not shutil.which("docker") or docker("info", check=False).returncode:
        pytest.skip("no Docker engine answers here")
    (base,) = {stage.base for stage in stages((ROOT / "Dockerfile").read_text())}
    if docker("image", "inspect", base, check=False).returncode and docker("pull", base, check=False).returncode:
        pytest.skip(f"the engine has no image {base}, and cannot pull it")
    docker("build", "--tag", TAG, ROOT, timeout=BUILD_LIMIT_S)
    return Engine


class Engine:
    """One container, from `with` to its end."""

    def __init__(self, folder, text):
        self.folder, self.service = folder, compose(text).service
        self.name = f"provider-monitor-{uuid.uuid4().hex[:8]}"
        self.health = stages((ROOT / "Dockerfile").read_text())[-1].health
        self.host, self.port = self.service.ports[0].rsplit(":", 1)[0].split(":")

    def __enter__(self):
        docker("run", "--detach", "--name", self.name, *self._options(), TAG)
        self.pid = json.loads(docker("inspect", self.name).stdout)[0]["State"]["Pid"]
        return self

    def _options(self):
        one = self.service
        yield from ("--init",) * one.init + ("--read-only",) * one.read_only
        for source, target, closed in one.mounts(self.folder):
            place = source if source.startswith("/") else f"{self.name}-{source}"
            yield from ("--volume", f"{place}:{target}" + ":ro" * closed)
        for file in one.env_file:
            if file.required or (self.folder / file.path).exists():
                yield from ("--env-file", str(self.folder / file.path))
        for name, values in {
            "publish": one.ports,
            "tmpfs": one.tmpfs,
            "cap-drop": one.cap_drop,
            "security-opt": one.security_opt,
        }.items():
            for value in values:
                yield from (f"--{name}", value)

    def __exit__(self, *_):
        volumes = [f"{self.name}-{source}" for source, _, _ in self.service.mounts(self.folder) if source[0] != "/"]
        docker("rm", "--force", "--volumes", self.name)
        docker("volume", "rm", *volumes)

    def call(self, *command):
        done = docker("exec", self.name, *command, check=False)
        return done.returncode, done.stdout

    def fetch(self, path="/"):
        """Return what a browser of this machine gets from the published port."""
        return subprocess.run(
            ["curl", "--silent", "--max-time", "5", f"http://localhost:{self.port}{path}"],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip

    @property
    def log(self):
        done = docker("logs", self.name)
        return done.stdout + done.stderr

    @property
    def is_running(self):
        return json.loads(docker("inspect", self.name).stdout)[0]["State"]["Running"]

    def stop(self):
        """Return after how many seconds it had ended, and with what exit code, as `docker stop` ends it."""
        begun = time.monotonic()
        docker("stop", self.name)
        took_s = time.monotonic() - begun
        return took_s, json.loads(docker("inspect", self.name).stdout)[0]["State"]["ExitCode"]
