"""What is installed: the ranges of pyproject.toml, the versions that they are held to, and the Pythons."""

import re
import subprocess
import tomllib
import warnings
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name as name_of

from tests.rows import each_row

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ALL = map(Requirement, (*PROJECT["dependencies"], *chain.from_iterable(EXTRAS.values())))
WANTED = [one for one in ALL if one.name != PROJECT["name"]]
LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
HELD = dict(line.split("==") for line in LINES)
VERSIONS = {name_of(name): version for name, version in HELD.items()}
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))


def needs(name, extras):
    """What a release that is held needs; nothing where another one is installed, as by `make newest`."""
    try:
        if metadata.version(name) != VERSIONS.get(name):
            return []
    except metadata.PackageNotFoundError:
        return []
    all_needs = map(Requirement, metadata.requires(name) or ())
    return [one for one in all_needs if not one.marker or any(one.marker.evaluate({"extra": e}) for e in extras)]


def test_a_constraint_is_a_name_and_a_version_and_nothing_else():
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert sorted(HELD, key=str.lower) == list(HELD)
    assert len(VERSIONS) == len(LINES)
    assert "provider-monitor" not in VERSIONS


@each_row("wanted", WANTED, ids=str)
def test_what_is_held_is_within_its_range_which_has_two_ends(wanted):
    assert wanted.specifier.contains(VERSIONS[name_of(wanted.name)])
    assert sorted(one.operator for one in wanted.specifier) == ["<", ">="]


def test_all_that_is_needed_is_held():
    known, next_ones = set(), {(name_of(one.name), "", *one.extras) for one in WANTED}
    while next_ones - known:
        known |= next_ones
        found = chain.from_iterable(needs(name, extras) for name, *extras in next_ones)
        next_ones = {(name_of(one.name), "", *one.extras) for one in found} - known

    assert {name for name, *_ in known} - {"pip"} <= set(VERSIONS)


def test_both_commands_and_the_image_install_what_is_held(tmp_path):
    make = ["make", "--dry-run", "--directory", ROOT, "run", "test", f"VENV={tmp_path}"]
    told = subprocess.run(make, capture_output=True, text=True, check=True).stdout + (ROOT / "Dockerfile").read_text()
    installs = [line for line in told.splitlines() if re.search(r"\bpip\b.* install ", line)]

    assert len(installs) == 3
    assert [line for line in installs if "--constraint constraints.txt" not in line] == []


def test_the_image_holds_the_newest_python_that_is_tested():
    assert set(re.findall(r"^FROM python:([\d.]+)-", (ROOT / "Dockerfile").read_text(), re.MULTILINE)) == {PYTHONS[-1]}
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">={PYTHONS[0]}")


def test_what_one_library_warns_another_of_breaks_no_test():
    with warnings.catch_warnings(record=True) as told:
        warnings.warn_explicit("old", DeprecationWarning, "inner.py", 1, module="library.inner")

    assert [str(one.message) for one in told] == ["old"]


def test_what_we_are_warned_of_is_an_error():
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)
