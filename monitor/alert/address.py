"""The address of a channel: its kind, and whether messages can be sent to it."""

import os
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from monitor.alert.channel import TERMINAL, Channel
from monitor.alert.family import FAMILIES, host_of, scheme_of, wrong_priority
from monitor.alert.pager_address import HOSTS, wrong_pager
from monitor.alert.webhook_address import SCHEME, wrong_secret, wrong_webhook
from probes.proxy import LOOPBACK, PORTS


class WrongAddress(Struct, frozen=True):
    """What is wrong with a key of a channel, `url` or `secret`, and how to repair it; never any of its secrets."""

    what: str
    repair: str = "compare it with Apprise's page on that service"
    key: str = "url"


def check_address(channel: Channel) -> WrongAddress | None:
    """Return what is wrong with a channel's address; None if nothing is. Sends nothing."""
    if channel.url == TERMINAL.url:
        return None
    scheme = scheme_of(channel.url)
    if wrong := _wrong_of_ours(channel, scheme) or wrong_priority(channel.url):
        return WrongAddress(*wrong)
    if wrong := wrong_secret(channel):
        return WrongAddress(*wrong, key="secret")
    if scheme in (*HOSTS, WEBHOOK) or open_service(channel) is not None:
        return None
    scheme = channel.url.partition("://")[0]
    known = scheme in {name for entry in load_apprise().Apprise().details()["schemas"] for name in _schemes(entry)}
    if known:
        return WrongAddress(f"is not a complete {scheme}:// address: something is missing or of the wrong form")
    return WrongAddress("does not begin with the name of a service that Apprise knows")


def _wrong_of_ours(channel: Channel, scheme: str) -> tuple[str, str] | None:
    if scheme == WEBHOOK:
        return wrong_webhook(channel)
    return wrong_pager(channel.url) if scheme in HOSTS else None


WEBHOOK = SCHEME.rstrip(":")
PARTS = re.compile(r"[/:@?&=+#;,]+")
SHORTEST = 4
"""Fewest characters of a part of an address that can be a secret."""


def secrets_of(channel: Channel) -> list[str]:
    """Return all parts of a channel's address that nothing may show, the longest first, and the whole of it."""
    url = channel.url
    service = None if scheme_of(url) in (*HOSTS, WEBHOOK) else open_service(channel)
    shown = set(PARTS.split(unquote(service.urls(privacy=True)[0]))) if service and len(service) else _host_of(url)
    parts = {one for text in (url, unquote(url)) for one in PARTS.split(text)} - shown - WORDS
    # Apprise shows the values of headers (`+X-Token=...`) even where it hides the rest.
    headers = {value for name, value in parse_qsl(url.partition("?")[2]) if name.lstrip(" +")[:2].upper() == "X-"}
    found = {one for one in (*parts, *headers) if len(one) >= SHORTEST}
    return sorted({*found, url, unquote(url), channel.secret} - {""}, key=len, reverse=True)


def _host_of(url: str) -> set[str]:
    return {host_of(url.removeprefix(SCHEME))} if url.startswith(SCHEME) else set()


WORDS = {
    *FAMILIES,
    "https",
    "http",
    "priority",
    "region",
    "format",
    "severity",
    "markdown",
    "text",
    "html",
    "127.0.0.1",
}
"""What stands in addresses and is no secret."""


SENDER = "provider-monitor"
"""Who a message is from, where a service shows that."""


def open_service(channel: Channel) -> Any | None:
    """Return the Apprise service of a channel; None if its address is unusable. Sends nothing."""
    apprise = load_apprise()
    # In this thread: Apprise's own pool is small, and the process waits for it at exit.
    asset = apprise.AppriseAsset(async_mode=False, service_timeout=0, app_id=SENDER, app_desc=SENDER)
    service = apprise.Apprise(asset=asset)
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
