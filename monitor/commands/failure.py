"""What to tell of an error that ended a command, and the code to end with."""

import traceback

from monitor.commands.terminal import DOWN, complain, refuse
from monitor.config.config import Config
from monitor.storage_refusal import StoreError
from probes.document import DocumentError
from probes.redact import conceal


def report(error: Exception, config: Config | None) -> int:
    """Print what the user can mend; else where an error of ours was met. `config` is None where none was loaded."""
    if reasons := _reasons(error):
        return refuse(*reasons)
    _tell_of_bug(error, config)
    return DOWN


def _reasons(error: Exception) -> list[str]:
    """Return what to tell of an error that the user can mend; nothing of any other."""
    if isinstance(error, DocumentError):
        return list(map(str, error.problems))
    if isinstance(error, StoreError):
        return [str(error)]
    return []


def _tell_of_bug(error: Exception, config: Config | None) -> None:
    """Print where an error of ours was met, without the secrets that its text may hold."""
    told = "".join(traceback.format_exception(error))
    complain(conceal(told, config.secrets if config else ()))
