"""Which tests `make test-fast` runs: those that reach nothing and await nobody; and which ones begin."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.backstage import ROOT
from tests.conftest import IMPURE, WAITS, spread

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


@pytest.mark.parametrize(("name", "waits"), [("cli", True), ("page_in_browser", True), ("health", False)])
def test_a_file_waits_for_other_processes_by_what_it_imports(name, waits):
    text = Path(__file__).with_name(f"test_{name}.py").read_text()

    assert bool(WAITS.search(text)) is waits


@pytest.mark.parametrize(
    ("early", "dealt"),
    [(1, ["AAbbbb11", "112222cc", "ccdddddd"]), (2, ["AA111122", "bbbb22cc", "ccdddddd"])],
)
def test_what_waits_is_begun_by_the_workers_that_are_more_than_the_cores(early, dealt):
    files = [["A"] * 2, ["1"] * 4, ["b"] * 4, ["2"] * 4, ["c"] * 4, ["d"] * 6]
    found = "".join(spread(files, [True, False, True, False, False, False], workers=3, early=early))

    assert [found[at : at + 8] for at in range(0, 24, 8)] == dealt
