"""Where log lines go: stderr, and never with a secret in them."""

import logging
import sys
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType

from probes.redact import conceal

log = logging.getLogger("monitor")


class Discreet(logging.Formatter):
    """Formats a line, traceback included, and takes every secret out of it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._secrets = list(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Take these out, too; what was secret before stays so, as it may still be under way."""
        self._secrets += [secret for secret in secrets if secret not in self._secrets]

    def format(self, record: logging.LogRecord) -> str:
        return conceal(super().format(record), self._secrets)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a line is for us. What is no HTTP was answered with 400: nobody fills our log from outside."""
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__module__ != "aiohttp.http_exceptions"


def start_log(level: int, secrets: Sequence[str]) -> None:
    """Send all that is logged to stderr; other packages speak only of what is wrong.

    What the interpreter would print by itself goes the same way: warnings, and errors that nobody caught, in a thread,
    in what is being freed, or at all.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    logging.getLogger("monitor").setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: _note("nobody caught", kind, error, trace)
    sys.unraisablehook = lambda one: _note("nobody could be told", one.exc_type, one.exc_value, one.exc_traceback)
    threading.excepthook = lambda one: _note("a thread ended", one.exc_type, one.exc_value, one.exc_traceback)


def _note(what: str, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    log.error("%s: %s", what, kind.__name__, exc_info=(kind, error or kind(), trace))


def conceal_also(secrets: Iterable[str]) -> None:
    """Keep the secrets of another configuration out of the log, besides those it was started with."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Discreet):
            handler.formatter.learn(secrets)
