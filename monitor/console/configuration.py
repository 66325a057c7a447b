"""The configuration that a command line names."""

import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from monitor.config.config import Config
from monitor.config.load import from_environment, load_config
from monitor.console.terminal import WRONG_USE, print_error
from probes.document import DocumentError, Problem

FILE = "monitor.toml"


def load_named(arguments: Namespace, *, sends: bool = False) -> Config:
    """Return the named configuration, else ./monitor.toml, else one made from the keys in the environment.

    It may have no account. `sends`: whether the command itself calls a provider or notifies a channel, whatever the
    running monitor does. Raises DocumentError with everything that is wrong.
    """
    arguments.loaded = None
    path = named_file(arguments)
    if arguments.config or _is_there(path):
        config = load_config(path, os.environ, sends=sends)
    else:
        config = from_environment(Path.cwd(), os.environ, sends=sends)
    arguments.loaded = config  # so that a later error is printed without its secrets
    return config


def named_file(arguments: Namespace) -> Path:
    """Return where the configuration is, or would be."""
    return arguments.config or Path(FILE)


def load_with_accounts(arguments: Namespace, *, sends: bool = False) -> Config:
    """Like `load_named`, but raises DocumentError also if there is no account; with --demo, the demonstration's."""
    config = load_named(arguments, sends=sends)
    if getattr(arguments, "demo", False):
        from monitor.console.demonstration import Nowhere, demonstration

        return demonstration(Nowhere(), config)
    if not config.accounts:
        raise DocumentError([Problem(config.file_name, "accounts", "is empty: there is nothing to watch", FIRST_STEP)])
    return config


class ReadableConfig(Struct, frozen=True):
    """A configuration for reading what is stored; `problems`: why it is not the file's own, but made from the store."""

    config: Config
    problems: tuple[Problem, ...] = ()


def load_readable(arguments: Namespace, load: Callable[[Namespace], Config]) -> ReadableConfig:
    """Return what `load` returns; while the file cannot be used, what was watched before.

    Raises DocumentError if nothing was.
    """
    try:
        return ReadableConfig(load(arguments))
    except DocumentError as error:
        from monitor.console.recorded_config import recorded_config

        is_loaded = arguments.loaded is not None  # then the file is right, and lacks something else
        config = None if is_loaded or getattr(arguments, "demo", False) else recorded_config(named_file(arguments))
        if config is None:
            raise
        return ReadableConfig(config, tuple(error.problems))


def read_with(arguments: Namespace, use: Callable[[Config], int]) -> int:
    """Run a command that only reads what is stored, and return its exit code.

    While the file cannot be used, it reads what was watched before, says what is wrong, and returns 2. Raises
    DocumentError if nothing was watched.
    """
    read = load_readable(arguments, load_with_accounts)
    for words in unused(read):
        print_error(words)
    code = use(read.config)
    return WRONG_USE if read.problems else code


def unused(read: ReadableConfig) -> Iterator[str]:
    """Yield what is wrong with the configuration, and what was used in its place."""
    if read.problems:
        name = read.config.file_name
        yield f"{name} cannot be used: what was watched before is shown, and a running monitor goes on with it"
        yield from map(str, read.problems)


FIRST_STEP = (
    "add an [[accounts]] block, or set a key variable such as OPENAI_API_KEY; without any account, `run` shows a "
    "demonstration, which --demo reads"
)


def _is_there(path: Path) -> bool:
    """Whether a file may exist, also in a folder closed to us, for which `Path.exists` raises or says no."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
