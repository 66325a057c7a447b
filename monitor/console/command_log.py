"""The start of the log, for commands that probe or send."""

import logging
from argparse import Namespace

from monitor.config.config import Config
from monitor.config.file_access import check_secret_files
from monitor.log import start_log as start

log = logging.getLogger("monitor")


def start_command_log(arguments: Namespace, config: Config) -> None:
    start(logging.DEBUG if arguments.verbose else logging.INFO, config.secrets)


def print_problems(config: Config) -> None:
    for words in startup_problems(config):
        log.warning("%s", words)


def startup_problems(config: Config) -> list[str]:
    """Return which accounts cannot be probed, and which key files others can read."""
    its = config.accounts.values()
    unasked = [f"{one.id} is not asked until this is mended: {one.problem}" for one in its if one.problem]
    return unasked + check_secret_files(config.secret_files, config.secret_keys)
