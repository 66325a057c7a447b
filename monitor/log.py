"""Logging to stderr, with every secret masked."""

import logging
import sys
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType

from probes.redact import redact_decoded

log = logging.getLogger("monitor")


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, and masks every secret in it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._secrets = list(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these, too; old secrets stay masked, as requests with them may be under way."""
        self._secrets += [secret for secret in secrets if secret not in self._secrets]

    def format(self, record: logging.LogRecord) -> str:
        return redact_decoded(super().format(record), self._secrets)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether to log a record. Malformed HTTP is dropped (it got a 400), so that outsiders cannot fill our log."""
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__module__ != "aiohttp.http_exceptions"


def start_log(level: int, secrets: Sequence[str]) -> None:
    """Log to stderr; from other packages only warnings and errors.

    What the interpreter would print by itself goes the same way: warnings, and uncaught errors, also in threads and
    finalizers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    logging.getLogger("monitor").setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: _note("nobody caught", kind, error, trace)
    sys.unraisablehook = lambda one: _note("nobody could be told", one.exc_type, one.exc_value, one.exc_traceback)
    threading.excepthook = lambda one: _note("a thread ended", one.exc_type, one.exc_value, one.exc_traceback)


def _note(what: str, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    log.error("%s: %s", what, kind.__name__, exc_info=(kind, error or kind(), trace))


def add_secrets(secrets: Iterable[str]) -> None:
    """Mask the secrets of a new configuration in the log, besides the earlier ones."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, RedactingFormatter):
            handler.formatter.learn(secrets)
