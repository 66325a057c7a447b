"""The shipped systemd units: read by systemd itself, and how root answers a service whose user has no name."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.setup.service import Installation, ServiceKind, service_file
from tests.backstage import KEYS, ROOT, VARIABLES

UNITS = sorted((ROOT / "deploy").glob("*.service")) + sorted((ROOT / "deploy").glob("*.timer"))
PROGRAM = "/opt/provider-monitor/bin/provider-monitor"
OF_A_USER = "of-a-user.service"
"""The unit that `init` writes for a user."""
DYNAMIC = 61234
"""A user as DynamicUser makes them: of a number, and without a name for whoever asks the usual files."""

with_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def analyze(*words, folder):
    return subprocess.run(["systemd-analyze", *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path):
    """The shipped units, with a program that is here in the place of the one that is not."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, sys.executable))
    place = Installation((sys.executable, "-m", "monitor"), tmp_path / "100% odd" / "monitor.toml", tmp_path, tmp_path)
    (tmp_path / OF_A_USER).write_text(service_file(ServiceKind.USER, place).text)
    return tmp_path


@with_systemd
@pytest.mark.parametrize("name", [OF_A_USER, *(unit.name for unit in UNITS)])
def test_systemd_has_nothing_to_say_against_a_unit(units, name):
    done = analyze("verify", f"./{name}", folder=units)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@with_systemd
@pytest.mark.parametrize("name", [unit.name for unit in UNITS if unit.suffix == ".service"])
def test_a_service_is_little_exposed(units, name):
    done = analyze("security", "--offline=true", "--threshold=40", f"./{name}", folder=units)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a unit that is not loaded")

    assert done.returncode == 0, done.stdout


LAYOUT = f"""
cp -a /etc {{place}}/etc && mount --bind {{place}}/etc /etc && mkdir -p /etc/provider-monitor
cp {{place}}/monitor.toml /etc/provider-monitor/
for top in /var/lib /run; do
  mount -t tmpfs -o mode=755 none $top && mkdir -m 700 $top/private
  mkdir -m 700 $top/private/provider-monitor && chown {DYNAMIC}:{DYNAMIC} $top/private/provider-monitor
  ln -s private/provider-monitor $top/provider-monitor
done
exec sleep 300
"""
"""What systemd makes for DynamicUser, StateDirectory and a RuntimeDirectory that is preserved."""
SERVICE = f"""
for top in /var/lib /run; do
  mkdir $top/seen && mount --bind $top/private/provider-monitor $top/seen
  mount -t tmpfs -o mode=755 none $top/private && mkdir $top/private/provider-monitor
  mount --bind $top/seen $top/private/provider-monitor
done
cd /var/lib/provider-monitor && umask 077
exec setpriv --reuid={DYNAMIC} --regid={DYNAMIC} --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \\
  env HOME=/var/lib/provider-monitor RUNTIME_DIRECTORY=/run/provider-monitor {{program}} run
"""
"""What the service sees of it."""


@pytest.fixture
def machine(tmp_path, stage):
    """A way to run commands on a machine with the layout of our unit, and the service that runs there."""
    missing = [name for name in ("unshare", "nsenter", "setpriv", "mount") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"the layout of a unit needs root and {', '.join(missing or ['unshare'])}")
    python = "/usr/bin/python3"
    seen = subprocess.run([python, "-V"], capture_output=True, text=True, check=False).stdout
    if f" 3.{sys.version_info[1]}." not in seen:
        pytest.skip("a user without rights needs the system's Python, and that is not this one")
    stage.write_config(tmp_path)
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    program = f"env PYTHONPATH={ROOT}:{libraries} PYTHONDONTWRITEBYTECODE=1 {python} -m monitor --config"
    with Machine(tmp_path, f"{program} /etc/provider-monitor/monitor.toml") as made:
        yield made


@pytest.fixture
def stage():
    from tests.backstage import backstage

    with backstage() as made:
        yield made


class Machine:
    def __init__(self, folder, program):
        self.folder, self.program = folder, program
        self.keys = {name: KEYS[id] for name, id in VARIABLES.items()} | {"PATH": os.environ["PATH"]}

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-ec", LAYOUT.format(place=self.folder)])
        until(lambda: Path(f"/proc/{self.holder.pid}/comm").read_text() == "sleep\n")
        inside = SERVICE.format(program=self.program)
        with (self.folder / "log").open("w") as log:
            line = [*self._inside(), "unshare", "-m", "sh", "-ec", inside]
            self.service = subprocess.Popen(line, env=self.keys, stdout=log, stderr=log)
        return self

    @property
    def is_running(self):
        assert self.service.poll() is None, (self.folder / "log").read_text()
        return True

    def _inside(self):
        return ["nsenter", "-m", "-t", str(self.holder.pid)]

    def call(self, line):
        """Run a line as root, outside of the service."""
        done = subprocess.run(
            [*self._inside(), "sh", "-c", line], env=self.keys, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def __exit__(self, *_):
        self.service.send_signal(signal.SIGTERM)
        code = self.service.wait(20)
        self.holder.kill()
        self.holder.wait()
        assert code == 0, (self.folder / "log").read_text()


def until(check, limit_s=60):
    ends = time.monotonic() + limit_s
    while not check():
        assert time.monotonic() < ends, f"not within {limit_s} s"
        time.sleep(0.2)


@pytest.mark.slow
def test_root_answers_a_service_whose_user_has_no_name(machine, stage):
    stage.set("openai/main", "invalid_key")
    until(lambda: machine.is_running and machine.call(f"{machine.program} incidents")[0] == 1)
    code, out, err = machine.call(f"{machine.program} acknowledge --by root")
    assert (code, err) == (0, "")
    assert "acknowledged" in out

    explained = machine.call(f"{machine.program} alerts explain")[1]
    assert "acknowledged" in explained
    assert machine.call("ls /etc/provider-monitor")[1].split() == ["monitor.toml"]
