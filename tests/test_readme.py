"""The README and the pages it leads to say what the program does, and their figures are those that were measured."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from monitor.cli import COMMANDS
from probes.catalog import load_provider, provider_ids
from probes.model import Fault

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/tutorial.md")),
    *sorted(DOCS.glob("how-to/**/*.md")),
    *sorted(DOCS.glob("explanation/*.md")),
]
WORDS = 700
FIGURES = {
    "diagnosis.md": ("RESULTS-diagnosis.md", ["918", "99.78"]),
    "detection.md": (
        "RESULTS-detection.md",
        [
            *("0.8 / 1.2 min", "2.4 / 2.8 min", "4.6 / 9.1 min", "10.6 / 24.0 min"),
            *("2.6 / 2.9 min", "8.2 / 23.9 min", "56.2"),
        ],
    ),
    "process.md": ("RESULTS.md", ["0.182 ms", "2.39 %", "65.6 MiB", "119 MiB"]),
    "comparison.md": ("RESULTS.md", ["0.0567", "0.279", "0.099"]),
}
"""Figures of pages in docs/explanation, and the file in benchmarks/ that they come from."""


def page(name):
    return (DOCS / name).read_text()


def test_the_readme_is_two_screens():
    assert len(README.split()) <= WORDS


def test_every_command_is_told_with_the_words_of_its_help():
    rows = dict(re.findall(r"^\| `([\w-]+)[^|]*` \| (.*?) \|$", page("how-to/commands.md"), re.MULTILINE))

    assert rows == COMMANDS


def test_every_fault_stands_beside_its_blame():
    blames = {
        "your account": "account",
        "the provider": "provider",
        "the network between": "path",
        "our canary": "us",
        "undecided": "unknown",
    }
    rows = re.findall(rf"^\| ({'|'.join(blames)}) \| (.*) \|$", page("explanation/glossary.md"), re.MULTILINE)
    told = {fault: blames[who] for who, faults in rows for fault in re.findall(r"`(\w+)`", faults)}

    assert told == {fault.value: fault.blame.value for fault in Fault}


def test_the_variables_that_are_named_are_known():
    known = {variable for id in provider_ids() for variable in load_provider(id).key_variables}

    assert set(re.findall(r"[A-Z]+_API_KEY", "".join(one.read_text() for one in PAGES))) <= known


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
    (place,) = re.findall(r"^# python3 -m venv (\S+)$", page("how-to/deploy/systemd.md"), re.MULTILINE)
    lines = [page("how-to/deploy/cron.md"), *(file.read_text() for file in (ROOT / "deploy").glob("*.service"))]

    assert [re.search(rf"(ExecStart=|&& ){place}/bin/provider-monitor ", text) is not None for text in lines] == [
        True
    ] * 3


def test_the_make_targets_that_are_named_are_there():
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target
        for one in PAGES
        for target in re.findall(r"(?:^\$ (?:\w+=\S+ )?|`)make ([a-z-]+)", one.read_text(), re.M)
    }

    assert {"run", "test", "install", "bench"} <= named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_the_numbers_of_the_detectors_are_those_of_the_code():
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| ([\d.]+) \|", page("explanation/detection.md"), re.MULTILINE)
    told = {(module, name): float(value) for module, name, value in rows}

    assert len(told) > 30
    assert told == {
        (module, name): round(float(getattr(import_module(f"monitor.detect.{module}"), name)), 3)
        for module, name in told
    }


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_one_that_was_measured(name):
    results, figures = FIGURES[name]
    measured = (ROOT / "benchmarks" / results).read_text()

    assert [one for one in figures if one not in page(f"explanation/{name}")] == []
    assert [one for one in figures if one not in measured] == []
