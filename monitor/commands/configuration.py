"""The configuration that a command line names."""

import os
from argparse import Namespace
from pathlib import Path

from monitor.config.config import Config
from monitor.config.load import from_environment, load
from probes.document import DocumentError, Problem

FILE = "monitor.toml"
DEMONSTRATION, DEMONSTRATED = "state/demo.db", "demonstration"
"""Its database, and what it calls its location."""
"""Where the demonstration remembers."""


def load_named(arguments: Namespace, *, sends: bool = False) -> Config:
    """Return the named configuration, else ./monitor.toml, else that of the environment's keys.

    It may have no account. `sends` says whether the command itself asks a provider or tells a channel; what the running
    monitor does is no matter. Raises DocumentError with all that is wrong.
    """
    path = arguments.config or Path(FILE)
    if arguments.config or _is_there(path):
        config = load(path, os.environ, sends=sends)
    else:
        config = from_environment(Path.cwd(), os.environ, sends=sends)
    arguments.loaded = config  # an error that comes later is told without its secrets
    return config


def load_with_accounts(arguments: Namespace, *, sends: bool = False) -> Config:
    """Return what `load_named` does. Raises DocumentError where there is no account, too."""
    config = load_named(arguments, sends=sends)
    if not config.accounts:
        repair = "add an [[accounts]] block, or set a key variable such as OPENAI_API_KEY; a demonstration has a page"
        raise DocumentError([Problem(config.file_name, "accounts", "is empty: nothing to look at", repair)])
    return config


def _is_there(path: Path) -> bool:
    """Whether there is a file, be it in a folder that is closed to us, of which `Path.exists` raises or says no."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
