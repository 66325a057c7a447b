"""Settings and the usual variables → how requests leave: through which proxy, trusting which authorities."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from monitor.config.secret import SecretError, file_of, is_reference, resolve_path, resolve_secret
from probes.document import Problem
from probes.proxy import FORM, Egress, Proxies, Proxy, ProxyError, parse_proxy, read_environment
from probes.target_id import name_of, provider_of

ENVIRONMENT = "the environment"
"""The file name in errors about an environment variable."""
WITH_REFERENCE = re.compile(
    r"^(?P<scheme>[A-Za-z0-9+.-]+://)?(?P<user>[^:@/]+):(?P<password>[A-Za-z]+:.+)@(?P<place>[^@]+)$"
)
"""A proxy whose password is a reference: `http://user:env:NAME@host:port`."""
PASSWORD_REPAIR = (
    'put it into an environment variable or a file and write "http://user:env:NAME@host:port", '
    'or the whole address there and "env:NAME"'
)
USER_REPAIR = (
    'put the whole address into an environment variable or a file and write "env:NAME" or "file:PATH" in its place'
)


class EgressSetting(Protocol):
    """What an account, or a provider, says of its way; None: nothing. A proxy of "" means none."""

    @property
    def proxy(self) -> str | None: ...

    @property
    def ca_file(self) -> str | None: ...


class EgressDefaults(Struct, frozen=True):
    """Where settings are looked up: relative to which file, in which environment, and the default way."""

    file: Path
    environment: Mapping[str, str]
    usual: Egress


def read_default_egress(environment: Mapping[str, str]) -> tuple[Egress, list[Problem]]:
    """Return how requests leave by default, and what is wrong with the variables that say it."""
    proxies, wrong = read_environment(environment)
    return Egress(proxies), [Problem(ENVIRONMENT, name, why, f"mend or unset it: {FORM}") for name, why in wrong]


def check_ca_variables(environment: Mapping[str, str]) -> Iterator[Problem]:
    """Report authorities that OpenSSL would silently skip, and then trust nobody.

    Reading a whole system's authorities takes tens of milliseconds.
    """
    if (file := environment.get("SSL_CERT_FILE")) and (why := _why_unread(file)):
        yield ca_file_problem(file, why)
    folders = environment.get("SSL_CERT_DIR", "")
    if folders and not any(os.path.isdir(one) for one in folders.split(os.pathsep)):
        yield Problem(ENVIRONMENT, "SSL_CERT_DIR", f'= "{folders}" is no folder', "name one, or unset it")


def ca_file_problem(file: str, why: str) -> Problem:
    """Return what is said of a SSL_CERT_FILE that cannot be used."""
    return Problem(ENVIRONMENT, "SSL_CERT_FILE", f'= "{file}" {why}', "name a file of PEM certificates, or unset it")


def _why_unread(file: str) -> str | None:
    """Return why a file of authorities cannot be used. OpenSSL accepts all of it or, with one bad line, none."""
    from probes.transport.certificate import (  # loads OpenSSL, which must not slow down start
        CaFileError,
        make_ssl_context,
    )

    try:
        make_ssl_context(file)
    except CaFileError as error:
        return str(error)
    return None


def default_ca_names(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield, for people, which authorities the usual variables make us trust by default."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if place := environment.get(name):
            yield f"trusts the CAs in {place} ({name})"


def read_egress(
    setting: EgressSetting, key: str, ground: EgressDefaults, beyond: EgressSetting | None = None
) -> tuple[Egress, list[Problem]]:
    """Return how requests leave for an account, or its provider (`beyond`), that says something of it.

    `key` is the account's id. Problems are reported without a password.
    """
    proxies, ca_file = ground.usual.proxies, ground.usual.ca_file
    problems: list[Problem] = []
    for one, where in ((beyond, f"providers.{provider_of(key)}"), (setting, f"accounts.{name_of(key)}")):
        if one is not None and one.proxy is not None:
            proxies, wrong = _proxies(one.proxy, f"{where}.proxy", ground)
            problems += wrong
        if one is not None and one.ca_file is not None:
            ca_file, wrong = _authorities(one.ca_file, f"{where}.ca_file", ground)
            problems += wrong
    return Egress(proxies, ca_file), problems


def _proxies(text: str, key: str, ground: EgressDefaults) -> tuple[Proxies, list[Problem]]:
    bypass = ground.usual.proxies.bypass
    if not text:
        return Proxies(bypass=bypass), []
    try:
        proxy = _proxy(text, ground)
    except SecretError as error:
        return Proxies(bypass=bypass), [Problem(ground.file.name, key, str(error), "set it, or leave proxy out")]
    except ProxyError as error:
        return Proxies(bypass=bypass), [Problem(ground.file.name, key, str(error), REPAIRS.get(str(error), FORM))]
    return Proxies(proxy, proxy, bypass), []


OPEN_PASSWORD = "holds a password for all to read"
OPEN_USER = "holds a user who looks like a key, for all to read"
LONE_USER = "holds a user without a password, who is the key then, for all to read"
REPAIRS = {OPEN_PASSWORD: PASSWORD_REPAIR, OPEN_USER: USER_REPAIR, LONE_USER: USER_REPAIR}


def _proxy(text: str, ground: EgressDefaults) -> Proxy:
    """Raises ProxyError, SecretError."""
    folder = ground.file.parent
    if is_reference(text):
        return parse_proxy(resolve_secret(text, folder, ground.environment))
    if (parts := WITH_REFERENCE.match(text)) and is_reference(parts["password"]):
        password = resolve_secret(parts["password"], folder, ground.environment)
        proxy = replace(parse_proxy(f"{parts['scheme'] or ''}{parts['user']}@{parts['place']}"), password=password)
        if proxy.known_user is None:
            raise ProxyError(OPEN_USER)
        return proxy
    proxy = parse_proxy(text)
    if proxy.password:
        raise ProxyError(OPEN_PASSWORD)
    if proxy.user:
        raise ProxyError(LONE_USER)
    return proxy


def _authorities(name: str, key: str, ground: EgressDefaults) -> tuple[str, list[Problem]]:
    path = str(resolve_path(name, ground.file.parent))
    why, repair = _why_unread(path), "name a file with the certificates of the authorities, as PEM"
    return path, [Problem(ground.file.name, key, f'= "{name}" {why}', repair)] if why else []


def files_of(setting: EgressSetting, folder: Path) -> Iterator[Path]:
    """Yield the files that a setting names, so that a change of one is noticed."""
    if setting.ca_file:
        yield resolve_path(setting.ca_file, folder)
    text = setting.proxy or ""
    parts = WITH_REFERENCE.match(text)
    reference = parts["password"] if parts and not is_reference(text) else text
    if is_reference(reference) and (file := file_of(reference, folder)):
        yield file
