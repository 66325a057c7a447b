"""Checks before anything starts or is sent: some stop it, some only warn."""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from monitor.alert.address import check_address
from monitor.config.config import Config
from monitor.config.cost import check_budgets
from monitor.console.terminal import print_error
from probes.document import DocumentError, Problem


def check_before_start(config: Config) -> None:
    """Raise DocumentError if canaries would cost more than allowed, or a channel's URL is unusable.

    Warns of the user's own templates that fail.
    """
    for one in template_problems(config):
        print_error(str(replace(one, repair="the shipped one is used until it is mended")))
    if problems := what_cannot_work(config):
        raise DocumentError(problems)


def what_cannot_work(config: Config) -> list[Problem]:
    return [*check_budgets(config), *_wrong_channels(config)]


def _wrong_channels(config: Config) -> Iterator[Problem]:
    for channel in config.channels:
        if wrong := check_address(channel):
            yield Problem(config.file_name, f"channels.{channel.name}.{wrong.key}", wrong.what, wrong.repair)


def _wrong_languages(config: Config) -> Iterator[Problem]:
    """Yield what is wrong with the user's own files of the languages in use."""
    from monitor.sentence.translation import language_problems

    for code in sorted(config.site_languages | {channel.language for channel in config.channels}):
        yield from language_problems(code, config.own_folders)


MEND = "mend it, or take it away for the shipped one"


def template_problems(config: Config) -> Iterator[Problem]:
    """Yield what is wrong with the user's own templates; each is filled once to find out."""
    if config.templates:
        from monitor.alert.text import MessageTemplates

        for name, reason in MessageTemplates(config.templates).problems():
            yield Problem(f"{config.templates}/{name}", "", reason, MEND)
    if config.own_folders:
        yield from _wrong_languages(config)
    if config.own_folders and config.accounts:
        from monitor.console.template_check import alert_problems, page_problems

        now = datetime.now(UTC)
        for one in (*alert_problems(config, now).values(), *page_problems(config, now).values()):
            yield Problem(f"{one.folder}/{one.name}", "", one.reason, MEND)
