"""The configuration that a command line names."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from monitor.config.config import Config
from monitor.config.document import FILE
from monitor.config.load import from_environment, load_config
from monitor.config.search import LOCAL, find_file, is_there
from monitor.console.terminal import WRONG_USE, print_error
from probes.document import DocumentError, Problem


def load_named(arguments: Namespace, *, sends: bool = False) -> Config:
    """Return the named configuration, else the first that `find_file` finds, else one from the environment's keys.

    It may have no account. `sends`: whether the command itself calls a provider or notifies a channel, whatever the
    running monitor does. Raises DocumentError with everything that is wrong.
    """
    arguments.loaded = None
    path = named_file(arguments)
    if arguments.config or is_there(path):
        config = _load(path, arguments, sends=sends)
    else:
        config = from_environment(Path.cwd(), os.environ, sends=sends)
    arguments.loaded = config  # so that a later error is printed without its secrets
    return config


def named_file(arguments: Namespace) -> Path:
    """Return where the configuration is, or would be."""
    return arguments.config or find_file(os.environ, sys.platform)


def name_file(problem: Problem, arguments: Namespace) -> Problem:
    """Name the configuration as people find it: a file that nobody named, and that is not here, with its whole path."""
    path = named_file(arguments)
    is_elsewhere = path.is_absolute() and not arguments.config
    return replace(problem, file=str(path)) if is_elsewhere and problem.file == path.name else problem


def _load(path: Path, arguments: Namespace, *, sends: bool) -> Config:
    try:
        return load_config(path, os.environ, sends=sends)
    except DocumentError as error:
        raise DocumentError([name_file(one, arguments) for one in error.problems]) from None


def say_source(arguments: Namespace) -> None:
    """Say on stderr which file is read, where that is another than people expect: one named, or ./monitor.toml."""
    path = named_file(arguments)
    if arguments.config or path == Path(FILE):
        return
    unread = f"; {FILE} beside it is not read" if path == Path(LOCAL) and is_there(Path(FILE)) else ""
    print_error(f"configuration: {path}{unread}")


def load_with_accounts(arguments: Namespace, *, sends: bool = False, probes: bool = False) -> Config:
    """Like `load_named`, but raises DocumentError also if there is no account; with --demo, the demonstration's.

    `probes`: the command asks providers itself. Others read a shared store as the judges do.
    """
    config = load_named(arguments, sends=sends)
    if getattr(arguments, "demo", False):
        from monitor.console.demonstration import Nowhere, demonstration

        return demonstration(Nowhere(), config)
    if not config.accounts:
        raise DocumentError([Problem(config.file_name, "accounts", "is empty: there is nothing to watch", FIRST_STEP)])
    if config.store.url and not probes:
        from monitor.config.role import judging_part  # only where one is shared

        return judging_part(config)
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
    "say `provider-monitor init`, add an [[accounts]] block, or set a key variable such as OPENAI_API_KEY; without any "
    "account, `run` shows a demonstration, which --demo reads"
)
