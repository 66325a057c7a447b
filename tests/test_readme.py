"""The README says what the program does."""

import re
from pathlib import Path

from monitor.cli import COMMANDS
from probes.catalog import load_provider, provider_ids
from probes.model import Fault

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_command_is_told_with_the_words_of_its_help():
    rows = dict(re.findall(r"^\| `(\w+)[^|]*` \| (.*?) \|$", README, re.MULTILINE))

    assert rows == COMMANDS


def test_every_fault_stands_beside_its_blame():
    blames = {
        "your account": "account",
        "the provider": "provider",
        "the network between": "path",
        "our canary": "us",
        "undecided": "unknown",
    }
    rows = re.findall(rf"^\| ({'|'.join(blames)}) \| (.*) \|$", README, re.MULTILINE)
    told = {fault: blames[who] for who, faults in rows for fault in re.findall(r"`(\w+)`", faults)}

    assert told == {fault.value: fault.blame.value for fault in Fault}


def test_the_variables_that_are_named_are_known():
    known = {variable for id in provider_ids() for variable in load_provider(id).key_variables}

    assert set(re.findall(r"[A-Z]+_API_KEY", README)) <= known


def test_every_file_that_is_linked_is_there():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link


def test_a_picture_comes_first_in_each_scheme_and_is_small():
    start = (
        r'# provider-monitor\n\n<picture>\n  <source media="[^"]*dark[^"]*" srcset="(\S+)">\n  <img src="(\S+)" alt='
    )
    sizes = [(ROOT / name).stat().st_size for name in re.match(start, README).groups()]
    assert all(10_000 < size < 150_000 for size in sizes)


def test_the_program_is_installed_where_the_units_and_the_cron_line_look_for_it():
    (place,) = re.findall(r"^# python3 -m venv (\S+)$", README, re.MULTILINE)
    lines = [README, *(file.read_text() for file in (ROOT / "deploy").glob("*.service"))]

    assert [re.search(rf"(ExecStart=|&& ){place}/bin/provider-monitor ", text) is not None for text in lines] == [
        True
    ] * 3


def test_the_make_targets_that_are_named_are_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(
        r"^\$ (?:\w+=\S+ )?make (\w+)", README + (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE
    ):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
