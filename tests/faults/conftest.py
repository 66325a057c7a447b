"""What attacks the real program from outside: the simulated providers, and a small disk of its own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backstage import backstage
from tests.faults.machine import Machine


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("quick"):
            item.add_marker(pytest.mark.slow)


def _can_mount():
    unshare = shutil.which("unshare")
    mount = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(unshare) and subprocess.run(mount, capture_output=True, check=False).returncode == 0


@pytest.fixture
def stage():
    with backstage() as made:
        yield made


@pytest.fixture
def machine(tmp_path):
    if not (_can_mount() and shutil.which("nsenter")):
        pytest.skip("a disk of its own needs root, unshare and nsenter")
    with Machine(tmp_path) as made:
        yield made
