"""The tutorial shows what its commands print: all of it is done again, but for the installation."""

import re
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.backstage import ROOT
from tests.transcript import STEP, TUTORIAL, play

MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
VARYING = re.compile(
    rf"req_[0-9a-f]+|\b\d{{8}}-\d{{6}}-[0-9a-f]+|\d+ (?:{MONTHS}) \d+|\d+ min(?: \d+ s)?|\d+(?:[.:,]\d+)*(?: s\b)?|  +"
)
"""Ids, dates, spans, numbers, and how wide a column is."""


def shape(text):
    return [VARYING.sub(lambda one: "  " if one[0].isspace() else "0", block[4]) for block in STEP.finditer(text)]


def test_what_is_done_with_each_block_of_the_tutorial_is_said_above_it():
    text = TUTORIAL.read_text()

    assert len(STEP.findall(text)) == len(re.findall(r"^```\w", text, re.MULTILINE)) > 10
    assert all(block.strip() for block in shape(text))


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="trouble is brought with curl")
def test_the_tutorial_shows_what_its_commands_print(tmp_path):
    folder = tmp_path / "provider-monitor"
    folder.mkdir()
    shutil.copy(ROOT / "monitor.toml", folder)

    text, _ = play(folder, Path(sys.executable).parent, time.monotonic())

    assert shape(text) == shape(TUTORIAL.read_text())
