"""Which proxy a request uses: from our own setting, or from the variables that curl and requests read; pure."""

import re
from binascii import b2a_base64
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from probes.redact import is_key

FORM = 'write it as "http://host:port"'
PORTS = {"http": 80, "https": 443}
LOOPBACK = ("localhost", "127.0.0.0/8", "::1")
"""How other programs are told to bypass the proxy for this machine."""
PORT = re.compile(r"^(.*?):([0-9]{1,5})$")
DOMAIN = re.compile(r"(?:[a-z0-9_\-]+\.)+[a-z]{2,24}\.?")
"""A domain name, even a generated one: no key looks like this."""

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    Host = IPv4Address | IPv6Address | str


class ProxyError(ValueError):
    """Why a text names no usable proxy; never contains its user or password."""


class ProxyFault(StrEnum):
    """How a proxy stops a request."""

    NAME = "name"
    TLS = "tls"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    PROTOCOL = "protocol"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    UNREACHED = "unreached"
    REFUSED = "refused"


class ProxyStopped(Struct, frozen=True, tag="proxy-stopped"):
    """The proxy named `proxy` stopped a request to `place`; neither holds a secret.

    `status` is the proxy's own answer, None without one. `has_user`: we gave it a user. `detail` is to be quoted: the
    words of the system or of OpenSSL, or the schemes that the proxy asks for.
    """

    proxy: str
    how: ProxyFault
    place: str
    status: int | None = None
    has_user: bool = False
    detail: str = ""


class Proxy(Struct, frozen=True):
    """One forward proxy. `user` is None where it requires no authentication.

    A user without a password is the credential itself, so it is treated as a secret; so is one that looks like a key.
    """

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.name})"

    @property
    def name(self) -> str:
        """The name to show: without user and password."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.name}"

    @property
    def url_with_password(self) -> str:
        """The URL for another program, which takes its proxy from a variable."""
        if self.user is None:
            return self.url
        return f"{self.scheme}://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{self.name}"

    @property
    def authorization(self) -> str | None:
        """The Proxy-Authorization header (RFC 9110, 11.7.2); None where none is needed."""
        return None if self.user is None else f"Basic {self._pair}"

    @property
    def _pair(self) -> str:
        return b2a_base64(f"{self.user}:{self.password}".encode(), newline=False).decode()

    @property
    def known_user(self) -> str | None:
        """The user, if it may be shown; None where there is none or it is a secret."""
        return None if not self.user or self._is_user_secret else self.user

    @property
    def _is_user_secret(self) -> bool:
        return not self.password or is_key(self.user or "")

    @property
    def secrets(self) -> list[str]:
        user = self.user if self.user and self._is_user_secret else ""
        found = [secret for secret in (user, self.password) if secret]
        return [*found, self._pair] if found else []


class Proxies(Struct, frozen=True):
    """The proxy per scheme, None for a direct connection; `bypass` lists the hosts that always get one."""

    http: Proxy | None = None
    https: Proxy | None = None
    bypass: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Proxy, ...]:
        return tuple(dict.fromkeys(one for one in (self.http, self.https) if one))

    @property
    def secrets(self) -> list[str]:
        return [secret for one in self.all for secret in one.secrets]


DIRECT = Proxies()


class Egress(Struct, frozen=True):
    """How requests leave: through which proxies, and which certificate authorities are trusted.

    `ca_file` holds the only trusted authorities, as PEM; None: those of the system.
    """

    proxies: Proxies = DIRECT
    ca_file: str | None = None


DIRECT_EGRESS = Egress()


def parse_proxy(text: str) -> Proxy:
    """Return the proxy that an address names. Raises ProxyError."""
    address = text.strip()
    address = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:  # unbalanced brackets, or a port that is no number
        raise ProxyError("is no web address") from None
    if is_key_for_host(parts.netloc.rpartition("@")[2]):
        raise ProxyError("has what looks like a key in the place of its host")
    if parts.scheme.startswith("socks"):
        raise ProxyError("is a SOCKS proxy, which is not supported")
    if parts.scheme not in PORTS or not host or not address.isprintable() or " " in address:
        raise ProxyError("is no web address")
    if port == 0:
        raise ProxyError("has 0 for a port, which is none")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ProxyError("has something behind the port")
    user = None if parts.username is None else unquote(parts.username)
    return Proxy(parts.scheme, host, port or PORTS[parts.scheme], user, unquote(parts.password or ""))


def is_key_for_host(place: str) -> bool:
    """Whether the host part of an address, with or without a port, is most likely a key."""
    return not DOMAIN.fullmatch(PORT.sub(r"\1", place)) and is_key(place)


def read_environment(environment: Mapping[str, str]) -> tuple[Proxies, list[tuple[str, str]]]:
    """Return the proxies from the usual variables, and (variable, problem) for each one in use that is invalid.

    Read as curl and requests do: lower case wins, ALL_PROXY is the fallback. Upper-case HTTP_PROXY is ignored inside a
    CGI program, where the client can set it (CVE-2016-5385).
    """
    problems: list[tuple[str, str]] = []
    found = {scheme: _read(scheme, environment, problems) for scheme in PORTS}
    excepted = environment.get("no_proxy", environment.get("NO_PROXY", ""))
    bypass = tuple(entry for entry in re.split(r"[,\s]+", excepted) if entry)
    return Proxies(found["http"], found["https"], bypass), problems


def _read(scheme: str, environment: Mapping[str, str], problems: list[tuple[str, str]]) -> Proxy | None:
    name = next(proxy_variables(scheme, environment), None)
    if name is None or not environment[name].strip():
        return None
    try:
        return parse_proxy(environment[name])
    except ProxyError as error:
        if (name, str(error)) not in problems:
            problems.append((name, str(error)))
        return None


def proxy_variables(scheme: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the variables that apply to a scheme, the strongest first."""
    for name in (f"{scheme}_proxy", "all_proxy"):
        if name in environment:
            yield name
        upper = name.upper()
        if upper in environment and not (upper == "HTTP_PROXY" and "REQUEST_METHOD" in environment):
            yield upper


@lru_cache(10_000)
def choose_proxy(proxies: Proxies, address: str) -> Proxy | None:
    """Return the proxy that a request to an address uses; None: it connects directly."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    proxy = {"http": proxies.http, "https": proxies.https}.get(parts.scheme)
    if proxy is None or host is None or is_bypassed(host, port, proxies.bypass):
        return None
    return proxy


def is_bypassed(host: str, port: int | None, bypass: tuple[str, ...]) -> bool:
    """Whether a host bypasses the proxy: this machine, a listed name and all below it, or a listed network.

    An entry may end with a port; it then applies to that port only.
    """
    asked = _host(host)
    return _is_loopback(asked) or any(_fits(entry, asked, port) for entry in bypass)


def _host(name: str) -> "Host":
    from ipaddress import ip_address  # needed only where there is a proxy

    name = name.strip("[]").rstrip(".").lower()
    try:
        found = ip_address(name.partition("%")[0])
    except ValueError:
        return name
    return getattr(found, "ipv4_mapped", None) or found


def _is_loopback(host: "Host") -> bool:
    if isinstance(host, str):
        return host == "localhost" or host.endswith(".localhost")
    return host.is_loopback


def _fits(entry: str, host: "Host", port: int | None) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return not isinstance(host, str) and _is_within(host, entry)
    name, its_port = _with_port(entry)
    if its_port is not None and its_port != port:
        return False
    wanted = _host(name.removeprefix("*").lstrip("."))
    if isinstance(host, str) and isinstance(wanted, str):
        return bool(wanted) and (host == wanted or host.endswith(f".{wanted}"))
    return host == wanted


def _with_port(entry: str) -> tuple[str, int | None]:
    """Return an entry's host and port; the colons of a bare IPv6 address start no port."""
    if entry.count(":") > 1 and not entry.startswith("["):
        return entry, None
    found = PORT.match(entry)
    return (found[1], int(found[2])) if found else (entry, None)


def _is_within(host: "IPv4Address | IPv6Address", network: str) -> bool:
    from ipaddress import ip_network

    try:
        return host in ip_network(network, strict=False)
    except ValueError:
        return False
