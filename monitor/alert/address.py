"""The address of a channel: what kind it is, and whether messages can be sent to it."""

from typing import Any

from monitor.alert.rule import TERMINAL, Channel


def check_address(channel: Channel) -> str | None:
    """Return what is wrong with a channel's address; None when nothing is. Sends nothing."""
    if channel.url == TERMINAL.url:
        return None
    apprise = load_apprise()
    scheme = channel.url.partition("://")[0]
    if apprise.Apprise().add(channel.url):
        return None
    known = scheme in {name for entry in apprise.Apprise().details()["schemas"] for name in _schemes(entry)}
    if known:
        return f"is not a complete {scheme}:// address: something is missing or of the wrong form"
    return "does not begin with the name of a service that Apprise knows"


def load_apprise() -> Any:
    # Imported when the first message is due: it takes longer than a whole cron run without one.
    import logging

    import apprise

    log = logging.getLogger("apprise")
    log.propagate, log.level = False, logging.WARNING  # its lines hold tokens; `_reason` takes what is fit to show
    return apprise


def _schemes(entry: dict[str, Any]) -> list[str]:
    return [*(entry["protocols"] or ()), *(entry["secure_protocols"] or ())]
