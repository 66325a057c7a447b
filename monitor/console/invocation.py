"""How this program was called, so that a hint can be typed as it stands."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

PROGRAM = "provider-monitor"


def hint(words: str) -> str:
    """Return a command line of this program, for a person to type in the folder in which it was called."""
    return f"{called_as(sys.argv[0], Path.cwd(), shutil.which)} {words}"


def called_as(program: str, folder: Path, find: Callable[[str], str | None]) -> str:
    """Return how to call a program again: by its name if a shell finds it, else by its path, from `folder` if below it.

    `find` looks a name up as a shell does; None: it finds none. A module that Python was given goes by our usual name.
    """
    path = folder / program
    if path.name != PROGRAM or find(PROGRAM) == str(path):
        return PROGRAM
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
