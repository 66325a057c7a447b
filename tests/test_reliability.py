"""What docs/explanation/reliability.md promises is proven: its tests are there, and each test of faults is in it."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

from tests.faults.mutate import ROOT, mutations
from tests.rows import each_row

DOCUMENT = ROOT / "docs" / "explanation" / "reliability.md"
NAMED = re.compile(r"`((?:tests/)?[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\(([^)#]+)\)")


def named_in(file: Path):
    """Return the names of a file's tests, without running it."""
    nodes = ast.walk(ast.parse(file.read_text()))
    return {one.name for one in nodes if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")}


def promised():
    return {f"{file}::{name}" for file, name in NAMED.findall(DOCUMENT.read_text())}


@cache
def known(folder, pattern):
    files = (ROOT / folder).glob(pattern)
    return {f"{file.relative_to(ROOT)}::{name}" for file in files for name in named_in(file)}


def test_each_test_that_is_named_as_a_proof_is_there():
    assert promised() - known("tests", "**/test_*.py") == set()


def test_each_test_of_faults_proves_a_line_of_the_document():
    assert known("tests/faults", "test_*.py") - promised() == set()


def test_each_line_of_a_promise_names_its_proof():
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ") and "---" not in line]
    without = [line for line in lines if not NAMED.search(line) and not line.startswith("| promise")]

    assert len(lines) > 40
    assert without == []


def test_each_link_leads_to_a_file():
    links = [one for one in LINK.findall(DOCUMENT.read_text()) if "://" not in one]

    assert [one for one in links if not (DOCUMENT.parent / one).exists()] == []


@each_row("one", mutations(), ids=lambda one: f"{one.file}-{one.test.rpartition('::')[2]}")
def test_each_guard_that_can_be_taken_out_stands_once_and_its_test_is_there(one):
    assert (ROOT / one.file).read_text().count(one.old) == 1
    assert one.old != one.new
    assert one.test in known("tests", "**/test_*.py")
    ast.parse((ROOT / one.file).read_text().replace(one.old, one.new))


def test_no_mutation_stands_twice():
    assert [one for one, times in Counter(map(repr, mutations())).items() if times > 1] == []
