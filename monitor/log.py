"""Where log lines go: stderr, and never with a secret in them."""

import logging
import sys
from collections.abc import Iterable, Sequence

from probes.redact import conceal


class Discreet(logging.Formatter):
    """Formats a line, traceback included, and takes every secret out of it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._secrets = list(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Take these out, too; what was secret before stays so, as it may still be under way."""
        self._secrets += [secret for secret in secrets if secret not in self._secrets]

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(conceal(line, self._secrets) for line in super().format(record).split("\n"))


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a line is for us. What is no HTTP was answered with 400: nobody fills our log from outside."""
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__module__ != "aiohttp.http_exceptions"


def start_log(level: int, secrets: Sequence[str]) -> None:
    """Send all that is logged to stderr; other packages speak only of what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    logging.getLogger("monitor").setLevel(level)


def conceal_also(secrets: Iterable[str]) -> None:
    """Keep the secrets of another configuration out of the log, besides those it was started with."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Discreet):
            handler.formatter.learn(secrets)
