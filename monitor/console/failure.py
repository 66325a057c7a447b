"""How an error that ended a command is reported, and the exit code."""

import errno
import os
import traceback

from monitor.config.config import Config
from monitor.console.terminal import DOWN, print_error, print_refusal
from monitor.storage_refusal import StoreError
from probes.document import DocumentError
from probes.redact import redact_decoded


def report_error(error: Exception, config: Config | None) -> int:
    """Print what the user can fix, or else where our bug is. `config`: None if none was loaded."""
    if reasons := _reasons(error):
        return print_refusal(*reasons)
    _report_bug(error, config)
    return DOWN


def _reasons(error: Exception) -> list[str]:
    """Return the lines about an error that the user can fix; none for any other error."""
    if isinstance(error, DocumentError):
        return list(map(str, error.problems))
    if isinstance(error, StoreError):
        return [str(error)]
    if is_of_output(error):
        return [f"the output cannot be written ({os.strerror(FULL)}): make room there, or print it elsewhere"]
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        return ["the folder that this was said in is gone; change to another one"]
    return []


FULL = errno.ENOSPC


def is_of_output(error: Exception) -> bool:
    """Whether what we print does not fit where it goes: a file of ours would be named."""
    return isinstance(error, OSError) and error.errno == FULL and error.filename is None


def _is_folder_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _report_bug(error: Exception, config: Config | None) -> None:
    """Print where a bug of ours is, with the secrets that the text may hold masked."""
    told = "".join(traceback.format_exception(error))
    print_error(redact_decoded(told, config.secrets if config else ()))
