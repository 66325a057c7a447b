"""Checks before anything starts or is sent: some stop it, some only warn."""

from collections.abc import Iterator
from datetime import UTC, datetime

from monitor.alert.address import check_address
from monitor.config.config import Config
from monitor.config.cost import overspending
from monitor.console.terminal import complain
from probes.document import DocumentError, Problem


def check_before_start(config: Config) -> None:
    """Raise DocumentError if canaries would cost more than allowed, or a channel's URL is unusable."""
    _try_templates(config)
    if problems := [*overspending(config), *_wrong_channels(config)]:
        raise DocumentError(problems)


def _wrong_channels(config: Config) -> Iterator[Problem]:
    for channel in config.channels:
        if wrong := check_address(channel):
            repair = "compare it with Apprise's page on that service"
            yield Problem(config.file_name, f"channels.{channel.name}.url", wrong, repair)


def _try_templates(config: Config) -> None:
    """Warn of the user's own templates that fail; each is filled once to find out."""
    if config.templates:
        from monitor.alert.text import MessageTemplates

        for name, reason in MessageTemplates(config.templates).problems():
            complain(f"{config.templates}/{name}: {reason}; the shipped text is used until it is mended")
    if (config.templates or config.page_templates) and config.accounts:
        from monitor.console.template_check import alert_problems, page_problems

        now = datetime.now(UTC)
        for words in (*alert_problems(config, now).values(), *page_problems(config, now).values()):
            complain(f"{words}; the shipped one is used until it is mended")
