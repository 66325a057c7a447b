"""Take one guard after the other out of a copy of the tree, and see that the test that proves it fails.

python -m tests.faults.mutate [WORD ...]

Only mutations in whose test or file one of the words stands are run, each test with its guard first. Prints a line for
each; exit code 1 if any survives, or its test fails anyway.
"""

import shutil
import subprocess
import sys
import time
import tomllib
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("mutations.toml")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "state", "site", "__pycache__", ".*_cache")
LIMIT_S = 600


class Mutation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One guard: where it stands (`old`, once in `file`), what stands there without it, and the test that proves it."""

    test: str
    file: str
    old: str
    new: str


class Ending(StrEnum):
    FAILED = "seen to fail"
    ANYWAY = "FAILS ANYWAY"
    SURVIVED = "SURVIVED"
    SKIPPED = "skipped here"
    NOT_RUN = "NOT RUN"


def mutations() -> list[Mutation]:
    return msgspec.convert(tomllib.loads(TABLE.read_text())["mutation"], list[Mutation])


def prove(copy: Path, one: Mutation) -> Ending:
    """See the test pass, run it without its guard, and put the guard back."""
    with_it = _ending(copy, one.test)
    if with_it is not Ending.SURVIVED:
        return Ending.ANYWAY if with_it is Ending.FAILED else with_it
    file = copy / one.file
    whole = file.read_text()
    file.write_text(whole.replace(one.old, one.new))
    try:
        return _ending(copy, one.test)
    finally:
        file.write_text(whole)


def _ending(copy: Path, test: str) -> Ending:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return Ending.FAILED
    if done.returncode == pytest.ExitCode.TESTS_FAILED:
        return Ending.FAILED
    if done.returncode:
        return Ending.NOT_RUN
    return Ending.SURVIVED if " passed" in done.stdout else Ending.SKIPPED


def main(words: list[str]) -> int:
    chosen = [one for one in mutations() if not words or any(word in one.test + one.file for word in words)]
    endings = []
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for one in chosen:
            began = time.monotonic()
            endings.append(prove(copy, one))
            sys.stdout.write(f"{endings[-1]:<13} {time.monotonic() - began:4.0f} s  {one.test}  ({one.file})\n")
            sys.stdout.flush()
    return int(any(ending not in (Ending.FAILED, Ending.SKIPPED) for ending in endings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
