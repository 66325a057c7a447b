"""The address of a channel: its kind, and whether messages can be sent to it."""

import os
from collections.abc import MutableMapping
from typing import Any

from monitor.alert.channel import TERMINAL, Channel
from probes.proxy import LOOPBACK, PORTS


def check_address(channel: Channel) -> str | None:
    """Return what is wrong with a channel's address; None if nothing is. Sends nothing."""
    if channel.url == TERMINAL.url or open_service(channel) is not None:
        return None
    scheme = channel.url.partition("://")[0]
    known = scheme in {name for entry in load_apprise().Apprise().details()["schemas"] for name in _schemes(entry)}
    if known:
        return f"is not a complete {scheme}:// address: something is missing or of the wrong form"
    return "does not begin with the name of a service that Apprise knows"


def open_service(channel: Channel) -> Any | None:
    """Return the Apprise service of a channel; None if its address is unusable. Sends nothing."""
    apprise = load_apprise()
    # In this thread: Apprise's own pool is small, and the process waits for it at exit.
    service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, service_timeout=0))
    return service if service.add(channel.url) else None


def load_apprise() -> Any:
    # Imported when the first message is due: it takes longer than a whole cron run without one.
    import logging

    import apprise

    share_network_settings(os.environ)

    log = logging.getLogger("apprise")
    log.propagate, log.level = False, logging.WARNING  # its lines hold tokens; `_reason` takes what is fit to show
    return apprise


def share_network_settings(environment: MutableMapping[str, str]) -> None:
    """Make the HTTP library under Apprise use the same proxies and certificate authorities as we do.

    It reads the proxies from the environment itself, but uses them for this machine, too, and brings its own list of
    authorities.
    """
    if any(name in environment for scheme in PORTS for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")):
        excepted = environment.get("no_proxy", environment.get("NO_PROXY", ""))
        missing = [one for one in LOOPBACK if one not in excepted.split(",")]
        environment["no_proxy"] = environment["NO_PROXY"] = ",".join(filter(None, (excepted, *missing)))
    if not {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} & environment.keys():
        authorities = environment.get("SSL_CERT_FILE") or environment.get("SSL_CERT_DIR", "").partition(os.pathsep)[0]
        if authorities:
            environment["REQUESTS_CA_BUNDLE"] = authorities


def _schemes(entry: dict[str, Any]) -> list[str]:
    return [*(entry["protocols"] or ()), *(entry["secure_protocols"] or ())]
