"""What attacks the real program from outside: the simulated providers, and a small disk of its own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backstage import backstage
from tests.faults.machine import Machine


def pytest_collection_modifyitems(items):
    for item in (one for one in items if one.path.is_relative_to(Path(__file__).parent)):
        item.add_marker(pytest.mark.faults)
        if not item.get_closest_marker("quick"):
            item.add_marker(pytest.mark.slow)


def _can(*command):
    unshare = shutil.which("unshare")
    return bool(unshare) and subprocess.run(["unshare", *command], capture_output=True, check=False).returncode == 0


def _can_mount():
    return bool(shutil.which("nsenter")) and _can("-m", "mount", "-t", "tmpfs", "none", "/mnt")


@pytest.fixture
def stage():
    with backstage() as made:
        yield made


@pytest.fixture
def machine(tmp_path):
    if not _can_mount():
        pytest.skip("a disk of its own needs root, unshare and nsenter")
    with Machine(tmp_path) as made:
        yield made


@pytest.fixture
def apart(tmp_path):
    """A machine whose network is its own."""
    if not (_can_mount() and _can("-n", "ip", "link", "set", "lo", "up")):
        pytest.skip("a network of its own needs root, unshare, nsenter and ip")
    with Machine(tmp_path, apart=True) as made:
        yield made


@pytest.fixture
def far_stage(apart):
    """The simulated providers in the network of that machine."""
    with backstage(apart.enter_network) as made:
        yield made
