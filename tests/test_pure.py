"""Which tests `make test-fast` runs: those that reach nothing and await nobody."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.backstage import ROOT
from tests.conftest import IMPURE

REACHING = """
import socket, sys
from tests.conftest import refuse
sys.addaudithook(refuse)
socket.socket().connect(("127.0.0.1", 9))
"""


@pytest.mark.parametrize(
    ("name", "is_pure"), [("health", True), ("provider", True), ("cli", False), ("transport_failure", False)]
)
def test_a_file_is_pure_by_what_it_imports(name, is_pure):
    text = Path(__file__).with_name(f"test_{name}.py").read_text()

    assert (IMPURE.search(text) is None) is is_pure


def test_a_pure_test_that_reaches_out_after_all_fails_by_name():
    done = subprocess.run([sys.executable, "-c", REACHING], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "PermissionError: socket.connect" in done.stderr
